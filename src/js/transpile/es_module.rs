//! What CommonJS has and ES modules have not. In: an ES module. Out: the same, with `require`,
//! `__filename` and `__dirname` declared if it uses them and declares none itself. In a bundle they stay free: who
//! declares `require` hides from the bundler what is asked for.

use std::collections::BTreeSet;

use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::{Expr, Ident, MemberExpr, MemberProp, Module, Prop, UnaryExpr, UnaryOp};
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::snippet::Snippet;
use super::specifiers::is_import_meta;
use super::{Work, json};

/// Declares what is missing.
pub(super) fn provide(module: &mut Module, work: &Work<'_>) {
    let mut used = Used { free: work.free(), names: BTreeSet::new() };
    module.visit_with(&mut used);
    if !work.options.has_dirname() {
        module.visit_mut_with(&mut Older(&mut used));
    }
    if !used.names.is_empty() && !work.options.is_bundled {
        prelude(&used.names, work).put_first(&mut module.body);
    }
    json::import(module);
}

fn prelude(names: &BTreeSet<&str>, work: &Work<'_>) -> Snippet {
    let mut text = String::new();
    let mut add = |wanted: bool, line: &str| text += if wanted { line } else { "" };
    let [dirname, filename, require] = ["__dirname", "__filename", "require"].map(|name| names.contains(name));
    add(require, "import { createRequire as _createRequire } from 'node:module';");
    add(dirname, "import { dirname as _dirname } from 'node:path';");
    add(dirname || filename, "import { fileURLToPath as _fileURLToPath } from 'node:url';");
    add(require, "const require = _createRequire(import.meta.url);");
    add(filename, "const __filename = _fileURLToPath(import.meta.url);");
    add(dirname, "const __dirname = _dirname(_fileURLToPath(import.meta.url));");
    names.iter().fold(Snippet::new(&text, work), |snippet, name| snippet.declaring(name, work))
}

/// Free names that are used for their values; `typeof require` only asks whether there is one.
struct Used {
    free: SyntaxContext,
    names: BTreeSet<&'static str>,
}

impl Used {
    fn name(&mut self, ident: &Ident) {
        let known = ["require", "__filename", "__dirname"].into_iter().find(|name| ident.sym == *name);
        self.names.extend(known.filter(|_| ident.ctxt == self.free));
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
struct Older<'a>(&'a mut Used);

impl VisitMut for Older<'_> {
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(property), span }) = expr
            && matches!(&*property.sym, "dirname" | "filename")
            && is_import_meta(obj)
        {
            let name = if property.sym == "dirname" { "__dirname" } else { "__filename" };
            self.0.names.insert(name);
            *expr = Expr::Ident(Ident::new(name.into(), *span, self.0.free));
        } else {
            expr.visit_mut_children_with(self);
        }
    }
}
