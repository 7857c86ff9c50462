//! fnzip as Cargo calls it in the place of rustc, when it is told so in the environment.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::process;
use crate::runtime::rustc_wrapper::{Places, VARIABLE};

/// Becomes rustc; none if this is no call of Cargo's.
pub(super) fn run() -> Option<ExitCode> {
    let places = std::env::var(VARIABLE).ok()?;
    let places: Places = serde_json::from_str(&places).ok()?;
    let given: Vec<OsString> = std::env::args_os().skip(1).collect();
    let call = places.call(&given, |name| std::env::var_os(name));
    let (program, arguments) = call.split_first()?;
    Some(process::become_other(program, arguments).unwrap_or_else(|error| {
        let program = program.to_string_lossy();
        let _ = writeln!(anstream::stderr(), "error: `{program}` cannot be started: {error}");
        ExitCode::FAILURE
    }))
}
