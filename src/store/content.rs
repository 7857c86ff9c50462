//! Contents. In: a path, or bytes. Out: the bytes, their hash, and what is made of them.

use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};

use super::{FileError, Hash, Keep, Store};
use crate::cache::Key;
use crate::fs::{FileKind, Metadata, ReadSeek};
use crate::path::AbsPath;

/// What the store holds of a file's content.
#[derive(Default)]
pub(super) struct Content {
    bytes: Option<Weak<[u8]>>,
    /// Nothing has been made of them yet: what becomes part of a bundle is never asked for.
    held: Option<Arc<[u8]>>,
    hash: Option<Hash>,
    kept: Option<Arc<[u8]>>,
    failed: Option<FileError>,
}

/// So many bytes are held on to until somebody asks what is kept of them. Of all others it is made at once.
const MOST_HELD: usize = 32 << 20;

/// A content that is known by its hash.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which it is.
    pub hash: Hash,
    /// The bytes, if the file had to be read.
    pub bytes: Option<Arc<[u8]>>,
}

impl Store {
    /// A file's bytes. They stay in memory as long as somebody holds them.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn read(&self, path: &AbsPath) -> Result<Arc<[u8]>, FileError> {
        self.with_content(path, |content, real| {
            if let Some(bytes) = content.bytes.as_ref().and_then(Weak::upgrade) {
                return Ok(bytes);
            }
            let bytes: Arc<[u8]> = match (&content.kept, &self.keep) {
                (Some(kept), Some(keep)) => keep.restore(kept).into(),
                _ => self.read_now(content, real)?,
            };
            content.bytes = Some(Arc::downgrade(&bytes));
            Ok(bytes)
        })
    }

    /// The bytes of a file that is used once: nothing is made of them, and nothing is kept.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn read_apart(&self, path: &AbsPath) -> Result<Arc<[u8]>, FileError> {
        let real = self.real(path)?.path;
        self.opened.insert(real.clone());
        self.fs().read(&real).map(Into::into).map_err(|error| FileError::new(&real, &error))
    }

    /// The first bytes of a file, so many if it has them: enough to know what it is. They are not kept.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn head(&self, path: &AbsPath, len: usize) -> Result<Vec<u8>, FileError> {
        let mut head = Vec::with_capacity(len);
        let read = Read::take(self.open(path)?, len as u64).read_to_end(&mut head);
        read.map(|_| head).map_err(|error| FileError::new(path, &error))
    }

    /// A file of which only parts are wanted.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn open(&self, path: &AbsPath) -> Result<Box<dyn ReadSeek>, FileError> {
        let real = self.real(path)?.path;
        self.opened.insert(real.clone());
        self.fs().open(&real).map_err(|error| FileError::new(&real, &error))
    }

    /// What is kept of a file's bytes; the bytes themselves where nothing is made of them.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn kept(&self, path: &AbsPath) -> Result<Arc<[u8]>, FileError> {
        self.with_content(path, |content, real| {
            if let Some(kept) = &content.kept {
                return Ok(kept.clone());
            }
            // Which content it is may be known, and what is kept of it remembered: then it is not read.
            let hash = self.known_hash(content, real);
            if let (Some(keep), Some(hash), None) = (&self.keep, hash, &content.held)
                && let Some(kept) = self.recall(kept_as(&**keep, &hash))
            {
                return Ok(content.kept.insert(kept.into()).clone());
            }
            let bytes = match content.bytes.as_ref().and_then(Weak::upgrade) {
                Some(bytes) => bytes,
                None => self.read_now(content, real)?,
            };
            let Some(keep) = &self.keep else { return Ok(bytes) };
            if let Some(held) = content.held.take() {
                self.held.fetch_sub(held.len(), Ordering::Relaxed);
            }
            if let Some(kept) = &content.kept {
                return Ok(kept.clone());
            }
            let kept = self.keep_now(&**keep, &bytes, &content.hash.unwrap_or_default());
            Ok(content.kept.insert(kept.into()).clone())
        })
    }

    /// Is anything made of contents?
    pub fn keeps(&self) -> bool {
        self.keep.is_some()
    }

    /// What is kept of bytes that are no file's, made once for all who have the same; the bytes themselves
    /// where nothing is made of them.
    pub fn kept_of(&self, bytes: &Arc<[u8]>) -> Arc<[u8]> {
        let Some(keep) = &self.keep else { return bytes.clone() };
        let hash = *blake3::hash(bytes).as_bytes();
        if let Some(known) = self.made.get(&hash) {
            return known.clone();
        }
        let kept: Arc<[u8]> = self.keep_now(&**keep, bytes, &hash).into();
        self.made.entry(hash).or_insert(kept).clone()
    }

    /// Which content a file has. It is not read if nothing has happened to it since an earlier run read it.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn seen(&self, path: &AbsPath) -> Result<Seen, FileError> {
        self.with_content(path, |content, real| {
            if let Some(hash) = self.known_hash(content, real) {
                return Ok(Seen { hash, bytes: None });
            }
            let bytes = match (content.bytes.as_ref().and_then(Weak::upgrade), &content.kept, &self.keep) {
                (Some(bytes), ..) => bytes,
                (None, Some(kept), Some(keep)) => keep.restore(kept).into(),
                _ => self.read_now(content, real)?,
            };
            content.bytes = Some(Arc::downgrade(&bytes));
            let hash = *content.hash.get_or_insert_with(|| *blake3::hash(&bytes).as_bytes());
            Ok(Seen { hash, bytes: Some(bytes) })
        })
    }

    /// Which content a file has of which nothing is made: an output, as it is now.
    ///
    /// # Errors
    /// It is no file, or the system refused.
    pub fn hash_apart(&self, path: &AbsPath) -> Result<Hash, FileError> {
        // Not remembered for the run: it is about to be replaced.
        let metadata = self.fs().lstat(path).map_err(|error| FileError::new(path, &error))?;
        if metadata.kind != FileKind::File {
            return Err(FileError::not_found(path));
        }
        if let Some(hash) = self.memory.get().and_then(|memory| memory.hash(path, &metadata)) {
            return Ok(hash);
        }
        let mut hash = blake3::Hasher::new();
        let read = self.fs().open(path).and_then(|file| hash.update_reader(file).map(drop));
        read.map_err(|error| FileError::new(path, &error))?;
        let hash = *hash.finalize().as_bytes();
        if let Some(memory) = self.memory.get() {
            memory.learn(path, &metadata, hash);
        }
        Ok(hash)
    }

    /// Is anything remembered between runs?
    pub fn remembers(&self) -> bool {
        self.memory.get().is_some()
    }

    /// What was remembered under a key.
    pub fn recall(&self, key: Key) -> Option<Vec<u8>> {
        self.memory.get()?.cache.get(key)
    }

    /// Remembers these bytes under a key that says all that they depend on.
    pub fn remember(&self, key: Key, bytes: &[u8]) {
        if let Some(memory) = self.memory.get() {
            memory.cache.put(key, bytes);
        }
    }

    /// What was last said under a key.
    pub fn recall_last(&self, key: Key) -> Option<Vec<u8>> {
        self.memory.get()?.cache.record(key)
    }

    /// Says something under a key, instead of what was said before.
    pub fn remember_last(&self, key: Key, bytes: &[u8]) {
        if let Some(memory) = self.memory.get() {
            memory.cache.set_record(key, bytes);
        }
    }

    /// Ends a run in which nothing was made: which contents files have may be known only now.
    pub fn settle(&self) {
        if let Some(memory) = self.memory.get() {
            memory.finish();
        }
    }

    /// Ends a run: what it has learned is found by the next, in a cache of at most `limit` bytes.
    pub fn finish(&self, limit: u64) {
        if let Some(memory) = self.memory.get() {
            memory.finish();
            memory.cache.finish(limit);
        }
    }

    /// A file with these facts has this content, as somebody else remembers.
    pub(super) fn learn(&self, path: &AbsPath, metadata: &Metadata, hash: Hash) {
        if let Some(memory) = self.memory.get()
            && !path.in_node_modules()
        {
            memory.learn(path, metadata, hash);
        }
    }

    /// Runs `f` on the one record of the file that `path` leads to, whatever its name.
    fn with_content<T>(
        &self,
        path: &AbsPath,
        f: impl FnOnce(&mut Content, &AbsPath) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let real = self.real(path)?.path;
        let content = self.contents.entry(real.clone()).or_default().clone();
        let mut content = content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &content.failed {
            return Err(error.clone());
        }
        f(&mut content, &real)
    }

    fn known_hash(&self, content: &mut Content, real: &AbsPath) -> Option<Hash> {
        if content.hash.is_none()
            && let Some(memory) = self.memory.get()
        {
            let metadata = self.lstat(real).ok()?;
            content.hash = memory.hash(real, &metadata);
            if let Some(hash) = content.hash {
                memory.learn(real, &metadata, hash);
            }
        }
        content.hash
    }

    fn read_now(&self, content: &mut Content, real: &AbsPath) -> Result<Arc<[u8]>, FileError> {
        // Before it is read: what changes it from here on changes its facts as well.
        let metadata = self.memory.get().map(|_| self.lstat(real)).transpose()?;
        let reading = tracing::info_span!("read", of = %real).entered();
        let read = self.fs().read(real);
        drop(reading);
        match read {
            Ok(bytes) => {
                let hash = || *blake3::hash(&bytes).as_bytes();
                if let (Some(memory), Some(metadata)) = (self.memory.get(), metadata) {
                    memory.learn(real, &metadata, *content.hash.insert(hash()));
                }
                let bytes: Arc<[u8]> = bytes.into();
                if self.held.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len() <= MOST_HELD {
                    content.held = Some(bytes.clone());
                    content.bytes = Some(Arc::downgrade(&bytes));
                } else {
                    self.held.fetch_sub(bytes.len(), Ordering::Relaxed);
                    let keep = |keep: &dyn Keep| self.keep_now(keep, &bytes, &content.hash.unwrap_or_default());
                    content.kept = self.keep.as_deref().map(|form| keep(form).into());
                }
                Ok(bytes)
            }
            Err(error) => {
                let error = FileError::new(real, &error);
                content.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// What is kept of bytes with this hash.
    fn keep_now(&self, keep: &dyn Keep, bytes: &[u8], hash: &Hash) -> Vec<u8> {
        let key = kept_as(keep, hash);
        self.recall(key).unwrap_or_else(|| {
            let kept = keep.keep(bytes);
            self.remember(key, &kept);
            kept
        })
    }
}

fn kept_as(keep: &dyn Keep, hash: &Hash) -> Key {
    Key::of(keep.name(), [&hash[..]])
}
