//! One file of remembered bytes, written once and never changed. In: bytes, each with its key. Out: the same
//! bytes; nothing where a single bit is not as it was written. Never trusts a length that it has not checked.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Key;

/// The first bytes of a pack, and the last.
const MAGIC: [u8; 16] = *b"fnzip's pack 1\r\n";

/// A row of the index: key, offset, length, and the first bytes of the content's hash.
const ROW: usize = 16 + 8 + 8 + 8;

/// Where the index begins, its hash, and the magic.
const FOOTER: usize = 8 + 32 + MAGIC.len();

/// Where an entry is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    offset: u64,
    /// In bytes.
    pub(super) len: u64,
    check: [u8; 8],
}

/// A pack, opened.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) path: PathBuf,
    pub(super) index: Vec<(Key, Place)>,
    /// In bytes.
    pub(super) size: u64,
    file: File,
}

impl Pack {
    /// Opens a pack and reads its index.
    ///
    /// # Errors
    /// `InvalidData` if it is damaged; else as the system says.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let footer_at = size.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        let mut footer = [0; FOOTER];
        file.seek(SeekFrom::Start(footer_at))?;
        file.read_exact(&mut footer)?;
        let (index_at, rest) = footer.split_at(8);
        let (hash, magic) = rest.split_at(32);
        let index_at = number(index_at);
        let len = footer_at.checked_sub(index_at).and_then(|len| usize::try_from(len).ok()).ok_or_else(damaged)?;
        if magic != MAGIC || !len.is_multiple_of(ROW) {
            return Err(damaged());
        }
        let mut rows = vec![0; len];
        file.seek(SeekFrom::Start(index_at))?;
        file.read_exact(&mut rows)?;
        if *hash_of_index(index_at, &rows).as_bytes() != *hash {
            return Err(damaged());
        }
        let index = rows.chunks_exact(ROW).map(read_row).collect();
        Ok(Self { path: path.to_owned(), index, size, file })
    }

    /// The bytes at a place of this pack's index; none if they are not what was written.
    pub(super) fn read(&self, place: &Place) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(place.len).ok()?];
        read_at(&self.file, &mut bytes, place.offset).ok()?;
        (check(&bytes) == place.check).then_some(bytes)
    }
}

/// A pack that is being written: it has no name until it is whole.
pub(super) struct Writer {
    file: BufWriter<NamedTempFile>,
    at: u64,
    rows: Vec<u8>,
}

impl Writer {
    /// Begins a pack in this directory.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(super::UNFINISHED).tempfile_in(directory)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        file.write_all(&MAGIC)?;
        Ok(Self { file, at: MAGIC.len() as u64, rows: Vec::new() })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// As the system says; the pack is then worth nothing.
    pub(super) fn add(&mut self, key: Key, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.rows.extend(key.0);
        self.rows.extend(self.at.to_le_bytes());
        self.rows.extend((bytes.len() as u64).to_le_bytes());
        self.rows.extend(check(bytes));
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.at
    }

    /// Ends the pack and gives it a name, which is that of its contents.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn finish(mut self) -> io::Result<PathBuf> {
        let hash = hash_of_index(self.at, &self.rows);
        self.file.write_all(&self.rows)?;
        self.file.write_all(&self.at.to_le_bytes())?;
        self.file.write_all(hash.as_bytes())?;
        self.file.write_all(&MAGIC)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let name = format!("{}.{}", &hash.to_hex()[..32], super::PACK);
        let path = file.path().with_file_name(name);
        file.persist(&path)?;
        Ok(path)
    }
}

fn hash_of_index(at: u64, rows: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(&at.to_le_bytes()).update(rows).finalize()
}

fn check(bytes: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    check
}

fn read_row(row: &[u8]) -> (Key, Place) {
    let mut key = [0; 16];
    key.copy_from_slice(&row[..16]);
    let mut check = [0; 8];
    check.copy_from_slice(&row[32..]);
    (Key(key), Place { offset: number(&row[16..24]), len: number(&row[24..32]), check })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
