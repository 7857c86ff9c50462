//! `using` for Nodes that have none. In: a tree without types. Out: the same with `try` and `finally`.
//! swc does it; what a module exports is taken out of its way before.

use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{
    Decl, ExportNamedSpecifier, ExportSpecifier, Id, Ident, ModuleDecl, ModuleExportName, ModuleItem, NamedExport, Pat,
    Program, Stmt, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_core::ecma::transforms::proposal::explicit_resource_management::explicit_resource_management;
use swc_core::ecma::utils::{find_pat_ids, private_ident};

/// Lowers every `using`.
pub(super) fn lower(program: &mut Program) {
    if let Program::Module(module) = program
        && module.body.iter().any(|item| matches!(item, ModuleItem::Stmt(Stmt::Decl(Decl::Using(_)))))
    {
        // In a `try` there are no exports, and after it would be too late for their values.
        module.body = std::mem::take(&mut module.body).into_iter().flat_map(apart).collect();
    }
    program.mutate(explicit_resource_management());
}

/// An export as a declaration and a list of names.
fn apart(item: ModuleItem) -> Vec<ModuleItem> {
    match item {
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => match export.decl {
            Decl::Var(variable) => {
                let names: Vec<Id> = find_pat_ids(&variable.decls);
                let names = names.into_iter().map(|(name, scope)| (Ident::new(name, DUMMY_SP, scope), None));
                let names = names.collect();
                vec![Stmt::Decl(Decl::Var(variable)).into(), exported(names)]
            }
            decl => vec![ModuleDecl::ExportDecl(swc_core::ecma::ast::ExportDecl { decl, ..export }).into()],
        },
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
            let name = private_ident!("_default");
            let declarator = VarDeclarator {
                span: export.span,
                name: Pat::Ident(name.clone().into()),
                init: Some(export.expr),
                definite: false,
            };
            let variable =
                VarDecl { span: export.span, kind: VarDeclKind::Const, decls: vec![declarator], ..Default::default() };
            let default = Ident::new_no_ctxt("default".into(), DUMMY_SP);
            vec![Stmt::Decl(Decl::Var(Box::new(variable))).into(), exported(vec![(name, Some(default))])]
        }
        other => vec![other],
    }
}

fn exported(names: Vec<(Ident, Option<Ident>)>) -> ModuleItem {
    let specifier = |(name, exported): (Ident, Option<Ident>)| {
        ExportSpecifier::Named(ExportNamedSpecifier {
            span: DUMMY_SP,
            orig: ModuleExportName::Ident(name),
            exported: exported.map(ModuleExportName::Ident),
            is_type_only: false,
        })
    };
    let specifiers = names.into_iter().map(specifier).collect();
    ModuleDecl::ExportNamed(NamedExport { span: DUMMY_SP, specifiers, src: None, type_only: false, with: None }).into()
}
