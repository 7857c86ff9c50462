//! TypeScript, JSX and ES modules become the JavaScript that the target Node runs. In: one source and its
//! `Options`. Out: code and source map, or what is wrong with the source. Never touches the disk, never
//! checks types, lowers nothing that the target has. The same input gives the same bytes, on any thread.

mod accessors;
mod anchor;
mod common_js;
mod computed;
mod decorators;
mod emit;
mod es_module;
mod exports;
mod fields;
mod import_meta;
mod interop;
mod json;
mod jsx;
mod metadata;
mod names;
mod namespaces;
mod options;
mod remembered;
mod said;
mod snippet;
mod specifiers;
mod types;
mod using;

use std::rc::Rc;

use borsh::{BorshDeserialize, BorshSerialize};
use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::errors::HANDLER;
use swc_core::common::{BytePos, FileName, GLOBALS, Globals, Mark, SourceMap, Spanned, SyntaxContext};
use swc_core::ecma::ast::{Module as ModuleNode, Program};
use swc_core::ecma::transforms::base::fixer::fixer;
use swc_core::ecma::transforms::base::helpers::{HELPERS, Helpers, inject_helpers};
use swc_core::ecma::transforms::base::resolver;

pub use self::common_js::WAITING_PACKAGE;
pub use self::computed::Computed;
pub use self::exports::exported_types;
pub use self::options::{Decorators, Interop, Jsx, JsxRuntime, Module, Options};
pub use self::remembered::transpile_once;
pub use self::specifiers::{Format, Target};
use super::parse::{guarded, is_typescript, tree};
use super::scan::Form;
use crate::diagnostic::{Code, Diagnostic, Severity};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transpiled {
    /// JavaScript.
    pub code: String,
    /// The source map, version 3, if it was asked for. Whoever stores it adds the comment that names it.
    pub map: Option<String>,
    /// Modules that the source does not name, and the code needs: `react/jsx-runtime`, `node:url`; as
    /// they were called before anything led elsewhere.
    pub added: Vec<String>,
    /// What is worth knowing; the caller knows the path.
    pub warnings: Vec<Diagnostic>,
}

/// What a specifier leads to, asked once for each that the file names, and each way
/// of asking; none if that is not known.
pub type Lead<'a> = &'a dyn Fn(&str, Form) -> Option<Target>;

/// The extension of what comes out of a source with this one.
pub fn emitted_extension(extension: &str, module: Module) -> &'static str {
    match (extension, module) {
        ("cts" | "cjs", _) | ("mts" | "mjs", Module::CommonJs) => "cjs",
        ("mts" | "mjs", _) => "mjs",
        _ => "js",
    }
}

/// Transpiles `source`, a file with this `extension`; `lead` knows where its specifiers lead. As the
/// parser does, it wants a large stack for what is nested deeply.
///
/// # Errors
/// A syntax error, or what the output cannot express, each with its place; the caller knows the path.
pub fn transpile(
    source: &str,
    extension: &str,
    options: &Options,
    lead: Lead<'_>,
) -> Result<Transpiled, Vec<Diagnostic>> {
    let _span = tracing::info_span!("transpile").entered();
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
    /// Where the first statement begins.
    first: Option<BytePos>,
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
    let first = match &program {
        Program::Module(module) => module.body.first().map(Spanned::span_lo),
        Program::Script(script) => script.body.first().map(Spanned::span_lo),
    };
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
        first,
    };
    let handler = work.said.handler();
    let added = HANDLER.set(&handler, || transform(&mut program, extension, &work, lead, &sources));
    drop(handler);
    let diagnostics = work.said.diagnostics(source);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let (code, map) = emit::emit(&mut program, &work, &sources);
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
    let mut leads = specifiers::Leads::new(lead);
    program.mutate(resolver(work.unresolved, work.top_level, is_typescript));
    if is_typescript {
        namespaces::join(program);
    }
    jsx::call(program, work, sources);
    if is_typescript {
        leads.mark_types(program);
    }
    decorators::apply(program, work, module);
    if is_typescript {
        types::strip(program, work, module);
    }
    if work.said.failed() {
        return Vec::new();
    }
    if !options.has_using() {
        using::lower(program);
    }
    if !options.use_define_for_class_fields {
        fields::assign(program);
    }
    if !options.computed.is_empty() {
        computed::choose(program, &options.computed, work);
    }
    if let Some(file) = &options.anchor {
        anchor::anchor(program, file, work);
    }
    let mut added = specifiers::named(program);
    let targets = leads.rewrite(program, work, module);
    match (&mut *program, module) {
        (Program::Module(_), Module::CommonJs) => common_js::lower(program, work, &targets),
        (Program::Module(body), _) => es_module::provide(body, work),
        (Program::Script(script), _) if is_typescript && options.always_strict => common_js::be_strict(script),
        (Program::Script(_), _) => {}
    }
    program.mutate(inject_helpers(work.unresolved));
    interop::drop_unused_helpers(program);
    names::settle(program);
    program.mutate(fixer(Some(&work.comments)));
    added.extend(specifiers::named(program).into_iter().filter(|specifier| !targets.contains_key(specifier)));
    added.retain(|specifier| !asked.contains(specifier));
    added.into_iter().collect()
}

/// A script that Node reads as a module.
fn as_module(program: &mut Program) {
    if let Program::Script(script) = program {
        let body = std::mem::take(&mut script.body).into_iter().map(Into::into).collect();
        *program = Program::Module(ModuleNode { span: script.span, body, shebang: script.shebang.take() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::NodeVersion;

    fn options(module: Module) -> Options {
        Options { module, ..Options::new(NodeVersion::DEFAULT) }
    }

    fn code(source: &str, extension: &str, module: Module) -> Result<String, String> {
        let output = transpile(source, extension, &options(module), &|_, _| None);
        output.map(|output| output.code).map_err(|said| said[0].message.clone())
    }

    #[test]
    fn what_the_code_needs_besides_is_told() {
        let automatic = Jsx { runtime: JsxRuntime::Automatic, ..Jsx::default() };
        let options = Options { jsx: automatic, ..options(Module::EsModule) };
        let source = "import 'a'; export const b = <i />; require('c'); __dirname; import('d')";
        let output = transpile(source, "jsx", &options, &|specifier, _| {
            let specifier = format!("./{specifier}.js");
            Some(Target { specifier, format: Format::EsModule, types: Default::default(), is_missing: false })
        });
        assert_eq!(output.unwrap().added, ["node:module", "node:path", "node:url", "react/jsx-runtime"]);
    }

    #[test]
    fn each_specifier_is_asked_for_once() {
        let asked = std::cell::RefCell::new(Vec::new());
        let lead = |specifier: &str, form: Form| {
            asked.borrow_mut().push((specifier.to_owned(), form));
            None
        };
        let source = "import { type T } from 'a'; import b, { c } from 'b'; b(c); require(`b`); import('b')
            import type { D } from 'd'; export { e } from 'b'; require(b)";
        transpile(source, "ts", &options(Module::CommonJs), &lead).unwrap();
        let mut asked = asked.into_inner();
        asked.sort();
        let expected = [("a", Form::Import), ("b", Form::Import), ("b", Form::DynamicImport), ("b", Form::Require)];
        assert_eq!(asked, expected.map(|(specifier, form)| (specifier.to_owned(), form)));
    }

    #[test]
    fn a_map_has_the_source_and_its_name_alone() {
        let options = Options { source_map: Some("src/ä b.ts".into()), ..options(Module::CommonJs) };
        let source = "\u{feff}/** @jsx h */\nexport const a: number = <any>1\n";
        let map = transpile(source, "ts", &options, &|_, _| None).unwrap().map.unwrap();
        let map: serde_json::Value = serde_json::from_str(&map).unwrap();
        assert_eq!(map["version"], 3);
        assert_eq!(map["sources"], serde_json::json!(["src/ä b.ts"]));
        assert_eq!(map["sourcesContent"], serde_json::json!([source.trim_start_matches('\u{feff}')]));
        assert!(transpile(source, "ts", &self::options(Module::Keep), &|_, _| None).unwrap().map.is_none());
    }

    #[test]
    fn nothing_is_left_to_other_packages() {
        let source = "class A { @d a = 1 }; export * from 'b'; import c, * as e from 'c'; c(e); { using f = g }";
        let options = Options { node: NodeVersion { major: 18, minor: 20 }, ..options(Module::CommonJs) };
        let output = transpile(source, "ts", &options, &|_, _| None).unwrap();
        assert_eq!(output.added, Vec::<String>::new());
        assert!(!output.code.contains("@swc/helpers\""), "{}", output.code);
    }

    #[test]
    fn no_input_stops_the_run() {
        for source in
            ["", "\u{feff}", "@", "<", "import", "enum", "class A { @", "`${", "\0", "#!", "/*", "ü = \u{10ffff}"]
        {
            for extension in ["ts", "tsx", "cts", "mjs", "jsx", "js", ""] {
                for module in [Module::Keep, Module::EsModule, Module::CommonJs] {
                    let _ = code(source, extension, module);
                }
            }
        }
        for source in
            ["export {}; const a = <b {...{}} c={} />", "enum A { B = C.D, 'x' = `${A}` }", "@a.b()() class C {}"]
        {
            let _ = code(source, "tsx", Module::CommonJs);
        }
    }
}
