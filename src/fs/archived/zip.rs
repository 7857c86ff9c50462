//! The entries of a zip archive. In: its bytes. Out: what its directory says of each, and what is wrong with that.

use std::ops::Range;
use std::sync::Arc;

use rawzip::{CompressionMethod, Error, ErrorKind, ZipArchive, ZipFileHeaderRecord};

use super::{Archived, Entry, Fault, LONGEST_LINK, Reading, What};
use crate::fs::FileKind;
use crate::path::AbsPath;

fn broken(error: &Error) -> What {
    What::Broken(match error.kind() {
        ErrorKind::MissingEndOfCentralDirectory => "it has no directory of entries at its end".to_owned(),
        ErrorKind::Eof => "it ends too early".to_owned(),
        _ => error.to_string(),
    })
}

impl Archived {
    /// Reads the zip archive that lies at `at`, and everything that is wrong with it.
    pub fn zip(at: &AbsPath, bytes: Arc<[u8]>) -> (Self, Vec<Fault>) {
        let mut reading = Reading::new(at, bytes.clone());
        if let Err(error) = read(&mut reading, bytes) {
            reading.broken(broken(&error));
        }
        reading.finish()
    }
}

fn read(reading: &mut Reading, bytes: Arc<[u8]>) -> Result<(), Error> {
    let archive = ZipArchive::from_slice(bytes)?;
    let mut entries = archive.entries();
    while let Some(record) = entries.next_entry()? {
        let Some(name) = reading.name(record.file_path().as_bytes()) else { continue };
        if record.is_dir() {
            reading.directory(name);
            continue;
        }
        let local = match archive.get_entry(record.wayfinder()) {
            Ok(local) => local,
            Err(error) => {
                reading.found(name, broken(&error));
                continue;
            }
        };
        let other = local.local_header().file_path();
        if other.as_bytes() != record.file_path().as_bytes() {
            let other = String::from_utf8_lossy(other.as_bytes()).escape_debug().to_string();
            reading.found(&name, What::OtherName(other));
        }
        let (start, end) = local.compressed_data_range();
        let data = usize::try_from(start).unwrap_or_default()..usize::try_from(end).unwrap_or_default();
        let may_go_on = match entry(&record, data) {
            Ok(entry) => reading.add(name, entry),
            Err(what) => {
                reading.found(name, what);
                true
            }
        };
        if !may_go_on {
            break;
        }
    }
    Ok(())
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
