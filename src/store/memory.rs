//! Which contents files had when they were last read. In: a path and its facts. Out: the hash of its content,
//! if nothing has happened to it since. Never reads the file.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use borsh::{BorshDeserialize, BorshSerialize};
use dashmap::DashMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::Hash;
use super::paths::{Compact, Paths};
use crate::cache::{Cache, Key};
use crate::fs::{FileKind, Metadata, Stamp};
use crate::path::AbsPath;

/// So many files may be remembered that the run has not looked at: those of other functions.
const MOST_OTHERS: usize = 100_000;

/// What is remembered of files between runs, and where.
pub(super) struct Memory {
    pub(super) cache: Cache,
    key: Key,
    known: OnceLock<FxHashMap<AbsPath, Known>>,
    fresh: DashMap<AbsPath, Known, FxBuildHasher>,
    /// Something is fresh that was not known.
    has_news: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, BorshSerialize, BorshDeserialize)]
struct Known {
    len: u64,
    stamp: Stamp,
    hash: Hash,
}

impl Memory {
    /// What `cache` remembers of the files that are seen from `top`.
    pub(super) fn of(cache: Cache, top: &AbsPath) -> Self {
        let key = Key::of("files", [top.as_os_str().as_encoded_bytes()]);
        Self { cache, key, known: OnceLock::new(), fresh: DashMap::default(), has_news: AtomicBool::new(false) }
    }

    fn known(&self) -> &FxHashMap<AbsPath, Known> {
        self.known.get_or_init(|| self.cache.record(self.key).and_then(|record| read(&record)).unwrap_or_default())
    }

    /// The hash of a file's content, if it is as it was.
    pub(super) fn hash(&self, path: &AbsPath, metadata: &Metadata) -> Option<Hash> {
        let known = self.fresh.get(path).map(|known| *known).or_else(|| self.known().get(path).copied())?;
        let is_same = known.len == metadata.len && known.stamp == metadata.stamp;
        is_same.then_some(known.hash)
    }

    /// The content of a file was read, after these facts were.
    pub(super) fn learn(&self, path: &AbsPath, metadata: &Metadata, hash: Hash) {
        if metadata.kind == FileKind::File && metadata.stamp.is_settled(SystemTime::now()) {
            let known = Known { len: metadata.len, stamp: metadata.stamp, hash };
            if self.known().get(path) != Some(&known) {
                self.has_news.store(true, Ordering::Relaxed);
            }
            self.fresh.insert(path.clone(), known);
        }
    }

    /// Remembers what was learned.
    pub(super) fn finish(&self) {
        if !self.has_news.load(Ordering::Relaxed) {
            return;
        }
        let others = self.known().iter().filter(|(path, _)| !self.fresh.contains_key(*path)).take(MOST_OTHERS);
        let mut rows: Vec<(AbsPath, Known)> = others.map(|(path, known)| (path.clone(), *known)).collect();
        rows.extend(self.fresh.iter().map(|row| (row.key().clone(), *row.value())));
        rows.sort_unstable_by(|one, other| one.0.as_os_str().cmp(other.0.as_os_str()));
        self.cache.set_record(self.key, &written(&rows));
    }
}

fn written(rows: &[(AbsPath, Known)]) -> Vec<u8> {
    let mut paths = Paths::default();
    let rows: Vec<(Compact, &Known)> = rows.iter().map(|(path, known)| (paths.compact(path), known)).collect();
    borsh::to_vec(&rows).unwrap_or_default()
}

fn read(record: &[u8]) -> Option<FxHashMap<AbsPath, Known>> {
    let rows: Vec<(Compact, Known)> = borsh::from_slice(record).ok()?;
    let mut paths = Paths::default();
    rows.into_iter().map(|(path, known)| Some((paths.expand(&path)?, known))).collect()
}
