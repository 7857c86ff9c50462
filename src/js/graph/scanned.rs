//! What a file says, found or remembered. In: its path. Out: its scan and analysis. They depend on nothing
//! but its bytes and its extension, so one that was seen in an earlier run is neither read nor parsed.

use std::sync::Arc;

use super::Failure;
use crate::cache::Key;
use crate::js::config::{Analysis, analyse};
use crate::js::parse::parse;
use crate::js::scan::{Scan, scan};
use crate::path::AbsPath;
use crate::store::{FileError, Store};

pub(super) fn scanned(
    path: &AbsPath,
    extension: &str,
    store: &Store,
    read: &dyn Fn() -> Result<Arc<[u8]>, FileError>,
) -> Result<Arc<(Scan, Analysis)>, Failure> {
    // Holds on to the bytes, if there are any, for whoever reads them next.
    let seen = store.remembers().then(|| store.seen(path)).transpose().map_err(Failure::File)?;
    let key = seen.as_ref().map(|seen| Key::of("scan", [&seen.hash[..], extension.as_bytes()]));
    let remembered = key.and_then(|key| store.recall(key));
    if let Some(found) = remembered.and_then(|bytes| borsh::from_slice(&bytes).ok()) {
        return Ok(Arc::new(found));
    }
    let bytes = read().map_err(Failure::File)?;
    let source = String::from_utf8_lossy(&bytes);
    let found = parse(extension, &source, |parsed| {
        let _span = tracing::info_span!("analyse", of = %path).entered();
        let scan = Scan { knows_its_place: knows_its_place(&source), ..scan(parsed, extension) };
        (scan, analyse(parsed, &source))
    });
    let found = found.map_err(Failure::Syntax)?;
    if let (Some(key), Ok(bytes)) = (key, borsh::to_vec(&found)) {
        store.remember(key, &bytes);
    }
    Ok(Arc::new(found))
}

/// What a module says that asks for its own place, or that of another of its package.
const PLACES: [&str; 9] = [
    "__dirname",
    "__filename",
    "import.meta",
    "require.resolve",
    "createRequire",
    "require.main",
    "module.filename",
    "module.path",
    "module.parent",
];

fn knows_its_place(source: &str) -> bool {
    PLACES.iter().any(|word| memchr::memmem::find(source.as_bytes(), word.as_bytes()).is_some())
}
