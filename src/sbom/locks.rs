//! What lock files know of packages. In: those of npm, pnpm and Yarn. Out: the hashes of what was installed, by name
//! and version. A file that cannot be read says nothing.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::archive::hexadecimal;
use crate::path::AbsPath;
use crate::store::Store;

/// What is known of packages.
#[derive(Debug, Default)]
pub struct Locks {
    /// `sha512-…`, by name and version.
    integrity: BTreeMap<(String, String), String>,
}

impl Locks {
    /// Reads the lock files in these directories; the first that knows a package is believed.
    pub fn read(directories: &[AbsPath], store: &Store) -> Self {
        let mut locks = Self::default();
        let text = |path: AbsPath| Some(String::from_utf8_lossy(&store.read(&path).ok()?).into_owned());
        for directory in directories {
            for name in ["npm-shrinkwrap.json", "package-lock.json"] {
                if let Some(lock) = text(directory.child(name)).and_then(|text| serde_json::from_str(&text).ok()) {
                    locks.add_npm(&lock);
                }
            }
            if let Some(text) = text(directory.child("pnpm-lock.yaml")) {
                locks.add_pnpm(&text);
            }
            if let Some(text) = text(directory.child("yarn.lock")) {
                locks.add_yarn(&text);
            }
        }
        locks
    }

    /// The hashes of a package, in hexadecimal, by the algorithm as CycloneDX calls it.
    pub(super) fn hashes(&self, name: &str, version: &str) -> BTreeSet<(String, String)> {
        let Some(integrity) = self.integrity.get(&(name.to_owned(), version.to_owned())) else {
            return BTreeSet::new();
        };
        let hash = |one: &str| {
            let (algorithm, content) = one.split_once('-')?;
            let (algorithm, len) = match algorithm {
                "sha512" => ("SHA-512", 64),
                "sha384" => ("SHA-384", 48),
                "sha256" => ("SHA-256", 32),
                "sha1" => ("SHA-1", 20),
                _ => return None,
            };
            let bytes = STANDARD.decode(content.split('?').next()?).ok().filter(|bytes| bytes.len() == len)?;
            Some((algorithm.to_owned(), hexadecimal(&bytes)))
        };
        integrity.split_whitespace().filter_map(hash).collect()
    }

    fn add(&mut self, name: &str, version: &str, integrity: &str) {
        let key = (name.to_owned(), version.to_owned());
        self.integrity.entry(key).or_insert_with(|| integrity.to_owned());
    }

    /// `packages` of versions 2 and 3, by place; `dependencies` of version 1, in one another.
    fn add_npm(&mut self, lock: &Value) {
        for (place, row) in lock["packages"].as_object().into_iter().flatten() {
            let name = row["name"].as_str().or_else(|| place.rsplit("node_modules/").next());
            if let (Some(name), Some(version), Some(integrity)) =
                (name, row["version"].as_str(), row["integrity"].as_str())
            {
                self.add(name, version, integrity);
            }
        }
        let mut ahead: Vec<&Value> = vec![&lock["dependencies"]];
        while let Some(dependencies) = ahead.pop() {
            for (name, row) in dependencies.as_object().into_iter().flatten() {
                if let (Some(version), Some(integrity)) = (row["version"].as_str(), row["integrity"].as_str()) {
                    self.add(name, version, integrity);
                }
                ahead.push(&row["dependencies"]);
            }
        }
    }

    /// `name@version:` (`/name/version:` before version 6), and below it `resolution: {integrity: …}`.
    fn add_pnpm(&mut self, text: &str) {
        let mut package: Option<(String, String)> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            let indent = line.len() - line.trim_start().len();
            if indent == 2 && trimmed.ends_with(':') {
                let key = trimmed.trim_end_matches(':').trim_matches('\'').trim_start_matches('/');
                let key = key.split('(').next().unwrap_or(key);
                let at = key.rfind('@').filter(|at| *at > 0).or_else(|| key.rfind('/'));
                package = at.map(|at| (key[..at].to_owned(), key[at + 1..].to_owned()));
            }
            if let Some((_, rest)) = trimmed.split_once("integrity: ")
                && let Some((name, version)) = &package
            {
                let integrity = rest.split([',', '}']).next().unwrap_or_default().trim();
                self.add(&name.clone(), &version.clone(), integrity);
            }
        }
    }

    /// `name@range, name@range:`, and below it `version "…"` and `integrity …`. Later Yarns hash what they have packed
    /// themselves, which nobody else has.
    fn add_yarn(&mut self, text: &str) {
        let (mut name, mut version) = (None, None);
        for line in text.lines() {
            if !line.starts_with([' ', '#']) && line.ends_with(':') {
                let first = line.trim_end_matches(':').split(',').next().unwrap_or_default().trim_matches('"');
                name = first.rfind('@').filter(|at| *at > 0).map(|at| first[..at].to_owned());
                version = None;
            } else if let Some(said) = line.strip_prefix("  version ") {
                version = Some(said.trim_matches('"').to_owned());
            } else if let (Some(said), Some(name), Some(version)) = (line.strip_prefix("  integrity "), &name, &version)
            {
                self.add(name, version, said);
            }
        }
    }
}
