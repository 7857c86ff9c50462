//! What the platform starts of an archive. In: its entries. Out: the entry file, and the user's main module behind it.

use super::Listed;
use crate::fs::FileSystem;
use crate::fs::archived::Archived;
use crate::path::AbsPath;
use crate::runtime::{BOOTSTRAP_FILE, ENTRY_FILE, PROGRAM};

/// What the platform starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A program.
    Program,
    /// A module.
    Module {
        /// The file that the platform loads.
        file: AbsPath,
        /// The module that it hands on to; itself, if it is what the user wrote.
        main: AbsPath,
        /// The version of the platform's API.
        api: u8,
    },
}

/// What the platform looks for: its own entry point, a program, and `<name>` in the order in which Lambda tries its
/// extensions.
pub fn entry(listed: &Listed, files: &Archived) -> Option<Entry> {
    let has = |name: &str| files.entries().contains_key(name);
    let at = |name: &str| listed.path.child(name);
    if has(ENTRY_FILE) {
        let file = at(ENTRY_FILE);
        let main = handed_to(&file, files).unwrap_or_else(|| file.clone());
        return Some(Entry::Module { file, main, api: 2 });
    }
    if has(PROGRAM) {
        return Some(Entry::Program);
    }
    let names = ["", ".js", ".mjs", ".cjs"].map(|extension| format!("{}{extension}", listed.name));
    let file = at(names.iter().find(|name| has(name))?);
    let main = handed_to(&file, files).filter(|_| only_hands_on(&file, files)).unwrap_or_else(|| file.clone());
    Some(Entry::Module { file, main, api: 1 })
}

/// Is an entry file one statement that passes on what another module exports?
fn only_hands_on(file: &AbsPath, files: &Archived) -> bool {
    let bytes = files.read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let statement = text.trim().trim_end_matches(';');
    let passes_on = ["module.exports = require(", "export {", "export *"].iter().any(|it| statement.starts_with(it));
    passes_on && !statement.contains(['\n', ';'])
}

/// An entry file that packagers write is a line or two, and says nothing but where the main module is.
const LONGEST_ENTRY: usize = 2048;

/// The file that an entry file hands on to.
fn handed_to(file: &AbsPath, files: &Archived) -> Option<AbsPath> {
    let bytes = files.read(file).ok().filter(|bytes| bytes.len() <= LONGEST_ENTRY)?;
    let text = String::from_utf8(bytes).ok()?;
    let directory = file.parent()?;
    let named = text.split(['\'', '"', '`']).skip(1).step_by(2).filter(|named| named.starts_with("./"));
    let named = named.map(|named| percent_encoding::percent_decode_str(named).decode_utf8_lossy().into_owned());
    let mut named = named.filter(|named| *named != format!("./{BOOTSTRAP_FILE}")).map(|named| directory.join(named));
    named.find(|path| files.read(path).is_ok())
}
