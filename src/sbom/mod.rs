//! What shipped: a bill of materials in CycloneDX 1.6. In: an output directory, and the lock files of the site. Out: a
//! document a function, and one for all of them. The same inputs give the same bytes: no clock, no random number.

mod cargo;
mod go;
mod licences;
mod locks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use self::licences::licences;
pub use self::locks::Locks;
use crate::archive::hexadecimal;
use crate::built::{Entry, Listed, Opened, Place, entry, listed, open, packages};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fs::FileSystem;
use crate::function::Runtime;
use crate::path::AbsPath;
use crate::runtime::PROGRAM;
use crate::store::Store;

/// Documents, and what could not be read.
#[derive(Debug)]
pub struct Boms {
    /// Of all functions together.
    pub site: Value,
    /// Of each function, by its name.
    pub functions: BTreeMap<String, Value>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Something that is part of a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Component {
    /// `pkg:npm/…`, which is also its name in a document.
    purl: String,
    group: Option<String>,
    name: String,
    version: Option<String>,
    licence: Option<String>,
    /// By the algorithm's name, in hexadecimal.
    hashes: BTreeSet<(String, String)>,
    /// Where it stands in archives; nowhere if it is part of a bundle.
    places: BTreeSet<String>,
    is_bundled: bool,
}

/// Looks into every archive. `site` is what all of them together are called.
pub fn sbom(place: &Place, site: &str, locks: &Locks, store: &Store) -> Boms {
    let (functions, said) = listed(place, store);
    let mut diagnostics: Vec<Diagnostic> = said.into_iter().filter(|said| said.severity == Severity::Error).collect();
    let mut documents = BTreeMap::new();
    let mut all: Vec<(String, BTreeMap<String, Component>)> = Vec::new();
    let directory = place.manifest.parent().unwrap_or_else(|| place.out.clone());
    for listed in functions {
        let opened = match open(&listed, store) {
            Ok(opened) => opened,
            Err(error) => {
                let said = Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason()));
                diagnostics.push(said.at(&listed.path).of(&listed.name));
                continue;
            }
        };
        let components = components(&listed, &opened, locks, &directory, store);
        let seed = blake3::hash(&opened.bytes);
        documents.insert(listed.name.clone(), document(&listed.name, seed, &[(listed.name.clone(), &components)]));
        all.push((listed.name, components));
    }
    let mut seed = blake3::Hasher::new();
    for document in documents.values() {
        seed.update(document["serialNumber"].as_str().unwrap_or_default().as_bytes());
    }
    let rows: Vec<(String, &BTreeMap<String, Component>)> =
        all.iter().map(|(name, components)| (name.clone(), components)).collect();
    Boms { site: document(site, seed.finalize(), &rows), functions: documents, diagnostics }
}

/// What is in an archive: packages of npm, modules of Go, crates.
fn components(
    listed: &Listed,
    opened: &Opened,
    locks: &Locks,
    place: &Path,
    store: &Store,
) -> BTreeMap<String, Component> {
    let mut found: BTreeMap<String, Component> = BTreeMap::new();
    let mut add = |component: Component| match found.get_mut(&component.purl) {
        Some(known) => {
            known.places.extend(component.places);
            known.is_bundled |= component.is_bundled;
        }
        None => drop(found.insert(component.purl.clone(), component)),
    };
    for package in packages(&opened.files, &listed.path) {
        let component = npm(&package.name, package.version, package.licence, locks);
        add(Component { places: [package.directory].into(), ..component });
    }
    for package in listed.row.iter().flat_map(|row| &row.fnzip.bundled) {
        let component = npm(&package.name, package.version.clone(), package.license.clone(), locks);
        add(Component { is_bundled: true, ..component });
    }
    if entry(listed, &opened.files) == Some(Entry::Program) {
        let program = opened.files.read(&listed.path.join(PROGRAM)).unwrap_or_default();
        go::modules(&program).into_iter().map(|(name, version)| other("golang", &name, &version)).for_each(&mut add);
        for row in listed.row.iter().filter(|row| row.runtime == Runtime::Rust) {
            for one in cargo::crates(&AbsPath::resolve(place, &row.main_file), store) {
                let hashes = one.checksum.iter().map(|it| ("SHA-256".to_owned(), it.clone())).collect();
                add(Component { hashes, ..other("cargo", &one.name, &one.version) });
            }
        }
    }
    found
}

/// What stands for itself in a purl.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn npm(name: &str, version: Option<String>, licence: Option<String>, locks: &Locks) -> Component {
    let (group, short) = match name.split_once('/') {
        Some((scope, short)) => (Some(scope.to_owned()), short.to_owned()),
        None => (None, name.to_owned()),
    };
    let scope = group.as_ref().map(|scope| format!("{}/", encoded(scope))).unwrap_or_default();
    let at = version.as_ref().map(|version| format!("@{}", encoded(version))).unwrap_or_default();
    let hashes = version.as_ref().map(|version| locks.hashes(name, version)).unwrap_or_default();
    Component {
        purl: format!("pkg:npm/{scope}{}{at}", encoded(&short)),
        group,
        name: short,
        version,
        licence,
        hashes,
        places: BTreeSet::new(),
        is_bundled: false,
    }
}

/// A module of Go, or a crate.
fn other(kind: &str, name: &str, version: &str) -> Component {
    let path: Vec<String> = name.split('/').map(encoded).collect();
    Component {
        purl: format!("pkg:{kind}/{}@{}", path.join("/"), encoded(version)),
        group: None,
        name: name.to_owned(),
        version: Some(version.to_owned()),
        licence: None,
        hashes: BTreeSet::new(),
        places: BTreeSet::new(),
        is_bundled: true,
    }
}

fn document(name: &str, seed: blake3::Hash, functions: &[(String, &BTreeMap<String, Component>)]) -> Value {
    let is_site = functions.len() != 1 || functions[0].0 != name;
    let own = format!("{}:{name}", if is_site { "site" } else { "function" });
    let mut components: BTreeMap<&str, Component> = BTreeMap::new();
    let mut depends: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (function, parts) in functions {
        let reference = format!("function:{function}");
        if is_site {
            depends.entry(own.clone()).or_default().insert(reference.clone());
        }
        depends.entry(reference.clone()).or_default().extend(parts.keys().cloned());
        for (purl, part) in *parts {
            let mut part = part.clone();
            // In a document of many archives a place says nothing.
            if is_site {
                part.places.clear();
            }
            components.entry(purl).or_insert(part);
        }
    }
    let applications = functions.iter().filter(|_| is_site);
    let applications = applications
        .map(|(name, _)| json!({ "type": "application", "bom-ref": format!("function:{name}"), "name": name }));
    let all: Vec<Value> = applications.chain(components.values().map(as_json)).collect();
    for purl in components.keys() {
        depends.entry((*purl).to_owned()).or_default();
    }
    let depends: Vec<Value> =
        depends.into_iter().map(|(reference, on)| json!({ "ref": reference, "dependsOn": on })).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(seed),
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{ "type": "application", "name": "fnzip", "version": env!("CARGO_PKG_VERSION") }],
            },
            "component": { "type": "application", "bom-ref": own, "name": name },
        },
        "components": all,
        "dependencies": depends,
    })
}

fn as_json(component: &Component) -> Value {
    let mut row = Map::new();
    row.insert("type".into(), "library".into());
    row.insert("bom-ref".into(), component.purl.as_str().into());
    if let Some(group) = &component.group {
        row.insert("group".into(), group.as_str().into());
    }
    row.insert("name".into(), component.name.as_str().into());
    if let Some(version) = &component.version {
        row.insert("version".into(), version.as_str().into());
    }
    if !component.hashes.is_empty() {
        let hash = |(algorithm, content): &(String, String)| json!({ "alg": algorithm, "content": content });
        row.insert("hashes".into(), component.hashes.iter().map(hash).collect());
    }
    if let Some(licence) = &component.licence {
        row.insert("licenses".into(), licences(licence));
    }
    row.insert("purl".into(), component.purl.as_str().into());
    let places = component.places.iter().map(|place| ("fnzip:path", place.as_str()));
    let bundled = component.is_bundled.then_some(("fnzip:bundled", "true"));
    let properties: Vec<Value> =
        places.chain(bundled).map(|(name, value)| json!({ "name": name, "value": value })).collect();
    if !properties.is_empty() {
        row.insert("properties".into(), properties.into());
    }
    Value::Object(row)
}

/// A UUID of this form is anybody's to make (RFC 9562, version 8).
fn serial_number(seed: blake3::Hash) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&seed.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hexadecimal(&bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
