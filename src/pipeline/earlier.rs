//! What the last run made, as far as it still holds. In: what it looked at and made. Out: its report, if all of that
//! is as it was; else the functions that nothing of what has changed concerns. Nothing of them is read, parsed
//! or written. Compilers of other languages know for themselves what has changed, so a site with functions
//! in those is always built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;

use super::{Built, Outcome, Report, Weight, open};
use crate::archive::{self, Archive};
use crate::cache::Key;
use crate::diagnostic::Diagnostic;
use crate::function::Function;
use crate::js::parse::CODE_EXTENSIONS;
use crate::path::AbsPath;
use crate::plan::BuildFacts;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::looked::{Looked, Still, merged, read, write};

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
    /// All that was known of it when it was built.
    function: Key,
    own: BTreeSet<AbsPath>,
    archive: Archive,
    facts: BuildFacts,
    weights: Vec<Weight>,
    diagnostics: Vec<Diagnostic>,
}

/// What holds of an earlier run.
pub(super) enum Earlier {
    /// This run would do the same.
    Same(Report),
    /// These functions would be the same.
    Some(Kept),
}

/// The functions that need not be built again, and what they were built from.
#[derive(Default)]
pub(super) struct Kept {
    functions: BTreeMap<String, Done>,
    looked: Vec<Looked>,
}

impl Kept {
    /// What was built of this function, if it would be the same.
    pub(super) fn take(&mut self, function: &Function) -> Option<(Built, Vec<Diagnostic>)> {
        let done = self.functions.remove(function.name.as_str())?;
        (done.function == key_of(function)).then(|| done.built())
    }
}

impl Done {
    fn built(self) -> (Built, Vec<Diagnostic>) {
        let Self { own, archive, facts, weights, diagnostics, .. } = self;
        (Built { archive, facts, weights, own, as_it_was: true }, diagnostics)
    }
}

/// Runs that were told the same.
fn key(settings: &Settings) -> Key {
    Key::of("run", [format!("{settings:?}").as_bytes()])
}

fn key_of(function: &Function) -> Key {
    Key::of("function", [format!("{function:?}").as_bytes()])
}

/// What holds of the last run that was told the same.
pub(super) fn earlier(settings: &Settings, store: &Arc<Store>) -> Earlier {
    let _span = tracing::info_span!("compare").entered();
    let recalled = store.recall_last(key(settings)).and_then(|run| borsh::from_slice::<Run>(&run).ok());
    let recalled = recalled.and_then(|run| Some((read(&run.looked)?, run)));
    let Some((mut looked, Run { functions: done, diagnostics, .. })) = recalled else {
        return Earlier::Some(Kept::default());
    };
    let now = SystemTime::now();
    let still: Vec<Still> = looked.par_iter_mut().map(|looked| store.is_still(looked, now)).collect();
    let most = still.iter().max().copied().unwrap_or(Still::Same);
    let count = done.len();
    let functions: Vec<Done> =
        done.into_par_iter().filter(|done| most < Still::Changed && archive::is_there(&done.archive, store)).collect();
    let (rewritten, looked): (Vec<_>, Vec<_>) =
        looked.into_iter().zip(still).partition(|(_, still)| *still == Still::Rewritten);
    let rewritten: BTreeSet<AbsPath> = rewritten.into_iter().map(|(looked, _)| looked.path().clone()).collect();
    let looked: Vec<Looked> = looked.into_iter().map(|(looked, _)| looked).collect();
    // Code concerns nobody if nobody has asked for it. Data that no function has was read for another reason.
    let is_in_some = |path: &AbsPath| functions.iter().any(|done| done.own.contains(path));
    let is_concerned = |path: &AbsPath| is_own(path) && (is_code(path) || is_in_some(path));
    if most == Still::Changed || !rewritten.iter().all(is_concerned) {
        return Earlier::Some(Kept::default());
    }
    if rewritten.is_empty() && functions.len() == count {
        let mut run = Run { looked: Vec::new(), functions, diagnostics };
        if most == Still::Settled {
            run.looked = write(&looked);
            remember(&run, settings, store);
        }
        let report = report(run, settings, store);
        if report.functions.len() == count {
            return Earlier::Same(report);
        }
        return Earlier::Some(Kept::default());
    }
    let is_kept = |done: &Done| done.own.is_disjoint(&rewritten);
    let kept = functions.into_iter().filter(is_kept).map(|done| (done.name.clone(), done));
    Earlier::Some(Kept { functions: kept.collect(), looked })
}

/// A file of the user's is read for the functions that it is part of, and to know what they say of themselves, which
/// every run looks at again. What is in one of a package, or in any package.json, may decide about all of them.
pub(super) fn is_own(path: &AbsPath) -> bool {
    !path.in_node_modules() && path.name() != "package.json"
}

fn is_code(path: &AbsPath) -> bool {
    CODE_EXTENSIONS.contains(&path.extension())
}

fn report(run: Run, settings: &Settings, store: &Arc<Store>) -> Report {
    let functions = open(settings, store).functions.into_iter();
    let mut functions: BTreeMap<String, Function> =
        functions.map(|function| (function.name.to_string(), function)).collect();
    let outcome = |done: Done| {
        let function = functions.remove(&done.name)?;
        let (built, diagnostics) = done.built();
        Some(Outcome { function, built: Some(built), diagnostics, time: Duration::ZERO })
    };
    let functions = run.functions.into_iter().filter_map(outcome).collect();
    Report { functions, diagnostics: run.diagnostics, manifest: None, time: Duration::ZERO }
}

/// Remembers a run in which everything was built, or kept.
pub(super) fn remember_run(report: &Report, kept: Kept, settings: &Settings, store: &Store) {
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
        let Built { archive, facts, weights, own, .. } = outcome.built.as_ref()?;
        Some(Done {
            name: outcome.function.name.to_string(),
            function: key_of(&outcome.function),
            own: own.clone(),
            archive: archive.clone(),
            facts: facts.clone(),
            weights: weights.clone(),
            diagnostics: outcome.diagnostics.clone(),
        })
    };
    let functions = report.functions.iter().filter_map(done).collect();
    let looked = write(&merged(kept.looked, looked));
    remember(&Run { looked, functions, diagnostics: report.diagnostics.clone() }, settings, store);
}

fn remember(run: &Run, settings: &Settings, store: &Store) {
    if let Ok(bytes) = borsh::to_vec(run) {
        store.remember_last(key(settings), &bytes);
    }
}
