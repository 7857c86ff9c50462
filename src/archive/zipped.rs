//! Zip archives. In: entries in order. Out: the file. Entries that the store holds deflated go in as
//! they are: each is wrapped as an archive of its own, which the zip crate copies raw.

use std::fs::File;
use std::io::{BufWriter, Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipArchive, ZipWriter};

use super::PackError;
use super::deflate::Deflated;
use crate::plan::{Content, Entry};
use crate::store::Store;

/// Writes the archive; the bytes of its entries once unpacked.
pub(super) fn write(entries: &[Entry], file: &mut File, store: &Store) -> Result<u64, PackError> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 18, file));
    let mut unzipped = 0;
    for entry in entries {
        let kept = match &entry.content {
            Content::Link(target) => {
                let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
                zip.add_symlink(entry.path.as_str(), target, options).map_err(std::io::Error::from)?;
                continue;
            }
            Content::File(path) => store.kept(path)?,
            Content::Bytes(bytes) => store.kept_of(bytes),
        };
        let deflated = Deflated::read(&kept);
        unzipped += deflated.len;
        let single = single(entry, &deflated).ok_or_else(|| PackError::TooLarge(entry.path.clone()))?;
        let mut single = ZipArchive::new(Cursor::new(single)).map_err(std::io::Error::from)?;
        let raw = single.by_index_raw(0).map_err(std::io::Error::from)?;
        zip.raw_copy_file(raw).map_err(std::io::Error::from)?;
    }
    let mut file = zip.finish().map_err(std::io::Error::from)?;
    file.flush()?;
    Ok(unzipped)
}

/// An archive of one entry (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16); none past 4 GB.
fn single(entry: &Entry, deflated: &Deflated<'_>) -> Option<Vec<u8>> {
    let name = entry.path.as_str().as_bytes();
    let mode: u32 = if entry.executable { 0o100_755 } else { 0o100_644 };
    let data_len = u32::try_from(deflated.data.len()).ok()?;
    let mut common = Vec::with_capacity(32);
    let version: u16 = 20;
    let flags: u16 = if entry.path.as_str().is_ascii() { 0 } else { 1 << 11 };
    let method: u16 = if deflated.compressed { 8 } else { 0 };
    for field in [version, flags, method, 0, (1 << 5) | 1] {
        common.extend(field.to_le_bytes()); // the last two: midnight on 1980-01-01
    }
    for field in [deflated.crc32, data_len, u32::try_from(deflated.len).ok()?] {
        common.extend(field.to_le_bytes());
    }
    common.extend(u16::try_from(name.len()).ok()?.to_le_bytes());
    common.extend([0, 0]); // no extra field

    let mut archive = Vec::with_capacity(deflated.data.len() + 2 * name.len() + 128);
    archive.extend(b"PK\x03\x04");
    archive.extend(&common);
    archive.extend(name);
    archive.extend(deflated.data);
    let directory = u32::try_from(archive.len()).ok()?;
    archive.extend(b"PK\x01\x02");
    archive.extend([20, 3]); // made by version 2.0 on Unix
    archive.extend(&common);
    archive.extend([0; 6]); // no comment, first disk, binary
    archive.extend((mode << 16).to_le_bytes());
    archive.extend([0; 4]); // where its local header is
    archive.extend(name);
    let directory_len = u32::try_from(archive.len()).ok()? - directory;
    archive.extend(b"PK\x05\x06");
    archive.extend([0, 0, 0, 0, 1, 0, 1, 0]);
    archive.extend(directory_len.to_le_bytes());
    archive.extend(directory.to_le_bytes());
    archive.extend([0, 0]);
    Some(archive)
}
