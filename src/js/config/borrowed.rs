//! What a file takes from the function that CommonJS puts around it. In: a syntax tree. Out: those of its
//! parameters that the file uses and does not declare. Never asks what kind of module the file is.

use std::collections::BTreeSet;

use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::{AssignTarget, Expr, Ident, Prop, SimpleAssignTarget, TsType, UnaryExpr, UnaryOp};
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::js::parse::Parsed;

const PARAMETERS: [&str; 5] = ["__dirname", "__filename", "exports", "module", "require"];

/// The parameters that are used for their values: `typeof require` only asks whether there is one.
pub(super) fn borrowed(parsed: &Parsed) -> BTreeSet<&'static str> {
    let mut search = Search { free: parsed.unresolved, found: BTreeSet::new() };
    parsed.program.visit_with(&mut search);
    search.found
}

struct Search {
    free: SyntaxContext,
    found: BTreeSet<&'static str>,
}

impl Search {
    fn name(&mut self, ident: &Ident) {
        let known = PARAMETERS.into_iter().find(|name| ident.sym == *name);
        self.found.extend(known.filter(|_| ident.ctxt == self.free));
    }
}

impl Visit for Search {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Ident(ident) = expr {
            self.name(ident);
        }
        expr.visit_children_with(self);
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(ident) = prop {
            self.name(ident);
        }
        prop.visit_children_with(self);
    }

    fn visit_assign_target(&mut self, target: &AssignTarget) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(ident)) = target {
            self.name(ident);
        }
        target.visit_children_with(self);
    }

    fn visit_unary_expr(&mut self, unary: &UnaryExpr) {
        if unary.op != UnaryOp::TypeOf || !matches!(&*unary.arg, Expr::Ident(_)) {
            unary.visit_children_with(self);
        }
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
}

#[cfg(test)]
mod tests {
    use super::borrowed;
    use crate::js::parse::parse;

    #[test]
    fn what_is_declared_is_not_borrowed() {
        for (source, expected) in [
            ("require('a'); export {}", &["require"][..]),
            ("const require = 1; require; function f(module) { module }", &[]),
            (
                "import { createRequire } from 'module'; const require = createRequire(import.meta.url); require('a')",
                &[],
            ),
            ("typeof require; typeof module.exports", &["module"]),
            ("export default { __dirname, a: b => __filename }", &["__dirname", "__filename"]),
            ("exports.x = 1; ({ require: 1 }); a.module", &["exports"]),
            ("module = 1", &["module"]),
        ] {
            let found = parse("ts", source, borrowed).unwrap();
            assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{source}");
        }
    }
}
