//! Built functions behind HTTP, each in processes of its own, as the platform runs them (spec: serve.md). In: what was
//! built, and what may be taken of the machine. Out: answers, and what there is to log. Builds nothing, prints nothing.

mod answer;
mod background;
mod event;
mod files;
mod front;
mod function;
mod log;
mod page;
mod pool;
mod reply;
mod schedule;
mod site;
mod standby;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;

use self::background::Jobs;
pub use self::log::{Log, Said, Start};
use self::site::Site;
use self::standby::Standby;
use crate::built::Listed;
use crate::lambda::Machine;
use crate::path::AbsPath;

/// How functions are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Node that they run on, and its major version.
    pub node: (OsString, u32),
    /// How many megabytes a heap may have.
    pub memory: u64,
    /// The address that is listened at.
    pub host: IpAddr,
    /// How many processes each may have.
    pub processes: usize,
    /// How long an answer may take.
    pub time: Duration,
    /// How long a background function may take.
    pub background_time: Duration,
    /// What the pauses before a background function is tried again are multiplied with.
    pub retry_scale: f64,
    /// Scheduled functions are called by the clock.
    pub runs_schedules: bool,
    /// The directory of static files.
    pub publish: Option<AbsPath>,
}

/// What functions are made ready with.
struct Making<'a> {
    server: &'a Server,
    machine: Machine,
}

/// A server, and what it serves at the moment.
pub struct Server {
    options: Options,
    site: RwLock<Arc<Site>>,
    jobs: Jobs,
    standby: Arc<Standby>,
    calls: Mutex<VecDeque<Call>>,
    log: Arc<dyn Log>,
}

/// How many of the last calls are kept to be shown.
const MOST_CALLS: usize = 100;

/// A call that was answered.
#[derive(Debug, Clone, serde::Serialize)]
struct Call {
    function: String,
    method: String,
    path: String,
    status: u16,
    milliseconds: f64,
    start: Start,
    /// In milliseconds since 1970.
    at: u64,
}

impl Server {
    /// A server of nothing yet, and the environment that its processes start in.
    pub fn new(options: Options, environment: BTreeMap<String, OsString>, log: Arc<dyn Log>) -> Arc<Self> {
        let site = RwLock::new(Arc::new(Site::default()));
        let machine = Machine { node: options.node.clone(), memory: options.memory, environment };
        let standby = Standby::new(machine);
        Arc::new(Self { options, site, jobs: Jobs::default(), standby, calls: Mutex::default(), log })
    }

    /// Has a Node ready for the first who is called, in JavaScript, before there are functions.
    pub async fn prepare(&self) {
        self.standby.clone().prepare().await;
    }

    /// Serves these from now on, each with the hash of its archive. What is as it was keeps its processes; what is not is replaced once its
    /// last request has been answered. `failed` functions were not built: each has why.
    pub fn replace(
        &self,
        functions: &[(Listed, String)],
        failed: &BTreeMap<String, String>,
        environment: BTreeMap<String, OsString>,
    ) {
        let before = self.site();
        let machine = Machine { node: self.options.node.clone(), memory: self.options.memory, environment };
        let site = Arc::new(Site::of(functions, failed, &before, &Making { server: self, machine }));
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = site.clone();
        for function in site.functions() {
            // Somebody is at work on it, and about to call it again.
            if before.named(&function.name).is_some_and(|before| before.was_called()) {
                tokio::spawn(function.clone().warm_up());
            }
        }
    }

    /// Answers until the listener is gone.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn run(self: Arc<Self>, listener: TcpListener) -> std::io::Result<()> {
        if self.options.runs_schedules {
            tokio::spawn(schedule::run(self.clone()));
        }
        front::run(self, listener).await
    }

    /// The names of all functions, and their addresses.
    pub fn addresses(&self) -> Vec<(String, Vec<String>)> {
        self.site().functions().map(|function| (function.name.clone(), function.addresses())).collect()
    }

    fn site(&self) -> Arc<Site> {
        self.site.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, call: &Call) {
        self.log.tell(&Said::Answered {
            method: &call.method,
            path: &call.path,
            function: &call.function,
            status: call.status,
            time: Duration::from_secs_f64(call.milliseconds / 1000.0),
            start: call.start,
        });
    }

    /// Remembers a call, to be shown.
    fn keep(&self, call: Call) {
        let mut calls = self.calls();
        calls.push_front(call);
        calls.truncate(MOST_CALLS);
    }
}

/// A number that nobody guesses, in the form of a UUID.
fn number() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(crate::manifest::now());
    let digits = format!("{:016x}{:016x}", half(), half());
    format!("{}-{}-4{}-8{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}
