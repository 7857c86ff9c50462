//! Static evaluation: what an expression may be, without running anything (spec: tracing.md section 4).
//! In: an expression and the names around it. Out: its values; what cannot be told is one of them. The
//! work on a file is bounded. Never follows a value out of the file.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use swc_core::ecma::ast::{
    ArrayLit, ArrowFunctionBody, BinExpr, BinaryOp, Callee, Expr, ExprOrSpread, Id, Ident, Lit, MemberExpr,
    MetaPropKind, ObjectLit, OptChainBase, Pat, Prop, PropName, PropOrSpread, Stmt, Tpl, UnaryExpr, UnaryOp,
};

use super::node;
use super::value::{Anchor, FILE_URL, Returned, UNKNOWN, Value, Values};
use crate::js::literal::{member_name, unwrapped};
use crate::js::parse::Parsed;

/// The most alternatives that are kept.
const MOST: usize = 64;

/// How deep expressions are followed.
const DEEPEST: u32 = 64;

/// How many expressions of a file are looked at, at most.
const MOST_STEPS: u32 = 4_000_000;

/// The names of a file, and what they stand for.
pub(super) struct Scope<'a> {
    parsed: &'a Parsed,
    pub(super) names: FxHashMap<Id, Values>,
    depth: Cell<u32>,
    steps: Cell<u32>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(parsed: &'a Parsed, names: FxHashMap<Id, Values>) -> Self {
        Self { parsed, names, depth: Cell::new(0), steps: Cell::new(0) }
    }

    /// What the expression may be; never empty.
    pub(super) fn values(&self, expr: &Expr) -> Values {
        let steps = self.steps.get();
        if self.depth.get() >= DEEPEST || steps >= MOST_STEPS {
            return unknown();
        }
        self.steps.set(steps + 1);
        self.depth.set(self.depth.get() + 1);
        let values = self.look(unwrapped(expr));
        self.depth.set(self.depth.get() - 1);
        if values.is_empty() || values.len() > MOST { unknown() } else { values }
    }

    /// The first of them, where only one is of use.
    pub(super) fn value(&self, expr: &Expr) -> Value {
        self.values(expr).swap_remove(0)
    }

    /// Is it this identifier, and not one that the file declares?
    fn is_global(&self, ident: &Ident) -> bool {
        ident.ctxt == self.parsed.unresolved
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
            Expr::Cond(choice) => match self.value(&choice.test).is_true() {
                Some(true) => self.values(&choice.cons),
                Some(false) => self.values(&choice.alt),
                None => [self.values(&choice.cons), self.values(&choice.alt)].concat(),
            },
            Expr::Bin(expr) => self.binary(expr),
            Expr::Unary(expr) => vec![self.unary(expr)],
            Expr::Array(array) => vec![self.array(array)],
            Expr::Object(object) => vec![self.object(object)],
            Expr::Assign(assignment) => self.values(&assignment.right),
            Expr::Await(awaited) => self.values(&awaited.arg),
            Expr::Arrow(arrow) => match &*arrow.body {
                ArrowFunctionBody::Expr(expr) => vec![self.function(&arrow.params, Some(expr), true)],
                ArrowFunctionBody::FunctionBody(body) => vec![self.body(&arrow.params, &body.stmts)],
            },
            Expr::Fn(function) => {
                let parameters: Vec<Pat> = function.function.params.iter().map(|param| param.pat.clone()).collect();
                match &function.function.body {
                    Some(body) => vec![self.body(&parameters, &body.stmts)],
                    None => unknown(),
                }
            }
            _ => unknown(),
        }
    }

    fn name(&self, ident: &Ident) -> Values {
        if !self.is_global(ident) {
            return self.names.get(&ident.to_id()).cloned().unwrap_or_else(unknown);
        }
        vec![match &*ident.sym {
            "__dirname" => Value::text(Anchor::Directory.directory()),
            "__filename" => Value::text(Anchor::Directory.file()),
            "require" => Value::Require(None),
            "URL" => Value::node("url.URL"),
            "undefined" => Value::Undefined,
            name @ ("module" | "process") => Value::node(if name == "module" { "this.module" } else { name }),
            _ => Value::Unknown,
        }]
    }

    fn template(&self, template: &Tpl) -> Values {
        let mut texts = vec![String::new()];
        for (index, part) in template.quasis.iter().enumerate() {
            let part = part.cooked.as_ref().map(|part| part.to_string_lossy()).unwrap_or_default();
            texts.iter_mut().for_each(|text| text.push_str(&part));
            if let Some(expr) = template.exprs.get(index) {
                texts = product(&texts, &self.values(expr), |text, value| format!("{text}{}", value.to_text()));
            }
        }
        texts.into_iter().map(Value::text).collect()
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
                "filename" => Value::text(Anchor::Directory.file()),
                "url" => Value::text(format!("{FILE_URL}{}", Anchor::Directory.file())),
                "resolve" => Value::node("import.meta.resolve"),
                _ => Value::Unknown,
            }];
        }
        let objects = self.values(&member.obj);
        if objects.iter().all(|object| *object == Value::Unknown) {
            return unknown();
        }
        let members = product(&objects, &name(), |object, name| of_object(object, &name.to_text()));
        members.into_iter().flatten().collect()
    }

    /// A member of what may be one of these, else what stands for it if it is not there.
    pub(super) fn members(&self, objects: &Values, name: &str, default: Option<Values>) -> Values {
        let members = objects.iter().flat_map(|object| of_object(object, name)).collect();
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

    fn call(&self, callee: &Expr, arguments: &[ExprOrSpread]) -> Values {
        if let Some(values) = self.method(unwrapped(callee), arguments) {
            return values;
        }
        match self.value(callee) {
            Value::Node(function) => self.of_node(&function, arguments),
            Value::Require(_) => match arguments.first().map(|argument| self.value(&argument.expr)) {
                Some(Value::Text(specifier)) => vec![node::module(&specifier).unwrap_or(Value::Unknown)],
                _ => unknown(),
            },
            Value::Function(returned) if returned.requires.is_none() => returned.values.clone(),
            _ => self.interop(callee, arguments),
        }
    }

    /// Compilers wrap what is required: `__importDefault(require('path'))`.
    fn interop(&self, callee: &Expr, arguments: &[ExprOrSpread]) -> Values {
        let name = match unwrapped(callee) {
            Expr::Ident(ident) => ident.sym.to_string(),
            Expr::Member(member) => member_name(&member.prop).unwrap_or_default(),
            _ => return unknown(),
        };
        let name = name.to_ascii_lowercase();
        let is_wrapper =
            ["interop", "__toesm", "__importstar", "__importdefault"].iter().any(|part| name.contains(part));
        let wrapped = arguments.first().filter(|_| is_wrapper).map(|argument| self.value(&argument.expr));
        vec![wrapped.filter(|value| matches!(value, Value::Node(_))).unwrap_or(Value::Unknown)]
    }

    /// `'a'.concat(b)`, `[a, b].join('/')`.
    fn method(&self, callee: &Expr, arguments: &[ExprOrSpread]) -> Option<Values> {
        let member = callee.as_member()?;
        let name = member_name(&member.prop)?;
        if !matches!(name.as_str(), "concat" | "join" | "toString") {
            return None;
        }
        let values = self.values(&member.obj);
        let is_data = |value: &Value| matches!(value, Value::Text(_) | Value::Array(_));
        if !values.iter().any(is_data) {
            return None;
        }
        let mut calls: Vec<Vec<Value>> = values.into_iter().map(|value| vec![value]).collect();
        for argument in arguments {
            let values = if argument.spread.is_some() { unknown() } else { self.values(&argument.expr) };
            calls = product(&calls, &values, |call, value| [call.as_slice(), std::slice::from_ref(value)].concat());
        }
        Some(calls.iter().map(|call| method(&name, &call[0], &call[1..])).collect())
    }

    fn of_node(&self, function: &str, arguments: &[ExprOrSpread]) -> Values {
        let mut calls: Vec<Vec<Value>> = vec![Vec::new()];
        for argument in arguments {
            let values = self.values(&argument.expr);
            if argument.spread.is_none() {
                calls = product(&calls, &values, |call, value| [call.as_slice(), std::slice::from_ref(value)].concat());
                continue;
            }
            let [Value::Array(items)] = values.as_slice() else { return unknown() };
            for item in items.iter() {
                calls = product(&calls, item, |call, value| [call.as_slice(), std::slice::from_ref(value)].concat());
            }
        }
        calls.iter().map(|call| node::call(function, call)).collect()
    }

    fn binary(&self, expr: &BinExpr) -> Values {
        let left = self.values(&expr.left);
        let (keeps_left, may_be): (fn(&Value) -> Option<bool>, bool) = match expr.op {
            BinaryOp::LogicalOr => (Value::is_true, true),
            BinaryOp::LogicalAnd => (|value| value.is_true().map(|is| !is), false),
            BinaryOp::NullishCoalescing => (is_something, true),
            op => {
                let right = self.values(&expr.right);
                return product(&left, &right, |left, right| arithmetic(op, left, right));
            }
        };
        // The sides that can be told, whichever it is.
        let mut values: Values =
            left.iter().filter(|value| may_be || keeps_left(value) != Some(false)).cloned().collect();
        values.retain(|value| keeps_left(value) != Some(false));
        if left.iter().any(|value| keeps_left(value) != Some(true)) {
            values.extend(self.values(&expr.right));
        }
        values
    }

    fn unary(&self, expr: &UnaryExpr) -> Value {
        let value = self.value(&expr.arg);
        match (expr.op, value) {
            (UnaryOp::Bang, value) => value.is_true().map_or(Value::Unknown, |is| Value::Bool(!is)),
            (UnaryOp::Minus, Value::Number(number)) => Value::Number(-number),
            (UnaryOp::Plus, Value::Number(number)) => Value::Number(number),
            (UnaryOp::Void, _) => Value::Undefined,
            (UnaryOp::TypeOf, Value::Text(_)) => Value::text("string"),
            (UnaryOp::TypeOf, Value::Require(_) | Value::Function(_)) => Value::text("function"),
            (UnaryOp::TypeOf, Value::Number(_)) => Value::text("number"),
            (UnaryOp::TypeOf, Value::Undefined) => Value::text("undefined"),
            _ => Value::Unknown,
        }
    }

    fn array(&self, array: &ArrayLit) -> Value {
        let mut items = Vec::new();
        for element in &array.elems {
            match element {
                None => items.push(vec![Value::Undefined]),
                Some(element) if element.spread.is_none() => items.push(self.values(&element.expr)),
                Some(element) => match self.value(&element.expr) {
                    Value::Array(more) => items.extend(more.iter().cloned()),
                    _ => return Value::Unknown,
                },
            }
        }
        Value::Array(Rc::new(items))
    }

    fn object(&self, object: &ObjectLit) -> Value {
        let mut members = BTreeMap::new();
        for prop in &object.props {
            match prop {
                PropOrSpread::Spread(spread) => match self.value(&spread.expr) {
                    Value::Object(more) => {
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
        Value::Object(Rc::new(members))
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

    /// A function with these statements.
    pub(super) fn body(&self, parameters: &[Pat], statements: &[Stmt]) -> Value {
        match statements.last() {
            Some(Stmt::Return(last)) => self.function(parameters, last.arg.as_deref(), statements.len() == 1),
            _ => Value::Unknown,
        }
    }

    fn function(&self, parameters: &[Pat], returned: Option<&Expr>, is_all: bool) -> Value {
        let Some(returned) = returned.map(unwrapped) else { return Value::Unknown };
        let named = |name: &Ident| {
            parameters.iter().position(|pattern| pattern.as_ident().is_some_and(|ident| ident.to_id() == name.to_id()))
        };
        let requires = returned.as_call().and_then(|call| {
            let Callee::Expr(callee) = &call.callee else { return None };
            let [argument] = call.args.as_slice() else { return None };
            let parameter = named(unwrapped(&argument.expr).as_ident()?)?;
            matches!(self.value(callee), Value::Require(None)).then_some(parameter)
        });
        let values = if is_all && requires.is_none() { self.values(returned) } else { unknown() };
        Value::Function(Rc::new(Returned { values, requires }))
    }
}

/// What cannot be told.
pub(super) fn unknown() -> Values {
    vec![Value::Unknown]
}

/// Every one with every other; nothing if they are too many.
fn product<A, B, C>(one: &[A], other: &[B], make: impl Fn(&A, &B) -> C) -> Vec<C> {
    if one.len() * other.len() > MOST {
        return Vec::new();
    }
    one.iter().flat_map(|a| other.iter().map(|b| (a, b)).collect::<Vec<_>>()).map(|(a, b)| make(a, b)).collect()
}

fn is_something(value: &Value) -> Option<bool> {
    match value {
        Value::Null | Value::Undefined => Some(false),
        Value::Unknown => None,
        _ => Some(true),
    }
}

fn of_literal(literal: &Lit) -> Value {
    match literal {
        Lit::Str(text) => Value::text(text.value.to_string_lossy()),
        Lit::Num(number) => Value::Number(number.value),
        Lit::Bool(literal) => Value::Bool(literal.value),
        Lit::Null(_) => Value::Null,
        _ => Value::Unknown,
    }
}

fn of_object(object: &Value, name: &str) -> Values {
    let one = |value: Value| vec![value];
    if name.contains(UNKNOWN) {
        return unknown();
    }
    match object {
        Value::Object(members) => members.get(name).cloned().unwrap_or_else(|| one(Value::Undefined)),
        Value::Array(items) => match name.parse::<usize>() {
            Ok(index) => items.get(index).cloned().unwrap_or_else(|| one(Value::Undefined)),
            Err(_) if name == "length" => one(Value::Number(f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX)))),
            Err(_) => unknown(),
        },
        Value::Text(text) => match (text.strip_prefix(FILE_URL), name) {
            (Some(path), "pathname") => one(Value::text(path)),
            (Some(_), "href") => one(object.clone()),
            _ => unknown(),
        },
        Value::Node(of) if &**of == "this.module" => one(match name {
            "require" => Value::Require(None),
            "filename" | "id" => Value::text(Anchor::Directory.file()),
            "path" => Value::text(Anchor::Directory.directory()),
            _ => Value::Unknown,
        }),
        Value::Node(of) => one(node::member(of, name)),
        Value::Require(None) if name == "resolve" => one(Value::node("require.resolve")),
        _ => unknown(),
    }
}

fn method(name: &str, of: &Value, arguments: &[Value]) -> Value {
    match (name, of) {
        ("toString", Value::Text(_)) => of.clone(),
        ("concat", Value::Text(_)) => {
            Value::text(std::iter::once(of).chain(arguments).map(Value::to_text).collect::<String>())
        }
        ("concat", Value::Array(items)) => {
            let mut all = items.to_vec();
            for argument in arguments {
                match argument {
                    Value::Array(more) => all.extend(more.iter().cloned()),
                    Value::Unknown => return Value::Unknown,
                    one => all.push(vec![one.clone()]),
                }
            }
            Value::Array(Rc::new(all))
        }
        ("join", Value::Array(items)) => {
            let separator = arguments.first().map_or_else(|| ",".to_owned(), Value::to_text);
            let text = |item: &Values| match item.as_slice() {
                [Value::Null | Value::Undefined] => String::new(),
                [one] => one.to_text(),
                _ => UNKNOWN.to_string(),
            };
            Value::text(items.iter().map(text).collect::<Vec<_>>().join(&separator))
        }
        _ => Value::Unknown,
    }
}

fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Value {
    let numbers = match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some((*left, *right)),
        _ => None,
    };
    match (op, left, right, numbers) {
        (BinaryOp::Add, _, _, Some((left, right))) => Value::Number(left + right),
        (BinaryOp::Add, Value::Text(_), _, _) | (BinaryOp::Add, _, Value::Text(_), _) => {
            Value::text(format!("{}{}", left.to_text(), right.to_text()))
        }
        (BinaryOp::Sub, _, _, Some((left, right))) => Value::Number(left - right),
        (BinaryOp::Mul, _, _, Some((left, right))) => Value::Number(left * right),
        (BinaryOp::Div, _, _, Some((left, right))) => Value::Number(left / right),
        (BinaryOp::Mod, _, _, Some((left, right))) => Value::Number(left % right),
        (BinaryOp::Lt, _, _, Some((left, right))) => Value::Bool(left < right),
        (BinaryOp::LtEq, _, _, Some((left, right))) => Value::Bool(left <= right),
        (BinaryOp::Gt, _, _, Some((left, right))) => Value::Bool(left > right),
        (BinaryOp::GtEq, _, _, Some((left, right))) => Value::Bool(left >= right),
        (BinaryOp::EqEq | BinaryOp::EqEqEq, left, right, _) => equal(left, right).map_or(Value::Unknown, Value::Bool),
        (BinaryOp::NotEq | BinaryOp::NotEqEq, left, right, _) => {
            equal(left, right).map_or(Value::Unknown, |equal| Value::Bool(!equal))
        }
        _ => Value::Unknown,
    }
}

/// Strictly; none if it cannot be told. What depends on the place of the file is not told either.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    let is_plain = |value: &Value| match value {
        Value::Text(text) => !text.contains(|letter: char| letter <= '\u{5}' || letter == UNKNOWN),
        Value::Number(_) | Value::Bool(_) | Value::Null | Value::Undefined => true,
        _ => false,
    };
    (is_plain(left) && is_plain(right)).then(|| left == right)
}
