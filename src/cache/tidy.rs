//! The size of a cache. In: its directory, and how large it may be. Out: no more than that: what was used last
//! stays. Many small packs become one. Never removes what is not a cache's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::pack::{Pack, Place, Writer};
use super::uses::Uses;
use super::{BUILD, Key, RECORD, UNFINISHED, files, open, packs};

/// So many packs may there be before the small ones become one.
const MANY_PACKS: usize = 16;

/// So many records: one for each site and set of options.
const MANY_RECORDS: usize = 64;

/// What is unfinished for so long, nobody will finish.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Other builds of fnzip are remembered so long after they were last used.
const OTHER_BUILDS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Directories of builds.
    pub builds: usize,
    /// Packs that can be read.
    pub packs: usize,
    /// What is in them.
    pub entries: usize,
    /// Records.
    pub records: usize,
    /// Bytes on the disk.
    pub size: u64,
    /// Packs and records that are not as they were written.
    pub damaged: usize,
}

/// What the cache in this directory holds, of all builds. Contents are not read.
pub fn statistics(root: &Path) -> Statistics {
    let mut found = Statistics::default();
    for directory in builds(root) {
        let opened = open(&directory);
        found.builds += 1;
        found.packs += opened.packs.len();
        found.entries += opened.places.len();
        found.records += records(&directory).len();
        found.damaged += opened.damaged.len();
        found.size += size(&directory);
    }
    found
}

/// Reads everything, and removes what is damaged.
pub fn verify(root: &Path) -> Statistics {
    let mut found = statistics(root);
    found.damaged = 0;
    for directory in builds(root) {
        let opened = open(&directory);
        let is_damaged = |pack: &&Pack| pack.index.iter().any(|(_, place)| pack.read(place).is_none());
        let packs = opened.packs.iter().filter(is_damaged).map(|pack| pack.path.clone());
        let records = records(&directory).into_iter().filter(|path| super::read_record(path).is_none());
        for path in packs.chain(opened.damaged.iter().map(|path| path.clone())).chain(records) {
            found.damaged += 1;
            let _ = fs::remove_file(path);
        }
    }
    found
}

/// Removes everything.
///
/// # Errors
/// As the system says.
pub fn clear(root: &Path) -> io::Result<()> {
    builds(root).iter().try_for_each(fs::remove_dir_all)
}

/// Keeps a cache within `limit` bytes. What was used last is the last to go.
pub(super) fn tidy(root: &Path, directory: &Path, limit: u64, uses: &mut Uses) {
    let now = SystemTime::now();
    let is_older = |path: &Path, age: Duration| now.duration_since(modified(path)).is_ok_and(|passed| passed > age);
    let others: Vec<PathBuf> = builds(root).into_iter().filter(|build| build != directory).collect();
    let is_too_large = || builds(root).iter().map(|build| size(build)).sum::<u64>() > limit;
    for build in others {
        if is_older(&build, OTHER_BUILDS) || is_too_large() {
            let _ = fs::remove_dir_all(build);
        }
    }
    let is_abandoned = |path: &PathBuf| name(path).starts_with(UNFINISHED) && is_older(path, ABANDONED);
    for path in files(directory).into_iter().filter(is_abandoned) {
        let _ = fs::remove_file(path);
    }
    let mut records = records(directory);
    if records.len() > MANY_RECORDS {
        records.sort_by_key(|path| std::cmp::Reverse(modified(path)));
        for path in &records[MANY_RECORDS..] {
            let _ = fs::remove_file(path);
        }
    }
    let is_too_large = size(directory) > limit;
    if is_too_large || packs(directory).len() > MANY_PACKS {
        let _ = merge(directory, is_too_large.then_some(limit), uses);
        let there = open(directory).places;
        uses.retain(&|key| there.contains_key(key));
    }
}

/// Makes one pack of many: of the small ones, or within `limit` of all.
fn merge(directory: &Path, limit: Option<u64>, uses: &Uses) -> io::Result<()> {
    let mut packs = open(directory).packs;
    packs.sort_by_key(|pack| (pack.size, pack.path.clone()));
    if limit.is_none() {
        // A large pack stays as it is while the others together are smaller.
        let mut sum = 0;
        let mut small = 0;
        for pack in &packs {
            if small > MANY_PACKS / 2 && pack.size > sum {
                break;
            }
            sum += pack.size;
            small += 1;
        }
        packs.truncate(small);
    }
    let of_pack =
        |(at, pack): (usize, &'_ Pack)| pack.index.iter().map(move |(key, place)| (*key, at, *place)).collect();
    let mut entries: Vec<(Key, usize, Place)> = packs.iter().enumerate().map(of_pack).collect::<Vec<Vec<_>>>().concat();
    entries.sort_by_key(|(key, _, _)| std::cmp::Reverse(uses.last(key)));
    // Room for the runs to come.
    let room = limit.map_or(u64::MAX, |limit| limit / 4 * 3);
    let mut written = std::collections::HashSet::new();
    let merged = Writer::new(directory).and_then(|mut writer| {
        for (key, pack, place) in &entries {
            let fits = writer.size().saturating_add(place.len) <= room;
            if fits
                && written.insert(*key)
                && let Some(bytes) = packs[*pack].read(place)
            {
                writer.add(*key, &bytes)?;
            }
        }
        writer.finish()
    });
    // On a full disk there is nothing to merge into; what is too large goes all the same.
    if merged.is_ok() || limit.is_some() {
        for pack in packs.iter().filter(|pack| merged.as_ref().ok() != Some(&pack.path)) {
            let _ = fs::remove_file(&pack.path);
        }
    }
    merged.map(drop)
}

/// The directories of builds.
fn builds(root: &Path) -> Vec<PathBuf> {
    files(root).into_iter().filter(|path| name(path).starts_with(BUILD) && path.is_dir()).collect()
}

fn records(directory: &Path) -> Vec<PathBuf> {
    files(directory).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == RECORD)).collect()
}

fn size(directory: &Path) -> u64 {
    files(directory).iter().filter_map(|path| path.symlink_metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn modified(path: &Path) -> SystemTime {
    path.symlink_metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
