//! What CommonJS has and ES modules have not. In: an ES module. Out: the same, with `require`,
//! `__filename` and `__dirname` declared if it uses them and declares none itself.

use std::collections::BTreeSet;

use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::{
    Expr, Ident, ImportDecl, MemberExpr, MemberProp, Module, ObjectLit, Prop, UnaryExpr, UnaryOp,
};
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::Work;
use super::snippet::Snippet;
use super::specifiers::is_import_meta;

const REQUIRE: &str = r#"
import { createRequire as _createRequire } from "node:module";
const require = _createRequire(import.meta.url);
"#;
const FILENAME: &str = r#"
import { fileURLToPath as _fileURLToPath } from "node:url";
const __filename = _fileURLToPath(import.meta.url);
"#;
const DIRNAME: &str = r#"
import { fileURLToPath as _fileURLToPath } from "node:url";
const __dirname = _fileURLToPath(new URL(".", import.meta.url)).replace(/(?<=.)[\\/]$/, "");
"#;

/// Declares what is missing.
pub(super) fn provide(module: &mut Module, work: &Work<'_>) {
    if !work.options.has_dirname() {
        module.visit_mut_with(&mut Older(work.free()));
    }
    let mut used = Used { free: work.free(), names: BTreeSet::new() };
    module.visit_with(&mut used);
    // The last is put first.
    for (name, text) in [("__dirname", DIRNAME), ("__filename", FILENAME), ("require", REQUIRE)] {
        if used.names.contains(name) {
            Snippet::new(text, work).declaring(name, work).put_first(&mut module.body);
        }
    }
    if work.options.has_import_attributes() {
        module.visit_mut_with(&mut Json);
    }
}

/// Free names that are used for their values; `typeof require` only asks whether there is one.
struct Used {
    free: SyntaxContext,
    names: BTreeSet<String>,
}

impl Used {
    fn name(&mut self, ident: &Ident) {
        if ident.ctxt == self.free && matches!(&*ident.sym, "require" | "__filename" | "__dirname") {
            self.names.insert(ident.sym.to_string());
        }
    }
}

impl Visit for Used {
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

    fn visit_unary_expr(&mut self, unary: &UnaryExpr) {
        if unary.op != UnaryOp::TypeOf || !matches!(&*unary.arg, Expr::Ident(_)) {
            unary.visit_children_with(self);
        }
    }
}

/// `import.meta.dirname` and `import.meta.filename`, where Node has none.
struct Older(SyntaxContext);

impl VisitMut for Older {
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(property), span }) = expr
            && matches!(&*property.sym, "dirname" | "filename")
            && is_import_meta(obj)
        {
            let name = format!("__{}", property.sym);
            *expr = Expr::Ident(Ident::new(name.into(), *span, self.0));
        } else {
            expr.visit_mut_children_with(self);
        }
    }
}

/// TypeScript and bundlers import JSON by its extension; Node wants it said.
struct Json;

impl VisitMut for Json {
    fn visit_mut_import_decl(&mut self, import: &mut ImportDecl) {
        let is_json = import.src.value.as_str().is_some_and(|specifier| specifier.ends_with(".json"));
        if is_json && import.with.is_none() {
            import.with = Some(Box::new(json_attribute()));
        }
    }
}

fn json_attribute() -> ObjectLit {
    use swc_core::ecma::ast::{IdentName, KeyValueProp, PropName, PropOrSpread};
    let span = swc_core::common::DUMMY_SP;
    let key = PropName::Ident(IdentName::new("type".into(), span));
    let pair = Prop::KeyValue(KeyValueProp { key, value: Expr::from("json").into() });
    ObjectLit { span, props: vec![PropOrSpread::Prop(Box::new(pair))] }
}
