//! Functions that nobody waits for (spec: serve.md "background"). In: an event. Out: attempts, one after another, until one
//! does not fail. A job belongs to a name, so that what was mended meanwhile is what runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::Server;
use super::log::Said;
use super::reply::Invocation;

/// The platform tries twice more: a minute after the first time, and two after that.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How many jobs that are over are kept to be shown.
const MOST_OVER: usize = 100;

/// What runs, and what has.
#[derive(Default)]
pub(super) struct Jobs {
    all: Mutex<VecDeque<Job>>,
    last: AtomicU64,
}

/// One event on its way through its attempts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) function: String,
    pub(super) state: State,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    /// In milliseconds since 1970.
    pub(super) at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Running,
    Waiting,
    Done,
    Failed,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Jobs {
    /// Those that are to be shown, the latest first.
    pub(super) fn shown(&self) -> Vec<Job> {
        self.all().iter().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, function: &str) -> u64 {
        let id = self.last.fetch_add(1, Relaxed) + 1;
        let (function, at) = (function.to_owned(), crate::manifest::now());
        let mut all = self.all();
        all.push_front(Job { id, function, state: State::Running, attempts: 0, failure: None, at });
        let mut over = all.iter().filter(|job| matches!(job.state, State::Done | State::Failed)).count();
        while over > MOST_OVER {
            let oldest = all.iter().rposition(|job| matches!(job.state, State::Done | State::Failed));
            drop(oldest.and_then(|index| all.remove(index)));
            over -= 1;
        }
        id
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.all().iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }
}

/// Runs an event, after the answer that has been given.
pub(super) fn begin(server: &Arc<Server>, function: &str, event: Value) {
    let id = server.jobs.begin(function);
    tokio::spawn(run(server.clone(), function.to_owned(), id, event));
}

async fn run(server: Arc<Server>, name: String, id: u64, event: Value) {
    for attempt in 1_u32.. {
        let pause = PAUSES.get(attempt as usize - 1).map(|pause| pause.mul_f64(server.options.retry_scale));
        let tell = |state: State, failure: Option<&str>| {
            server.jobs.change(id, |job| {
                (job.state, job.attempts) = (state, attempt);
                job.failure = failure.map(str::to_owned);
            });
            let again = pause.filter(|_| state == State::Waiting).map(|pause| pause.as_secs_f64());
            let state = state.as_str();
            server.log.tell(&Said::Background { function: &name, job: id, attempt, state, again });
        };
        tell(State::Running, None);
        let site = server.site();
        let Some(function) = site.named(&name) else { return tell(State::Failed, Some("it is no longer there")) };
        let invocation =
            Invocation { event: event.clone(), client_context: None, time: server.options.background_time };
        // What it answers is nobody's business, even if it is no response.
        let Err(fault) = function.invoke(invocation).await.what else { return tell(State::Done, None) };
        server.log.failed(&name, &fault);
        let message = fault.message();
        let Some(pause) = pause else { return tell(State::Failed, Some(&message)) };
        tell(State::Waiting, Some(&message));
        tokio::time::sleep(pause).await;
    }
}
