//! Does what is loaded find what it asks for? In: an archive and what the platform starts of it. Out: the modules that
//! are reached, and what they do not find, by the rules of the target's Node and in the archive alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Shipped;
use crate::built::Entry;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::Platform;
use crate::js::binary::Target;
use crate::js::graph::Graph;
use crate::js::resolve::ResolveOptions;
use crate::js::trace::{TraceOptions, trace};
use crate::path::AbsPath;
use crate::runtime::lacks;
use crate::store::Store;

/// What is known of the modules of an archive.
#[derive(Default)]
pub(super) struct Complete {
    /// Every file that is reached from the entry.
    pub(super) reached: BTreeSet<AbsPath>,
    /// The modules among them.
    pub(super) modules: BTreeSet<AbsPath>,
    /// Those that are loaded whenever the function is.
    pub(super) eager: BTreeSet<AbsPath>,
    pub(super) graph: Option<Graph>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Walks through the archive from its entry.
pub(super) fn look(shipped: &Shipped<'_>, platform: Platform) -> Complete {
    let archive = &shipped.listed.path;
    let (file, main, api) = match &shipped.entry {
        Some(Entry::Module { file, main, api }) => (file, main, *api),
        Some(Entry::Program) => return Complete::default(),
        None => return Complete { findings: vec![no_entry(shipped)], ..Complete::default() },
    };
    let options = ResolveOptions {
        target: Target { platform, node: shipped.node.major },
        module_sync: shipped.node.has_module_sync(),
        node_only: true,
        ..ResolveOptions::default()
    };
    let store = Arc::new(Store::new(shipped.files.clone()));
    let graph = Graph::new(store, options, archive.clone(), archive.clone());
    // The main module may only be named in a string, for the bootstrap to import.
    let roots: BTreeSet<AbsPath> = [file, main].into_iter().cloned().collect();
    let roots: Vec<AbsPath> = roots.into_iter().collect();
    let options = TraceOptions {
        base: Some(archive.clone()),
        runtime: Some(shipped.node.major),
        ..TraceOptions::all(archive.clone())
    };
    let traced = trace(&graph, &roots, &options);
    let eager = eager(&graph, &roots);
    let mut findings: Vec<Diagnostic> =
        traced.diagnostics.into_iter().filter_map(|said| as_finding(said, &eager)).collect();
    findings.extend(no_handler(main, api, &graph));
    Complete {
        reached: traced.files.into_keys().collect(),
        modules: traced.loaded.into_keys().collect(),
        eager,
        findings,
        graph: Some(graph),
    }
}

/// The modules that loading these comes to in any case.
fn eager(graph: &Graph, roots: &[AbsPath]) -> BTreeSet<AbsPath> {
    let mut found: BTreeSet<AbsPath> = roots.iter().cloned().collect();
    let mut ahead = roots.to_vec();
    while let Some(path) = ahead.pop() {
        let module = graph.module(&path);
        let edges = module.edges.iter().filter(|edge| edge.request.eager && !edge.request.guarded);
        for targets in edges.filter_map(|edge| edge.outcome.as_ref().ok()) {
            if let Some(target) = targets.modules.first()
                && found.insert(target.path.clone())
            {
                ahead.push(target.path.clone());
            }
        }
    }
    found
}

/// What a trace says of an archive: only what fails when the function is loaded is an error.
fn as_finding(said: Diagnostic, eager: &BTreeSet<AbsPath>) -> Option<Diagnostic> {
    let is_eager = said.path.as_ref().is_some_and(|path| eager.contains(path));
    let severity = match (said.code, said.severity) {
        (Code::ModuleNotFound | Code::LinkLoop | Code::Addon, Severity::Warning) => Severity::Note,
        (Code::ModuleNotFound | Code::LinkLoop | Code::Addon, severity) => severity,
        (Code::Syntax | Code::Unreadable, Severity::Note) => Severity::Note,
        (Code::Syntax | Code::Unreadable, _) if is_eager => Severity::Error,
        (Code::Syntax | Code::Unreadable, _) => Severity::Warning,
        _ => return None,
    };
    Some(Diagnostic { severity, ..said })
}

fn no_entry(shipped: &Shipped<'_>) -> Diagnostic {
    let name = &shipped.listed.name;
    let message = format!("the platform finds no handler in it: neither `{name}.js` nor `bootstrap`");
    let hint = "it must stand at the top of the archive, and not in a folder";
    Diagnostic::error(Code::NoHandler, message).at(&shipped.listed.path).hint(hint)
}

/// A main module that provably exports nothing that can be called. Of CommonJS everything is the default.
fn no_handler(main: &AbsPath, api: u8, graph: &Graph) -> Option<Diagnostic> {
    let is_esm = graph.module(main).analysis.is_esm;
    let (what, is_lacking) = match api {
        2 => ("default", is_esm && lacks(main, graph, &|analysis| analysis.has_default)),
        _ => ("`handler`", lacks(main, graph, &|analysis| analysis.has_handler)),
    };
    let message = format!("does not export a {what}: the platform has nothing to call");
    is_lacking.then(|| Diagnostic::error(Code::NoHandler, message).at(main))
}
