//! An ES module becomes CommonJS. In: a tree without types, and what its specifiers lead to. Out: the
//! body of CommonJS's function, `import()` left as it is; or what it cannot say.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::common::{DUMMY_SP, Mark, SyntaxContext};
use swc_core::ecma::ast::{Expr, ExprStmt, Id, Ident, Lit, Program, Script, Stmt, Str};
use swc_core::ecma::transforms::base::rename::rename;
use swc_core::ecma::transforms::module::common_js::{self, FeatureFlag, common_js};
use swc_core::ecma::transforms::module::path::Resolver;
use swc_core::ecma::transforms::module::util::ImportInterop;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::specifiers::Targets;
use super::{Work, import_meta, interop};
use crate::diagnostic::Code;
use crate::js::config::top_level_await;

/// The names that CommonJS's function has for its parameters.
pub(super) const PARAMETERS: [&str; 5] = ["exports", "require", "module", "__filename", "__dirname"];

/// What to do about a package whose `await` CommonJS cannot express.
pub const WAITING_PACKAGE: &str = "load it by `await import()` inside a function, or set `\"type\": \"module\"` in the function's package.json: then that is an ES module";

/// Lowers a module.
pub(super) fn lower(program: &mut Program, work: &Work<'_>, targets: &Targets) {
    if let Some(span) = top_level_await(program) {
        let message = "`await` at the top of a module cannot be expressed in CommonJS";
        let hint = "move it into a function, or set `\"type\": \"module\"` in the function's package.json: then it is an ES module";
        work.said.error(Code::ModuleFormat, Some(span), message, hint);
        return;
    }
    import_meta::replace(program, work);
    let config = common_js::Config {
        // `interop` refines it.
        import_interop: Some(ImportInterop::Swc),
        // So that ES modules can import its names.
        export_interop_annotation: Some(true),
        ignore_dynamic: true,
        preserve_import_meta: true,
        ..Default::default()
    };
    let features = FeatureFlag { support_block_scoping: true, support_arrow: true };
    let own: FxHashMap<Id, Id> = own_names(program, work);
    program.mutate(common_js(Resolver::Default, work.unresolved, config, features));
    interop::refine(program, work, targets);
    program.mutate(rename(&own));
}

/// What the module calls like a parameter, though it could do so only as long as there was none:
/// `const __dirname = …`. Each gets a scope of its own, and so another name in the end.
fn own_names(program: &Program, work: &Work<'_>) -> FxHashMap<Id, Id> {
    let top_level = SyntaxContext::empty().apply_mark(work.top_level);
    struct Names(FxHashSet<Id>);
    impl Visit for Names {
        fn visit_ident(&mut self, ident: &Ident) {
            if PARAMETERS.contains(&&*ident.sym) {
                self.0.insert(ident.to_id());
            }
        }
    }
    let mut names = Names(FxHashSet::default());
    program.visit_with(&mut names);
    let own = names.0.into_iter().filter(|(_, scope)| *scope == top_level);
    let fresh = SyntaxContext::empty().apply_mark(Mark::new());
    own.map(|id| (id.clone(), (format!("_{}", id.0).into(), fresh))).collect()
}

/// Says `"use strict"`, unless the script does.
pub(super) fn be_strict(script: &mut Script) {
    let directive = |statement: &Stmt| match statement {
        Stmt::Expr(ExprStmt { expr, .. }) => matches!(&**expr, Expr::Lit(Lit::Str(_))),
        _ => false,
    };
    let is_strict = script.body.iter().take_while(|statement| directive(statement)).any(|statement| {
        matches!(statement, Stmt::Expr(ExprStmt { expr, .. })
            if matches!(&**expr, Expr::Lit(Lit::Str(text)) if text.value == *"use strict"))
    });
    if !is_strict {
        let text = Str { span: DUMMY_SP, value: "use strict".into(), raw: None };
        script.body.insert(0, Stmt::Expr(ExprStmt { span: DUMMY_SP, expr: text.into() }));
    }
}
