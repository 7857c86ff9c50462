//! JavaScript functions. In: a function and the graph of modules. Out: a plan in which its files stand
//! under their real relative paths, with an entry file that the platform finds (spec: functions.md
//! sections 4 and 5).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bootstrap::{self, Bootstrap};
use super::layout::{Files, lay_out};
use super::modules::modules;
use super::way::input_format;
use super::{development, handler, included};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Bundler, Function};
use crate::js::binary::{Misfit, is_binary};
use crate::js::graph::Graph;
use crate::js::trace::{Trace, TraceOptions};
use crate::path::{AbsPath, case_clashes};
use crate::plan::{BuildFacts, Output, Plan};
use crate::settings::{Format, Settings};
use crate::store::{Real, Store};

/// Plans a JavaScript function.
pub(super) fn plan(function: &Function, graph: &Arc<Graph>, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let store = graph.store();
    let main = store.real(&function.main_file).map_err(|error| {
        vec![Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason())).at(&function.main_file)]
    })?;
    let main = main.path;
    let module = graph.module(&main);
    let input_format = input_format(&main, &module);
    let mut diagnostics: Vec<Diagnostic> = handler::of_other_format(&main, graph).into_iter().collect();
    diagnostics.extend(handler::missing(&main, input_format, graph));
    let mut modules = match modules(function, &main, graph, settings) {
        Ok(modules) => modules,
        Err(errors) => {
            diagnostics.extend(errors);
            return Err(diagnostics);
        }
    };
    let [bundler_warnings, bundler_errors] = std::mem::take(&mut modules.bundler_said);
    let own = modules.loaded_as_modules.iter().filter(|path| **path != main && !path.in_node_modules());
    diagnostics.extend(own.filter_map(|path| handler::of_other_format(path, graph)));
    diagnostics.append(&mut modules.said);
    diagnostics.append(&mut modules.traced.diagnostics);
    diagnostics.extend(out_of_the_checkout(&modules.traced, settings));

    let (included, said) = included::configured(function, settings, store);
    diagnostics.extend(said);
    modules.traced.files.retain(|path, _| *path == main || !included.excludes(path));
    diagnostics.extend(development::shipped(&main, &modules.traced, graph, settings));
    let ships = |path: &&AbsPath| !modules.replaced.contains(*path);
    let mut files: BTreeSet<AbsPath> = modules.traced.files.keys().filter(ships).cloned().collect();
    let mut named = included.files.clone();
    if is_generous(function) {
        match included::own_tree(function, store) {
            Ok(tree) => named.extend(tree.into_iter().filter(|path| !included.excludes(path))),
            Err(error) => diagnostics.push(Diagnostic::error(Code::Unreadable, error.to_string())),
        }
    }
    for path in &named {
        match store.real(path) {
            Ok(real) if real.path.starts_with(&settings.repository_root) => files.extend(as_they_stand(&real, store)),
            Ok(_) => {
                let message = "left out: it is, or leads, outside the repository";
                diagnostics.push(Diagnostic::warning(Code::OutsideBase, message).at(path));
            }
            Err(error) => {
                let message = format!("left out: {}", error.reason());
                diagnostics.push(Diagnostic::note(Code::LinkLoop, message).at(path));
            }
        }
    }
    diagnostics.extend(included.files.iter().filter_map(|path| kept_by_hand(path, graph)));
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let inputs = files.iter().chain(modules.traced.files.keys()).chain(&modules.inlined);
    let inputs: BTreeSet<AbsPath> = inputs.cloned().collect();
    let files = Files { files, made: modules.made, root: modules.root, mounts: &modules.traced.mounts };
    let bootstrap = (function.api_version == Some(2)).then(|| bootstrap::find(settings, store));
    let archive = match lay_out(function, &modules.main, modules.format, &files, bootstrap.as_ref(), settings, graph) {
        Ok(archive) => archive,
        Err(error) => {
            diagnostics.push(error);
            return Err(diagnostics);
        }
    };
    diagnostics.extend(bootstrap.as_ref().filter(|_| !settings.server).and_then(Bootstrap::warning));
    let entries = archive.entries.into_sorted();
    diagnostics.extend(archive.said);
    diagnostics.extend(case_clashes(entries.iter().map(|entry| entry.path.as_str())).into_iter().map(|(one, two)| {
        let message = format!("the archive's `{one}` and `{two}` differ only by case: some disks cannot hold both");
        Diagnostic::warning(Code::CaseClash, message)
    }));
    Ok(Plan {
        facts: BuildFacts {
            bundler: Some(modules.bundler),
            // Directories are for whoever serves them with a bootstrap of his own.
            bootstrap_version: bootstrap
                .and_then(|bootstrap| bootstrap.version)
                .filter(|_| settings.format != Format::None && !settings.server),
            entry_filename: Some(archive.entry),
            inputs: inputs.into_iter().collect(),
            included_files: included.files,
            bundle: archive.main.filter(|_| !modules.bundled.is_empty()),
            bundled: modules.bundled,
            bundled_packages: modules.bundled_packages,
            native_modules: modules.native,
            bundler_warnings,
            bundler_errors,
            input_format: Some(input_format),
            output_format: Some(modules.format),
        },
        output: Output::Archive(entries),
        diagnostics,
    })
}

/// A named file by its real path, with the links that lead to it: no entry may stand below a link.
/// A link to a directory is taken, and not what is in it.
fn as_they_stand(real: &Real, store: &Store) -> Vec<AbsPath> {
    let links = real.links.iter().cloned();
    if store.is_dir(&real.path) { links.collect() } else { links.chain([real.path.clone()]).collect() }
}

/// How the modules of a function are followed.
pub(super) fn trace_options(function: &Function, settings: &Settings) -> TraceOptions {
    let bundler = function.config.node_bundler;
    TraceOptions {
        runtime: (!settings.bundle_aws_sdk).then_some(function.node.major),
        ignored_packages: function.config.ignored_node_modules.iter().flatten().cloned().collect(),
        depth: (bundler == Some(Bundler::None)).then_some(0),
        whole_packages: settings.analysis && is_generous(function),
        analysis: settings.analysis,
        allow_foreign: settings.allow_foreign,
        strict_own_code: is_generous(function),
        ..TraceOptions::all(settings.repository_root.clone())
    }
}

/// Version 1 with the bundler unset or `zisi`: the peer's first way, which ships more than a trace
/// finds. Sites rely on the rest of the function's directory, and on packages that ship whole.
fn is_generous(function: &Function) -> bool {
    let is_wanted = match function.config.node_bundler {
        None => !function.flags.traced,
        Some(bundler) => bundler == Bundler::Zisi,
    };
    function.api_version != Some(2) && is_wanted
}

/// A native binary for another machine ships if it is named: somebody may have a use for it.
fn kept_by_hand(path: &AbsPath, graph: &Graph) -> Option<Diagnostic> {
    let binary = is_binary(path).then(|| graph.binary(path)).flatten()?;
    let Misfit::Foreign(why) = binary.misfit(graph.target())? else { return None };
    let message = format!("{why}: kept, because `included_files` names it");
    Some(Diagnostic::note(Code::Addon, message).at(path))
}

/// What comes from outside the checkout ships, because the function needs it, but the archive then
/// says where the checkout was.
fn out_of_the_checkout(traced: &Trace, settings: &Settings) -> Option<Diagnostic> {
    let first = traced.files.keys().find(|path| !path.starts_with(&settings.repository_root))?;
    let message = "needed, but outside the repository: the archive depends on where the checkout is";
    let hint = "install it in the repository, or name the top of the checkout with --repository-root";
    Some(Diagnostic::warning(Code::OutsideBase, message).at(first).hint(hint))
}
