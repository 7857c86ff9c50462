//! Plain directories. In: entries in order. Out: the directory, made beside its place and put there
//! in one step, so that nobody sees half of it.

use std::fs;
use std::io;

use super::{WriteError, bytes_of};
use crate::path::AbsPath;
use crate::plan::{Content, Entry};
use crate::store::Store;

/// Writes the directory in the place of what was there; the bytes of its files.
pub(super) fn write(entries: &[Entry], path: &AbsPath, store: &Store) -> Result<u64, WriteError> {
    let failed = |error: &io::Error| WriteError::Output { path: path.clone(), kind: error.kind() };
    let parent = path.parent().unwrap_or_else(|| path.clone());
    let fresh =
        tempfile::Builder::new().prefix(".fnzip-").suffix(".tmp").tempdir_in(&parent).map_err(|e| failed(&e))?;
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
    set_mode(&inside, 0o755).map_err(|error| failed(&error))?;
    replace(fresh, path).map_err(|error| failed(&error))?;
    Ok(unpacked)
}

/// The earlier directory steps aside, the new one takes its place, and the earlier one is removed.
fn replace(fresh: tempfile::TempDir, path: &AbsPath) -> io::Result<()> {
    let parent = path.parent().unwrap_or_else(|| path.clone());
    let aside = tempfile::Builder::new().prefix(".fnzip-").suffix(".old").tempdir_in(&parent)?;
    if fs::symlink_metadata(path).is_ok() {
        fs::rename(path, aside.path().join("earlier"))?;
    }
    fs::rename(fresh.path(), path)?;
    let _ = fresh.keep(); // It has moved: there is nothing to clean up.
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
