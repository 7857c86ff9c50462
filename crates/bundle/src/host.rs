//! The caller's side: where modules are, and what is in them. The only door through which anything comes in.

use std::path::{Path, PathBuf};

/// Finds modules and hands out their text.
///
/// Both methods are called from a thread that belongs to the bundle, one call at a time for a bundle, but for several
/// bundles at once. The same question must have the same answer within a bundle.
pub trait Host: Send + Sync {
    /// Where `specifier`, as it is written in `importer`, leads.
    fn resolve(&self, specifier: &str, importer: &Path, kind: Kind) -> Resolved;

    /// What is in a file that [`Host::resolve`] or the options named. Called once a file, and once more if a failure
    /// can only be placed by bundling again. The error completes "could not load `path`: "; a host that has more to
    /// say of it keeps that for itself.
    fn load(&self, path: &Path) -> Result<Source, String>;
}

/// How a module is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `import` or `export … from`.
    Import,
    /// `require()`.
    Require,
    /// `import()`.
    DynamicImport,
}

/// Where a specifier leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// To this file, absolute, which becomes part of the bundle.
    File(PathBuf),
    /// Out of the bundle: the output asks for this specifier, which must lead somewhere from where the output lies. It
    /// is no absolute path.
    External(String),
    /// Nowhere: the output asks for what was written, and Node says at run time that it is missing.
    Missing,
}

/// A file as the bundler takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What is in it.
    pub content: Content,
    /// What its package says of side effects: `false` in `sideEffects` allows an unused module to be left out,
    /// whatever it does. `None` lets its text decide.
    pub side_effects: Option<bool>,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// JavaScript that needs no transpiling.
    JavaScript {
        /// The code.
        text: String,
        /// How the code is to be read.
        dialect: Dialect,
        /// The source map, as JSON, that leads from the code to what was written. Its sources are relative to the
        /// file's directory.
        map: Option<String>,
    },
    /// JSON: the default export is the value, and the members of an object are exports as well.
    Json(String),
    /// Text: the default export is the string.
    Text(String),
    /// WebAssembly, as Node imports it: the exports are those of the instance. If the module has none by that name,
    /// `default` is the `WebAssembly.Module`, also for `import source`.
    Wasm(Vec<u8>),
    /// Other bytes: the default export is a `Uint8Array`.
    Bytes(Vec<u8>),
}

/// How JavaScript is to be read. A file is one or the other before its text is looked at, as in Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// CommonJS: neither `import` nor `export`, and sloppy unless it says otherwise.
    CommonJs,
    /// An ES module that is one for Node, too (`.mjs`, `type: module`): the default import of a CommonJS module is
    /// its `module.exports`.
    NodeEsm,
    /// An ES module that is compiled from something else, or meant for bundlers: the default import of a CommonJS
    /// module with `__esModule` is its `exports.default`.
    CompiledEsm,
}
