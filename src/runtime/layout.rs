//! Where files stand in the archive of a JavaScript function. In: the files, the main file and, for
//! version 2, the bootstrap. Out: entries below the files' common directory, with an entry file that
//! the platform finds (spec: functions.md section 5). Never decides what ships.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::bootstrap::{BOOTSTRAP_FILE, Bootstrap, ENTRY_FILE, METADATA_FILE, SERVER_FILE};
use super::telemetry::{TELEMETRY_FILE, telemetry};
use crate::diagnostic::{Code, Diagnostic};
use crate::fs::FileKind;
use crate::function::{Function, InvocationMode};
use crate::js::graph::{Graph, says_module};
use crate::path::{AbsPath, ArchivePath, InvalidArchivePath, as_url, common_directory};
use crate::plan::{Content, Entries, ModuleFormat};
use crate::settings::{Format, Settings};
use crate::store::{FileError, Store};

/// The entries of an archive, which of them the platform loads, and what was left out.
pub(super) struct Layout {
    pub(super) entries: Entries,
    pub(super) entry: String,
    /// Where the main file stands.
    pub(super) main: Option<ArchivePath>,
    pub(super) said: Vec<Diagnostic>,
}

/// What ships.
pub(super) struct Files<'a> {
    /// Files and links on the disk.
    pub(super) files: BTreeSet<AbsPath>,
    /// Files that fnzip made, by where they would stand on the disk; of two, these ship.
    pub(super) made: BTreeMap<AbsPath, Arc<[u8]>>,
    /// What places are relative to, if not the common directory of all.
    pub(super) root: Option<AbsPath>,
    /// Packages that stand elsewhere, and are linked from where Node looks for them.
    pub(super) mounts: &'a BTreeMap<String, AbsPath>,
}

/// User files move here when one of them would take the entry file's place.
const MOVED: &str = "src";

/// Puts the files below their common directory, with an entry file unless the main file is one.
///
/// # Errors
/// A file that no archive can hold, or whose name is reserved.
pub(super) fn lay_out(
    function: &Function,
    main: &AbsPath,
    format: ModuleFormat,
    files: &Files<'_>,
    bootstrap: Option<&Bootstrap>,
    settings: &Settings,
    graph: &Graph,
) -> Result<Layout, Diagnostic> {
    let mounts = files.mounts;
    let root = files.root.clone().or_else(|| common_directory(files.paths()));
    let root = root.unwrap_or_else(|| function.src_dir.clone());
    let site = [&root, &settings.repository_root].map(|from| place(from, &settings.base).ok());
    let mut layout = Layout { entries: Entries::default(), entry: String::new(), main: None, said: Vec::new() };
    match bootstrap {
        Some(bootstrap) => {
            layout.add_files(files, (&root, &site), |at| at, graph.store())?;
            layout.add_mounts(mounts, &root, |at| at)?;
            let main = place(&root, main)?;
            layout.add_version_2_entry(function, &main, format, bootstrap, settings)?;
            layout.main = Some(main);
        }
        None => {
            let moved = is_in_the_way(function, main, files, &root)?;
            let final_place = |at: ArchivePath| if moved { at.under(MOVED) } else { at };
            layout.add_files(files, (&root, &site), final_place, graph.store())?;
            layout.add_mounts(mounts, &root, final_place)?;
            let main = place(&root, main)?;
            layout.main = Some(final_place(main.clone()));
            if entry_names(function).contains(&main.as_str().to_owned()) && !moved {
                main.as_str().clone_into(&mut layout.entry);
            } else {
                let is_module = !moved && root_is_module(&root, &files.files, graph);
                layout.add_version_1_entry(function, &final_place(main), format, is_module)?;
            }
        }
    }
    if settings.telemetry {
        layout.add_text(TELEMETRY_FILE, telemetry(function, settings, graph.store())?)?;
    }
    Ok(layout)
}

/// A source map whose sources have their names in the site: whoever reads it where it lies, at `at`, is told where they are.
/// That is where the site stands in the archive; or, if it does not and there are sources outside of it, in the repository.
fn rooted(map: &Arc<[u8]>, at: &ArchivePath, [archived, whole]: &[Option<ArchivePath>; 2]) -> Arc<[u8]> {
    #[derive(Deserialize)]
    struct Named {
        sources: Vec<String>,
    }
    let is_outside = |name: &String| name.starts_with("../");
    let leads_out = || serde_json::from_slice::<Named>(map).is_ok_and(|it| it.sources.iter().any(is_outside));
    let site = archived.as_ref().or_else(|| whole.as_ref().filter(|_| leads_out()));
    let up = "../".repeat(at.as_str().matches('/').count());
    let down = site.map(|site| format!("{site}/")).unwrap_or_default();
    let text = std::str::from_utf8(map).ok().filter(|_| !up.is_empty() || !down.is_empty());
    match text.and_then(|text| text.split_once("\"version\":3,")) {
        Some((before, after)) => {
            let root = serde_json::Value::from(up + &down);
            format!("{before}\"version\":3,\"sourceRoot\":{root},{after}").into_bytes().into()
        }
        None => map.clone(),
    }
}

impl Files<'_> {
    fn paths(&self) -> impl Iterator<Item = &AbsPath> {
        self.files.iter().chain(self.made.keys())
    }
}

impl Layout {
    fn add_files(
        &mut self,
        files: &Files<'_>,
        (root, site): (&AbsPath, &[Option<ArchivePath>; 2]),
        final_place: impl Fn(ArchivePath) -> ArchivePath,
        store: &Store,
    ) -> Result<(), Diagnostic> {
        for (path, text) in &files.made {
            let at = final_place(place(root, path)?);
            let text = if path.extension() == "map" { rooted(text, &at, site) } else { text.clone() };
            self.entries.add(at, Content::Bytes(text), false);
        }
        for path in files.files.iter().filter(|path| !files.made.contains_key(*path)) {
            let unreadable = |error: FileError| Diagnostic::error(Code::LinkLoop, error.reason()).at(path);
            let at = final_place(place(root, path)?);
            let target = store.real(path).map_err(unreadable)?.path;
            let metadata = store.lstat(&target).map_err(unreadable)?;
            if target != *path && target.starts_with(root) {
                let from = path.parent().unwrap_or_else(|| root.clone());
                self.entries.add(at, Content::Link(target.relative_to(&from)), false);
            } else if metadata.kind == FileKind::File {
                // A link that leaves the archive is followed instead.
                self.entries.add(at, Content::File(path.clone()), metadata.executable);
            } else {
                let message = "left out: a link to a directory that is not shipped";
                self.said.push(Diagnostic::warning(Code::OutsideBase, message).at(path));
            }
        }
        Ok(())
    }

    /// Every file is below the root, and Node looks there last.
    fn add_mounts(
        &mut self,
        mounts: &BTreeMap<String, AbsPath>,
        root: &AbsPath,
        final_place: impl Fn(ArchivePath) -> ArchivePath,
    ) -> Result<(), Diagnostic> {
        for (name, package) in mounts {
            let link = root.child("node_modules").join(name);
            let from = link.parent().unwrap_or_else(|| root.clone());
            self.entries.add(final_place(place(root, &link)?), Content::Link(package.relative_to(&from)), false);
        }
        Ok(())
    }

    /// `<name>.js`, which hands on the main file's exports.
    fn add_version_1_entry(
        &mut self,
        function: &Function,
        main: &ArchivePath,
        format: ModuleFormat,
        root_is_module: bool,
    ) -> Result<(), Diagnostic> {
        let name = function.name.as_str();
        let (entry, text) = match format {
            ModuleFormat::Esm => (format!("{name}.mjs"), format!("export {{ handler }} from {}\n", url(main))),
            ModuleFormat::Cjs => {
                let extension = if root_is_module || function.flags.cjs_extension { "cjs" } else { "js" };
                (format!("{name}.{extension}"), format!("module.exports = require({})\n", quoted(main.as_str())))
            }
        };
        self.add_text(&entry, text)?;
        self.entry = entry;
        Ok(())
    }

    /// The platform's entry point, which nobody else may be called like; the bootstrap; its metadata,
    /// which only archives have.
    fn add_version_2_entry(
        &mut self,
        function: &Function,
        main: &ArchivePath,
        format: ModuleFormat,
        bootstrap: &Bootstrap,
        settings: &Settings,
    ) -> Result<(), Diagnostic> {
        ENTRY_FILE.clone_into(&mut self.entry);
        if settings.server {
            self.add_text(SERVER_FILE, "{}".to_owned())?;
            return self.add_text(ENTRY_FILE, format!("export * as func from {}\n", url(main)));
        }
        let background = function.invocation_mode() == Some(InvocationMode::Background);
        self.add_text(ENTRY_FILE, bootstrap.entry(&url(main), format, background))?;
        let at = ArchivePath::new(BOOTSTRAP_FILE).map_err(invalid)?;
        self.entries.add(at, bootstrap.content.clone(), false);
        if settings.format != Format::None {
            self.add_text(METADATA_FILE, bootstrap.metadata(settings.branch.as_deref()))?;
        }
        Ok(())
    }

    fn add_text(&mut self, name: &str, text: String) -> Result<(), Diagnostic> {
        let at = ArchivePath::new(name).map_err(invalid)?;
        self.entries.add(at, Content::Bytes(text.into_bytes().into()), false);
        Ok(())
    }
}

fn invalid(error: InvalidArchivePath) -> Diagnostic {
    Diagnostic::error(Code::BadArchive, error.to_string())
}

fn place(root: &AbsPath, path: &AbsPath) -> Result<ArchivePath, Diagnostic> {
    let at = ArchivePath::below(root, path).map_err(|error| invalid(error).at(path))?;
    let entry = ENTRY_FILE.trim_end_matches(".mjs");
    let mut at_the_root = [BOOTSTRAP_FILE, METADATA_FILE, SERVER_FILE, TELEMETRY_FILE].into_iter();
    let taken = at_the_root.find(|name| at.as_str() == *name).or(at.as_str().contains(entry).then_some(entry));
    if let Some(reserved) = taken {
        let message = format!("`{reserved}` is reserved: no file or directory may be called so");
        return Err(Diagnostic::error(Code::FunctionName, message).at(path));
    }
    Ok(at)
}

/// What Lambda tries for the handler `<name>.handler`, in its order.
fn entry_names(function: &Function) -> [String; 4] {
    ["", ".js", ".mjs", ".cjs"].map(|extension| format!("{}{extension}", function.name))
}

/// Would a file be taken for the entry file?
fn is_in_the_way(function: &Function, main: &AbsPath, files: &Files<'_>, root: &AbsPath) -> Result<bool, Diagnostic> {
    let names = entry_names(function);
    let is_entry = |at: &ArchivePath| names.iter().any(|name| name == at.as_str());
    let found_first = place(root, main)?.as_str() == names[1];
    let others = files.paths().filter(|path| *path != main).map(|path| place(root, path));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    Ok(!found_first && others.iter().any(is_entry))
}

/// Would Node take a `.js` file at the archive's root for an ES module?
fn root_is_module(root: &AbsPath, files: &BTreeSet<AbsPath>, graph: &Graph) -> bool {
    let package = root.child("package.json");
    files.contains(&package) && says_module(&graph.package(&package))
}

/// A path in the archive as a string literal of JavaScript.
fn quoted(path: &str) -> String {
    format!("'./{}'", path.replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r"))
}

/// The same for `import`, which takes URLs.
fn url(path: &ArchivePath) -> String {
    quoted(&as_url(path.as_str()))
}
