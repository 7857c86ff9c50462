//! What makes a file or directory a JavaScript function: extensions and main files, in order.

use crate::path::AbsPath;
use crate::store::Store;

/// Extensions of a function that is a file, the first winning.
const FILE: [&str; 8] = ["js", "zip", "mjs", "cjs", "ts", "tsx", "mts", "cts"];

/// Extensions of the main file of a function that is a directory, the first winning.
const MAIN: [&str; 7] = ["js", "ts", "mjs", "cjs", "tsx", "mts", "cts"];

/// A directory beats every file of its name.
pub(super) const DIRECTORY_RANK: usize = FILE.len();

/// How a file with this extension fares against others of its name; none if it is no function.
pub(super) fn file_rank(extension: &str) -> Option<usize> {
    let at = FILE.iter().position(|known| *known == extension)?;
    Some(FILE.len() - 1 - at)
}

/// The main file of a directory: `{dir}.js`, `index.js`, `{dir}.ts`, `index.ts` …
pub(super) fn main_file(directory: &AbsPath, store: &Store) -> Option<AbsPath> {
    let named = |stem: &str, extension| directory.child(format!("{stem}.{extension}"));
    MAIN.iter()
        .flat_map(|extension| [named(directory.name(), extension), named("index", extension)])
        .find(|path| store.is_file(path))
}
