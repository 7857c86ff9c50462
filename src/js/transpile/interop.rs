//! What the default import of a CommonJS module is. In: CommonJS made by swc, which lets `__esModule`
//! decide. Out: the same, where somebody else decides. Never looks into the other module.

use rustc_hash::FxHashSet;
use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{
    CallExpr, Callee, Decl, Expr, Id, Ident, IdentName, KeyValueProp, Lit, ModuleItem, ObjectLit, Program, Prop,
    PropName, PropOrSpread, Stmt,
};
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::specifiers::{Format, Targets, is_named};
use super::{Interop, Work};

const DEFAULT: &str = "_interop_require_default";
const WILDCARD: &str = "_interop_require_wildcard";

/// Settles every import.
pub(super) fn refine(program: &mut Program, work: &Work<'_>, targets: &Targets) {
    if work.options.interop != Interop::EsModule {
        program.visit_mut_with(&mut Refiner { interop: work.options.interop, targets });
    }
}

struct Refiner<'a> {
    interop: Interop,
    targets: &'a Targets,
}

impl VisitMut for Refiner<'_> {
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        let Expr::Call(CallExpr { callee: Callee::Expr(helper), args, .. }) = expr else { return };
        let is_default = is_named(helper, DEFAULT);
        if !is_default && !is_named(helper, WILDCARD) {
            return;
        }
        let Some(required) = args.first().and_then(|first| specifier(&first.expr)) else { return };
        let was_module = matches!(self.targets.get(required), Some(Format::EsModule | Format::Lowered));
        match self.interop {
            Interop::None => *expr = *args.swap_remove(0).expr,
            Interop::Node if was_module => {}
            Interop::Node if is_default => *expr = with_default(args.swap_remove(0).expr),
            // The helper's own word for "as Node does".
            Interop::Node => args.push(Expr::from(true).into()),
            Interop::EsModule => {}
        }
    }
}

/// The module that `require("…")` loads.
fn specifier(expr: &Expr) -> Option<&str> {
    let Expr::Call(CallExpr { callee: Callee::Expr(callee), args, .. }) = expr else { return None };
    match args.first().map(|first| &*first.expr) {
        Some(Expr::Lit(Lit::Str(literal))) if is_named(callee, "require") => literal.value.as_str(),
        _ => None,
    }
}

/// `{ default: … }`.
fn with_default(value: Box<Expr>) -> Expr {
    let key = PropName::Ident(IdentName::new("default".into(), DUMMY_SP));
    let pair = Prop::KeyValue(KeyValueProp { key, value });
    Expr::Object(ObjectLit { span: DUMMY_SP, props: vec![PropOrSpread::Prop(Box::new(pair))] })
}

/// Removes the helpers that nobody calls any more.
pub(super) fn drop_unused_helpers(program: &mut Program) {
    struct Names(FxHashSet<Id>);
    impl Visit for Names {
        fn visit_ident(&mut self, ident: &Ident) {
            self.0.insert(ident.to_id());
        }
    }
    let Program::Module(module) = program else { return };
    loop {
        let helper = |item: &ModuleItem| match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Fn(function)))
                if [DEFAULT, WILDCARD, "_getRequireWildcardCache"].contains(&&*function.ident.sym) =>
            {
                Some(function.ident.to_id())
            }
            _ => None,
        };
        let unused = module.body.iter().position(|item| {
            helper(item).is_some_and(|id| {
                let mut names = Names(FxHashSet::default());
                module
                    .body
                    .iter()
                    .filter(|other| helper(other).as_ref() != Some(&id))
                    .for_each(|other| other.visit_with(&mut names));
                !names.0.contains(&id)
            })
        });
        match unused {
            Some(at) => drop(module.body.remove(at)),
            None => return,
        }
    }
}
