//! The command line. In: arguments. Out: an exit status, data on stdout, words for people on
//! stderr. The only place that prints.

mod api;
mod args;
mod bundle;
mod cache;
mod completions;
mod config;
mod diff;
mod invoke;
mod list;
mod loading;
mod peer;
mod report;
mod rustc;
mod sandbox;
mod sbom;
mod schema;
mod serve;
mod signals;
mod timings;
mod trace;
mod verify;
mod watch;
mod watching;
mod why;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use report::people::People;

use crate::settings::{Invocation, Settings, SettingsError};
use crate::store::Store;

/// Everything is well.
const SUCCESS: u8 = 0;
/// A function failed.
const FAILURE: u8 = 1;
/// The call or the environment is wrong.
const USAGE: u8 = 2;

/// Runs the command that the process was called with.
pub fn main(keep_memory: fn()) -> ExitCode {
    if let Some(status) = rustc::run().or_else(sandbox::run) {
        return status;
    }
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::js::parse::is_parsing() {
            default(panic);
        }
    }));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let result =
        if peer::is_meant(&arguments) { peer::run(arguments) } else { run(Cli::parse_from(arguments), keep_memory) };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(Failure::Told) => ExitCode::from(USAGE),
        // Whoever read our output has seen enough.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(SUCCESS),
        Err(failure) => {
            let _ = writeln!(anstream::stderr(), "error: {failure}");
            ExitCode::from(USAGE)
        }
    }
}

fn run(cli: Cli, keep_memory: fn()) -> Result<u8, Failure> {
    let people = People::new(&cli.shown);
    let has_somebody_waiting = match &cli.command {
        Command::Bundle(args) => args.watch,
        Command::Serve(args) => args.only_build,
        _ => false,
    };
    if has_somebody_waiting {
        keep_memory();
    }
    match cli.command {
        Command::Bundle(args) => bundle::run(&args, &people),
        Command::List(args) => list::run(&args, &people),
        Command::Serve(args) => serve::run(&args, &people),
        Command::Invoke(args) => invoke::run(&args, &people),
        Command::Verify(args) => verify::run(&args, &people),
        Command::Diff(args) => diff::run(&args, &people),
        Command::Sbom(args) => sbom::run(&args, &people),
        Command::Config(args) => config::run(&args, &people),
        Command::Why(args) => why::run(&args, &people),
        Command::Trace(args) => trace::run(&args, &people),
        Command::Cache(args) => cache::run(&args, &people),
        Command::Completions(args) => completions::run(&args),
        Command::Api => api::run(),
        Command::Man => completions::man(),
        Command::Schema(args) => schema::run(&args),
    }
}

/// Why a command could not be carried out at all.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Write(#[from] crate::archive::WriteError),
    #[error(transparent)]
    Glob(#[from] crate::glob::InvalidGlob),
    #[error("it has been said")]
    Told,
    #[error("{0}")]
    Call(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What the call, the environment and netlify.toml come to; what is wrong there is shown as what is
/// wrong in a function.
fn resolve(invocation: &Invocation, store: &Store, people: &People) -> Result<Settings, Failure> {
    match Settings::resolve(invocation, store) {
        Err(SettingsError::Config(mut said)) => {
            said.sort();
            people.diagnostics(&said.iter().collect::<Vec<_>>(), &invocation.cwd)?;
            Err(Failure::Told)
        }
        resolved => Ok(resolved?),
    }
}

/// Where the caller stands, without links: what is built must not depend on the way there.
fn working_directory() -> Result<std::path::PathBuf, Failure> {
    Ok(std::env::current_dir()?.canonicalize()?)
}

/// Prints data.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Prints data as JSON, for reading as well.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).map_err(io::Error::from)?)
}

/// Runs `work` on a pool of this many threads; as many as there are processors if it is not said.
/// Syntax trees are deep: each thread gets room for them (of addresses, not of memory).
fn in_parallel<T: Send>(jobs: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    Ok(pool(jobs)?.install(work))
}

/// The threads of a run, or of many.
type Pool = rayon::ThreadPool;

fn pool(jobs: Option<usize>) -> Result<Pool, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).stack_size(256 << 20).build();
    pool.map_err(|error| Failure::Call(format!("cannot start threads: {error}")))
}
