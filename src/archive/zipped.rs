//! Zip archives. In: entries in order. Out: the file, written from its beginning to its end. What the store
//! holds deflated goes in as it is, so the format's few structures are written here (APPNOTE.TXT 4.3).

use std::io::{self, BufWriter, Write};

use super::PackError;
use super::deflate::Deflated;
use crate::plan::{Content, Entry};
use crate::store::Store;

/// Bytes of one write.
const PIECE: usize = 1 << 18;

/// Midnight on 1980-01-01, the first that the format knows: time, date.
const TIME: [u16; 2] = [0, (1 << 5) | 1];

/// Names are UTF-8 (bit 11).
const UTF_8: u16 = 1 << 11;

/// The versions of the format that an entry and a large archive need.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Made on Unix: modes are Unix's.
const UNIX: u16 = 3 << 8;

/// Writes the archive; the bytes of its entries once unpacked.
pub(super) fn write(entries: &[Entry], to: &mut dyn Write, store: &Store) -> Result<u64, PackError> {
    let mut zip = Zip { to: BufWriter::with_capacity(PIECE, to), at: 0, directory: Vec::new(), entries: 0 };
    let mut unzipped = 0;
    for entry in entries {
        let kept = match &entry.content {
            Content::Link(target) => {
                let (data, crc32) = (target.as_bytes(), crc32fast::hash(target.as_bytes()));
                zip.add(entry, 0o120_777, &Deflated { crc32, len: data.len() as u64, compressed: false, data })?;
                continue;
            }
            Content::File(path) => store.kept(path)?,
            Content::Bytes(bytes) => store.kept_of(bytes),
        };
        let deflated = Deflated::read(&kept);
        unzipped += deflated.len;
        zip.add(entry, if entry.executable { 0o100_755 } else { 0o100_644 }, &deflated)?;
    }
    zip.finish()?;
    Ok(unzipped)
}

struct Zip<'a> {
    to: BufWriter<&'a mut dyn Write>,
    /// Bytes so far.
    at: u64,
    /// The central directory so far.
    directory: Vec<u8>,
    entries: u64,
}

impl Zip<'_> {
    /// A local header with its data (4.3.7), and the row of the directory (4.3.12).
    fn add(&mut self, entry: &Entry, mode: u32, deflated: &Deflated<'_>) -> Result<(), PackError> {
        let name = entry.path.as_str().as_bytes();
        let too_large = |_| PackError::TooLarge(entry.path.clone());
        let name_len = u16::try_from(name.len()).map_err(too_large)?;
        let sizes = [deflated.data.len() as u64, deflated.len].map(u32::try_from);
        let [Ok(data_len), Ok(len)] = sizes else { return Err(PackError::TooLarge(entry.path.clone())) };
        let far = u32::try_from(self.at).is_err();

        let mut header = Vec::with_capacity(64);
        for field in [
            if far { VERSION_64 } else { VERSION },
            if entry.path.as_str().is_ascii() { 0 } else { UTF_8 },
            if deflated.compressed { 8 } else { 0 },
            TIME[0],
            TIME[1],
        ] {
            header.extend(field.to_le_bytes());
        }
        for field in [deflated.crc32, data_len, len] {
            header.extend(field.to_le_bytes());
        }
        header.extend(name_len.to_le_bytes());

        let row = &mut self.directory;
        row.extend(b"PK\x01\x02");
        row.extend((UNIX | VERSION).to_le_bytes());
        row.extend(&header);
        row.extend(if far { 12u16 } else { 0 }.to_le_bytes()); // the extra field
        row.extend([0; 6]); // no comment, first disk, binary
        row.extend((mode << 16).to_le_bytes());
        row.extend(u32::try_from(self.at).unwrap_or(u32::MAX).to_le_bytes());
        row.extend(name);
        if far {
            row.extend([1, 0, 8, 0]);
            row.extend(self.at.to_le_bytes());
        }

        header.extend([0, 0]); // no extra field
        for piece in [b"PK\x03\x04", &*header, name, deflated.data] {
            self.to.write_all(piece)?;
            self.at += piece.len() as u64;
        }
        self.entries += 1;
        Ok(())
    }

    /// The directory and its end, the larger one (4.3.14, 4.3.15) where the usual (4.3.16) cannot hold it.
    fn finish(mut self) -> io::Result<()> {
        let (start, len) = (self.at, self.directory.len() as u64);
        self.to.write_all(&self.directory)?;
        let entries = u16::try_from(self.entries);
        let [small_len, small_start] = [len, start].map(u32::try_from);
        if entries.is_err() || small_len.is_err() || small_start.is_err() {
            let mut end = b"PK\x06\x06".to_vec();
            end.extend(44u64.to_le_bytes()); // of what follows
            end.extend((UNIX | VERSION_64).to_le_bytes());
            end.extend(VERSION_64.to_le_bytes());
            end.extend([0; 8]); // first disk
            for field in [self.entries, self.entries, len, start] {
                end.extend(field.to_le_bytes());
            }
            end.extend(b"PK\x06\x07");
            end.extend([0; 4]);
            end.extend((start + len).to_le_bytes());
            end.extend(1u32.to_le_bytes());
            self.to.write_all(&end)?;
        }
        let mut end = b"PK\x05\x06".to_vec();
        end.extend([0; 4]); // first disk
        end.extend(entries.unwrap_or(u16::MAX).to_le_bytes());
        end.extend(entries.unwrap_or(u16::MAX).to_le_bytes());
        end.extend(small_len.unwrap_or(u32::MAX).to_le_bytes());
        end.extend(small_start.unwrap_or(u32::MAX).to_le_bytes());
        end.extend([0, 0]); // no comment
        self.to.write_all(&end)?;
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use zip::ZipArchive;

    use super::*;
    use crate::archive::deflate::Deflate;
    use crate::fs::Disk;
    use crate::path::ArchivePath;

    fn written(entries: &[Entry]) -> ZipArchive<Cursor<Vec<u8>>> {
        let mut bytes = Vec::new();
        assert!(write(entries, &mut bytes, &Store::new(Disk).keeping(Deflate)).is_ok());
        ZipArchive::new(Cursor::new(bytes)).unwrap()
    }

    fn entry(path: &str, content: Content, executable: bool) -> Entry {
        Entry { path: ArchivePath::new(path).unwrap(), content, executable }
    }

    #[test]
    fn another_reads_what_is_written() {
        let text = "hello ".repeat(100);
        let mut zip = written(&[
            entry("a/ü.txt", Content::Bytes(text.as_bytes().into()), false),
            entry("empty", Content::Bytes([].into()), false),
            entry("link", Content::Link("a/ü.txt".into()), false),
            entry("run", Content::Bytes(b"#!".as_slice().into()), true),
        ]);
        let mut read = |at: usize| {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), file.unix_mode(), text)
        };
        assert_eq!(read(0), ("a/ü.txt".to_owned(), Some(0o100_644), text));
        assert_eq!(read(1), ("empty".to_owned(), Some(0o100_644), String::new()));
        assert_eq!(read(2), ("link".to_owned(), Some(0o120_777), "a/ü.txt".to_owned()));
        assert_eq!(read(3), ("run".to_owned(), Some(0o100_755), "#!".to_owned()));
    }

    #[test]
    fn there_may_be_more_entries_than_the_first_format_counts() {
        let many = |at| entry(&format!("{at:06}"), Content::Bytes(format!("{at}").as_bytes().into()), false);
        let mut zip = written(&(0..70_000).map(many).collect::<Vec<_>>());
        assert_eq!(zip.len(), 70_000);
        let mut text = String::new();
        zip.by_name("069999").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "69999");
    }
}
