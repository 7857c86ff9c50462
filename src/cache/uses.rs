//! When entries were last used. In: keys and a time. Out: the time. What is lost of it makes an entry older than
//! it is, and no more.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rustc_hash::FxBuildHasher;

use super::{Cache, Key};

/// A row: a key and seconds since 1970.
const ROW: usize = 16 + 8;

/// When each entry was last used.
pub(super) struct Uses(HashMap<Key, u64, FxBuildHasher>);

impl Uses {
    fn key() -> Key {
        Key::of("uses", [])
    }

    pub(super) fn read(cache: &Cache) -> Self {
        let row = |row: &[u8]| {
            let (mut key, mut time) = ([0; 16], [0; 8]);
            key.copy_from_slice(&row[..16]);
            time.copy_from_slice(&row[16..]);
            (Key(key), u64::from_le_bytes(time))
        };
        Self(cache.record(Self::key()).unwrap_or_default().chunks_exact(ROW).map(row).collect())
    }

    /// These were used now.
    pub(super) fn add(&mut self, keys: impl Iterator<Item = Key>, now: SystemTime) {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
        // Whoever is used in one second is told apart by the order of the runs alone, which are counted so.
        let now = seconds.max(self.0.values().max().map_or(0, |last| last + 1));
        self.0.extend(keys.map(|key| (key, now)));
    }

    /// When an entry was used; 0 if nobody knows.
    pub(super) fn last(&self, key: &Key) -> u64 {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// Forgets what is gone.
    pub(super) fn retain(&mut self, is_there: &dyn Fn(&Key) -> bool) {
        self.0.retain(|key, _| is_there(key));
    }

    pub(super) fn write(&self, cache: &Cache) {
        let mut rows: Vec<(&Key, &u64)> = self.0.iter().collect();
        rows.sort_unstable();
        let bytes: Vec<u8> =
            rows.into_iter().flat_map(|(key, time)| key.0.into_iter().chain(time.to_le_bytes())).collect();
        cache.set_record(Self::key(), &bytes);
    }
}
