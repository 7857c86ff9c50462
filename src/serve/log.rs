//! What there is to say of a server at work. In: what happens. Out: the same, for who shows it.

use std::time::Duration;

use serde::Serialize;

use super::reply::{Answered, Fault};

/// Who wants to know.
pub trait Log: Send + Sync {
    /// Something has happened.
    fn tell(&self, said: &Said<'_>);
}

impl dyn Log {
    /// A function has not answered.
    pub(super) fn failed(&self, function: &str, fault: &Fault) {
        let message = fault.message();
        self.tell(&Said::Failed { function, message: &message, stack: fault.stack() });
    }
}

/// Was there a process for it?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// One had to be started.
    Cold,
    /// Yes.
    Warm,
    /// None was needed.
    None,
}

impl Start {
    pub(super) fn of(answered: &Answered) -> Self {
        match &answered.what {
            Err(Fault::NotStarted(_)) => Self::None,
            _ if answered.cold => Self::Cold,
            _ => Self::Warm,
        }
    }
}

/// What can happen.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Said<'a> {
    /// A request was answered.
    #[serde(rename_all = "camelCase")]
    Answered {
        /// Its method.
        method: &'a str,
        /// Its path.
        path: &'a str,
        /// Who has answered; empty if no function has.
        function: &'a str,
        /// The status of the answer.
        status: u16,
        /// How long that took, in seconds.
        #[serde(serialize_with = "seconds")]
        time: Duration,
        /// Was there a process?
        start: Start,
    },
    /// A function has printed a line.
    Printed {
        /// Which.
        function: &'a str,
        /// What.
        line: &'a str,
        /// On its standard error.
        error: bool,
    },
    /// A function has failed.
    Failed {
        /// Which.
        function: &'a str,
        /// How.
        message: &'a str,
        /// Where.
        stack: Option<&'a str>,
    },
    /// A background function has got on.
    Background {
        /// Which.
        function: &'a str,
        /// The number of the job.
        job: u64,
        /// Which attempt, from one.
        attempt: u32,
        /// What with it.
        state: &'a str,
        /// In how many seconds it is tried again.
        #[serde(skip_serializing_if = "Option::is_none")]
        again: Option<f64>,
    },
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}
