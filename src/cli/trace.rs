//! `fnzip trace`: what modules need, for whoever wants to know or to package by other means.

use std::sync::Arc;

use super::args::Trace;
use super::report::{json, people::People};
use super::{FAILURE, Failure, SUCCESS, in_parallel, print, print_json, working_directory};
use crate::diagnostic::Severity;
use crate::fs::Disk;
use crate::function::NodeVersion;
use crate::glob::GlobList;
use crate::js::binary::Target;
use crate::js::graph::Graph;
use crate::js::resolve::ResolveOptions;
use crate::js::trace::{TraceOptions, trace};
use crate::path::AbsPath;
use crate::store::Store;

pub(super) fn run(args: &Trace, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let base = args.base.as_ref().map_or_else(|| cwd.clone(), |base| cwd.join(base));
    let base = base.canonicalize().map_err(|error| {
        let reason = crate::store::describe(error.kind());
        Failure::Call(format!("--base {}: {reason}", base.display()))
    })?;
    let base = AbsPath::of(base);
    let node = match &args.node_version {
        None => NodeVersion::DEFAULT,
        Some(text) => NodeVersion::parse(text)
            .ok_or_else(|| Failure::Call(format!("--node-version: `{text}` is not a Node version")))?,
    };
    let entries: Vec<AbsPath> = args.entries.iter().map(|entry| AbsPath::resolve(&cwd, entry)).collect();
    let resolve = ResolveOptions {
        node_only: false,
        target: Target { node: node.major, ..Target::default() },
        conditions: args.condition.clone(),
        module_sync: node.has_module_sync(),
        module_sync_catchall: args.module_sync_catchall,
        tsconfig_directories: Vec::new(),
        exports_only: args.exports_only,
        paths: args.path.iter().map(|(key, path)| (key.clone(), AbsPath::resolve(&base, path))).collect(),
    };
    let options = TraceOptions {
        base: Some(base.clone()),
        ignore: GlobList::new(&args.ignore)?,
        depth: args.depth,
        runtime: Some(node.major),
        analysis: !args.no_analysis,
        ..TraceOptions::all(base.clone())
    };
    let graph = Graph::new(Arc::new(Store::new(Disk)), resolve, base.clone(), base.clone());
    // On a pool for the sake of its stacks.
    let traced = in_parallel(Some(1), || trace(&graph, &entries, &options))?;
    let diagnostics: Vec<_> = traced.diagnostics.iter().collect();
    if args.json {
        print_json(&json::trace(&traced, &base))?;
    } else {
        people.diagnostics(&diagnostics, &cwd)?;
        let files: Vec<String> = traced.files.keys().map(|file| file.relative_to(&base)).collect();
        if !files.is_empty() {
            print(&files.join("\n"))?;
        }
    }
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Ok(if failed { FAILURE } else { SUCCESS })
}
