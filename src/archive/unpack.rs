//! Files that are unpacked, to be run. In: an archive that has been read, and an empty place. Out: the files there. What
//! has no safe name was left out when it was read; links are made last, so that nothing is written through one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::fs::archived::{Archived, Entry};
use crate::fs::{FileKind, FileSystem};
use crate::path::AbsPath;

/// What was unpacked before; what is the same is not written again, but shared: nobody may write to it.
pub struct Earlier<'a> {
    /// Where.
    pub root: &'a AbsPath,
    /// What.
    pub entries: &'a BTreeMap<String, Entry>,
}

impl Earlier<'_> {
    /// Does it have the same bytes, as far as the archives tell?
    fn has(&self, name: &str, entry: &Entry) -> bool {
        let facts = |entry: &Entry| (entry.kind, entry.len, entry.checksum, entry.executable);
        self.entries.get(name).is_some_and(|known| facts(known) == facts(entry))
    }
}

/// Unpacks what lies at `archive` into `to`, which must not be there yet. Files cannot be written to, as where they are
/// deployed.
///
/// # Errors
/// The system refuses, or an entry cannot be read.
pub fn unpack(files: &Archived, archive: &AbsPath, to: &AbsPath, earlier: Option<&Earlier<'_>>) -> io::Result<()> {
    std::fs::create_dir(&**to)?;
    let is_link = |kind| kind == FileKind::Link;
    let mut made = BTreeSet::new();
    let mut make_room = |at: &AbsPath| match at.parent() {
        Some(directory) if made.insert(directory.clone()) => std::fs::create_dir_all(&*directory),
        _ => Ok(()),
    };
    for (name, entry) in files.entries().iter().filter(|(_, entry)| !is_link(entry.kind)) {
        let at = to.join(name);
        make_room(&at)?;
        let earlier = earlier.filter(|earlier| earlier.has(name, entry));
        if earlier.is_some_and(|earlier| std::fs::hard_link(&*earlier.root.join(name), &*at).is_ok()) {
            continue;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if entry.executable { 0o555 } else { 0o444 });
        io::Write::write_all(&mut options.open(&*at)?, &files.read(&archive.join(name))?)?;
    }
    #[cfg(unix)]
    for (name, _) in files.entries().iter().filter(|(_, entry)| is_link(entry.kind)) {
        let at = to.join(name);
        make_room(&at)?;
        std::os::unix::fs::symlink(files.read_link(&archive.join(name))?, &*at)?;
    }
    Ok(())
}
