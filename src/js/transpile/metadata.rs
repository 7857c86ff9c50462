//! What `emitDecoratorMetadata` tells. In: a tree with types, before decorators are applied. Out: the
//! same, its types in the form in which swc tells what TypeScript tells; and afterwards, names as they
//! were.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{
    Class, ClassDecl, Id, Ident, IdentName, ImportDecl, ImportSpecifier, ImportStarAsSpecifier, ModuleDecl,
    ModuleExportName, ModuleItem, Program, RestPat, TsEntityName, TsKeywordTypeKind, TsQualifiedName, TsType,
    TsTypeRef, TsUnionOrIntersectionType,
};
use swc_core::ecma::utils::private_ident;
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::{Module, Work};
use crate::js::scan::values_used;

/// Before the name of a class inside of itself, where swc tells `Object`. No source has it in a name.
const SELF: &str = "\0self ";

/// Makes types ready to be told.
pub(super) fn prepare(program: &mut Program, work: &Work<'_>, module: Module) {
    program.visit_mut_with(&mut Types { strict: work.options.strict_null_checks, class: None });
    if module != Module::CommonJs && !work.options.verbatim_module_syntax {
        import_namespaces(program);
    }
}

/// Gives names back.
pub(super) fn restore(program: &mut Program) {
    struct Restorer;
    impl VisitMut for Restorer {
        fn visit_mut_ident(&mut self, ident: &mut Ident) {
            if let Some(name) = ident.sym.strip_prefix(SELF) {
                ident.sym = name.into();
            }
        }
    }
    program.visit_mut_with(&mut Restorer);
}

struct Types {
    strict: bool,
    class: Option<Id>,
}

impl VisitMut for Types {
    fn visit_mut_class_decl(&mut self, class: &mut ClassDecl) {
        let outer = self.class.replace(class.ident.to_id());
        class.visit_mut_children_with(self);
        self.class = outer;
    }

    fn visit_mut_ts_type_ref(&mut self, reference: &mut TsTypeRef) {
        if let (TsEntityName::Ident(name), Some(class)) = (&mut reference.type_name, &self.class)
            && name.to_id() == *class
        {
            name.sym = format!("{SELF}{}", name.sym).into();
        }
        reference.visit_mut_children_with(self);
    }

    /// `T | null` is `T`, unless `strictNullChecks`.
    fn visit_mut_ts_type(&mut self, ty: &mut TsType) {
        ty.visit_mut_children_with(self);
        if let (TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsUnionType(union)), false) =
            (&mut *ty, self.strict)
        {
            union.types.retain(|member| !is_nothing(member));
            if union.types.len() == 1 {
                *ty = *union.types.remove(0);
            }
        }
    }

    /// Of `...rest: T[]` the type is `T`.
    fn visit_mut_rest_pat(&mut self, rest: &mut RestPat) {
        rest.visit_mut_children_with(self);
        let Some(annotation) = &mut rest.type_ann else { return };
        let element = match &mut *annotation.type_ann {
            TsType::TsArrayType(array) => Some(array.elem_type.clone()),
            TsType::TsTypeRef(TsTypeRef { type_params: Some(parameters), .. }) => parameters.params.first().cloned(),
            _ => None,
        };
        if let Some(element) = element {
            annotation.type_ann = element;
        }
    }
}

fn is_nothing(ty: &TsType) -> bool {
    matches!(ty, TsType::TsKeywordType(keyword)
        if matches!(keyword.kind, TsKeywordTypeKind::TsNullKeyword | TsKeywordTypeKind::TsUndefinedKeyword))
}

/// An import of which nothing but types is used may be one itself, and then no ES module has it to
/// import. Of a namespace any name may be asked.
fn import_namespaces(program: &mut Program) {
    let used = values_used(program);
    let mut told = Told::default();
    program.visit_with(&mut told);
    let Program::Module(module) = program else { return };
    let mut names: FxHashMap<Id, (Ident, IdentName)> = FxHashMap::default();
    let mut added = Vec::new();
    for item in &mut module.body {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else { continue };
        if import.type_only {
            continue;
        }
        let namespace = private_ident!("_types");
        let before = names.len();
        import.specifiers.retain(|specifier| {
            let (local, imported) = match specifier {
                ImportSpecifier::Named(named) if !named.is_type_only => (
                    &named.local,
                    match &named.imported {
                        Some(ModuleExportName::Ident(imported)) => imported.sym.clone(),
                        Some(ModuleExportName::Str(_)) => return true,
                        None => named.local.sym.clone(),
                    },
                ),
                ImportSpecifier::Default(default) => (&default.local, "default".into()),
                _ => return true,
            };
            let only_told = told.0.contains(&local.to_id()) && !used.contains(local);
            if only_told {
                names.insert(local.to_id(), (namespace.clone(), IdentName::new(imported, DUMMY_SP)));
            }
            !only_told
        });
        if names.len() > before {
            let star = ImportSpecifier::Namespace(ImportStarAsSpecifier { span: DUMMY_SP, local: namespace });
            if import.specifiers.is_empty() {
                import.specifiers.push(star);
            } else {
                added.push(ImportDecl { specifiers: vec![star], ..import.clone() });
            }
        }
    }
    module.body.splice(0..0, added.into_iter().map(|import| ModuleDecl::Import(import).into()));
    program.visit_mut_with(&mut Qualifier(names));
}

/// The types that decorated classes mention.
#[derive(Default)]
struct Told(FxHashSet<Id>);

impl Visit for Told {
    fn visit_class(&mut self, class: &Class) {
        struct References<'a>(&'a mut FxHashSet<Id>);
        impl Visit for References<'_> {
            fn visit_ts_type_ref(&mut self, reference: &TsTypeRef) {
                if let TsEntityName::Ident(name) = &reference.type_name {
                    self.0.insert(name.to_id());
                }
                reference.visit_children_with(self);
            }
        }
        class.visit_with(&mut References(&mut self.0));
    }
}

struct Qualifier(FxHashMap<Id, (Ident, IdentName)>);

impl VisitMut for Qualifier {
    fn visit_mut_ts_entity_name(&mut self, name: &mut TsEntityName) {
        match name {
            TsEntityName::Ident(ident) => {
                if let Some((namespace, imported)) = self.0.get(&ident.to_id()) {
                    let left = TsEntityName::Ident(namespace.clone());
                    let qualified = TsQualifiedName { span: DUMMY_SP, left, right: imported.clone() };
                    *name = TsEntityName::TsQualifiedName(Box::new(qualified));
                }
            }
            TsEntityName::TsQualifiedName(qualified) => qualified.left.visit_mut_with(self),
        }
    }
}
