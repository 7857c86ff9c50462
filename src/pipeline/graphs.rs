//! The module graphs of a run. In: functions. Out: every module that any of them reaches, read once, by
//! many threads. Never decides what a function ships.

use std::sync::Arc;

use dashmap::DashSet;

use super::Progress;
use crate::function::Function;
use crate::js::binary::Target;
use crate::js::graph::Graph;
use crate::js::resolve::ResolveOptions;
use crate::js::trace::TraceOptions;
use crate::path::AbsPath;
use crate::runtime;
use crate::settings::Settings;

/// The module graphs of a run, one for each set of resolution options that its functions need.
pub(super) struct Graphs<'a> {
    settings: &'a Settings,
    graphs: Vec<(ResolveOptions, Arc<Graph>)>,
}

impl<'a> Graphs<'a> {
    /// Reads every module that any function reaches, in parallel, each once.
    pub(super) fn explore<'f>(
        functions: impl IntoIterator<Item = &'f Function> + Clone + Send,
        first: &Graph,
        settings: &'a Settings,
        progress: &dyn Progress,
    ) -> Self {
        let mut graphs: Vec<(ResolveOptions, Arc<Graph>)> = Vec::new();
        for function in functions.clone() {
            let options = resolve_options(function, settings);
            if !graphs.iter().any(|(known, _)| *known == options) {
                graphs.push((options.clone(), Arc::new(first.with_options(options))));
            }
        }
        let graphs = Self { settings, graphs };
        let seen = Seen { modules: DashSet::new(), progress };
        rayon::scope(|scope| {
            for function in functions {
                let graph = graphs.of(function);
                if let (Some(options), Ok(real)) =
                    (runtime::trace_options(function, settings), graph.real(&function.main_file))
                {
                    explore_from(scope, graph, real.path, Arc::new(options), &seen);
                }
            }
        });
        graphs
    }

    pub(super) fn of(&self, function: &Function) -> &Arc<Graph> {
        let options = resolve_options(function, self.settings);
        let graph = self.graphs.iter().find(|(known, _)| *known == options);
        &graph.unwrap_or_else(|| unreachable!("every function's graph was made by `explore`")).1
    }
}

/// How the specifiers of a function are resolved.
pub(super) fn resolve_options(function: &Function, settings: &Settings) -> ResolveOptions {
    ResolveOptions {
        target: Target { platform: settings.platform, node: function.node.major },
        module_sync: function.node.has_module_sync(),
        tsconfig_directories: tsconfig_directories(settings),
        ..ResolveOptions::default()
    }
}

/// The functions directories, the base, the repository's root (spec: functions.md section 4).
pub(super) fn tsconfig_directories(settings: &Settings) -> Vec<AbsPath> {
    let functions = settings.sources.iter().filter(|source| !source.single).map(|source| source.path.clone());
    functions.chain([settings.base.clone(), settings.repository_root.clone()]).collect()
}

/// The modules that have been explored, by their graph and path, and who wants to know.
struct Seen<'a> {
    modules: DashSet<(usize, AbsPath)>,
    progress: &'a dyn Progress,
}

/// Loads a module and, each in a task of its own, whatever it leads to.
fn explore_from<'s>(
    scope: &rayon::Scope<'s>,
    graph: &'s Graph,
    path: AbsPath,
    options: Arc<TraceOptions>,
    seen: &'s Seen<'s>,
) {
    if !seen.modules.insert((std::ptr::from_ref(graph).addr(), path.clone())) {
        return;
    }
    scope.spawn(move |scope| {
        let module = graph.module(&path);
        seen.progress.read();
        if options.depth == Some(0) {
            return;
        }
        let followed = module.edges.iter().filter(|edge| options.leaves_out(&edge.request).is_none());
        for target in followed.filter_map(|edge| edge.outcome.as_ref().ok()).flat_map(|targets| &targets.modules) {
            explore_from(scope, graph, target.path.clone(), options.clone(), seen);
        }
    });
}
