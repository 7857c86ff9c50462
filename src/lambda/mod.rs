//! A function as the platform runs it, here. In: an unpacked function, the events to call it with, and what it may take
//! of the machine. Out: what happened, step by step, and how the process ended. Judges nothing.

mod calls;
mod loopback;
mod program;
pub mod runtime_api;
mod stay;
mod told;
mod unpacked;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde_json::json;

pub use self::calls::{Call, Wanted, With, calls, sample_path, samples};
pub use self::program::{Job, run as run_program};
pub use self::stay::{Machine, assign, stand_by, stay};
pub use self::told::{Answer, Happened, Thrown, Told};
pub use self::unpacked::{Start, Unpacked, unpack};
use crate::fs::{Disk, FileSystem};
use crate::path::AbsPath;
use crate::process::{Confined, Ended, Task, run_confined};

/// Runs Node functions: what it tells is [`Told`].
const NODE: &str = concat!(include_str!("handler.mjs"), include_str!("node.mjs"));

/// What starts fnzip as the sandbox of one program; the next argument is its [`Job`].
pub const SANDBOX: &str = "__sandbox";

/// What functions may print before it is a flood, in bytes.
pub const MOST_PRINTED: usize = 1 << 20;

/// Where functions run.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Node.
    pub node: OsString,
    /// fnzip, which stands between a program and the platform.
    pub fnzip: OsString,
    /// All that functions find in their environment besides what the platform sets.
    pub environment: BTreeMap<String, OsString>,
    /// How long loading may take, and each call.
    pub time: Duration,
    /// How many megabytes the heap may have.
    pub memory: u64,
    /// What runs a program without a network, if anything does.
    pub without_network: Option<Vec<OsString>>,
}

/// Loads a function, and calls it with each event. `directory` is for what is told; the function is not in it.
///
/// # Errors
/// It cannot be started.
pub fn run(
    function: &Unpacked,
    calls: &[Call],
    sandbox: &Sandbox,
    directory: &AbsPath,
) -> std::io::Result<(Vec<Told>, Ended)> {
    let report = directory.child("report");
    let events = directory.child("events");
    std::fs::write(&*events, serde_json::to_vec(calls)?)?;
    let seconds = sandbox.time.as_secs();
    let words: Vec<OsString> = match &function.start {
        Start::Program(program) => {
            let isolated = sandbox.without_network.is_some();
            let [program, report, events] = [program, &report, &events].map(|path| path.to_path_buf());
            let job = Job { program, report, events, seconds, isolated };
            vec![sandbox.fnzip.clone(), SANDBOX.into(), serde_json::to_string(&job)?.into()]
        }
        Start::Module { entry, main, required } => {
            let way = if *required { "require" } else { "import" };
            let job = json!({
                "entry": &**entry, "main": &**main, "way": way,
                "report": &*report, "events": &*events, "seconds": seconds,
            });
            let memory = format!("--max-old-space-size={}", sandbox.memory);
            vec![
                sandbox.node.clone(),
                memory.into(),
                "--input-type=module".into(),
                "--eval".into(),
                NODE.into(),
                job.to_string().into(),
            ]
        }
    };
    let mut words = sandbox.without_network.iter().flatten().cloned().chain(words);
    let program = words.next().unwrap_or_default().to_string_lossy().into_owned();
    let mut environment = function.environment(sandbox.memory);
    environment.extend(sandbox.environment.clone());
    let task = Task { program: &program, arguments: words.collect(), directory: &function.root, environment };
    let steps = u32::try_from(calls.len() + 1).unwrap_or(u32::MAX);
    let ended = run_confined(&task, &Confined { time: sandbox.time.saturating_mul(steps), printed: MOST_PRINTED })?;
    let told = Disk.read(&report).unwrap_or_default();
    let told = String::from_utf8_lossy(&told).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok((told, ended))
}
