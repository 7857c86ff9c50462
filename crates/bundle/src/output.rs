//! What comes out. Paths in it are relative to the working directory, or absolute where they name inputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::Failure;

/// The result of bundling one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The entry's file, and then those of dynamic imports and of what they share, sorted by name. They ask for one
    /// another by name, so they stay together and keep their names.
    pub files: Vec<OutputFile>,
    /// The modules of which something is in the output, and how many bytes of it they are, before it is finished.
    pub modules: BTreeMap<PathBuf, usize>,
    /// Every file that was loaded, sorted.
    pub inputs: Vec<PathBuf>,
    /// Whether the entry is CommonJS. Output in CommonJS then has the entry's `module.exports` and lists no exports;
    /// ES module output has it as `default`, with the options' `commonjs_names` beside it.
    pub commonjs_entry: bool,
    /// What is suspicious but does not stop the bundle, sorted by place.
    pub warnings: Vec<Failure>,
}

/// One file of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// The name, without a directory.
    pub name: String,
    /// The code. With source maps, its last line names the map `<name>.map`.
    pub code: String,
    /// The source map as JSON. Its sources are relative to the working directory.
    pub map: Option<String>,
    /// Whether this is the entry's file.
    pub is_entry: bool,
    /// The names that the file exports, sorted.
    pub exports: Vec<String>,
    /// What the code still asks for by a literal `import`, `import()` or `require()` and that is no file of the bundle,
    /// sorted: externals, Node's own modules, and what was missing.
    pub externals: Vec<String>,
}
