//! A function's process, as the platform keeps it: loaded once, then given one event after another. In: an unpacked
//! function, and where its Runtime API listens. Out: the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;

use serde_json::json;

use super::{Start, Unpacked};
use crate::process::{Staying, Task};

/// Runs Node functions over the Runtime API.
const NODE: &str = include_str!("runtime.mjs");

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
    environment.extend(function.environment());
    environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), api.to_string().into());
    let (program, arguments) = match &function.start {
        Start::Program(program) => (program.to_string(), Vec::new()),
        Start::Module { entry, required, .. } => {
            let way = if *required { "require" } else { "import" };
            let job = json!({ "entry": &**entry, "way": way }).to_string();
            let (node, version) = &machine.node;
            let memory = format!("--max-old-space-size={}", machine.memory);
            let mut words = vec![memory, "--enable-source-maps".to_owned()];
            if *version >= LENIENT {
                // As Lambda's, where `require` of an ES module fails.
                words.extend(["require-module", "detect-module"].map(|it| format!("--no-experimental-{it}")));
            }
            words.extend(["--input-type=module", "--eval", NODE, &job].map(str::to_owned));
            (node.to_string_lossy().into_owned(), words.into_iter().map(OsString::from).collect())
        }
    };
    Staying::start(&Task { program: &program, arguments, directory: &function.root, environment })
}
