//! Changes on the disk. In: directories. Out: what has changed in them, once it is quiet again. Reads nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::Failure;
use super::report::people::People;
use crate::path::AbsPath;

/// Who saves one file often saves more, or writes it in several steps.
const QUIET: Duration = Duration::from_millis(5);

/// Directories that are watched, and what is told of them.
pub(super) struct Changes {
    watcher: RecommendedWatcher,
    directories: BTreeSet<AbsPath>,
    told: Receiver<Vec<PathBuf>>,
    /// It was said that some cannot be watched.
    is_said: bool,
}

impl Changes {
    /// Watches nothing yet. What has been missed is told as a change of `everywhere`.
    pub(super) fn begin(everywhere: &Path) -> Result<Self, Failure> {
        let (sender, told) = mpsc::channel();
        let everywhere = vec![everywhere.to_owned()];
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
        Ok(Self { watcher, directories: BTreeSet::new(), told, is_said: false })
    }

    /// Watches these from now on; true if there are new ones.
    pub(super) fn watch(&mut self, directories: BTreeSet<AbsPath>, people: &People) -> Result<bool, Failure> {
        // One that is gone may come back as another.
        self.directories.retain(|known| directories.contains(known));
        let new: Vec<AbsPath> = directories.into_iter().filter(|it| !self.directories.contains(it)).collect();
        for directory in &new {
            let failed = self.watcher.watch(directory, RecursiveMode::NonRecursive).err();
            let is_too_much = |error: &notify::Error| matches!(error.kind, ErrorKind::MaxFilesWatch);
            if let (Some(error), false) = (failed.filter(is_too_much), self.is_said) {
                self.is_said = true;
                people.warn(&format!("{directory}, and maybe others: {}", cannot_watch(&error)))?;
            }
        }
        let is_new = !new.is_empty();
        self.directories.extend(new);
        Ok(is_new)
    }

    /// What has been told, without waiting.
    pub(super) fn so_far(&self, concerns: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        self.told.try_iter().flatten().filter(|path| concerns(path)).collect()
    }

    /// Waits for a change that concerns somebody, and until it is quiet again.
    pub(super) fn wait(&self, concerns: impl Fn(&Path) -> bool) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        let mut until: Option<Instant> = None;
        loop {
            let next = match until {
                None => self.told.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => self.told.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            let Ok(paths) = next else { return changed };
            let before = changed.len();
            changed.extend(paths.into_iter().filter(|path| concerns(path)));
            // What concerns nobody does not keep anybody waiting.
            if changed.len() > before {
                until = Some(Instant::now() + QUIET);
            }
        }
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

/// Changes as whoever stands in `cwd` calls them; not what editors make and rename, if there is anything else.
pub(super) fn relative(changed: &BTreeSet<PathBuf>, cwd: &Path) -> Vec<String> {
    let there: Vec<&PathBuf> = changed.iter().filter(|path| path.exists()).collect();
    let shown = if there.is_empty() { changed.iter().collect() } else { there };
    shown.into_iter().map(|path| AbsPath::of(path.clone()).relative_to(cwd)).collect()
}
