//! A zip archive as the only thing there is. In: its bytes, and the path where it lies. Out: its entries, as files
//! below that path, for whoever reads files; and everything that is wrong with it. Nothing that it says is
//! believed: not a name, a size, a checksum or a link. Never unpacks more than the entry that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use libdeflater::{DecompressionError, Decompressor};
use rawzip::{CompressionMethod, Error, ErrorKind, ZipArchive, ZipFileHeaderRecord};

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

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The entry, if it is about one.
    pub entry: Option<String>,
    /// What is wrong.
    pub what: What,
}

/// The kinds of faults.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It cannot be read at all, or ends too early.
    Broken(String),
    /// A name that leads out, or is none.
    Name(String),
    /// Two entries have this name.
    Twice,
    /// Another entry differs from it only by case.
    CaseClash(String),
    /// It can only be read by who knows a password.
    Encrypted,
    /// It is packed in a way that the platform does not know.
    Method(u16),
    /// It is neither a file nor a directory nor a link.
    Special,
    /// It shares bytes with this entry.
    Overlaps(String),
    /// Its size is not what the archive says.
    Size(u64),
    /// Its checksum is not what the archive says.
    Checksum,
    /// The directory of the archive, and what stands before the entry, call it differently.
    OtherName(String),
    /// A link that leads out of the archive.
    LeadsOut(String),
    /// A link to nothing.
    Dangles(String),
    /// So many bytes are not unpacked, so nothing is known of them.
    TooLarge(u64),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => write!(f, "not a readable zip archive: {why}"),
            Self::Name(why) => write!(f, "not a name for an entry: {why}"),
            Self::Twice => f.write_str("is in it twice"),
            Self::CaseClash(other) => write!(f, "differs from `{other}` only by case"),
            Self::Encrypted => f.write_str("is encrypted"),
            Self::Method(method) => {
                write!(f, "is packed by method {method}, and the platform knows none but deflate")
            }
            Self::Special => f.write_str("is neither a file nor a directory nor a link"),
            Self::Overlaps(other) => write!(f, "shares its bytes with `{other}`"),
            Self::Size(says) => write!(f, "does not have the {says} bytes that the archive says"),
            Self::Checksum => f.write_str("is damaged: its checksum is not that which the archive says"),
            Self::OtherName(other) => write!(f, "is called `{other}` where its bytes are"),
            Self::LeadsOut(target) => write!(f, "is a link to `{target}`, which leads out of the archive"),
            Self::Dangles(target) => write!(f, "is a link to `{target}`, which is not there"),
            Self::TooLarge(bytes) => {
                write!(f, "has {bytes} bytes unpacked, which nobody would deploy: not looked into")
            }
        }
    }
}

fn fault(entry: impl Into<String>, what: What) -> Fault {
    Fault { entry: Some(entry.into()), what }
}

fn broken(error: &Error) -> What {
    What::Broken(match error.kind() {
        ErrorKind::MissingEndOfCentralDirectory => "it has no directory of entries at its end".to_owned(),
        ErrorKind::Eof => "it ends too early".to_owned(),
        _ => error.to_string(),
    })
}

fn nothing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Archived {
    /// Reads the directory of the archive that lies at `at`, and everything that is wrong with it and with what is
    /// packed in it. What is wrong is no file.
    pub fn read(at: &AbsPath, bytes: Arc<[u8]>) -> (Self, Vec<Fault>) {
        let mut archived = Self { at: at.to_path_buf(), bytes, entries: BTreeMap::new(), directories: BTreeMap::new() };
        archived.directories.entry(String::new()).or_default();
        let mut faults = BTreeSet::new();
        if let Err(error) = archived.read_entries(&mut faults) {
            faults.insert(Fault { entry: None, what: broken(&error) });
        }
        archived.check_kinds(&mut faults);
        archived.check_overlaps(&mut faults);
        archived.check_contents(&mut faults);
        archived.check_links(&mut faults);
        let clashes = case_clashes(archived.entries.keys().map(String::as_str));
        faults.extend(clashes.into_iter().map(|(one, other)| fault(other, What::CaseClash(one.to_owned()))));
        (archived, faults.into_iter().collect())
    }

    /// Every entry but directories, by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// Bytes, unpacked.
    pub fn unpacked(&self) -> u64 {
        self.entries.values().map(|entry| entry.len).sum()
    }

    fn read_entries(&mut self, faults: &mut BTreeSet<Fault>) -> Result<(), Error> {
        let archive = ZipArchive::from_slice(self.bytes.clone())?;
        let mut names = BTreeSet::new();
        let mut unpacked = 0_u64;
        let mut entries = archive.entries();
        while let Some(record) = entries.next_entry()? {
            let raw = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
            let name = raw.strip_suffix('/').unwrap_or(&raw).to_owned();
            if std::str::from_utf8(record.file_path().as_bytes()).is_err() {
                faults.insert(fault(raw.escape_debug().to_string(), What::Name("it is not UTF-8".to_owned())));
                continue;
            }
            if let Err(error) = ArchivePath::new(&name) {
                faults.insert(fault(raw.escape_debug().to_string(), What::Name(error.why().to_owned())));
                continue;
            }
            if !names.insert(name.clone()) {
                faults.insert(fault(name, What::Twice));
                continue;
            }
            self.list(&name);
            if record.is_dir() {
                self.directories.entry(name).or_default();
                continue;
            }
            let local = match archive.get_entry(record.wayfinder()) {
                Ok(local) => local,
                Err(error) => {
                    faults.insert(fault(name, broken(&error)));
                    continue;
                }
            };
            let other = local.local_header().file_path();
            if other.as_bytes() != record.file_path().as_bytes() {
                let other = String::from_utf8_lossy(other.as_bytes()).escape_debug().to_string();
                faults.insert(fault(&name, What::OtherName(other)));
            }
            let (start, end) = local.compressed_data_range();
            let data = usize::try_from(start).unwrap_or_default()..usize::try_from(end).unwrap_or_default();
            match entry(&record, data) {
                Ok(entry) => {
                    unpacked = unpacked.saturating_add(entry.len);
                    self.entries.insert(name, entry);
                }
                Err(what) => {
                    faults.insert(fault(name, what));
                }
            }
            if unpacked > MOST_UNPACKED {
                self.entries.clear();
                faults.insert(Fault { entry: None, what: What::TooLarge(unpacked) });
                break;
            }
        }
        Ok(())
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

/// An entry as the archive says, unless it is nothing that a function may have.
fn entry(record: &ZipFileHeaderRecord<'_>, data: Range<usize>) -> Result<Entry, What> {
    const TYPE: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    if record.flags().is_encrypted() || record.flags().has_strong_encryption() || record.flags().is_masked() {
        return Err(What::Encrypted);
    }
    let method = record.compression_method();
    if method != CompressionMethod::STORE && method != CompressionMethod::DEFLATE {
        return Err(What::Method(method.as_u16()));
    }
    let mode = record.mode();
    let kind = match mode.value() & TYPE {
        _ if mode.is_symlink() => FileKind::Link,
        0 | FILE => FileKind::File,
        _ => return Err(What::Special),
    };
    let len = record.uncompressed_size_hint();
    if kind == FileKind::Link && len > LONGEST_LINK {
        return Err(What::Special);
    }
    Ok(Entry {
        kind,
        len,
        packed: record.compressed_size_hint(),
        executable: kind == FileKind::File && mode.value() & 0o100 != 0,
        data,
        is_deflated: method == CompressionMethod::DEFLATE,
        checksum: record.crc32(),
    })
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
