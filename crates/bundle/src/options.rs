//! What a caller can choose. Nothing is looked up here, and nothing has a default that reads the surroundings.

use std::path::PathBuf;

/// What to bundle, and into what.
#[derive(Debug, Clone)]
pub struct Options {
    /// The entry module, absolute. The host loads it like any other.
    pub entry: PathBuf,
    /// The stem of the output file, without a directory: `hello` becomes `hello.js`, or what [`Options::extension`]
    /// says. Other files of the bundle begin with it.
    pub name: String,
    /// The extension of every output file, without the dot: usually `js`, `cjs` or `mjs`.
    pub extension: String,
    /// The directory that paths in outputs and failures are relative to, absolute. It need not exist.
    pub working_directory: PathBuf,
    /// The module format of the output.
    pub format: Format,
    /// Whether to make source maps. Without them the code names none.
    pub source_maps: bool,
    /// Whether the target of an `import()` becomes a file of its own. Otherwise it is part of the one file.
    pub splitting: bool,
    /// Exports that ES module output gets by name from an entry in CommonJS, which by itself would only have
    /// `default`: `["handler"]`. Each is read once, when the entry has run. Nothing else is affected.
    pub commonjs_names: Vec<String>,
}

/// The module format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `require` and `exports`.
    Cjs,
    /// `import` and `export`.
    Esm,
}
