//! What lies in an output directory, of fnzip or of any other packager. In: the directory and its manifest. Out: functions
//! with their archives, the files in an archive, what the platform starts of it, and the packages that it has. Judges
//! nothing but whether it can be read.

mod entry;
mod listed;
mod packages;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::entry::{Entry, entry};
pub use self::listed::{Listed, agrees, deployed, format, listed};
pub use self::packages::{Package, packages};
use crate::binary;
use crate::fs::archived::{Archived, Fault};
use crate::path::AbsPath;
use crate::runtime::PROGRAM;
use crate::store::{FileError, Store};

/// What a manifest is called.
const MANIFEST: &str = "manifest.json";

/// Where the archives and their manifest are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    /// The directory of the archives.
    pub out: AbsPath,
    /// The manifest; it need not be there unless somebody has named it.
    pub manifest: AbsPath,
    /// Somebody has named it.
    pub wants_manifest: bool,
    /// The one archive that is meant; none, if all are.
    pub only: Option<AbsPath>,
}

impl Place {
    /// An output directory; its manifest is in it, if there is one.
    pub fn of_directory(out: AbsPath) -> Self {
        Self { manifest: out.child(MANIFEST), out, wants_manifest: false, only: None }
    }

    /// One archive, or a directory that holds a function; the manifest beside it may know more.
    pub fn of_archive(archive: AbsPath) -> Self {
        let out = archive.parent().unwrap_or_else(|| archive.clone());
        Self { only: Some(archive), ..Self::of_directory(out) }
    }
}

/// What was built for a function, once it has been read.
pub struct Opened {
    /// Its bytes; of a directory, those of its files.
    pub bytes: Arc<[u8]>,
    /// What it is.
    pub form: Form,
    /// The files in it.
    pub files: Archived,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// What a function was built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A zip archive, as platforms take them.
    Zip,
    /// A gzipped tar archive.
    Tarball,
    /// A directory.
    Directory,
    /// A program by itself.
    Program,
    /// Something else: a container image.
    Other,
}

/// Reads what was built, once: it is not kept.
///
/// # Errors
/// It cannot be read; what is wrong with its content is no error.
pub fn open(listed: &Listed, store: &Store) -> Result<Opened, FileError> {
    let at = &listed.path;
    if store.is_dir(at) {
        let read = Archived::directory(at, &*store.file_system());
        let (files, faults) = read.map_err(|error| FileError::new(at, &error))?;
        return Ok(Opened { bytes: files.bytes().clone(), form: Form::Directory, files, faults });
    }
    let bytes = store.read_apart(at)?;
    let form = match at.extension() {
        "zip" => Form::Zip,
        _ if bytes.starts_with(&[0x1f, 0x8b]) => Form::Tarball,
        _ if binary::read(&bytes).is_some() => Form::Program,
        _ => Form::Other,
    };
    let (files, faults) = match form {
        Form::Tarball => Archived::tarball(at, &bytes),
        Form::Program => Archived::program(at, bytes.clone(), PROGRAM),
        Form::Other => Archived::opaque(at),
        Form::Zip | Form::Directory => Archived::zip(at, bytes.clone()),
    };
    Ok(Opened { bytes, form, files, faults })
}
