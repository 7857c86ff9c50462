//! What was planned becomes a file. In: a function and its plan. Out: an [`Outcome`]. An archive that is there
//! already, as it would be written, is left as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;

use super::earlier::is_own;
use super::weight::{self, Weight};
use super::{Built, Outcome};
use crate::archive::{self, Archive};
use crate::cache::Key;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::Function;
use crate::path::{AbsPath, ArchivePath};
use crate::plan::{BuildFacts, Content, Entry, Output, Plan};
use crate::settings::{Format, Settings};
use crate::store::{Hash, Store};

/// Writes what was planned.
pub(super) fn finish(
    function: Function,
    said: Vec<Diagnostic>,
    planned: Result<Plan, Vec<Diagnostic>>,
    noted: &BTreeSet<AbsPath>,
    settings: &Settings,
    store: &Store,
) -> Outcome {
    let misconfigured = said.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let (built, mut diagnostics) = match planned {
        Err(diagnostics) => (None, diagnostics),
        Ok(plan) if misconfigured => (None, plan.diagnostics),
        Ok(Plan { output, facts, mut diagnostics }) => {
            let about = |diagnostic: Diagnostic| diagnostic.of(function.name.as_str()).under(settings.strict);
            match put(&function, &output, &facts, settings, store) {
                Ok((archive, weights, as_it_was)) => {
                    let is_zip = settings.format == Format::Zip;
                    let size = archive.size.filter(|_| is_zip).unwrap_or(0);
                    let large = weight::large(size, &weights, settings.limits);
                    diagnostics.extend(large.map(about));
                    let own = own(noted, &output, &facts, store);
                    (Some(Built { archive, facts, weights, own, as_it_was }), diagnostics)
                }
                Err(error) => {
                    diagnostics.push(about(error));
                    (None, diagnostics)
                }
            }
        }
    };
    diagnostics.extend(said);
    diagnostics.sort();
    Outcome { function, built, diagnostics, time: Duration::ZERO }
}

/// The user's own files that a plan was made of, and that are in it, by real paths; none if nobody will ask.
fn own(noted: &BTreeSet<AbsPath>, output: &Output, facts: &BuildFacts, store: &Store) -> BTreeSet<AbsPath> {
    if !store.remembers() {
        return BTreeSet::new();
    }
    let shipped = match output {
        Output::Archive(entries) => entries.as_slice(),
        Output::Verbatim { .. } => &[],
    };
    let shipped = shipped.iter().filter_map(|entry| match &entry.content {
        Content::File(path) => Some(path),
        Content::Bytes(_) | Content::Link(_) => None,
    });
    let real = shipped.chain(&facts.inputs).filter_map(|path| store.real(path).ok()).map(|real| real.path);
    real.filter(is_own).chain(noted.iter().cloned()).collect()
}

/// The archive of a plan, what it weighs, and whether it was there already; else it is written.
fn put(
    function: &Function,
    output: &Output,
    facts: &BuildFacts,
    settings: &Settings,
    store: &Store,
) -> Result<(Archive, Vec<Weight>, bool), Diagnostic> {
    let name = function.name.as_str();
    // A program is one entry, and its thread none of the pool.
    let entries = match output {
        Output::Archive(entries) if !function.is_compiled() => entries.as_slice(),
        _ => &[],
    };
    let key = key(entries, name, facts, settings.format, store);
    let known = key.and_then(|key| store.recall(key)).and_then(|known| borsh::from_slice::<Known>(&known).ok());
    if let Some(Known { archive, weights }) = known {
        let path = archive::place(output, name, &settings.out, settings.format);
        let archive = Archive { path, ..archive };
        if archive::is_there(&archive, store) {
            return Ok((archive, weights, true));
        }
    }
    // Compresses, and reads what no module graph has asked for yet: data, package.json files.
    entries.par_iter().filter(|_| store.keeps()).for_each(|entry| {
        if let Content::File(path) = &entry.content {
            let _ = store.kept(path); // An error is met again, and told, by the writer.
        }
    });
    let weights = match output {
        Output::Archive(entries) => weight::weigh(entries, facts, store),
        Output::Verbatim { .. } => Vec::new(),
    };
    if let Some(refused) = weight::too_large(&weights, settings.limits) {
        return Err(refused);
    }
    let archive = archive::write(output, name, &settings.out, settings.format, store)
        .map_err(|error| Diagnostic::error(Code::Unwritable, error.to_string()))?;
    let known = Known { archive, weights };
    if let (Some(key), Ok(bytes)) = (key, borsh::to_vec(&known)) {
        store.remember(key, &bytes);
    }
    Ok((known.archive, known.weights, false))
}

/// What was written of the same entries before.
#[derive(BorshSerialize, BorshDeserialize)]
struct Known {
    archive: Archive,
    weights: Vec<Weight>,
}

/// Everything that an archive of these entries depends on; none if nothing is remembered of it.
fn key(entries: &[Entry], name: &str, facts: &BuildFacts, format: Format, store: &Store) -> Option<Key> {
    if !store.remembers() || entries.is_empty() || format == Format::None {
        return None;
    }
    let content = |entry: &Entry| match &entry.content {
        Content::File(path) => store.seen(path).ok().map(|seen| (0u8, seen.hash)),
        Content::Bytes(bytes) => Some((1, *blake3::hash(bytes).as_bytes())),
        Content::Link(target) => Some((2, *blake3::hash(target.as_bytes()).as_bytes())),
    };
    let contents: Vec<(u8, Hash)> = entries.par_iter().map(content).collect::<Option<_>>()?;
    let rows = entries.iter().zip(&contents).map(|(entry, content)| (entry.path.as_str(), entry.executable, content));
    let rows = borsh::to_vec(&rows.collect::<Vec<_>>()).ok()?;
    // Part of what is remembered are the weights of what is in a bundle.
    let bundle = borsh::to_vec(&(facts.bundle.as_ref().map(ArchivePath::as_str), &facts.bundled)).ok()?;
    Some(Key::of("archive", [name.as_bytes(), &[format as u8], &rows, &bundle]))
}
