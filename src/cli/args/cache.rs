//! The arguments of `fnzip cache`.

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::{TWINS, environment};
use crate::settings::Invocation;

#[derive(Debug, Args)]
#[command(after_help = TWINS)]
pub(in crate::cli) struct Cache {
    /// What to do
    #[arg(value_enum)]
    pub(in crate::cli) action: CacheAction,
    /// Where to look for the site
    #[arg(short = 'C', long = "cwd", alias = "site", value_name = "DIR", env = "FNZIP_CWD", hide_env = true)]
    site: Option<PathBuf>,
    /// Where things are remembered [default: .netlify/cache/fnzip of the site]
    #[arg(long, value_name = "DIR", env = "FNZIP_CACHE_DIR", hide_env = true)]
    cache_dir: Option<PathBuf>,
    /// JSON on stdout
    #[arg(long, env = "FNZIP_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CacheAction {
    /// What is in it
    Stats,
    /// Remove everything
    Clear,
    /// Read everything, and remove what is damaged
    Verify,
}

impl Cache {
    /// What was asked for, as seen from `cwd`.
    pub(in crate::cli) fn invocation(&self, cwd: &Path) -> Invocation {
        let cwd = cwd.to_owned();
        let (site, cache_dir) = (self.site.clone(), self.cache_dir.clone());
        Invocation { cwd, site, cache_dir, environment: environment(), ..Invocation::default() }
    }
}
