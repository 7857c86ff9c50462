//! Imports of JSON in ES modules. In: an ES module. Out: the same, as Node wants it: `type: "json"` is
//! said, and only the default is imported; names are taken out of that.

use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{
    ComputedPropName, Expr, Ident, IdentName, ImportDecl, ImportDefaultSpecifier, ImportNamedSpecifier,
    ImportSpecifier, KeyValueProp, MemberExpr, MemberProp, Module, ModuleDecl, ModuleExportName, ModuleItem, ObjectLit,
    Pat, Prop, PropName, PropOrSpread, SpreadElement, Stmt, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_core::ecma::utils::{prepend_stmts, private_ident};

/// Rewrites every such import.
pub(super) fn import(module: &mut Module) {
    let mut taken = Vec::new();
    for item in &mut module.body {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) if is_json(import.src.value.as_str()) => {
                import.with.get_or_insert_with(|| Box::new(attribute()));
                taken.extend(default_alone(import));
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export))
                if export.src.as_ref().is_some_and(|source| is_json(source.value.as_str())) =>
            {
                export.with.get_or_insert_with(|| Box::new(attribute()));
            }
            _ => {}
        }
    }
    prepend_stmts(&mut module.body, taken.into_iter());
}

fn is_json(specifier: Option<&str>) -> bool {
    specifier.is_some_and(|specifier| specifier.ends_with(".json"))
}

/// Leaves the default, and gives the declarations of the other names.
fn default_alone(import: &mut ImportDecl) -> Vec<ModuleItem> {
    let is_default = |specifier: &ImportSpecifier| matches!(specifier, ImportSpecifier::Default(_));
    let rest: Vec<ImportSpecifier> = import.specifiers.extract_if(.., |specifier| !is_default(specifier)).collect();
    if rest.is_empty() {
        return Vec::new();
    }
    let json = match import.specifiers.first() {
        Some(default) => default.local().clone(),
        None => {
            let local = private_ident!("_json");
            let specifier = ImportDefaultSpecifier { span: DUMMY_SP, local: local.clone() };
            import.specifiers.push(ImportSpecifier::Default(specifier));
            local
        }
    };
    rest.into_iter().map(|specifier| declared(specifier.local().clone(), value(&json, &specifier))).collect()
}

fn value(json: &Ident, specifier: &ImportSpecifier) -> Expr {
    let prop = match specifier {
        ImportSpecifier::Namespace(_) => {
            let all = PropOrSpread::Spread(SpreadElement { dot3_token: DUMMY_SP, expr: json.clone().into() });
            let props = vec![all, property("default", json.clone().into())];
            return Expr::Object(ObjectLit { span: DUMMY_SP, props });
        }
        ImportSpecifier::Named(ImportNamedSpecifier { imported: Some(ModuleExportName::Str(name)), .. }) => {
            MemberProp::Computed(ComputedPropName { span: DUMMY_SP, expr: name.clone().into() })
        }
        ImportSpecifier::Named(ImportNamedSpecifier { imported: Some(ModuleExportName::Ident(name)), .. }) => {
            MemberProp::Ident(name.clone().into())
        }
        other => MemberProp::Ident(other.local().clone().into()),
    };
    if matches!(&prop, MemberProp::Ident(name) if name.sym == "default") {
        return json.clone().into();
    }
    Expr::Member(MemberExpr { span: DUMMY_SP, obj: json.clone().into(), prop })
}

fn declared(name: Ident, value: Expr) -> ModuleItem {
    let declarator =
        VarDeclarator { span: DUMMY_SP, name: Pat::Ident(name.into()), init: Some(Box::new(value)), definite: false };
    let variable = VarDecl { kind: VarDeclKind::Const, decls: vec![declarator], ..Default::default() };
    ModuleItem::Stmt(Stmt::from(variable))
}

fn attribute() -> ObjectLit {
    ObjectLit { span: DUMMY_SP, props: vec![property("type", "json".into())] }
}

fn property(key: &str, value: Expr) -> PropOrSpread {
    let key = PropName::Ident(IdentName::new(key.into(), DUMMY_SP));
    PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp { key, value: Box::new(value) })))
}
