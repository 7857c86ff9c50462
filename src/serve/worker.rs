//! One process of a function. In: one call after another. Out: its answers, whole or as they come. What goes on after an
//! answer has the rest of the call's time; a process that takes longer is ended.

use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

use super::number;
use super::pool::{Job, Shared, print};
use super::reply::{Answered, BrokenOff, Chunks, Fault, Invocation, MOST_ANSWERED, MOST_STREAMED, Reply};
use crate::lambda::runtime_api::{About, Asked, Event, RESPONSE_MODE, RuntimeApi, Telling};
use crate::lambda::stay;
use crate::process::Staying;

/// What a body with status and headers in front is called, and what stands between (the platform's HTTP integration).
const WITH_HEAD: &str = "application/vnd.awslambda.http-integration-response";
const HEAD_END: &[u8] = &[0; 8];

/// A process.
pub(super) struct Worker {
    process: Staying,
    asked: mpsc::Receiver<Asked>,
    shared: Arc<Shared>,
    has_answered: bool,
}

/// It waits for its next event.
pub(super) type Next = oneshot::Sender<Event>;

enum Happens {
    Asked(Asked),
    Ended(Option<ExitStatus>),
    TooLate,
}

/// Who waits for an answer; there is one, and what comes after it is told to nobody but the log.
struct Waiting<'a> {
    reply: Option<oneshot::Sender<Answered>>,
    cold: bool,
    shared: &'a Shared,
}

impl Waiting<'_> {
    fn give(&mut self, what: Result<Reply, Fault>) {
        match self.reply.take() {
            // Nobody may wait any more.
            Some(reply) => drop(reply.send(Answered { what, cold: self.cold })),
            None => what.err().iter().for_each(|fault| self.shared.tell(fault)),
        }
    }
}

impl Worker {
    /// Starts a process, and waits until it has been loaded.
    pub(super) async fn start(shared: &Arc<Shared>) -> Result<(Self, Next), Fault> {
        let cannot = |error: std::io::Error| Fault::NotStarted(format!("cannot be started: {error}"));
        let (mut process, api) = match shared.setting.standby.take(&shared.function, &shared.setting.machine).await {
            Some(ready) => ready,
            None => {
                let api = RuntimeApi::listen().await.map_err(cannot)?;
                (stay(&shared.function, &shared.setting.machine, api.address).map_err(cannot)?, api)
            }
        };
        if let Some((out, err)) = process.printed() {
            tokio::spawn(print(out, false, shared.clone()));
            tokio::spawn(print(err, true, shared.clone()));
        }
        let mut worker = Self { process, asked: api.asked, shared: shared.clone(), has_answered: false };
        let until = sleep_until(Instant::now() + shared.setting.time);
        tokio::pin!(until);
        loop {
            match worker.happens(until.as_mut()).await {
                Happens::Asked(Asked::Next(next)) => return Ok((worker, next)),
                Happens::Asked(Asked::Told(telling)) => {
                    let is_start = telling.about == About::Start;
                    let said = read(telling).await;
                    if let (true, Ok(said)) = (is_start, said) {
                        return Err(shared.threw(said));
                    }
                }
                Happens::Ended(status) => {
                    return Err(Fault::Ended(format!("{} while it was loaded", shared.how(status).await)));
                }
                Happens::TooLate => return Err(Fault::TooLate(shared.setting.time)),
            }
        }
    }

    /// What happens next.
    async fn happens(&mut self, until: Pin<&mut Sleep>) -> Happens {
        tokio::select! {
            biased;
            Some(asked) = self.asked.recv() => Happens::Asked(asked),
            status = self.process.ended() => Happens::Ended(status.ok()),
            () = until => Happens::TooLate,
        }
    }

    /// Has it ended, though nobody has seen it yet?
    pub(super) fn is_gone(&mut self) -> bool {
        self.process.has_ended()
    }

    /// Why it has ended, though nobody called it.
    pub(super) async fn ended(&mut self) -> Fault {
        let status = self.process.ended().await;
        Fault::Ended(format!("{} while nobody called it", self.shared.how(status.ok()).await))
    }

    /// Answers; then it waits for its next event, or is gone.
    pub(super) async fn answer(&mut self, job: Job, next: Next) -> Option<Next> {
        let Job { invocation: Invocation { event, client_context, time }, reply } = job;
        let shared = self.shared.clone();
        let cold = !std::mem::replace(&mut self.has_answered, true);
        let mut waiting = Waiting { reply: Some(reply), cold, shared: &shared };
        let id = number();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = u64::try_from((since + time).as_millis()).unwrap_or(u64::MAX);
        let function = shared.function.name.clone();
        // It may be gone already, which is seen below.
        let _ = next.send(Event { id: id.clone(), event, deadline, function, client_context });
        let until = sleep_until(Instant::now() + time);
        tokio::pin!(until);
        loop {
            let telling = match self.happens(until.as_mut()).await {
                Happens::Asked(Asked::Next(next)) => {
                    waiting.give(Err(Fault::Ended("asks for the next event without an answer".to_owned())));
                    return Some(next);
                }
                Happens::Asked(Asked::Told(telling)) => telling,
                Happens::Ended(status) => {
                    waiting.give(Err(Fault::Ended(format!("{} before it had answered", shared.how(status).await))));
                    return None;
                }
                Happens::TooLate => {
                    waiting.give(Err(Fault::TooLate(time)));
                    return None;
                }
            };
            let is_stream = telling.headers.get(RESPONSE_MODE).is_some_and(|mode| mode == "streaming");
            let what = match &telling.about {
                About::Failure(of) if *of == id => {
                    Err(read(telling).await.map_or_else(|fault| fault, |said| shared.threw(said)))
                }
                About::Response(of) if *of == id && is_stream => {
                    if !stream(telling, &mut waiting, until.as_mut()).await {
                        waiting.give(Err(Fault::TooLate(time)));
                        return None;
                    }
                    break;
                }
                About::Response(of) if *of == id => read(telling).await.map(Reply::Whole),
                _ => {
                    let _ = telling.taken.send(StatusCode::ACCEPTED); // It may not listen.
                    continue;
                }
            };
            waiting.give(what);
            break;
        }
        self.settle(until).await
    }

    /// After an answer there may be more to do.
    async fn settle(&mut self, mut until: Pin<&mut Sleep>) -> Option<Next> {
        let why = loop {
            match self.happens(until.as_mut()).await {
                Happens::Asked(Asked::Next(next)) => return Some(next),
                Happens::Asked(Asked::Told(telling)) => drop(telling.taken.send(StatusCode::ACCEPTED)),
                Happens::Ended(status) => {
                    break format!("{} after it had answered", self.shared.how(status).await);
                }
                Happens::TooLate => break "was ended: it went on after its answer until its time was up".to_owned(),
            }
        };
        self.shared.tell(&Fault::Ended(why));
        None
    }
}

/// Hands on an answer chunk by chunk, no faster than it is read; false if its time is up. Who has asked and goes away ends
/// it: dropping what is told hangs up on the function.
async fn stream(telling: Telling, waiting: &mut Waiting<'_>, mut until: Pin<&mut Sleep>) -> bool {
    let Telling { mut body, taken, headers, .. } = telling;
    let has_head = headers.get("content-type").is_some_and(|kind| kind == WITH_HEAD);
    let (head, mut rest) = if has_head {
        let parts = tokio::select! {
            parts = head(&mut body) => parts,
            () = &mut until => return false,
        };
        let Some(parts) = parts else {
            waiting.give(Err(Fault::Ended("broke off its answer before its headers".to_owned())));
            return true;
        };
        parts
    } else {
        (Value::Null, Bytes::new())
    };
    let (chunks, read) = mpsc::channel(1);
    waiting.give(Ok(Reply::Stream { head, body: Chunks(read) }));
    let mut sent = 0;
    loop {
        let chunk = match std::mem::take(&mut rest) {
            rest if !rest.is_empty() => Some(Ok(rest)),
            _ => tokio::select! {
                chunk = chunk(&mut body) => chunk,
                () = chunks.closed() => return true,
                () = &mut until => {
                    let _ = chunks.try_send(Err(BrokenOff)); // Who does not read sees it end.
                    return false;
                }
            },
        };
        let chunk = match chunk {
            None => {
                let _ = taken.send(StatusCode::ACCEPTED); // It may not listen.
                return true;
            }
            Some(Ok(chunk)) if sent + chunk.len() > MOST_STREAMED => {
                waiting.give(Err(Fault::TooLarge));
                Err(BrokenOff)
            }
            Some(chunk) => chunk.map_err(|_| BrokenOff),
        };
        let is_last = chunk.is_err();
        sent += chunk.as_ref().map_or(0, Bytes::len);
        let is_gone = tokio::select! {
            sent = chunks.send(chunk) => sent.is_err(),
            () = &mut until => return false,
        };
        if is_gone || is_last {
            return true;
        }
    }
}

/// Status and headers, and what has come of the rest; none if it breaks off before.
async fn head(body: &mut Incoming) -> Option<(Value, Bytes)> {
    let mut beginning = Vec::new();
    loop {
        if let Some(end) = beginning.windows(HEAD_END.len()).position(|part| part == HEAD_END) {
            let rest = Bytes::copy_from_slice(&beginning[end + HEAD_END.len()..]);
            return Some((serde_json::from_slice(&beginning[..end]).ok()?, rest));
        }
        let chunk = chunk(body).await?.ok()?;
        if beginning.len() + chunk.len() > MOST_ANSWERED {
            return None;
        }
        beginning.extend_from_slice(&chunk);
    }
}

/// The next piece of a body.
async fn chunk(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        match body.frame().await?.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_trailers)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// What was told, whole; nothing if it was undefined.
async fn read(telling: Telling) -> Result<Option<Value>, Fault> {
    let body = Limited::new(telling.body, MOST_ANSWERED).collect().await;
    // It may not listen any more.
    let _ = telling.taken.send(if body.is_ok() { StatusCode::ACCEPTED } else { StatusCode::PAYLOAD_TOO_LARGE });
    let bytes = body.map_err(|_| Fault::TooLarge)?.to_bytes();
    Ok((!bytes.is_empty()).then(|| serde_json::from_slice(&bytes).unwrap_or_default()))
}
