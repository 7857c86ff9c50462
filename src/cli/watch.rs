//! `fnzip bundle --watch`. In: the call of a bundle. Out: a bundle, and another whenever something changes that it has
//! looked at, with a line that says what was built. What is no longer so is all that is built: the cache knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Bundle;
use super::bundle::{build_as, store, with_program};
use super::report::people::{Built, Difference, People};
use super::watching::{Changes, relative};
use super::{Failure, signals, working_directory};
use crate::diagnostic::Diagnostic;
use crate::path::AbsPath;
use crate::pipeline::{self, Report};
use crate::settings::{Settings, SettingsError};
use crate::store::Store;

/// Builds until somebody ends it.
pub(super) fn run(args: &Bundle, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    signals::end_with_what_was_started()?;
    let mut changes = Changes::begin(&cwd)?;
    let mut before: Option<Built> = None;
    let mut ground = Ground { roots: vec![AbsPath::of(cwd.clone())], outputs: Vec::new() };
    let mut told: Vec<Diagnostic> = Vec::new();
    // What is wrong with the settings, as it was told.
    let mut refused: Vec<Diagnostic> = Vec::new();
    let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
    loop {
        let store = store();
        match Settings::resolve(&with_program(&args.invocation(&cwd)), &store) {
            Err(SettingsError::Config(mut wrong)) => {
                wrong.sort();
                // It may be a log of this that has changed.
                if wrong != refused {
                    people.diagnostics(&wrong.iter().collect::<Vec<_>>(), &cwd)?;
                }
                if before.is_none() {
                    return Err(Failure::Told);
                }
                // What was told will be mended.
                refused = wrong;
            }
            settings => {
                let settings = settings?;
                let report = build_as(&settings, &store, args.site.jobs, people)?;
                refused.clear();
                let now = archives(&report);
                let diagnostics: Vec<Diagnostic> = report.all_diagnostics().into_iter().cloned().collect();
                // Of what goes wrong as before nothing is said: it may be a log of this that has changed.
                if before.as_ref() != Some(&now) || report.failed() && told != diagnostics {
                    people.diagnostics(&report.all_diagnostics(), &cwd)?;
                    match &before {
                        None => {
                            people.summary(&report, &settings, &cwd)?;
                            people.say("watching for changes")?;
                        }
                        Some(before) => {
                            people.rebuilt(&Difference::of(before, &now), &relative(&changed, &cwd), report.time)?;
                        }
                    }
                }
                before = Some(now);
                told = diagnostics;
                ground = Ground::of(&settings);
            }
        }
        let concerns = |path: &Path| ground.concerns(path, |path| store.has_looked_at(path));
        if changes.watch(ground.directories(&store), people)? {
            // What has changed in them before they were watched nobody tells: it came with what was told.
            changed.extend(changes.so_far(concerns));
            continue;
        }
        changed = changes.wait(concerns);
    }
}

/// What is watched.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ground {
    pub(super) roots: Vec<AbsPath>,
    /// Where a build writes.
    pub(super) outputs: Vec<AbsPath>,
}

impl Ground {
    pub(super) fn of(settings: &Settings) -> Self {
        let cache = settings.cache.iter().map(|cache| cache.directory.clone());
        let outputs = cache.chain([settings.out.clone(), settings.manifest.clone()]).collect();
        Self { roots: vec![settings.repository_root.clone()], outputs }
    }

    pub(super) fn is_output(&self, path: &AbsPath) -> bool {
        self.outputs.iter().any(|output| path.starts_with(output))
    }

    /// What a build has looked into, but for its outputs.
    pub(super) fn directories(&self, store: &Store) -> BTreeSet<AbsPath> {
        let mut directories = store.directories();
        directories.retain(|directory| !self.is_output(directory));
        directories
    }

    /// May a build depend on it? Outside the site only what one has looked at; in it what is new as well.
    pub(super) fn concerns(&self, path: &Path, has_looked_at: impl Fn(&AbsPath) -> bool) -> bool {
        let path = AbsPath::of(path);
        let is_inside = || self.roots.iter().any(|root| path.starts_with(root));
        !self.is_output(&path) && (is_inside() || has_looked_at(&path))
    }
}

/// The hash of each function's archive; none if it failed.
pub(super) fn archives(report: &Report) -> Built {
    let archive = |built: &pipeline::Built| built.archive.sha256.clone().unwrap_or_default();
    let functions = report.functions.iter();
    functions.map(|outcome| (outcome.function.name.to_string(), outcome.built.as_ref().map(archive))).collect()
}
