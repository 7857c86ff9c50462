//! `fnzip SRC DEST`, as `zip-it-and-ship-it` is called: the same arguments, the same JSON on stdout.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;

use super::args::{Peer, Shown, environment};
use super::bundle::{build, store};
use super::report::{json, people::People};
use super::{FAILURE, Failure, SUCCESS, print_json, signals, working_directory};
use crate::settings::Invocation;

/// Is it the peer's form? Only if the first word is a path, so that a mistyped command is not
/// taken for a directory.
pub(super) fn is_meant(arguments: &[OsString]) -> bool {
    let Some(first) = arguments.get(1).and_then(|word| word.to_str()) else { return false };
    let own_flags = ["--config", "--manifest", "--archive-format", "--parallel-limit"];
    if own_flags.iter().any(|flag| first.split('=').next() == Some(flag)) {
        return true;
    }
    let is_command = <super::args::Cli as clap::CommandFactory>::command().find_subcommand(first).is_some();
    !is_command && !first.starts_with('-') && (first.contains(['/', '.']) || Path::new(first).exists())
}

pub(super) fn run(arguments: Vec<OsString>) -> Result<u8, Failure> {
    let args = Peer::parse_from(arguments);
    let cwd = working_directory()?;
    signals::end_with_what_was_started()?;
    let people = People::new(&Shown::default());
    let invocation = Invocation {
        cwd: cwd.clone(),
        sources: vec![args.src],
        out: Some(args.dest.clone()),
        config: args.config,
        manifest: args.manifest,
        format: args.archive_format.into(),
        tolerate_missing_sources: true,
        environment: environment(),
        ..Invocation::default()
    };
    let (settings, report) = build(&invocation, &store(), args.parallel_limit, &people)?;
    people.diagnostics(&report.all_diagnostics(), &cwd)?;
    print_json(&json::results(&report, &settings, &args.dest))?;
    Ok(if report.failed() { FAILURE } else { SUCCESS })
}
