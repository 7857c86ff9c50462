//! What a run has looked at, found or not, and whether it is still so. In: the store at the end of a run. Out: a
//! list for the next one, which asks for each of them. Nothing that a run depends on is left out: if all of it
//! is as it was, the run would do the same.

use std::ffi::OsString;
use std::time::SystemTime;

use borsh::{BorshDeserialize, BorshSerialize};

use super::paths::{Compact, Paths};
use super::{Hash, Store};
use crate::fs::{FileKind, Metadata, Stamp};
use crate::path::AbsPath;

/// A path that was looked at, and what was there.
#[derive(Debug, Clone)]
pub struct Looked {
    path: AbsPath,
    fact: Fact,
    decides: bool,
}

#[derive(Debug, Clone, PartialEq, BorshSerialize, BorshDeserialize)]
enum Fact {
    Nothing,
    /// A directory; what it lists, if that was asked.
    Directory(Option<(Option<Stamp>, Hash)>),
    /// What it says.
    Link(Vec<u8>),
    /// What is in it, if that was asked.
    File {
        len: u64,
        executable: bool,
        read: Option<Read>,
    },
    Other,
}

/// What was read of a file. A stamp is that of a file that was settled.
#[derive(Debug, Clone, PartialEq, BorshSerialize, BorshDeserialize)]
enum Read {
    Whole(Option<Stamp>, Hash),
    /// Parts of it.
    Some(Option<Stamp>),
}

/// What came of looking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Still {
    /// All is as it was.
    Same,
    /// And the next who asks will know it sooner.
    Settled,
    /// A file that was read has another content, and only concerns who contains it or has asked for it.
    Rewritten,
    /// Something else is there.
    Changed,
}

impl Looked {
    /// Where it is.
    pub fn path(&self) -> &AbsPath {
        &self.path
    }
}

impl Fact {
    /// How closely was it looked at?
    fn depth(&self) -> u8 {
        match self {
            Self::Directory(Some(_)) | Self::File { read: Some(Read::Some(_)), .. } => 1,
            Self::File { read: Some(Read::Whole(..)), .. } => 2,
            _ => 0,
        }
    }
}

/// What two runs have looked at, of which the other ones are newer: of each path what was looked at closer.
pub fn merged(one: Vec<Looked>, other: Vec<Looked>) -> Vec<Looked> {
    let mut all = [one, other].concat();
    // The newer ones are last, and stay so.
    all.sort_by(|one, other| one.path.as_os_str().cmp(other.path.as_os_str()));
    all.dedup_by(|newer, older| {
        let is_same = newer.path == older.path;
        if is_same && newer.fact.depth() >= older.fact.depth() {
            std::mem::swap(newer, older);
        }
        if is_same {
            older.decides |= newer.decides;
        }
        is_same
    });
    all
}

impl Store {
    /// Everything that was looked at so far, but for what is below `except`; none if it cannot be told
    /// whether it changes.
    pub fn looked_at(&self, except: &AbsPath) -> Option<Vec<Looked>> {
        if self.view.get().is_some() {
            return None;
        }
        let now = SystemTime::now();
        // Not under the map's locks: whoever looks closer comes back here.
        let facts = self.facts.iter().filter(|row| !row.key().starts_with(except));
        let mut facts: Vec<_> = facts.map(|row| (row.key().clone(), row.value().clone())).collect();
        facts.sort_unstable_by(|one, other| one.0.as_os_str().cmp(other.0.as_os_str()));
        let looked = facts.into_iter().map(|(path, found)| {
            let fact = match found {
                Ok(metadata) => self.fact(&path, &metadata, now)?,
                Err(error) if error.is_not_found() => Fact::Nothing,
                Err(_) => return None,
            };
            let decides = self.deciding.contains(&path);
            Some(Looked { path, fact, decides })
        });
        looked.collect()
    }

    fn fact(&self, path: &AbsPath, metadata: &Metadata, now: SystemTime) -> Option<Fact> {
        let stamp = Some(metadata.stamp).filter(|stamp| stamp.is_settled(now));
        Some(match metadata.kind {
            FileKind::Directory => Fact::Directory(match self.listings.get(path).map(|listed| listed.clone()) {
                Some(listed) => Some((stamp, hash_of_names(&listed.ok()?))),
                None => None,
            }),
            FileKind::Link => Fact::Link(self.read_link(path).ok()?.into_os_string().into_encoded_bytes()),
            FileKind::Other => Fact::Other,
            FileKind::File => {
                let is_read = self.contents.contains_key(path);
                let whole = if is_read { Some(Read::Whole(stamp, self.seen(path).ok()?.hash)) } else { None };
                let some = || self.opened.contains(path).then_some(Read::Some(stamp));
                Fact::File { len: metadata.len, executable: metadata.executable, read: whole.or_else(some) }
            }
        })
    }

    /// Is it as it was?
    pub fn is_still(&self, looked: &mut Looked, now: SystemTime) -> Still {
        match self.is_still_there(looked, now) {
            Still::Rewritten if looked.decides => Still::Changed,
            still => still,
        }
    }

    fn is_still_there(&self, looked: &mut Looked, now: SystemTime) -> Still {
        let Looked { path, fact, .. } = looked;
        let found = match self.lstat(path) {
            Ok(metadata) => metadata,
            Err(error) if error.is_not_found() && *fact == Fact::Nothing => return Still::Same,
            Err(_) => return Still::Changed,
        };
        let settled = Some(found.stamp).filter(|stamp| stamp.is_settled(now));
        let settle = |stamp: &mut Option<Stamp>| {
            *stamp = settled;
            if settled.is_some() { Still::Settled } else { Still::Same }
        };
        match (fact, found.kind) {
            (Fact::Directory(None), FileKind::Directory) | (Fact::Other, FileKind::Other) => Still::Same,
            (Fact::Directory(Some((stamp, _))), FileKind::Directory) if *stamp == Some(found.stamp) => Still::Same,
            (Fact::Directory(Some((stamp, names))), FileKind::Directory) => match self.read_dir(path) {
                Ok(listed) if hash_of_names(&listed) == *names => settle(stamp),
                _ => Still::Changed,
            },
            (Fact::Link(target), FileKind::Link) => match self.read_link(path) {
                Ok(found) if found.as_os_str().as_encoded_bytes() == *target => Still::Same,
                _ => Still::Changed,
            },
            (Fact::File { executable, read: Some(Read::Whole(..)), len }, FileKind::File)
                if *executable == found.executable && *len != found.len =>
            {
                Still::Rewritten
            }
            (Fact::File { len, executable, read }, FileKind::File)
                if *len == found.len && *executable == found.executable =>
            {
                match read {
                    None => Still::Same,
                    Some(Read::Whole(stamp, hash)) if *stamp == Some(found.stamp) => {
                        self.learn(path, &found, *hash);
                        Still::Same
                    }
                    Some(Read::Whole(stamp, hash)) => match self.seen(path) {
                        Ok(seen) if seen.hash == *hash => settle(stamp),
                        Ok(_) => Still::Rewritten,
                        Err(_) => Still::Changed,
                    },
                    Some(Read::Some(stamp)) if *stamp == Some(found.stamp) => Still::Same,
                    Some(Read::Some(_)) => Still::Changed,
                }
            }
            _ => Still::Changed,
        }
    }
}

fn hash_of_names(names: &[OsString]) -> Hash {
    let mut hash = blake3::Hasher::new();
    for name in names {
        hash.update(name.as_encoded_bytes()).update(&[0]);
    }
    *hash.finalize().as_bytes()
}

/// Writes what was looked at, in few bytes.
pub fn write(looked: &[Looked]) -> Vec<u8> {
    let mut paths = Paths::default();
    let row = |row: &'_ Looked| (paths.compact(&row.path), row.fact.clone(), row.decides);
    let rows: Vec<(Compact, Fact, bool)> = looked.iter().map(row).collect();
    borsh::to_vec(&rows).unwrap_or_default()
}

/// Reads what [`write()`] wrote.
pub fn read(bytes: &[u8]) -> Option<Vec<Looked>> {
    let rows: Vec<(Compact, Fact, bool)> = borsh::from_slice(bytes).ok()?;
    let mut paths = Paths::default();
    let looked = |(path, fact, decides)| Some(Looked { path: paths.expand(&path)?, fact, decides });
    rows.into_iter().map(looked).collect()
}
