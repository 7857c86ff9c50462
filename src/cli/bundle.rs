//! `fnzip bundle`.

use std::sync::Arc;

use super::args::Bundle;
use super::report::{json, people::People};
use super::timings::Timings;
use super::{FAILURE, Failure, SUCCESS, in_parallel, print_json, resolve, signals, working_directory};
use crate::archive::deflate::Deflate;
use crate::fs::Disk;
use crate::pipeline;
use crate::settings::{Invocation, Settings};
use crate::store::Store;

pub(super) fn run(args: &Bundle, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let timings = args.timings.as_ref().map(|_| Timings::begin());
    let (settings, report) = build(&args.invocation(&cwd), args.site.jobs, people)?;
    people.diagnostics(&report.all_diagnostics(), &cwd)?;
    people.summary(&report, &settings, &cwd)?;
    if args.sizes {
        people.sizes(&report)?;
    }
    if let Some(timings) = &timings {
        people.timings(timings, report.time)?;
    }
    if let (Some(timings), Some(file)) = (&timings, args.timings.as_ref().filter(|file| !file.as_os_str().is_empty())) {
        timings.write(file).map_err(|error| Failure::Call(format!("{}: {error}", file.display())))?;
    }
    if args.site.json {
        print_json(&json::results(&report, &settings, &settings.out))?;
    }
    Ok(if report.failed() { FAILURE } else { SUCCESS })
}

/// Builds what was asked for, with a progress bar.
pub(super) fn build(
    invocation: &Invocation,
    jobs: Option<usize>,
    people: &People,
) -> Result<(Settings, pipeline::Report), Failure> {
    let store = Arc::new(Store::new(Disk).keeping(Deflate));
    let invocation = Invocation { program: std::env::current_exe().ok(), ..invocation.clone() };
    let settings = resolve(&invocation, &store, people)?;
    signals::end_with_what_was_started()?;
    let progress = people.progress();
    let report = in_parallel(jobs, || pipeline::bundle(&settings, store, &progress))?;
    progress.finish();
    Ok((settings, report?))
}
