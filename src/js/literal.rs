//! What can be read off an expression without evaluating anything. In: an expression. Out: its text,
//! its name, or what is inside its wrapping. Shared by all that look for literals.

use swc_core::ecma::ast::{Expr, Lit, MemberProp};

/// The expression without what does not change its value: parentheses, `(0, x)`, type assertions.
pub(super) fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        Expr::Seq(seq) => seq.exprs.last().map_or(expr, |last| unwrapped(last)),
        Expr::TsAs(cast) => unwrapped(&cast.expr),
        Expr::TsNonNull(cast) => unwrapped(&cast.expr),
        Expr::TsSatisfies(cast) => unwrapped(&cast.expr),
        Expr::TsConstAssertion(cast) => unwrapped(&cast.expr),
        Expr::TsTypeAssertion(cast) => unwrapped(&cast.expr),
        expr => expr,
    }
}

/// The text of a literal: a string, or a template without expressions.
pub(super) fn text(expr: &Expr) -> Option<String> {
    match unwrapped(expr) {
        Expr::Lit(Lit::Str(text)) => Some(text.value.to_string_lossy().into_owned()),
        Expr::Tpl(template) if template.exprs.is_empty() => {
            Some(template.quasis.first()?.cooked.as_ref()?.to_string_lossy().into_owned())
        }
        _ => None,
    }
}

/// The name of a member, whether `.name` or `['name']`.
pub(super) fn member_name(prop: &MemberProp) -> Option<String> {
    match prop {
        MemberProp::Ident(ident) => Some(ident.sym.to_string()),
        MemberProp::Computed(computed) => text(&computed.expr),
        MemberProp::PrivateName(_) => None,
    }
}
