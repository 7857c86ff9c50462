//! Specifiers become those of the files that will be there. In: a syntax tree, and somebody who knows
//! where specifiers lead. Out: the tree with its literals replaced. Never resolves anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swc_core::common::{DUMMY_SP, SyntaxContext};
use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, CallExpr, Callee, ExportAll, ExportSpecifier, Expr, ExprOrSpread, Ident, IdentName,
    Import, ImportDecl, ImportNamedSpecifier, ImportPhase, ImportSpecifier, Lit, MemberExpr, MemberProp, MetaPropExpr,
    MetaPropKind, ModuleDecl, ModuleExportName, ModuleItem, NamedExport, NewExpr, Program, Str, TsExternalModuleRef,
};
use swc_core::ecma::transforms::base::enable_helper;
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::{Lead, Module, Work};
use crate::js::scan::{Form, values_used};

/// Where a specifier leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it shall be in the output.
    pub specifier: String,
    /// What will be there.
    pub format: Format,
    /// What it exports that is nothing at run time, as far as that is known ([`exported_types`]).
    ///
    /// [`exported_types`]: super::exported_types
    pub types: Arc<BTreeSet<String>>,
    /// There is nothing: what no value uses of it is a type.
    pub is_missing: bool,
}

impl Target {
    /// There is nothing.
    pub fn missing(specifier: &str) -> Self {
        Self { specifier: specifier.to_owned(), format: Format::CommonJs, types: Arc::default(), is_missing: true }
    }
}

/// What a module is, and what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CommonJS, as its author wrote it.
    CommonJs,
    /// An ES module.
    EsModule,
    /// CommonJS that was made from an ES module: its default is `exports.default`, however it is asked for.
    Lowered,
}

/// Formats by the specifiers of the output.
pub(super) type Targets = BTreeMap<String, Format>;

/// Somebody who knows where specifiers lead, and what was said so far.
pub(super) struct Leads<'a> {
    lead: Lead<'a>,
    told: BTreeMap<(String, Form), Option<Target>>,
}

impl<'a> Leads<'a> {
    pub(super) fn new(lead: Lead<'a>) -> Self {
        Self { lead, told: BTreeMap::new() }
    }

    fn ask(&mut self, specifier: &str, form: Form) -> Option<&Target> {
        let lead = self.lead;
        self.told.entry((specifier.to_owned(), form)).or_insert_with(|| lead(specifier, form)).as_ref()
    }

    /// Types that are imported, or exported again, by a name that does not say so.
    pub(super) fn mark_types(&mut self, program: &mut Program) {
        let used = values_used(program);
        let Program::Module(module) = program else { return };
        for item in &mut module.body {
            match item {
                ModuleItem::ModuleDecl(ModuleDecl::Import(import)) if !import.type_only => {
                    let Some(target) = import.src.value.as_str().and_then(|source| self.ask(source, Form::Import))
                    else {
                        continue;
                    };
                    let is_type = |name: &str, local: &Ident| {
                        target.types.contains(name) || target.is_missing && !used.contains(local)
                    };
                    for specifier in &mut import.specifiers {
                        if let ImportSpecifier::Default(default) = specifier
                            && is_type("default", &default.local)
                        {
                            let imported = Ident::new_no_ctxt("default".into(), DUMMY_SP);
                            *specifier = ImportSpecifier::Named(ImportNamedSpecifier {
                                span: default.span,
                                local: default.local.clone(),
                                imported: Some(ModuleExportName::Ident(imported)),
                                is_type_only: true,
                            });
                        } else if let ImportSpecifier::Named(named) = specifier {
                            let name = named.imported.as_ref().map_or(named.local.sym.as_str(), name_of);
                            named.is_type_only |= is_type(name, &named.local);
                        }
                    }
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) if !export.type_only => {
                    let source = export.src.as_ref().and_then(|source| source.value.as_str());
                    let Some(target) = source.and_then(|source| self.ask(source, Form::Import)) else { continue };
                    for specifier in &mut export.specifiers {
                        if let ExportSpecifier::Named(named) = specifier {
                            named.is_type_only |= target.types.contains(name_of(&named.orig));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Replaces the specifiers; what the new ones lead to.
    pub(super) fn rewrite(&mut self, program: &mut Program, work: &Work<'_>, module: Module) -> Targets {
        let to_common_js = module == Module::CommonJs;
        let mut rewriter = Rewriter { leads: self, free: work.free(), to_common_js, targets: Targets::new() };
        program.visit_mut_with(&mut rewriter);
        rewriter.targets
    }
}

fn name_of(name: &ModuleExportName) -> &str {
    match name {
        ModuleExportName::Ident(name) => &name.sym,
        ModuleExportName::Str(name) => name.value.as_str().unwrap_or_default(),
    }
}

struct Rewriter<'a, 'b> {
    leads: &'a mut Leads<'b>,
    free: SyntaxContext,
    to_common_js: bool,
    targets: Targets,
}

impl Rewriter<'_, '_> {
    fn literal(&mut self, literal: &mut Str, form: Form) -> Option<Format> {
        let specifier = literal.value.as_str()?;
        let Target { specifier: target, format, .. } = self.leads.ask(specifier, form)?.clone();
        if target != specifier {
            literal.value = target.as_str().into();
            literal.raw = None;
        }
        self.targets.insert(target, format);
        Some(format)
    }

    fn argument(&mut self, arguments: &mut [ExprOrSpread], form: Form) -> Option<Format> {
        let first = arguments.first_mut().filter(|first| first.spread.is_none())?;
        match &mut *first.expr {
            Expr::Lit(Lit::Str(literal)) => self.literal(literal, form),
            Expr::Tpl(template) if template.exprs.is_empty() => {
                let value = template.quasis.first()?.cooked.clone()?;
                let mut literal = Str { span: template.span, value, raw: None };
                let format = self.literal(&mut literal, form)?;
                *first.expr = literal.into();
                Some(format)
            }
            _ => None,
        }
    }
}

impl VisitMut for Rewriter<'_, '_> {
    fn visit_mut_import_decl(&mut self, import: &mut ImportDecl) {
        self.literal(&mut import.src, Form::Import);
    }

    fn visit_mut_named_export(&mut self, export: &mut NamedExport) {
        if let Some(source) = &mut export.src {
            self.literal(source, Form::Import);
        }
    }

    fn visit_mut_export_all(&mut self, export: &mut ExportAll) {
        self.literal(&mut export.src, Form::Import);
    }

    fn visit_mut_ts_external_module_ref(&mut self, reference: &mut TsExternalModuleRef) {
        self.literal(&mut reference.expr, Form::Require);
    }

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        let Expr::Call(call) = expr else { return };
        let Some(form) = form(call) else { return };
        let format = self.argument(&mut call.args, form);
        if form == Form::DynamicImport && format == Some(Format::Lowered) && self.to_common_js {
            *expr = deferred(call.args.drain(..1).collect(), self.free);
        }
    }

    /// `new URL('./a', import.meta.url)`.
    fn visit_mut_new_expr(&mut self, new: &mut NewExpr) {
        new.visit_mut_children_with(self);
        if let Some([first, base]) = new.args.as_deref_mut()
            && is_named(&new.callee, "URL")
            && is_member(&base.expr, is_import_meta, "url")
            && matches!(&*first.expr, Expr::Lit(Lit::Str(literal)) if literal.value.starts_with("."))
        {
            self.argument(std::slice::from_mut(first), Form::ImportResolve);
        }
    }
}

/// What swc makes of `import x = require()` in an ES module.
const IMPORT_EQUALS: &str = "__require";

/// How a call asks for a module.
fn form(call: &CallExpr) -> Option<Form> {
    match &call.callee {
        Callee::Import(Import { phase: ImportPhase::Evaluation, .. }) => Some(Form::DynamicImport),
        // Whoever is called so loads modules: what is no module leads nowhere.
        Callee::Expr(callee) if is_named(callee, "require") || is_named(callee, IMPORT_EQUALS) => Some(Form::Require),
        Callee::Expr(callee) if is_member(callee, |object| is_named(object, "require"), "resolve") => {
            Some(Form::RequireResolve)
        }
        Callee::Expr(callee) if is_member(callee, is_import_meta, "resolve") => Some(Form::ImportResolve),
        _ => None,
    }
}

/// `Promise.resolve().then(() => _interop_require_wildcard(require(…)))`: `import()` of what is CommonJS
/// would take `module.exports` for the default.
fn deferred(arguments: Vec<ExprOrSpread>, free: SyntaxContext) -> Expr {
    let free = |name: &str| Box::new(Expr::Ident(Ident::new(name.into(), DUMMY_SP, free)));
    let call =
        |callee: Box<Expr>, args| Expr::Call(CallExpr { callee: Callee::Expr(callee), args, ..Default::default() });
    let member = |obj: Box<Expr>, name: &str| {
        Box::new(Expr::Member(MemberExpr {
            span: DUMMY_SP,
            obj,
            prop: MemberProp::Ident(IdentName::new(name.into(), DUMMY_SP)),
        }))
    };
    let scope = SyntaxContext::empty().apply_mark(enable_helper!(interop_require_wildcard));
    let helper = Ident::new("_interop_require_wildcard".into(), DUMMY_SP, scope);
    let namespace = call(helper.into(), vec![call(free("require"), arguments).into()]);
    let load = ArrowExpr { body: Box::new(ArrowFunctionBody::Expr(Box::new(namespace))), ..Default::default() };
    let resolved = call(member(free("Promise"), "resolve"), Vec::new());
    call(member(Box::new(resolved), "then"), vec![Expr::Arrow(load).into()])
}

pub(super) fn is_named(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Ident(ident) if ident.sym == name)
}

fn is_member(expr: &Expr, is_object: impl Fn(&Expr) -> bool, name: &str) -> bool {
    matches!(expr, Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(prop), .. })
        if prop.sym == name && is_object(obj))
}

pub(super) fn is_import_meta(expr: &Expr) -> bool {
    matches!(expr, Expr::MetaProp(MetaPropExpr { kind: MetaPropKind::ImportMeta, .. }))
}

/// All modules that the file names.
pub(super) fn named(program: &Program) -> BTreeSet<String> {
    struct Named(BTreeSet<String>);
    impl Named {
        fn add(&mut self, literal: &Str) {
            self.0.extend(literal.value.as_str().map(str::to_owned));
        }
    }
    impl Visit for Named {
        fn visit_import_decl(&mut self, import: &ImportDecl) {
            self.add(&import.src);
        }

        fn visit_named_export(&mut self, export: &NamedExport) {
            export.src.iter().for_each(|source| self.add(source));
        }

        fn visit_export_all(&mut self, export: &ExportAll) {
            self.add(&export.src);
        }

        fn visit_ts_external_module_ref(&mut self, reference: &TsExternalModuleRef) {
            self.add(&reference.expr);
        }

        fn visit_call_expr(&mut self, call: &CallExpr) {
            call.visit_children_with(self);
            if let (Some(_), Some(Expr::Lit(Lit::Str(literal)))) =
                (form(call), call.args.first().map(|first| &*first.expr))
            {
                self.add(literal);
            }
        }
    }
    let mut named = Named(BTreeSet::new());
    program.visit_with(&mut named);
    named.0
}
