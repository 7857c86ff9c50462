//! The names of a file. In: a syntax tree. Out: what each name may stand for, wherever it is used:
//! imports of Node's modules, constants, simple functions. A name that is changed in a loop, or in ways
//! that are not looked into, stands for nothing that can be told. Never follows a value out of the file.

use rustc_hash::FxHashMap;
use swc_core::ecma::ast::{
    ArrowExpr, AssignExpr, AssignOp, AssignTarget, AssignTargetPat, DoWhileStmt, Expr, FnDecl, ForHead, ForInStmt,
    ForOfStmt, ForStmt, Function, Id, ImportDecl, ImportSpecifier, ModuleExportName, ObjectPat, ObjectPatProp, Pat,
    SimpleAssignTarget, TsImportEqualsDecl, TsModuleRef, UpdateExpr, VarDeclarator, WhileStmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::{Scope, unknown};
use super::node;
use super::value::{Value, Values};
use crate::js::literal::unwrapped;
use crate::js::parse::Parsed;

/// The most values that a name is given.
const MOST: usize = 8;

/// Collects the names of a whole file. What is used before it is declared is known the second time.
pub(super) fn collect(parsed: &Parsed) -> Scope<'_> {
    let mut scope = Scope::new(parsed, FxHashMap::default());
    for _ in 0..2 {
        let mut names = Names { scope: &scope, own: FxHashMap::default(), loops: 0 };
        parsed.program.visit_with(&mut names);
        let names = names.own;
        scope = Scope::new(parsed, names);
    }
    scope
}

struct Names<'a> {
    /// What is known from the time before.
    scope: &'a Scope<'a>,
    own: FxHashMap<Id, Values>,
    /// How many loops are open.
    loops: u32,
}

impl Names<'_> {
    fn values(&self, expr: &Expr) -> Values {
        self.scope.values(expr)
    }

    fn learn(&mut self, name: Id, values: Values) {
        let known = self.own.entry(name).or_default();
        known.extend(values);
        if known.len() > MOST || known.contains(&Value::Unknown) {
            *known = unknown();
        }
    }

    fn forget(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(name) => self.learn(name.to_id(), unknown()),
            Pat::Array(array) => array.elems.iter().flatten().for_each(|element| self.forget(element)),
            Pat::Assign(assign) => self.forget(&assign.left),
            Pat::Rest(rest) => self.forget(&rest.arg),
            Pat::Object(object) => self.forget_object(object),
            Pat::Expr(expr) => {
                if let Expr::Ident(name) = unwrapped(expr) {
                    self.learn(name.to_id(), unknown());
                }
            }
            Pat::Invalid(_) => {}
        }
    }

    fn forget_object(&mut self, object: &ObjectPat) {
        for prop in &object.props {
            match prop {
                ObjectPatProp::Assign(prop) => self.learn(prop.key.to_id(), unknown()),
                ObjectPatProp::KeyValue(prop) => self.forget(&prop.value),
                ObjectPatProp::Rest(rest) => self.forget(&rest.arg),
            }
        }
    }

    /// `const { a, b: { c } } = …`
    fn destructure(&mut self, pattern: &Pat, values: &Values) {
        match pattern {
            Pat::Ident(name) => self.learn(name.to_id(), values.clone()),
            Pat::Object(object) => {
                for prop in &object.props {
                    match prop {
                        ObjectPatProp::Assign(prop) => {
                            let default = prop.value.as_ref().map(|value| self.values(value));
                            let values = self.scope.members(values, &prop.key.sym, default);
                            self.learn(prop.key.to_id(), values);
                        }
                        ObjectPatProp::KeyValue(prop) => {
                            let key = self.scope.key(&prop.key);
                            let members = key.map_or_else(unknown, |key| self.scope.members(values, &key, None));
                            self.destructure(&prop.value, &members);
                        }
                        ObjectPatProp::Rest(rest) => self.forget(&rest.arg),
                    }
                }
            }
            Pat::Assign(assign) => {
                let values = self.scope.or_default(values.clone(), Some(self.values(&assign.right)));
                self.destructure(&assign.left, &values);
            }
            pattern => self.forget(pattern),
        }
    }

    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.loops += 1;
        visit(self);
        self.loops -= 1;
    }

    fn head(&mut self, head: &ForHead) {
        match head {
            ForHead::VarDecl(variables) => variables.decls.iter().for_each(|variable| self.forget(&variable.name)),
            ForHead::Pat(pattern) => self.forget(pattern),
            ForHead::UsingDecl(_) => {}
        }
    }
}

impl Visit for Names<'_> {
    fn visit_import_decl(&mut self, import: &ImportDecl) {
        let Some(module) = node::module(&import.src.value.to_string_lossy()).filter(|_| !import.type_only) else {
            return;
        };
        for specifier in &import.specifiers {
            let (local, values) = match specifier {
                ImportSpecifier::Default(default) => (&default.local, vec![module.clone()]),
                ImportSpecifier::Namespace(namespace) => (&namespace.local, vec![module.clone()]),
                ImportSpecifier::Named(named) => {
                    let imported = match &named.imported {
                        None => named.local.sym.to_string(),
                        Some(ModuleExportName::Ident(ident)) => ident.sym.to_string(),
                        Some(ModuleExportName::Str(text)) => text.value.to_string_lossy().into_owned(),
                    };
                    (&named.local, self.scope.members(&vec![module.clone()], &imported, None))
                }
            };
            self.learn(local.to_id(), values);
        }
    }

    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if let TsModuleRef::TsExternalModuleRef(module) = &import.module_ref {
            let module = node::module(&module.expr.value.to_string_lossy());
            self.learn(import.id.to_id(), vec![module.unwrap_or(Value::Unknown)]);
        }
    }

    fn visit_var_declarator(&mut self, variable: &VarDeclarator) {
        if let Some(init) = &variable.init {
            let values = self.values(init);
            self.destructure(&variable.name, &values);
        }
        variable.init.visit_with(self);
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        let parameters: Vec<Pat> = function.function.params.iter().map(|param| param.pat.clone()).collect();
        let body = function.function.body.as_ref();
        let value = body.map_or(Value::Unknown, |body| self.scope.body(&parameters, &body.stmts));
        self.learn(function.ident.to_id(), vec![value]);
        function.function.visit_with(self);
    }

    fn visit_assign_expr(&mut self, assignment: &AssignExpr) {
        match &assignment.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => {
                let is_plain = assignment.op == AssignOp::Assign && self.loops == 0;
                let values = if is_plain { self.values(&assignment.right) } else { unknown() };
                self.learn(name.to_id(), values);
            }
            AssignTarget::Pat(AssignTargetPat::Object(object)) => self.forget_object(object),
            AssignTarget::Pat(AssignTargetPat::Array(array)) => {
                array.elems.iter().flatten().for_each(|element| self.forget(element));
            }
            _ => {}
        }
        assignment.left.visit_with(self);
        assignment.right.visit_with(self);
    }

    fn visit_update_expr(&mut self, update: &UpdateExpr) {
        if let Expr::Ident(name) = unwrapped(&update.arg) {
            self.learn(name.to_id(), unknown());
        }
        update.visit_children_with(self);
    }

    fn visit_for_stmt(&mut self, looped: &ForStmt) {
        looped.init.visit_with(self);
        self.in_loop(|names| {
            looped.test.visit_with(names);
            looped.update.visit_with(names);
            looped.body.visit_with(names);
        });
    }

    fn visit_for_in_stmt(&mut self, looped: &ForInStmt) {
        self.head(&looped.left);
        looped.right.visit_with(self);
        self.in_loop(|names| looped.body.visit_with(names));
    }

    fn visit_for_of_stmt(&mut self, looped: &ForOfStmt) {
        self.head(&looped.left);
        looped.right.visit_with(self);
        self.in_loop(|names| looped.body.visit_with(names));
    }

    fn visit_while_stmt(&mut self, looped: &WhileStmt) {
        self.in_loop(|names| looped.visit_children_with(names));
    }

    fn visit_do_while_stmt(&mut self, looped: &DoWhileStmt) {
        self.in_loop(|names| looped.visit_children_with(names));
    }

    // A parameter may be anything.

    fn visit_function(&mut self, function: &Function) {
        function.params.iter().for_each(|param| self.forget(&param.pat));
        function.visit_children_with(self);
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        arrow.params.iter().for_each(|param| self.forget(param));
        arrow.visit_children_with(self);
    }
}
