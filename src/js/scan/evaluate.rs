//! Static evaluation: what an expression may be, without running anything (spec: tracing.md section 4).
//! In: an expression and the names around it. Out: its values; what cannot be told is one of them. The
//! work on a file is bounded. Never follows a value out of the file.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::common::Spanned;
use swc_core::ecma::ast::{
    ArrayLit, ArrowFunctionBody, BinExpr, BinaryOp, Callee, Expr, Id, Ident, MemberExpr, MetaPropKind, ObjectLit,
    OptChainBase, Pat, Prop, PropName, PropOrSpread, Tpl, UnaryExpr, UnaryOp,
};

use super::node;
use super::operators::{arithmetic, is_something, of_literal, unary};
use super::platform::written_for;
use super::value::{ARCHITECTURE, Anchor, FILE_URL, HEAVIEST, PLATFORM, UNKNOWN, Value, Values};
use crate::js::literal::{member_name, unwrapped};
use crate::js::parse::Parsed;

/// The most alternatives that are kept.
const MOST: usize = 64;

/// How deep expressions are followed.
const DEEPEST: u32 = 64;

/// How many expressions of a file are looked at, at most: so many, and more for each byte of it.
const MOST_STEPS: u32 = 1_000_000;
const MOST_STEPS_PER_BYTE: u32 = 32;

/// How many of them for the sake of one: what is hard in one place takes nothing from the others.
const MOST_STEPS_EACH: u32 = 1 << 15;

/// What names stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By name.
    pub(super) values: FxHashMap<Id, Values>,
    /// Members that names are given: `load.ab = …`.
    pub(super) members: FxHashMap<(Id, String), Values>,
    /// What stands for nothing that can be told.
    pub(super) unknown: FxHashSet<Id>,
    /// What ncc puts before the paths of assets: `__nccwpck_require__.ab`, in every module.
    pub(super) asset_base: Option<Values>,
    /// Modules of Node that a bundle numbers: `17: (module) => { module.exports = require('fs') }`.
    pub(super) numbered: FxHashMap<String, Value>,
}

/// The names of a file, and how to work out more.
pub(super) struct Scope<'a> {
    parsed: &'a Parsed,
    pub(super) extension: &'a str,
    pub(super) names: RefCell<Names>,
    depth: Cell<u32>,
    steps: Cell<u32>,
    /// Is a function looked into for what depends on its parameters?
    pub(super) apart: Cell<bool>,
    /// How many there may be, for the file and for the expression at hand.
    most: u32,
    limit: Cell<u32>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(parsed: &'a Parsed, extension: &'a str) -> Self {
        let (names, depth, steps, apart, limit) = Default::default();
        let size = parsed.program.span_hi().0.saturating_mul(MOST_STEPS_PER_BYTE);
        let most = size.saturating_add(MOST_STEPS);
        Self { parsed, extension, names, depth, steps, apart, most, limit }
    }

    /// How many expressions have been looked at.
    #[cfg(test)]
    pub(super) fn steps(&self) -> u32 {
        self.steps.get()
    }

    /// What the expression may be; never empty.
    pub(super) fn values(&self, expr: &Expr) -> Values {
        if self.depth.get() == 0 {
            self.limit.set(self.most.min(self.steps.get().saturating_add(MOST_STEPS_EACH)));
        }
        if self.depth.get() >= DEEPEST || self.steps.get() >= self.limit.get() {
            return unknown();
        }
        self.spend(1);
        self.depth.set(self.depth.get() + 1);
        let values = self.look(unwrapped(expr));
        self.depth.set(self.depth.get() - 1);
        if values.is_empty() || values.len() > MOST { unknown() } else { values }
    }

    /// Work that is as much as looking at so many expressions.
    pub(super) fn spend(&self, steps: u32) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    /// The first of them, where only one is of use.
    pub(super) fn value(&self, expr: &Expr) -> Value {
        self.values(expr).swap_remove(0)
    }

    /// The only one, where another would make a difference.
    pub(super) fn only(&self, expr: &Expr) -> Value {
        let mut values = self.values(expr);
        if values.len() == 1 { values.swap_remove(0) } else { Value::Unknown }
    }

    /// The first of them that can be called, if any.
    pub(super) fn callee(&self, expr: &Expr) -> Value {
        let mut values = self.values(expr).into_iter();
        values
            .find(|value| matches!(value, Value::Node(_) | Value::Require(_) | Value::Function(_)))
            .unwrap_or(Value::Unknown)
    }

    /// Is it this identifier, and not one that the file declares?
    fn is_global(&self, ident: &Ident) -> bool {
        ident.ctxt == self.parsed.unresolved
    }

    /// Is it `require` itself, by that name?
    pub(super) fn is_nodes_require(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Ident(ident) if ident.sym == "require" && self.is_global(ident))
    }

    fn look(&self, expr: &Expr) -> Values {
        match expr {
            Expr::Lit(literal) => vec![of_literal(literal)],
            Expr::Ident(ident) => self.name(ident),
            Expr::Tpl(template) => self.template(template),
            Expr::Member(member) => self.member(member),
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Member(member) => self.member(member),
                OptChainBase::Call(call) => self.call(&call.callee, &call.args),
            },
            Expr::Call(call) => match &call.callee {
                Callee::Expr(callee) => self.call(callee, &call.args),
                _ => unknown(),
            },
            Expr::New(new) => match self.value(&new.callee) {
                Value::Node(function) if &*function == "url.URL" => {
                    self.of_node(&function, new.args.as_deref().unwrap_or_default())
                }
                _ => unknown(),
            },
            Expr::Cond(choice) => match self.is_true(&choice.test) {
                Some(true) => self.values(&choice.cons),
                Some(false) => self.values(&choice.alt),
                None => [self.values(&choice.cons), self.values(&choice.alt)].concat(),
            },
            Expr::Bin(expr) => self.binary(expr),
            Expr::Unary(expr) => self.unary(expr),
            Expr::Array(array) => vec![self.array(array)],
            Expr::Object(object) => vec![self.object(object)],
            Expr::Assign(assignment) => self.values(&assignment.right),
            Expr::Await(awaited) => self.values(&awaited.arg),
            Expr::Arrow(arrow) => {
                let parameters: Vec<&Pat> = arrow.params.iter().collect();
                match &*arrow.body {
                    ArrowFunctionBody::Expr(expr) => vec![self.function(&parameters, &[], Some(expr))],
                    ArrowFunctionBody::FunctionBody(body) => vec![self.body(&parameters, &body.stmts)],
                }
            }
            Expr::Fn(function) => vec![self.declared(&function.function)],
            _ => unknown(),
        }
    }

    fn name(&self, ident: &Ident) -> Values {
        if !self.is_global(ident) {
            let names = self.names.borrow();
            let id = ident.to_id();
            let values = names.values.get(&id).filter(|_| !names.unknown.contains(&id));
            return values.cloned().unwrap_or_else(unknown);
        }
        vec![match &*ident.sym {
            "__dirname" => Value::text(Anchor::Directory.directory()),
            "__filename" => Value::text(Anchor::Directory.file(self.extension)),
            "require" => Value::Require(None),
            "URL" => Value::node("url.URL"),
            "undefined" => Value::Undefined,
            name @ ("module" | "process") => Value::node(if name == "module" { "this.module" } else { name }),
            _ => Value::Unknown,
        }]
    }

    fn template(&self, template: &Tpl) -> Values {
        let mut texts = vec![Value::text("")];
        for (index, part) in template.quasis.iter().enumerate() {
            let part = part.cooked.as_ref().map(|part| part.to_string_lossy()).unwrap_or_default();
            let part = Value::text(part);
            texts.iter_mut().for_each(|text| *text = joined(text, &part));
            if let Some(expr) = template.exprs.get(index) {
                texts = product(&texts, &self.values(expr), joined);
            }
        }
        texts
    }

    fn member(&self, member: &MemberExpr) -> Values {
        let name = || match member_name(&member.prop) {
            Some(name) => vec![Value::text(name)],
            None => member.prop.as_computed().map_or_else(unknown, |computed| self.values(&computed.expr)),
        };
        if let Expr::MetaProp(meta) = unwrapped(&member.obj) {
            let Some(name) = member_name(&member.prop).filter(|_| meta.kind == MetaPropKind::ImportMeta) else {
                return unknown();
            };
            return vec![match name.as_str() {
                "dirname" => Value::text(Anchor::Directory.directory()),
                "filename" => Value::text(Anchor::Directory.file(self.extension)),
                "url" => Value::text(format!("{FILE_URL}{}", Anchor::Directory.file(self.extension))),
                "resolve" => Value::node("import.meta.resolve"),
                _ => Value::Unknown,
            }];
        }
        let mut assigned = Values::new();
        if let (Expr::Ident(of), Some(name)) = (unwrapped(&member.obj), member_name(&member.prop)) {
            assigned = self.names.borrow().members.get(&(of.to_id(), name)).cloned().unwrap_or_default();
        }
        if member_name(&member.prop).as_deref() == Some("ab")
            && let Some(values) = &self.names.borrow().asset_base
        {
            return values.clone();
        }
        let objects = self.values(&member.obj);
        if objects.iter().all(|object| *object == Value::Unknown) {
            return if assigned.is_empty() { unknown() } else { assigned };
        }
        let members = product(&objects, &name(), |object, name| of_object(object, &name.to_text(), self.extension));
        // What is assigned takes the place of nothing, and stands beside anything else.
        let is_new = |value: &Value| !assigned.contains(value) && (assigned.is_empty() || *value != Value::Undefined);
        let own: Values = members.into_iter().flatten().filter(is_new).collect();
        [own, assigned].concat()
    }

    /// A member of what may be one of these, else what stands for it if it is not there.
    pub(super) fn members(&self, objects: &Values, name: &str, default: Option<Values>) -> Values {
        let members = objects.iter().flat_map(|object| of_object(object, name, self.extension)).collect();
        self.or_default(members, default)
    }

    /// A default counts where there is nothing.
    pub(super) fn or_default(&self, mut values: Values, default: Option<Values>) -> Values {
        if let Some(default) = default {
            let before = values.len();
            values.retain(|value| *value != Value::Undefined);
            if values.len() < before || values.contains(&Value::Unknown) {
                values.extend(default);
            }
        }
        values
    }

    /// `a + b + c + …`, `a || b || …`: however long.
    fn binary(&self, expr: &BinExpr) -> Values {
        let (mut first, mut rest) = (unwrapped(&expr.left), vec![&*expr.right]);
        while let Some(before) = first.as_bin().filter(|before| before.op == expr.op) {
            rest.push(&before.right);
            first = unwrapped(&before.left);
        }
        rest.iter().rev().fold(self.values(first), |left, right| {
            let values = self.two(expr.op, &left, right);
            if values.is_empty() || values.len() > MOST { unknown() } else { values }
        })
    }

    fn two(&self, op: BinaryOp, left: &Values, right: &Expr) -> Values {
        let (keeps_left, may_be): (fn(&Value) -> Option<bool>, bool) = match op {
            BinaryOp::LogicalOr => (Value::is_true, true),
            BinaryOp::LogicalAnd => (|value| value.is_true().map(|is| !is), false),
            BinaryOp::NullishCoalescing => (is_something, true),
            op => return product(left, &self.values(right), |left, right| arithmetic(op, left, right)),
        };
        // The sides that can be told, whichever it is.
        let mut values: Values =
            left.iter().filter(|value| may_be || keeps_left(value) != Some(false)).cloned().collect();
        values.retain(|value| keeps_left(value) != Some(false));
        if left.iter().any(|value| keeps_left(value) != Some(true)) {
            values.extend(self.values(right));
        }
        values
    }

    /// Whether all that it may be counts as true; none if that is not known.
    fn is_true(&self, expr: &Expr) -> Option<bool> {
        let values = self.values(expr);
        let first = values[0].is_true()?;
        values.iter().all(|value| value.is_true() == Some(first)).then_some(first)
    }

    fn unary(&self, expr: &UnaryExpr) -> Values {
        if let (UnaryOp::TypeOf, Expr::Ident(name)) = (expr.op, unwrapped(&expr.arg))
            && self.is_global(name)
            && ELSEWHERE.contains(&&*name.sym)
        {
            return vec![Value::text("undefined")];
        }
        self.values(&expr.arg).into_iter().map(|value| unary(expr.op, value)).collect()
    }

    fn array(&self, array: &ArrayLit) -> Value {
        let mut items = Vec::new();
        for element in &array.elems {
            match element {
                None => items.push(vec![Value::Undefined]),
                Some(element) if element.spread.is_none() => items.push(self.values(&element.expr)),
                Some(element) => match self.value(&element.expr) {
                    Value::Array(more) if items.len() + more.len() <= HEAVIEST as usize => {
                        self.spend(u32::try_from(more.len()).unwrap_or(u32::MAX));
                        items.extend(more.iter().cloned());
                    }
                    _ => return Value::Unknown,
                },
            }
        }
        Value::array(items)
    }

    fn object(&self, object: &ObjectLit) -> Value {
        let mut members = BTreeMap::new();
        for prop in &object.props {
            match prop {
                PropOrSpread::Spread(spread) => match self.value(&spread.expr) {
                    Value::Object(more) => {
                        self.spend(u32::try_from(more.len()).unwrap_or(u32::MAX));
                        members.extend(more.iter().map(|(key, values)| (key.clone(), values.clone())));
                    }
                    _ => return Value::Unknown,
                },
                PropOrSpread::Prop(prop) => {
                    let (key, values) = match &**prop {
                        Prop::KeyValue(pair) => (self.key(&pair.key), self.values(&pair.value)),
                        Prop::Shorthand(ident) => (Some(ident.sym.to_string()), self.name(ident)),
                        Prop::Method(method) => (self.key(&method.key), unknown()),
                        Prop::Getter(getter) => (self.key(&getter.key), unknown()),
                        _ => return Value::Unknown,
                    };
                    let Some(key) = key else { return Value::Unknown };
                    members.insert(key, values);
                }
            }
        }
        Value::object(members)
    }

    pub(super) fn key(&self, key: &PropName) -> Option<String> {
        match key {
            PropName::Ident(ident) => Some(ident.sym.to_string()),
            PropName::Str(text) => Some(text.value.to_string_lossy().into_owned()),
            PropName::Num(number) => Some(Value::Number(number.value).to_text()),
            PropName::Computed(computed) => self.value(&computed.expr).as_text().map(str::to_owned),
            PropName::BigInt(_) => None,
        }
    }
}

/// Names that other places have, and Node does not.
const ELSEWHERE: [&str; 6] = ["document", "window", "define", "importScripts", "Deno", "Bun"];

/// What cannot be told.
pub(super) fn unknown() -> Values {
    vec![Value::Unknown]
}

/// Every one with every other; nothing if they are too many.
pub(super) fn product<A, B, C>(one: &[A], other: &[B], make: impl Fn(&A, &B) -> C) -> Vec<C> {
    if one.len() * other.len() > MOST {
        return Vec::new();
    }
    one.iter().flat_map(|a| other.iter().map(|b| (a, b)).collect::<Vec<_>>()).map(|(a, b)| make(a, b)).collect()
}

/// Text after text.
fn joined(text: &Value, more: &Value) -> Value {
    match text.as_text() {
        Some(text) => Value::text(format!("{text}{}", more.to_text())),
        None => Value::Unknown,
    }
}

pub(super) fn of_object(object: &Value, name: &str, extension: &str) -> Values {
    let one = |value: Value| vec![value];
    if name.contains(UNKNOWN) {
        return unknown();
    }
    match object {
        Value::Object(members) if name.contains([PLATFORM, ARCHITECTURE]) => {
            let platforms = ["linux", "darwin", "win32"].into_iter();
            let names = platforms.flat_map(|platform| ["x64", "arm64"].map(|arch| written_for(name, platform, arch)));
            let names: BTreeSet<String> = names.collect();
            let values: Values = names.iter().filter_map(|name| members.get(name)).flatten().cloned().collect();
            if values.is_empty() { unknown() } else { values }
        }
        Value::Object(members) => members.get(name).cloned().unwrap_or_else(|| one(Value::Undefined)),
        Value::Array(items) => match name.parse::<usize>() {
            Ok(index) => items.get(index).cloned().unwrap_or_else(|| one(Value::Undefined)),
            Err(_) if name == "length" && items.last() != Some(&unknown()) => {
                one(Value::Number(f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX))))
            }
            Err(_) => unknown(),
        },
        Value::Text(text) => match (text.strip_prefix(FILE_URL), name) {
            (Some(path), "pathname") => one(Value::text(path)),
            (Some(_), "href") => one(object.clone()),
            _ => unknown(),
        },
        Value::Node(of) if &**of == "this.module" => one(match name {
            "require" => Value::Require(None),
            "filename" | "id" => Value::text(Anchor::Directory.file(extension)),
            "path" => Value::text(Anchor::Directory.directory()),
            _ => Value::Unknown,
        }),
        Value::Node(of) => one(node::member(of, name)),
        // webpack's getter of a default export.
        Value::Function(getter) if name == "a" && matches!(getter.values.first(), Some(Value::Node(_))) => {
            getter.values.clone()
        }
        Value::Require(None) if name == "resolve" => one(Value::node("require.resolve")),
        _ => unknown(),
    }
}
