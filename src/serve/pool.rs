//! The processes of a function. In: calls. Out: answers. A process gets one event after another; while all are busy another
//! is started, up to a limit. One that crashes, hangs or ends is replaced.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::log::{Log, Said};
use super::reply::{Answered, Fault, Invocation};
use super::standby::Standby;
use super::worker::{Next, Worker};
use crate::lambda::runtime_api::thrown;
use crate::lambda::{Machine, Start, Unpacked};
use crate::path::AbsPath;
use crate::process::{Workshop, signal_of};

/// Node's status where something is awaited that can no longer happen.
const NOTHING_TO_WAIT_FOR: i32 = 13;

/// Lines are cut here, so that who never ends one fills no memory.
const LONGEST_LINE: usize = 64 << 10;

pub(super) struct Job {
    pub(super) invocation: Invocation,
    pub(super) reply: oneshot::Sender<Answered>,
}

/// The processes of a function; when this is gone, each ends with what it is doing.
pub(super) struct Pool {
    jobs: mpsc::UnboundedSender<Job>,
    shared: Arc<Shared>,
}

/// What processes are made of besides the function.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) machine: Machine,
    pub(super) standby: Arc<Standby>,
    pub(super) log: Arc<dyn Log>,
    /// How many there may be.
    pub(super) most: usize,
    /// How long loading may take.
    pub(super) time: Duration,
}

pub(super) struct Shared {
    pub(super) function: Unpacked,
    pub(super) setting: Setting,
    /// Where the function is; it stays as long as one of its processes does.
    _workshop: Workshop,
    queue: Mutex<mpsc::UnboundedReceiver<Job>>,
    waiting: AtomicUsize,
    alive: AtomicUsize,
    starting: AtomicUsize,
    idle: AtomicUsize,
    /// A process has said that its heap is full, which it does not survive.
    is_full: AtomicBool,
}

impl Pool {
    pub(super) fn new(function: Unpacked, workshop: Workshop, setting: &Setting) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let none = AtomicUsize::default;
        let shared = Shared {
            function,
            setting: setting.clone(),
            _workshop: workshop,
            queue: Mutex::new(queue),
            waiting: none(),
            alive: none(),
            starting: none(),
            idle: none(),
            is_full: AtomicBool::default(),
        };
        Self { jobs, shared: Arc::new(shared) }
    }

    pub(super) async fn invoke(&self, invocation: Invocation) -> Answered {
        let (reply, answered) = oneshot::channel();
        self.shared.waiting.fetch_add(1, Relaxed);
        // The queue is there as long as this is.
        let _ = self.jobs.send(Job { invocation, reply });
        if self.shared.alive.load(Relaxed) == 0 {
            grow(&self.shared);
        } else {
            tokio::spawn(grow_soon(self.shared.clone()));
        }
        answered.await.unwrap_or(Answered { what: Err(Fault::Ended("ended".to_owned())), cold: false })
    }

    /// Starts a process, if there is none.
    pub(super) fn warm_up(&self) {
        if self.shared.alive.load(Relaxed) == 0 {
            start(&self.shared);
        }
    }

    /// Where the function is.
    pub(super) fn root(&self) -> &AbsPath {
        &self.shared.function.root
    }

    pub(super) fn processes(&self) -> usize {
        self.shared.alive.load(Relaxed)
    }
}

/// Most answers are there sooner than another process.
const SOON: Duration = Duration::from_millis(10);

async fn grow_soon(shared: Arc<Shared>) {
    tokio::time::sleep(SOON).await;
    grow(&shared);
}

/// Starts a process if somebody waits for one. One starts at a time: until it is there, others may have got round to it.
fn grow(shared: &Arc<Shared>) {
    let count = |of: &AtomicUsize| of.load(Relaxed);
    let is_needed = count(&shared.waiting) > count(&shared.idle);
    if is_needed && count(&shared.starting) == 0 && count(&shared.alive) < shared.setting.most {
        start(shared);
    }
}

fn start(shared: &Arc<Shared>) {
    shared.alive.fetch_add(1, Relaxed);
    shared.starting.fetch_add(1, Relaxed);
    tokio::spawn(work(shared.clone()));
}

async fn work(shared: Arc<Shared>) {
    let worker = Worker::start(&shared).await;
    shared.starting.fetch_sub(1, Relaxed);
    match worker {
        Ok((worker, next)) => serve(worker, next, &shared).await,
        Err(fault) => {
            let job = shared.queue.try_lock().ok().and_then(|mut queue| queue.try_recv().ok());
            match job {
                Some(job) => {
                    shared.waiting.fetch_sub(1, Relaxed);
                    // Nobody may wait any more.
                    let _ = job.reply.send(Answered { what: Err(fault), cold: true });
                }
                None => shared.tell(&fault),
            }
        }
    }
    shared.alive.fetch_sub(1, Relaxed);
    grow(&shared);
}

/// One call after another, until the process is gone, or the function is another.
async fn serve(mut worker: Worker, mut next: Next, shared: &Arc<Shared>) {
    loop {
        shared.idle.fetch_add(1, Relaxed);
        let job = tokio::select! {
            biased;
            job = shared.next() => Ok(job),
            fault = worker.ended() => Err(fault),
        };
        shared.idle.fetch_sub(1, Relaxed);
        let job = match job {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(fault) => return shared.tell(&fault),
        };
        grow(shared);
        if worker.is_gone() {
            shared.tell(&worker.ended().await);
            match Worker::start(shared).await {
                Ok((other, first)) => (worker, next) = (other, first),
                // Nobody may wait any more.
                Err(fault) => return drop(job.reply.send(Answered { what: Err(fault), cold: true })),
            }
        }
        match worker.answer(job, next).await {
            Some(again) => next = again,
            None => return,
        }
    }
}

impl Shared {
    pub(super) fn tell(&self, fault: &Fault) {
        self.setting.log.failed(&self.function.name, fault);
    }

    fn tell_line(&self, line: &[u8], error: bool) {
        let line = self.as_in_site(&String::from_utf8_lossy(line));
        let line = line.trim_end_matches(['\n', '\r']);
        // Nobody is helped by the lines of a stack that lead to the runtime.
        if line.trim_start().starts_with("at ") && line.contains("[eval1]:") {
            return;
        }
        if error && line.contains("JavaScript heap out of memory") {
            self.is_full.store(true, Relaxed);
        }
        self.setting.log.tell(&Said::Printed { function: &self.function.name, line, error });
    }

    /// Where a function runs is nobody's business: its files are those of the site.
    fn as_in_site(&self, text: &str) -> String {
        let root = &self.function.root;
        let above = root.parent().unwrap_or_else(|| root.clone());
        let places = [(root, ""), (&above, "../")];
        places.into_iter().fold(text.to_owned(), |text, (place, shown)| {
            text.replace(&format!("file://{place}/"), shown).replace(&format!("{place}/"), shown)
        })
    }

    pub(super) fn threw(&self, said: Option<Value>) -> Fault {
        let mut thrown = thrown(&said.unwrap_or_default());
        thrown.message = self.as_in_site(&thrown.message);
        thrown.stack = thrown.stack.map(|stack| self.as_in_site(&stack));
        Fault::Threw(thrown)
    }

    /// How a process has ended.
    pub(super) async fn how(&self, status: Option<ExitStatus>) -> String {
        match status.map(|status| (status.code(), signal_of(status))) {
            Some((Some(NOTHING_TO_WAIT_FOR), _)) if matches!(self.function.start, Start::Module { .. }) => {
                "ended with status 13: nothing was left to wait for, as if nobody settled a promise".to_owned()
            }
            Some((Some(code), _)) => format!("ended with status {code}"),
            Some((None, Some(signal))) => {
                // Its last words may still be on their way.
                tokio::time::sleep(SOON).await;
                if self.is_full.swap(false, Relaxed) {
                    return format!(
                        "ran out of memory: its heap may have {} MB (--memory)",
                        self.setting.machine.memory
                    );
                }
                format!("was ended by signal {signal}")
            }
            _ => "ended".to_owned(),
        }
    }

    async fn next(&self) -> Option<Job> {
        let job = self.queue.lock().await.recv().await;
        self.waiting.fetch_sub(usize::from(job.is_some()), Relaxed);
        job
    }
}

/// Tells what a process prints, line by line.
pub(super) async fn print(pipe: impl AsyncRead + Unpin, error: bool, shared: Arc<Shared>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(part @ [_, ..]) = pipe.fill_buf().await {
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |end| end + 1).min(LONGEST_LINE - line.len());
        line.extend_from_slice(&part[..taken]);
        pipe.consume(taken);
        if line.ends_with(b"\n") || line.len() >= LONGEST_LINE {
            shared.tell_line(&std::mem::take(&mut line), error);
        }
    }
    if !line.is_empty() {
        shared.tell_line(&line, error);
    }
}
