//! The arguments of the commands that look at what was built: `fnzip verify`, `fnzip diff`, `fnzip sbom`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::{Arch, TWINS, environment};
use crate::built::Place;
use crate::settings::{Invocation, Settings};

/// Where something was built.
#[derive(Debug, Args)]
pub(in crate::cli) struct Built {
    /// Where the archives are [default: .netlify/functions of the site]
    #[arg(value_name = "OUT", env = "FNZIP_OUT", hide_env = true)]
    out: Option<PathBuf>,
    /// Where to start looking for the site's netlify.toml
    #[arg(short = 'C', long = "cwd", alias = "site", value_name = "DIR", env = "FNZIP_CWD", hide_env = true)]
    cwd: Option<PathBuf>,
    /// The manifest [default: manifest.json beside the archives, if it is there]
    #[arg(long, value_name = "PATH", env = "FNZIP_MANIFEST", hide_env = true)]
    manifest: Option<PathBuf>,
}

impl Built {
    /// The site that it was built from, as seen from `cwd`, if there is one.
    fn invocation(&self, cwd: &Path) -> Invocation {
        Invocation {
            cwd: cwd.into(),
            site: self.cwd.clone(),
            out: self.out.clone(),
            manifest: self.manifest.clone(),
            // Archives may be looked at where nothing else is.
            tolerate_missing_sources: true,
            environment: environment(),
            ..Invocation::default()
        }
    }

    /// Where archives and manifest are.
    pub(in crate::cli) fn place(&self, settings: &Settings) -> Place {
        let wants_manifest = self.manifest.is_some();
        Place { out: settings.out.clone(), manifest: settings.manifest.clone(), wants_manifest, only: None }
    }
}

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    pub(in crate::cli) built: Built,
    /// The Node version that functions will run on [default: what the manifest says, else the site]
    #[arg(long, value_name = "V", env = "FNZIP_NODE_VERSION", hide_env = true)]
    pub(in crate::cli) node_version: Option<String>,
    /// The processor that functions will run on [default: amd64]
    #[arg(long, value_enum, env = "FNZIP_ARCH", hide_env = true)]
    arch: Option<Arch>,
    /// Take warnings for errors
    #[arg(long, env = "FNZIP_STRICT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) strict: bool,
    /// JSON on stdout
    #[arg(long, env = "FNZIP_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
    /// Write a report in JUnit's XML
    #[arg(long, value_name = "FILE", env = "FNZIP_JUNIT", hide_env = true)]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Build again from the sources, and compare the bytes
    #[arg(long, env = "FNZIP_REBUILD", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) rebuild: bool,
    /// Load each function in a Node of its own, too
    #[arg(long, env = "FNZIP_LOAD", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) load: bool,
    /// The Node to load functions with [default: that on the PATH]
    #[arg(long, value_name = "PATH", requires = "load", env = "FNZIP_NODE", hide_env = true)]
    pub(in crate::cli) node: Option<PathBuf>,
    /// Call them, too: `auto` (as the platform does), `http-get`, `http-post`, `scheduled`, `deploy-succeeded` …, or an
    /// event in a JSON file; of one function as `NAME=EVENT`
    #[arg(long, value_name = "EVENT", requires = "load", env = "FNZIP_CALL", hide_env = true)]
    pub(in crate::cli) call: Vec<String>,
    /// A variable that functions find; without a value, the caller's own
    #[arg(long, value_name = "NAME[=VALUE]", requires = "load")]
    pub(in crate::cli) env: Vec<String>,
    /// A file of variables
    #[arg(long, value_name = "FILE", requires = "load", env = "FNZIP_ENV_FILE", hide_env = true)]
    pub(in crate::cli) env_file: Vec<PathBuf>,
    /// How many seconds loading may take, and each call
    #[arg(long, value_name = "S", requires = "load", default_value_t = 10, env = "FNZIP_TIMEOUT", hide_env = true)]
    pub(in crate::cli) timeout: u64,
    /// How many megabytes a function's heap may have
    #[arg(long, value_name = "MB", requires = "load", default_value_t = 1024, env = "FNZIP_MEMORY", hide_env = true)]
    pub(in crate::cli) memory: u64,
    /// Let functions reach the network
    #[arg(long, requires = "load", env = "FNZIP_ALLOW_NET", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) allow_net: bool,
    /// How many threads to use [default: one a processor]
    #[arg(long, value_name = "N", env = "FNZIP_JOBS", hide_env = true)]
    pub(in crate::cli) jobs: Option<usize>,
}

impl Verify {
    /// What was asked for, as seen from `cwd`.
    pub(in crate::cli) fn invocation(&self, cwd: &Path) -> Invocation {
        Invocation {
            node_version: self.node_version.clone(),
            arch: self.arch.map(Into::into),
            strict: self.strict,
            ..self.built.invocation(cwd)
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(in crate::cli) struct Diff {
    /// A directory of archives, or a manifest, of before
    #[arg(value_name = "OLD")]
    pub(in crate::cli) old: PathBuf,
    /// One of after
    #[arg(value_name = "NEW")]
    pub(in crate::cli) new: PathBuf,
    /// Markdown, for a comment on a pull request
    #[arg(long, conflicts_with = "json", env = "FNZIP_MARKDOWN", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) markdown: bool,
    /// JSON on stdout
    #[arg(long, env = "FNZIP_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
    /// Fail if all archives together have grown by more: `500kb`, `10%`
    #[arg(long, value_name = "SIZE", env = "FNZIP_BUDGET", hide_env = true)]
    pub(in crate::cli) budget: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(in crate::cli) struct Sbom {
    #[command(flatten)]
    pub(in crate::cli) built: Built,
    /// Of one function, instead of all
    #[arg(long, value_name = "NAME", env = "FNZIP_FUNCTION_NAME", hide_env = true)]
    pub(in crate::cli) function: Option<String>,
    /// Write a document a function and one of the site here, instead of printing one
    #[arg(long, value_name = "DIR", conflicts_with = "function", env = "FNZIP_DIR", hide_env = true)]
    pub(in crate::cli) dir: Option<PathBuf>,
}

impl Sbom {
    /// What was asked for, as seen from `cwd`.
    pub(in crate::cli) fn invocation(&self, cwd: &Path) -> Invocation {
        self.built.invocation(cwd)
    }
}
