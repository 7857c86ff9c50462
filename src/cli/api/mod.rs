//! `fnzip api`: what the npm package calls. In: calls, a line of JSON each, on stdin. Out: a line each on stdout, as they
//! are done, and before that what is to be logged. It ends with its input, and with it all that it has started.

mod call;
mod list;
mod server;
mod zip;

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use self::call::{Call, Method};
use super::{Failure, Pool, SUCCESS, pool, signals};
use crate::diagnostic::Diagnostic;
use crate::process;

/// The version of what is spoken here: lines of another are not understood.
const PROTOCOL: u32 = 1;

/// Answers until the caller is gone.
pub(super) fn run() -> Result<u8, Failure> {
    signals::end_with_what_was_started()?;
    let pool = Arc::new(pool(None)?);
    tell(&json!({ "protocol": PROTOCOL, "version": env!("CARGO_PKG_VERSION") }));
    let (queue, waiting) = channel::<String>();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..pool.current_num_threads() {
        let (waiting, pool) = (waiting.clone(), pool.clone());
        std::thread::spawn(move || {
            while let Some(line) = next(&waiting) {
                answer(&line, &pool);
            }
        });
    }
    for line in io::stdin().lock().lines() {
        // Nobody but this thread ends them.
        let _ = queue.send(line?);
    }
    process::end_all();
    Ok(SUCCESS)
}

fn next(waiting: &Mutex<Receiver<String>>) -> Option<String> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// One line, whole, whoever else has something to say.
fn tell(value: &Value) {
    let mut out = io::stdout().lock();
    // Who does not listen any more has closed our input, too.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

fn answer(line: &str, pool: &Pool) {
    let call: Call = match serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(line)) {
        Ok(call) => call,
        Err(error) => {
            let id = serde_json::from_str::<Value>(line).ok().map(|line| line["id"].clone());
            let message = format!("a call that is not understood: `{}`: {}", error.path(), error.inner());
            return tell(&json!({ "id": id, "error": { "message": message } }));
        }
    };
    let log = |said: &[&Diagnostic]| {
        for said in said {
            tell(&json!({ "id": call.id, "log": format!("{}: {}", said.severity, said.in_one_line()) }));
        }
    };
    let result = || match call.method {
        Method::ZipFunctions => zip::functions(&call, pool, &log),
        Method::ZipFunction => zip::function(&call, pool, &log),
        Method::ListFunctions => list::functions(&call, pool),
        Method::ListFunction => list::function(&call, pool),
        Method::ListFunctionsFiles => list::files(&call, pool),
        Method::ZipServer => server::zip(&call, pool, &log),
        Method::FindServerEntry => server::find(&call),
    };
    // What panics has told so on stderr; the other calls go on.
    tell(&match catch_unwind(AssertUnwindSafe(result)) {
        Ok(Ok(result)) => json!({ "id": call.id, "result": result }),
        Ok(Err(Refused(error))) => json!({ "id": call.id, "error": error }),
        Err(_) => json!({ "id": call.id, "error": { "message": "fnzip panicked: this is a bug in it" } }),
    });
}

/// What the caller's promise is rejected with.
struct Refused(Value);

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(json!({ "message": error.to_string() }))
    }
}
