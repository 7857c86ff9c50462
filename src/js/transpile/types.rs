//! What TypeScript adds to JavaScript. In: a tree with types. Out: one without, in which enums,
//! namespaces and the like are what they are at run time.

use rustc_hash::FxHashSet;
use swc_core::common::{DUMMY_SP, Span, SyntaxContext};
use swc_core::ecma::ast::{
    BinExpr, BindingIdent, ExportNamedSpecifier, ExportSpecifier, Expr, Id, Ident, ModuleDecl, ModuleItem, NamedExport,
    Pat, Program, TsKeywordType, TsKeywordTypeKind, TsModuleRef, TsTypeAnn, VarDeclarator,
};
use swc_core::ecma::transforms::typescript::{Config, ImportsNotUsedAsValues, TsImportExportAssignConfig, typescript};
use swc_core::ecma::utils::collect_decls;
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

use super::common_js::PARAMETERS;
use super::{Module, Work};
use crate::diagnostic::Code;
use crate::js::parse::offset;

/// Removes types.
pub(super) fn strip(program: &mut Program, work: &Work<'_>, module: Module) {
    let options = work.options;
    if let Program::Module(body) = program {
        if module != Module::CommonJs
            && let Some(span) = export_assignment(&body.body)
        {
            let hint = "write `export default`, or name the file `.cts`";
            work.said.error(Code::ModuleFormat, Some(span), "`export =` cannot be expressed in an ES module", hint);
            return;
        }
        if !options.verbatim_module_syntax && !options.keep_imports_of_types {
            body.body.retain(|item| !imports_nothing(item, work.source));
        }
    }
    if let Program::Module(body) = program
        && options.is_bundled
    {
        export_apart(&mut body.body);
    }
    program.visit_mut_with(&mut Sums);
    let config = Config {
        verbatim_module_syntax: options.verbatim_module_syntax,
        native_class_properties: options.use_define_for_class_fields,
        import_not_used_as_values: if options.keep_imports_of_types {
            ImportsNotUsedAsValues::Preserve
        } else {
            ImportsNotUsedAsValues::Remove
        },
        import_export_assign_config: match module {
            Module::CommonJs => TsImportExportAssignConfig::Preserve,
            // A bundler does not see what a `require` of another name asks for.
            _ if options.is_bundled => TsImportExportAssignConfig::Classic,
            _ => TsImportExportAssignConfig::NodeNext,
        },
        ..Default::default()
    };
    program.mutate(typescript(config, work.unresolved, work.top_level));
    free_ambient_names(program, work);
}

fn export_assignment(items: &[ModuleItem]) -> Option<Span> {
    items.iter().find_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::TsExportAssignment(export)) => Some(export.span),
        _ => None,
    })
}

/// `export import a = require('b')` becomes `import a = require('b'); export { a }`.
fn export_apart(items: &mut Vec<ModuleItem>) {
    let mut exported = Vec::new();
    for item in &mut *items {
        if let ModuleItem::ModuleDecl(ModuleDecl::TsImportEquals(import)) = item
            && matches!(import.module_ref, TsModuleRef::TsExternalModuleRef(_))
            && !import.is_type_only
            && std::mem::take(&mut import.is_export)
        {
            let span = import.span;
            let orig = import.id.clone().into();
            let named = ExportNamedSpecifier { span, orig, exported: None, is_type_only: false };
            let specifiers = vec![ExportSpecifier::Named(named)];
            let export = NamedExport { span, specifiers, src: None, type_only: false, with: None };
            exported.push(ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)));
        }
    }
    items.extend(exported);
}

/// `import {} from 'x'`, which is as good as no import; `import 'x'` is one.
fn imports_nothing(item: &ModuleItem, source: &str) -> bool {
    let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else { return false };
    let text = source.get(offset(import.span.lo)..).unwrap_or_default();
    let text = text.strip_prefix("import").unwrap_or_default().trim_start();
    import.specifiers.is_empty() && text.starts_with('{')
}

/// swc works out what constants are, in time that grows with the square of a sum's length, unless they
/// have a type.
struct Sums;

impl VisitMut for Sums {
    fn visit_mut_var_declarator(&mut self, declarator: &mut VarDeclarator) {
        declarator.visit_mut_children_with(self);
        let mut sum = declarator.init.as_deref();
        let mut length = 0;
        while let Some(Expr::Bin(BinExpr { left, .. })) = sum {
            sum = Some(left);
            length += 1;
        }
        if let Pat::Ident(BindingIdent { type_ann: ann @ None, .. }) = &mut declarator.name
            && length > LONGEST_SUM
        {
            let any = TsKeywordType { span: DUMMY_SP, kind: TsKeywordTypeKind::TsAnyKeyword };
            *ann = Some(Box::new(TsTypeAnn { span: DUMMY_SP, type_ann: Box::new(any.into()) }));
        }
    }
}

/// Nobody writes such a number.
const LONGEST_SUM: usize = 64;

/// `declare const require: …` declares nothing: what it speaks of is CommonJS's own.
fn free_ambient_names(program: &mut Program, work: &Work<'_>) {
    struct Free {
        declared: FxHashSet<Id>,
        top_level: SyntaxContext,
        free: SyntaxContext,
    }
    impl VisitMut for Free {
        fn visit_mut_ident(&mut self, ident: &mut Ident) {
            if ident.ctxt == self.top_level
                && PARAMETERS.contains(&&*ident.sym)
                && !self.declared.contains(&ident.to_id())
            {
                ident.ctxt = self.free;
            }
        }
    }
    let top_level = SyntaxContext::empty().apply_mark(work.top_level);
    program.visit_mut_with(&mut Free { declared: collect_decls(program), top_level, free: work.free() });
}
