//! One build of what is served. In: the call of the server. Out: what was made, a line of JSON from one process to the
//! other. With `--dist` nothing is made: what is there is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::environment::of_site;
use crate::archive::hexadecimal;
use crate::built::{Form, Listed, Opened, Place, deployed, entry, open};
use crate::cli::args::{ONLY_BUILD, Serve};
use crate::cli::bundle::{build, store};
use crate::cli::report::people::{Built, People};
use crate::cli::watch::{Ground, archives};
use crate::cli::{Failure, SUCCESS, print, resolve, working_directory};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fs::FileKind;
use crate::path::AbsPath;
use crate::pipeline::Report;
use crate::process::{Ended, Task, run, run_shown};
use crate::store::Store;

/// What was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) places: Vec<Place>,
    /// By name, the hash of what was built; none if it failed.
    pub(super) archives: Built,
    /// What is to be said of it.
    pub(super) said: Vec<Diagnostic>,
    /// Why functions failed.
    pub(super) failed: BTreeMap<String, String>,
    /// What functions find in their environment, by the word of the site.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) ground: Ground,
    /// What was looked into.
    pub(super) directories: BTreeSet<AbsPath>,
    /// What was looked at outside of the site.
    pub(super) elsewhere: BTreeSet<AbsPath>,
    seconds: f64,
}

impl Made {
    /// The functions that were built; what else lies there is of another call.
    pub(super) fn functions(&self, store: &Store) -> Vec<(Listed, String)> {
        let all = self.places.iter().flat_map(|place| deployed(place, store));
        let with_hash = |listed: Listed| {
            let hash = self.archives.get(&listed.name)?.clone()?;
            Some((listed, hash))
        };
        all.filter_map(with_hash).collect()
    }

    pub(super) fn took(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// Has a process of its own build, and show how it gets on.
///
/// # Errors
/// Nothing was built; why, people have been told.
pub(super) fn make_first(cwd: &Path) -> Result<Made, Failure> {
    let ended = ended(cwd, run_shown)?;
    serde_json::from_str(&ended.out)
        .map_err(|_| ended.signal.map_or(Failure::Told, |signal| Failure::Call(killed(signal))))
}

/// Has a process of its own build.
///
/// # Errors
/// Nothing was built; why, in its words.
pub(super) fn make(cwd: &Path) -> Result<Made, String> {
    let ended = ended(cwd, run).map_err(|error| format!("error: {error}\n"))?;
    let why = ended.signal.map_or(ended.err, |signal| format!("error: {}\n", killed(signal)));
    serde_json::from_str(&ended.out).map_err(|_| why)
}

fn killed(signal: i32) -> String {
    format!("the build was ended by signal {signal}")
}

/// The call of the server once more, but for a build.
fn ended(cwd: &Path, run: impl FnOnce(&Task<'_>) -> io::Result<Ended>) -> io::Result<Ended> {
    let program = std::env::current_exe()?;
    let arguments = std::env::args_os().skip(1).collect();
    let environment = BTreeMap::from([(ONLY_BUILD.to_owned(), "1".into())]);
    run(&Task { program: &program.to_string_lossy(), arguments, directory: &AbsPath::of(cwd), environment })
}

/// Builds, or looks at what was built, and tells what there is.
pub(super) fn tell(args: &Serve, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = store();
    let made =
        if args.dist.is_empty() { build_once(args, &cwd, &store, people)? } else { look(args, &cwd, &store, people)? };
    print(&serde_json::to_string(&made).map_err(io::Error::from)?)?;
    Ok(SUCCESS)
}

fn build_once(args: &Serve, cwd: &Path, store: &Arc<Store>, people: &People) -> Result<Made, Failure> {
    let (settings, report) = build(&args.invocation(cwd), store, args.site.jobs, people)?;
    let ground = Ground::of(&settings);
    Ok(Made {
        said: report.all_diagnostics().into_iter().cloned().collect(),
        archives: archives(&report),
        failed: failed(&report, cwd),
        environment: of_site(&settings)?,
        directories: ground.directories(store),
        elsewhere: store.looked_at_outside(&settings.repository_root),
        ground,
        places: vec![Place { manifest: settings.manifest, ..Place::of_directory(settings.out) }],
        seconds: report.time.as_secs_f64(),
    })
}

fn look(args: &Serve, cwd: &Path, store: &Store, people: &People) -> Result<Made, Failure> {
    let settings = resolve(&args.invocation(cwd), store, people)?;
    let paths = args.dist.iter().map(|path| AbsPath::resolve(cwd, path));
    let places: Vec<Place> = paths.map(|path| place(path, store)).collect::<Result<_, _>>()?;
    let mut archives = Built::new();
    for listed in places.iter().flat_map(|place| deployed(place, store)) {
        if archives.insert(listed.name.clone(), Some(hash(&listed, store))).is_some() {
            let Listed { name, path, .. } = listed;
            return Err(Failure::Call(format!("--dist {path}: there is another function `{name}`")));
        }
    }
    let roots: Vec<AbsPath> = places.iter().map(|place| place.out.clone()).collect();
    Ok(Made {
        said: Vec::new(),
        archives,
        failed: BTreeMap::new(),
        environment: of_site(&settings)?,
        directories: roots.iter().cloned().collect(),
        elsewhere: BTreeSet::new(),
        ground: Ground { roots, outputs: Vec::new() },
        places,
        seconds: 0.0,
    })
}

/// Of its bytes, whatever a manifest says; of what cannot be read, whoever calls it is told.
fn hash(listed: &Listed, store: &Store) -> String {
    open(listed, store).map(|opened| hexadecimal(&Sha256::digest(&opened.bytes))).unwrap_or_default()
}

/// A directory of archives, an archive, or a directory that is a function by itself.
fn place(path: AbsPath, store: &Store) -> Result<Place, Failure> {
    let refused = |why: &str| Failure::Call(format!("--dist {path}: {why}"));
    let kind = store.stat(&path).map_err(|error| refused(&error.reason()))?.kind;
    let archive = Place::of_archive(path.clone());
    let read = |listed: &Listed| Some((open(listed, store).ok()?, listed.clone()));
    if kind != FileKind::Directory {
        let is_archive =
            deployed(&archive, store).iter().filter_map(read).any(|(opened, _)| opened.form != Form::Other);
        return if is_archive { Ok(archive) } else { Err(refused("is neither an archive nor a program")) };
    }
    let directory = Place::of_directory(path.clone());
    let starts = |(opened, listed): (Opened, Listed)| entry(&listed, &opened.files).is_some();
    let is_function =
        || deployed(&directory, store).is_empty() && deployed(&archive, store).iter().filter_map(read).any(starts);
    Ok(if is_function() { archive } else { directory })
}

/// Why each function that failed did.
fn failed(report: &Report, cwd: &Path) -> BTreeMap<String, String> {
    let failed = report.functions.iter().filter(|outcome| outcome.built.is_none());
    let words = |said: &[Diagnostic]| {
        let errors = said.iter().filter(|said| said.severity == Severity::Error);
        errors.map(|error| error.in_one_line_from(cwd)).collect::<Vec<_>>().join("\n")
    };
    failed.map(|outcome| (outcome.function.name.to_string(), words(&outcome.diagnostics))).collect()
}
