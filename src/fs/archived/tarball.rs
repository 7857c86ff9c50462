//! The entries of a gzipped tar archive. In: its bytes. Out: what its headers say of each, and what is wrong with that.

use std::io::{self, Read};
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{Archived, Fault, MOST_UNPACKED, Reading, What};
use crate::fs::FileKind;
use crate::path::AbsPath;

/// What headers and padding may add to the bytes of entries.
const MOST_AROUND: u64 = MOST_UNPACKED / 4;

impl Archived {
    /// Reads the gzipped tar archive that lies at `at`, and everything that is wrong with it.
    pub fn tarball(at: &AbsPath, packed: &[u8]) -> (Self, Vec<Fault>) {
        let most = MOST_UNPACKED + MOST_AROUND;
        // Nobody believes what its end says of its length, and what is too long is not kept.
        let len = io::copy(&mut MultiGzDecoder::new(packed).take(most + 1), &mut io::sink()).unwrap_or_default();
        if len > most {
            let mut reading = Reading::new(at, Vec::new().into());
            reading.broken(What::TooLarge(len));
            return reading.finish();
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
        let read = MultiGzDecoder::new(packed).read_to_end(&mut bytes);
        let mut rows = Vec::new();
        let mut targets = Vec::new();
        let read = read.and_then(|_| read_rows(&bytes, &mut rows, &mut targets));
        let end = bytes.len();
        bytes.extend(targets);
        let mut reading = Reading::new(at, bytes.into());
        if let Err(error) = read {
            reading.broken(What::Broken(error.to_string()));
        }
        for Row { name, what, data } in rows {
            let Some(name) = reading.name(&name) else { continue };
            let may_go_on = match what {
                Kind::Directory => {
                    reading.directory(name);
                    true
                }
                Kind::File { executable } => reading.add_plain(name, FileKind::File, executable, data),
                Kind::Link => reading.add_plain(name, FileKind::Link, false, end + data.start..end + data.end),
                Kind::Other => {
                    reading.found(name, What::Special);
                    true
                }
            };
            if !may_go_on {
                break;
            }
        }
        reading.finish()
    }
}

/// What a header says.
struct Row {
    name: Vec<u8>,
    what: Kind,
    /// Of a link, where its target stands among the targets.
    data: Range<usize>,
}

enum Kind {
    Directory,
    File { executable: bool },
    Link,
    Other,
}

fn read_rows(bytes: &[u8], rows: &mut Vec<Row>, targets: &mut Vec<u8>) -> io::Result<()> {
    for entry in Archive::new(bytes).entries()? {
        let entry = entry?;
        let written = entry.path_bytes();
        // As `tar -C directory .` writes them.
        let name = written.strip_prefix(b"./").unwrap_or(&written).to_vec();
        let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
        let mut data = start..start.saturating_add(usize::try_from(entry.size()).unwrap_or(usize::MAX));
        let what = match entry.header().entry_type() {
            EntryType::Directory if name.is_empty() => continue,
            EntryType::Directory => Kind::Directory,
            EntryType::Regular | EntryType::Continuous if bytes.get(data.clone()).is_none() => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            EntryType::Regular | EntryType::Continuous => {
                Kind::File { executable: entry.header().mode()? & 0o100 != 0 }
            }
            EntryType::Symlink => {
                let start = targets.len();
                targets.extend(&*entry.link_name_bytes().unwrap_or_default());
                data = start..targets.len();
                Kind::Link
            }
            _ => Kind::Other,
        };
        rows.push(Row { name, what, data });
    }
    Ok(())
}
