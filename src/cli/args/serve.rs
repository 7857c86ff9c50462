//! The arguments of `fnzip serve` and `fnzip invoke`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;
use sha2::{Digest, Sha256};

use super::{Site, TWINS};
use crate::archive::hexadecimal;
use crate::diagnostic::did_you_mean;
use crate::lambda::samples;
use crate::settings::{For, Invocation};

#[derive(Debug, Args)]
#[command(after_help = format!("The context is `{CONTEXT}`, and what is built is for this machine, unless flags say otherwise. {TWINS}"))]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    pub(in crate::cli) site: Site,
    /// The port; 0 is any that is free
    #[arg(short, long, default_value_t = 9999, env = "FNZIP_PORT", hide_env = true)]
    pub(in crate::cli) port: u16,
    /// The address to listen at
    #[arg(long, default_value = "127.0.0.1", env = "FNZIP_HOST", hide_env = true)]
    pub(in crate::cli) host: IpAddr,
    /// A directory of static files
    #[arg(long, value_name = "DIR", env = "FNZIP_PUBLISH", hide_env = true)]
    pub(in crate::cli) publish: Option<PathBuf>,
    /// Build nothing: serve this output directory, or these archives, by whatever packager
    #[arg(long, value_name = "OUT", num_args = 1.., env = "FNZIP_DIST", hide_env = true)]
    pub(in crate::cli) dist: Vec<PathBuf>,
    /// How many processes a function may have
    #[arg(long, value_name = "N", default_value_t = 8, env = "FNZIP_MAX_PROCESSES", hide_env = true,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) max_processes: u16,
    /// How many seconds an answer may take
    #[arg(long, value_name = "S", default_value_t = 30.0, env = "FNZIP_TIMEOUT", hide_env = true, value_parser = seconds)]
    pub(in crate::cli) timeout: f64,
    /// How many seconds a background function may take
    #[arg(long, value_name = "S", default_value_t = 900.0, env = "FNZIP_BACKGROUND_TIMEOUT", hide_env = true, value_parser = seconds)]
    pub(in crate::cli) background_timeout: f64,
    /// What the pauses of one and two minutes are multiplied with, after which a background function is tried again
    #[arg(long, value_name = "X", default_value_t = 1.0, env = "FNZIP_RETRY_SCALE", hide_env = true, value_parser = seconds)]
    pub(in crate::cli) retry_scale: f64,
    /// Call scheduled functions by the clock
    #[arg(long, env = "FNZIP_RUN_SCHEDULES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) run_schedules: bool,
    /// How many megabytes a function's heap may have
    #[arg(long, value_name = "MB", default_value_t = 1024, env = "FNZIP_MEMORY", hide_env = true)]
    pub(in crate::cli) memory: u64,
    /// The Node to run functions with [default: that on the PATH]
    #[arg(long, value_name = "PATH", env = "FNZIP_NODE", hide_env = true)]
    pub(in crate::cli) node: Option<PathBuf>,
    /// Build once, and tell what was made: what the server itself calls
    #[arg(long, hide = true, env = ONLY_BUILD, hide_env = true, value_parser = FalseyValueParser::new())]
    pub(in crate::cli) only_build: bool,
}

/// How the server tells the process that it calls.
pub(in crate::cli) const ONLY_BUILD: &str = "FNZIP_ONLY_BUILD";

/// A number that is no less than nothing.
fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=1e6).contains(&number) { Ok(number) } else { Err("must be between 0 and 1000000".to_owned()) }
}

/// Where what is built to be served lies, in the site.
const OUT: &str = ".netlify/fnzip-serve";

/// The deploy context of what runs on somebody's own machine.
const CONTEXT: &str = "dev";

impl Serve {
    /// Who asks for something else has another place, so that two servers of a site leave each other's archives alone.
    fn out(&self, cwd: &Path) -> String {
        let asked = Site { cwd: None, json: false, jobs: None, ..self.site.clone() };
        let [asked, plain] = [asked, Site::default()].map(|site| format!("{site:?}"));
        if asked == plain {
            return OUT.to_owned();
        }
        let hash = hexadecimal(&Sha256::digest(format!("{asked} {}", cwd.display())));
        format!("{OUT}-{}", &hash[..8])
    }

    /// What is to be built, as seen from `cwd`: for this machine, and in the context of development.
    pub(in crate::cli) fn invocation(&self, cwd: &Path) -> Invocation {
        let site = self.site.invocation(cwd);
        Invocation {
            context: site.context.clone().or_else(|| Some(CONTEXT.to_owned())),
            target: site.target.or(Some(For::Host)),
            out_in_site: Some(self.out(cwd).into()),
            source_maps: true,
            keep_going: true,
            // Archives may be served where nothing else is.
            tolerate_missing_sources: !self.dist.is_empty(),
            ..site
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "The status and the type of the answer stand on stderr, its body on stdout. Exit status: 1 if the function failed (500 and above)."
)]
pub(in crate::cli) struct Invoke {
    /// The function
    #[arg(value_name = "FUNCTION")]
    pub(in crate::cli) name: String,
    /// With what: `auto` (as the platform does), `http-get`, `http-post`, `scheduled`, `deploy-succeeded` …
    #[arg(long, value_name = "KIND", default_value = "auto", value_parser = kind)]
    pub(in crate::cli) event: String,
    /// A file whose content is sent as the body
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) payload: Option<PathBuf>,
    /// The port of the server
    #[arg(short, long, default_value_t = 9999, env = "FNZIP_PORT", hide_env = true)]
    pub(in crate::cli) port: u16,
    /// Its address
    #[arg(long, default_value = "127.0.0.1", env = "FNZIP_HOST", hide_env = true)]
    pub(in crate::cli) host: IpAddr,
}

/// `auto`, or the name of a sample.
fn kind(text: &str) -> Result<String, String> {
    if text == "auto" || samples().any(|sample| sample == text) {
        return Ok(text.to_owned());
    }
    let known: Vec<String> = std::iter::once("auto".to_owned()).chain(samples()).collect();
    let near = did_you_mean(text, known.iter().map(String::as_str));
    Err(if near.is_empty() {
        format!("there are: {}", known.join(", "))
    } else {
        format!("there is no such event{near}")
    })
}
