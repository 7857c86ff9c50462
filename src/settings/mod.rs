//! Everything a run was told, resolved once. In: an [`Invocation`], the environment, netlify.toml.
//! Out: immutable [`Settings`], the command line before the environment before netlify.toml before
//! the defaults. Never looks into a functions directory.

mod cache;
mod document;
mod function_config;
mod limits;
mod netlify_toml;
mod node_version;
mod package_rule;
mod site;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use cache::CacheSettings;
pub use function_config::{ConfigLayers, config_beside};
pub use limits::{Limits, bytes as size};
pub use package_rule::PackageRule;

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::function::{Arch, Flags, NodeVersion, Origin, Platform};
use crate::glob::{GlobList, InvalidGlob};
use crate::path::AbsPath;
use crate::store::Store;

/// How an output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A zip archive.
    #[default]
    Zip,
    /// A directory.
    None,
    /// A gzipped tar archive.
    Tar,
}

/// Whose machine functions are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The platform's, that they are deployed to.
    Lambda,
    /// The one that builds.
    Host,
}

/// What a caller asks for, before anything is looked up. Paths are as written: relative ones are
/// seen from `cwd`.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Where the caller stands. Absolute.
    pub cwd: PathBuf,
    /// `--cwd`: where to look for the site.
    pub site: Option<PathBuf>,
    /// Directories of functions.
    pub sources: Vec<PathBuf>,
    /// Directories of generated functions.
    pub internal: Vec<PathBuf>,
    /// Single functions.
    pub functions: Vec<PathBuf>,
    /// Single generated functions.
    pub internal_functions: Vec<PathBuf>,
    /// Where the archives go.
    pub out: Option<PathBuf>,
    /// Where in the site they go, if nobody says `out`.
    pub out_in_site: Option<PathBuf>,
    /// Where the manifest goes.
    pub manifest: Option<PathBuf>,
    /// What paths in the configuration are relative to.
    pub base: Option<PathBuf>,
    /// The top of the checkout.
    pub repository_root: Option<PathBuf>,
    /// The site's directory within a monorepo.
    pub package_path: Option<PathBuf>,
    /// The deploy context.
    pub context: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The module that version 2 functions run on.
    pub bootstrap: Option<PathBuf>,
    /// The platform's package with such a module, for projects that have none.
    pub api: Option<PathBuf>,
    /// Globs on names: build these alone.
    pub only: Vec<String>,
    /// How outputs are written.
    pub format: Format,
    /// The processor to build for.
    pub arch: Option<Arch>,
    /// What to build for.
    pub target: Option<For>,
    /// Binaries that the target cannot load are a warning.
    pub allow_foreign: bool,
    /// Follow literal imports only.
    pub no_analysis: bool,
    /// Write source maps for what is transpiled or bundled.
    pub source_maps: bool,
    /// Ship the platform's telemetry.
    pub telemetry: bool,
    /// Configuration in the peer's JSON, inline, `@file` or a file's name; or a netlify.toml's name.
    pub config: Option<String>,
    /// Directories in which `{main}.json` files are looked for.
    pub config_dirs: Vec<PathBuf>,
    /// Find container images too.
    pub containers: bool,
    /// Functions in Rust are wanted: what is missing to build them is an error.
    pub rust: bool,
    /// fnzip's own program, for compilers that call it; none where it is a library of another one.
    pub program: Option<PathBuf>,
    /// The Node version to build for.
    pub node_version: Option<String>,
    /// Ship the AWS SDK although the runtime has it.
    pub bundle_aws_sdk: bool,
    /// Warnings are errors.
    pub strict: bool,
    /// Write the manifest even if functions failed.
    pub keep_going: bool,
    /// No absolute path and no clock in the manifest.
    pub reproducible: bool,
    /// Build what is named, and nothing else: no netlify.toml says where functions are.
    pub only_named: bool,
    /// Write no manifest.
    pub unpublished: bool,
    /// List functions that others of their name hide.
    pub with_shadowed: bool,
    /// What is built is the site's server, which the platform starts without a bootstrap.
    pub server: bool,
    /// What the peer's callers switch on.
    pub flags: Flags,
    /// Build even sources that do not exist: they are a warning.
    pub tolerate_missing_sources: bool,
    /// Remember nothing.
    pub no_cache: bool,
    /// Where to remember things.
    pub cache_dir: Option<PathBuf>,
    /// How much.
    pub cache_size: Option<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

/// A place where functions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A directory of functions; or a function, if `single`.
    pub path: AbsPath,
    /// Whose functions they are.
    pub origin: Origin,
    /// Is the path itself the function?
    pub single: bool,
    /// Where a configuration names it.
    pub place: Option<Place>,
}

/// Everything a run was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where functions are, in the order of the peer: generated directories, user directories,
    /// generated functions, user functions. Later ones win.
    pub sources: Vec<Source>,
    /// Where the archives go.
    pub out: AbsPath,
    /// Where the manifest goes.
    pub manifest: AbsPath,
    /// How outputs are written.
    pub format: Format,
    /// What to build for.
    pub platform: Platform,
    /// Binaries that the target cannot load are a warning.
    pub allow_foreign: bool,
    /// Follow what has to be worked out, too, and not only literal imports.
    pub analysis: bool,
    /// Write source maps for what is transpiled or bundled.
    pub source_maps: bool,
    /// What paths in the configuration are relative to.
    pub base: AbsPath,
    /// The top of the checkout: no `package.json` above it is looked at.
    pub repository_root: AbsPath,
    /// The module that version 2 functions run on, if somebody names it.
    pub bootstrap: Option<AbsPath>,
    /// The directory of the platform's package with such a module, for projects that have none.
    pub api: Option<AbsPath>,
    /// The branch that is built.
    pub branch: Option<String>,
    /// Names to build; all if it is empty.
    pub only: GlobList,
    /// What functions are told, by name.
    pub config: ConfigLayers,
    /// Directories in which `{main}.json` files are read.
    pub config_dirs: Vec<AbsPath>,
    /// Find container images too.
    pub containers: bool,
    /// Functions in Rust are wanted: what is missing to build them is an error, else a warning.
    pub rust: bool,
    /// fnzip's own program, for compilers that call it.
    pub program: Option<AbsPath>,
    /// Of functions in Go zip archives are made, and not bare programs.
    pub zip_go: bool,
    /// The Node version where a function has none of its own, and who says so.
    pub node: (NodeVersion, Place),
    /// Ship the AWS SDK although the runtime has it.
    pub bundle_aws_sdk: bool,
    /// Warnings are errors.
    pub strict: bool,
    /// Write the manifest even if functions failed.
    pub keep_going: bool,
    /// Write no manifest.
    pub unpublished: bool,
    /// List functions that others of their name hide.
    pub with_shadowed: bool,
    /// What is built is the site's server, which the platform starts without a bootstrap.
    pub server: bool,
    /// What the peer's callers switch on.
    pub flags: Flags,
    /// No absolute path and no clock in the manifest.
    pub reproducible: bool,
    /// Seconds since 1970, for a reproducible manifest.
    pub source_date_epoch: Option<u64>,
    /// What netlify.toml adds to the environment.
    pub environment: BTreeMap<String, Written>,
    /// Ship the platform's telemetry.
    pub telemetry: bool,
    /// How large functions may be.
    pub limits: Limits,
    /// What packages need besides, by the site's word.
    pub package_rules: Vec<PackageRule>,
    /// What is remembered between runs, if anything is.
    pub cache: Option<CacheSettings>,
    /// What is worth knowing of the configuration.
    pub said: Vec<Diagnostic>,
}

/// A call or an environment that no run can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file or directory that was named is not there.
    #[error("{path}: {reason}")]
    Path {
        /// As the caller can find it.
        path: AbsPath,
        /// A fragment.
        reason: String,
    },
    /// A configuration says something that is not allowed: at least one of these is an error.
    #[error("{}", .0.iter().map(Diagnostic::in_one_line).collect::<Vec<_>>().join("\n"))]
    Config(Vec<Diagnostic>),
    /// A flag's value is none.
    #[error("{flag}: {reason}")]
    Flag {
        /// Its name.
        flag: &'static str,
        /// A fragment.
        reason: String,
    },
}

impl SettingsError {
    /// Fails if any of what was said is an error.
    fn unless_wrong(said: &[Diagnostic]) -> Result<(), Self> {
        let wrong = said.iter().any(|said| said.severity == Severity::Error);
        if wrong { Err(Self::Config(said.to_vec())) } else { Ok(()) }
    }
}

impl From<Diagnostic> for SettingsError {
    fn from(said: Diagnostic) -> Self {
        Self::Config(vec![said])
    }
}

impl Invocation {
    /// What a flag says, else the environment; empty is unsaid.
    fn given<'a>(&'a self, flag: Option<&'a String>, variable: &str) -> Option<&'a str> {
        let said = |text: &&String| !text.is_empty();
        flag.filter(said).or_else(|| self.environment.get(variable).filter(said)).map(String::as_str)
    }

    /// The deploy context.
    fn context(&self) -> Option<&str> {
        self.given(self.context.as_ref(), "CONTEXT")
    }

    /// The branch that is built.
    fn branch(&self) -> Option<&str> {
        self.given(self.branch.as_ref(), "BRANCH")
    }
}

impl Settings {
    /// Resolves what was asked for.
    ///
    /// # Errors
    /// A named file that is not there, or a configuration that cannot be read.
    pub fn resolve(invocation: &Invocation, store: &Store) -> Result<Self, SettingsError> {
        let site = site::find(invocation, store)?;
        let at = |path: &PathBuf| site::without_links(&AbsPath::resolve(&invocation.cwd, path), store);
        let package = invocation.package_path.as_ref().map_or_else(|| site.base.clone(), |path| site.base.join(path));
        let in_site = invocation
            .out_in_site
            .as_ref()
            .map_or_else(|| std::path::Path::new(".netlify/functions"), PathBuf::as_path);
        let out = invocation.out.as_ref().map_or_else(|| package.join(in_site), at);
        let manifest = invocation.manifest.as_ref().map_or_else(|| out.join("manifest.json"), at);
        let bootstrap = invocation.bootstrap.as_ref().map(at);
        if let Some(path) = bootstrap.as_ref().filter(|path| !store.is_file(path)) {
            return Err(SettingsError::Flag { flag: "--bootstrap", reason: format!("{path}: there is no such file") });
        }
        let only = GlobList::new(&invocation.only)
            .map_err(|error: InvalidGlob| SettingsError::Flag { flag: "--only", reason: error.to_string() })?;
        let variables = Variables { given: &invocation.environment, site: &site.environment };
        let (node, doubts) = node_version::choose(invocation.node_version.as_deref(), &variables, &site.base, store)?;
        let epoch = variables.get("SOURCE_DATE_EPOCH").map(|(text, _)| text.parse().map_err(|_| text));
        let source_date_epoch = epoch.transpose().map_err(|text| SettingsError::Flag {
            flag: "SOURCE_DATE_EPOCH",
            reason: format!("`{text}` is not a number of seconds"),
        })?;
        // Netlify's own machines take the bare program; who asks for another format knows what for.
        let on_netlify = variables.get("NETLIFY").is_some_and(|(text, _)| text == "true");
        let zip_go = site.own.zip_go.unwrap_or(!on_netlify || invocation.format != Format::Zip);
        let rust = invocation.rust || variables.get("NETLIFY_EXPERIMENTAL_BUILD_RUST_SOURCE").is_some_and(is_yes);
        let (mut config, mut said) = (site.config, site.said);
        said.extend(doubts);
        if let Some(text) = invocation.config.as_deref().filter(|text| !is_toml(text)) {
            let (layers, problems) = function_config::from_json(text, &invocation.cwd, store)?;
            config.lay_over(layers);
            said.extend(problems);
        }
        let base = invocation.base.as_ref().map_or(site.base, at);
        Ok(Self {
            cache: cache::choose(invocation, site.own.cache, &base)?,
            sources: site.sources,
            out,
            manifest,
            format: invocation.format,
            platform: platform(invocation, site.own.target, store)?,
            allow_foreign: invocation.allow_foreign,
            source_maps: invocation.source_maps,
            analysis: !(site.own.no_analysis || invocation.no_analysis),
            base,
            repository_root: site.repository_root,
            bootstrap,
            api: invocation.api.as_ref().map(at),
            branch: invocation.branch().map(str::to_owned),
            only,
            config,
            config_dirs: invocation.config_dirs.iter().map(at).collect(),
            containers: invocation.containers,
            rust,
            program: invocation.program.clone().map(AbsPath::of),
            zip_go,
            node,
            bundle_aws_sdk: invocation.bundle_aws_sdk,
            strict: invocation.strict,
            keep_going: invocation.keep_going,
            unpublished: invocation.unpublished,
            with_shadowed: invocation.with_shadowed,
            server: invocation.server,
            flags: invocation.flags,
            reproducible: invocation.reproducible,
            source_date_epoch,
            environment: site.environment,
            telemetry: site.own.telemetry || invocation.telemetry,
            package_rules: site.own.package_rules,
            limits: site.own.limits,
            said,
        })
    }
}

impl Settings {
    /// May the outputs be written?
    ///
    /// # Errors
    /// They would be the functions of the next run.
    pub fn check_out(&self) -> Result<(), SettingsError> {
        let Some(source) = self.sources.iter().find(|source| source.path == self.out) else { return Ok(()) };
        let reason = format!("{}: is a functions directory itself", source.path);
        Err(SettingsError::Flag { flag: "--out", reason })
    }
}

/// What to build for. Directories are for the machine that builds, unless somebody says otherwise;
/// archives are deployed.
fn platform(invocation: &Invocation, of_site: Option<For>, store: &Store) -> Result<Platform, SettingsError> {
    let is_local = invocation.format == Format::None && invocation.arch.is_none();
    let default = if is_local { For::Host } else { For::Lambda };
    let deployed = Platform::deployed(invocation.arch.unwrap_or_default());
    if invocation.target.or(of_site).unwrap_or(default) == For::Lambda {
        return Ok(deployed);
    }
    let host = Platform::host(store).unwrap_or(deployed);
    match invocation.arch.filter(|arch| *arch != host.arch) {
        Some(arch) => {
            let reason = format!("{}: this machine, which --target host builds for, is {}", arch.as_str(), host.name());
            Err(SettingsError::Flag { flag: "--arch", reason })
        }
        None => Ok(host),
    }
}

/// A text and where it stands.
pub type Written = (String, Place);

/// The environment: what was given lies over what netlify.toml adds. Empty variables count as unset.
struct Variables<'a> {
    given: &'a BTreeMap<String, String>,
    site: &'a BTreeMap<String, Written>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<(&str, Place)> {
        let given = self.given.get(name).filter(|text| !text.is_empty());
        let given = given.map(|text| (text.as_str(), Place::Named(name.to_owned())));
        let of_site = || self.site.get(name).map(|(text, place)| (text.as_str(), place.clone()));
        given.or_else(of_site).filter(|(text, _)| !text.is_empty())
    }
}

/// A variable that switches something on.
fn is_yes((text, _): (&str, Place)) -> bool {
    !matches!(text, "0" | "false" | "no" | "off")
}

/// Is a `--config` a netlify.toml's name?
fn is_toml(text: &str) -> bool {
    std::path::Path::new(text.trim_start_matches('@')).extension().is_some_and(|extension| extension == "toml")
}
