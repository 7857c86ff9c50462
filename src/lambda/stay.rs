//! A function's process, as the platform keeps it: loaded once, then given one event after another. In: an unpacked
//! function, and where its Runtime API listens. Out: the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Start, Unpacked};
use crate::path::AbsPath;
use crate::process::{Staying, Task};

/// Runs Node functions over the Runtime API.
const NODE: &str = concat!(include_str!("handler.mjs"), include_str!("runtime.mjs"));

/// The first Node that would load by default what Lambda's does not.
const LENIENT: u32 = 22;

/// What functions run on.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Node, and its major version.
    pub node: (OsString, u32),
    /// All that functions find in their environment besides what the platform sets.
    pub environment: BTreeMap<String, OsString>,
    /// How many megabytes a heap may have.
    pub memory: u64,
}

/// Starts a function; it asks for events by itself.
///
/// # Errors
/// It cannot be started.
pub fn stay(function: &Unpacked, machine: &Machine, api: SocketAddr) -> io::Result<Staying> {
    let mut environment = machine.environment.clone();
    environment.extend(function.environment(machine.memory));
    environment.insert(API.to_owned(), api.to_string().into());
    let (program, arguments) = match &function.start {
        Start::Program(program) => (program.to_string(), Vec::new()),
        Start::Module { entry, required, .. } => node(machine, Some(&job(entry, *required))),
    };
    Staying::start(&Task { program: &program, arguments, directory: &function.root, environment })
}

/// Starts a Node that waits to be assigned a function.
///
/// # Errors
/// It cannot be started.
pub fn stand_by(machine: &Machine, directory: &AbsPath, api: SocketAddr) -> io::Result<Staying> {
    let mut environment = machine.environment.clone();
    environment.insert(API.to_owned(), api.to_string().into());
    let (program, arguments) = node(machine, None);
    Staying::start_listening(&Task { program: &program, arguments, directory, environment })
}

/// Has a Node that stood by load a function. It is a module.
///
/// # Errors
/// It does not listen any more.
pub async fn assign(waiting: &mut Staying, function: &Unpacked, machine: &Machine) -> io::Result<()> {
    let Start::Module { entry, required, .. } = &function.start else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut environment = machine.environment.clone();
    environment.extend(function.environment(machine.memory));
    let environment: BTreeMap<&String, _> =
        environment.iter().map(|(name, value)| (name, value.to_string_lossy())).collect();
    let mut job = job(entry, *required);
    job["cwd"] = json!(&*function.root);
    job["env"] = json!(environment);
    waiting.tell(job.to_string().as_bytes()).await
}

/// Where a process looks for its Runtime API.
const API: &str = "AWS_LAMBDA_RUNTIME_API";

fn job(entry: &AbsPath, required: bool) -> Value {
    json!({ "entry": &**entry, "way": if required { "require" } else { "import" } })
}

/// Node, and its arguments.
fn node(machine: &Machine, job: Option<&Value>) -> (String, Vec<OsString>) {
    let (node, version) = &machine.node;
    let mut words = vec![format!("--max-old-space-size={}", machine.memory), "--enable-source-maps".to_owned()];
    if *version >= LENIENT {
        // As Lambda's, where `require` of an ES module fails.
        words.extend(["require-module", "detect-module"].map(|it| format!("--no-experimental-{it}")));
    }
    words.extend(["--input-type=module", "--eval", NODE].map(str::to_owned));
    words.extend(job.map(Value::to_string));
    (node.to_string_lossy().into_owned(), words.into_iter().map(OsString::from).collect())
}
