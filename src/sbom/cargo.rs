//! The crates in a program. In: the main file that it was built from. Out: what Cargo.lock says that its package depends
//! on, development included, which Cargo does not tell apart there; nothing where the sources are not at hand.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use crate::path::AbsPath;
use crate::store::Store;

/// A crate that somebody published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// SHA-256, in hexadecimal.
    pub(super) checksum: Option<String>,
}

/// Those that the package of a main file comes to.
pub(super) fn crates(main: &AbsPath, store: &Store) -> BTreeSet<Crate> {
    let read = |path: AbsPath| String::from_utf8_lossy(&store.read(&path).ok()?).parse::<Table>().ok();
    let above = || main.ancestors().skip(1);
    let package = above().find_map(|directory| name_of(&read(directory.child("Cargo.toml"))?));
    let lock = above().find_map(|directory| read(directory.child("Cargo.lock")));
    let (Some(package), Some(lock)) = (package, lock) else { return BTreeSet::new() };
    let rows: Vec<&Table> = array(&lock, "package").filter_map(toml::Value::as_table).collect();
    let mut by_name: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    for row in &rows {
        by_name.entry(text(row, "name").unwrap_or_default()).or_default().push(row);
    }
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut ahead = vec![package];
    while let Some(wanted) = ahead.pop() {
        // `name`, or `name version` where there are several, or with its source where that is not enough.
        let (name, version) =
            wanted.split_once(' ').map_or((wanted.as_str(), None), |(name, rest)| (name, rest.split(' ').next()));
        let known = by_name.get(name).into_iter().flatten();
        for row in known.filter(|row| version.is_none() || text(row, "version") == version) {
            let Some(version) = text(row, "version") else { continue };
            if !seen.insert((name.to_owned(), version.to_owned(), text(row, "source"))) {
                continue;
            }
            ahead.extend(array(row, "dependencies").filter_map(toml::Value::as_str).map(str::to_owned));
            // What has no source is the user's own.
            if text(row, "source").is_some() {
                let checksum = text(row, "checksum").map(str::to_owned);
                found.insert(Crate { name: name.to_owned(), version: version.to_owned(), checksum });
            }
        }
    }
    found
}

fn name_of(manifest: &Table) -> Option<String> {
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(toml::Value::as_str)
}

fn array<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a toml::Value> {
    table.get(key).and_then(toml::Value::as_array).into_iter().flatten()
}
