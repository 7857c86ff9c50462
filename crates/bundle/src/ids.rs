//! The names that modules have inside rolldown, and back to their paths.
//!
//! rolldown reads two things off a module's name: how it is to be parsed and imported (`.cjs`, `.mjs`, other), and what
//! to call its variables. A path says neither reliably (`index.js` may be anything), and it differs from machine to
//! machine. So a module is called by its path relative to the working directory, below a root that does not exist,
//! below a folder for its true extension, and with the extension that says what the host said.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::{Content, Dialect};

/// The working directory as rolldown knows it.
pub(crate) const ROOT: &str = "/-";

/// Both directions, for one bundle.
#[derive(Debug)]
pub(crate) struct Ids {
    working_directory: PathBuf,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<String, PathBuf>,
    by_path: HashMap<PathBuf, String>,
    sources: HashMap<String, String>,
}

impl Ids {
    pub(crate) fn new(working_directory: &Path) -> Self {
        Self { working_directory: working_directory.to_owned(), table: Mutex::default() }
    }

    /// The name of a file that has one.
    pub(crate) fn known(&self, path: &Path) -> Option<String> {
        self.table().by_path.get(path).cloned()
    }

    /// Names a file.
    pub(crate) fn name(&self, path: &Path, content: &Content) -> String {
        let extension = path.extension().map_or("none".into(), |it| it.to_string_lossy().into_owned());
        let seen_as = match content {
            Content::JavaScript { dialect: Dialect::CommonJs, .. } => "cjs",
            Content::JavaScript { dialect: Dialect::NodeEsm, .. } | Content::Wasm(_) | Content::Bytes(_) => "mjs",
            Content::JavaScript { dialect: Dialect::CompiledEsm, .. } => "js",
            Content::Json(_) => "json",
            Content::Text(_) => "txt",
        };
        let relative = self.relative(path).replace("../", "_/");
        let stem = relative.strip_suffix(&format!(".{extension}")).unwrap_or(&relative);
        let mut table = self.table();
        let stem = if matches!(seen_as, "cjs" | "json") { wrapped(stem) } else { stem.to_owned() };
        let mut id = format!("{ROOT}/{extension}/{stem}.{seen_as}");
        // Only a folder that is called `_` above the working directory could bring two paths together.
        while table.by_id.contains_key(&id) {
            id = format!("{ROOT}/{extension}/_{}", id.trim_start_matches(&format!("{ROOT}/{extension}/")));
        }
        table.by_id.insert(id.clone(), path.to_owned());
        table.by_path.insert(path.to_owned(), id.clone());
        id
    }

    /// The file of a name, given whole or relative to the root.
    pub(crate) fn path(&self, id: &str) -> Option<PathBuf> {
        let table = self.table();
        table.by_id.get(id).or_else(|| table.by_id.get(&format!("{ROOT}/{id}"))).cloned()
    }

    /// Names a source of a source map, which is a path or a URL as the output is to show it.
    pub(crate) fn name_source(&self, shown: &str) -> String {
        let mut table = self.table();
        let id = format!("{ROOT}/@/{}", shown.replace(['/', ':'], "_"));
        let count = (0..).map(|count| format!("{id}{count}"));
        let free = |id: &String| table.sources.get(id).is_none_or(|it| it == shown);
        let id = count.into_iter().find(free).unwrap_or(id);
        table.sources.insert(id.clone(), shown.to_owned());
        id
    }

    /// What to show for a source of rolldown's source map.
    pub(crate) fn source(&self, source: &str) -> Option<String> {
        let id = format!("{ROOT}/{source}");
        let shown = self.table().sources.get(&id).cloned();
        shown.or_else(|| self.path(&id).map(|path| self.relative(&path)))
    }

    /// A path as outputs name it: relative to the working directory, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let (from, to) = (parts(&self.working_directory), parts(path));
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = from.iter().skip(shared).map(|_| "..".to_owned());
        up.chain(to.iter().skip(shared).cloned()).collect::<Vec<_>>().join("/")
    }

    /// A sentence in which names of modules are replaced by relative paths.
    pub(crate) fn reword(&self, message: &str) -> String {
        let table = self.table();
        let mut names: Vec<_> = table.by_id.iter().collect();
        // The longest first, because a name may begin another.
        names.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let prefix = format!("{ROOT}/");
        names.into_iter().fold(message.to_owned(), |message, (id, path)| {
            let relative = self.relative(path);
            let message = message.replace(id, &relative);
            id.strip_prefix(&prefix).map_or(message.clone(), |short| message.replace(short, &relative))
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stem of a module that gets a function around it, which is called `require_` and the last part of the stem, or the
/// part before `index`.
///
/// Code that rolldown has bundled before has variables called like that, with its own numbers behind them, and it takes
/// its own for those. So ours end in `_`.
fn wrapped(stem: &str) -> String {
    match stem.rsplit_once('/') {
        Some((folder, last @ ("index" | "mod"))) => format!("{folder}_/{last}"),
        _ => format!("{stem}_"),
    }
}

fn parts(path: &Path) -> Vec<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir => {
                parts.pop();
            }
            Component::Prefix(prefix) => parts.push(prefix.as_os_str().to_string_lossy().into_owned()),
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
        }
    }
    parts
}
