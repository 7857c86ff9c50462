//! The arguments, which are also the help, the completions and the manual pages. In: words. Out:
//! an [`Invocation`]. Parsing never does work.

mod built;
mod cache;
mod serve;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::built::{Diff, Sbom, Verify};
pub(super) use self::cache::{Cache, CacheAction};
pub(super) use self::serve::{Invoke, ONLY_BUILD, Serve};
use crate::settings::{For, Format, Invocation};

/// Packages serverless functions: one reproducible archive per function, and a manifest.
///
/// `fnzip SRC DEST` works as `zip-it-and-ship-it SRC DEST` does.
#[derive(Debug, Parser)]
#[command(
    name = "fnzip",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 all is well, 1 a function failed or is not fit to deploy, 2 the call or the environment is wrong."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) shown: Shown,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What is shown, and how.
#[derive(Debug, Default, Args)]
pub(super) struct Shown {
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, env = "FNZIP_COLOR", hide_env = true)]
    pub(super) color: Colour,
    /// Only errors
    #[arg(short, long, global = true, conflicts_with = "verbose", env = "FNZIP_QUIET", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
    /// Notes too
    #[arg(short, long, global = true, env = "FNZIP_VERBOSE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) verbose: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build every function of a site, and the manifest
    Bundle(Bundle),
    /// List the functions of a site
    List(List),
    /// Build the functions of a site, and serve them on this machine
    Serve(Serve),
    /// Call a function that `fnzip serve` serves, with a sample event
    Invoke(Invoke),
    /// Check that what was built is fit to deploy
    Verify(Verify),
    /// Show what changed between two builds
    Diff(Diff),
    /// Show what shipped, as a bill of materials (CycloneDX)
    Sbom(Sbom),
    /// Show what a function is told, and where
    Config(Config),
    /// Show why a file or package ships in a function, and what it costs
    Why(Why),
    /// List the files that modules need
    Trace(Trace),
    /// Show, check or empty what is remembered between runs
    Cache(Cache),
    /// Print a completion script
    Completions(Completions),
    /// Answer the npm package
    #[command(hide = true)]
    Api,
    /// Print the manual page
    Man,
    /// Print a JSON Schema
    Schema(Schema),
}

const TWINS: &str = "Every flag can be set in the environment: --node-version 22 is FNZIP_NODE_VERSION=22.";

/// Where functions are and what they are told: for every command that looks at a site.
#[derive(Debug, Default, Clone, Args)]
pub(super) struct Site {
    /// Functions directories; without any, those of the site
    #[arg(value_name = "SRC")]
    sources: Vec<PathBuf>,
    /// Where to start looking for the site's netlify.toml
    #[arg(short = 'C', long = "cwd", alias = "site", value_name = "DIR", env = "FNZIP_CWD", hide_env = true)]
    cwd: Option<PathBuf>,
    /// In a monorepo, what leads to the directories of generated functions and archives
    #[arg(long, value_name = "DIR", env = "FNZIP_PACKAGE_PATH", hide_env = true)]
    package_path: Option<PathBuf>,
    /// The deploy context [default: $CONTEXT, else production; `dev` for what is served]
    #[arg(long, value_name = "NAME", env = "FNZIP_CONTEXT", hide_env = true)]
    context: Option<String>,
    /// The branch [default: $BRANCH]
    #[arg(long, value_name = "NAME", env = "FNZIP_BRANCH", hide_env = true)]
    branch: Option<String>,
    /// Only functions of such names; may be given more than once
    #[arg(long, value_name = "GLOB", env = "FNZIP_ONLY", hide_env = true)]
    only: Vec<String>,
    /// What paths in the configuration are relative to
    #[arg(long, value_name = "DIR", env = "FNZIP_BASE", hide_env = true)]
    base: Option<PathBuf>,
    /// The top of the checkout [default: where .git is]
    #[arg(long, value_name = "DIR", env = "FNZIP_REPOSITORY_ROOT", hide_env = true)]
    repository_root: Option<PathBuf>,
    /// A directory of generated functions
    #[arg(long, value_name = "DIR", env = "FNZIP_INTERNAL", hide_env = true)]
    internal: Vec<PathBuf>,
    /// A single function
    #[arg(long, value_name = "PATH", env = "FNZIP_FUNCTION", hide_env = true)]
    function: Vec<PathBuf>,
    /// A single generated function
    #[arg(long, value_name = "PATH", env = "FNZIP_INTERNAL_FUNCTION", hide_env = true)]
    internal_function: Vec<PathBuf>,
    /// What functions are told, by glob: JSON, @FILE, FILE.json, or a netlify.toml
    #[arg(long, value_name = "JSON", env = "FNZIP_CONFIG", hide_env = true)]
    config: Option<String>,
    /// A directory where {main}.json files configure functions
    #[arg(long, value_name = "DIR", env = "FNZIP_CONFIG_DIR", hide_env = true)]
    config_dir: Vec<PathBuf>,
    /// The Node version to build for
    #[arg(long, value_name = "V", env = "FNZIP_NODE_VERSION", hide_env = true)]
    node_version: Option<String>,
    /// The processor to build for [default: amd64]
    #[arg(long, value_enum, env = "FNZIP_ARCH", hide_env = true)]
    arch: Option<Arch>,
    /// Whose native binaries ship [default: lambda; host for directories]
    #[arg(long, value_enum, env = "FNZIP_TARGET", hide_env = true)]
    target: Option<Target>,
    /// Only warn of native binaries that the target cannot load
    #[arg(long, env = "FNZIP_ALLOW_FOREIGN", hide_env = true, value_parser = FalseyValueParser::new())]
    allow_foreign: bool,
    /// Follow literal imports only
    #[arg(long, env = "FNZIP_NO_ANALYSIS", hide_env = true, value_parser = FalseyValueParser::new())]
    no_analysis: bool,
    /// Ship @aws-sdk packages although the Lambda runtime has them
    #[arg(long, env = "FNZIP_BUNDLE_AWS_SDK", hide_env = true, value_parser = FalseyValueParser::new())]
    bundle_aws_sdk: bool,
    /// Find container images too
    #[arg(long, env = "FNZIP_CONTAINERS", hide_env = true, value_parser = FalseyValueParser::new())]
    containers: bool,
    /// Fail if the Rust toolchain or target is missing, instead of leaving Rust functions out
    #[arg(long, env = "FNZIP_RUST", hide_env = true, value_parser = FalseyValueParser::new())]
    rust: bool,
    /// Take warnings for errors
    #[arg(long, env = "FNZIP_STRICT", hide_env = true, value_parser = FalseyValueParser::new())]
    strict: bool,
    /// JSON on stdout
    #[arg(long, env = "FNZIP_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// How many threads to use [default: one a processor]
    #[arg(long, value_name = "N", env = "FNZIP_JOBS", hide_env = true)]
    pub(super) jobs: Option<usize>,
}

#[derive(Debug, Default, Args)]
#[command(after_help = TWINS)]
pub(super) struct Bundle {
    #[command(flatten)]
    pub(super) site: Site,
    /// Where the archives go [default: .netlify/functions of the site]
    #[arg(short, long, value_name = "DIR", env = "FNZIP_OUT", hide_env = true)]
    out: Option<PathBuf>,
    /// Where the manifest goes [default: manifest.json beside the archives]
    #[arg(long, value_name = "PATH", env = "FNZIP_MANIFEST", hide_env = true)]
    manifest: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t, env = "FNZIP_FORMAT", hide_env = true)]
    format: OutputFormat,
    /// The module that version 2 functions run on [default: the platform's, where it is installed]
    #[arg(long, value_name = "PATH", env = "FNZIP_BOOTSTRAP", hide_env = true)]
    bootstrap: Option<PathBuf>,
    /// Write source maps for what is transpiled or bundled
    #[arg(long, env = "FNZIP_SOURCEMAP", hide_env = true, value_parser = FalseyValueParser::new())]
    sourcemap: bool,
    /// Remember nothing from one run to the next
    #[arg(long, env = "FNZIP_NO_CACHE", hide_env = true, value_parser = FalseyValueParser::new())]
    no_cache: bool,
    /// Where to remember things [default: .netlify/cache/fnzip of the site]
    #[arg(long, value_name = "DIR", env = "FNZIP_CACHE_DIR", hide_env = true)]
    cache_dir: Option<PathBuf>,
    /// How much to remember [default: 1gb]
    #[arg(long, value_name = "SIZE", env = "FNZIP_CACHE_SIZE", hide_env = true)]
    cache_size: Option<String>,
    /// Show what the packages of each function cost
    #[arg(long, env = "FNZIP_SIZES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) sizes: bool,
    /// Build again whenever something changes, until it is interrupted
    #[arg(long, conflicts_with_all = ["json", "timings"], env = "FNZIP_WATCH", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) watch: bool,
    /// Show where the time went; with FILE, also as a trace for Chrome or Perfetto
    #[arg(
        long, value_name = "FILE", env = "FNZIP_TIMINGS", hide_env = true,
        num_args = 0..=1, require_equals = true, default_missing_value = ""
    )]
    pub(super) timings: Option<OsString>,
    /// Write the manifest even if a function failed, without it
    #[arg(long, env = "FNZIP_KEEP_GOING", hide_env = true, value_parser = FalseyValueParser::new())]
    keep_going: bool,
    /// No absolute path and no clock in the manifest (SOURCE_DATE_EPOCH is its time)
    #[arg(long, env = "FNZIP_REPRODUCIBLE", hide_env = true, value_parser = FalseyValueParser::new())]
    reproducible: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Zip archives
    #[default]
    Zip,
    /// Directories
    None,
    /// Gzipped tar archives
    Tar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// The platform's, that functions are deployed to
    Lambda,
    /// Those of this machine
    Host,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Arch {
    #[value(alias = "x64", alias = "x86_64")]
    Amd64,
    #[value(alias = "aarch64")]
    Arm64,
}

#[derive(Debug, Default, Args)]
#[command(after_help = TWINS)]
pub(super) struct List {
    #[command(flatten)]
    pub(super) site: Site,
    /// With the files that each function needs
    #[arg(long)]
    pub(super) files: bool,
}

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(super) struct Config {
    /// The function
    #[arg(value_name = "FUNCTION")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) site: Site,
}

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(super) struct Why {
    /// The function
    #[arg(value_name = "FUNCTION")]
    pub(super) name: String,
    /// A file, or the name of a package
    #[arg(value_name = "FILE-OR-PACKAGE")]
    pub(super) wanted: String,
    #[command(flatten)]
    pub(super) site: Site,
}

#[derive(Debug, Args)]
pub(super) struct Trace {
    /// Modules to start from
    #[arg(value_name = "ENTRY", required = true)]
    pub(super) entries: Vec<PathBuf>,
    /// Paths are relative to this, and files outside are left out [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub(super) base: Option<PathBuf>,
    /// What `process.cwd()` will be [default: the base]
    #[arg(long, value_name = "DIR")]
    pub(super) process_cwd: Option<PathBuf>,
    /// A condition for `exports` and `imports`, besides Node's
    #[arg(long, value_name = "C")]
    pub(super) condition: Vec<String>,
    /// Files to leave out, relative to the base
    #[arg(long, value_name = "GLOB")]
    pub(super) ignore: Vec<String>,
    /// A path that stands for a specifier, or for a prefix that ends in `/`
    #[arg(long, value_name = "K=V", value_parser = key_value)]
    pub(super) path: Vec<(String, String)>,
    /// How many requests to follow, one after another
    #[arg(long, value_name = "N")]
    pub(super) depth: Option<usize>,
    /// Leave out what a package's `main` names where `exports` decides
    #[arg(long)]
    pub(super) exports_only: bool,
    /// Take `module-sync` targets of patterns too
    #[arg(long)]
    pub(super) module_sync_catchall: bool,
    /// Follow literal imports only
    #[arg(long)]
    pub(super) no_analysis: bool,
    /// The Node version
    #[arg(long, alias = "target-node", value_name = "V")]
    pub(super) node_version: Option<String>,
    /// JSON on stdout
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of what
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// manifest.json
    Manifest,
    /// What functions are told with --config
    Config,
}

/// The command line of `zip-it-and-ship-it`.
#[derive(Debug, Parser)]
#[command(name = "fnzip", version)]
pub(super) struct Peer {
    /// The functions directory
    pub(super) src: PathBuf,
    /// Where the archives go
    pub(super) dest: PathBuf,
    /// What functions are told, by glob: JSON
    #[arg(long)]
    pub(super) config: Option<String>,
    /// Where the manifest goes
    #[arg(long)]
    pub(super) manifest: Option<PathBuf>,
    /// zip, none or tar
    #[arg(long, value_enum, default_value_t)]
    pub(super) archive_format: OutputFormat,
    /// How many functions to build at once
    #[arg(long)]
    pub(super) parallel_limit: Option<usize>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.into(), value.into()))
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Zip => Self::Zip,
            OutputFormat::None => Self::None,
            OutputFormat::Tar => Self::Tar,
        }
    }
}

impl From<Arch> for crate::function::Arch {
    fn from(arch: Arch) -> Self {
        match arch {
            Arch::Amd64 => Self::X64,
            Arch::Arm64 => Self::Arm64,
        }
    }
}

impl From<Target> for For {
    fn from(target: Target) -> Self {
        match target {
            Target::Lambda => Self::Lambda,
            Target::Host => Self::Host,
        }
    }
}

/// The environment, but for what is no text.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Site {
    /// What was asked for, as seen from `cwd`.
    pub(super) fn invocation(&self, cwd: &Path) -> Invocation {
        Invocation {
            cwd: cwd.into(),
            site: self.cwd.clone(),
            sources: self.sources.clone(),
            internal: self.internal.clone(),
            functions: self.function.clone(),
            internal_functions: self.internal_function.clone(),
            base: self.base.clone(),
            repository_root: self.repository_root.clone(),
            package_path: self.package_path.clone(),
            context: self.context.clone(),
            branch: self.branch.clone(),
            only: self.only.clone(),
            config: self.config.clone(),
            config_dirs: self.config_dir.clone(),
            node_version: self.node_version.clone(),
            arch: self.arch.map(Into::into),
            target: self.target.map(Into::into),
            allow_foreign: self.allow_foreign,
            no_analysis: self.no_analysis,
            bundle_aws_sdk: self.bundle_aws_sdk,
            containers: self.containers,
            rust: self.rust,
            strict: self.strict,
            environment: environment(),
            ..Invocation::default()
        }
    }
}

impl Bundle {
    /// What was asked for, as seen from `cwd`.
    pub(super) fn invocation(&self, cwd: &Path) -> Invocation {
        Invocation {
            out: self.out.clone(),
            manifest: self.manifest.clone(),
            format: self.format.into(),
            bootstrap: self.bootstrap.clone(),
            keep_going: self.keep_going,
            reproducible: self.reproducible,
            source_maps: self.sourcemap,
            no_cache: self.no_cache,
            cache_dir: self.cache_dir.clone(),
            cache_size: self.cache_size.clone(),
            ..self.site.invocation(cwd)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
        Peer::command().debug_assert();
    }
}
