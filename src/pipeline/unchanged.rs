//! A run in which nothing has changed. In: what the last one looked at and made. Out: its report, if all of it is
//! still so, without reading, parsing or writing anything. Compilers of other languages know for themselves
//! what has changed, so a site with functions in those is always built.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;

use super::{Built, Outcome, Report, Weight, open};
use crate::archive::{self, Archive};
use crate::cache::Key;
use crate::diagnostic::Diagnostic;
use crate::function::Function;
use crate::plan::BuildFacts;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::looked::{Looked, Still, read, write};

/// What is remembered of a run.
#[derive(BorshSerialize, BorshDeserialize)]
struct Run {
    looked: Vec<u8>,
    functions: Vec<Done>,
    diagnostics: Vec<Diagnostic>,
}

/// What was built of one function.
#[derive(BorshSerialize, BorshDeserialize)]
struct Done {
    name: String,
    archive: Archive,
    facts: BuildFacts,
    weights: Vec<Weight>,
    diagnostics: Vec<Diagnostic>,
}

/// Runs that were told the same.
fn key(settings: &Settings) -> Key {
    Key::of("run", [format!("{settings:?}").as_bytes()])
}

/// The report of the last run, if this one would be no other.
pub(super) fn unchanged(settings: &Settings, store: &Arc<Store>) -> Option<Report> {
    let Run { looked, functions: done, diagnostics } = borsh::from_slice(&store.recall_last(key(settings))?).ok()?;
    let mut looked = read(&looked)?;
    let _span = tracing::info_span!("compare").entered();
    let now = SystemTime::now();
    let still = |looked: &mut [Looked]| {
        let each = looked.iter_mut().map(|looked| store.is_still(looked, now));
        each.max().unwrap_or(Still::Same)
    };
    let still = looked.par_chunks_mut(256).map(still).max().unwrap_or(Still::Same);
    if still == Still::Changed || !done.par_iter().all(|done| archive::is_there(&done.archive, store)) {
        return None;
    }
    if still == Still::Settled {
        let run = Run { looked: write(&looked), functions: done, diagnostics };
        remember(&run, settings, store);
        return Some(report(run, settings, store));
    }
    Some(report(Run { looked: Vec::new(), functions: done, diagnostics }, settings, store))
}

fn report(run: Run, settings: &Settings, store: &Arc<Store>) -> Report {
    let functions = open(settings, store).functions.into_iter();
    let mut functions: BTreeMap<String, Function> =
        functions.map(|function| (function.name.to_string(), function)).collect();
    let outcome = |done: Done| {
        let Done { name, archive, facts, weights, diagnostics } = done;
        let built = Some(Built { archive, facts, weights, as_it_was: true });
        Some(Outcome { function: functions.remove(&name)?, built, diagnostics, time: Duration::ZERO })
    };
    let functions = run.functions.into_iter().filter_map(outcome).collect();
    Report { functions, diagnostics: run.diagnostics, manifest: None, time: Duration::ZERO }
}

/// Remembers a run in which everything was built.
pub(super) fn remember_run(report: &Report, settings: &Settings, store: &Store) {
    // Of a directory nobody knows whether it is as it was; a compiler knows for itself what has changed.
    let is_known = |outcome: &Outcome| {
        let is_file = outcome.built.as_ref().is_some_and(|built| built.archive.hash.is_some());
        is_file && !outcome.function.is_compiled()
    };
    if !store.remembers() || report.failed() || !report.functions.iter().all(is_known) {
        return;
    }
    let Some(looked) = store.looked_at(&settings.out) else { return };
    let done = |outcome: &Outcome| {
        let Built { archive, facts, weights, .. } = outcome.built.as_ref()?;
        let (archive, facts, weights) = (archive.clone(), facts.clone(), weights.clone());
        let (name, diagnostics) = (outcome.function.name.to_string(), outcome.diagnostics.clone());
        Some(Done { name, archive, facts, weights, diagnostics })
    };
    let functions = report.functions.iter().filter_map(done).collect();
    let run = Run { looked: write(&looked), functions, diagnostics: report.diagnostics.clone() };
    remember(&run, settings, store);
}

fn remember(run: &Run, settings: &Settings, store: &Store) {
    if let Ok(bytes) = borsh::to_vec(run) {
        store.remember_last(key(settings), &bytes);
    }
}
