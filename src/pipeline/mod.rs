//! The story of a run: settings become functions, functions become plans, plans become archives,
//! archives a manifest. In: settings and a store. Out: a [`Report`]. The only orchestration, and
//! the only place where things run in parallel; results come back in the order of the functions,
//! never in that of time.

mod compiled;
mod earlier;
mod graphs;
mod join;
mod output;
mod publish;
mod weight;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use self::compiled::{Compiling, Job};
use self::earlier::{Earlier, Kept, earlier, remember_run};
use self::graphs::{Graphs, resolve_options, tsconfig_directories};
use self::output::finish;
use self::publish::publish;
pub use self::weight::Weight;
use crate::archive::{self, Archive, WriteError};
use crate::cache::{Cache, this_build};
use crate::diagnostic::{Code, Diagnostic, Place, Severity, did_you_mean};
use crate::function::{Function, FunctionName, Origin, Runtime};
use crate::js::addons::package_name as package_of;
use crate::js::graph::Graph;
use crate::js::resolve::ResolveOptions;
use crate::js::rules::Rules;
use crate::js::trace::trace;
use crate::js::why::{Step, way};
use crate::path::AbsPath;
use crate::plan::BuildFacts;
use crate::runtime;
use crate::settings::Settings;
use crate::source::{self, Candidate};
use crate::store::Store;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// One a function, sorted by name.
    pub functions: Vec<Outcome>,
    /// What concerns no single function.
    pub diagnostics: Vec<Diagnostic>,
    /// The manifest, if it was written.
    pub manifest: Option<AbsPath>,
    /// How long the run took.
    pub time: Duration,
}

/// What came of one function.
#[derive(Debug)]
pub struct Outcome {
    /// The function.
    pub function: Function,
    /// What was built, or none if it failed.
    pub built: Option<Built>,
    /// What is to be said of it.
    pub diagnostics: Vec<Diagnostic>,
    /// How long it took once all modules were loaded; work of others may fall into it.
    pub time: Duration,
}

/// A function that was built.
#[derive(Debug)]
pub struct Built {
    /// What was written.
    pub archive: Archive,
    /// What is known of it.
    pub facts: BuildFacts,
    /// What its packages cost, the heaviest first.
    pub weights: Vec<Weight>,
    /// The user's own files that it depends on.
    pub own: BTreeSet<AbsPath>,
    /// It was there already.
    pub as_it_was: bool,
}

impl Report {
    /// Everything that was said, errors first, in a fixed order.
    pub fn all_diagnostics(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> =
            self.diagnostics.iter().chain(self.functions.iter().flat_map(|outcome| &outcome.diagnostics)).collect();
        all.sort();
        all
    }

    /// Did anything fail?
    pub fn failed(&self) -> bool {
        self.functions.iter().any(|outcome| outcome.built.is_none())
            || self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Who wants to know how a run is getting on. Called from many threads.
pub trait Progress: Sync {
    /// So many functions will be built.
    fn begin(&self, functions: usize);
    /// One more module has been read.
    fn read(&self);
    /// One more is done.
    fn done(&self, name: &FunctionName);
}

/// Nobody.
impl Progress for () {
    fn begin(&self, _: usize) {}
    fn read(&self) {}
    fn done(&self, _: &FunctionName) {}
}

/// The functions of a site, and what was read to know them.
pub struct Site {
    /// Sorted by name; with those that are shadowed, as the peer lists them.
    pub functions: Vec<Function>,
    /// What is wrong with what was said of each, in the same order.
    pub said: Vec<Vec<Diagnostic>>,
    /// What concerns no single function.
    pub diagnostics: Vec<Diagnostic>,
    graph: Graph,
}

impl Site {
    /// The tsconfig.json that rules a file of the site.
    pub fn tsconfig(&self, file: &AbsPath) -> Option<AbsPath> {
        self.graph.tsconfig(file)
    }
}

/// Finds the functions and what each was told; builds nothing.
pub fn open(settings: &Settings, store: &Arc<Store>) -> Site {
    let wanted = source::Wanted { platform: settings.platform, containers: settings.containers };
    let found = source::scan(&settings.sources, wanted, store);
    let mut diagnostics = found.diagnostics;
    let wanted = |name: &str| settings.only.is_empty() || settings.only.matches(name);
    let nothing = !found.candidates.is_empty() && !found.candidates.iter().any(|found| wanted(found.name.as_str()));
    diagnostics.retain(|diagnostic| diagnostic.function.as_deref().is_none_or(wanted));
    diagnostics.extend(settings.said.iter().cloned());
    diagnostics.extend(without_function(settings, &found.candidates));
    if nothing {
        let names: Vec<&str> = found.candidates.iter().map(|candidate| candidate.name.as_str()).collect();
        let diagnostic = Diagnostic::error(Code::NoFunctions, "no function has a name that --only asks for");
        diagnostics.push(diagnostic.hint(format!("there are: {}", names.join(", "))));
    }
    diagnostics = diagnostics.into_iter().map(|diagnostic| diagnostic.under(settings.strict)).collect();
    let options = ResolveOptions { tsconfig_directories: tsconfig_directories(settings), ..ResolveOptions::default() };
    let graph = Graph::new(store.clone(), options, settings.repository_root.clone(), settings.base.clone());
    let graph = graph.with_rules(Rules::with(&settings.package_rules));
    let mut candidates: Vec<Candidate> =
        found.candidates.into_iter().filter(|candidate| wanted(candidate.name.as_str())).collect();
    if settings.with_shadowed {
        candidates.extend(found.shadowed);
        candidates.sort_by_cached_key(Candidate::listing_order);
    }
    let joined: Vec<(Function, Vec<Diagnostic>)> = candidates
        .into_par_iter()
        .map(|candidate| {
            let is_code = candidate.runtime == Runtime::JavaScript && !candidate.ready_made;
            let main = graph.real(&candidate.main_file).ok().filter(|_| is_code);
            let read = main.and_then(|main| graph.analysis(&main.path));
            join::join(candidate, read.as_ref().map(|read| &read.1), settings, store)
        })
        .collect();
    let (functions, said): (Vec<Function>, Vec<Vec<Diagnostic>>) = joined.into_iter().unzip();
    diagnostics.extend(join::clashing_routes(&functions).into_iter().map(|said| said.under(settings.strict)));
    diagnostics.sort();
    Site { functions, said, diagnostics, graph }
}

/// Configuration of functions that are not there: a slip of the pen, or a function that is gone.
fn without_function(settings: &Settings, candidates: &[Candidate]) -> Vec<Diagnostic> {
    let names: Vec<&FunctionName> = candidates.iter().map(|candidate| &candidate.name).collect();
    let tell = |(glob, place): (&str, Option<&Place>)| {
        let meant = did_you_mean(glob, names.iter().map(|name| name.as_str()));
        let severity = if meant.is_empty() { Severity::Note } else { Severity::Warning };
        let message = format!("no function is called `{glob}`{meant}");
        Diagnostic::new(severity, Code::Configuration, message).said_at(place)
    };
    settings.config.without_function(&names).into_iter().map(tell).collect()
}

/// Builds every function, writes the archives and the manifest.
///
/// # Errors
/// The output directory cannot be written to.
pub fn bundle(settings: &Settings, store: Arc<Store>, progress: &dyn Progress) -> Result<Report, WriteError> {
    let start = Instant::now();
    archive::prepare(&settings.out)?;
    store.was_made(&settings.out);
    if let Some(cache) = &settings.cache {
        store.remember_in(Cache::new(&cache.directory, &this_build()), &settings.base);
        store.was_made(&cache.directory);
    }
    let mut report = match earlier(settings, &store) {
        Earlier::Same(report) => {
            store.settle();
            report
        }
        Earlier::Some(kept) => build(settings, &store, kept, progress),
    };
    if !settings.unpublished && (!report.failed() || settings.keep_going) {
        publish(&report, settings)?;
        report.manifest = Some(settings.manifest.clone());
    }
    report.time = start.elapsed();
    Ok(report)
}

/// Builds every function but those that are kept, and remembers how.
fn build(settings: &Settings, store: &Arc<Store>, mut kept: Kept, progress: &dyn Progress) -> Report {
    let Site { functions, said, mut diagnostics, graph } = open(settings, store);
    progress.begin(functions.len());
    let functions = build_all(functions, said, &mut kept, &graph, settings, store, progress);
    // What is neither built nor wrong is left out.
    let is_left_out = |outcome: &Outcome| {
        outcome.built.is_none() && !outcome.diagnostics.iter().any(|said| said.severity == Severity::Error)
    };
    let (left_out, functions): (Vec<Outcome>, Vec<Outcome>) = functions.into_iter().partition(is_left_out);
    // What they lack may be there the next time, and no file of the site tells.
    let is_whole = left_out.is_empty();
    diagnostics.extend(left_out.into_iter().flat_map(|outcome| outcome.diagnostics));
    diagnostics.sort();
    if functions.is_empty() && !diagnostics.iter().any(|diagnostic| diagnostic.severity <= Severity::Warning) {
        let places = settings.sources.iter().find(|source| source.origin == Origin::User).or(settings.sources.first());
        let diagnostic = Diagnostic::warning(Code::NoFunctions, "there is no function here");
        let diagnostic = places.map_or(diagnostic.clone(), |source| diagnostic.at(&source.path));
        diagnostics.push(diagnostic.under(settings.strict));
    }
    let report = Report { functions, diagnostics, manifest: None, time: Duration::ZERO };
    if is_whole {
        remember_run(&report, kept, settings, store);
    }
    if let Some(cache) = &settings.cache {
        store.finish(cache.size);
    }
    report
}

/// Compilers run beside the work on JavaScript; the order is that of the functions.
fn build_all(
    functions: Vec<Function>,
    said: Vec<Vec<Diagnostic>>,
    kept: &mut Kept,
    graph: &Graph,
    settings: &Settings,
    store: &Store,
    progress: &dyn Progress,
) -> Vec<Outcome> {
    let jobs = functions.into_iter().zip(said).enumerate();
    let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
    let jobs = jobs.filter_map(|(index, (function, said))| {
        let Some((built, diagnostics)) = kept.take(&function) else { return Some(Job { index, function, said }) };
        progress.done(&function.name);
        outcomes.push((index, Outcome { function, built: Some(built), diagnostics, time: Duration::ZERO }));
        None
    });
    let (compiled, traced): (Vec<Job>, Vec<Job>) = jobs.partition(|job| job.function.is_compiled());
    let compiling = Compiling { settings, store, progress, threads: rayon::current_num_threads() };
    let built: Vec<(usize, Outcome)> = thread::scope(|scope| {
        let compiled = scope.spawn(|| compiling.all(compiled));
        let graphs = Graphs::explore(traced.iter().map(|job| &job.function), graph, settings, progress);
        let build = |Job { index, function, said }: Job| {
            let start = Instant::now();
            let graph = graphs.of(&function);
            let graph = if store.remembers() { Arc::new(graph.noting()) } else { graph.clone() };
            let planned = runtime::plan(&function, &graph, settings);
            let outcome = finish(function, said, planned, &graph.noted(), settings, store);
            progress.done(&outcome.function.name);
            (index, Outcome { time: start.elapsed(), ..outcome })
        };
        let mut built: Vec<(usize, Outcome)> = traced.into_par_iter().map(build).collect();
        built.extend(compiled.join().unwrap_or_else(|panic| resume_unwind(panic)));
        built
    });
    outcomes.extend(built);
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The files that each function needs, and what is to be said of them; writes and compiles nothing.
pub fn files(site: &Site, settings: &Settings) -> Vec<(Vec<AbsPath>, Vec<Diagnostic>)> {
    let graphs = Graphs::explore(&site.functions, &site.graph, settings, &());
    let files = |function: &Function| {
        if function.is_compiled() {
            return (runtime::sources(function, site.graph.store()), Vec::new());
        }
        match runtime::plan(function, graphs.of(function), settings) {
            Ok(plan) => (plan.facts.inputs, plan.diagnostics),
            Err(diagnostics) => (Vec::new(), diagnostics),
        }
    };
    site.functions.par_iter().map(files).collect()
}

/// Why a file or a package ships in a function.
#[derive(Debug)]
pub struct Answer {
    /// The file; of a package, the one that is reached first.
    pub file: AbsPath,
    /// The way to it from the entry.
    pub way: Vec<Step>,
    /// Who wants it, if no code does.
    pub because: Option<&'static str>,
    /// The package that was asked for.
    pub package: Option<String>,
    /// How many files were asked for, and what they cost in bytes.
    pub files: usize,
    /// As they are in the archive.
    pub compressed: u64,
    /// Unpacked.
    pub size: u64,
}

/// Why `wanted`, a package, or `file` ships in the function at this place; none if it does not.
pub fn why(
    site: &Site,
    function: usize,
    wanted: &str,
    file: &AbsPath,
    settings: &Settings,
    store: &Store,
) -> Option<Answer> {
    let function = &site.functions[function];
    let graph = Arc::new(site.graph.with_options(resolve_options(function, settings)));
    let options = runtime::trace_options(function, settings)?;
    let plan = runtime::plan(function, &graph, settings).ok();
    let traced = trace(&graph, std::slice::from_ref(&function.main_file), &options);
    let shipped: BTreeSet<&AbsPath> =
        plan.iter().flat_map(|plan| &plan.facts.inputs).chain(traced.files.keys()).collect();
    let is_file = shipped.contains(file);
    let of_package = |path: &AbsPath| package_of(path).as_deref() == Some(wanted);
    let is_meant = |path: &AbsPath| if is_file { path == file } else { of_package(path) };
    let meant: Vec<&AbsPath> = shipped.iter().copied().filter(|path| is_meant(path)).collect();
    let first = (*meant.first()?).clone();
    let (found, way) = way(&traced, &graph, &is_meant).unwrap_or((first, Vec::new()));
    let is_included = plan.as_ref().is_some_and(|plan| plan.facts.included_files.contains(&found));
    let because = match (way.is_empty(), is_included) {
        (true, true) => Some("named by `included_files`"),
        (true, false) if found == function.main_file => Some("the main file"),
        (true, false) => Some("in the function's own directory"),
        (false, _) => None,
    };
    let weigh =
        |path: &&AbsPath| store.kept(path).ok().filter(|kept| !kept.is_empty()).map(|kept| weight::of_kept(&kept));
    let weights: Vec<(u64, u64)> = meant.iter().filter_map(weigh).collect();
    Some(Answer {
        file: found,
        way,
        because,
        package: (!is_file).then(|| wanted.to_owned()),
        files: meant.len(),
        compressed: weights.iter().map(|weight| weight.0).sum(),
        size: weights.iter().map(|weight| weight.1).sum(),
    })
}
