//! Which contents files had when they were last read. In: a path and its facts. Out: the hash of its content,
//! if nothing has happened to it since. Never reads the file.

use std::time::SystemTime;

use borsh::{BorshDeserialize, BorshSerialize};
use dashmap::DashMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::Hash;
use crate::cache::{Cache, Key};
use crate::fs::{FileKind, Metadata, Stamp};
use crate::path::AbsPath;

/// So many files may be remembered that the run has not looked at: those of other functions.
const MOST_OTHERS: usize = 100_000;

/// What is remembered of files between runs, and where.
pub(super) struct Memory {
    pub(super) cache: Cache,
    key: Key,
    known: FxHashMap<AbsPath, Known>,
    fresh: DashMap<AbsPath, Known, FxBuildHasher>,
}

#[derive(Debug, Clone, Copy, PartialEq, BorshSerialize, BorshDeserialize)]
struct Known {
    len: u64,
    stamp: Stamp,
    hash: Hash,
}

/// A row: how many bytes of the path are those of the row before, the others, and what is known.
type Row = (u32, Vec<u8>, Known);

impl Memory {
    /// What `cache` remembers of the files that are seen from `top`.
    pub(super) fn of(cache: Cache, top: &AbsPath) -> Self {
        let key = Key::of("files", [top.as_os_str().as_encoded_bytes()]);
        let known = cache.record(key).and_then(|record| read(&record)).unwrap_or_default();
        Self { cache, key, known, fresh: DashMap::default() }
    }

    /// The hash of a file's content, if it is as it was.
    pub(super) fn hash(&self, path: &AbsPath, metadata: &Metadata) -> Option<Hash> {
        let known = self.known.get(path)?;
        let is_same = known.len == metadata.len && known.stamp == metadata.stamp;
        is_same.then_some(known.hash)
    }

    /// The content of a file was read, after these facts were.
    pub(super) fn learn(&self, path: &AbsPath, metadata: &Metadata, hash: Hash) {
        if metadata.kind == FileKind::File && metadata.stamp.is_settled(SystemTime::now()) {
            let known = Known { len: metadata.len, stamp: metadata.stamp, hash };
            self.fresh.insert(path.clone(), known);
        }
    }

    /// Remembers what was learned.
    pub(super) fn finish(&self) {
        if self.fresh.is_empty() {
            return;
        }
        let others = self.known.iter().filter(|(path, _)| !self.fresh.contains_key(*path)).take(MOST_OTHERS);
        let mut rows: Vec<(AbsPath, Known)> = others.map(|(path, known)| (path.clone(), *known)).collect();
        rows.extend(self.fresh.iter().map(|row| (row.key().clone(), *row.value())));
        rows.sort_unstable_by(|one, other| one.0.as_os_str().cmp(other.0.as_os_str()));
        self.cache.set_record(self.key, &written(&rows));
    }
}

fn written(rows: &[(AbsPath, Known)]) -> Vec<u8> {
    let mut before: &[u8] = &[];
    let mut compact: Vec<Row> = Vec::with_capacity(rows.len());
    for (path, known) in rows {
        let path = path.as_os_str().as_encoded_bytes();
        let shared = before.iter().zip(path).take_while(|(one, other)| one == other).count();
        compact.push((u32::try_from(shared).unwrap_or(0), path[shared..].to_vec(), *known));
        before = path;
    }
    borsh::to_vec(&compact).unwrap_or_default()
}

fn read(record: &[u8]) -> Option<FxHashMap<AbsPath, Known>> {
    let rows: Vec<Row> = borsh::from_slice(record).ok()?;
    let mut path: Vec<u8> = Vec::new();
    let mut known = FxHashMap::default();
    for (shared, rest, row) in rows {
        path.truncate(shared as usize);
        path.extend(rest);
        known.insert(AbsPath::from_bytes(path.clone())?, row);
    }
    Some(known)
}
