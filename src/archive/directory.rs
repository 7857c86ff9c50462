//! Plain directories. In: entries in order. Out: the directory, made beside its place and put there
//! in one step, so that nobody sees half of it.

use std::fs;
use std::io;

use super::{WriteError, bytes_of};
use crate::path::AbsPath;
use crate::plan::{Content, Entry};
use crate::process::Unfinished;
use crate::store::Store;

/// Writes the directory in the place of what was there; the bytes of its files.
pub(super) fn write(entries: &[Entry], path: &AbsPath, store: &Store) -> Result<u64, WriteError> {
    let failed = |error: &io::Error| WriteError::Output { path: path.clone(), reason: super::reason(error) };
    let parent = path.parent().unwrap_or_else(|| path.clone());
    let make = || tempfile::Builder::new().prefix(".fnzip-").suffix(".tmp").tempdir_in(&parent);
    let made = Unfinished::make(make, tempfile::TempDir::path);
    let (fresh, _ends_with_the_run) = made.map_err(|error| failed(&error))?;
    let inside = AbsPath::resolve(&parent, fresh.path());
    let mut unpacked = 0;
    for entry in entries {
        let at = inside.join(entry.path.as_str());
        if let Some(directory) = at.parent() {
            fs::create_dir_all(&directory).map_err(|error| failed(&error))?;
        }
        if let Content::Link(target) = &entry.content {
            link(target, &at).map_err(|error| failed(&error))?;
            continue;
        }
        let bytes = bytes_of(&entry.content, store)?;
        unpacked += bytes.len() as u64;
        fs::write(&at, &bytes).map_err(|error| failed(&error))?;
        set_mode(&at, if entry.executable { 0o755 } else { 0o644 }).map_err(|error| failed(&error))?;
    }
    set_directory_modes(&inside).map_err(|error| failed(&error))?;
    replace(fresh, path).map_err(|error| failed(&error))?;
    Ok(unpacked)
}

/// How often a directory is tried to be put in its place, while other runs do the same.
const TRIES: usize = 5;

/// The earlier directory steps aside, the new one takes its place, and the earlier one is removed.
/// If the new one cannot, the earlier one comes back.
fn replace(fresh: tempfile::TempDir, path: &AbsPath) -> io::Result<()> {
    let parent = path.parent().unwrap_or_else(|| path.clone());
    let mut tries = 0;
    loop {
        tries += 1;
        let aside = tempfile::Builder::new().prefix(".fnzip-").suffix(".old").tempdir_in(&parent)?;
        let earlier = aside.path().join("earlier");
        match fs::rename(path, &earlier) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::rename(fresh.path(), path) {
            Ok(()) => {
                let _ = fresh.keep(); // It has moved: there is nothing to clean up.
                return Ok(());
            }
            Err(error) => {
                // Fails if another run has filled the place, and then nothing is lost.
                let _ = fs::rename(&earlier, path);
                if tries == TRIES || error.kind() != io::ErrorKind::DirectoryNotEmpty {
                    return Err(error);
                }
            }
        }
    }
}

/// Moves an earlier directory away, where a file is to stand; it is removed when what comes back is dropped.
pub(super) fn step_aside(path: &AbsPath) -> io::Result<tempfile::TempDir> {
    let parent = path.parent().unwrap_or_else(|| path.clone());
    let aside = tempfile::Builder::new().prefix(".fnzip-").suffix(".old").tempdir_in(&parent)?;
    fs::rename(path, aside.path().join("earlier"))?;
    Ok(aside)
}

/// Directories are for everybody, whatever the umask.
fn set_directory_modes(directory: &AbsPath) -> io::Result<()> {
    set_mode(directory, 0o755)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            set_directory_modes(&directory.child(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &str, at: &AbsPath) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
fn link(target: &str, at: &AbsPath) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, at)
}

#[cfg(unix)]
fn set_mode(path: &AbsPath, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &AbsPath, _: u32) -> io::Result<()> {
    Ok(())
}
