//! Requests that are computed, in a file whose modules will not be where they are now: they went into the
//! same bundle, or are called otherwise once they are compiled. In: a syntax tree, and what its computed
//! requests may ask for. Out: the tree, in which these are asked for by literals; what is not among them
//! is asked for as it was. Never works out what a request may be.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::{CallExpr, Callee, Expr, Import, ImportPhase, Lit, Program};
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

use super::Work;
use super::snippet::Snippet;

/// What computed requests may ask for, without its extension or with that of what is compiled: paths from the file's directory, as `name.ts` or `../name`, and the
/// specifiers that load what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Computed {
    /// By `import()`.
    pub imports: BTreeMap<String, String>,
    /// By `require()`.
    pub requires: BTreeMap<String, String>,
}

impl Computed {
    /// Is there nothing?
    pub fn is_empty(&self) -> bool {
        self.imports.is_empty() && self.requires.is_empty()
    }
}

/// Puts a choice of literal requests in the place of each computed one.
pub(super) fn choose(program: &mut Program, computed: &Computed, work: &Work<'_>) {
    program.visit_mut_with(&mut Chooser { computed, work, free: work.free() });
}

struct Chooser<'a, 'b> {
    computed: &'a Computed,
    work: &'a Work<'b>,
    free: SyntaxContext,
}

impl Chooser<'_, '_> {
    /// What the call calls, what it may ask for, and how.
    fn asked(&self, call: &CallExpr) -> Option<(&BTreeMap<String, String>, &'static str)> {
        let first = call.args.first().filter(|first| first.spread.is_none())?;
        if matches!(&*first.expr, Expr::Lit(Lit::Str(_))) || first.expr.as_tpl().is_some_and(|it| it.exprs.is_empty()) {
            return None;
        }
        match &call.callee {
            Callee::Import(Import { phase: ImportPhase::Evaluation, .. }) => Some((&self.computed.imports, "import")),
            Callee::Expr(callee) => {
                let is_require = callee.as_ident().is_some_and(|it| it.sym == "require" && it.ctxt == self.free);
                is_require.then_some((&self.computed.requires, "require"))
            }
            _ => None,
        }
    }
}

impl VisitMut for Chooser<'_, '_> {
    fn visit_mut_call_expr(&mut self, call: &mut CallExpr) {
        call.visit_mut_children_with(self);
        let Some((choice, load)) = self.asked(call).filter(|(choice, _)| !choice.is_empty()) else { return };
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let choices = choice.iter().fold(String::new(), |mut text, (path, specifier)| {
            let _ = write!(text, ", {}: () => {load}({})", quoted(path), quoted(specifier));
            text
        });
        let (names, others) =
            if call.args.len() > 1 { ("(specifier, options)", ", options") } else { ("(specifier)", "") };
        let text = format!(
            r#"({names} => {{
                const path = require("node:path");
                const at = specifier instanceof URL || /^file:/.test(specifier) ? require("node:url").fileURLToPath(specifier) : String(specifier);
                const name = path.isAbsolute(at) ? path.relative(__dirname, at) : /^\.\.?\//.test(at) ? path.join(at) : "";
                const all = {{ __proto__: null{choices} }};
                const stem = name.replace(/\.[cm]?js$/, "");
                const load = all[name] ?? all[Object.keys(all).find((path) => path.replace(/(\/index)?\.\w+$/, "") === stem)];
                return load ? load() : {load}(specifier{others});
            }})"#
        );
        call.callee = Callee::Expr(Box::new(Snippet::expression(&text, self.work)));
    }
}
