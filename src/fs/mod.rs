//! The file system as fnzip sees it. In: a path. Out: what the disk says of it. Never writes, and
//! nothing but this file, the writers in `archive` and the command line calls `std::fs`, so that the
//! same code can look into an archive, and a test can count every look.

pub mod archived;
pub mod mounted;
mod zipped;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use borsh::{BorshDeserialize, BorshSerialize};

/// What a path names, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, to anything or to nothing.
    Link,
    /// A socket, a device, a pipe.
    Other,
}

/// The facts of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What the path names.
    pub kind: FileKind,
    /// Bytes, for a file.
    pub len: u64,
    /// May the owner execute it? Always false where the system does not say.
    pub executable: bool,
    /// Tells whether it was changed since; no archive may depend on it.
    pub stamp: Stamp,
}

/// What changes when a file does. The default is that of files of which nobody can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Stamp {
    /// When its bytes were changed, and when its facts were: nanoseconds since 1970.
    times: [i128; 2],
    /// Its number on its device.
    number: [u64; 2],
}

impl Stamp {
    /// Does it tell a file of this stamp from what it becomes? Not if it may be changed again without the clock
    /// having gone on, as seen at this time: file systems count as much as two seconds as one (git calls it racy).
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_nanos().cast_signed());
        *self != Self::default() && self.times.iter().all(|time| time + 2_000_000_000 < now)
    }
}

/// A file that can be read from anywhere.
pub trait ReadSeek: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> ReadSeek for T {}

/// A place to read files from. Paths are absolute.
pub trait FileSystem: Send + Sync {
    /// What the path itself is; a link is a link.
    ///
    /// # Errors
    /// As the system says; `NotFound` and `NotADirectory` mean that there is nothing.
    fn lstat(&self, path: &Path) -> io::Result<Metadata>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A file of which only parts are wanted.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }

    /// What a link says, unresolved.
    ///
    /// # Errors
    /// As the system says.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, in no particular order.
    ///
    /// # Errors
    /// As the system says; an error on any one name is an error of the whole.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>>;
}

impl<F: FileSystem + ?Sized> FileSystem for Arc<F> {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        (**self).lstat(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        (**self).read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        (**self).open(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        (**self).read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        (**self).read_dir(path)
    }
}

/// The machine's own file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct Disk;

impl FileSystem for Disk {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = std::fs::symlink_metadata(path)?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Directory,
            kind if kind.is_symlink() => FileKind::Link,
            _ => FileKind::Other,
        };
        let executable = owner_may_execute(&metadata);
        Ok(Metadata { kind, len: metadata.len(), executable, stamp: stamp(&metadata) })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(std::fs::File::open(path)?))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    }
}

#[cfg(unix)]
fn owner_may_execute(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn owner_may_execute(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let time = |seconds: i64, nanoseconds: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let modified = time(metadata.mtime(), metadata.mtime_nsec());
    let changed = time(metadata.ctime(), metadata.ctime_nsec());
    Stamp { times: [modified, changed], number: [metadata.dev(), metadata.ino()] }
}

#[cfg(not(unix))]
fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    let time = |time: io::Result<SystemTime>| {
        let passed = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        passed.map_or(0, |passed| passed.as_nanos().cast_signed())
    };
    Stamp { times: [time(metadata.modified()), time(metadata.created())], number: [0, 0] }
}

/// The operations that [`Counting`] tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named as the trait's functions")]
pub enum Operation {
    Lstat,
    Read,
    Open,
    ReadLink,
    ReadDir,
}

/// Another file system, with a count of everything it was asked: for tests that hold fnzip to
/// "at most once".
#[derive(Debug, Default)]
pub struct Counting<F> {
    inner: F,
    counts: Mutex<BTreeMap<(Operation, PathBuf), usize>>,
}

impl<F: FileSystem> Counting<F> {
    /// Counts what `inner` is asked.
    pub fn new(inner: F) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// What was asked so far, and how often.
    pub fn counts(&self) -> BTreeMap<(Operation, PathBuf), usize> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, operation: Operation, path: &Path) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((operation, path.into())).or_default() += 1;
    }
}

impl<F: FileSystem> FileSystem for Counting<F> {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        self.count(Operation::Lstat, path);
        self.inner.lstat(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.count(Operation::Read, path);
        self.inner.read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        self.count(Operation::Open, path);
        self.inner.open(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.count(Operation::ReadLink, path);
        self.inner.read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.count(Operation::ReadDir, path);
        self.inner.read_dir(path)
    }
}

/// Another file system that refuses some paths: for tests of what cannot be read (root reads all).
#[derive(Debug)]
pub struct Failing<F> {
    inner: F,
    refused: Vec<PathBuf>,
}

impl<F: FileSystem> Failing<F> {
    /// `inner`, but opening one of `refused` fails with "permission denied".
    pub fn new(inner: F, refused: Vec<PathBuf>) -> Self {
        Self { inner, refused }
    }

    fn check(&self, path: &Path) -> io::Result<()> {
        if self.refused.iter().any(|refused| refused == path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }
}

impl<F: FileSystem> FileSystem for Failing<F> {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        self.inner.lstat(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.check(path)?;
        self.inner.read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadSeek>> {
        self.check(path)?;
        self.inner.open(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.check(path)?;
        self.inner.read_dir(path)
    }
}
