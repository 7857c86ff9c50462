//! What served functions find (spec: serve.md "Environment"). In: the site, its `.env` files, and the caller's environment.
//! Out: the variables, and the Node.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::made::Made;
use crate::built::Listed;
use crate::cli::Failure;
use crate::cli::loading::{major, on_path, rows};
use crate::cli::report::people::People;
use crate::path::AbsPath;
use crate::settings::Settings;

/// The files of a site, the weakest first.
const FILES: [&str; 4] = [".env", ".env.dev", ".env.local", ".env.dev.local"];

/// netlify.toml, then the site's files.
pub(super) fn of_site(settings: &Settings) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables: BTreeMap<String, String> =
        settings.environment.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
    for file in FILES.map(|name| settings.base.child(name)) {
        match rows(&file) {
            Ok(rows) => variables.extend(rows),
            Err(error) if error.not_found() => {}
            Err(error) => return Err(Failure::Call(format!("{file}: {error}"))),
        }
    }
    Ok(variables)
}

/// What the caller has set.
pub(super) fn of_caller() -> BTreeMap<String, OsString> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

/// The platform's defaults, the site's variables, the caller's own, and what is so in any case.
pub(super) fn machine(made: &Made, url: &str) -> BTreeMap<String, OsString> {
    let defaults = [
        ("BRANCH", "main"),
        ("BUILD_ID", "0"),
        ("DEPLOY_ID", "0"),
        ("DEPLOY_PRIME_URL", url),
        ("DEPLOY_URL", url),
        ("HEAD", "main"),
        ("LANG", "C.UTF-8"),
        ("PULL_REQUEST", "false"),
        ("URL", url),
    ];
    let always = [("CONTEXT", "dev"), ("NETLIFY_DEV", "true"), ("NETLIFY_LOCAL", "true")];
    let mut variables: BTreeMap<String, OsString> =
        defaults.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    variables.extend(made.environment.iter().map(|(name, value)| (name.clone(), value.into())));
    variables.extend(of_caller());
    variables.extend(always.map(|(name, value)| (name.to_owned(), value.into())));
    variables
}

/// The Node that functions run on, with its major version.
///
/// # Errors
/// The one that was named cannot be run.
pub(super) fn node(wanted: Option<&Path>, cwd: &Path, people: &People) -> Result<(OsString, u32), Failure> {
    let here = AbsPath::of(cwd);
    if let Some(node) = wanted.map(|node| AbsPath::resolve(cwd, node)) {
        let version = major(&node, &here).map_err(|error| Failure::Call(format!("--node {node}: {error}")))?;
        return Ok((node.as_os_str().to_owned(), version.unwrap_or_default()));
    }
    let none = || Err("there is no `node` on the PATH".to_owned());
    let found = on_path("node").map_or_else(none, |node| match major(&node, &here) {
        Ok(version) => Ok((node.as_os_str().to_owned(), version.unwrap_or_default())),
        Err(error) => Err(format!("{node}: {error}")),
    });
    if let Err(why) = &found {
        people.warn(&format!("{why}: functions in JavaScript will not run; --node names one"))?;
    }
    Ok(found.unwrap_or_else(|_| ("node".into(), 0)))
}

/// What is to be said of functions that are built for another Node than this one.
pub(super) fn other_node(functions: &[(Listed, String)], here: u32) -> Option<String> {
    let wanted: BTreeSet<u32> =
        functions.iter().filter_map(|(listed, _)| listed.node()).map(|node| node.major).collect();
    let others: Vec<String> = wanted.into_iter().filter(|node| *node != here).map(|node| node.to_string()).collect();
    let others = Some(others.join(" and ")).filter(|others| !others.is_empty() && here > 0)?;
    Some(format!("functions are built for Node {others}, and run on Node {here} here; --node names another"))
}
