//! What is remembered between runs. In: bytes, each with a key that says all that they depend on. Out: the
//! same bytes, in this run or a later one, or nothing. It is safe to lose, to share and to damage: it
//! costs time, and never changes what is built. Knows bytes only, and never fails.
//!
//! On the disk: a directory for each build of fnzip, since another may make other bytes of the same; in it
//! *packs*, files of entries that are written whole, renamed into place and never changed, and *records*,
//! small files that are replaced. Whoever reads needs no lock.

mod pack;
mod tidy;
mod uses;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use borsh::{BorshDeserialize, BorshSerialize};
use dashmap::DashSet;
use rustc_hash::FxBuildHasher;

use self::pack::{Pack, Place, Writer};
pub use self::tidy::{Statistics, clear, statistics, verify};
use self::uses::Uses;

/// What an entry depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of what `kind` of thing is made of these parts.
    pub fn of<'a>(kind: &'a str, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in [kind.as_bytes()].into_iter().chain(parts) {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize().as_bytes()[..16]);
        Self(key)
    }

    fn hexadecimal(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The names of packs and records, and of what is not finished yet.
const PACK: &str = "pack";
const RECORD: &str = "record";
const UNFINISHED: &str = ".unfinished-";

/// The names of the directories of builds begin with it: nothing else in a cache directory is ours.
const BUILD: &str = "build-";

/// What is remembered; see the module's own words.
pub struct Cache {
    /// Of all builds.
    root: PathBuf,
    /// Of this build.
    directory: PathBuf,
    opened: OnceLock<Opened>,
    /// The pack of this run; none before there is something to write, or where nothing can be written.
    fresh: Mutex<Fresh>,
    /// What was found, or added.
    used: DashSet<Key, FxBuildHasher>,
}

#[derive(Default)]
enum Fresh {
    #[default]
    Nothing,
    Some(Writer),
    Impossible,
}

#[derive(Default)]
struct Opened {
    packs: Vec<Pack>,
    places: HashMap<Key, (usize, Place), FxBuildHasher>,
    damaged: DashSet<PathBuf>,
}

impl Cache {
    /// The cache in a directory, which is made, for `build`, which names whatever made the bytes.
    pub fn new(root: &Path, build: &str) -> Self {
        let directory = root.join(format!("{BUILD}{build}"));
        let _ = fs::create_dir_all(&directory); // Where it cannot be made nothing is remembered.
        Self {
            root: root.to_owned(),
            directory,
            opened: OnceLock::new(),
            fresh: Mutex::default(),
            used: DashSet::default(),
        }
    }

    /// What is remembered under a key.
    pub fn get(&self, key: Key) -> Option<Vec<u8>> {
        let _span = tracing::info_span!("remember").entered();
        let Opened { packs, places, damaged } = self.opened.get_or_init(|| open(&self.directory));
        let found = places.get(&key).and_then(|(pack, place)| {
            let read = packs[*pack].read(place);
            if read.is_none() {
                damaged.insert(packs[*pack].path.clone());
            }
            read
        });
        tracing::info!(remembered = found.is_some());
        if found.is_some() {
            self.used.insert(key);
        }
        found
    }

    /// Remembers these bytes, from the end of the run on.
    pub fn put(&self, key: Key, bytes: &[u8]) {
        if !self.used.insert(key) {
            return;
        }
        let _span = tracing::info_span!("remember").entered();
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*fresh, Fresh::Nothing) {
            *fresh = Writer::new(&self.directory).map_or(Fresh::Impossible, Fresh::Some);
        }
        if let Fresh::Some(writer) = &mut *fresh
            && writer.add(key, bytes).is_err()
        {
            *fresh = Fresh::Impossible;
        }
    }

    /// A record: what was last said under a key, at once and whole.
    pub fn record(&self, key: Key) -> Option<Vec<u8>> {
        read_record(&self.record_path(key))
    }

    /// Replaces a record.
    pub fn set_record(&self, key: Key, bytes: &[u8]) {
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.directory)?;
            io::Write::write_all(file.as_file_mut(), &[bytes, blake3::hash(bytes).as_bytes()].concat())?;
            file.persist(self.record_path(key))?;
            Ok(())
        };
        let _ = write(); // Who cannot write does not remember.
    }

    fn record_path(&self, key: Key) -> PathBuf {
        self.directory.join(format!("{}.{RECORD}", key.hexadecimal()))
    }

    /// Ends a run: what it added can be found by the next, and no more than `limit` bytes remain.
    pub fn finish(&self, limit: u64) {
        let _span = tracing::info_span!("remember").entered();
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        if let Fresh::Some(writer) = fresh {
            let _ = writer.finish(); // Who cannot write does not remember.
        }
        for path in self.opened.get().iter().flat_map(|opened| opened.damaged.iter()) {
            let _ = fs::remove_file(&*path);
        }
        if !self.used.is_empty() {
            let mut uses = Uses::read(self);
            uses.add(self.used.iter().map(|key| *key), SystemTime::now());
            tidy::tidy(&self.root, &self.directory, limit, &mut uses);
            uses.write(self);
        }
    }
}

/// What a record says, if it is as it was written.
fn read_record(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let content = bytes.len().checked_sub(blake3::OUT_LEN)?;
    let hash = bytes.split_off(content);
    (*blake3::hash(&bytes).as_bytes() == *hash).then_some(bytes)
}

/// Every pack of a directory that is whole.
fn open(directory: &Path) -> Opened {
    let mut opened = Opened::default();
    for path in packs(directory) {
        match Pack::open(&path) {
            Ok(pack) => opened.packs.push(pack),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => drop(opened.damaged.insert(path)),
            // Another run has just put it into a larger one.
            Err(_) => {}
        }
    }
    for (at, pack) in opened.packs.iter().enumerate() {
        opened.places.extend(pack.index.iter().map(|(key, place)| (*key, (at, *place))));
    }
    opened
}

/// The packs of a directory, by name.
fn packs(directory: &Path) -> Vec<PathBuf> {
    let mut found = files(directory);
    found.retain(|path| path.extension().is_some_and(|extension| extension == PACK));
    found
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// What tells this build of fnzip from others: the program itself, as it stands on the disk.
pub fn this_build() -> String {
    let program = std::env::current_exe().and_then(fs::metadata).ok();
    let modified = program.as_ref().and_then(|program| program.modified().ok());
    let modified = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let len = program.map_or(0, |program| program.len());
    format!("{}-{len:x}-{:x}", env!("CARGO_PKG_VERSION"), modified.as_nanos())
}
