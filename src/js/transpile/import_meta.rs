//! `import.meta` in CommonJS. In: an ES module. Out: the same, with what CommonJS knows in its place.

use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{Expr, Ident, MemberExpr, MemberProp, Program};
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

use super::Work;
use super::snippet::Snippet;
use super::specifiers::is_import_meta;

/// What most files ask for stands where they ask for it, so that whoever follows `__dirname` does.
const URL: &str = r#"require("node:url").pathToFileURL(__filename).href"#;

/// The object itself, for the others.
const META: &str = r#"
const _import_meta = {
    dirname: __dirname,
    filename: __filename,
    main: require.main === module,
    url: require("node:url").pathToFileURL(__filename).href,
    resolve(specifier) {
        if (/^(?:\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i.test(specifier)) return new URL(specifier, _import_meta.url).href;
        const found = require.resolve(specifier);
        return require("node:module").isBuiltin(found) ? "node:" + found : require("node:url").pathToFileURL(found).href;
    },
};
"#;

/// Replaces every mention.
pub(super) fn replace(program: &mut Program, work: &Work<'_>) {
    let mut replacer = Replacer { work, meta: None };
    program.visit_mut_with(&mut replacer);
    if let (Some(meta), Program::Module(module)) = (replacer.meta, program) {
        meta.put_first(&mut module.body);
    }
}

struct Replacer<'a, 'b> {
    work: &'a Work<'b>,
    meta: Option<Snippet>,
}

impl VisitMut for Replacer<'_, '_> {
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(property), span }) = expr
            && is_import_meta(obj)
        {
            let free = |name: &str| Expr::Ident(Ident::new(name.into(), *span, self.work.free()));
            let known = match &*property.sym {
                "url" => Some(Snippet::expression(URL, self.work)),
                "filename" => Some(free("__filename")),
                "dirname" => Some(free("__dirname")),
                _ => None,
            };
            if let Some(known) = known {
                *expr = known;
                return;
            }
        }
        expr.visit_mut_children_with(self);
        if is_import_meta(expr) {
            let meta = self.meta.get_or_insert_with(|| Snippet::new(META, self.work));
            *expr = Expr::Ident(Ident::new("_import_meta".into(), DUMMY_SP, meta.scope));
        }
    }
}
