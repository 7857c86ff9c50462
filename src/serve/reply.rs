//! What becomes of a call. In: what a process tells. Out: an answer, whole or as it comes; or why there is none.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::lambda::Thrown;

/// What the platform takes of an answer as a whole, and of one that streams, in bytes.
pub(super) const MOST_ANSWERED: usize = 6 << 20;
pub(super) const MOST_STREAMED: usize = 20 << 20;

/// How a function is called.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) event: Value,
    pub(super) client_context: Option<Value>,
    pub(super) time: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) what: Result<Reply, Fault>,
    /// A process had to be started.
    pub(super) cold: bool,
}

/// What a function answers.
#[derive(Debug)]
pub(super) enum Reply {
    /// All of it; nothing if it was undefined.
    Whole(Option<Value>),
    /// Its status and headers, and what follows.
    Stream { head: Value, body: Chunks },
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Threw(Thrown),
    TooLate(Duration),
    TooLarge,
    Ended(String),
    NotStarted(String),
}

/// A body, as it comes.
#[derive(Debug)]
pub(super) struct Chunks(pub(super) mpsc::Receiver<Result<Bytes, BrokenOff>>);

/// The function has ended in the middle of its answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the function has ended in the middle of its answer")]
pub(super) struct BrokenOff;

impl Body for Chunks {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

impl Fault {
    /// In one line.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Threw(thrown) => {
                let name = thrown.name.as_deref().unwrap_or("Error");
                format!("{name}: {}", thrown.message)
            }
            Self::TooLate(time) => format!("TimeoutError: Task timed out after {:.2} seconds", time.as_secs_f64()),
            Self::TooLarge => {
                format!(
                    "Function.ResponseSizeTooLarge: an answer may have {MOST_ANSWERED} bytes, and one that streams {MOST_STREAMED}"
                )
            }
            Self::Ended(how) => format!("its process {how}"),
            Self::NotStarted(why) => why.clone(),
        }
    }

    /// Where it was thrown.
    pub(super) fn stack(&self) -> Option<&str> {
        match self {
            Self::Threw(thrown) => thrown.stack.as_deref(),
            _ => None,
        }
    }
}
