//! Is what was built fit to deploy? In: archives, of fnzip or of any other tool, and the manifest beside them. Out:
//! findings, as diagnostics whose paths go on below the archives. Needs no sources, and builds nothing.

mod complete;
mod fit;
mod limits;
mod load;
mod rebuilt;
mod safe;
mod whole;

use std::sync::Arc;

use rayon::prelude::*;

pub use self::load::Load;
pub use self::rebuilt::rebuilt;
use crate::built::{Entry, Form, Listed, Opened, Place, agrees, entry, listed, open};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fs::archived::Archived;
use crate::function::{NodeVersion, Platform};
use crate::path::AbsPath;
use crate::settings::Limits;
use crate::store::Store;

/// What archives are held to.
#[derive(Debug, Clone)]
pub struct Demands {
    /// Where the archives are.
    pub place: Place,
    /// The Node version, whatever the manifest says.
    pub node: Option<NodeVersion>,
    /// The Node version of functions of which the manifest says nothing.
    pub default_node: NodeVersion,
    /// What functions run on.
    pub platform: Platform,
    /// How large archives may be.
    pub limits: Limits,
    /// How functions are loaded, if they are to be.
    pub load: Option<Load>,
    /// Directories of the machine that built, whose paths nobody else has.
    pub places: Vec<AbsPath>,
}

/// What came of a verification.
#[derive(Debug)]
pub struct Verified {
    /// The functions that were looked at, sorted by name, and their archives.
    pub functions: Vec<(String, AbsPath)>,
    /// Everything that was found, in a fixed order.
    pub findings: Vec<Diagnostic>,
}

/// An archive that has been read, and what is known of its function.
struct Shipped<'a> {
    listed: &'a Listed,
    files: Arc<Archived>,
    node: NodeVersion,
    /// What the platform starts.
    entry: Option<Entry>,
}

/// Looks at every archive, one a thread.
pub fn verify(demands: &Demands, store: &Store) -> Verified {
    let (all, mut findings) = listed(&demands.place, store);
    let found: Vec<Vec<Diagnostic>> = all.par_iter().map(|listed| look_at(listed, &all, demands, store)).collect();
    findings.extend(found.into_iter().flatten());
    findings
        .extend(demands.load.as_ref().and_then(|load| limits::environment(&load.sandbox.environment, demands.limits)));
    findings.sort();
    findings.dedup();
    Verified { functions: all.into_iter().map(|listed| (listed.name, listed.path)).collect(), findings }
}

fn look_at(listed: &Listed, all: &[Listed], demands: &Demands, store: &Store) -> Vec<Diagnostic> {
    let about = |said: Diagnostic| said.of(&listed.name);
    let Opened { bytes, form, files, faults } = match open(listed, store) {
        Ok(opened) => opened,
        Err(error) => {
            let error = Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason()));
            return vec![about(error.at(&listed.path))];
        }
    };
    let mut findings = agrees(listed, &bytes);
    if form == Form::Other {
        let note = Diagnostic::note(Code::BadArchive, "not looked into: it is neither an archive nor a program");
        findings.push(note.at(&listed.path));
        return findings.into_iter().map(about).collect();
    }
    // Of what is no zip archive, nobody knows how large that would be.
    let size = if form == Form::Zip { bytes.len() as u64 } else { 0 };
    let faults: Vec<Diagnostic> = faults.iter().map(|fault| whole::finding(fault, &listed.path)).collect();
    let is_whole = !faults.iter().any(|fault| fault.severity == Severity::Error);
    findings.extend(faults);
    let node = demands.node.or(listed.node()).unwrap_or(demands.default_node);
    let entry = entry(listed, &files);
    let shipped = Shipped { listed, files: Arc::new(files), node, entry };
    findings.extend(limits::findings(&shipped, size, demands.limits));
    let complete = complete::look(&shipped, demands.platform);
    findings.extend(safe::findings(&shipped, all, &complete.reached, &demands.places));
    findings.extend(fit::findings(&shipped, &complete, demands.platform));
    findings.extend(complete.findings);
    // What cannot be unpacked as it says is not run.
    if let Some(load) = demands.load.as_ref().filter(|_| is_whole) {
        findings.extend(load::findings(&shipped, load));
    }
    findings.into_iter().map(about).collect()
}

impl Shipped<'_> {
    /// Where an entry of the archive stands.
    fn at(&self, entry: &str) -> AbsPath {
        self.listed.path.join(entry)
    }

    /// The name of the entry at a path.
    fn name_of(&self, path: &AbsPath) -> String {
        path.relative_to(&self.listed.path)
    }

    /// The bytes of an entry.
    fn bytes(&self, entry: &str) -> Vec<u8> {
        crate::fs::FileSystem::read(&*self.files, &self.at(entry)).unwrap_or_default()
    }
}
