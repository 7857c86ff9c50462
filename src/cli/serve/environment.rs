//! What served functions find (spec: serve.md "Environment"). In: the site, its `.env` files, and the caller's environment.
//! Out: the variables, and the Node.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::made::Made;
use crate::cli::Failure;
use crate::cli::loading::{major, on_path, rows};
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

/// The Node that functions run on with its major version, and what is to be said of it.
pub(super) fn node(wanted: Option<&Path>, cwd: &Path) -> ((OsString, u32), Option<String>) {
    let program = wanted.map(|node| AbsPath::resolve(cwd, node)).or_else(|| on_path("node"));
    let Some(program) = program else {
        let remark = "there is no `node` on the PATH: functions in JavaScript will not run; --node names one";
        return (("node".into(), 0), Some(remark.to_owned()));
    };
    let version = major(&program, &AbsPath::of(cwd));
    let remark = version.as_ref().err().map(|error| format!("{program}: {error}"));
    ((program.as_os_str().to_owned(), version.ok().flatten().unwrap_or(0)), remark)
}
