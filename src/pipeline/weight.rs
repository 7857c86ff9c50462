//! What an archive weighs, and which packages weigh most. In: the entries of a plan and the store that
//! compressed them. Out: sizes by package; whether the platform takes so much. Never writes.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use rustc_hash::FxHashMap;

use crate::archive::deflate::Deflated;
use crate::diagnostic::{Code, Diagnostic};
use crate::js::package::package_at;
use crate::plan::{BuildFacts, Content, Entry};
use crate::settings::Limits;
use crate::store::Store;

/// What one package costs in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Weight {
    /// Its name; none for the site's own files.
    pub package: Option<String>,
    /// How many files; none, if all of it is in the bundle.
    pub files: usize,
    /// Bytes, as they are in the archive.
    pub compressed: u64,
    /// Bytes, unpacked.
    pub size: u64,
}

/// The heaviest first. A bundle's bytes are shared out among the packages that went into it.
pub(super) fn weigh(entries: &[Entry], facts: &BuildFacts, store: &Store) -> Vec<Weight> {
    let mut packages: FxHashMap<Option<&str>, Weight> = FxHashMap::default();
    for entry in entries {
        let (size, compressed) = match &entry.content {
            Content::File(path) => {
                if store.keeps() {
                    let kept = store.kept(path).unwrap_or_default();
                    let (compressed, size) = if kept.is_empty() { (0, 0) } else { of_kept(&kept) };
                    (size, compressed)
                } else {
                    let size = store.stat(path).map_or(0, |metadata| metadata.len);
                    (size, size)
                }
            }
            Content::Bytes(bytes) => {
                let kept = store.kept_of(bytes);
                let compressed = if Arc::ptr_eq(&kept, bytes) { bytes.len() as u64 } else { of_kept(&kept).0 };
                (bytes.len() as u64, compressed)
            }
            Content::Link(_) => continue,
        };
        let mut add = |package, files, size, compressed| {
            let weight = packages.entry(package).or_default();
            weight.files += files;
            weight.size += size;
            weight.compressed += compressed;
        };
        if facts.bundle.as_ref() != Some(&entry.path) {
            add(package_at(entry.path.as_str()), 1, size, compressed);
            continue;
        }
        let whole = facts.bundled.values().sum::<u64>().max(1);
        let (mut rest, mut rest_compressed) = (size, compressed);
        for (package, bytes) in facts.bundled.iter().filter(|(package, _)| package.is_some()) {
            let (part, part_compressed) = (size * bytes / whole, compressed * bytes / whole);
            add(package.as_deref(), 0, part, part_compressed);
            rest -= part;
            rest_compressed -= part_compressed;
        }
        add(None, 1, rest, rest_compressed);
    }
    let named = |(package, weight): (Option<&str>, Weight)| Weight { package: package.map(str::to_owned), ..weight };
    let mut weights: Vec<Weight> = packages.into_iter().map(named).collect();
    weights.sort_by(|one, other| other.compressed.cmp(&one.compressed).then(one.package.cmp(&other.package)));
    weights
}

/// What a file costs in an archive, and unpacked.
pub(super) fn of_kept(kept: &[u8]) -> (u64, u64) {
    let deflated = Deflated::read(kept);
    (deflated.data.len() as u64, deflated.len)
}

/// Would the platform refuse so much?
pub(super) fn too_large(weights: &[Weight], limits: Limits) -> Option<Diagnostic> {
    let size: u64 = weights.iter().map(|weight| weight.size).sum();
    (size > limits.unzipped).then(|| {
        let (size, most) = Limits::compared(size, limits.unzipped);
        let message = format!("unpacked it has {size}, and the platform takes {most}");
        with_heaviest(Diagnostic::error(Code::TooLarge, message), weights)
    })
}

/// Is an archive larger than what is uploaded in one go?
pub(super) fn large(size: u64, weights: &[Weight], limits: Limits) -> Option<Diagnostic> {
    (size > limits.zipped).then(|| {
        let (size, most) = Limits::compared(size, limits.zipped);
        let message = format!("the archive has {size}, which is over {most}");
        with_heaviest(Diagnostic::warning(Code::TooLarge, message), weights)
    })
}

/// What is shipped as it is has no parts to name.
fn with_heaviest(said: Diagnostic, weights: &[Weight]) -> Diagnostic {
    if weights.is_empty() {
        return said;
    }
    let mut by_size: Vec<&Weight> = weights.iter().collect();
    by_size.sort_by_key(|weight| std::cmp::Reverse(weight.size));
    let named = by_size.into_iter().take(3).map(|weight| {
        let name = weight.package.as_deref().unwrap_or("its own files");
        format!("{name} ({})", Limits::shown(weight.size))
    });
    said.hint(format!("the largest are {}; --sizes shows all", named.collect::<Vec<_>>().join(", ")))
}
