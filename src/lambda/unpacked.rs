//! A function out of its archive, ready to be started. In: an archive that has been read, and an empty place. Out: what the
//! platform would start, there, and what it sets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use crate::archive::{self, Earlier};
use crate::built::{Entry, Listed};
use crate::fs::FileSystem;
use crate::fs::archived::Archived;
use crate::path::AbsPath;
use crate::runtime::PROGRAM;

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

/// Unpacks a function into `root`, which must not be there yet; the platform runs it on this major version of Node.
///
/// # Errors
/// The system refuses, or an entry cannot be read.
pub fn unpack(
    listed: &Listed,
    files: &Archived,
    entry: &Entry,
    node: u32,
    root: AbsPath,
    earlier: Option<&Earlier<'_>>,
) -> io::Result<Unpacked> {
    archive::unpack(files, &listed.path, &root, earlier)?;
    let there = |path: &AbsPath| root.join(path.relative_to(&listed.path));
    let start = match entry {
        Entry::Program => Start::Program(root.child(PROGRAM)),
        Entry::Module { file, main, api } => {
            // The module that the platform's entry point hands on to must have a default export; another is the entry's.
            let main = if *api == 2 { there(main) } else { there(file) };
            Start::Module { entry: there(file), main, required: is_required(file, listed, files) }
        }
    };
    Ok(Unpacked { name: listed.name.clone(), root, node, start })
}

/// Lambda imports what is an ES module by its name or its package, and requires all else.
fn is_required(file: &AbsPath, listed: &Listed, files: &Archived) -> bool {
    match file.extension() {
        "mjs" => false,
        "cjs" => true,
        _ => {
            let package = files.read(&listed.path.child("package.json")).unwrap_or_default();
            let package = serde_json::from_slice::<serde_json::Value>(&package).unwrap_or_default();
            package["type"] != "module"
        }
    }
}

impl Unpacked {
    /// What the platform sets, where there are so many megabytes.
    pub(super) fn environment(&self, memory: u64) -> BTreeMap<String, OsString> {
        let is_module = matches!(self.start, Start::Module { .. });
        let runtime = if is_module { format!("nodejs{}.x", self.node) } else { "provided.al2023".to_owned() };
        let variables = [
            ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}")),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("LAMBDA_TASK_ROOT", self.root.to_string()),
            ("TZ", "UTC".to_owned()),
            ("_HANDLER", if is_module { format!("{}.handler", self.name) } else { "bootstrap".to_owned() }),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}
