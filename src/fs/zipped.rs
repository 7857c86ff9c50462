//! The files of a package in a zip archive, as a tree. In: an archive, and the folder in it that is the
//! package. Out: facts, contents, links and listings by the path in that folder. What the archive says is
//! not believed: names and links that lead out, and sizes that nobody ships, are errors. Never unpacks
//! more than the file that is asked for.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use zip::ZipArchive;

use super::{FileKind, FileSystem, Metadata, ReadSeek, Stamp};

/// No file of a package is larger: what the platform takes of a whole function, unpacked, is less.
const LARGEST: u64 = 256 << 20;

/// No package has more files.
const MOST: usize = 1 << 18;

/// No link says more.
const LONGEST_LINK: u64 = 4096;

/// A package in an archive.
pub(super) struct Zipped {
    /// Not open: each who reads opens it.
    archive: ZipArchive<Part>,
    members: FxHashMap<String, Member>,
    directories: FxHashMap<String, BTreeSet<OsString>>,
}

#[derive(Clone, Copy)]
struct Member {
    index: usize,
    metadata: Metadata,
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn nothing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Zipped {
    /// Reads what is in the folder `inside` of the archive at `path`.
    ///
    /// # Errors
    /// There is no archive, it is broken, or a name in it leads out.
    pub(super) fn read_index(below: Arc<dyn FileSystem>, path: PathBuf, inside: &str) -> io::Result<Self> {
        let closed = |error: zip::result::ZipError| match error {
            zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
            error => wrong(error.to_string()),
        };
        let archive = ZipArchive::new(Part { below, path, open: None }).map_err(closed)?;
        if archive.len() > MOST {
            return Err(wrong("it has more files than any package"));
        }
        let mut members = FxHashMap::default();
        let mut directories: FxHashMap<String, BTreeSet<OsString>> = FxHashMap::default();
        for index in 0..archive.len() {
            let entry = archive.by_index_data(index).map_err(closed)?;
            let name = entry.name().map_err(closed)?;
            let name = name.strip_suffix('/').unwrap_or(&name);
            if name.contains(['\\', '\0']) || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(wrong(format!("`{}` in it is not a safe name", name.escape_debug())));
            }
            let Some(name) = name.strip_prefix(inside).and_then(|name| name.strip_prefix('/')) else { continue };
            let kind = match (entry.is_dir(), entry.is_symlink()) {
                (true, _) => FileKind::Directory,
                (_, true) => FileKind::Link,
                _ => FileKind::File,
            };
            let executable = kind == FileKind::File && entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
            list(name, &mut directories);
            if kind == FileKind::Directory {
                directories.entry(name.to_owned()).or_default();
            } else {
                let metadata = Metadata { kind, len: entry.size(), executable, stamp: Stamp::default() };
                members.insert(name.to_owned(), Member { index, metadata });
            }
        }
        if directories.is_empty() {
            return Err(wrong(format!("there is no `{inside}` in it")));
        }
        // The clone has not opened the file.
        Ok(Self { archive: archive.clone(), members, directories })
    }

    pub(super) fn lstat(&self, path: &str) -> io::Result<Metadata> {
        match self.members.get(path) {
            Some(member) => Ok(member.metadata),
            None if self.directories.contains_key(path) => {
                Ok(Metadata { kind: FileKind::Directory, len: 0, executable: false, stamp: Stamp::default() })
            }
            None => Err(nothing()),
        }
    }

    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let member = self.members.get(path).ok_or_else(nothing)?;
        match member.metadata.kind {
            FileKind::File => self.bytes(member, LARGEST),
            _ => Err(wrong("not a file")),
        }
    }

    /// What a link says; it must not lead out of the package.
    pub(super) fn read_link(&self, path: &str) -> io::Result<PathBuf> {
        let member = self.members.get(path).filter(|member| member.metadata.kind == FileKind::Link);
        let bytes = self.bytes(member.ok_or_else(nothing)?, LONGEST_LINK)?;
        let target = PathBuf::from(String::from_utf8(bytes).map_err(|_| wrong("a link that is not UTF-8"))?);
        let mut depth = path.split('/').count() - 1;
        for component in target.components() {
            depth = match component {
                Component::Normal(_) => Some(depth + 1),
                Component::CurDir => Some(depth),
                Component::ParentDir => depth.checked_sub(1),
                Component::RootDir | Component::Prefix(_) => None,
            }
            .ok_or_else(|| wrong("a link that leads out of the package"))?;
        }
        Ok(target)
    }

    pub(super) fn read_dir(&self, path: &str) -> io::Result<Vec<OsString>> {
        Ok(self.directories.get(path).ok_or_else(nothing)?.iter().cloned().collect())
    }

    fn bytes(&self, member: &Member, most: u64) -> io::Result<Vec<u8>> {
        let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
        if member.metadata.len > most {
            return Err(too_large());
        }
        let mut archive = self.archive.clone();
        let entry = archive.by_index(member.index).map_err(io::Error::from)?;
        let mut bytes = Vec::with_capacity(usize::try_from(member.metadata.len).unwrap_or_default());
        // One more than it says: who lies about the size is not read to the end.
        entry.take(member.metadata.len + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > member.metadata.len { Err(too_large()) } else { Ok(bytes) }
    }
}

/// Every directory above `name` lists the next.
fn list(name: &str, directories: &mut FxHashMap<String, BTreeSet<OsString>>) {
    let mut at = Path::new(name);
    while let (Some(above), Some(name)) = (at.parent(), at.file_name()) {
        let names = directories.entry(above.to_string_lossy().into_owned()).or_default();
        if !names.insert(name.to_owned()) {
            break;
        }
        at = above;
    }
}

/// An archive's file. A clone of it is closed: there are more packages than a process may have files
/// open.
struct Part {
    below: Arc<dyn FileSystem>,
    path: PathBuf,
    open: Option<BufReader<Box<dyn ReadSeek>>>,
}

impl Clone for Part {
    fn clone(&self) -> Self {
        Self { below: self.below.clone(), path: self.path.clone(), open: None }
    }
}

impl Part {
    fn file(&mut self) -> io::Result<&mut BufReader<Box<dyn ReadSeek>>> {
        let file = match self.open.take() {
            Some(file) => file,
            None => BufReader::new(self.below.open(&self.path)?),
        };
        Ok(self.open.insert(file))
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(buffer)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::fs::Disk;

    fn archive() -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        zip.add_directory("node_modules/a/empty", options).unwrap();
        zip.start_file("node_modules/a/lib/tool.js", options.unix_permissions(0o755)).unwrap();
        zip.write_all("tool ".repeat(100).as_bytes()).unwrap();
        zip.start_file("node_modules/b/index.js", options).unwrap();
        zip.add_symlink("node_modules/a/lib/link", "../lib/tool.js", options).unwrap();
        zip.finish().unwrap().into_inner()
    }

    fn opened(bytes: &[u8]) -> (tempfile::TempDir, io::Result<Zipped>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.zip");
        std::fs::write(&path, bytes).unwrap();
        (directory, Zipped::read_index(Arc::new(Disk), path, "node_modules/a"))
    }

    #[test]
    fn a_package_is_a_tree() {
        let (_guard, zipped) = opened(&archive());
        let zipped = zipped.unwrap();
        let kind = |path: &str| zipped.lstat(path).map(|metadata| (metadata.kind, metadata.executable)).ok();
        assert_eq!(kind(""), Some((FileKind::Directory, false)));
        assert_eq!(kind("empty"), Some((FileKind::Directory, false)));
        assert_eq!(kind("lib/tool.js"), Some((FileKind::File, true)));
        assert_eq!(kind("lib/link"), Some((FileKind::Link, false)));
        assert_eq!((kind("index.js"), kind("lib/tool.js/x")), (None, None));
        assert_eq!(zipped.read("lib/tool.js").unwrap().len(), 500);
        assert_eq!(zipped.read_dir("").unwrap(), ["empty", "lib"]);
        assert_eq!(zipped.read_dir("lib").unwrap(), ["link", "tool.js"]);
        assert_eq!(zipped.read_link("lib/link").unwrap(), Path::new("../lib/tool.js"));
    }

    proptest! {
        /// Whatever an archive says, it is an error or a file of the size that it says.
        #[test]
        fn broken_archives_are_errors(at in prop::collection::vec((0_usize..10_000, any::<u8>()), 1..4)) {
            let mut bytes = archive();
            for (at, byte) in at {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let (_guard, zipped) = opened(&bytes);
            if let Ok(zipped) = zipped {
                for (path, member) in &zipped.members {
                    if let Ok(bytes) = zipped.read(path) {
                        prop_assert!(bytes.len() as u64 <= member.metadata.len);
                    }
                    let _ = zipped.read_link(path);
                }
            }
        }
    }
}
