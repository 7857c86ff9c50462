//! What functions of a file return, and what they call their parameters with. In: a function. Out: a
//! value that stands for it. Only bodies that do little are looked into.

use std::rc::Rc;

use swc_core::ecma::ast::{ArrowExpr, BinaryOp, CallExpr, Callee, Expr, Function, Ident, Lit, Pat, Stmt};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::{Scope, unknown};
use super::operators::of_literal;
use super::value::{Returned, UNKNOWN, Value, Values, is_parameter, parameter};
use crate::js::literal::{member_name, unwrapped};

/// Fewer statements than this, before it returns, make a function that does little.
const SHORT: usize = 4;

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
        let is_short = before.len() < SHORT;
        let (mut values, texts) = match returned {
            Some(expr) if requires.is_none() && is_short => self.told_apart(parameters, expr),
            _ => (unknown(), Vec::new()),
        };
        if !before.is_empty() {
            // It may return before its end.
            values = unknown();
        }
        let mut calls = Calls { scope: self, parameters, found: Vec::new() };
        if is_short {
            before.iter().for_each(|statement| statement.visit_with(&mut calls));
            if let Some(returned) = returned {
                returned.visit_with(&mut calls);
            }
        }
        let imports = is_short && parameters.first().is_some_and(|first| looks_for_exports(first, before, returned));
        Value::function(Returned { values, texts, imports, requires, calls: calls.found })
    }

    /// What an expression may be, whatever the parameters are; and the texts that hold one of them:
    /// `(name) => __dirname + '/' + name`. A function within it is looked into once: its parameters would
    /// have the same marks, and twice at each depth would take for ever.
    fn told_apart(&self, parameters: &[&Pat], returned: &Expr) -> (Values, Vec<Rc<str>>) {
        let is_outermost = !self.apart.replace(true);
        let told = self.with_marks(parameters, returned, is_outermost);
        if is_outermost {
            self.apart.set(false);
        }
        told
    }

    fn with_marks(&self, parameters: &[&Pat], returned: &Expr, is_outermost: bool) -> (Values, Vec<Rc<str>>) {
        let values = self.values(returned);
        let is_partly_known = |value: &Value| value.as_text().is_some_and(|text| text.contains(UNKNOWN));
        if !is_outermost || !values.iter().any(is_partly_known) {
            return (values, Vec::new());
        }
        let bound = parameters.iter().enumerate();
        let bound = bound.filter_map(|(index, pattern)| Some((pattern.as_ident()?.to_id(), parameter(index)?)));
        let around: Vec<_> = bound
            .map(|(name, mark)| {
                let mut names = self.names.borrow_mut();
                let is_unknown = names.unknown.remove(&name);
                let values = names.values.insert(name.clone(), vec![Value::text(mark.to_string())]);
                (name, values, is_unknown)
            })
            .collect();
        let values = self.values(returned);
        let mut names = self.names.borrow_mut();
        for (name, values, is_unknown) in around.into_iter().rev() {
            if is_unknown {
                names.unknown.insert(name.clone());
            }
            match values {
                Some(values) => names.values.insert(name, values),
                None => names.values.remove(&name),
            };
        }
        let (with, without): (Values, Values) =
            values.into_iter().partition(|value| value.as_text().is_some_and(|text| text.contains(is_parameter)));
        let text = |value| if let Value::Text(text) = value { Some(text) } else { None };
        (without, with.into_iter().filter_map(text).collect())
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

/// Does a function look for `__esModule` or `default` in its parameter, as compilers' imports do?
fn looks_for_exports(parameter: &Pat, before: &[Stmt], returned: Option<&Expr>) -> bool {
    let Some(parameter) = parameter.as_ident() else { return false };
    let mut looks = Looks { parameter, found: false };
    before.iter().for_each(|statement| statement.visit_with(&mut looks));
    if let Some(returned) = returned {
        looks.visit_expr(returned);
    }
    looks.found
}

struct Looks<'a> {
    parameter: &'a Ident,
    found: bool,
}

impl Visit for Looks<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        let is_parameter =
            |expr: &Expr| unwrapped(expr).as_ident().is_some_and(|of| of.to_id() == self.parameter.to_id());
        self.found |= match expr {
            Expr::Member(member) => {
                is_parameter(&member.obj) && member_name(&member.prop).as_deref() == Some("__esModule")
            }
            Expr::Bin(test) if test.op == BinaryOp::In => {
                let is_default = |text: &Lit| of_literal(text) == Value::text("default");
                is_parameter(&test.right) && unwrapped(&test.left).as_lit().is_some_and(is_default)
            }
            _ => false,
        };
        expr.visit_children_with(self);
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}
