//! Archives that cannot be unpacked as they say. In: what is wrong with one. Out: a finding, with what to do.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fs::archived::{Fault, What};
use crate::path::AbsPath;

/// What people are told of a fault.
pub(super) fn finding(fault: &Fault, archive: &AbsPath) -> Diagnostic {
    let (severity, code, hint) = match &fault.what {
        What::CaseClash(_) => {
            (Severity::Warning, Code::CaseClash, "on a disk that does not tell case apart, one of them is lost")
        }
        What::Broken(_) | What::Size(_) | What::Checksum | What::OtherName(_) | What::Overlaps(_) => {
            (Severity::Error, Code::BadArchive, "build it again, and look for what changed it since")
        }
        What::Name(_) | What::Twice | What::Special | What::Method(_) => (
            Severity::Error,
            Code::BadArchive,
            "pack it with another tool: the platform unpacks it otherwise than this one",
        ),
        What::Encrypted => {
            (Severity::Error, Code::BadArchive, "pack it again without a password: the platform knows none")
        }
        What::LeadsOut(_) | What::Dangles(_) => {
            (Severity::Error, Code::BadArchive, "ship what it leads to, and link to that by a relative path")
        }
        What::TooLarge(_) => (Severity::Error, Code::TooLarge, "the platform takes 250 MB"),
    };
    let at = fault.entry.as_ref().map_or_else(|| archive.clone(), |entry| archive.join(entry.trim_start_matches('/')));
    // A name that leads out must not lead to another file here either.
    let (at, message) = if at.starts_with(archive) && !fault.entry.as_ref().is_some_and(|it| it.contains("..")) {
        (at, fault.what.to_string())
    } else {
        (archive.clone(), format!("`{}`: {}", fault.entry.as_deref().unwrap_or_default(), fault.what))
    };
    Diagnostic::new(severity, code, message).at(&at).hint(hint)
}
