//! The one function: entry in, files out. rolldown runs here, on a thread of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rayon::ThreadPool;
use rolldown::{BundleOutput, Bundler};
use rolldown_common::{Output, OutputChunk};
use rolldown_error::{BatchedBuildDiagnostic, Severity};

use crate::configure::configure;
use crate::finish::finish;
use crate::host::Host;
use crate::ids::Ids;
use crate::plugin::HostPlugin;
use crate::{Bundle, Code, Failure, Options};

/// Bundles an entry, or says everything that is wrong, sorted by place.
///
/// May be called from any thread, also from those of a rayon pool, as many at a time as one likes: each bundle has a
/// thread to itself, on which all of it happens.
pub fn bundle(options: &Options, host: Arc<dyn Host>) -> Result<Bundle, Vec<Failure>> {
    let result = attempt(options, &host, Maps::AsAsked);
    match &result {
        // Only a source map can tell where a piece of output comes from.
        Err(failures) if failures.iter().any(|it| it.code == Code::SloppyMode) => {
            attempt(&Options { source_maps: true, ..options.clone() }, &host, Maps::OfRolldown)
        }
        _ => result,
    }
}

/// Which source maps a run makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maps {
    /// If they are asked for, and then through those of the host.
    AsAsked,
    /// From the output to what the host gave.
    OfRolldown,
}

/// rolldown goes down into expressions as deep as they are. Only what is used of this takes memory.
const STACK: usize = 64 << 20;

fn attempt(options: &Options, host: &Arc<dyn Host>, maps: Maps) -> Result<Bundle, Vec<Failure>> {
    // rolldown uses the current rayon pool while a tokio runtime holds its thread. In the caller's pool that thread
    // could meanwhile pick up another bundle, and with it a runtime inside a runtime. So each has a pool of one thread.
    let idle = POOLS.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let new = || rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(STACK).build();
    let pool = idle.map_or_else(new, Ok);
    let pool = pool.map_err(|error| vec![internal(format!("no thread for rolldown: {error}"))])?;
    // The caller only waits. One of a rayon pool that came here by `install` would start the next bundle meanwhile.
    let (done, result) = mpsc::sync_channel(1);
    let (options, host) = (options.clone(), Arc::clone(host));
    pool.spawn(move || {
        let _ = done.send(catch_unwind(AssertUnwindSafe(|| run(&options, host, maps)))); // The receiver waits.
    });
    let waiting = tracing::info_span!("wait").entered();
    let result = result.recv().unwrap_or_else(|_| Ok(Err(vec![internal("rolldown's thread is gone".into())])));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(vec![internal(format!("rolldown panicked: {}", text.unwrap_or("no message")))])
    });
    drop(waiting);
    POOLS.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    result
}

/// Pools of one thread that nobody uses now. With its thread, the next bundle gets the memory of the last. What rolldown
/// left to a pool to clean up, the thread does before anything else: the next bundle waits for it.
static POOLS: Mutex<Vec<ThreadPool>> = Mutex::new(Vec::new());

fn internal(message: String) -> Failure {
    Failure::new(Code::Internal, message)
}

fn run(options: &Options, host: Arc<dyn Host>, maps: Maps) -> Result<Bundle, Vec<Failure>> {
    let _span = tracing::info_span!("bundle", of = %options.entry.display()).entered();
    let ids = Arc::new(Ids::new(&options.working_directory));
    let plugin = Arc::new(HostPlugin::new(host, options.clone(), maps, Arc::clone(&ids)));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| vec![internal(format!("no runtime for rolldown: {error}"))])?;
    let output = runtime.block_on(generate(options, &plugin)).map_err(|errors| {
        let errors = errors.iter().map(|error| Failure::from_rolldown(error, &ids));
        sorted(plugin.failures().into_iter().chain(errors))
    })?;
    let failures = plugin.failures();
    if !failures.is_empty() {
        return Err(sorted(failures));
    }
    collect(output, options, &plugin, &ids)
}

async fn generate(options: &Options, plugin: &Arc<HostPlugin>) -> Result<BundleOutput, BatchedBuildDiagnostic> {
    let mut bundler = Bundler::with_plugins(configure(options), vec![Arc::clone(plugin) as _])?;
    let output = bundler.generate().await;
    bundler.close().await?;
    output
}

fn collect(output: BundleOutput, options: &Options, plugin: &HostPlugin, ids: &Ids) -> Result<Bundle, Vec<Failure>> {
    let chunks: Vec<Arc<OutputChunk>> = output
        .assets
        .into_iter()
        .filter_map(|output| match output {
            Output::Chunk(chunk) => Some(chunk),
            Output::Asset(_) => None,
        })
        .collect();
    let siblings: BTreeSet<String> = chunks.iter().map(|chunk| chunk.filename.to_string()).collect();
    let mut files = Vec::new();
    let mut failures = Vec::new();
    for chunk in &chunks {
        match finish(chunk, &siblings, options, plugin, ids) {
            Ok(file) => files.push(file),
            Err(failure) => failures.push(failure),
        }
    }
    if !failures.is_empty() {
        return Err(sorted(failures));
    }
    files.sort_by(|a, b| (!a.is_entry, &a.name).cmp(&(!b.is_entry, &b.name)));
    let mut modules: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (id, module) in chunks.iter().flat_map(|chunk| chunk.modules.keys.iter().zip(&chunk.modules.values)) {
        if let Some(path) = ids.path(id.as_str()) {
            *modules.entry(path).or_default() += module.rendered_length();
        }
    }
    let warnings = output.warnings.iter().filter(|it| it.severity() == Severity::Warning);
    Ok(Bundle {
        files,
        modules,
        inputs: plugin.inputs(),
        commonjs_entry: plugin.commonjs_entry(),
        warnings: sorted(warnings.map(|warning| Failure::from_rolldown(warning, ids))),
    })
}

fn sorted(failures: impl IntoIterator<Item = Failure>) -> Vec<Failure> {
    let mut failures: Vec<_> = failures.into_iter().collect();
    failures.sort();
    failures.dedup();
    failures
}
