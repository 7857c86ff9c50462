//! The functions of an output directory. In: the directory of the archives, and the manifest. Out: a function an
//! archive, with its row of the manifest; and where the two do not agree. Never looks into an archive.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Place;
use crate::archive::hexadecimal;
use crate::diagnostic::{Code, Diagnostic};
use crate::function::NodeVersion;
use crate::manifest::{Manifest, Row};
use crate::path::AbsPath;
use crate::settings::Format;
use crate::store::Store;

/// A function that was built.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its archive.
    pub path: AbsPath,
    /// What the manifest says of it.
    pub row: Option<Row>,
}

impl Listed {
    /// The Node version that the manifest names.
    pub fn node(&self) -> Option<NodeVersion> {
        let version = self.row.as_ref()?.runtime_version.as_deref()?;
        NodeVersion::parse(version.strip_prefix("nodejs")?.strip_suffix(".x")?)
    }
}

/// Every function that the manifest has, and every archive that it has not.
pub fn listed(place: &Place, store: &Store) -> (Vec<Listed>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let manifest = read(place, store, &mut findings);
    let has_manifest = manifest.is_some();
    let mut functions: BTreeMap<AbsPath, Listed> = BTreeMap::new();
    for row in manifest.into_iter().flat_map(|manifest| manifest.functions) {
        let name = row.name.to_string();
        let finding = |message: String| Diagnostic::error(Code::Manifest, message).at(&place.manifest).of(&name);
        let Some(path) = archive_of(&row, place, store) else {
            let hint = "build again, or deploy what the manifest was written with";
            findings.push(finding(format!("`{}` is not there", row.path)).hint(hint));
            continue;
        };
        if let Some(other) = functions.get(&path) {
            findings.push(finding(format!("`{}` is the archive of `{}` as well", row.path, other.name)));
            continue;
        }
        functions.insert(path.clone(), Listed { name, path, row: Some(row) });
    }
    for name in store.read_dir(&place.out).iter().flat_map(|names| names.iter()) {
        let path = place.out.child(name);
        if !matches!(path.extension(), "zip" | "tgz") || functions.contains_key(&path) {
            continue;
        }
        let name = name_of(&path);
        if has_manifest {
            let message = "the manifest has no row for it: whoever goes by the manifest does not deploy it";
            let hint = "remove it, or build it again";
            findings.push(Diagnostic::error(Code::Manifest, message).at(&path).of(&name).hint(hint));
        }
        functions.insert(path.clone(), Listed { name, path, row: None });
    }
    if functions.is_empty() && findings.is_empty() {
        let warning = Diagnostic::warning(Code::NoFunctions, "there is nothing to verify here");
        findings.push(warning.at(&place.out).hint("build first: `fnzip bundle`"));
    }
    let mut functions: Vec<Listed> = functions.into_values().collect();
    functions.sort_by(|one, other| one.name.cmp(&other.name).then(one.path.cmp(&other.path)));
    (functions, findings)
}

fn name_of(archive: &AbsPath) -> String {
    archive.name().trim_end_matches(&archive.extension_with_dot()).to_owned()
}

/// What whoever goes by the manifest would deploy; without one, every archive.
pub fn deployed(place: &Place, store: &Store) -> Vec<Listed> {
    let (mut functions, _) = listed(place, store);
    match &place.only {
        None => {
            let has_manifest = functions.iter().any(|function| function.row.is_some());
            functions.retain(|function| function.row.is_some() || !has_manifest);
        }
        Some(only) => {
            functions.retain(|function| function.path == *only);
            if functions.is_empty() {
                functions.push(Listed { name: name_of(only), path: only.clone(), row: None });
            }
        }
    }
    functions
}

fn read(place: &Place, store: &Store, findings: &mut Vec<Diagnostic>) -> Option<Manifest> {
    let at = &place.manifest;
    let mut refuse = |message: String| {
        findings.push(Diagnostic::error(Code::Manifest, message).at(at));
        None
    };
    let bytes = match store.read(at) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() && !place.wants_manifest => return None,
        Err(error) => return refuse(format!("cannot be read: {}", error.reason())),
    };
    match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) if manifest.version == 1 => Some(manifest),
        Ok(manifest) => refuse(format!("its version is {}, and 1 is known", manifest.version)),
        Err(error) => refuse(format!("not a manifest: {error}")),
    }
}

/// The format that a place was built in, as far as what lies there tells.
pub fn format(place: &Place, store: &Store) -> Format {
    let (functions, _) = listed(place, store);
    let is = |what: &dyn Fn(&AbsPath) -> bool| functions.iter().any(|function| what(&function.path));
    if is(&|path| path.extension() == "zip") {
        Format::Zip
    } else if is(&|path| path.extension() == "tgz") {
        Format::Tar
    } else if is(&|path| store.is_dir(path)) {
        Format::None
    } else {
        Format::Zip
    }
}

/// Where the archive of a row is: where the row says, or beside the manifest, if all were moved. Of a copy the original may
/// still be where the row says, and be another by now.
fn archive_of(row: &Row, place: &Place, store: &Store) -> Option<AbsPath> {
    let directory = place.manifest.parent().unwrap_or_else(|| place.out.clone());
    let said = AbsPath::resolve(&directory, &row.path);
    let moved = place.out.child(said.name());
    let places = if directory == place.out { [moved, said] } else { [said, moved] };
    places.into_iter().find(|path| store.stat(path).is_ok())
}

/// Does an archive have the size and the hash that the manifest says?
pub fn agrees(listed: &Listed, bytes: &[u8]) -> Vec<Diagnostic> {
    let Some(said) = listed.row.as_ref().map(|row| &row.fnzip) else { return Vec::new() };
    let finding = |message: String| {
        let hint = "it was changed after it was built: build it again";
        vec![Diagnostic::error(Code::Manifest, message).at(&listed.path).hint(hint)]
    };
    if let Some(size) = said.size.filter(|size| *size != bytes.len() as u64) {
        return finding(format!("has {} bytes, and the manifest says {size}", bytes.len()));
    }
    let Some(expected) = &said.sha256 else { return Vec::new() };
    let hash = hexadecimal(&Sha256::digest(bytes));
    if hash == *expected {
        Vec::new()
    } else {
        finding(format!("its sha256 is {hash}, and the manifest says {expected}"))
    }
}
