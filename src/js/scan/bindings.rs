//! The names of a file. In: a syntax tree. Out: what each name may stand for, wherever it is used:
//! imports of Node's modules, constants, simple functions. A name that is changed in a loop, or in ways
//! that are not looked into, stands for nothing that can be told. Never follows a value out of the file.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::ecma::ast::{
    ArrayLit, ArrowExpr, ArrowFunctionBody, AssignExpr, AssignOp, AssignTarget, AssignTargetPat, BinaryOp,
    BindingIdent, CallExpr, DoWhileStmt, Expr, FnDecl, ForHead, ForInStmt, ForOfStmt, ForStmt, Function, Id,
    ImportDecl, ImportSpecifier, KeyValueProp, MemberExpr, ModuleExportName, ObjectPat, ObjectPatProp, Pat,
    SimpleAssignTarget, Stmt, TsImportEqualsDecl, TsModuleRef, UpdateExpr, VarDeclarator, WhileStmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::{Scope, product, unknown};
use super::node;
use super::operators::arithmetic;
use super::value::{Value, Values};
use crate::js::literal::{member_name, unwrapped};
use crate::js::parse::Parsed;

/// The most values that a name is given.
const MOST: usize = 8;

/// Collects the names of a whole file. What is used before it is declared is known the second time.
pub(super) fn collect<'s>(parsed: &'s Parsed, extension: &'s str) -> Scope<'s> {
    let scope = Scope::new(parsed, extension);
    for _ in 0..2 {
        // What was not known before its time may be known now.
        let forget = |_: &Id, values: &mut Values| {
            values.retain(|value| *value != Value::Unknown);
            !values.is_empty()
        };
        scope.names.borrow_mut().values.retain(forget);
        let mut collect = Collect {
            scope: &scope,
            loops: 0,
            learned: FxHashMap::default(),
            given: FxHashSet::default(),
            added: FxHashSet::default(),
        };
        parsed.program.visit_with(&mut collect);
        // And what was learned without it is no more.
        let learned = collect.learned;
        scope.names.borrow_mut().values = learned;
    }
    scope
}

struct Collect<'a, 's> {
    /// What is known so far.
    scope: &'a Scope<'s>,
    /// How many loops are open.
    loops: u32,
    /// What names are given, this time.
    learned: FxHashMap<Id, Values>,
    /// Parameters that are called with something known.
    given: FxHashSet<Id>,
    /// Names that have been added to, which is done once.
    added: FxHashSet<Id>,
}

/// Adds what is new; what can be told goes first.
fn add(known: &mut Values, values: &[Value]) {
    for value in values {
        if !known.contains(value) {
            known.push(value.clone());
        }
    }
    if let Some(at) = known.iter().position(|value| *value == Value::Unknown) {
        known[at..].rotate_left(1);
    }
}

/// There is more in the array than can be told.
fn lengthen(value: &mut Value) {
    if let Value::Array(items) = value
        && items.last() != Some(&unknown())
    {
        *value = Value::array([items.as_slice(), &[unknown()]].concat());
    }
}

/// The names of a function's parameters.
fn parameters(expr: &Expr) -> Option<Vec<Option<Id>>> {
    let name = |pattern: &Pat| pattern.as_ident().map(BindingIdent::to_id);
    match unwrapped(expr) {
        Expr::Fn(function) => Some(function.function.params.iter().map(|parameter| name(&parameter.pat)).collect()),
        Expr::Arrow(arrow) => Some(arrow.params.iter().map(name).collect()),
        _ => None,
    }
}

impl Collect<'_, '_> {
    fn values(&self, expr: &Expr) -> Values {
        self.scope.values(expr)
    }

    fn learn(&mut self, name: Id, values: Values) {
        let mut names = self.scope.names.borrow_mut();
        if names.unknown.contains(&name) {
            return;
        }
        let learned = self.learned.entry(name.clone()).or_default();
        add(learned, &values);
        if learned.len() > MOST {
            names.unknown.insert(name);
        } else {
            add(names.values.entry(name).or_default(), &values);
        }
    }

    /// The name stands for nothing that can be told.
    fn give_up(&mut self, name: Id) {
        self.scope.names.borrow_mut().unknown.insert(name);
    }

    fn forget(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(name) => self.give_up(name.to_id()),
            Pat::Array(array) => array.elems.iter().flatten().for_each(|element| self.forget(element)),
            Pat::Assign(assign) => self.forget(&assign.left),
            Pat::Rest(rest) => self.forget(&rest.arg),
            Pat::Object(object) => self.forget_object(object),
            Pat::Expr(expr) => {
                if let Expr::Ident(name) = unwrapped(expr) {
                    self.give_up(name.to_id());
                }
            }
            Pat::Invalid(_) => {}
        }
    }

    fn forget_object(&mut self, object: &ObjectPat) {
        for prop in &object.props {
            match prop {
                ObjectPatProp::Assign(prop) => self.give_up(prop.key.to_id()),
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

    /// Is it an array that the file writes out? Then it is known what is in it.
    fn is_array(&self, name: &Id) -> bool {
        let names = self.scope.names.borrow();
        names.values.get(name).is_some_and(|values| values.iter().any(|value| matches!(value, Value::Array(_))))
    }

    /// `parts.push(x)` leaves what was there; after other changes nothing of it can be told.
    fn learn_changes(&mut self, call: &CallExpr) {
        let callee = call.callee.as_expr().and_then(|callee| unwrapped(callee).as_member());
        let Some((of, method)) = callee.and_then(|member| Some((unwrapped(&member.obj).as_ident()?, member))) else {
            return;
        };
        let (name, method) = (of.to_id(), member_name(&method.prop).unwrap_or_default());
        match method.as_str() {
            "push" if self.is_array(&name) => {
                self.learned.entry(name.clone()).or_default().iter_mut().for_each(lengthen);
                self.scope.names.borrow_mut().values.entry(name).or_default().iter_mut().for_each(lengthen);
            }
            "copyWithin" | "fill" | "pop" | "reverse" | "shift" | "sort" | "splice" | "unshift"
                if self.is_array(&name) =>
            {
                self.give_up(name);
            }
            _ => {}
        }
    }

    /// `load.ab = __dirname + '/'`, `module.exports = require('fs')` of a bundle's module.
    fn learn_member(&mut self, member: &MemberExpr, assignment: &AssignExpr) {
        let Expr::Ident(of) = unwrapped(&member.obj) else { return };
        if member.prop.is_computed() && self.is_array(&of.to_id()) {
            return self.give_up(of.to_id());
        }
        let Some(name) = member_name(&member.prop) else { return };
        let values = self.values(&assignment.right);
        if assignment.op == AssignOp::Assign && values.iter().all(|value| matches!(value, Value::Text(_))) {
            let mut names = self.scope.names.borrow_mut();
            if name == "ab" {
                names.asset_base = Some(values.clone());
            }
            let known = names.members.entry((of.to_id(), name)).or_default();
            if known.len() < MOST {
                add(known, &values);
            }
        }
    }

    /// Functions that are written where they are called, or handed to one that calls them: what their
    /// parameters are.
    fn learn_parameters(&mut self, call: &CallExpr) {
        let Some(callee) = call.callee.as_expr().map(|callee| unwrapped(callee)) else { return };
        let arguments: Vec<&Expr> = call.args.iter().map(|argument| unwrapped(&argument.expr)).collect();
        if let Some(parameters) = parameters(callee) {
            for (parameter, argument) in parameters.iter().zip(&arguments) {
                if let (Some(name), None) = (parameter, self::parameters(argument)) {
                    let values = self.values(argument);
                    self.give(name.clone(), values);
                }
            }
        }
        // `Promise.resolve(x).then((x) => …)`
        if let (Some(then), Some(function)) = (callee.as_member(), arguments.first())
            && member_name(&then.prop).as_deref() == Some("then")
            && let Some(resolved) = then.obj.as_call()
            && let Some(Expr::Member(resolve)) = resolved.callee.as_expr().map(|callee| unwrapped(callee))
            && resolve.obj.as_ident().is_some_and(|of| of.sym == "Promise")
            && let (Some(Some(name)), Some(value)) =
                (parameters(function).and_then(|names| names.first().cloned()), resolved.args.first())
        {
            let values = self.values(&value.expr);
            self.give(name, values);
        }
        let functions: Vec<Value> = self.values(callee);
        for function in functions {
            let Value::Function(function) = function else { continue };
            for (index, values) in &function.calls {
                let names = arguments.get(*index).and_then(|argument| parameters(argument)).unwrap_or_default();
                for (name, values) in names.into_iter().zip(values) {
                    if let Some(name) = name {
                        self.give(name, values.clone());
                    }
                }
            }
        }
    }

    /// A parameter is called with what may be one of these; if nothing of it is known, it is left.
    fn give(&mut self, parameter: Id, mut values: Values) {
        values.retain(|value| *value != Value::Unknown);
        if !values.is_empty() {
            self.given.insert(parameter.clone());
            self.learn(parameter, values);
        }
    }

    fn forget_parameter(&mut self, parameter: &Pat) {
        if !parameter.as_ident().is_some_and(|name| self.given.contains(&name.to_id())) {
            self.forget(parameter);
        }
    }

    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.loops += 1;
        visit(self);
        self.loops -= 1;
    }

    /// The module of Node that a bundle's module stands for.
    fn passes_on(&self, module: &Expr) -> Option<Value> {
        let only = |statements: &'_ [Stmt]| match statements {
            [Stmt::Expr(statement)] => Some(statement.expr.clone()),
            [Stmt::Expr(strict), Stmt::Expr(statement)] if strict.expr.is_lit() => Some(statement.expr.clone()),
            _ => None,
        };
        let statement = match unwrapped(module) {
            Expr::Fn(function) => only(&function.function.body.as_ref()?.stmts)?,
            Expr::Arrow(arrow) => match &*arrow.body {
                ArrowFunctionBody::FunctionBody(body) => only(&body.stmts)?,
                ArrowFunctionBody::Expr(expr) => expr.clone(),
            },
            _ => return None,
        };
        let assignment = unwrapped(&statement).as_assign()?;
        let target = assignment.left.as_simple()?.as_member()?;
        let is_exports = member_name(&target.prop).as_deref() == Some("exports");
        Some(self.scope.value(&assignment.right)).filter(|value| is_exports && matches!(value, Value::Node(_)))
    }

    fn head(&mut self, head: &ForHead) {
        match head {
            ForHead::VarDecl(variables) => variables.decls.iter().for_each(|variable| self.forget(&variable.name)),
            ForHead::Pat(pattern) => self.forget(pattern),
            ForHead::UsingDecl(_) => {}
        }
    }
}

impl Visit for Collect<'_, '_> {
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
        let value = self.scope.declared(&function.function);
        self.learn(function.ident.to_id(), vec![value]);
        function.function.visit_with(self);
    }

    fn visit_assign_expr(&mut self, assignment: &AssignExpr) {
        match &assignment.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => {
                let name = name.to_id();
                match assignment.op {
                    AssignOp::Assign if self.loops == 0 => {
                        let values = self.values(&assignment.right);
                        self.learn(name, values);
                    }
                    AssignOp::AddAssign if self.loops == 0 && !self.added.contains(&name) => {
                        let known = self.learned.get(&name).cloned().unwrap_or_else(unknown);
                        let values = product(&known, &self.values(&assignment.right), |one, more| {
                            arithmetic(BinaryOp::Add, one, more)
                        });
                        self.added.insert(name.clone());
                        self.learn(name, values);
                    }
                    AssignOp::AddAssign if self.loops == 0 => {}
                    _ => self.give_up(name),
                }
            }
            AssignTarget::Simple(SimpleAssignTarget::Member(member)) => self.learn_member(member, assignment),
            AssignTarget::Pat(AssignTargetPat::Object(object)) => self.forget_object(object),
            AssignTarget::Pat(AssignTargetPat::Array(array)) => {
                array.elems.iter().flatten().for_each(|element| self.forget(element));
            }
            _ => {}
        }
        assignment.left.visit_with(self);
        assignment.right.visit_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        self.learn_parameters(call);
        self.learn_changes(call);
        call.visit_children_with(self);
    }

    fn visit_key_value_prop(&mut self, pair: &KeyValueProp) {
        if let (Some(key), Some(module)) = (self.scope.key(&pair.key), self.passes_on(&pair.value)) {
            self.scope.names.borrow_mut().numbered.insert(key, module);
        }
        pair.visit_children_with(self);
    }

    fn visit_array_lit(&mut self, array: &ArrayLit) {
        for (index, element) in array.elems.iter().enumerate() {
            if let Some(module) = element.as_ref().and_then(|element| self.passes_on(&element.expr)) {
                self.scope.names.borrow_mut().numbered.insert(index.to_string(), module);
            }
        }
        array.visit_children_with(self);
    }

    fn visit_update_expr(&mut self, update: &UpdateExpr) {
        if let Expr::Ident(name) = unwrapped(&update.arg) {
            self.give_up(name.to_id());
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
        function.params.iter().for_each(|parameter| self.forget_parameter(&parameter.pat));
        function.visit_children_with(self);
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        arrow.params.iter().for_each(|parameter| self.forget_parameter(parameter));
        arrow.visit_children_with(self);
    }
}
