//! What a run knows of the files it reads. In: paths. Out: facts, real paths, directory listings and
//! contents, each asked of the file system at most once however many functions use it. It knows
//! bytes only, never languages or archive formats, and holds a file's bytes no longer than somebody
//! uses them: what it keeps is the form that a [`Keep`] makes of them. With a cache, what was made of a
//! content in an earlier run need not be made again.

mod content;
pub mod looked;
mod memory;
pub mod paths;

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};

use dashmap::{DashMap, DashSet};
use rustc_hash::FxBuildHasher;

use self::content::Content;
pub use self::content::Seen;
use self::memory::Memory;
use crate::cache::Cache;
use crate::fs::{FileKind, FileSystem, Metadata};
use crate::path::AbsPath;

/// The hash of a content (BLAKE3).
pub type Hash = [u8; 32];

/// The form in which contents are kept once nobody uses them: smaller, and enough to go on with.
pub trait Keep: Send + Sync {
    /// What tells the form from others.
    fn name(&self) -> &'static str;
    /// From a file's bytes to what is kept of them.
    fn keep(&self, bytes: &[u8]) -> Vec<u8>;
    /// The way back.
    fn restore(&self, kept: &[u8]) -> Vec<u8>;
}

/// A path that could not be looked at. `NotFound` among the kinds means that there is nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FileError {
    /// The system refused, or there is nothing.
    #[error("{path}: {}", describe(*kind))]
    Io {
        /// What was asked for.
        path: AbsPath,
        /// Why not.
        kind: io::ErrorKind,
    },
    /// Links that lead back to themselves.
    #[error("{path}: links lead round in a circle")]
    LinkLoop {
        /// The link that was met again.
        path: AbsPath,
    },
}

impl FileError {
    /// What the system said of a path.
    pub fn new(path: &AbsPath, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotADirectory => io::ErrorKind::NotFound,
            kind => kind,
        };
        Self::Io { path: path.clone(), kind }
    }

    fn not_found(path: &AbsPath) -> Self {
        Self::Io { path: path.clone(), kind: io::ErrorKind::NotFound }
    }

    /// Is it merely that there is nothing?
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { kind: io::ErrorKind::NotFound, .. })
    }

    /// The reason without the path.
    pub fn reason(&self) -> String {
        match self {
            Self::Io { kind, .. } => describe(*kind),
            Self::LinkLoop { .. } => "links lead round in a circle".into(),
        }
    }
}

/// Rust's own words for the kind ("permission denied"), which do not depend on the locale.
pub fn describe(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => "there is no such file or directory".into(),
        kind => kind.to_string(),
    }
}

/// Where a path really leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Real {
    /// The path without any link in it.
    pub path: AbsPath,
    /// The links met on the way, outermost first, each by the real path of its own directory.
    pub links: Arc<[AbsPath]>,
}

type Map<K, V> = DashMap<K, V, FxBuildHasher>;

/// How many links may follow one another, as on Linux.
const MOST_LINKS: usize = 40;

/// The files of a run; see the module's own words.
pub struct Store {
    fs: Arc<dyn FileSystem>,
    view: OnceLock<Arc<dyn FileSystem>>,
    keep: Option<Box<dyn Keep>>,
    memory: OnceLock<Memory>,
    facts: Map<AbsPath, Result<Metadata, FileError>>,
    real: Map<AbsPath, Result<Real, FileError>>,
    links: Map<AbsPath, Result<PathBuf, FileError>>,
    listings: Map<AbsPath, Result<Arc<[OsString]>, FileError>>,
    contents: Map<AbsPath, Arc<Mutex<Content>>>,
    /// Bytes of contents of which nothing has been made yet.
    held: AtomicUsize,
    /// Files of which parts were read.
    opened: DashSet<AbsPath, FxBuildHasher>,
    /// Files that decide about more than those who have them.
    deciding: DashSet<AbsPath, FxBuildHasher>,
    /// What is kept of bytes that are no file's, by their hash.
    made: Map<Hash, Arc<[u8]>>,
}

impl Store {
    /// A store over `fs` that keeps nothing of what nobody uses.
    pub fn new(fs: impl FileSystem + 'static) -> Self {
        Self {
            fs: Arc::new(fs),
            view: OnceLock::new(),
            keep: None,
            memory: OnceLock::new(),
            facts: Map::default(),
            real: Map::default(),
            links: Map::default(),
            listings: Map::default(),
            contents: Map::default(),
            held: AtomicUsize::new(0),
            opened: DashSet::default(),
            deciding: DashSet::default(),
            made: Map::default(),
        }
    }

    /// The same, but of every file that is read `keep` makes what is kept.
    pub fn keeping(mut self, keep: impl Keep + 'static) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }

    /// From here on, what was made of contents in earlier runs is found in `cache`. Sites that share a cache
    /// are told apart by their `top`; a store takes one cache.
    pub fn remember_in(&self, cache: Cache, top: &AbsPath) {
        self.memory.get_or_init(|| Memory::of(cache, top));
    }

    /// This directory has been made: that it was not there is true no more.
    pub fn was_made(&self, directory: &AbsPath) {
        for above in directory.ancestors() {
            self.facts.remove_if(&above, |_, known| known.is_err());
            self.real.remove_if(&above, |_, known| known.is_err());
        }
    }

    /// Every directory that was looked at.
    pub fn directories(&self) -> BTreeSet<AbsPath> {
        let is_directory = |found: &Result<Metadata, FileError>| {
            found.as_ref().is_ok_and(|metadata| metadata.kind == FileKind::Directory)
        };
        self.facts.iter().filter(|row| is_directory(row.value())).map(|row| row.key().clone()).collect()
    }

    /// Was this path looked at, be it that nothing is there?
    pub fn has_looked_at(&self, path: &AbsPath) -> bool {
        self.facts.contains_key(path)
    }

    /// Every path outside of a directory that was looked at, be it that nothing is there.
    pub fn looked_at_outside(&self, root: &AbsPath) -> BTreeSet<AbsPath> {
        self.facts.iter().filter(|row| !row.key().starts_with(root)).map(|row| row.key().clone()).collect()
    }

    /// What is in this file may decide about functions that neither contain it nor ask for it.
    pub fn decides(&self, path: &AbsPath) {
        if let Ok(real) = self.real(path) {
            self.deciding.insert(real.path);
        }
    }

    /// The file system below, without any view.
    pub fn file_system(&self) -> Arc<dyn FileSystem> {
        self.fs.clone()
    }

    /// From here on files are seen as `view` shows them. It shows the same as before but for what is
    /// in any `node_modules`; a store takes one view.
    pub fn see_through(&self, view: Arc<dyn FileSystem>) {
        if self.view.set(view).is_ok() {
            self.facts.retain(|path, _| !path.in_node_modules());
            self.real.retain(|path, _| !path.in_node_modules());
            self.links.clear();
            self.listings.clear();
        }
    }

    fn fs(&self) -> &dyn FileSystem {
        &**self.view.get().unwrap_or(&self.fs)
    }

    /// What the path itself is; a link is a link.
    ///
    /// # Errors
    /// There is nothing, or the system refused.
    pub fn lstat(&self, path: &AbsPath) -> Result<Metadata, FileError> {
        if let Some(known) = self.facts.get(path) {
            return known.clone();
        }
        // Nothing can be below what is not there: most of the places where resolution looks.
        if let Some(parent) = path.parent()
            && let Some(known) = self.facts.get(&parent)
            && match &*known {
                Ok(metadata) => matches!(metadata.kind, FileKind::File | FileKind::Other),
                Err(error) => error.is_not_found(),
            }
        {
            return Err(FileError::not_found(path));
        }
        let entry = self.facts.entry(path.clone());
        entry.or_insert_with(|| self.fs().lstat(path).map_err(|e| FileError::new(path, &e))).clone()
    }

    /// What the path leads to, links followed.
    ///
    /// # Errors
    /// There is nothing, links lead nowhere or in a circle, or the system refused.
    pub fn stat(&self, path: &AbsPath) -> Result<Metadata, FileError> {
        match self.lstat(path)? {
            metadata if metadata.kind != FileKind::Link => Ok(metadata),
            _ => self.lstat(&self.real(path)?.path),
        }
    }

    /// Is there a regular file, links followed?
    pub fn is_file(&self, path: &AbsPath) -> bool {
        self.stat(path).is_ok_and(|metadata| metadata.kind == FileKind::File)
    }

    /// Is there a directory, links followed?
    pub fn is_dir(&self, path: &AbsPath) -> bool {
        self.stat(path).is_ok_and(|metadata| metadata.kind == FileKind::Directory)
    }

    /// Where the path really leads, and the links on the way.
    ///
    /// # Errors
    /// There is nothing, links lead nowhere or in a circle, or the system refused.
    pub fn real(&self, path: &AbsPath) -> Result<Real, FileError> {
        if let Some(known) = self.real.get(path) {
            return known.clone();
        }
        // Not under the map's lock: it walks, and comes back here for every directory above.
        let found = self.walk(path);
        self.real.entry(path.clone()).or_insert(found).clone()
    }

    fn walk(&self, path: &AbsPath) -> Result<Real, FileError> {
        let (mut at, mut links, mut ahead) = match path.parent() {
            None => return Ok(Real { path: path.clone(), links: Arc::new([]) }),
            Some(parent) => {
                let parent = self.real(&parent)?;
                let name = path.file_name().unwrap_or_default().to_owned();
                (parent.path, parent.links.to_vec(), VecDeque::from([name]))
            }
        };
        let mut followed = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                at = at.parent().unwrap_or(at);
                continue;
            }
            let next = at.child(&name);
            if self.lstat(&next)?.kind != FileKind::Link {
                at = next;
                continue;
            }
            followed += 1;
            if followed > MOST_LINKS {
                return Err(FileError::LinkLoop { path: next });
            }
            let target = self.read_link(&next)?;
            if target.is_absolute() {
                at = AbsPath::resolve(Path::new("/"), "/");
            }
            links.push(next);
            for component in target.components().rev() {
                match component {
                    Component::Normal(name) => ahead.push_front(name.to_owned()),
                    Component::ParentDir => ahead.push_front(OsStr::new("..").to_owned()),
                    Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
                }
            }
        }
        links.dedup();
        Ok(Real { path: at, links: links.into() })
    }

    /// What a link says, unresolved.
    ///
    /// # Errors
    /// It is no link, or the system refused.
    pub fn read_link(&self, path: &AbsPath) -> Result<PathBuf, FileError> {
        let entry = self.links.entry(path.clone());
        entry.or_insert_with(|| self.fs().read_link(path).map_err(|error| FileError::new(path, &error))).clone()
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// It is no directory, or the system refused.
    pub fn read_dir(&self, path: &AbsPath) -> Result<Arc<[OsString]>, FileError> {
        let real = self.real(path)?.path;
        let entry = self.listings.entry(real.clone());
        let list = || {
            let mut names = self.fs().read_dir(&real).map_err(|error| FileError::new(&real, &error))?;
            names.sort();
            Ok(names.into())
        };
        entry.or_insert_with(list).clone()
    }

    /// Every file below `directory`, by its path there, sorted; directories for which `enter` says
    /// no are left out. Links are not followed but given as they are.
    ///
    /// # Errors
    /// A directory that cannot be listed.
    pub fn files_below(
        &self,
        directory: &AbsPath,
        enter: &dyn Fn(&AbsPath) -> bool,
    ) -> Result<Vec<AbsPath>, FileError> {
        let mut files = Vec::new();
        let mut ahead = vec![directory.clone()];
        while let Some(directory) = ahead.pop() {
            for name in self.read_dir(&directory)?.iter() {
                let path = directory.child(name);
                match self.lstat(&path).map(|metadata| metadata.kind) {
                    Ok(FileKind::Directory) if enter(&path) => ahead.push(path),
                    Ok(FileKind::File | FileKind::Link) => files.push(path),
                    Ok(FileKind::Directory | FileKind::Other) => {}
                    // It was there when the directory was listed: somebody else's temporary file.
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The nearest `package.json` at or above `directory`, but not above the `node_modules` that
    /// holds it (Node: LOOKUP_PACKAGE_SCOPE), nor above `top`: what lies around a checkout must not
    /// change what is built from it.
    pub fn nearest_package_json(&self, directory: &AbsPath, top: &Path) -> Option<AbsPath> {
        let outside = |above: &AbsPath| top.starts_with(above) && **above != *top;
        directory
            .ancestors()
            .take_while(|above| above.name() != "node_modules" && !outside(above))
            .map(|above| above.child("package.json"))
            .find(|path| self.is_file(path))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::{Counting, Disk, Operation};

    struct Upper;
    impl Keep for Upper {
        fn name(&self) -> &'static str {
            "upper"
        }
        fn keep(&self, bytes: &[u8]) -> Vec<u8> {
            bytes.to_ascii_uppercase()
        }
        fn restore(&self, kept: &[u8]) -> Vec<u8> {
            kept.to_ascii_lowercase()
        }
    }

    fn scratch() -> (tempfile::TempDir, AbsPath) {
        let directory = tempfile::tempdir().unwrap();
        let path = AbsPath::resolve(Path::new("/"), directory.path().canonicalize().unwrap());
        (directory, path)
    }

    #[test]
    fn a_file_is_read_once_by_whatever_name() {
        let (_guard, at) = scratch();
        std::fs::write(at.join("a.js"), "hello").unwrap();
        symlink("a.js", at.join("b.js")).unwrap();
        let counting = Arc::new(Counting::new(Disk));
        let store = Store::new(counting.clone()).keeping(Upper);
        for _ in 0..2 {
            assert_eq!(&*store.read(&at.join("a.js")).unwrap(), b"hello");
            assert_eq!(&*store.read(&at.join("b.js")).unwrap(), b"hello");
            assert_eq!(&*store.kept(&at.join("b.js")).unwrap(), b"HELLO");
        }
        let counts = counting.counts();
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        assert_eq!(counts.keys().filter(|(operation, _)| *operation == Operation::Read).count(), 1);
    }

    #[test]
    fn links_are_met_in_order() {
        let (_guard, at) = scratch();
        std::fs::create_dir_all(at.join("real/sub")).unwrap();
        std::fs::write(at.join("real/sub/f"), "").unwrap();
        symlink("real", at.join("one")).unwrap();
        symlink("../one/sub", at.join("real/two")).unwrap();
        let store = Store::new(Disk);
        let real = store.real(&at.join("real/two/f")).unwrap();
        assert_eq!(real.path, at.join("real/sub/f"));
        assert_eq!(&*real.links, [at.join("real/two"), at.join("one")]);
    }

    #[test]
    fn a_circle_of_links_is_an_error() {
        let (_guard, at) = scratch();
        symlink("b", at.join("a")).unwrap();
        symlink("a", at.join("b")).unwrap();
        let store = Store::new(Disk);
        assert!(matches!(store.real(&at.join("a")), Err(FileError::LinkLoop { .. })));
        assert!(!store.is_file(&at.join("a")));
    }

    #[test]
    fn the_package_scope_ends_at_node_modules() {
        let (_guard, at) = scratch();
        std::fs::create_dir_all(at.join("node_modules/p/lib")).unwrap();
        std::fs::write(at.join("package.json"), "{}").unwrap();
        let store = Store::new(Disk);
        assert_eq!(store.nearest_package_json(&at.join("node_modules/p/lib"), &at), None);
        assert_eq!(store.nearest_package_json(&at, &at), Some(at.join("package.json")));
        std::fs::write(at.join("node_modules/p/package.json"), "{}").unwrap();
        let store = Store::new(Disk);
        let found = store.nearest_package_json(&at.join("node_modules/p/lib"), &at);
        assert_eq!(found, Some(at.join("node_modules/p/package.json")));
    }
}
