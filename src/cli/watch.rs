//! `fnzip bundle --watch`. In: the call of a bundle. Out: a bundle, and another whenever something changes that it has
//! looked at, with a line that says what was built. What is no longer so is all that is built: the cache knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::args::Bundle;
use super::bundle::{build, store};
use super::report::people::{Built, People};
use super::{Failure, signals, working_directory};
use crate::path::AbsPath;
use crate::pipeline::{self, Report};
use crate::settings::Settings;
use crate::store::Store;

/// Who saves one file often saves more, or writes it in several steps.
const QUIET: Duration = Duration::from_millis(5);

/// Builds until somebody ends it.
pub(super) fn run(args: &Bundle, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    signals::end_with_what_was_started()?;
    let (sender, changes) = mpsc::channel();
    let everywhere = vec![cwd.clone()];
    let tell = move |event: notify::Result<Event>| {
        let paths = match event {
            Ok(event) if event.need_rescan() => everywhere.clone(),
            Ok(event) if is_change(event.kind) => event.paths,
            Ok(_) => return,
            // What has been missed may be anything.
            Err(_) => everywhere.clone(),
        };
        let _ = sender.send(paths); // The receiver lives as long as the program.
    };
    let watcher = notify::recommended_watcher(tell).map_err(|error| cannot_watch(&error))?;
    let mut watched = Watched { watcher, directories: BTreeSet::new(), is_told: false };
    let mut before: Option<Built> = None;
    let mut ground = Ground { root: AbsPath::of(cwd.clone()), outputs: Vec::new() };
    let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
    let mut is_told = false;
    loop {
        let store = store();
        match build(&args.invocation(&cwd), &store, args.site.jobs, people) {
            Ok((settings, report)) => {
                let now = archives(&report);
                if before.as_ref() != Some(&now) || report.failed() && !changed.is_empty() && !is_told {
                    people.diagnostics(&report.all_diagnostics(), &cwd)?;
                    match &before {
                        None => {
                            people.summary(&report, &settings, &cwd)?;
                            people.say("watching for changes")?;
                        }
                        Some(before) => people.rebuilt(before, &now, &relative(&changed, &cwd), report.time)?,
                    }
                }
                before = Some(now);
                ground = Ground::of(&settings);
            }
            // What was told will be mended.
            Err(Failure::Told) if before.is_some() => {}
            Err(failure) => return Err(failure),
        }
        if watched.add(&store, &ground, people)? {
            // What has changed in them before they were watched nobody tells: it came with what was told.
            let more: Vec<PathBuf> =
                changes.try_iter().flatten().filter(|path| ground.concerns(path, &store)).collect();
            is_told = more.is_empty();
            changed.extend(more);
            continue;
        }
        is_told = false;
        changed = wait(&changes, |path| ground.concerns(path, &store));
    }
}

fn cannot_watch(error: &notify::Error) -> Failure {
    Failure::Call(format!("changes cannot be watched: {error}"))
}

/// Reading is no change.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// What is watched.
struct Ground {
    root: AbsPath,
    /// Where a build writes.
    outputs: Vec<AbsPath>,
}

impl Ground {
    fn of(settings: &Settings) -> Self {
        let cache = settings.cache.iter().map(|cache| cache.directory.clone());
        let outputs = cache.chain([settings.out.clone(), settings.manifest.clone()]).collect();
        Self { root: settings.repository_root.clone(), outputs }
    }

    fn is_output(&self, path: &AbsPath) -> bool {
        self.outputs.iter().any(|output| path.starts_with(output))
    }

    /// May a build depend on it? Outside the site only what one has looked at; in it what is new as well.
    fn concerns(&self, path: &Path, store: &Store) -> bool {
        let path = AbsPath::of(path);
        !self.is_output(&path) && (path.starts_with(&self.root) || store.has_looked_at(&path))
    }
}

/// The hash of each function's archive; none if it failed.
fn archives(report: &Report) -> Built {
    let archive = |built: &pipeline::Built| built.archive.sha256.clone().unwrap_or_default();
    let functions = report.functions.iter();
    functions.map(|outcome| (outcome.function.name.to_string(), outcome.built.as_ref().map(archive))).collect()
}

fn relative(changed: &BTreeSet<PathBuf>, cwd: &Path) -> Vec<String> {
    changed.iter().map(|path| AbsPath::of(path.clone()).relative_to(cwd)).collect()
}

/// Waits for a change that concerns the build, and until it is quiet again.
fn wait(changes: &Receiver<Vec<PathBuf>>, concerns: impl Fn(&Path) -> bool) -> BTreeSet<PathBuf> {
    let mut changed = BTreeSet::new();
    loop {
        let next = if changed.is_empty() {
            changes.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            changes.recv_timeout(QUIET)
        };
        match next {
            Ok(paths) => changed.extend(paths.into_iter().filter(|path| concerns(path))),
            Err(_) => return changed,
        }
    }
}

struct Watched {
    watcher: RecommendedWatcher,
    directories: BTreeSet<AbsPath>,
    /// That some cannot be watched.
    is_told: bool,
}

impl Watched {
    /// Watches every directory that a build has looked into, or in which it has looked for something; true if there
    /// are new ones.
    fn add(&mut self, store: &Store, ground: &Ground, people: &People) -> Result<bool, Failure> {
        let directories = store.directories();
        // One that is gone may come back as another.
        self.directories.retain(|known| directories.contains(known));
        let is_new = |directory: &&AbsPath| !self.directories.contains(*directory) && !ground.is_output(directory);
        let new: Vec<AbsPath> = directories.iter().filter(is_new).cloned().collect();
        for directory in &new {
            let failed = self.watcher.watch(directory, RecursiveMode::NonRecursive).err();
            let is_too_much = |error: &notify::Error| matches!(error.kind, ErrorKind::MaxFilesWatch);
            if let (Some(error), false) = (failed.filter(is_too_much), self.is_told) {
                self.is_told = true;
                people.warn(&format!("{directory}, and maybe others: {}", cannot_watch(&error)))?;
            }
        }
        let is_new = !new.is_empty();
        self.directories.extend(new);
        Ok(is_new)
    }
}
