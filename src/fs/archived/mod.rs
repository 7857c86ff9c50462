//! What was built as the only thing there is. In: an archive or a directory, and the path where it lies. Out: its entries,
//! as files below that path, for whoever reads files; and everything that is wrong with it. Nothing that it says is
//! believed: not a name, a size, a checksum or a link. Never unpacks more than the entry that is asked for.

mod directory;
mod fault;
mod tarball;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use libdeflater::{DecompressionError, Decompressor};

use self::fault::fault;
pub use self::fault::{Fault, What};
use super::{FileKind, FileSystem, Metadata, Stamp};
use crate::path::{AbsPath, ArchivePath, case_clashes};

/// No byte of deflated data stands for more of them: a block of 258 equal bytes takes two bits.
const MOST_A_BYTE: u64 = 1032;

/// What is taken out of one archive is not more than this, four times what the platform takes.
pub const MOST_UNPACKED: u64 = 1 << 30;

/// No link says more.
const LONGEST_LINK: u64 = 4096;

/// How many links may follow one another, as on Linux.
const MOST_LINKS: usize = 40;

/// An archive whose entries are files.
pub struct Archived {
    at: PathBuf,
    /// What the entries are parts of.
    bytes: Arc<[u8]>,
    entries: BTreeMap<String, Entry>,
    directories: BTreeMap<String, BTreeSet<OsString>>,
}

/// What an archive says of one entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is.
    pub kind: FileKind,
    /// Bytes, unpacked.
    pub len: u64,
    /// Bytes, packed.
    pub packed: u64,
    /// The mode has the owner's `x`.
    pub executable: bool,
    data: Range<usize>,
    is_deflated: bool,
    /// CRC-32 of the bytes, unpacked.
    pub checksum: u32,
}

fn nothing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

/// An archive of which not everything has been read yet.
struct Reading {
    archived: Archived,
    /// Of entries and directories.
    names: BTreeSet<String>,
    unpacked: u64,
    faults: BTreeSet<Fault>,
}

impl Reading {
    fn new(at: &AbsPath, bytes: Arc<[u8]>) -> Self {
        let directories = [(String::new(), BTreeSet::new())].into();
        let archived = Archived { at: at.to_path_buf(), bytes, entries: BTreeMap::new(), directories };
        Self { archived, names: BTreeSet::new(), unpacked: 0, faults: BTreeSet::new() }
    }

    fn found(&mut self, entry: impl Into<String>, what: What) {
        self.faults.insert(fault(entry, what));
    }

    /// It is wrong as a whole.
    fn broken(&mut self, what: What) {
        self.faults.insert(Fault { entry: None, what });
    }

    /// The name of an entry, if it is one, and the first of that name.
    fn name(&mut self, written: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(written);
        let name = text.strip_suffix('/').unwrap_or(&text).to_owned();
        let why = match ArchivePath::new(&name) {
            _ if std::str::from_utf8(written).is_err() => "it is not UTF-8",
            Err(error) => error.why(),
            Ok(_) if !self.names.insert(name.clone()) => {
                self.found(name, What::Twice);
                return None;
            }
            Ok(_) => {
                self.archived.list(&name);
                return Some(name);
            }
        };
        self.found(text.escape_debug().to_string(), What::Name(why.to_owned()));
        None
    }

    fn directory(&mut self, name: String) {
        self.archived.directories.entry(name).or_default();
    }

    /// Adds an entry; whether more may come.
    fn add(&mut self, name: String, entry: Entry) -> bool {
        self.unpacked = self.unpacked.saturating_add(entry.len);
        self.archived.entries.insert(name, entry);
        let is_enough = self.unpacked > MOST_UNPACKED;
        if is_enough {
            self.archived.entries.clear();
            self.broken(What::TooLarge(self.unpacked));
        }
        !is_enough
    }

    /// Adds what is not packed.
    fn add_plain(&mut self, name: String, kind: FileKind, executable: bool, data: Range<usize>) -> bool {
        let bytes = self.archived.bytes.get(data.clone()).unwrap_or_default();
        let (len, checksum) = (bytes.len() as u64, crc32fast::hash(bytes));
        if kind == FileKind::Link && len > LONGEST_LINK {
            self.found(name, What::Special);
            return true;
        }
        self.add(name, Entry { kind, len, packed: len, executable, data, is_deflated: false, checksum })
    }

    /// All of it, and everything that is wrong with it and with what is packed in it. What is wrong is no file.
    fn finish(self) -> (Archived, Vec<Fault>) {
        let Self { mut archived, mut faults, .. } = self;
        archived.check_kinds(&mut faults);
        archived.check_overlaps(&mut faults);
        archived.check_contents(&mut faults);
        archived.check_links(&mut faults);
        let clashes = case_clashes(archived.entries.keys().map(String::as_str));
        faults.extend(clashes.into_iter().map(|(one, other)| fault(other, What::CaseClash(one.to_owned()))));
        (archived, faults.into_iter().collect())
    }
}

impl Archived {
    /// A program that stands for itself, as the platform would start it.
    pub fn program(at: &AbsPath, bytes: Arc<[u8]>, name: &str) -> (Self, Vec<Fault>) {
        let data = 0..bytes.len();
        let mut reading = Reading::new(at, bytes);
        if let Some(name) = reading.name(name.as_bytes()) {
            reading.add_plain(name, FileKind::File, true, data);
        }
        reading.finish()
    }

    /// What nobody looks into.
    pub fn opaque(at: &AbsPath) -> (Self, Vec<Fault>) {
        Reading::new(at, Vec::new().into()).finish()
    }

    /// What the entries are parts of.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Every entry but directories, by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// Bytes, unpacked.
    pub fn unpacked(&self) -> u64 {
        self.entries.values().map(|entry| entry.len).sum()
    }

    /// Every directory above `name` lists the next.
    fn list(&mut self, name: &str) {
        let mut at = Path::new(name);
        while let (Some(above), Some(name)) = (at.parent(), at.file_name()) {
            let names = self.directories.entry(above.to_string_lossy().into_owned()).or_default();
            if !names.insert(name.to_owned()) {
                break;
            }
            at = above;
        }
    }

    /// What is a directory, because something is below it, cannot be a file.
    fn check_kinds(&mut self, faults: &mut BTreeSet<Fault>) {
        let directories = &self.directories;
        self.entries.retain(|name, _| {
            let is_both = directories.contains_key(name);
            if is_both {
                faults.insert(fault(name.as_str(), What::Twice));
            }
            !is_both
        });
    }

    fn check_overlaps(&self, faults: &mut BTreeSet<Fault>) {
        let mut ranges: Vec<(&Range<usize>, &String)> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.data.is_empty())
            .map(|(name, it)| (&it.data, name))
            .collect();
        ranges.sort_by_key(|(data, name)| (data.start, *name));
        let mut last: Option<(usize, &String)> = None;
        for (data, name) in ranges {
            if let Some((_, other)) = last.filter(|(end, _)| data.start < *end) {
                faults.insert(fault(name, What::Overlaps(other.clone())));
            }
            if last.is_none_or(|(end, _)| end < data.end) {
                last = Some((data.end, name));
            }
        }
    }

    fn check_contents(&mut self, faults: &mut BTreeSet<Fault>) {
        let mut damaged = Vec::new();
        for (name, entry) in &self.entries {
            if let Err(what) = self.unpack(entry) {
                faults.insert(fault(name, what));
                damaged.push(name.clone());
            }
        }
        for name in damaged {
            self.entries.remove(&name);
        }
    }

    fn check_links(&self, faults: &mut BTreeSet<Fault>) {
        for (name, _) in self.entries.iter().filter(|(_, entry)| entry.kind == FileKind::Link) {
            let target = self.link(name).map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
            let what = match self.follow(name) {
                Ok(Some(_)) => continue,
                Ok(None) => What::Dangles(target),
                Err(()) => What::LeadsOut(target),
            };
            faults.insert(fault(name, what));
        }
    }

    /// Where a name leads, all links followed; nowhere, if nothing is there. It is an error if it leads out.
    fn follow(&self, name: &str) -> Result<Option<String>, ()> {
        let mut ahead: Vec<OsString> = Path::new(name).iter().rev().map(OsString::from).collect();
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part.to_str() {
                Some("..") => drop(at.pop().ok_or(())?),
                Some(part) => at.push(part.to_owned()),
                None => return Ok(None),
            }
            let here = at.join("/");
            if self.entries.get(&here).is_some_and(|entry| entry.kind == FileKind::Link) {
                links += 1;
                let Ok(target) = self.link(&here) else { return Ok(None) };
                if links > MOST_LINKS {
                    return Ok(None);
                }
                at.pop();
                for component in target.components().rev() {
                    match component {
                        Component::Normal(part) => ahead.push(part.to_owned()),
                        Component::ParentDir => ahead.push("..".into()),
                        Component::CurDir => {}
                        Component::RootDir | Component::Prefix(_) => return Err(()),
                    }
                }
            }
        }
        let here = at.join("/");
        let is_there = self.entries.contains_key(&here) || self.directories.contains_key(&here);
        Ok(is_there.then_some(here))
    }

    /// The name of what a path means, as the system reads it: links above it are followed, and it itself is not.
    fn place(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.at).ok()?.to_str()?;
        if self.entries.contains_key(name) || self.directories.contains_key(name) {
            return Some(name.to_owned());
        }
        let (above, last) = name.rsplit_once('/')?;
        let above = self.follow(above).ok()??;
        Some(if above.is_empty() { last.to_owned() } else { format!("{above}/{last}") })
    }

    /// The bytes of an entry, as many as the archive says and no more.
    fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, What> {
        let data = self.bytes.get(entry.data.clone()).unwrap_or_default();
        let bytes = if entry.is_deflated {
            if entry.len > MOST_A_BYTE.saturating_mul(entry.packed) {
                return Err(What::Size(entry.len));
            }
            let mut bytes = vec![0; usize::try_from(entry.len).unwrap_or_default()];
            match Decompressor::new().deflate_decompress(data, &mut bytes) {
                Ok(len) if len as u64 == entry.len => bytes,
                Ok(_) | Err(DecompressionError::InsufficientSpace) => return Err(What::Size(entry.len)),
                Err(DecompressionError::BadData) => return Err(What::Checksum),
            }
        } else if data.len() as u64 == entry.len {
            data.to_vec()
        } else {
            return Err(What::Size(entry.len));
        };
        if crc32fast::hash(&bytes) == entry.checksum { Ok(bytes) } else { Err(What::Checksum) }
    }

    fn content(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        self.unpack(entry).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what.to_string()))
    }

    fn link(&self, name: &str) -> io::Result<PathBuf> {
        let entry = self.entries.get(name).filter(|entry| entry.kind == FileKind::Link).ok_or_else(nothing)?;
        let target = String::from_utf8(self.content(entry)?);
        target.map(PathBuf::from).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl FileSystem for Archived {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = |kind, len, executable| Metadata { kind, len, executable, stamp: Stamp::default() };
        let directory = || metadata(FileKind::Directory, 0, false);
        let Some(name) = self.place(path) else {
            return if self.at.starts_with(path) { Ok(directory()) } else { Err(nothing()) };
        };
        match self.entries.get(&name) {
            Some(entry) => Ok(metadata(entry.kind, entry.len, entry.executable)),
            None if self.directories.contains_key(&name) => Ok(directory()),
            None => Err(nothing()),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let entry = self.place(path).and_then(|name| self.entries.get(&name)).ok_or_else(nothing)?;
        match entry.kind {
            FileKind::File => self.content(entry),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.link(&self.place(path).ok_or_else(nothing)?)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let names = self.place(path).and_then(|name| self.directories.get(&name));
        Ok(names.ok_or_else(nothing)?.iter().cloned().collect())
    }
}
