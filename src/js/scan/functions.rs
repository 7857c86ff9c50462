//! What functions of a file return, and what they call their parameters with. In: a function. Out: a
//! value that stands for it. Only bodies that do little are looked into.

use swc_core::ecma::ast::{ArrowExpr, CallExpr, Callee, Expr, Function, Ident, Pat, Stmt};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::{Scope, unknown};
use super::value::{Returned, Value, Values};
use crate::js::literal::unwrapped;

impl Scope<'_> {
    /// A function that is written out.
    pub(super) fn declared(&self, function: &Function) -> Value {
        let parameters: Vec<&Pat> = function.params.iter().map(|parameter| &parameter.pat).collect();
        function.body.as_ref().map_or(Value::Unknown, |body| self.body(&parameters, &body.stmts))
    }

    pub(super) fn body(&self, parameters: &[&Pat], statements: &[Stmt]) -> Value {
        match statements.split_last() {
            Some((Stmt::Return(last), before)) => self.function(parameters, before, last.arg.as_deref()),
            _ => self.function(parameters, statements, None),
        }
    }

    pub(super) fn function(&self, parameters: &[&Pat], before: &[Stmt], returned: Option<&Expr>) -> Value {
        let returned = returned.map(unwrapped);
        // `const found = require(name); return found`
        let found = |name: &Ident| {
            let variables = before.iter().filter_map(|statement| statement.as_decl()?.as_var());
            let mut bound = variables.flat_map(|variables| &variables.decls);
            bound.find(|one| one.name.as_ident().is_some_and(|bound| bound.to_id() == name.to_id()))?.init.as_deref()
        };
        let value = match returned {
            Some(Expr::Ident(name)) => found(name).map(unwrapped).or(returned),
            value => value,
        };
        let requires = value.and_then(Expr::as_call).and_then(|call| {
            let Callee::Expr(callee) = &call.callee else { return None };
            let [argument] = call.args.as_slice() else { return None };
            let parameter = position(parameters, unwrapped(&argument.expr).as_ident()?)?;
            // A function is no `require`, and looking into each twice would take for ever.
            let is_function = matches!(unwrapped(callee), Expr::Fn(_) | Expr::Arrow(_));
            (!is_function && matches!(self.value(callee), Value::Require(None))).then_some(parameter)
        });
        let values = match returned {
            Some(expr) if before.is_empty() && requires.is_none() => self.values(expr),
            _ => unknown(),
        };
        // Wrappers of bundles are short.
        let mut calls = Calls { scope: self, parameters, found: Vec::new() };
        if before.len() < 4 {
            before.iter().for_each(|statement| statement.visit_with(&mut calls));
            if let Some(returned) = returned {
                returned.visit_with(&mut calls);
            }
        }
        Value::function(Returned { values, requires, calls: calls.found })
    }
}

fn position(parameters: &[&Pat], name: &Ident) -> Option<usize> {
    parameters.iter().position(|pattern| pattern.as_ident().is_some_and(|ident| ident.to_id() == name.to_id()))
}

/// Finds what a function calls its parameters with.
struct Calls<'a, 's> {
    scope: &'a Scope<'s>,
    parameters: &'a [&'a Pat],
    found: Vec<(usize, Vec<Values>)>,
}

impl Visit for Calls<'_, '_> {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        let callee = call.callee.as_expr().and_then(|callee| unwrapped(callee).as_ident());
        if let Some(parameter) = callee.and_then(|callee| position(self.parameters, callee)) {
            let values = call.args.iter().map(|argument| self.scope.values(&argument.expr)).collect();
            self.found.push((parameter, values));
        }
        call.visit_children_with(self);
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}
