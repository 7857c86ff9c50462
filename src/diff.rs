//! What changed between two builds. In: two output directories. Out: functions that came, went, were renamed or are
//! another, with what the platform is told, the packages and the bytes of each. Needs no sources.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde_json::Value;

use crate::built::{Entry, Listed, Package, Place, entry, listed, open, packages};
use crate::diagnostic::{Diagnostic, Severity};
use crate::store::Store;

/// What changed.
#[derive(Debug, Default)]
pub struct Diff {
    /// What became of each function that is not as it was, sorted by name.
    pub functions: Vec<Changed>,
    /// How many are as they were.
    pub same: usize,
    /// Bytes of all archives, before and after.
    pub size: (u64, u64),
    /// Packages of all functions together.
    pub packages: Vec<PackageChange>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// A function that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its name, after.
    pub name: String,
    /// What became of it.
    pub how: How,
    /// Bytes of its archive, before and after; 0 where it is not.
    pub size: (u64, u64),
    /// What the manifest says of it, before and after, where that differs.
    pub said: Vec<(String, Value, Value)>,
    /// Its packages, where they differ.
    pub packages: Vec<PackageChange>,
}

/// What became of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It had this name, and the same files.
    Renamed(String),
    /// It is another.
    Changed,
}

/// What became of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// Its versions, before and after.
    pub versions: (BTreeSet<String>, BTreeSet<String>),
    /// Bytes, unpacked, before and after.
    pub size: (u64, u64),
}

impl PackageChange {
    /// Whether it came, went, or is newer or older; none if only its files differ.
    pub fn word(&self) -> Option<&'static str> {
        let newest = |versions: &BTreeSet<String>| versions.iter().filter_map(|it| Version::parse(it).ok()).max();
        // Of what is in a bundle the bytes are not known, and of others sometimes the version is not.
        let is_there = |versions: &BTreeSet<String>, size: u64| !versions.is_empty() || size > 0;
        match (is_there(&self.versions.0, self.size.0), is_there(&self.versions.1, self.size.1)) {
            (false, _) => Some("in"),
            (_, false) => Some("out"),
            _ => match newest(&self.versions.0).cmp(&newest(&self.versions.1)) {
                Ordering::Less => Some("up"),
                Ordering::Greater => Some("down"),
                Ordering::Equal => None,
            },
        }
    }
}

/// A function as one build made it.
struct Side {
    listed: Listed,
    size: u64,
    /// What is in its files, but for one that only hands on to the main file and is called as the function is.
    content: BTreeSet<(String, u32, u64)>,
    packages: Vec<Package>,
}

/// Compares two builds.
pub fn diff(old: &Place, new: &Place, store: &Store) -> Diff {
    let mut diff = Diff::default();
    let mut before = read(old, store, &mut diff.diagnostics);
    let mut after = read(new, store, &mut diff.diagnostics);
    diff.size = (total(&before), total(&after));
    diff.packages = package_changes(all(before.values()), all(after.values()));
    let gone: Vec<String> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    let mut came: Vec<String> = after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
    let mut changes: Vec<Changed> = Vec::new();
    for name in gone {
        let Some(one) = before.remove(&name) else { continue };
        let is_same = |other: &&String| after.get(*other).is_some_and(|other| is_renamed(&one, other));
        let found = came.iter().find(is_same).cloned();
        let other = found.and_then(|found| {
            came.retain(|name| *name != found);
            after.remove(&found)
        });
        changes.push(match other {
            Some(other) => change(How::Renamed(name), Some(&one), Some(&other)),
            None => change(How::Removed, Some(&one), None),
        });
    }
    for (name, other) in &after {
        let Some(one) = before.get(name) else {
            changes.push(change(How::Added, None, Some(other)));
            continue;
        };
        let changed = change(How::Changed, Some(one), Some(other));
        if one.content == other.content && one.size == other.size && changed.said.is_empty() {
            diff.same += 1;
        } else {
            changes.push(changed);
        }
    }
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    diff.functions = changes;
    diff
}

fn read(place: &Place, store: &Store, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<String, Side> {
    let (functions, said) = listed(place, store);
    diagnostics.extend(said.into_iter().filter(|said| said.severity == Severity::Error));
    let mut sides = BTreeMap::new();
    for listed in functions {
        let opened = match open(&listed, store) {
            Ok(opened) => opened,
            Err(error) => {
                let said = Diagnostic::error(crate::diagnostic::Code::Unreadable, error.reason());
                diagnostics.push(said.at(&listed.path).of(&listed.name));
                continue;
            }
        };
        let files = opened.files.entries();
        let handing_on = match entry(&listed, &opened.files) {
            Some(Entry::Module { file, main, .. }) if file != main => Some(file.relative_to(&listed.path)),
            _ => None,
        };
        let content = files.iter().filter(|(name, _)| handing_on.as_ref() != Some(*name));
        let content = content.map(|(name, entry)| (name.clone(), entry.checksum, entry.len)).collect();
        let packages = packages(&opened.files, &listed.path);
        let side = Side { size: opened.bytes.len() as u64, content, packages, listed };
        sides.insert(side.listed.name.clone(), side);
    }
    sides
}

fn total(sides: &BTreeMap<String, Side>) -> u64 {
    sides.values().map(|side| side.size).sum()
}

/// Do two functions of different names have the same files? Main files are called as their functions are.
fn is_renamed(one: &Side, other: &Side) -> bool {
    let bytes = |side: &Side| -> BTreeSet<(u32, u64)> {
        side.content.iter().map(|(_, checksum, len)| (*checksum, *len)).collect()
    };
    !one.content.is_empty() && bytes(one) == bytes(other)
}

fn change(how: How, old: Option<&Side>, new: Option<&Side>) -> Changed {
    let size = |side: Option<&Side>| side.map_or(0, |side| side.size);
    let weights = |side: Option<&Side>| all(side.into_iter());
    let name = new.or(old).map(|side| side.listed.name.clone()).unwrap_or_default();
    Changed {
        name,
        how,
        size: (size(old), size(new)),
        said: if let (Some(old), Some(new)) = (old, new) { said(&old.listed, &new.listed) } else { Vec::new() },
        packages: package_changes(weights(old), weights(new)),
    }
}

/// What the platform is told, without where things are and what they weigh.
fn said(old: &Listed, new: &Listed) -> Vec<(String, Value, Value)> {
    let fields = |listed: &Listed| -> BTreeMap<String, Value> {
        let value = serde_json::to_value(&listed.row).unwrap_or_default();
        let fields = value.as_object().cloned().unwrap_or_default();
        let is_told = |name: &String| !["name", "path", "mainFile", "fnzip", "bundler"].contains(&name.as_str());
        fields.into_iter().filter(|(name, _)| is_told(name)).collect()
    };
    let (mut old, new) = (fields(old), fields(new));
    let mut changes = Vec::new();
    for (name, value) in new {
        let before = old.remove(&name).unwrap_or_default();
        if before != value {
            changes.push((name, before, value));
        }
    }
    changes.extend(old.into_iter().map(|(name, before)| (name, before, Value::Null)));
    changes.sort_by(|one, other| one.0.cmp(&other.0));
    changes
}

type Weights = BTreeMap<String, (BTreeSet<String>, u64)>;

fn all<'s>(sides: impl Iterator<Item = &'s Side>) -> Weights {
    let mut weights = Weights::new();
    for side in sides {
        for package in &side.packages {
            let weight = weights.entry(package.name.clone()).or_default();
            weight.0.extend(package.version.clone());
            weight.1 += package.size;
        }
        for package in side.listed.row.iter().flat_map(|row| &row.fnzip.bundled) {
            weights.entry(package.name.clone()).or_default().0.extend(package.version.clone());
        }
    }
    weights
}

fn package_changes(mut old: Weights, new: Weights) -> Vec<PackageChange> {
    let mut changes: Vec<PackageChange> = Vec::new();
    for (name, (versions, size)) in new {
        let before = old.remove(&name).unwrap_or_default();
        changes.push(PackageChange { name, versions: (before.0, versions), size: (before.1, size) });
    }
    let gone = old.into_iter().map(|(name, (versions, size))| PackageChange {
        name,
        versions: (versions, BTreeSet::new()),
        size: (size, 0),
    });
    changes.extend(gone);
    changes.retain(|change| change.versions.0 != change.versions.1 || change.word().is_some());
    changes.sort();
    changes
}
