//! The npm packages in an archive. In: its files. Out: each package that has a directory in some `node_modules`, with
//! what its package.json says and what it weighs. What went into a bundle has no directory: the manifest names it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fs::FileSystem;
use crate::fs::archived::Archived;
use crate::js::package::{licence, package_at, package_directory};
use crate::path::AbsPath;

/// A package in an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// What it is called.
    pub name: String,
    /// Which one it is; none, if its package.json does not ship or does not say.
    pub version: Option<String>,
    /// Where it stands in the archive.
    pub directory: String,
    /// Its licence, as it says.
    pub licence: Option<String>,
    /// How many files it has.
    pub files: usize,
    /// Bytes, unpacked.
    pub size: u64,
    /// Bytes in the archive.
    pub packed: u64,
}

/// Every package of the archive that lies at `at`, by its directory.
pub fn packages(files: &Archived, at: &AbsPath) -> Vec<Package> {
    let mut found: BTreeMap<String, Package> = BTreeMap::new();
    for (path, entry) in files.entries() {
        let Some(directory) = directory_of(path) else { continue };
        let name = directory.rsplit("node_modules/").next().unwrap_or_default().to_owned();
        let package = found.entry(directory.to_owned()).or_insert_with(|| Package {
            name,
            version: None,
            directory: directory.to_owned(),
            licence: None,
            files: 0,
            size: 0,
            packed: 0,
        });
        package.files += 1;
        package.size += entry.len;
        package.packed += entry.packed;
        if path.strip_prefix(directory) == Some("/package.json") {
            let said = files.read(&at.join(path)).unwrap_or_default();
            let said: Map<String, Value> = serde_json::from_slice(&said).unwrap_or_default();
            package.version = said.get("version").and_then(Value::as_str).map(str::to_owned);
            package.licence = licence(&said);
            // An alias stands under another name than its own.
            if let Some(name) = said.get("name").and_then(Value::as_str) {
                name.clone_into(&mut package.name);
            }
        }
    }
    found.into_values().collect()
}

/// The directory of the innermost package that a file is in. What lies in `node_modules` by itself is of no package:
/// `.package-lock.json`, `.bin/x`.
fn directory_of(path: &str) -> Option<&str> {
    let is_package = package_at(path).is_some_and(|name| !name.starts_with('.'));
    package_directory(path).filter(|directory| is_package && directory.len() < path.len())
}

#[cfg(test)]
mod tests {
    use super::directory_of;

    #[test]
    fn a_file_is_of_the_innermost_package() {
        for (path, directory) in [
            ("node_modules/a/b/c.js", Some("node_modules/a")),
            ("node_modules/@a/b/c.js", Some("node_modules/@a/b")),
            ("src/node_modules/a/node_modules/b/c.js", Some("src/node_modules/a/node_modules/b")),
            ("my_node_modules/a/b.js", None),
            ("node_modules/a/my_node_modules/b/c.js", Some("node_modules/a")),
            ("node_modules/.bin/a", None),
            ("node_modules/a", None),
            ("a.js", None),
        ] {
            assert_eq!(directory_of(path), directory, "{path}");
        }
    }
}
