//! What the last run made, as far as it still holds. In: what it looked at and made. Out: its report, if all of that
//! is as it was; else the functions that nothing of what has changed concerns. Nothing of them is read, parsed
//! or written. Compilers of other languages know for themselves what has changed, so a site with functions
//! in those is always built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Built, Outcome, Report, Weight, open};
use crate::archive::{self, Archive};
use crate::cache::Key;
use crate::diagnostic::Diagnostic;
use crate::function::Function;
use crate::js::parse::CODE_EXTENSIONS;
use crate::path::AbsPath;
use crate::plan::BuildFacts;
use crate::settings::Settings;
use crate::store::looked::{Looked, Still, merged, read, write};
use crate::store::{Store, paths};

/// What is remembered of a run.
#[derive(BorshSerialize, BorshDeserialize)]
struct Run {
    looked: Vec<u8>,
    /// What functions were made of: they share most of it.
    paths: Vec<u8>,
    functions: Vec<Done>,
    diagnostics: Vec<Diagnostic>,
}

/// What was built of one function.
#[derive(BorshSerialize, BorshDeserialize)]
struct Done {
    name: String,
    /// All that was known of it when it was built.
    function: Key,
    /// Which of the paths are the user's own files that it depends on, and which its inputs.
    own: Vec<u32>,
    inputs: Vec<u32>,
    archive: Archive,
    /// Without the inputs.
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
    paths: Vec<AbsPath>,
    looked: Vec<Looked>,
}

impl Kept {
    /// What was built of this function, if it would be the same.
    pub(super) fn take(&mut self, function: &Function) -> Option<(Built, Vec<Diagnostic>)> {
        let done = self.functions.remove(function.name.as_str())?;
        (done.function == key_of(function)).then(|| done.built(&self.paths))
    }
}

impl Done {
    fn built(self, paths: &[AbsPath]) -> (Built, Vec<Diagnostic>) {
        let own = chosen(&self.own, paths).cloned().collect();
        let inputs = chosen(&self.inputs, paths).cloned().collect();
        let Self { archive, facts, weights, diagnostics, .. } = self;
        (Built { archive, facts: BuildFacts { inputs, ..facts }, weights, own, as_it_was: true }, diagnostics)
    }
}

/// The paths at these places.
fn chosen<'p>(places: &'p [u32], paths: &'p [AbsPath]) -> impl Iterator<Item = &'p AbsPath> {
    places.iter().filter_map(|place| paths.get(*place as usize))
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
    let recalled = recalled.and_then(|run| Some((read(&run.looked)?, paths::read(&run.paths)?, run)));
    let Some((mut looked, paths, Run { functions: done, diagnostics, paths: written, .. })) = recalled else {
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
    let is_of = |done: &Done, wanted: &dyn Fn(&AbsPath) -> bool| chosen(&done.own, &paths).any(wanted);
    let is_in_some = |path: &AbsPath| functions.iter().any(|done| is_of(done, &|own| own == path));
    let is_concerned = |path: &AbsPath| is_own(path) && (is_code(path) || is_in_some(path));
    if most == Still::Changed || !rewritten.iter().all(is_concerned) {
        return Earlier::Some(Kept::default());
    }
    if rewritten.is_empty() && functions.len() == count {
        let mut run = Run { looked: Vec::new(), paths: written, functions, diagnostics };
        if most == Still::Settled {
            run.looked = write(&looked);
            remember(&run, settings, store);
        }
        let report = report(run, &paths, settings, store);
        if report.functions.len() == count {
            return Earlier::Same(report);
        }
        return Earlier::Some(Kept::default());
    }
    let is_kept = |done: &Done| !is_of(done, &|own| rewritten.contains(own));
    let kept = functions.into_iter().filter(is_kept).map(|done| (done.name.clone(), done)).collect();
    Earlier::Some(Kept { functions: kept, paths, looked })
}

/// A file of the user's is read for the functions that it is part of, and to know what they say of themselves, which
/// every run looks at again. What is in one of a package, or in any package.json, may decide about all of them.
pub(super) fn is_own(path: &AbsPath) -> bool {
    !path.in_node_modules() && path.name() != "package.json"
}

fn is_code(path: &AbsPath) -> bool {
    CODE_EXTENSIONS.contains(&path.extension())
}

fn report(run: Run, paths: &[AbsPath], settings: &Settings, store: &Arc<Store>) -> Report {
    let functions = open(settings, store).functions.into_iter();
    let mut functions: BTreeMap<String, Function> =
        functions.map(|function| (function.name.to_string(), function)).collect();
    let outcome = |done: Done| {
        let function = functions.remove(&done.name)?;
        let (built, diagnostics) = done.built(paths);
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
    let built = report.functions.iter().filter_map(|outcome| outcome.built.as_ref());
    let all: BTreeSet<&AbsPath> = built.flat_map(|built| built.own.iter().chain(&built.facts.inputs)).collect();
    let mut sorted: Vec<AbsPath> = all.into_iter().cloned().collect();
    sorted.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    let places: FxHashMap<&AbsPath, u32> = sorted.iter().zip(0..).collect();
    let places_of =
        |paths: &mut dyn Iterator<Item = &AbsPath>| paths.filter_map(|path| places.get(path).copied()).collect();
    let done = |outcome: &Outcome| {
        let Built { archive, facts, weights, own, .. } = outcome.built.as_ref()?;
        Some(Done {
            name: outcome.function.name.to_string(),
            function: key_of(&outcome.function),
            own: places_of(&mut own.iter()),
            inputs: places_of(&mut facts.inputs.iter()),
            archive: archive.clone(),
            facts: BuildFacts { inputs: Vec::new(), ..facts.clone() },
            weights: weights.clone(),
            diagnostics: outcome.diagnostics.clone(),
        })
    };
    let functions = report.functions.iter().filter_map(done).collect();
    let looked = write(&merged(kept.looked, looked));
    let run = Run { looked, paths: paths::write(&sorted), functions, diagnostics: report.diagnostics.clone() };
    remember(&run, settings, store);
}

fn remember(run: &Run, settings: &Settings, store: &Store) {
    if let Ok(bytes) = borsh::to_vec(run) {
        store.remember_last(key(settings), &bytes);
    }
}
