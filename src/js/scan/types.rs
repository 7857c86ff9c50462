//! Which names of a TypeScript file are used as values. In: a syntax tree. Out: the names; an import
//! that no value uses is left out by compilers (TypeScript: "import elision"), unless decorators are
//! told of its types.

use rustc_hash::FxHashSet;
use swc_core::ecma::ast::{
    Class, ClassMember, ExportNamedSpecifier, Expr, Id, Ident, ImportDecl, JSXElementName, JSXFragment, JSXObject,
    NamedExport, Program, Prop, TsEntityName, TsExprWithTypeArgs, TsImportEqualsDecl, TsInterfaceDecl, TsModuleRef,
    TsType, TsTypeAliasDecl, TsTypeAnn, TsTypeParamDecl, TsTypeParamInstantiation, TsTypeRef,
};
use swc_core::ecma::visit::{Visit, VisitWith};

/// The names that are used as values.
#[derive(Default)]
pub(in crate::js) struct Used {
    names: FxHashSet<Id>,
    /// The types that decorated classes mention.
    told: FxHashSet<Id>,
    /// JSX asks for `React`, though nobody writes it.
    pub(super) has_jsx: bool,
}

/// Collects them.
pub(in crate::js) fn used(program: &Program) -> Used {
    let mut used = Used::default();
    program.visit_with(&mut used);
    used
}

impl Used {
    /// Does a value use this import?
    pub(in crate::js) fn contains(&self, local: &Ident) -> bool {
        self.names.contains(&local.to_id()) || self.has_jsx && local.sym == "React"
    }

    /// Is this import mentioned by the types of a decorated class? With `emitDecoratorMetadata` they are
    /// values.
    pub(in crate::js) fn is_told(&self, local: &Ident) -> bool {
        self.told.contains(&local.to_id())
    }
}

/// Has it a decorator, or has one of its members or their parameters?
fn is_decorated(class: &Class) -> bool {
    let is_member = |member: &ClassMember| match member {
        ClassMember::Constructor(constructor) => constructor.params.iter().any(|parameter| {
            parameter.as_param().is_some_and(|parameter| !parameter.decorators.is_empty())
                || parameter.as_ts_param_prop().is_some_and(|property| !property.decorators.is_empty())
        }),
        ClassMember::Method(method) => {
            let mut parameters = method.function.params.iter();
            !method.function.decorators.is_empty() || parameters.any(|parameter| !parameter.decorators.is_empty())
        }
        ClassMember::ClassProp(property) => !property.decorators.is_empty(),
        ClassMember::AutoAccessor(accessor) => !accessor.decorators.is_empty(),
        _ => false,
    };
    !class.decorators.is_empty() || class.body.iter().any(is_member)
}

/// The names of types.
struct Mentioned<'a>(&'a mut FxHashSet<Id>);

impl Visit for Mentioned<'_> {
    fn visit_ts_type_ref(&mut self, reference: &TsTypeRef) {
        let mut name = &reference.type_name;
        while let TsEntityName::TsQualifiedName(qualified) = name {
            name = &qualified.left;
        }
        if let TsEntityName::Ident(name) = name {
            self.0.insert(name.to_id());
        }
        reference.visit_children_with(self);
    }
}

impl Visit for Used {
    fn visit_class(&mut self, class: &Class) {
        if is_decorated(class) {
            class.visit_with(&mut Mentioned(&mut self.told));
        }
        class.visit_children_with(self);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Ident(name) = expr {
            self.names.insert(name.to_id());
        }
        expr.visit_children_with(self);
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(name) = prop {
            self.names.insert(name.to_id());
        }
        prop.visit_children_with(self);
    }

    fn visit_jsx_fragment(&mut self, fragment: &JSXFragment) {
        self.has_jsx = true;
        fragment.visit_children_with(self);
    }

    fn visit_jsx_element_name(&mut self, name: &JSXElementName) {
        self.has_jsx = true;
        if let JSXElementName::Ident(name) = name {
            self.names.insert(name.to_id());
        }
        name.visit_children_with(self);
    }

    fn visit_jsx_object(&mut self, object: &JSXObject) {
        if let JSXObject::Ident(name) = object {
            self.names.insert(name.to_id());
        }
        object.visit_children_with(self);
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        if !export.type_only && export.src.is_none() {
            export.visit_children_with(self);
        }
    }

    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        if let (false, swc_core::ecma::ast::ModuleExportName::Ident(name)) = (specifier.is_type_only, &specifier.orig) {
            self.names.insert(name.to_id());
        }
    }

    /// `import a = b.c` uses `b`.
    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if let TsModuleRef::TsEntityName(entity) = &import.module_ref {
            let mut entity = entity;
            while let TsEntityName::TsQualifiedName(qualified) = entity {
                entity = &qualified.left;
            }
            if let TsEntityName::Ident(name) = entity {
                self.names.insert(name.to_id());
            }
        }
    }

    // What follows is types alone.

    fn visit_import_decl(&mut self, _: &ImportDecl) {}
    fn visit_ts_type(&mut self, _: &TsType) {}
    fn visit_ts_type_ann(&mut self, _: &TsTypeAnn) {}
    fn visit_ts_interface_decl(&mut self, _: &TsInterfaceDecl) {}
    fn visit_ts_type_alias_decl(&mut self, _: &TsTypeAliasDecl) {}
    fn visit_ts_type_param_decl(&mut self, _: &TsTypeParamDecl) {}
    fn visit_ts_type_param_instantiation(&mut self, _: &TsTypeParamInstantiation) {}
    fn visit_ts_expr_with_type_args(&mut self, _: &TsExprWithTypeArgs) {}
}
