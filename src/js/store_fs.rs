//! The store as oxc_resolver's file system. In: its questions. Out: what the store knows. Reads nothing
//! by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;
use oxc_resolver::{FileMetadata, FileSystem, ResolveError};
use rustc_hash::FxBuildHasher;

use crate::fs::{Disk, FileKind};
use crate::path::AbsPath;
use crate::store::{FileError, Store};

/// The store, as oxc_resolver wants its file system. What it reads, package.json files, it holds on
/// to: they are asked for by every path that leads to them.
pub(super) struct StoreFs {
    store: Arc<Store>,
    held: DashMap<AbsPath, Arc<[u8]>, FxBuildHasher>,
}

impl StoreFs {
    pub(super) fn on(store: Arc<Store>) -> Self {
        Self { store, held: DashMap::default() }
    }

    fn io<T>(result: Result<T, FileError>) -> io::Result<T> {
        result.map_err(|error| match error {
            FileError::Io { kind, .. } => kind.into(),
            FileError::LinkLoop { .. } => io::ErrorKind::NotFound.into(),
        })
    }

    fn metadata_of(kind: FileKind) -> FileMetadata {
        FileMetadata::new(kind == FileKind::File, kind == FileKind::Directory, kind == FileKind::Link)
    }
}

impl FileSystem for StoreFs {
    // The flag is there because rolldown switches it on for all.
    fn new(_yarn_pnp: bool) -> Self {
        Self::on(Arc::new(Store::new(Disk)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = AbsPath::of(path);
        if !self.store.is_file(&path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let bytes = Self::io(self.store.read(&path))?;
        self.store.decides(&path);
        self.held.insert(path, bytes.clone());
        Ok(bytes.to_vec())
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(FileSystem::read(self, path)?).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Self::io(self.store.stat(&AbsPath::of(path))).map(|metadata| Self::metadata_of(metadata.kind))
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Self::io(self.store.lstat(&AbsPath::of(path))).map(|metadata| Self::metadata_of(metadata.kind))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        Ok(Self::io(self.store.read_link(&AbsPath::of(path)))?)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Self::io(self.store.real(&AbsPath::of(path))).map(|real| real.path.to_path_buf())
    }
}
