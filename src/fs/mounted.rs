//! A file system with packages in other places than where they are. In: a file system, and which package
//! is to be seen where. Out: the same file system, in which folders, packages in zip archives, and links
//! stand in `node_modules` that are not on the disk. What is not mounted is seen as it is. Knows nothing
//! of who says so.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::zipped::Zipped;
use super::{FileKind, FileSystem, Metadata, ReadSeek, Stamp};
use crate::path::AbsPath;

/// What is seen at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder.
    Directory(AbsPath),
    /// A folder in a zip archive.
    Zip {
        /// The archive.
        file: AbsPath,
        /// The folder.
        inside: String,
    },
    /// A link to another place.
    Link(AbsPath),
}

/// See the module's own words.
pub struct Mounted {
    below: Arc<dyn FileSystem>,
    mounts: FxHashMap<PathBuf, Mount>,
    /// The names that directories have because of mounts below them.
    made: FxHashMap<PathBuf, BTreeSet<OsString>>,
}

struct Mount {
    place: AbsPath,
    source: Source,
    /// Of an archive, once it was looked into.
    zip: OnceLock<Result<Zipped, (io::ErrorKind, String)>>,
}

/// Where a path really is.
enum At<'a> {
    Below(PathBuf),
    Zip(&'a Zipped, String),
}

/// Mounted links lead to what is mounted otherwise, or to the disk: one step is enough.
const STEPS: usize = 3;

impl Mounted {
    /// Shows packages at these places, each in a `node_modules`.
    pub fn new(below: Arc<dyn FileSystem>, mounts: BTreeMap<AbsPath, Source>) -> Self {
        let mut made: FxHashMap<PathBuf, BTreeSet<OsString>> = FxHashMap::default();
        for place in mounts.keys() {
            let mut at = place.clone();
            while let Some(above) = at.parent() {
                made.entry(above.to_path_buf()).or_default().insert(at.name().into());
                if at.name() == "node_modules" {
                    break;
                }
                at = above;
            }
        }
        let mount =
            |(place, source): (AbsPath, Source)| (place.to_path_buf(), Mount { place, source, zip: OnceLock::new() });
        Self { below, mounts: mounts.into_iter().map(mount).collect(), made }
    }

    /// Where the package stands that a path is in, if it is mounted.
    pub fn package_of(&self, path: &Path) -> Option<&AbsPath> {
        path.ancestors().find_map(|above| self.mounts.get(above)).map(|mount| &mount.place)
    }

    /// Is something mounted at this very place?
    pub fn holds(&self, place: &AbsPath) -> bool {
        self.mounts.contains_key(&**place)
    }

    /// What is wrong with what is mounted at `place`: a fragment.
    pub fn trouble(&self, place: &AbsPath) -> Option<String> {
        let mount = self.mounts.get(&**place)?;
        let (what, kind, message) = match &mount.source {
            Source::Link(target) if target != place => return self.trouble(target),
            Source::Link(_) => return None,
            Source::Directory(directory) => {
                let error = self.below.lstat(directory).err()?;
                ("its folder".to_owned(), error.kind(), error.to_string())
            }
            Source::Zip { file, .. } => {
                let (kind, message) = self.zip(mount, file).err()?;
                (format!("its archive `{}`", file.name()), kind, message)
            }
        };
        Some(match kind {
            io::ErrorKind::NotFound => format!("{what} is not there"),
            io::ErrorKind::InvalidData => format!("{what} cannot be read: {message}"),
            // Not the system's words, which have the locale.
            kind => format!("{what} cannot be read: {kind}"),
        })
    }

    fn zip<'a>(&self, mount: &'a Mount, file: &AbsPath) -> Result<&'a Zipped, (io::ErrorKind, String)> {
        let Source::Zip { inside, .. } = &mount.source else {
            return Err((io::ErrorKind::NotFound, String::new()));
        };
        let read = || {
            let zipped = Zipped::read_index(self.below.clone(), file.to_path_buf(), inside);
            zipped.map_err(|error| (error.kind(), error.to_string()))
        };
        mount.zip.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    fn locate(&self, path: &Path) -> io::Result<At<'_>> {
        let mut path = path.to_path_buf();
        for _ in 0..STEPS {
            let Some((above, mount)) = path.ancestors().find_map(|above| Some((above, self.mounts.get(above)?))) else {
                return Ok(At::Below(path));
            };
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            match &mount.source {
                Source::Directory(directory) => return Ok(At::Below(under(directory, rest))),
                Source::Zip { file, .. } => {
                    let zip = self.zip(mount, file).map_err(|(kind, message)| io::Error::new(kind, message))?;
                    return Ok(At::Zip(zip, rest.to_string_lossy().into_owned()));
                }
                Source::Link(target) => path = under(target, rest),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Is it a directory that only mounts made?
    fn is_made(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name == "node_modules" || name.starts_with('@')) && self.made.contains_key(path)
    }
}

/// No slash at the end where nothing follows.
fn under(directory: &AbsPath, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { directory.to_path_buf() } else { directory.to_path_buf().join(rest) }
}

impl FileSystem for Mounted {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        let here = |kind| Ok(Metadata { kind, len: 0, executable: false, stamp: Stamp::default() });
        if self.mounts.get(path).is_some_and(|mount| matches!(mount.source, Source::Link(_))) {
            return here(FileKind::Link);
        }
        if self.is_made(path) {
            return here(FileKind::Directory);
        }
        match self.locate(path)? {
            At::Below(path) => self.below.lstat(&path),
            At::Zip(zip, inside) => zip.lstat(&inside),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.locate(path)? {
            At::Below(path) => self.below.read(&path),
            At::Zip(zip, inside) => zip.read(&inside),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        match self.locate(path)? {
            At::Below(path) => self.below.open(&path),
            At::Zip(zip, inside) => Ok(Box::new(io::Cursor::new(zip.read(&inside)?))),
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        if let Some(Mount { source: Source::Link(target), .. }) = self.mounts.get(path) {
            return Ok(target.to_path_buf());
        }
        match self.locate(path)? {
            At::Below(path) => self.below.read_link(&path),
            At::Zip(zip, inside) => zip.read_link(&inside),
        }
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let made = self.made.get(path);
        let found = match self.locate(path)? {
            At::Below(path) => self.below.read_dir(&path),
            At::Zip(zip, inside) => zip.read_dir(&inside),
        };
        let mut names = match (found, made) {
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            (found, _) => found?,
        };
        names.extend(made.into_iter().flatten().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        Ok(names)
    }
}
