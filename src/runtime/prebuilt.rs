//! Functions that come ready-made. In: a `.zip` in the functions directory. Out: a plan to copy it
//! as it is, once it is known to be a readable archive. Never changes it.

use std::io::Cursor;

use crate::diagnostic::{Code, Diagnostic};
use crate::function::Function;
use crate::plan::{BuildFacts, Output, Plan};
use crate::store::Store;

/// Plans a ready-made function.
pub(super) fn plan(function: &Function, store: &Store) -> Result<Plan, Vec<Diagnostic>> {
    let fail = |code, message: String| vec![Diagnostic::error(code, message).at(&function.main_file)];
    let bytes = store
        .read_apart(&function.main_file)
        .map_err(|error| fail(Code::Unreadable, format!("cannot be read: {}", error.reason())))?;
    let archive = zip::ZipArchive::new(Cursor::new(&*bytes))
        .map_err(|error| fail(Code::BadArchive, format!("not a readable zip archive: {error}")))?;
    let entries = archive.len();
    Ok(Plan {
        output: Output::Verbatim { name: format!("{}.zip", function.name), bytes, entries },
        facts: BuildFacts { inputs: vec![function.main_file.clone()], ..BuildFacts::default() },
        diagnostics: Vec::new(),
    })
}
