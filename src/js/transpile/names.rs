//! Names that meet. In: a tree whose names have scopes. Out: one whose names are enough to tell them
//! apart, changed where they have to be. A class is called what it was called.

use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::{ClassDecl, Decl, Expr, Ident, Pat, Program, VarDecl, VarDeclKind};
use swc_core::ecma::transforms::base::helpers::{HELPERS, Helpers};
use swc_core::ecma::transforms::base::hygiene::{Config, hygiene_with_config};
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

/// Settles all names.
pub(super) fn settle(program: &mut Program) {
    program.visit_mut_with(&mut Helper);
    program.mutate(hygiene_with_config(Config { keep_class_names: true, ignore_eval: true, ..Default::default() }));
    program.visit_mut_with(&mut Declarations);
}

/// A variable that swc's helper for `using` declares in one scope and uses in another.
struct Helper;

impl VisitMut for Helper {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        if ident.sym == "_SuppressedError" && ident.span.is_dummy() {
            ident.ctxt = SyntaxContext::empty().apply_mark(HELPERS.with(Helpers::mark));
        }
    }
}

/// swc keeps the names of classes by `let A = class A {}`, needed or not.
struct Declarations;

impl VisitMut for Declarations {
    fn visit_mut_decl(&mut self, decl: &mut Decl) {
        decl.visit_mut_children_with(self);
        let Decl::Var(variable) = decl else { return };
        if let Some(class) = declared_class(variable) {
            *decl = Decl::Class(class);
        }
    }
}

fn declared_class(variable: &mut VarDecl) -> Option<ClassDecl> {
    let VarDecl { kind: VarDeclKind::Let, decls, .. } = variable else { return None };
    let [declarator] = decls.as_mut_slice() else { return None };
    let (Pat::Ident(name), Some(Expr::Class(class))) = (&declarator.name, declarator.init.as_deref_mut()) else {
        return None;
    };
    let ident = class.ident.clone().filter(|own| own.sym == name.sym)?;
    Some(ClassDecl { ident, declare: false, class: std::mem::take(&mut class.class) })
}
