//! The names by which a file calls Node's loaders. In: a syntax tree. Out: what each binding of
//! interest stands for: `require`, `createRequire`, the `module` module. Never follows a value out
//! of the file.

use rustc_hash::FxHashMap;
use swc_core::ecma::ast::{
    CallExpr, Callee, Expr, Id, ImportDecl, ImportSpecifier, MetaPropKind, ModuleExportName, ObjectPatProp, Pat,
    PropName, VarDeclarator,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::js::literal::{member_name, text as literal, unwrapped};
use crate::js::parse::Parsed;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loader {
    /// A `require` that resolves from this base; from the file itself if there is none.
    Require(Option<String>),
    /// `createRequire` of `node:module`.
    CreateRequire,
    /// `node:module` itself.
    ModuleModule,
}

/// The file's bindings of interest.
pub(super) struct Bindings<'a> {
    parsed: &'a Parsed,
    known: FxHashMap<Id, Loader>,
}

/// Collects the bindings of a whole file.
pub(super) fn collect(parsed: &Parsed) -> Bindings<'_> {
    let mut bindings = Bindings { parsed, known: FxHashMap::default() };
    parsed.program.visit_with(&mut bindings);
    bindings
}

impl Bindings<'_> {
    /// What the expression stands for, if it is one of Node's loaders.
    pub(super) fn loader(&self, expr: &Expr) -> Option<Loader> {
        match unwrapped(expr) {
            Expr::Ident(_) if self.is_global(expr, "require") => Some(Loader::Require(None)),
            Expr::Ident(ident) => self.known.get(&ident.to_id()).cloned(),
            // The name first: a chain of calls is long, and looked at from each of its links.
            Expr::Member(member) => match member_name(&member.prop)?.as_str() {
                "require" if self.is_global(&member.obj, "module") => Some(Loader::Require(None)),
                "createRequire" if self.loader(&member.obj)? == Loader::ModuleModule => Some(Loader::CreateRequire),
                _ => None,
            },
            Expr::Call(call) => self.returned(call),
            _ => None,
        }
    }

    /// Is it this identifier, and not one that the file declares?
    pub(super) fn is_global(&self, expr: &Expr, name: &str) -> bool {
        matches!(unwrapped(expr), Expr::Ident(ident) if &*ident.sym == name && ident.ctxt == self.parsed.unresolved)
    }

    /// What a call of a loader gives: `createRequire(base)`, `require('module')`.
    fn returned(&self, call: &CallExpr) -> Option<Loader> {
        let Callee::Expr(callee) = &call.callee else { return None };
        let argument = &call.args.first()?.expr;
        match self.loader(callee)? {
            Loader::CreateRequire => Some(Loader::Require(self.base(argument)?)),
            Loader::Require(_) if is_module_module(&literal(argument)?) => Some(Loader::ModuleModule),
            _ => None,
        }
    }

    /// The base given to `createRequire`: the file itself (`Some(None)`), or a path beside it.
    #[expect(clippy::option_option, reason = "not known, the file itself, or a path")]
    fn base(&self, expr: &Expr) -> Option<Option<String>> {
        match unwrapped(expr) {
            Expr::New(new) if self.is_global(&new.callee, "URL") => {
                let [path, base] = new.args.as_deref()? else { return None };
                self.is_own_file(&base.expr).then(|| literal(&path.expr)).flatten().map(Some)
            }
            expr => self.is_own_file(expr).then_some(None),
        }
    }

    fn is_own_file(&self, expr: &Expr) -> bool {
        match unwrapped(expr) {
            Expr::Member(member) => {
                matches!(&*member.obj, Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta)
                    && matches!(member_name(&member.prop).as_deref(), Some("url" | "filename"))
            }
            expr => self.is_global(expr, "__filename"),
        }
    }

    fn learn(&mut self, pattern: &Pat, value: Loader) {
        match pattern {
            Pat::Ident(ident) => {
                self.known.insert(ident.to_id(), value);
            }
            Pat::Object(object) if value == Loader::ModuleModule => {
                for prop in &object.props {
                    let (key, local) = match prop {
                        ObjectPatProp::Assign(prop) => (prop.key.sym.to_string(), prop.key.to_id()),
                        ObjectPatProp::KeyValue(prop) => match (&prop.key, &*prop.value) {
                            (PropName::Ident(key), Pat::Ident(local)) => (key.sym.to_string(), local.to_id()),
                            _ => continue,
                        },
                        ObjectPatProp::Rest(_) => continue,
                    };
                    if key == "createRequire" {
                        self.known.insert(local, Loader::CreateRequire);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Visit for Bindings<'_> {
    fn visit_import_decl(&mut self, import: &ImportDecl) {
        if import.type_only || !is_module_module(&import.src.value.to_string_lossy()) {
            return;
        }
        for specifier in &import.specifiers {
            let (local, loader) = match specifier {
                ImportSpecifier::Default(default) => (&default.local, Loader::ModuleModule),
                ImportSpecifier::Namespace(namespace) => (&namespace.local, Loader::ModuleModule),
                ImportSpecifier::Named(named) => {
                    let imported = match &named.imported {
                        None => named.local.sym.to_string(),
                        Some(ModuleExportName::Ident(ident)) => ident.sym.to_string(),
                        Some(ModuleExportName::Str(text)) => text.value.to_string_lossy().into_owned(),
                    };
                    match imported.as_str() {
                        "createRequire" => (&named.local, Loader::CreateRequire),
                        "default" | "Module" => (&named.local, Loader::ModuleModule),
                        _ => continue,
                    }
                }
            };
            self.known.insert(local.to_id(), loader);
        }
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        if let Some(value) = declarator.init.as_ref().and_then(|init| self.loader(init)) {
            self.learn(&declarator.name, value);
        }
        declarator.visit_children_with(self);
    }
}

fn is_module_module(specifier: &str) -> bool {
    matches!(specifier, "module" | "node:module")
}
