//! Does the platform take so much? In: an archive and its sizes. Out: what is too large, too long or near to it, with
//! the packages that weigh most.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::Shipped;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::package::package_at;
use crate::settings::Limits;

/// Where the platform unpacks functions.
const ROOT: &str = "/var/task/";

/// From so many parts of ten on a limit is near.
const NEAR: u64 = 9;

pub(super) fn findings(shipped: &Shipped<'_>, size: u64, limits: Limits) -> Vec<Diagnostic> {
    let unpacked = shipped.files.unpacked();
    let sizes = [
        (Severity::Error, "unpacked it has", unpacked, limits.unzipped),
        (Severity::Error, "the archive has", size, limits.zipped),
    ];
    let mut findings: Vec<Diagnostic> = Vec::new();
    for (severity, what, size, limit) in sizes {
        let (severity, rest) = if size > limit {
            (severity, "and the platform takes")
        } else if size / NEAR > limit / 10 {
            (Severity::Warning, "which is near to what the platform takes:")
        } else {
            continue;
        };
        let (size, limit) = Limits::compared(size, limit);
        let said = Diagnostic::new(severity, Code::TooLarge, format!("{what} {size}, {rest} {limit}"));
        findings.push(said.at(&shipped.listed.path).hint(format!("the largest are {}", largest(shipped))));
    }
    for name in shipped.files.entries().keys() {
        let len = ROOT.len() + name.len();
        let too_long = if len as u64 > limits.path {
            format!("its path has {len} bytes on the platform, and Linux takes {}", limits.path)
        } else if let Some(part) = name.split('/').find(|part| part.len() as u64 > limits.name) {
            format!("a name in it has {} bytes, and Linux takes {}", part.len(), limits.name)
        } else {
            continue;
        };
        findings.push(Diagnostic::error(Code::TooLarge, too_long).at(&shipped.at(name)));
    }
    findings
}

/// Are there more variables than Lambda takes?
pub(super) fn environment(variables: &BTreeMap<String, OsString>, limits: Limits) -> Option<Diagnostic> {
    let size: usize = variables.iter().map(|(name, value)| name.len() + 1 + value.len()).sum();
    let mut largest: Vec<(&String, usize)> = variables.iter().map(|(name, value)| (name, value.len())).collect();
    largest.sort_by_key(|(name, len)| (std::cmp::Reverse(*len), *name));
    let largest: Vec<String> = largest.into_iter().take(3).map(|(name, len)| format!("`{name}` ({len})")).collect();
    (size as u64 > limits.environment).then(|| {
        let message =
            format!("the environment has {size} bytes, and Lambda takes {} for a function", limits.environment);
        Diagnostic::error(Code::TooLarge, message).hint(format!("the largest are {}", largest.join(", ")))
    })
}

/// The three packages that weigh most, unpacked.
fn largest(shipped: &Shipped<'_>) -> String {
    let mut sizes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for (name, entry) in shipped.files.entries() {
        *sizes.entry(package_at(name)).or_default() += entry.len;
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(name, size)| (std::cmp::Reverse(*size), *name));
    let named = sizes.into_iter().take(3);
    let named = named.map(|(name, size)| format!("{} ({})", name.unwrap_or("its own files"), Limits::shown(size)));
    named.collect::<Vec<_>>().join(", ")
}
