//! From a plan to a file on the disk. In: entries and the store that holds their contents. Out: an
//! [`Archive`], written beside its final place and renamed into it. The same entries give the same
//! bytes everywhere: no clock, owner or umask gets in. Knows no language.

pub mod deflate;
mod directory;
mod tarball;
mod unpack;
mod zipped;

pub use self::unpack::{Earlier, unpack};

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::path::{AbsPath, ArchivePath};
use crate::plan::{Content, Entry, Output};
use crate::process;
use crate::settings::Format;
use crate::store::{FileError, Hash, Store};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Archive {
    /// Where it is.
    pub path: AbsPath,
    /// Bytes on the disk; none for a directory.
    pub size: Option<u64>,
    /// Bytes once unpacked; none where the archive was not looked into.
    pub unzipped_size: Option<u64>,
    /// Of the file, in hexadecimal; none for a directory.
    pub sha256: Option<String>,
    /// Of the file, as the store knows it; none for a directory.
    pub hash: Option<Hash>,
    /// How many entries it has.
    pub entries: usize,
}

/// Why an archive was not written. The earlier one is still there.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output cannot be written.
    #[error("{path}: cannot be written: {reason}")]
    Output {
        /// The output.
        path: AbsPath,
        /// A fragment.
        reason: String,
    },
    /// A source file cannot be read any more.
    #[error(transparent)]
    Source(#[from] FileError),
    /// A file is larger, or its name longer, than an entry can hold.
    #[error("{0}: larger than 4 GB, or its name is longer than 64 KB")]
    TooLarge(ArchivePath),
}

/// Where the output of function `name` stands in `directory`.
pub fn place(output: &Output, name: &str, directory: &AbsPath, format: Format) -> AbsPath {
    match (output, format) {
        (Output::Verbatim { name, .. }, _) => directory.child(name),
        (_, Format::None) => directory.child(name),
        (_, Format::Tar) => directory.child(format!("{name}.tgz")),
        (_, Format::Zip) => directory.child(format!("{name}.zip")),
    }
}

/// Is a file there, just as it was written?
pub fn is_there(archive: &Archive, store: &Store) -> bool {
    archive.hash.is_some() && store.hash_apart(&archive.path).ok() == archive.hash
}

/// Writes the output of function `name` into `directory`.
///
/// # Errors
/// The output cannot be written, or a source cannot be read.
pub fn write(
    output: &Output,
    name: &str,
    directory: &AbsPath,
    format: Format,
    store: &Store,
) -> Result<Archive, WriteError> {
    let _span = tracing::info_span!("write", of = name).entered();
    let failed = |error: &io::Error| WriteError::Output { path: directory.clone(), reason: reason(error) };
    let path = place(output, name, directory, format);
    match (output, format) {
        (Output::Verbatim { content, executable, entries, unzipped, .. }, _) => {
            let mut file = Unfinished::beside(directory).map_err(|error| failed(&error))?;
            copy(content, &mut file, store).map_err(|error| error.at(&path))?;
            file.put(path, *executable, *entries, *unzipped)
        }
        (Output::Archive(entries), Format::None) => {
            let unzipped_size = Some(directory::write(entries, &path, store)?);
            Ok(Archive { path, size: None, unzipped_size, sha256: None, hash: None, entries: entries.len() })
        }
        (Output::Archive(entries), Format::Zip | Format::Tar) => {
            let pack: Pack = if format == Format::Tar { tarball::write } else { zipped::write };
            let mut file = Unfinished::beside(directory).map_err(|error| failed(&error))?;
            let unzipped = pack(entries, &mut file, store).map_err(|error| error.at(&path))?;
            file.put(path, false, entries.len(), Some(unzipped))
        }
    }
}

type Pack = fn(&[Entry], &mut dyn Write, &Store) -> Result<u64, PackError>;

/// What goes wrong while an archive is put together.
enum PackError {
    Write(io::Error),
    Source(FileError),
    TooLarge(ArchivePath),
}

impl PackError {
    fn at(self, path: &AbsPath) -> WriteError {
        match self {
            Self::Write(error) => WriteError::Output { path: path.clone(), reason: reason(&error) },
            Self::Source(error) => WriteError::Source(error),
            Self::TooLarge(file) => WriteError::TooLarge(file),
        }
    }
}

impl From<io::Error> for PackError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<FileError> for PackError {
    fn from(error: FileError) -> Self {
        Self::Source(error)
    }
}

/// The bytes of an entry that is no link.
fn bytes_of(content: &Content, store: &Store) -> Result<std::sync::Arc<[u8]>, FileError> {
    match content {
        Content::File(path) => store.read(path),
        Content::Bytes(bytes) => Ok(bytes.clone()),
        Content::Link(target) => Ok(target.as_bytes().into()),
    }
}

/// Copies what may be as large as a container image: a piece at a time.
fn copy(content: &Content, to: &mut dyn Write, store: &Store) -> Result<(), PackError> {
    match content {
        Content::File(path) => {
            let unreadable = |error: &io::Error| PackError::Source(FileError::new(path, error));
            let mut from = store.file_system().open(path).map_err(|error| unreadable(&error))?;
            let mut to = BufWriter::with_capacity(1 << 18, to);
            io::copy(&mut from, &mut to)?;
            to.flush()?;
        }
        content => to.write_all(&bytes_of(content, store)?)?,
    }
    Ok(())
}

/// Makes sure that `directory` is there and can be written to, before any work is done.
///
/// # Errors
/// It cannot be made, or nothing can be written in it.
pub fn prepare(directory: &AbsPath) -> Result<(), WriteError> {
    if directory.is_file() {
        return Err(WriteError::Output { path: directory.clone(), reason: "it is a file".into() });
    }
    let made = std::fs::create_dir_all(directory).and_then(|()| temporary(directory).map(drop));
    made.map_err(|error| WriteError::Output { path: directory.clone(), reason: reason(&error) })
}

/// A file beside the final place, so that renaming it is atomic. Two runs never share one.
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".fnzip-").suffix(".tmp").tempfile_in(directory)
}

/// A file beside its final place, known by what was written so far.
struct Unfinished {
    file: tempfile::NamedTempFile,
    /// It goes with the run, until it has its place.
    _ends_with_the_run: process::Unfinished,
    size: u64,
    sha256: Sha256,
    hash: blake3::Hasher,
}

impl Unfinished {
    fn beside(directory: &Path) -> io::Result<Self> {
        let (file, _ends_with_the_run) =
            process::Unfinished::make(|| temporary(directory), tempfile::NamedTempFile::path)?;
        Ok(Self { file, _ends_with_the_run, size: 0, sha256: Sha256::new(), hash: blake3::Hasher::new() })
    }

    /// Moves the file to its place.
    fn put(
        self,
        path: AbsPath,
        executable: bool,
        entries: usize,
        unzipped_size: Option<u64>,
    ) -> Result<Archive, WriteError> {
        let failed = |error: &io::Error| WriteError::Output { path: path.clone(), reason: reason(error) };
        for_everybody(self.file.as_file(), executable).map_err(|error| failed(&error))?;
        let in_the_way = path.is_dir().then(|| directory::step_aside(&path)).transpose();
        let in_the_way = in_the_way.map_err(|error| failed(&error))?;
        self.file.persist(&path).map_err(|error| failed(&error.error))?;
        drop(in_the_way);
        let sha256 = Some(hexadecimal(&self.sha256.finalize()));
        let hash = Some(*self.hash.finalize().as_bytes());
        Ok(Archive { path, size: Some(self.size), unzipped_size, sha256, hash, entries })
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Bytes as hashes are published.
pub fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The system's reason in words that do not depend on the locale; another crate's as it says it.
fn reason(error: &io::Error) -> String {
    if error.raw_os_error().is_some() { crate::store::describe(error.kind()) } else { error.to_string() }
}

/// Temporary files are for their owner alone; what is built is for everybody.
#[cfg(unix)]
fn for_everybody(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn for_everybody(_: &File, _: bool) -> io::Result<()> {
    Ok(())
}

/// Writes `bytes` to `path` all at once or not at all.
///
/// # Errors
/// It cannot be written; what was there still is.
pub fn write_file(path: &AbsPath, bytes: &[u8]) -> Result<(), WriteError> {
    let directory = path.parent().unwrap_or_else(|| path.clone());
    let failed = |error: &io::Error| WriteError::Output { path: path.clone(), reason: reason(error) };
    let file =
        std::fs::create_dir_all(&directory).and_then(|()| Unfinished::beside(&directory)).and_then(|mut file| {
            file.write_all(bytes)?;
            Ok(file)
        });
    file.map_err(|error| failed(&error))?.put(path.clone(), false, 0, None).map(drop)
}

/// Removes an archive if it still is what its hash says.
pub fn remove_if_unchanged(path: &AbsPath, sha256: &str) {
    let same = std::fs::read(path).is_ok_and(|bytes| hexadecimal(&Sha256::digest(&bytes)) == sha256);
    if same {
        let _ = std::fs::remove_file(path);
    }
}
