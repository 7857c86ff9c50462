//! Gzipped tar archives. In: entries in order. Out: the file, without owners or names of users, and with one time.

use std::io::{BufWriter, Write};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::{PackError, bytes_of};
use crate::plan::{Content, Entry};
use crate::store::Store;

/// The time of every entry, as in a zip archive, which knows none before.
const MIDNIGHT_1980: u64 = 315_532_800;

/// Writes the archive; the bytes of its entries once unpacked.
pub(super) fn write(entries: &[Entry], to: &mut dyn Write, store: &Store) -> Result<u64, PackError> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(BufWriter::new(to), Compression::new(6));
    let mut tar = Builder::new(gzip);
    let mut unpacked = 0;
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_mtime(MIDNIGHT_1980);
        header.set_uid(0);
        header.set_gid(0);
        if let Content::Link(target) = &entry.content {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            tar.append_link(&mut header, entry.path.as_str(), target)?;
            continue;
        }
        let bytes = bytes_of(&entry.content, store)?;
        unpacked += bytes.len() as u64;
        header.set_entry_type(EntryType::Regular);
        header.set_mode(if entry.executable { 0o755 } else { 0o644 });
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, entry.path.as_str(), &*bytes)?;
    }
    let mut file = tar.into_inner()?.finish()?;
    file.flush()?;
    Ok(unpacked)
}
