//! The platform, as a program sees it: it is given one event after another. In: a job. Out: a report. It runs in a process
//! of its own, so that it may stand in a network of its own.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::loopback;
use super::runtime_api::{About, Asked, Event, RuntimeApi, Telling, thrown};
use super::{Answer, Call, Happened, Told};
use crate::fs::{Disk, FileSystem};
use crate::process;

/// What is to be run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The program.
    pub program: PathBuf,
    /// The file for what is told.
    pub report: PathBuf,
    /// A file of [`Call`]s.
    pub events: PathBuf,
    /// How long each step may take.
    pub seconds: u64,
    /// It stands in a network of its own, which is down.
    pub isolated: bool,
}

/// The platform takes 6 MB of an answer, and 20 of one that streams.
const MOST_ANSWERED: usize = 20 << 20;

/// Runs the program of a job, and tells what happens in its report.
///
/// # Errors
/// The system refuses; what the program does is no error.
pub fn run(job: &Job) -> std::io::Result<()> {
    let events: Vec<Call> = serde_json::from_slice(&Disk.read(&job.events)?)?;
    if job.isolated {
        loopback::raise()?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let api = RuntimeApi::listen().await?;
        let address = api.address.to_string();
        let mut child = process::beside(&job.program, &[("AWS_LAMBDA_RUNTIME_API", address)])?;
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || end.send(child.wait()));
        Platform { job, call: None }.go(events, api.asked, ended).await
    })
}

struct Platform<'a> {
    job: &'a Job,
    /// The event that is being answered.
    call: Option<String>,
}

impl Platform<'_> {
    fn tell(&self, what: Happened) -> std::io::Result<()> {
        let told = Told { what, call: self.call.clone(), unset: Vec::new() };
        let mut report = std::fs::OpenOptions::new().create(true).append(true).open(&self.job.report)?;
        writeln!(report, "{}", serde_json::to_string(&told)?)
    }

    async fn go(
        mut self,
        events: Vec<Call>,
        mut asked: mpsc::Receiver<Asked>,
        mut ended: oneshot::Receiver<std::io::Result<std::process::ExitStatus>>,
    ) -> std::io::Result<()> {
        let mut events = events.into_iter().enumerate();
        let mut is_loaded = false;
        // The event that has no answer yet.
        let mut current: Option<String> = None;
        loop {
            let next = async {
                tokio::select! {
                    biased;
                    asked = asked.recv() => asked.map(Ok),
                    ended = &mut ended => ended.ok().map(Err),
                }
            };
            let Ok(next) = timeout(Duration::from_secs(self.job.seconds), next).await else {
                return self.tell(Happened::Silent);
            };
            match next {
                None => return Ok(()),
                Some(Err(status)) => {
                    let status = status?;
                    let (code, signal) = (status.code(), process::signal_of(status));
                    return self.tell(Happened::Ended { code, signal });
                }
                Some(Ok(Asked::Next(reply))) => {
                    if !is_loaded {
                        self.tell(Happened::Loaded { handler: None, default: None })?;
                        is_loaded = true;
                    }
                    let Some((index, call)) = events.next() else { return Ok(()) };
                    self.call = Some(call.name);
                    self.tell(Happened::Calling)?;
                    let id = format!("00000000-0000-4000-8000-{index:012}");
                    // Nobody may be there any more.
                    let _ = reply.send(event(id.clone(), call.event));
                    current = Some(id);
                }
                Some(Ok(Asked::Told(telling))) => {
                    let about = telling.about.clone();
                    let Some(said) = read(telling).await else { continue };
                    let is_current = |id: &String| current.as_ref() == Some(id);
                    let is_answered = match &about {
                        About::Response(id) | About::Failure(id) => is_current(id),
                        About::Start | About::Unknown(_) => false,
                    };
                    let is_start = about == About::Start;
                    self.tell(match about {
                        About::Start => Happened::Threw(thrown(&said)),
                        About::Response(_) if is_answered => Happened::Answered(Answer::of(&said)),
                        About::Failure(_) if is_answered => Happened::Threw(thrown(&said)),
                        about => Happened::Misplaced { message: about.path() },
                    })?;
                    if is_start {
                        // It has nothing more to say: the platform starts another.
                        return Ok(());
                    }
                    if is_answered {
                        (current, self.call) = (None, None);
                    }
                }
            }
        }
    }
}

/// What was told, whole; none if it is too much, or breaks off.
async fn read(telling: Telling) -> Option<Value> {
    let body = Limited::new(telling.body, MOST_ANSWERED).collect().await;
    // It may not listen any more.
    let _ = telling.taken.send(if body.is_ok() { StatusCode::ACCEPTED } else { StatusCode::PAYLOAD_TOO_LARGE });
    Some(serde_json::from_slice(&body.ok()?.to_bytes()).unwrap_or_default())
}

/// An event on its way to the program.
fn event(id: String, event: Value) -> Event {
    // In the year 2100: who counts the time here is the sandbox.
    let deadline = 4_102_444_800_000;
    Event { id, event, deadline, function: "function".to_owned(), client_context: None }
}
