//! Files that are unpacked, to be run. In: an archive that has been read, and an empty place. Out: the files there. What
//! has no safe name was left out when it was read; links are made last, so that nothing is written through one.

use std::io;

use crate::fs::archived::Archived;
use crate::fs::{FileKind, FileSystem};
use crate::path::AbsPath;

/// Unpacks what lies at `archive` into `to`, which must not be there yet.
///
/// # Errors
/// The system refuses, or an entry cannot be read.
pub fn unpack(files: &Archived, archive: &AbsPath, to: &AbsPath) -> io::Result<()> {
    std::fs::create_dir(&**to)?;
    let is_link = |kind| kind == FileKind::Link;
    for (name, entry) in files.entries().iter().filter(|(_, entry)| !is_link(entry.kind)) {
        let at = to.join(name);
        if let Some(directory) = at.parent() {
            std::fs::create_dir_all(&*directory)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&*at)?;
        io::Write::write_all(&mut file, &files.read(&archive.join(name))?)?;
        #[cfg(unix)]
        if entry.executable {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(0o755))?;
        }
    }
    #[cfg(unix)]
    for (name, _) in files.entries().iter().filter(|(_, entry)| is_link(entry.kind)) {
        let at = to.join(name);
        if let Some(directory) = at.parent() {
            std::fs::create_dir_all(&*directory)?;
        }
        std::os::unix::fs::symlink(files.read_link(&archive.join(name))?, &*at)?;
    }
    Ok(())
}
