//! The files of a directory that was built as a function. In: the directory. Out: its files, as those of an archive would be:
//! what they reach outside is not there.

use std::io;

use super::{Archived, Fault, MOST_UNPACKED, Reading, What};
use crate::fs::{FileKind, FileSystem};
use crate::path::AbsPath;

impl Archived {
    /// Reads the directory at `at`, and everything that is wrong with what is in it.
    ///
    /// # Errors
    /// A part of it cannot be read.
    pub fn directory(at: &AbsPath, fs: &dyn FileSystem) -> io::Result<(Self, Vec<Fault>)> {
        let mut found = Vec::new();
        let mut bytes = Vec::new();
        let mut ahead = vec![at.clone()];
        while let Some(directory) = ahead.pop() {
            let mut names = fs.read_dir(&directory)?;
            names.sort();
            for name in names {
                let path = directory.child(name);
                let metadata = fs.lstat(&path)?;
                let start = bytes.len();
                match metadata.kind {
                    FileKind::File if (start as u64).saturating_add(metadata.len) <= MOST_UNPACKED => {
                        bytes.extend(fs.read(&path)?);
                    }
                    FileKind::Link => bytes.extend(fs.read_link(&path)?.into_os_string().into_encoded_bytes()),
                    FileKind::Directory => ahead.push(path.clone()),
                    FileKind::File => {
                        let mut reading = Reading::new(at, Vec::new().into());
                        reading.broken(What::TooLarge((start as u64).saturating_add(metadata.len)));
                        return Ok(reading.finish());
                    }
                    FileKind::Other => {}
                }
                found.push((path, metadata, start..bytes.len()));
            }
        }
        let mut reading = Reading::new(at, bytes.into());
        for (path, metadata, data) in found {
            let Ok(below) = path.strip_prefix(&**at) else { continue };
            let Some(name) = reading.name(below.as_os_str().as_encoded_bytes()) else { continue };
            match metadata.kind {
                FileKind::Directory => reading.directory(name),
                FileKind::Other => reading.found(name, What::Special),
                kind => drop(reading.add_plain(name, kind, metadata.executable, data)),
            }
        }
        Ok(reading.finish())
    }
}
