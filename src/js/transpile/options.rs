//! How a file is transpiled. In: the compiler options of the tsconfig.json that rules it, and the Node
//! version that runs it. Out: `Options`, with a key that two equal ones share. Never reads a file.

use oxc_resolver::CompilerOptions;
use serde::Serialize;

use super::Computed;

use crate::function::NodeVersion;

/// Everything that decides what comes out of a source, besides what its specifiers lead to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Options {
    /// The kind of module that comes out.
    pub module: Module,
    /// What `import` makes of a CommonJS module, where it becomes `require()`.
    pub interop: Interop,
    /// Syntax that this version has is left alone.
    pub node: NodeVersion,
    /// What JSX becomes.
    pub jsx: Jsx,
    /// What decorators mean.
    pub decorators: Decorators,
    /// Fields are defined, as in ECMAScript, and not assigned, as in TypeScript before ES2022.
    pub use_define_for_class_fields: bool,
    /// Imports and exports stay unless they are marked `type` (`verbatimModuleSyntax`).
    pub verbatim_module_syntax: bool,
    /// A module of which only types are imported is loaded nevertheless
    /// (`importsNotUsedAsValues: preserve`).
    pub keep_imports_of_types: bool,
    /// CommonJS files of TypeScript are in strict mode (`strict`).
    pub always_strict: bool,
    /// `T | null` is another type than `T`, to those who are told types.
    pub strict_null_checks: bool,
    /// The name of the source as it shall stand in the source map; none: no map is made.
    pub source_map: Option<String>,
    /// The output goes into a bundle, and what ES modules lack is declared there.
    pub is_bundled: bool,
    /// The bundle is another file than this: the path from that one's directory to this source.
    pub anchor: Option<String>,
    /// What computed requests may ask for, where that will not be found as it is asked for.
    pub computed: Computed,
}

/// The kind of module that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Module {
    /// As it is written: import and export statements stay, and a script stays one. `.cts` and `.cjs`
    /// become CommonJS, as nothing else is allowed in them.
    Keep,
    /// Node reads the output as an ES module, whatever is in it.
    EsModule,
    /// Node reads the output as CommonJS.
    CommonJs,
}

/// What the default import of a CommonJS module is, in a file that becomes CommonJS itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Interop {
    /// `exports.default` if the module has `__esModule`, else `module.exports`: TypeScript's
    /// `esModuleInterop`, and what bundlers do for files that Node would not take for ES modules.
    EsModule,
    /// Always `module.exports`, unless the caller says that the module was an ES module: Node's own
    /// rule, for files that Node takes for ES modules.
    Node,
    /// Always `exports.default`, and a namespace is the module itself: `esModuleInterop: false`.
    None,
}

/// What JSX becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Jsx {
    /// Calls of a function in scope, or of one that is imported for it.
    pub runtime: JsxRuntime,
    /// `react`, if none.
    pub import_source: Option<String>,
    /// `React.createElement`, if none.
    pub factory: Option<String>,
    /// `React.Fragment`, if none.
    pub fragment_factory: Option<String>,
}

/// Who makes the elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub enum JsxRuntime {
    /// A function that is in scope.
    #[default]
    Classic,
    /// `jsx` of `<import source>/jsx-runtime`.
    Automatic,
}

/// What decorators mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Decorators {
    /// ECMAScript's (2023-11).
    #[default]
    Standard,
    /// TypeScript's `experimentalDecorators`.
    Legacy {
        /// `emitDecoratorMetadata`: types are told to whoever decorates.
        metadata: bool,
    },
}

impl Options {
    /// What holds where no tsconfig.json rules: esbuild's defaults.
    pub fn new(node: NodeVersion) -> Self {
        Self {
            module: Module::Keep,
            interop: Interop::EsModule,
            node,
            jsx: Jsx::default(),
            decorators: Decorators::Standard,
            use_define_for_class_fields: true,
            verbatim_module_syntax: false,
            keep_imports_of_types: false,
            always_strict: false,
            strict_null_checks: false,
            source_map: None,
            is_bundled: false,
            anchor: None,
            computed: Computed::default(),
        }
    }

    /// What the ruling tsconfig.json says. `target` decides nothing but how fields are initialised:
    /// what Node has is not lowered. `esModuleInterop` is not among what oxc_resolver reads; it is taken
    /// for on, as TypeScript 6 has it, until the caller sets `interop`.
    pub fn of(compiler: &CompilerOptions, node: NodeVersion) -> Self {
        let is = |option: Option<bool>| option == Some(true);
        let legacy = is(compiler.experimental_decorators);
        Self {
            jsx: Jsx::of(compiler),
            decorators: if legacy {
                Decorators::Legacy { metadata: is(compiler.emit_decorator_metadata) }
            } else {
                Decorators::Standard
            },
            use_define_for_class_fields: compiler
                .use_define_for_class_fields
                .unwrap_or_else(|| compiler.target.as_deref().is_none_or(defines_fields)),
            verbatim_module_syntax: is(compiler.verbatim_module_syntax) || is(compiler.preserve_value_imports),
            keep_imports_of_types: matches!(compiler.imports_not_used_as_values.as_deref(), Some("preserve" | "error")),
            always_strict: is(compiler.strict),
            strict_null_checks: is(compiler.strict_null_checks.or(compiler.strict)),
            ..Self::new(node)
        }
    }

    /// The same for equal options, another for others: for caches.
    pub fn key(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| unreachable!("options are names and numbers"))
    }

    /// `using` and `await using` (V8 13.6).
    pub(super) fn has_using(&self) -> bool {
        self.node.major >= 24
    }

    /// `with { … }` rather than `assert { … }`.
    pub(super) fn has_import_attributes(&self) -> bool {
        let NodeVersion { major, minor } = self.node;
        major >= 21 || major == 20 && minor >= 10 || major == 18 && minor >= 20
    }

    /// `import.meta.dirname` and `import.meta.filename`.
    pub(super) fn has_dirname(&self) -> bool {
        let NodeVersion { major, minor } = self.node;
        major >= 22 || major == 21 && minor >= 2 || major == 20 && minor >= 11
    }
}

impl Jsx {
    /// `preserve` is for a build step that comes after, and none does: it is taken for `react-jsx`,
    /// unless a factory is named.
    fn of(compiler: &CompilerOptions) -> Self {
        let runtime = match compiler.jsx.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("react-jsx" | "react-jsxdev") => JsxRuntime::Automatic,
            Some("preserve" | "react-native") if compiler.jsx_factory.is_none() => JsxRuntime::Automatic,
            _ if compiler.jsx_import_source.is_some() => JsxRuntime::Automatic,
            _ => JsxRuntime::Classic,
        };
        Self {
            runtime,
            import_source: compiler.jsx_import_source.clone(),
            factory: compiler.jsx_factory.clone(),
            fragment_factory: compiler.jsx_fragment_factory.clone(),
        }
    }
}

impl Jsx {
    /// The module that JSX in `source` calls; none if it calls what the source imports by itself. The
    /// source's own comments (`@jsxRuntime`, `@jsxImportSource`) go before the options.
    pub fn runtime_module(&self, source: &str) -> Option<String> {
        let said = |pragma: &str| {
            let after = source.split(pragma).nth(1)?;
            after.starts_with(char::is_whitespace).then(|| after.split_whitespace().next())?
        };
        let import_source = said("@jsxImportSource");
        let is_automatic = match said("@jsxRuntime") {
            Some(runtime) => runtime == "automatic",
            None => self.runtime == JsxRuntime::Automatic || import_source.is_some(),
        };
        let package = import_source.or(self.import_source.as_deref()).unwrap_or("react");
        is_automatic.then(|| format!("{package}/jsx-runtime"))
    }
}

/// Has this `target` fields of its own, so that TypeScript leaves them to it?
fn defines_fields(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    match target.strip_prefix("es").and_then(|year| year.parse::<u32>().ok()) {
        Some(year) => year >= 2022,
        None => target == "esnext",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Options {
        let compiler: CompilerOptions = serde_json::from_str(json).unwrap();
        Options::of(&compiler, NodeVersion::DEFAULT)
    }

    #[test]
    fn fields_are_defined_from_es2022_on() {
        for (json, defined) in [
            ("{}", true),
            (r#"{ "target": "ES2022" }"#, true),
            (r#"{ "target": "esnext" }"#, true),
            (r#"{ "target": "es2021" }"#, false),
            (r#"{ "target": "es5" }"#, false),
            (r#"{ "target": "es5", "useDefineForClassFields": true }"#, true),
            (r#"{ "useDefineForClassFields": false }"#, false),
        ] {
            assert_eq!(options(json).use_define_for_class_fields, defined, "{json}");
        }
    }

    #[test]
    fn the_runtime_of_jsx() {
        for (json, runtime) in [
            ("{}", JsxRuntime::Classic),
            (r#"{ "jsx": "react" }"#, JsxRuntime::Classic),
            (r#"{ "jsx": "react-jsx" }"#, JsxRuntime::Automatic),
            (r#"{ "jsx": "react-jsxdev" }"#, JsxRuntime::Automatic),
            (r#"{ "jsx": "preserve" }"#, JsxRuntime::Automatic),
            (r#"{ "jsx": "preserve", "jsxFactory": "h" }"#, JsxRuntime::Classic),
            (r#"{ "jsxImportSource": "preact" }"#, JsxRuntime::Automatic),
        ] {
            assert_eq!(options(json).jsx.runtime, runtime, "{json}");
        }
    }

    #[test]
    fn keys_differ_where_options_do() {
        let one = options("{}");
        assert_eq!(one.key(), one.clone().key());
        let other = Options { module: Module::CommonJs, ..one.clone() };
        assert_ne!(one.key(), other.key());
    }
}
