//! A function as the platform runs it, here. In: an unpacked function, the events to call it with, and what it may take
//! of the machine. Out: what happened, step by step, and how the process ended. Judges nothing.

mod calls;
mod loopback;
mod program;
pub mod runtime_api;
mod told;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde_json::json;

pub use self::calls::{Call, Wanted, With, calls, samples};
pub use self::program::{Job, run as run_program};
pub use self::told::{Answer, Happened, Thrown, Told};
use crate::fs::{Disk, FileSystem};
use crate::path::AbsPath;
use crate::process::{Confined, Ended, Task, run_confined};

/// Runs Node functions: what it tells is [`Told`].
const NODE: &str = include_str!("node.mjs");

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

/// A function that was unpacked.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub root: AbsPath,
    /// The major version of the Node that the platform runs it on.
    pub node: u32,
    /// What is started.
    pub start: Start,
}

/// What the platform starts.
#[derive(Debug, Clone)]
pub enum Start {
    /// A program that speaks the Runtime API.
    Program(AbsPath),
    /// A module.
    Module {
        /// What is loaded.
        entry: AbsPath,
        /// What it hands on to; itself, if it is what the user wrote.
        main: AbsPath,
        /// By `require`, else by `import`.
        required: bool,
    },
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
    let mut environment = platform(function);
    environment.extend(sandbox.environment.clone());
    let task = Task { program: &program, arguments: words.collect(), directory: &function.root, environment };
    let steps = u32::try_from(calls.len() + 1).unwrap_or(u32::MAX);
    let ended = run_confined(&task, &Confined { time: sandbox.time.saturating_mul(steps), printed: MOST_PRINTED })?;
    let told = Disk.read(&report).unwrap_or_default();
    let told = String::from_utf8_lossy(&told).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok((told, ended))
}

/// What the platform sets.
fn platform(function: &Unpacked) -> BTreeMap<String, OsString> {
    let is_module = matches!(function.start, Start::Module { .. });
    let runtime = if is_module { format!("nodejs{}.x", function.node) } else { "provided.al2023".to_owned() };
    let variables = [
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("LAMBDA_TASK_ROOT", function.root.to_string()),
        ("TZ", "UTC".to_owned()),
        ("_HANDLER", if is_module { format!("{}.handler", function.name) } else { "bootstrap".to_owned() }),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
