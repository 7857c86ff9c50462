//! TypeScript, JSX and ES modules become the JavaScript that the target Node runs. In: one source and its
//! `Options`. Out: code and source map, or what is wrong with the source. Never touches the disk, never
//! checks types, lowers nothing that the target has. The same input gives the same bytes, on any thread.

mod common_js;
mod emit;
mod es_module;
mod fields;
mod import_meta;
mod interop;
mod metadata;
mod options;
mod said;
mod snippet;
mod specifiers;

use std::rc::Rc;

use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::errors::HANDLER;
use swc_core::common::{FileName, GLOBALS, Globals, Mark, SourceMap, SyntaxContext};
use swc_core::ecma::ast::{EsVersion, Module as ModuleNode, Pass, Program};
use swc_core::ecma::parser::{Syntax, TsSyntax, parse_file_as_expr};
use swc_core::ecma::transforms::base::fixer::fixer;
use swc_core::ecma::transforms::base::helpers::{HELPERS, Helpers, inject_helpers};
use swc_core::ecma::transforms::base::hygiene::{self, hygiene_with_config};
use swc_core::ecma::transforms::base::resolver;
use swc_core::ecma::transforms::proposal::decorator_2023_11::decorator_2023_11;
use swc_core::ecma::transforms::proposal::decorators as legacy;
use swc_core::ecma::transforms::proposal::explicit_resource_management::explicit_resource_management;
use swc_core::ecma::transforms::react;
use swc_core::ecma::transforms::typescript::{self, ImportsNotUsedAsValues, TsImportExportAssignConfig};

pub use self::options::{Decorators, Interop, Jsx, JsxRuntime, Module, Options};
pub use self::specifiers::{Format, Target};
use super::parse::{guarded, is_typescript, tree};
use super::scan::Form;
use crate::diagnostic::{Code, Diagnostic, Severity};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transpiled {
    /// JavaScript.
    pub code: String,
    /// The source map, version 3, if it was asked for. Whoever stores it adds the comment that names it.
    pub map: Option<String>,
    /// Modules that the source does not name, and the code needs: `react/jsx-runtime`, `node:url`.
    pub added: Vec<String>,
    /// What is worth knowing; the caller knows the path.
    pub warnings: Vec<Diagnostic>,
}

/// What a specifier leads to, asked once for each that the file names; none if that is not known.
pub type Lead<'a> = &'a dyn Fn(&str, Form) -> Option<Target>;

/// The extension of what comes out of a source with this one.
pub fn emitted_extension(extension: &str, module: Module) -> &'static str {
    match (extension, module) {
        ("cts" | "cjs", _) | ("mts" | "mjs", Module::CommonJs) => "cjs",
        ("mts" | "mjs", _) => "mjs",
        _ => "js",
    }
}

/// Transpiles `source`, a file with this `extension`; `lead` knows where its specifiers lead.
///
/// # Errors
/// A syntax error, or what the output cannot express, each with its place; the caller knows the path.
pub fn transpile(
    source: &str,
    extension: &str,
    options: &Options,
    lead: Lead<'_>,
) -> Result<Transpiled, Vec<Diagnostic>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    guarded(|| {
        GLOBALS.set(&Globals::new(), || HELPERS.set(&Helpers::new(false), || run(source, extension, options, lead)))
    })
    .unwrap_or_else(|| Err(vec![Diagnostic::error(Code::Syntax, "the transpiler gave up on this file")]))
}

/// A file on its way.
struct Work<'a> {
    source: &'a str,
    options: &'a Options,
    comments: SingleThreadedComments,
    unresolved: Mark,
    top_level: Mark,
    said: said::Said,
}

impl Work<'_> {
    /// The scope of names that the file does not declare.
    fn free(&self) -> SyntaxContext {
        SyntaxContext::empty().apply_mark(self.unresolved)
    }
}

fn run(source: &str, extension: &str, options: &Options, lead: Lead<'_>) -> Result<Transpiled, Vec<Diagnostic>> {
    let comments = SingleThreadedComments::default();
    let mut program = tree(extension, source, Some(&comments))
        .map_err(|error| vec![Diagnostic::error(Code::Syntax, error.message).span(error.span)])?;
    // The first file of a map begins where the parser counts from.
    let sources = Rc::new(SourceMap::default());
    let name = options.source_map.clone().unwrap_or_default();
    sources.new_source_file(Rc::new(FileName::Custom(name)), source.to_owned());
    let work = Work {
        source,
        options,
        comments,
        unresolved: Mark::new(),
        top_level: Mark::new(),
        said: said::Said::default(),
    };
    let handler = work.said.handler();
    let added = HANDLER.set(&handler, || transform(&mut program, extension, &work, lead, &sources));
    drop(handler);
    let diagnostics = work.said.diagnostics(source);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let (code, map) = emit::emit(&program, &work, &sources);
    Ok(Transpiled { code, map, added, warnings: diagnostics })
}

/// The passes, in the order in which each finds what it needs: types are told to decorators before they
/// are removed, and JSX uses names before unused imports are.
fn transform(
    program: &mut Program,
    extension: &str,
    work: &Work<'_>,
    lead: Lead<'_>,
    sources: &Rc<SourceMap>,
) -> Vec<String> {
    let Work { options, .. } = *work;
    let is_typescript = is_typescript(extension);
    let module = if matches!(extension, "cts" | "cjs") { Module::CommonJs } else { options.module };
    if module == Module::EsModule {
        as_module(program);
    }
    let asked = specifiers::named(program);
    program.mutate(resolver(work.unresolved, work.top_level, is_typescript));
    metadata::keep_imports(program, work, module);
    if !jsx(program, work, sources) {
        return Vec::new();
    }
    match options.decorators {
        Decorators::Standard => program.mutate(decorator_2023_11()),
        Decorators::Legacy { metadata } => {
            program.mutate(legacy::decorators(legacy::Config {
                legacy: true,
                emit_metadata: metadata,
                use_define_for_class_fields: options.use_define_for_class_fields,
            }));
        }
    }
    if is_typescript {
        program.mutate(types(work, module));
    }
    if !options.has_using() {
        program.mutate(explicit_resource_management());
    }
    if !options.use_define_for_class_fields {
        fields::assign(program);
    }
    let targets = specifiers::rewrite(program, work, module, lead);
    match (&mut *program, module) {
        (Program::Module(_), Module::CommonJs) => common_js::lower(program, work, &targets),
        (Program::Module(body), _) => es_module::provide(body, work),
        (Program::Script(script), _) if is_typescript && options.always_strict => common_js::be_strict(script),
        (Program::Script(_), _) => {}
    }
    program.mutate(inject_helpers(work.unresolved));
    interop::drop_unused_helpers(program);
    let config = hygiene::Config { keep_class_names: true, ignore_eval: true, ..Default::default() };
    program.mutate(hygiene_with_config(config));
    program.mutate(fixer(Some(&work.comments)));
    let mut added = specifiers::named(program);
    added.retain(|specifier| !asked.contains(specifier) && !targets.contains_key(specifier.as_str()));
    added.into_iter().collect()
}

/// The pass that removes types, and makes what TypeScript has at run time.
fn types(work: &Work<'_>, module: Module) -> impl Pass + use<> {
    let options = work.options;
    let config = typescript::Config {
        verbatim_module_syntax: options.verbatim_module_syntax,
        native_class_properties: options.use_define_for_class_fields,
        import_not_used_as_values: if options.keep_imports_of_types {
            ImportsNotUsedAsValues::Preserve
        } else {
            ImportsNotUsedAsValues::Remove
        },
        import_export_assign_config: if module == Module::CommonJs {
            TsImportExportAssignConfig::Preserve
        } else {
            TsImportExportAssignConfig::NodeNext
        },
        ..Default::default()
    };
    typescript::typescript(config, work.unresolved, work.top_level)
}

/// JSX becomes calls. False if an option makes no sense.
fn jsx(program: &mut Program, work: &Work<'_>, sources: &Rc<SourceMap>) -> bool {
    let Jsx { runtime, import_source, factory, fragment_factory } = &work.options.jsx;
    let classic = *runtime == JsxRuntime::Classic;
    for (option, value) in [("jsxFactory", factory), ("jsxFragmentFactory", fragment_factory)] {
        if let Some(value) = value.as_ref().filter(|value| !is_expression(value)) {
            work.said.error(None, format!("`{option}` is `{value}`, which is no JavaScript expression"));
            return false;
        }
    }
    let options = react::Options {
        runtime: Some(if classic { react::Runtime::Classic } else { react::Runtime::Automatic }),
        import_source: import_source.as_deref().map(Into::into),
        pragma: factory.clone().map(Into::into),
        pragma_frag: fragment_factory.clone().map(Into::into),
        // `<a:b>` is a name like others to TypeScript.
        throw_if_namespace: Some(false),
        development: Some(false),
        ..Default::default()
    };
    program.mutate(react::jsx(Rc::clone(sources), Some(&work.comments), options, work.top_level, work.unresolved));
    true
}

fn is_expression(text: &str) -> bool {
    let sources = SourceMap::default();
    let file = sources.new_source_file(Rc::new(FileName::Anon), text.to_owned());
    let syntax = Syntax::Typescript(TsSyntax::default());
    parse_file_as_expr(&file, syntax, EsVersion::EsNext, None, &mut Vec::new()).is_ok()
}

/// A script that Node reads as a module.
fn as_module(program: &mut Program) {
    if let Program::Script(script) = program {
        let body = std::mem::take(&mut script.body).into_iter().map(Into::into).collect();
        *program = Program::Module(ModuleNode { span: script.span, body, shebang: script.shebang.take() });
    }
}
