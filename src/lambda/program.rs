//! The platform, as a program sees it: Lambda's Runtime API, which the program asks for events and tells its answers. In:
//! a job. Out: a report. It runs in a process of its own, so that it may stand in a network of its own.

use std::convert::Infallible;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::loopback;
use super::{Answer, Call, Happened, Thrown, Told};
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

/// What all paths begin with.
const VERSION: &str = "/2018-06-01/runtime/";

/// The platform takes 6 MB of an answer, and 20 of one that streams.
const MOST_ANSWERED: usize = 20 << 20;

/// What the program wants, and where to answer.
enum Asked {
    /// The next event.
    Next(oneshot::Sender<Reply>),
    /// Nothing: it tells something.
    Told { path: String, body: Bytes },
}

type Reply = Response<Full<Bytes>>;

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
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (ask, asked) = mpsc::channel(16);
        tokio::spawn(serve(listener, ask));
        let mut child = process::beside(&job.program, &[("AWS_LAMBDA_RUNTIME_API", address)])?;
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || end.send(child.wait()));
        Platform { job, call: None }.go(events, asked, ended).await
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
                    let _ = reply.send(event(&id, &call.event));
                    current = Some(id);
                }
                Some(Ok(Asked::Told { path, body })) => {
                    let what = path.strip_prefix(VERSION).unwrap_or(&path);
                    let answered = current.as_ref().and_then(|id| what.strip_prefix(&format!("invocation/{id}/")));
                    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
                    self.tell(match (what, answered) {
                        ("init/error", _) => Happened::Threw(thrown(&said)),
                        (_, Some("response")) => Happened::Answered(Answer::of(&said)),
                        (_, Some("error")) => Happened::Threw(thrown(&said)),
                        _ => Happened::Misplaced { message: path.clone() },
                    })?;
                    if what == "init/error" {
                        // It has nothing more to say: the platform starts another.
                        return Ok(());
                    }
                    if answered.is_some() {
                        (current, self.call) = (None, None);
                    }
                }
            }
        }
    }
}

/// What a program says of its failure.
fn thrown(said: &Value) -> Thrown {
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    Thrown { name: text("errorType"), message: text("errorMessage").unwrap_or_default(), ..Thrown::default() }
}

async fn serve(listener: TcpListener, ask: mpsc::Sender<Asked>) {
    while let Ok((stream, _)) = listener.accept().await {
        let ask = ask.clone();
        let service = service_fn(move |request| answer(request, ask.clone()));
        // Headers as the platform writes them: not every program knows that case says nothing.
        let connection = http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(stream), service);
        // A program may go away whenever it likes.
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>, ask: mpsc::Sender<Asked>) -> Result<Reply, Infallible> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET && path.strip_prefix(VERSION) == Some("invocation/next") {
        let (reply, replied) = oneshot::channel();
        let _ = ask.send(Asked::Next(reply)).await;
        // Without another event the platform freezes the program here.
        return match replied.await {
            Ok(reply) => Ok(reply),
            Err(_) => std::future::pending().await,
        };
    }
    let body = Limited::new(request.into_body(), MOST_ANSWERED).collect().await;
    let status = match body {
        Ok(body) => {
            let _ = ask.send(Asked::Told { path, body: body.to_bytes() }).await;
            StatusCode::ACCEPTED
        }
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    let mut reply = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
    *reply.status_mut() = status;
    Ok(reply)
}

/// An event on its way to the program.
fn event(id: &str, event: &Value) -> Reply {
    let reply = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", id)
        // In the year 2100: who counts the time here is the sandbox.
        .header("lambda-runtime-deadline-ms", "4102444800000")
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
        .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        .body(Full::new(Bytes::from(event.to_string())));
    reply.unwrap_or_default()
}
