//! What should never leave the machine that built. In: the entries of an archive. Out: secrets, other functions, and
//! paths of that machine. What packages bring along is a note: whoever installs them has it anyway.

use std::collections::BTreeSet;

use memchr::memmem;

use super::Shipped;
use crate::built::{Entry, Listed};
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::path::AbsPath;

pub(super) fn findings(
    shipped: &Shipped<'_>,
    all: &[Listed],
    reached: &BTreeSet<AbsPath>,
    places: &[AbsPath],
) -> Vec<Diagnostic> {
    let root = root(shipped);
    let others = root.as_ref().map(|root| other_functions(root, shipped, all)).unwrap_or_default();
    let places: BTreeSet<&str> = places.iter().chain(&root).filter_map(|place| telling(place)).collect();
    let mut findings = Vec::new();
    for name in shipped.files.entries().keys() {
        let at = shipped.at(name);
        let is_package = name.split('/').any(|part| part == "node_modules");
        let severity = |own: Severity| if is_package { Severity::Note } else { own };
        if let Some(what) = secret(name, &|| shipped.bytes(name)) {
            let said = Diagnostic::new(severity(Severity::Error), Code::Secret, format!("{what}, which must not ship"));
            findings.push(said.at(&at).hint("take it out of `included_files`, or out of what the code reads"));
            continue;
        }
        if let Some(other) = others.iter().find(|(path, _)| path == name).filter(|_| !reached.contains(&at)) {
            let said = Diagnostic::error(Code::Secret, format!("the source of another function, `{}`", other.1));
            findings.push(said.at(&at).hint("take it out of `included_files`"));
        }
        let bytes = shipped.bytes(name);
        let found = places.iter().find_map(|place| Some((*place, position(&bytes, place)?)));
        if let Some((place, start)) = found {
            let message = format!("names `{place}`, a directory of the machine that built it");
            let said = Diagnostic::new(severity(Severity::Warning), Code::BuildPath, message).at(&at);
            let text = std::str::from_utf8(&bytes).ok();
            let span = text.map(|text| Span::of(text, start, start + place.len()));
            findings.push(Diagnostic { span, ..said });
        }
    }
    findings
}

/// What kind of secret a file is; only those that may be are read.
fn secret(path: &str, read: &dyn Fn() -> Vec<u8>) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let says = |words: &[&str]| {
        let bytes = read();
        words.iter().any(|word| memmem::find(&bytes, word.as_bytes()).is_some())
    };
    let is_example = [".example", ".sample", ".template", ".dist"].iter().any(|end| name.ends_with(end));
    if (name == ".env" || name.starts_with(".env.")) && !is_example {
        return Some("holds an environment's secrets");
    }
    if path.starts_with(".git/") || path.contains("/.git/") {
        return Some("is a part of a repository");
    }
    if matches!(name, ".npmrc" | ".yarnrc" | ".yarnrc.yml" | ".netrc" | ".pypirc")
        && says(&["_authToken", "_password", "_auth=", "npmAuthToken", "npmAuthIdent", "password"])
    {
        return Some("holds a token");
    }
    let is_key =
        name.starts_with("id_") || [".pem", ".key", ".p8", ".pk8", ".ppk"].iter().any(|end| name.ends_with(end));
    (is_key && says(&["PRIVATE KEY-----", "PuTTY-User-Key-File"])).then_some("is a private key")
}

/// Where the sources of the function begin on the machine that built: its main file's path, without its place in the
/// archive.
fn root(shipped: &Shipped<'_>) -> Option<AbsPath> {
    let Some(Entry::Module { main, .. }) = &shipped.entry else { return None };
    let main_file = AbsPath::of(shipped.listed.row.as_ref()?.main_file.clone());
    let entry = shipped.name_of(main);
    let entry = entry.strip_prefix("src/").filter(|_| !main_file.ends_with(&entry)).unwrap_or(&entry).to_owned();
    // Compiled files have another extension.
    let stem = |path: &str| path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_owned();
    let text = main_file.to_str()?;
    let root = stem(text).strip_suffix(&stem(&entry))?.trim_end_matches('/').to_owned();
    (!root.is_empty()).then(|| AbsPath::of(root))
}

/// Where main files of other functions would stand in this archive, and whose they are.
fn other_functions(root: &AbsPath, shipped: &Shipped<'_>, all: &[Listed]) -> Vec<(String, String)> {
    let others = all.iter().filter(|other| other.name != shipped.listed.name);
    let others = others.filter_map(|other| Some((AbsPath::of(other.row.as_ref()?.main_file.clone()), &other.name)));
    let others = others.filter(|(main, _)| main.starts_with(root));
    others.map(|(main, name)| (main.relative_to(root), name.clone())).collect()
}

/// A directory that says something of its machine: `/` and `/app` are everybody's.
fn telling(place: &AbsPath) -> Option<&str> {
    place.to_str().filter(|text| place.components().count() > 2 && text.len() > 6)
}

/// Where a directory is named as a whole, in a text or between other bytes.
fn position(bytes: &[u8], place: &str) -> Option<usize> {
    memmem::find_iter(bytes, place).find(|at| {
        let next = bytes.get(at + place.len());
        !next.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}
