//! Namespaces in several parts. In: a tree with types, scopes resolved as JavaScript's are. Out: the same,
//! in which a part finds what another part exports, as TypeScript has it.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::atoms::Atom;
use swc_core::common::DUMMY_SP;
use swc_core::ecma::ast::{
    AssignTarget, BindingIdent, ClassDecl, ClassExpr, Decl, Expr, FnDecl, FnExpr, Id, Ident, IdentName, JSXElementName,
    JSXMemberExpr, JSXObject, KeyValueProp, MemberExpr, MemberProp, ModuleDecl, ModuleItem, Program, Prop, PropName,
    SimpleAssignTarget, TsEntityName, TsEnumDecl, TsImportEqualsDecl, TsModuleBlock, TsModuleDecl, TsModuleName,
    TsNamespaceBody, TsQualifiedName,
};
use swc_core::ecma::utils::find_pat_ids;
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

/// A namespace: where its outermost is declared, and the names on the way in.
type Path = (Id, Vec<Atom>);

/// Rewrites references across parts.
pub(super) fn join(program: &mut Program) {
    let mut parts = Parts::default();
    program.visit_with(&mut parts);
    if !parts.exports.is_empty() {
        program.visit_mut_with(&mut Joiner { parts, around: Vec::new() });
    }
}

/// What each namespace exports, in all its parts.
#[derive(Default)]
struct Parts {
    exports: FxHashMap<Path, BTreeSet<Atom>>,
    /// What is exported, by the name that it has where it is declared.
    exported: FxHashSet<Id>,
    /// Namespaces within others.
    inner: FxHashMap<Id, Path>,
}

impl Parts {
    fn body(&mut self, path: Path, body: &TsNamespaceBody) {
        match body {
            TsNamespaceBody::TsModuleBlock(block) => {
                for item in &block.body {
                    let ModuleItem::ModuleDecl(declared) = item else { continue };
                    let names: Vec<Id> = match declared {
                        ModuleDecl::ExportDecl(export) => declared_by(&export.decl),
                        ModuleDecl::TsImportEquals(import) if import.is_export => vec![import.id.to_id()],
                        _ => Vec::new(),
                    };
                    if let ModuleDecl::ExportDecl(export) = declared
                        && let Decl::TsModule(inner) = &export.decl
                        && let TsModuleName::Ident(name) = &inner.id
                    {
                        self.inner.insert(name.to_id(), inside(&path, &name.sym));
                    }
                    self.exported.extend(names.iter().cloned());
                    self.exports.entry(path.clone()).or_default().extend(names.into_iter().map(|(name, _)| name));
                }
                block.visit_children_with(self);
            }
            TsNamespaceBody::TsNamespaceDecl(inner) => {
                let inner_path = inside(&path, &inner.id.sym);
                self.exports.entry(path).or_default().insert(inner.id.sym.clone());
                self.body(inner_path, &inner.body);
            }
        }
    }
}

impl Visit for Parts {
    fn visit_ts_module_decl(&mut self, module: &TsModuleDecl) {
        if let (TsModuleName::Ident(name), Some(body)) = (&module.id, &module.body) {
            self.body(path_of(name, &self.inner), body);
        }
    }
}

fn inside(path: &Path, name: &Atom) -> Path {
    (path.0.clone(), path.1.iter().chain([name]).cloned().collect())
}

fn path_of(name: &Ident, inner: &FxHashMap<Id, Path>) -> Path {
    inner.get(&name.to_id()).cloned().unwrap_or_else(|| (name.to_id(), Vec::new()))
}

fn declared_by(decl: &Decl) -> Vec<Id> {
    match decl {
        Decl::Class(class) => vec![class.ident.to_id()],
        Decl::Fn(function) => vec![function.ident.to_id()],
        Decl::Var(variable) => find_pat_ids(&variable.decls),
        Decl::TsEnum(numbers) => vec![numbers.id.to_id()],
        Decl::TsModule(module) => module.id.as_ident().map(Ident::to_id).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A part that the walk is in.
struct Around {
    name: Ident,
    path: Path,
    own: FxHashSet<Id>,
}

struct Joiner {
    parts: Parts,
    around: Vec<Around>,
}

impl Joiner {
    /// The namespace that has this name in another part.
    fn home(&self, name: &Ident) -> Option<Ident> {
        for part in self.around.iter().rev() {
            if part.own.contains(&name.to_id()) {
                return None;
            }
            if self.parts.exports.get(&part.path).is_some_and(|exports| exports.contains(&name.sym)) {
                return Some(part.name.clone());
            }
        }
        None
    }

    fn member(&self, name: &Ident) -> Option<MemberExpr> {
        let home = self.home(name)?;
        let prop = MemberProp::Ident(IdentName::new(name.sym.clone(), name.span));
        Some(MemberExpr { span: name.span, obj: home.into(), prop })
    }

    fn body(&mut self, name: Ident, path: Path, body: &mut TsNamespaceBody) {
        let mut own = Own::default();
        body.visit_with(&mut own);
        match body {
            TsNamespaceBody::TsModuleBlock(TsModuleBlock { body, .. }) => {
                self.around.push(Around { name, path, own: own.0 });
                body.visit_mut_with(self);
            }
            TsNamespaceBody::TsNamespaceDecl(inner) => {
                let inner_path = inside(&path, &inner.id.sym);
                self.around.push(Around { name, path, own: own.0 });
                self.body(inner.id.clone(), inner_path, &mut inner.body);
            }
        }
        self.around.pop();
    }
}

impl VisitMut for Joiner {
    fn visit_mut_ts_module_decl(&mut self, module: &mut TsModuleDecl) {
        if let (TsModuleName::Ident(name), Some(body)) = (&module.id, &mut module.body) {
            self.body(name.clone(), path_of(name, &self.parts.inner), body);
        }
    }

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Ident(name) = expr {
            if let Some(member) = self.member(name) {
                *expr = member.into();
            }
        } else {
            expr.visit_mut_children_with(self);
        }
    }

    fn visit_mut_assign_target(&mut self, target: &mut AssignTarget) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(name)) = target
            && let Some(member) = self.member(name)
        {
            *target = member.into();
        } else {
            target.visit_mut_children_with(self);
        }
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(name) = prop
            && let Some(member) = self.member(name)
        {
            let key = PropName::Ident(name.clone().into());
            *prop = Prop::KeyValue(KeyValueProp { key, value: member.into() });
        } else {
            prop.visit_mut_children_with(self);
        }
    }

    fn visit_mut_jsx_element_name(&mut self, element: &mut JSXElementName) {
        if let JSXElementName::Ident(name) = element
            && let Some(home) = self.home(name)
        {
            let prop = IdentName::new(name.sym.clone(), name.span);
            *element =
                JSXElementName::JSXMemberExpr(JSXMemberExpr { span: DUMMY_SP, obj: JSXObject::Ident(home), prop });
        } else {
            element.visit_mut_children_with(self);
        }
    }

    /// `import a = b.c`.
    fn visit_mut_ts_entity_name(&mut self, name: &mut TsEntityName) {
        match name {
            TsEntityName::Ident(ident) => {
                // swc makes no variable of what a namespace exports, and forgets it here.
                let own = || {
                    let part = self.around.iter().rev().find(|part| part.own.contains(&ident.to_id()))?;
                    self.parts.exported.contains(&ident.to_id()).then(|| part.name.clone())
                };
                if let Some(home) = self.home(ident).or_else(own) {
                    let right = IdentName::new(ident.sym.clone(), ident.span);
                    let qualified = TsQualifiedName { span: ident.span, left: TsEntityName::Ident(home), right };
                    *name = TsEntityName::TsQualifiedName(Box::new(qualified));
                }
            }
            TsEntityName::TsQualifiedName(qualified) => qualified.left.visit_mut_with(self),
        }
    }
}

/// The names that a part declares.
#[derive(Default)]
struct Own(FxHashSet<Id>);

impl Visit for Own {
    fn visit_binding_ident(&mut self, name: &BindingIdent) {
        self.0.insert(name.to_id());
    }

    /// What is assigned to is declared elsewhere.
    fn visit_simple_assign_target(&mut self, target: &SimpleAssignTarget) {
        if !matches!(target, SimpleAssignTarget::Ident(_)) {
            target.visit_children_with(self);
        }
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        self.0.insert(function.ident.to_id());
        function.visit_children_with(self);
    }

    fn visit_fn_expr(&mut self, function: &FnExpr) {
        self.0.extend(function.ident.as_ref().map(Ident::to_id));
        function.visit_children_with(self);
    }

    fn visit_class_decl(&mut self, class: &ClassDecl) {
        self.0.insert(class.ident.to_id());
        class.visit_children_with(self);
    }

    fn visit_class_expr(&mut self, class: &ClassExpr) {
        self.0.extend(class.ident.as_ref().map(Ident::to_id));
        class.visit_children_with(self);
    }

    fn visit_ts_enum_decl(&mut self, numbers: &TsEnumDecl) {
        self.0.insert(numbers.id.to_id());
    }

    fn visit_ts_module_decl(&mut self, module: &TsModuleDecl) {
        self.0.extend(module.id.as_ident().map(Ident::to_id));
        module.visit_children_with(self);
    }

    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        self.0.insert(import.id.to_id());
    }
}
