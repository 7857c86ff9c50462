//! How `fnzip verify --load` runs functions. In: arguments, the environment. Out: which Node, with which variables and
//! limits, and without a network where the system allows that.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Failure;
use super::args::Verify;
use crate::diagnostic::did_you_mean;
use crate::fs::Disk;
use crate::function::{NodeVersion, Platform};
use crate::lambda::{Sandbox, Wanted, With, samples};
use crate::path::AbsPath;
use crate::process;
use crate::settings::Settings;
use crate::store::Store;
use crate::verify::Load;

/// What `--load` asks for, and what is to be said of it.
pub(super) fn load(args: &Verify, settings: &Settings, cwd: &Path) -> Result<(Load, Vec<String>), Failure> {
    let here = AbsPath::resolve(cwd, ".");
    let program = match &args.node {
        Some(node) => AbsPath::resolve(cwd, node),
        None => on_path("node").ok_or_else(|| {
            Failure::Call(
                "--load runs functions, and there is no `node` on the PATH: install Node, or name it with --node"
                    .into(),
            )
        })?,
    };
    let version = major(&program, &here).map_err(|error| Failure::Call(format!("{program}: {error}")))?;
    let without_network = if args.allow_net { None } else { without_network(&here) };
    let mut remarks = Vec::new();
    if without_network.is_none() && !args.allow_net {
        remarks.push("functions are loaded with a network: the system has no way to leave it out".to_owned());
    }
    let sandbox = Sandbox {
        node: program.as_os_str().to_owned(),
        fnzip: std::env::current_exe()?.into_os_string(),
        environment: environment(args, settings)?,
        time: Duration::from_secs(args.timeout),
        memory: args.memory,
        without_network,
    };
    let wanted = args.call.iter().map(|word| wanted(word)).collect::<Result<_, _>>()?;
    let load = Load { sandbox, version, here: Platform::host(&Store::new(Disk)), wanted };
    Ok((load, remarks))
}

/// `auto`, the name of a sample, or a file with an event; for one function with its name before a `=`.
fn wanted(word: &str) -> Result<Wanted, Failure> {
    let (function, word) = match word.split_once('=') {
        Some((function, word)) => (Some(function.to_owned()), word),
        None => (None, word),
    };
    if word == "auto" {
        return Ok(Wanted { function, with: With::Kind });
    }
    if samples().any(|sample| sample == word) {
        return Ok(Wanted { function, with: With::Sample(word.to_owned()) });
    }
    let path = Path::new(word);
    let bytes = std::fs::read(path).map_err(|error| {
        let samples: Vec<String> = samples().collect();
        let near = did_you_mean(word, samples.iter().map(String::as_str));
        let known = if near.is_empty() { format!("; samples are auto, {}", samples.join(", ")) } else { near };
        Failure::Call(format!("--call {word}: {error}{known}"))
    })?;
    let event = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Call(format!("--call {word}: no event in JSON: {error}")))?;
    let name = path.file_name().map_or_else(|| word.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Wanted { function, with: With::Event { name, event } })
}

/// The major version of a Node, if what it says is one.
pub(super) fn major(node: &AbsPath, here: &AbsPath) -> std::io::Result<Option<u32>> {
    let said = process::output(node, &["--version"], here)?;
    Ok(NodeVersion::parse(said.trim().trim_start_matches('v')).map(|version| version.major))
}

pub(super) fn on_path(program: &str) -> Option<AbsPath> {
    let path = std::env::var_os("PATH")?;
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let mut places = std::env::split_paths(&path).filter(|path| path.is_absolute()).map(|path| path.join(&name));
    places.find(|path| path.is_file()).map(AbsPath::of)
}

/// netlify.toml, then files, then flags.
fn environment(args: &Verify, settings: &Settings) -> Result<BTreeMap<String, OsString>, Failure> {
    let mut variables: BTreeMap<String, OsString> =
        settings.environment.iter().map(|(name, value)| (name.clone(), value.0.clone().into())).collect();
    for file in &args.env_file {
        let rows = rows(file).map_err(|error| Failure::Call(format!("{}: {error}", file.display())))?;
        variables.extend(rows.into_iter().map(|(name, value)| (name, value.into())));
    }
    for given in &args.env {
        match given.split_once('=') {
            Some((name, value)) => drop(variables.insert(name.to_owned(), value.into())),
            // As of docker: the caller's own.
            None => drop(std::env::var_os(given).map(|value| variables.insert(given.clone(), value))),
        }
    }
    Ok(variables)
}

/// What a file of variables says.
pub(super) fn rows(file: &Path) -> Result<Vec<(String, String)>, dotenvy::Error> {
    dotenvy::from_path_iter(file)?.collect()
}

/// What runs a program without a network: namespaces on Linux, the sandbox on macOS.
fn without_network(here: &AbsPath) -> Option<Vec<OsString>> {
    let (program, arguments): (PathBuf, &[&str]) = if cfg!(target_os = "linux") {
        (on_path("unshare")?.to_path_buf(), &["--map-root-user", "--net", "--"])
    } else if cfg!(target_os = "macos") {
        ("/usr/bin/sandbox-exec".into(), &["-p", "(version 1)(allow default)(deny network*)"])
    } else {
        return None;
    };
    let nothing = on_path("true")?;
    let tried: Vec<&str> = arguments.iter().copied().chain(nothing.to_str()).collect();
    process::output(&AbsPath::of(program.clone()), &tried, here).ok()?;
    Some(std::iter::once(program.into()).chain(arguments.iter().map(OsString::from)).collect())
}
