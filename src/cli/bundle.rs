//! `fnzip bundle`.

use std::sync::Arc;

use super::args::Bundle;
use super::report::{json, people::People};
use super::timings::Timings;
use super::{FAILURE, Failure, SUCCESS, in_parallel, print_json, resolve, signals, watch, working_directory};
use crate::archive::deflate::Deflate;
use crate::fs::Disk;
use crate::pipeline;
use crate::settings::{Invocation, Settings};
use crate::store::Store;

pub(super) fn run(args: &Bundle, people: &People) -> Result<u8, Failure> {
    if args.watch {
        return watch::run(args, people);
    }
    signals::end_with_what_was_started()?;
    let cwd = working_directory()?;
    let timings = args.timings.as_ref().map(|_| Timings::begin());
    let (settings, report) = build(&args.invocation(&cwd), &store(), args.site.jobs, people)?;
    people.diagnostics(&report.all_diagnostics(), &cwd)?;
    people.summary(&report, &settings, &cwd)?;
    if args.sizes {
        people.sizes(&report)?;
    }
    if let Some(timings) = &timings {
        people.timings(timings, report.time)?;
    }
    if let (Some(timings), Some(file)) = (&timings, args.timings.as_ref().filter(|file| !file.is_empty())) {
        timings.write(file.as_ref()).map_err(|error| Failure::Call(format!("{}: {error}", file.display())))?;
    }
    if args.site.json {
        print_json(&json::results(&report, &settings, &settings.out))?;
    }
    Ok(if report.failed() { FAILURE } else { SUCCESS })
}

/// The files of one build.
pub(super) fn store() -> Arc<Store> {
    Arc::new(Store::new(Disk).keeping(Deflate))
}

/// Builds what was asked for, with a progress bar.
pub(super) fn build(
    invocation: &Invocation,
    store: &Arc<Store>,
    jobs: Option<usize>,
    people: &People,
) -> Result<(Settings, pipeline::Report), Failure> {
    let settings = resolve(&with_program(invocation), store, people)?;
    let report = build_as(&settings, store, jobs, people)?;
    Ok((settings, report))
}

/// What compilers call back is known as well.
pub(super) fn with_program(invocation: &Invocation) -> Invocation {
    Invocation { program: std::env::current_exe().ok(), ..invocation.clone() }
}

/// Builds as the settings say, with a progress bar.
pub(super) fn build_as(
    settings: &Settings,
    store: &Arc<Store>,
    jobs: Option<usize>,
    people: &People,
) -> Result<pipeline::Report, Failure> {
    settings.check_out()?;
    let progress = people.progress();
    let report = in_parallel(jobs, || pipeline::bundle(settings, store.clone(), &progress))?;
    progress.finish();
    Ok(report?)
}
