//! What a file exports. In: a syntax tree. Out: each exported name and the expression behind it,
//! through bindings of the same file, in every form of ES modules, CommonJS and TypeScript. Never
//! follows an import.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use swc_core::common::Span;
use swc_core::ecma::ast::{
    ArrowFunctionBody, AssignExpr, AssignOp, AssignTarget, CallExpr, Callee, Decl, DefaultDecl, ExportSpecifier, Expr,
    Id, Ident, ModuleDecl, ModuleExportName, ModuleItem, ObjectLit, ObjectPatProp, Pat, Program, Prop, PropName,
    PropOrSpread, SimpleAssignTarget, Stmt, VarDecl,
};

use super::values::key;
use crate::js::literal::{member_name, text as literal, unwrapped};

/// The exports of a file.
#[derive(Default)]
pub(super) struct Exports<'a> {
    /// It has import or export statements.
    pub(super) is_esm: bool,
    /// It assigns to `exports` or `module.exports`.
    pub(super) assigned: bool,
    /// By name; the last assignment counts.
    pub(super) named: BTreeMap<String, Exported<'a>>,
    /// The modules all of whose exports it passes on: `export * from`, `module.exports = require()`.
    pub(super) passed_on: Vec<String>,
    /// There may be more: `module.exports` is something that cannot be looked into.
    pub(super) open: bool,
    /// The file's own top-level bindings.
    pub(super) bindings: FxHashMap<Id, &'a Expr>,
    /// The binding that `module.exports` is.
    pub(super) alias: Option<Id>,
    /// What is made a member of a binding: `all.x = …`, `__export(all, { x: () => … })`.
    members: FxHashMap<Id, Vec<(String, &'a Expr)>>,
}

/// What is behind an exported name.
#[derive(Clone, Copy)]
pub(super) enum Exported<'a> {
    /// The value of this expression.
    Value(&'a Expr),
    /// A function or class declared under the name.
    Declaration,
    /// Something of another file, or of a pattern, said here.
    Elsewhere(Span),
}

/// How many bindings are followed, one after another.
const MOST_STEPS: usize = 8;

/// Collects the exports of a file.
pub(super) fn collect(program: &Program) -> Exports<'_> {
    let mut exports = Exports::default();
    match program {
        Program::Module(module) => {
            for item in &module.body {
                if let ModuleItem::Stmt(statement) = item {
                    exports.bind(statement);
                } else if let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item
                    && let Decl::Var(variables) = &export.decl
                {
                    exports.bind_variables(variables);
                }
            }
            for item in &module.body {
                match item {
                    ModuleItem::ModuleDecl(declaration) => exports.declaration(declaration),
                    ModuleItem::Stmt(statement) => exports.statement(statement),
                }
            }
        }
        Program::Script(script) => {
            script.body.iter().for_each(|statement| exports.bind(statement));
            script.body.iter().for_each(|statement| exports.statement(statement));
        }
    }
    exports
}

impl<'a> Exports<'a> {
    /// The expression behind an exported name, through bindings.
    pub(super) fn value(&self, name: &str) -> Option<&'a Expr> {
        match self.named.get(name)? {
            Exported::Value(expr) => Some(self.followed(expr)),
            Exported::Declaration | Exported::Elsewhere(_) => None,
        }
    }

    /// What a name of the file stands for, if the expression is one.
    pub(super) fn followed(&self, expr: &'a Expr) -> &'a Expr {
        let mut expr = unwrapped(expr);
        for _ in 0..MOST_STEPS {
            let Expr::Ident(ident) = expr else { return expr };
            match self.bindings.get(&ident.to_id()) {
                Some(bound) => expr = unwrapped(bound),
                None => return expr,
            }
        }
        expr
    }

    /// Does the file itself say what is behind a name: not another file, a pattern, or a declaration?
    pub(super) fn has_value(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !matches!(value, Expr::Ident(_)))
    }

    fn bind(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Decl(Decl::Var(variables)) => self.bind_variables(variables),
            Stmt::Expr(statement) => match unwrapped(&statement.expr) {
                Expr::Assign(assignment) => self.bind_assignment(assignment),
                Expr::Call(call) => {
                    if let Some((Expr::Ident(target), members)) = getters(call) {
                        self.members.entry(target.to_id()).or_default().extend(members);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// `let x`, and later `x = …`: the first assignment counts. `x.name = …` makes a member of it.
    fn bind_assignment(&mut self, assignment: &'a AssignExpr) {
        let AssignExpr { op: AssignOp::Assign, left: AssignTarget::Simple(left), right, .. } = assignment else {
            return;
        };
        match left {
            SimpleAssignTarget::Ident(name) => {
                self.bindings.entry(name.to_id()).or_insert(right);
            }
            SimpleAssignTarget::Member(member) => {
                if let (Expr::Ident(target), Some(name)) = (unwrapped(&member.obj), member_name(&member.prop)) {
                    self.members.entry(target.to_id()).or_default().push((name, right));
                }
            }
            _ => {}
        }
    }

    fn bind_variables(&mut self, variables: &'a VarDecl) {
        for variable in &variables.decls {
            if let (Pat::Ident(name), Some(init)) = (&variable.name, &variable.init) {
                self.bindings.insert(name.to_id(), init);
            }
        }
    }

    fn declaration(&mut self, declaration: &'a ModuleDecl) {
        self.is_esm = true;
        match declaration {
            ModuleDecl::ExportDefaultExpr(export) => self.export("default", Exported::Value(&export.expr)),
            ModuleDecl::ExportDefaultDecl(export) if !matches!(export.decl, DefaultDecl::TsInterfaceDecl(_)) => {
                self.export("default", Exported::Declaration);
            }
            ModuleDecl::ExportDecl(export) => match &export.decl {
                Decl::Fn(function) => self.export(&function.ident.sym, Exported::Declaration),
                Decl::Class(class) => self.export(&class.ident.sym, Exported::Declaration),
                Decl::Var(variables) => {
                    for variable in &variables.decls {
                        match (&variable.name, &variable.init) {
                            (Pat::Ident(name), Some(init)) => self.export(&name.sym, Exported::Value(init)),
                            (pattern, _) => self.pattern(pattern),
                        }
                    }
                }
                _ => {}
            },
            ModuleDecl::ExportNamed(export) if !export.type_only => {
                for specifier in &export.specifiers {
                    match specifier {
                        ExportSpecifier::Named(named) if !named.is_type_only => {
                            let name = text(named.exported.as_ref().unwrap_or(&named.orig));
                            let exported = match &named.orig {
                                ModuleExportName::Ident(ident) if export.src.is_none() => self
                                    .bindings
                                    .get(&ident.to_id())
                                    .map_or(Exported::Elsewhere(named.span), |expr| Exported::Value(expr)),
                                _ => Exported::Elsewhere(named.span),
                            };
                            self.export(&name, exported);
                        }
                        ExportSpecifier::Namespace(namespace) => {
                            self.export(&text(&namespace.name), Exported::Elsewhere(namespace.span));
                        }
                        _ => {}
                    }
                }
            }
            ModuleDecl::ExportAll(export) if !export.type_only => {
                self.passed_on.push(export.src.value.to_string_lossy().into_owned());
            }
            ModuleDecl::TsExportAssignment(export) => self.module_exports(&export.expr),
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(name) => self.export(&name.sym, Exported::Elsewhere(name.span)),
            Pat::Assign(assign) => self.pattern(&assign.left),
            Pat::Array(array) => array.elems.iter().flatten().for_each(|element| self.pattern(element)),
            Pat::Object(object) => {
                for prop in &object.props {
                    match prop {
                        ObjectPatProp::Assign(prop) => self.export(&prop.key.sym, Exported::Elsewhere(prop.span)),
                        ObjectPatProp::KeyValue(prop) => self.pattern(&prop.value),
                        ObjectPatProp::Rest(_) => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        let Stmt::Expr(statement) = statement else { return };
        match unwrapped(&statement.expr) {
            Expr::Assign(assignment) => self.assignment(assignment),
            Expr::Call(call) => self.define_property(call),
            _ => {}
        }
    }

    /// `exports.x = …`, `module.exports.x = …`, `module.exports = …`, and chains of them.
    fn assignment(&mut self, assignment: &'a AssignExpr) {
        let mut value = &*assignment.right;
        if let Expr::Assign(next) = unwrapped(value) {
            self.assignment(next);
        }
        while let Expr::Assign(next) = unwrapped(value) {
            value = &next.right;
        }
        if let (AssignOp::Assign, AssignTarget::Simple(SimpleAssignTarget::Member(member))) =
            (assignment.op, &assignment.left)
        {
            match (dotted(&member.obj).as_deref(), member_name(&member.prop)) {
                (Some("exports" | "module.exports"), Some(name)) => {
                    self.assigned = true;
                    self.export(&name, Exported::Value(value));
                }
                (Some("module"), Some(name)) if name == "exports" => {
                    self.assigned = true;
                    self.module_exports(value);
                }
                _ => {}
            }
        }
    }

    fn module_exports(&mut self, value: &'a Expr) {
        self.named.clear();
        // `__toCommonJS(all)` is a copy.
        let (whole, is_copy) = only_argument(value).map_or((unwrapped(value), false), |argument| (argument, true));
        let members = match whole {
            Expr::Ident(ident) => self.members.get(&ident.to_id()).cloned(),
            _ => None,
        };
        let is_known = members.is_some();
        match self.followed(value) {
            Expr::Object(object) => self.members(object),
            Expr::Fn(_) | Expr::Arrow(_) | Expr::Class(_) | Expr::Lit(_) => {}
            value => match required(value) {
                Some(specifier) => self.passed_on.push(specifier),
                None => self.open |= !(is_known && is_copy),
            },
        }
        for (name, value) in members.into_iter().flatten() {
            self.export(&name, Exported::Value(value));
        }
        self.alias = whole.as_ident().filter(|_| !is_copy).map(Ident::to_id);
    }

    fn members(&mut self, object: &'a ObjectLit) {
        for prop in &object.props {
            let PropOrSpread::Prop(prop) = prop else {
                self.open = true;
                continue;
            };
            match &**prop {
                Prop::Shorthand(ident) => {
                    let value = self.bindings.get(&ident.to_id()).copied();
                    self.export(&ident.sym, value.map_or(Exported::Declaration, Exported::Value));
                }
                Prop::KeyValue(pair) => self.member(&pair.key, Exported::Value(&pair.value)),
                Prop::Method(method) => self.member(&method.key, Exported::Declaration),
                Prop::Getter(getter) => self.member(&getter.key, Exported::Elsewhere(getter.span)),
                _ => {}
            }
        }
    }

    fn member(&mut self, key: &PropName, exported: Exported<'a>) {
        match key {
            PropName::Ident(ident) => self.export(&ident.sym, exported),
            PropName::Str(text) => self.export(&text.value.to_string_lossy(), exported),
            _ => {}
        }
    }

    /// `Object.defineProperty(exports, "x", …)`, as compilers write re-exports; what else is done
    /// with `exports` in a call (`__exportStar(require("x"), exports)`) may add anything.
    fn define_property(&mut self, call: &'a CallExpr) {
        let is_exports = |expr: &Expr| matches!(dotted(expr).as_deref(), Some("exports" | "module.exports"));
        let about_exports = call.args.iter().any(|argument| is_exports(&argument.expr));
        let defines =
            matches!(&call.callee, Callee::Expr(callee) if dotted(callee).as_deref() == Some("Object.defineProperty"));
        let name = call.args.get(1).and_then(|argument| literal(&argument.expr));
        let mut required = call.args.iter().filter_map(|argument| required(&argument.expr));
        match (name, required.next()) {
            (Some(name), _) if defines && about_exports => self.export(&name, Exported::Elsewhere(call.span)),
            (_, Some(specifier)) if about_exports => self.passed_on.push(specifier),
            _ => match getters(call) {
                Some((target, members)) if is_exports(target) => {
                    members.into_iter().for_each(|(name, value)| self.export(&name, Exported::Value(value)));
                }
                _ => self.open |= about_exports,
            },
        }
    }

    fn export(&mut self, name: &str, exported: Exported<'a>) {
        self.named.insert(name.to_owned(), exported);
    }
}

/// `__export(all, { x: () => x })`, as esbuild and swc write it: the target, and what each returns.
pub(super) fn getters(call: &CallExpr) -> Option<(&Expr, Vec<(String, &Expr)>)> {
    let [target, object] = call.args.as_slice() else { return None };
    let Expr::Object(object) = unwrapped(&object.expr) else { return None };
    let members: Option<Vec<_>> = object.props.iter().map(getter).collect();
    Some((unwrapped(&target.expr), members.filter(|members| !members.is_empty())?))
}

/// `x: () => x`, `get x() { return x }`.
fn getter(prop: &PropOrSpread) -> Option<(String, &Expr)> {
    match &**prop.as_prop()? {
        Prop::KeyValue(pair) => Some((key(&pair.key)?, returned(&pair.value)?)),
        Prop::Getter(getter) => Some((key(&getter.key)?, only_return(&getter.function.body.as_ref()?.stmts)?)),
        _ => None,
    }
}

/// What a function does nothing but return.
fn returned(expr: &Expr) -> Option<&Expr> {
    match unwrapped(expr) {
        Expr::Arrow(arrow) => match &*arrow.body {
            ArrowFunctionBody::Expr(expr) => Some(expr),
            ArrowFunctionBody::FunctionBody(block) => only_return(&block.stmts),
        },
        Expr::Fn(function) => only_return(&function.function.body.as_ref()?.stmts),
        _ => None,
    }
}

fn only_return(statements: &[Stmt]) -> Option<&Expr> {
    match statements {
        [Stmt::Return(statement)] => statement.arg.as_deref(),
        _ => None,
    }
}

/// The binding that a function is called with, and nothing else.
fn only_argument(expr: &Expr) -> Option<&Expr> {
    match unwrapped(expr).as_call()?.args.as_slice() {
        [argument] if argument.spread.is_none() => Some(unwrapped(&argument.expr)).filter(|expr| expr.is_ident()),
        _ => None,
    }
}

/// The specifier of `require('…')`.
fn required(expr: &Expr) -> Option<String> {
    let Expr::Call(CallExpr { callee: Callee::Expr(callee), args, .. }) = unwrapped(expr) else { return None };
    let argument = args.first().filter(|_| args.len() == 1 && dotted(callee).as_deref() == Some("require"))?;
    literal(&argument.expr)
}

fn text(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(ident) => ident.sym.to_string(),
        ModuleExportName::Str(text) => text.value.to_string_lossy().into_owned(),
    }
}

/// `a.b` as text, for plain names.
fn dotted(expr: &Expr) -> Option<String> {
    match unwrapped(expr) {
        Expr::Ident(ident) => Some(ident.sym.to_string()),
        Expr::Member(member) => Some(format!("{}.{}", dotted(&member.obj)?, member_name(&member.prop)?)),
        _ => None,
    }
}
