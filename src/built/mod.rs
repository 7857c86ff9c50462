//! What lies in an output directory, of fnzip or of any other packager. In: the directory and its manifest. Out: functions
//! with their archives, the files in an archive, what the platform starts of it, and the packages that it has. Judges
//! nothing but whether it can be read.

mod entry;
mod listed;
mod packages;

use std::sync::Arc;

pub use self::entry::{Entry, entry};
pub use self::listed::{Listed, agrees, listed};
pub use self::packages::{Package, packages};
use crate::fs::archived::{Archived, Fault};
use crate::path::AbsPath;
use crate::store::{FileError, Store};

/// Where the archives and their manifest are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory of the archives.
    pub out: AbsPath,
    /// The manifest; it need not be there unless somebody has named it.
    pub manifest: AbsPath,
    /// Somebody has named it.
    pub wants_manifest: bool,
}

/// An archive that has been read.
pub struct Opened {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// The files in it.
    pub files: Archived,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// Reads an archive, once: it is not kept.
///
/// # Errors
/// It cannot be read; what is wrong with its content is no error.
pub fn open(listed: &Listed, store: &Store) -> Result<Opened, FileError> {
    let bytes = store.read_apart(&listed.path)?;
    let (files, faults) = Archived::read(&listed.path, bytes.clone());
    Ok(Opened { bytes, files, faults })
}
