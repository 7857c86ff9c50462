//! The contract with whoever deploys: `manifest.json`. In: what was built. Out: the file, and its
//! JSON Schema. The names are the platform's (spec: functions.md section 6); what fnzip adds stands
//! under one key of its own. Decides nothing.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::archive::{WriteError, write_file};
use crate::function::route::Route;
use crate::function::traffic::TrafficRules;
use crate::function::{Bundler, Function, FunctionName, InvocationMode, NodeVersion, Runtime};
use crate::path::AbsPath;
use crate::plan::BundledPackage;
use crate::store::Store;

/// What was built, for whoever deploys it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "The manifest of a functions directory")]
pub struct Manifest {
    /// The functions, sorted by name.
    pub functions: Vec<Row>,
    /// The machine that built them.
    pub system: System,
    /// When, in milliseconds since 1970.
    pub timestamp: u64,
    /// The version of this format: 1.
    pub version: u32,
}

/// One function. What does not apply is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// How its files were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundler: Option<Bundler>,
    /// What the platform must know of how it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_data: Option<BuildData>,
    /// The name shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who generated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// How it is called; absent for a plain synchronous function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation_mode: Option<InvocationMode>,
    /// The source file that is loaded first.
    pub main_file: String,
    /// Megabytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Its name.
    pub name: FunctionName,
    /// The archive, absolute; relative to the manifest with `--reproducible`.
    pub path: String,
    /// Functions of a higher priority are tried first; told of what is packed from JavaScript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Its addresses besides the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Addresses that it does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_routes: Vec<Route>,
    /// The events that it is called for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_subscriptions: Vec<String>,
    /// How often it may be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_rules: Option<TrafficRules>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Its language.
    pub runtime: Runtime,
    /// The platform's name for the Node version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// A cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Number>,
    /// Virtual processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpu: Option<Number>,
    /// What fnzip adds to the platform's format; other packagers do not.
    #[serde(default)]
    pub fnzip: Additions,
}

/// What the platform must know of how a function was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildData {
    /// The version of the platform's package that a version 2 function runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_version: Option<String>,
    /// 1 or 2; absent in other languages.
    #[serde(default, rename = "runtimeAPIVersion", skip_serializing_if = "Option::is_none")]
    pub runtime_api_version: Option<u8>,
}

impl BuildData {
    /// What is known of a function that was built; nothing of one in another language.
    pub fn of(runtime_api_version: Option<u8>, bootstrap_version: Option<&str>) -> Self {
        Self { bootstrap_version: bootstrap_version.map(str::to_owned), runtime_api_version }
    }
}

/// What fnzip adds to the platform's format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Additions {
    /// Of the archive, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes of the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes once unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unzipped_size: Option<u64>,
    /// How many entries the archive has.
    pub entries: usize,
    /// The event that its name makes it run for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_triggered: Option<String>,
    /// The packages in its bundle, which nobody sees there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bundled: BTreeSet<BundledPackage>,
}

/// A machine, by Node's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// `x64`, `arm64` …
    pub arch: String,
    /// `linux`, `darwin` …
    pub platform: String,
}

impl System {
    /// The machine that this runs on.
    pub fn here() -> Self {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            "x86" => "ia32",
            other => other,
        };
        let platform = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        Self { arch: arch.into(), platform: platform.into() }
    }
}

impl Manifest {
    /// The manifest at `path`, if there is one that can be read.
    pub fn read(path: &AbsPath, store: &Store) -> Option<Self> {
        serde_json::from_slice(&store.read(path).ok()?).ok()
    }

    /// Writes it, all at once.
    ///
    /// # Errors
    /// It cannot be written; what was there still is.
    pub fn write(&self, path: &AbsPath) -> Result<(), WriteError> {
        let unwritable =
            |error: serde_json::Error| WriteError::Output { path: path.clone(), reason: error.to_string() };
        let mut text = serde_json::to_vec(self).map_err(unwritable)?;
        text.push(b'\n');
        write_file(path, &text)
    }

    /// The JSON Schema of the format.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

/// The platform's name for the Node version that a function asks for. Version 2 functions run on the
/// newest unless they ask for another (spec: peer-behaviour.md "Manifest"); other languages on none.
pub fn runtime_version(function: &Function) -> Option<String> {
    let written = function.config.node_version.as_deref().filter(|_| function.runtime == Runtime::JavaScript);
    let major = written.and_then(NodeVersion::coerce).map(|version| version.major);
    match (function.api_version, major) {
        (_, Some(major @ (18 | 20 | 22 | 24))) => Some(format!("nodejs{major}.x")),
        (Some(2), None | Some(..18)) => Some("nodejs24.x".into()),
        _ => None,
    }
}
