//! A call of the npm package. In: its line. Out: what is asked for, as a command line would say it. What callers leave
//! out is absent or null (spec: clients.md).

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::function::Flags;
use crate::path::AbsPath;
use crate::settings::{Format, Invocation};

/// A call.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) method: Method,
    /// The caller's directory.
    cwd: PathBuf,
    /// The caller's environment.
    #[serde(default)]
    env: std::collections::BTreeMap<String, String>,
    /// The directory of the platform's package that comes with the caller.
    #[serde(default)]
    api: Option<PathBuf>,
    /// Where functions are.
    input: MixedPaths,
    /// Where the archives go.
    #[serde(default)]
    pub(super) dest: PathBuf,
    #[serde(default)]
    pub(super) options: Options,
}

/// What can be called.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Method {
    ZipFunctions,
    ZipFunction,
    ListFunctions,
    ListFunction,
    ListFunctionsFiles,
    ZipServer,
    FindServerEntry,
}

impl Method {
    fn writes(self) -> bool {
        matches!(self, Self::ZipFunctions | Self::ZipFunction | Self::ZipServer)
    }
}

/// The peer's options.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    archive_format: Option<String>,
    base_path: Option<PathBuf>,
    branch: Option<String>,
    config: Option<Map<String, Value>>,
    config_file_directories: Option<Vec<PathBuf>>,
    feature_flags: Option<Map<String, Value>>,
    internal_src_folder: Option<PathBuf>,
    manifest: Option<PathBuf>,
    #[serde(rename = "parseISC")]
    pub(super) parse_isc: Option<bool>,
    repository_root: Option<PathBuf>,
}

/// Directories and single functions, of the user and generated.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MixedPaths {
    One(PathBuf),
    Many(Vec<PathBuf>),
    Bag {
        #[serde(default)]
        generated: Bag,
        #[serde(default)]
        user: Bag,
    },
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Bag {
    directories: Vec<PathBuf>,
    functions: Vec<PathBuf>,
}

/// An option that no build can be made of.
#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("Invalid archive format: {0}")]
    Format(String),
    #[error("the directory for the archives has no name")]
    Destination,
}

impl Call {
    /// The same, of directories of functions.
    pub(super) fn invocation(&self) -> Result<Invocation, Invalid> {
        let (generated, user) = match &self.input {
            MixedPaths::One(path) => (Bag::default(), Bag { directories: vec![path.clone()], functions: vec![] }),
            MixedPaths::Many(paths) => (Bag::default(), Bag { directories: paths.clone(), functions: vec![] }),
            MixedPaths::Bag { generated, user } => (generated.clone(), user.clone()),
        };
        Ok(Invocation {
            sources: user.directories,
            functions: user.functions,
            internal: generated.directories,
            internal_functions: generated.functions,
            ..self.common()?
        })
    }

    /// The same, of one function.
    pub(super) fn invocation_of_one(&self) -> Result<Invocation, Invalid> {
        let MixedPaths::One(path) = &self.input else { return self.invocation() };
        let internal = self.options.internal_src_folder.as_ref().map(|directory| self.cwd.join(directory));
        let is_internal = internal.is_some_and(|directory| self.cwd.join(path).starts_with(directory));
        let one = vec![path.clone()];
        let common = self.common()?;
        Ok(if is_internal {
            Invocation { internal_functions: one, ..common }
        } else {
            Invocation { functions: one, ..common }
        })
    }

    /// The one path of a call, as the caller writes it, and where that is.
    pub(super) fn path(&self) -> (PathBuf, AbsPath) {
        let written = match &self.input {
            MixedPaths::One(path) => path.clone(),
            MixedPaths::Many(_) | MixedPaths::Bag { .. } => PathBuf::new(),
        };
        let at = AbsPath::resolve(&self.cwd, &written);
        (written, at)
    }

    fn common(&self) -> Result<Invocation, Invalid> {
        let options = &self.options;
        let format = match options.archive_format.as_deref() {
            None | Some("zip") => Format::Zip,
            Some("none") => Format::None,
            Some("tar") => Format::Tar,
            Some(other) => return Err(Invalid::Format(other.to_owned())),
        };
        if self.method.writes() && self.dest.as_os_str().is_empty() {
            return Err(Invalid::Destination);
        }
        let config = options.config.as_ref().map(|config| Value::Object(config.clone()).to_string());
        Ok(Invocation {
            cwd: self.cwd.clone(),
            only_named: true,
            tolerate_missing_sources: true,
            out: Some(self.dest.clone()).filter(|dest| !dest.as_os_str().is_empty()),
            manifest: options.manifest.clone(),
            api: self.api.clone(),
            base: options.base_path.clone(),
            repository_root: options.repository_root.clone().or_else(|| options.base_path.clone()),
            branch: options.branch.clone(),
            format,
            config,
            config_dirs: options.config_file_directories.clone().unwrap_or_default(),
            containers: self.has_flag("zisi_container_functions"),
            rust: self.has_flag("buildRustSource"),
            telemetry: self.has_flag("zisi_add_instrumentation_loader"),
            flags: Flags {
                traced: self.has_flag("traceWithNft"),
                pure_modules: self.has_flag("zisi_pure_esm_mjs"),
                cjs_extension: self.has_flag("zisi_output_cjs_extension"),
            },
            program: std::env::current_exe().ok(),
            environment: self.env.clone(),
            ..Invocation::default()
        })
    }

    /// What the paths of one function are relative to, if the caller names it so.
    pub(super) fn relative_to(&self) -> Option<AbsPath> {
        let is_relative =
            matches!((&self.input, self.method), (MixedPaths::One(path), Method::ListFunction) if path.is_relative());
        is_relative.then(|| AbsPath::resolve(&self.cwd, "."))
    }

    fn has_flag(&self, name: &str) -> bool {
        let flag = self.options.feature_flags.as_ref().and_then(|flags| flags.get(name));
        flag.and_then(Value::as_bool).unwrap_or(false)
    }
}
