//! Does building again give the same bytes? In: two output directories, of which one was made just now. Out: the
//! functions whose archives differ, and the entries by which they do.

use std::collections::BTreeMap;

use crate::built::{Listed, Opened, Place, listed, open};
use crate::diagnostic::{Code, Diagnostic};
use crate::store::Store;

/// How many entries are named.
const MOST_NAMED: usize = 5;

/// Compares what was built with what was built again.
pub fn rebuilt(before: &Place, again: &Place, store: &Store) -> Vec<Diagnostic> {
    let (old, _) = listed(before, store);
    let (new, _) = listed(again, store);
    let mut new: BTreeMap<String, Listed> = new.into_iter().map(|listed| (listed.name.clone(), listed)).collect();
    let mut findings = Vec::new();
    for one in &old {
        let finding = |message: String| Diagnostic::error(Code::NotReproducible, message).at(&one.path).of(&one.name);
        let Some(other) = new.remove(&one.name) else {
            findings
                .push(finding("building again does not make it".to_owned()).hint("is it left from an older build?"));
            continue;
        };
        let (Ok(one_opened), Ok(other_opened)) = (open(one, store), open(&other, store)) else { continue };
        // The bytes of a directory do not tell the names of its files.
        if one_opened.bytes == other_opened.bytes && facts(&one_opened) == facts(&other_opened) {
            continue;
        }
        let hint = "build with the same version of fnzip, the same flags and the same installed packages";
        findings.push(finding(difference(&one_opened, &other_opened)).hint(hint));
    }
    let more = new.into_values().map(|listed| {
        let message = format!("building again also makes `{}`", listed.name);
        Diagnostic::error(Code::NotReproducible, message).at(&before.out)
    });
    findings.extend(more);
    findings
}

/// Checksum and length of each entry, and whether it may be executed.
fn facts(opened: &Opened) -> BTreeMap<String, (u32, u64, bool)> {
    let entries = opened.files.entries().iter();
    entries.map(|(name, entry)| (name.clone(), (entry.checksum, entry.len, entry.executable))).collect()
}

/// The entries by which two archives differ.
fn difference(one: &Opened, other: &Opened) -> String {
    let (one, mut other) = (facts(one), facts(other));
    let mut names: Vec<String> = Vec::new();
    for (name, facts) in one {
        match other.remove(&name) {
            None => names.push(format!("`{name}` is gone")),
            Some(again) if again != facts => names.push(format!("`{name}` is another")),
            Some(_) => {}
        }
    }
    names.extend(other.into_keys().map(|name| format!("`{name}` is new")));
    if names.is_empty() {
        return "building again gives other bytes, though the same files: they are packed otherwise".to_owned();
    }
    let rest = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("building again gives other bytes: {}{more}", names.join(", "))
}
