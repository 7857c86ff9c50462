//! fnzip as the sandbox of one program, as `verify --load` calls it.

use std::io::Write;
use std::process::ExitCode;

use crate::lambda::{Job, SANDBOX, run_program};

/// Runs the program; none if this is no such call.
pub(super) fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    arguments.next().filter(|word| word == SANDBOX)?;
    let job: Job = serde_json::from_str(&arguments.next()?).ok()?;
    Some(match run_program(&job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "the program cannot be run: {error}");
            ExitCode::FAILURE
        }
    })
}
