//! May a CommonJS file export more than its top-level statements say? In: a syntax tree. Out: yes or
//! no, and yes if in doubt. It is asked only of main files that seem to export nothing of use.

use swc_core::ecma::ast::{
    AssignExpr, AssignOp, AssignTarget, CallExpr, Callee, Class, Expr, Function, Id, Ident, Pat, SimpleAssignTarget,
    Stmt, ThisExpr, VarDeclarator,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::exports::{self, getters};
use crate::js::literal::{member_name, text, unwrapped};
use crate::js::parse::Parsed;

/// Does it touch `exports`, `module`, `this`, or the binding that it exports, but in plain statements
/// such as `exports.x = …`?
pub fn hides_exports(parsed: &Parsed) -> bool {
    let alias = exports::collect(&parsed.program).alias;
    let mut search = Search { found: false, alias, own_this: 0, depth: 0 };
    parsed.program.visit_with(&mut search);
    search.found
}

/// `Object.defineProperty(exports, "x", …)`
fn defines_property(call: &CallExpr) -> bool {
    let Callee::Expr(callee) = &call.callee else { return false };
    let is_named = |expr: &Expr, name: &str| matches!(unwrapped(expr), Expr::Ident(ident) if &*ident.sym == name);
    let is_define = matches!(unwrapped(callee), Expr::Member(member)
        if is_named(&member.obj, "Object") && member_name(&member.prop).as_deref() == Some("defineProperty"));
    let [target, name, _] = call.args.as_slice() else { return false };
    is_define && is_named(&target.expr, "exports") && text(&name.expr).is_some()
}

struct Search {
    found: bool,
    /// The binding that `module.exports` is.
    alias: Option<Id>,
    /// How many functions and classes lie around, in which `this` is something else.
    own_this: usize,
    /// How many statements lie around.
    depth: usize,
}

impl Visit for Search {
    fn visit_stmt(&mut self, statement: &Stmt) {
        self.depth += 1;
        match statement {
            Stmt::Expr(plain) if self.depth == 1 => match unwrapped(&plain.expr) {
                Expr::Assign(assignment) => self.plain_assignment(assignment),
                // `Object.defineProperty(exports, "x", …)`, `__export(exports, { … })`, as compilers write it.
                Expr::Call(call) if defines_property(call) => call.args[2..].visit_with(self),
                Expr::Call(call) if getters(call).is_some() => call.args[1..].visit_with(self),
                expr => expr.visit_with(self),
            },
            statement => statement.visit_children_with(self),
        }
        self.depth -= 1;
    }

    fn visit_ident(&mut self, ident: &Ident) {
        self.found |= matches!(&*ident.sym, "exports" | "module" | "eval") || self.is_alias(ident);
    }

    fn visit_var_declarator(&mut self, variable: &VarDeclarator) {
        match &variable.name {
            Pat::Ident(name) if self.is_alias(name) => {}
            pattern => pattern.visit_with(self),
        }
        variable.init.visit_with(self);
    }

    fn visit_this_expr(&mut self, _: &ThisExpr) {
        self.found |= self.own_this == 0;
    }

    fn visit_function(&mut self, function: &Function) {
        self.own_this += 1;
        function.visit_children_with(self);
        self.own_this -= 1;
    }

    fn visit_class(&mut self, class: &Class) {
        self.own_this += 1;
        class.visit_children_with(self);
        self.own_this -= 1;
    }
}

impl Search {
    fn is_alias(&self, ident: &Ident) -> bool {
        self.alias.as_ref().is_some_and(|alias| *alias == ident.to_id())
    }

    /// The left side of a plain assignment has been read; a chain has several.
    fn plain_assignment(&mut self, assignment: &AssignExpr) {
        let is_plain = assignment.op == AssignOp::Assign
            && matches!(&assignment.left, AssignTarget::Simple(SimpleAssignTarget::Member(member))
                if !member.obj.is_this() && member_name(&member.prop).is_some());
        if !is_plain {
            assignment.left.visit_with(self);
        }
        match unwrapped(&assignment.right) {
            Expr::Assign(next) => self.plain_assignment(next),
            Expr::Ident(whole) if self.is_alias(whole) => {}
            value => value.visit_with(self),
        }
    }
}
