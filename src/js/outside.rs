//! Packages that stay outside a bundle. In: a trace and what the function is told. Out: their roots. What
//! looks for files of its own, or loads a native addon, must stay where it is, and so must what such a
//! package needs: it would be there twice (spec: functions.md section 4).

use std::collections::{BTreeMap, BTreeSet};

use super::assets::package_root;
use super::graph::Graph;
use super::package::package_at;
use super::scan::{Form, Request};
use super::trace::Trace;
use crate::function::FunctionConfig;
use crate::path::AbsPath;

/// Never bundled, whoever asks for it.
const ALWAYS: [&str; 2] = ["@prisma/client", ".prisma"];

/// Never bundled where there is Next.js.
const WITH_NEXT: [&str; 2] = ["critters", "nanoid"];

/// The roots of the packages of a trace that are not bundled.
pub fn outside(graph: &Graph, traced: &Trace, main: &AbsPath, config: &FunctionConfig) -> BTreeSet<AbsPath> {
    let has_next = graph.targets_of(main, &Request::plain("next/package.json", Form::Require)).is_ok();
    let is_named = |name: &str| {
        config.external_node_modules.iter().flatten().any(|external| external == name)
            || ALWAYS.contains(&name)
            || has_next && WITH_NEXT.contains(&name)
    };
    let mut found: BTreeSet<AbsPath> = BTreeSet::new();
    for path in traced.files.keys() {
        let Some(root) = package_root(path).filter(|root| !found.contains(root)) else { continue };
        let name = path.to_str().and_then(package_at).unwrap_or_default();
        if is_named(name) || path.extension() == "node" || asks_for_files(graph, path) || is_native(graph, &root) {
            found.insert(root);
        }
    }
    let mut ahead: Vec<AbsPath> = found.iter().cloned().collect();
    while let Some(root) = ahead.pop() {
        for path in traced.files.keys().filter(|path| package_root(path).as_ref() == Some(&root)) {
            let targets = graph
                .module(path)
                .edges
                .iter()
                .filter_map(|edge| edge.outcome.as_ref().ok())
                .cloned()
                .collect::<Vec<_>>();
            for next in targets.iter().filter_map(|targets| package_root(&targets.modules.first()?.path)) {
                if found.insert(next.clone()) {
                    ahead.push(next);
                }
            }
        }
    }
    found
}

/// Which of these packages have native addons: by name, their directories and versions.
pub fn native_packages(graph: &Graph, roots: &BTreeSet<AbsPath>) -> BTreeMap<String, BTreeMap<AbsPath, String>> {
    let mut found: BTreeMap<String, BTreeMap<AbsPath, String>> = BTreeMap::new();
    for root in roots.iter().filter(|root| is_native(graph, root)) {
        let package = graph.package(&root.child("package.json"));
        let Ok(package) = package.as_ref() else { continue };
        let name =
            root.to_str().and_then(|root| root.rsplit_once("/node_modules/")).map_or(root.name(), |(_, name)| name);
        let version = package.version.clone().unwrap_or_default();
        found.entry(name.to_owned()).or_default().insert(root.clone(), version);
    }
    found
}

fn asks_for_files(graph: &Graph, path: &AbsPath) -> bool {
    let module = graph.module(path);
    !module.named.is_empty() || !module.missing_addons.is_empty()
}

fn is_native(graph: &Graph, root: &AbsPath) -> bool {
    let says_so = || {
        let package = graph.package(&root.child("package.json"));
        package.as_ref().as_ref().is_ok_and(|package| package.is_native)
    };
    graph.store().is_file(&root.child("binding.gyp")) || says_so()
}
