//! Functions that other programs compile, beside the work on JavaScript. In: functions in Go and Rust.
//! Out: what came of each, with its place among all. Threads of their own wait for the compilers, so
//! that those of the pool go on with JavaScript.

use std::collections::{BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::output::finish;
use super::{Outcome, Progress};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Function, Runtime};
use crate::process::Workshop;
use crate::runtime;
use crate::settings::Settings;
use crate::store::Store;

/// A function to compile.
pub(super) struct Job {
    /// Its place among all functions.
    pub(super) index: usize,
    pub(super) function: Function,
    /// What is wrong with what it was told.
    pub(super) said: Vec<Diagnostic>,
}

/// What compiling takes.
#[derive(Clone, Copy)]
pub(super) struct Compiling<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) progress: &'a dyn Progress,
    /// How many compilers of Go may run at once.
    pub(super) threads: usize,
}

type Done = Vec<(usize, Outcome)>;

impl Compiling<'_> {
    /// Compiles and packs all of them.
    pub(super) fn all(self, jobs: Vec<Job>) -> Done {
        if jobs.is_empty() {
            return Done::new();
        }
        let workshop = Workshop::new();
        let (go, rust): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.function.runtime == Runtime::Go);
        let workshop = workshop.as_ref().map_err(ToString::to_string);
        let one = |job: Job| self.one(job, workshop.as_ref().copied().map_err(String::as_str));
        let workers = self.threads.min(go.len().saturating_sub(1));
        let waiting = Mutex::new(VecDeque::from(go));
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = || std::iter::from_fn(next).map(one).collect::<Done>();
        thread::scope(|scope| {
            // Cargo locks its target directory: one after another.
            let rust = scope.spawn(|| rust.into_iter().map(one).collect::<Done>());
            // The first fills Go's cache with what all share.
            let mut done: Done = next().into_iter().map(one).collect();
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            for worker in workers.into_iter().chain([rust]) {
                done.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            done
        })
    }

    fn one(self, job: Job, workshop: Result<&Workshop, &str>) -> (usize, Outcome) {
        let Job { index, function, said } = job;
        let start = Instant::now();
        let misconfigured = said.iter().any(|said| said.severity == Severity::Error);
        let planned = match workshop {
            _ if misconfigured => Err(Vec::new()),
            Ok(workshop) => runtime::compile(&function, self.store, self.settings, workshop),
            Err(reason) => {
                let message = format!("no temporary directory can be made: {reason}");
                Err(vec![Diagnostic::error(Code::Unwritable, message).of(function.name.as_str())])
            }
        };
        let outcome = finish(function, said, planned, &BTreeSet::new(), self.settings, self.store);
        self.progress.done(&outcome.function.name);
        (index, Outcome { time: start.elapsed(), ..outcome })
    }
}
