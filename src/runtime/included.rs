//! Files that a function ships because somebody says so. In: `included_files` globs, or a function's
//! own directory. Out: the files. Never reads their contents.

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::function::Function;
use crate::glob::GlobList;
use crate::js::parse::is_typescript;
use crate::path::AbsPath;
use crate::settings::Settings;
use crate::store::{FileError, Store};

/// The files that globs name, and the globs themselves, which also say what to leave out.
#[derive(Debug, Default)]
pub(super) struct Included {
    /// By path, links as they are.
    pub(super) files: Vec<AbsPath>,
    globs: GlobList,
    base: Option<AbsPath>,
}

impl Included {
    /// Does a `!` pattern take this file out, whoever brought it in?
    pub(super) fn excludes(&self, path: &AbsPath) -> bool {
        self.base.as_ref().is_some_and(|base| self.globs.decide(&path.relative_to(base)) == Some(false))
    }
}

/// What `included_files` names. A pattern that matches nothing is a warning.
pub(super) fn configured(function: &Function, settings: &Settings, store: &Store) -> (Included, Vec<Diagnostic>) {
    let Some(patterns) = &function.config.included_files else { return Default::default() };
    let base = function
        .config
        .included_files_base_path
        .as_ref()
        .map_or_else(|| settings.base.clone(), |path| settings.base.join(path));
    let globs = match GlobList::new(patterns) {
        Ok(globs) => globs,
        Err(error) => {
            return (
                Included::default(),
                vec![
                    Diagnostic::error(Code::IncludedFiles, format!("`included_files`: {error}"))
                        .said_at(function.told.place("includedFiles")),
                ],
            );
        }
    };
    let mut found: Vec<AbsPath> = Vec::new();
    let mut diagnostics = Vec::new();
    for (pattern, fits) in globs.positives() {
        // Only below the part of the pattern that names directories for certain.
        let fixed = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).collect::<Vec<_>>();
        let start = base.join(fixed.join("/"));
        let files = if store.is_dir(&start) {
            let named = pattern.contains("node_modules");
            // Not what this very run writes, or remembers.
            let cache = settings.cache.as_ref().map(|cache| &cache.directory);
            let enter = |directory: &AbsPath| match directory.name() {
                ".git" => false,
                "node_modules" => named,
                "cache" if directory.ends_with(".netlify/cache") => false,
                _ => *directory != settings.out && Some(directory) != cache,
            };
            store.files_below(&start, &enter)
        } else {
            Ok(if store.lstat(&start).is_ok() { vec![start.clone()] } else { Vec::new() })
        };
        match files {
            Ok(files) => {
                let before = found.len();
                found.extend(files.into_iter().filter(|path| fits(&path.relative_to(&base))));
                if found.len() == before {
                    let why = if start.starts_with(&settings.repository_root) {
                        "matches no file"
                    } else {
                        "leads out of the repository"
                    };
                    let message = format!("`included_files`: `{pattern}` {why}");
                    diagnostics
                        .push(Diagnostic::warning(Code::IncludedFiles, message).said_at(place_of(function, pattern)));
                }
            }
            Err(error) => diagnostics.push(Diagnostic::error(Code::Unreadable, format!("`included_files`: {error}"))),
        }
    }
    found.retain(|path| globs.matches(&path.relative_to(&base)) && *path != settings.manifest);
    found.sort();
    found.dedup();
    (Included { files: found, globs, base: Some(base) }, diagnostics)
}

/// Where a pattern was said.
fn place_of<'f>(function: &'f Function, pattern: &str) -> Option<&'f Place> {
    let said = function.told.get("includedFiles")?;
    let same = |written: &serde_json::Value| written.as_str().is_some_and(|written| written.ends_with(pattern));
    let index = said.value.as_array()?.iter().position(same)?;
    said.places.get(index)
}

/// What else is in the directory of a function that is one: its tree without packages, sources that
/// only a compiler reads, and junk.
///
/// # Errors
/// A directory that cannot be listed.
pub(super) fn own_tree(function: &Function, store: &Store) -> Result<Vec<AbsPath>, FileError> {
    if function.src_path == function.main_file {
        return Ok(Vec::new());
    }
    let enter = |directory: &AbsPath| !matches!(directory.name(), "node_modules" | ".git" | ".netlify");
    let mut files = store.files_below(&function.src_dir, &enter)?;
    files.retain(|path| !is_typescript(path.extension()) && path.extension() != "jsx" && !is_junk(path.name()));
    Ok(files)
}

/// What editors, systems and package managers leave lying about.
fn is_junk(name: &str) -> bool {
    let ends = [".swp", ".swo", "~", ".orig", ".log", ".tsbuildinfo"].iter().any(|end| name.ends_with(end));
    ends || name.starts_with("._")
        || matches!(
            name,
            ".DS_Store"
                | "Thumbs.db"
                | "desktop.ini"
                | ".gitignore"
                | ".npmignore"
                | ".npmrc"
                | ".env"
                | "package-lock.json"
                | "npm-shrinkwrap.json"
                | "yarn.lock"
                | "pnpm-lock.yaml"
                | "tsconfig.json"
        )
        || name.starts_with(".#")
}
