//! JavaScript functions. In: a function and the graph of modules. Out: a plan in which the traced
//! files stand under their real relative paths, with an entry file that the platform finds (spec:
//! functions.md sections 4 and 5).

use std::collections::BTreeSet;

use super::included;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fs::FileKind;
use crate::function::{Bundler, Function, NodeVersion};
use crate::js::graph::{Graph, Module, says_module};
use crate::js::parse::is_typescript;
use crate::js::trace::{Trace, TraceOptions, trace};
use crate::path::{AbsPath, ArchivePath, case_clashes, common_directory};
use crate::plan::{BuildFacts, Content, Entries, ModuleFormat, Output, Plan};
use crate::settings::Settings;
use crate::store::{FileError, Real, Store};

/// Plans a JavaScript function.
pub(super) fn plan(function: &Function, graph: &Graph, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let store = graph.store();
    let main = store.real(&function.main_file).map_err(|error| {
        vec![Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason())).at(&function.main_file)]
    })?;
    let module = graph.module(&main.path);
    let format = module_format(&main.path, &module);
    let mut diagnostics = unsupported(function, &module, &main.path, format);
    let mut traced = trace(graph, std::slice::from_ref(&function.main_file), &trace_options(function, settings));
    diagnostics.append(&mut traced.diagnostics);
    diagnostics.extend(untranspiled(&traced, &main.path, settings));
    diagnostics.extend(out_of_the_checkout(&traced, settings));

    let (included, said) = included::configured(function, settings, store);
    diagnostics.extend(said);
    traced.files.retain(|path, _| *path == main.path || !included.excludes(path));
    let mut files: BTreeSet<AbsPath> = traced.files.keys().cloned().collect();
    let mut named = included.files.clone();
    if function.config.node_bundler.is_none_or(|bundler| bundler == Bundler::Zisi) {
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
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let archive = lay_out(function, &main.path, format, &files, graph).map_err(|error| {
        let mut all = std::mem::take(&mut diagnostics);
        all.push(error);
        all
    })?;
    let entries = archive.entries.into_sorted();
    diagnostics.extend(archive.said);
    diagnostics.extend(case_clashes(entries.iter().map(|entry| entry.path.as_str())).into_iter().map(|(one, two)| {
        let message = format!("the archive's `{one}` and `{two}` differ only by case: some disks cannot hold both");
        Diagnostic::warning(Code::CaseClash, message)
    }));
    Ok(Plan {
        facts: BuildFacts {
            bundler: Some(bundler(function, format)),
            entry_filename: Some(archive.entry),
            inputs: files.into_iter().collect(),
            included_files: included.files,
            input_format: Some(format),
            output_format: Some(format),
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

/// ESM_FILE_FORMAT: the extension, else the package's `type`, else the syntax.
fn module_format(path: &AbsPath, module: &Module) -> ModuleFormat {
    match path.extension() {
        "mjs" | "mts" => ModuleFormat::Esm,
        "cjs" | "cts" => ModuleFormat::Cjs,
        _ if module.is_called_module() || module.analysis.is_esm => ModuleFormat::Esm,
        _ => ModuleFormat::Cjs,
    }
}

/// The name of the way the function is packaged, as the peer would call it.
fn bundler(function: &Function, format: ModuleFormat) -> Bundler {
    match function.config.node_bundler {
        Some(Bundler::None) => Bundler::None,
        Some(Bundler::Zisi) => Bundler::Zisi,
        Some(_) => Bundler::Nft,
        None if format == ModuleFormat::Esm => Bundler::Nft,
        None => Bundler::Zisi,
    }
}

/// How the modules of a function are followed.
pub(super) fn trace_options(function: &Function, settings: &Settings) -> TraceOptions {
    let bundler = function.config.node_bundler;
    TraceOptions {
        runtime: (!settings.bundle_aws_sdk).then_some(function.node.major),
        ignored_packages: function.config.ignored_node_modules.iter().flatten().cloned().collect(),
        depth: (bundler == Some(Bundler::None)).then_some(0),
        strict_own_code: bundler.is_none_or(|bundler| bundler == Bundler::Zisi),
        ..TraceOptions::all(settings.repository_root.clone())
    }
}

/// What this version cannot package yet, said before anything is shipped that would not run.
fn unsupported(function: &Function, module: &Module, main: &AbsPath, format: ModuleFormat) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    if module.failure.is_none() && module.analysis.api_version() == 2 {
        let message = "functions with a default export (version 2 of the API) are not supported yet";
        said.push(
            Diagnostic::error(Code::NotSupported, message).at(main).hint("export a `handler` (version 1 of the API)"),
        );
    }
    let told_by_syntax = format == ModuleFormat::Esm && main.extension() == "js" && !module.is_called_module();
    if told_by_syntax && function.node < NodeVersion::DETECTS_MODULES {
        let message = format!(
            "an ES module that neither its name nor its package.json calls one: not every Node {} recognises it",
            function.node.major
        );
        let hint = "name it `.mjs`, set `\"type\": \"module\"` in its package.json, or build for Node 24";
        said.push(Diagnostic::warning(Code::ModuleFormat, message).at(main).hint(hint));
    }
    said
}

/// TypeScript and JSX among the traced files: they would ship as they are, and not load.
fn untranspiled(traced: &Trace, main: &AbsPath, settings: &Settings) -> Option<Diagnostic> {
    let needs = |path: &&AbsPath| is_typescript(path.extension()) || path.extension() == "jsx";
    let first = traced.files.keys().filter(|path| !path.in_node_modules()).find(needs)?;
    let message = "TypeScript and JSX are not supported yet";
    let mut diagnostic =
        Diagnostic::error(Code::NotSupported, message).at(first).hint("compile it to JavaScript first");
    if first != main {
        diagnostic.chain =
            vec![main.relative_to(&settings.repository_root), first.relative_to(&settings.repository_root)];
    }
    Some(diagnostic)
}

/// What comes from outside the checkout ships, because the function needs it, but the archive then
/// says where the checkout was.
fn out_of_the_checkout(traced: &Trace, settings: &Settings) -> Option<Diagnostic> {
    let first = traced.files.keys().find(|path| !path.starts_with(&settings.repository_root))?;
    let message = "needed, but outside the repository: the archive depends on where the checkout is";
    let hint = "install it in the repository, or name the top of the checkout with --repository-root";
    Some(Diagnostic::warning(Code::OutsideBase, message).at(first).hint(hint))
}

/// The entries of an archive, which of them the platform loads, and what was left out.
struct Layout {
    entries: Entries,
    entry: String,
    said: Vec<Diagnostic>,
}

/// User files move here when one of them would take the entry file's place.
const MOVED: &str = "src";

/// Puts the files below their common directory, with an entry file unless the main file is one.
fn lay_out(
    function: &Function,
    main: &AbsPath,
    format: ModuleFormat,
    files: &BTreeSet<AbsPath>,
    graph: &Graph,
) -> Result<Layout, Diagnostic> {
    let store = graph.store();
    let invalid = |path: &AbsPath| {
        let path = path.clone();
        move |error: crate::path::InvalidArchivePath| Diagnostic::error(Code::BadArchive, error.to_string()).at(&path)
    };
    let root = common_directory(files).unwrap_or_else(|| function.src_dir.clone());
    let place = |path: &AbsPath| ArchivePath::below(&root, path).map_err(invalid(path));
    let name = function.name.as_str();
    // What Lambda tries for the handler `<name>.handler`, in its order.
    let candidates = ["", ".js", ".mjs", ".cjs"].map(|extension| format!("{name}{extension}"));
    let main_place = place(main)?;
    let is_entry = candidates.iter().any(|candidate| candidate == main_place.as_str());
    let others = files.iter().filter(|path| *path != main).map(place).collect::<Result<Vec<_>, _>>()?;
    let conflict = others.iter().any(|path| candidates.iter().any(|candidate| candidate == path.as_str()));
    let found_first = main_place.as_str() == format!("{name}.js");
    let moved = conflict && !found_first;
    let final_place = |path: ArchivePath| if moved { path.under(MOVED) } else { path };

    let mut entries = Entries::default();
    let mut said = Vec::new();
    for path in files {
        let unreadable = |error: FileError| Diagnostic::error(Code::LinkLoop, error.reason()).at(path);
        let at = final_place(place(path)?);
        let target = store.real(path).map_err(unreadable)?.path;
        let metadata = store.lstat(&target).map_err(unreadable)?;
        if target != *path && target.starts_with(&root) {
            let from = path.parent().unwrap_or_else(|| root.clone());
            entries.add(at, Content::Link(target.relative_to(&from)), false);
        } else if metadata.kind == FileKind::File {
            // A link that leaves the archive is followed instead.
            entries.add(at, Content::File(path.clone()), metadata.executable);
        } else {
            let message = "left out: a link to a directory that is not shipped";
            said.push(Diagnostic::warning(Code::OutsideBase, message).at(path));
        }
    }
    if is_entry && !moved {
        return Ok(Layout { entries, entry: main_place.as_str().to_owned(), said });
    }
    let main_place = final_place(main_place);
    let (entry, text) = match format {
        ModuleFormat::Esm => {
            // An ES module is asked for by URL.
            let url = main_place.as_str().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
            (format!("{name}.mjs"), format!("export {{ handler }} from {}\n", quoted(&url)))
        }
        ModuleFormat::Cjs => {
            let extension = if root_is_module(&root, moved, files, graph) { "cjs" } else { "js" };
            (format!("{name}.{extension}"), format!("module.exports = require({})\n", quoted(main_place.as_str())))
        }
    };
    let at = ArchivePath::new(&entry).map_err(invalid(main))?;
    entries.add(at, Content::Bytes(text.into_bytes().into()), false);
    Ok(Layout { entries, entry, said })
}

/// A path in the archive as a string literal of JavaScript.
fn quoted(path: &str) -> String {
    format!("'./{}'", path.replace('\'', "\\'"))
}

/// Would Node take a `.js` file at the archive's root for an ES module?
fn root_is_module(root: &AbsPath, moved: bool, files: &BTreeSet<AbsPath>, graph: &Graph) -> bool {
    let package = root.child("package.json");
    !moved && files.contains(&package) && says_module(&graph.package(&package))
}
