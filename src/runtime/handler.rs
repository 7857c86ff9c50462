//! Does a function export what the platform calls? In: a main file and the graph. Out: a warning, if
//! it provably does not (spec: functions.md section 2). What cannot be known is trusted.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::js::config::hides_exports;
use crate::js::graph::Graph;
use crate::js::parse::parse;
use crate::path::AbsPath;

/// What is to be said of the main file, if anything.
pub(super) fn missing(main: &AbsPath, graph: &Graph) -> Option<Diagnostic> {
    if !exports_neither(main, graph, &mut BTreeSet::new()) {
        return None;
    }
    let message = "exports neither a `handler` nor a default: the platform has nothing to call";
    let hint = "write `export const handler = …` (version 1) or `export default …` (version 2)";
    Some(Diagnostic::warning(Code::NoHandler, message).at(main).hint(hint))
}

/// What has been looked at adds nothing the second time.
fn exports_neither(path: &AbsPath, graph: &Graph, seen: &mut BTreeSet<AbsPath>) -> bool {
    if !seen.insert(path.clone()) {
        return true;
    }
    let module = graph.module(path);
    let analysis = &module.analysis;
    if module.failure.is_some() || analysis.has_handler || analysis.has_default || analysis.is_open {
        return false;
    }
    if matches!(path.extension(), "json" | "node" | "wasm") || !analysis.is_esm && hides(path, graph) {
        return false;
    }
    // What is passed on is looked into, where it is found.
    analysis.passed_on.iter().all(|specifier| {
        let edge = module.edges.iter().find(|edge| edge.request.specifier == *specifier);
        let targets = edge.and_then(|edge| edge.outcome.as_ref().ok());
        targets.is_some_and(|targets| targets.modules.iter().all(|next| exports_neither(&next.path, graph, seen)))
    })
}

/// Parsed once more, which hardly any function needs.
fn hides(path: &AbsPath, graph: &Graph) -> bool {
    let Ok(bytes) = graph.store().read(path) else { return true };
    let source = String::from_utf8_lossy(&bytes);
    parse(path.extension(), &source, hides_exports).unwrap_or(true)
}
