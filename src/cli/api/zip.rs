//! `zipFunctions` and `zipFunction`: archives, and rows of what was built. A function that fails fails the call.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Refused;
use super::call::Call;
use crate::cli::Pool;
use crate::cli::bundle::store;
use crate::cli::report::json::results;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Bundler, Function};
use crate::pipeline::{self, Outcome, Report};
use crate::settings::{Format, Invocation, Settings};

pub(super) type Log<'a> = &'a dyn Fn(&[&Diagnostic]);

/// Every function, and the manifest.
pub(super) fn functions(call: &Call, pool: &Pool, log: Log<'_>) -> Result<Value, Refused> {
    Ok(built(call, &call.invocation()?, pool, log)?.1)
}

/// One function, and no manifest; nothing, if it is none.
pub(super) fn function(call: &Call, pool: &Pool, log: Log<'_>) -> Result<Value, Refused> {
    let invocation = Invocation { unpublished: true, ..call.invocation_of_one()? };
    let (_, mut rows) = built(call, &invocation, pool, log)?;
    Ok(rows.as_array_mut().and_then(Vec::pop).unwrap_or_default())
}

/// What was built, as the peer tells of it.
pub(super) fn built(
    call: &Call,
    invocation: &Invocation,
    pool: &Pool,
    log: Log<'_>,
) -> Result<(Settings, Value), Refused> {
    let store = store();
    let settings = Settings::resolve(invocation, &store)?;
    settings.check_out()?;
    let report = pool.install(|| pipeline::bundle(&settings, Arc::clone(&store), &()))?;
    log(&report.all_diagnostics());
    if let Some(error) = refusal(&report) {
        return Err(Refused(error));
    }
    let mut rows = results(&report, &settings, &call.dest);
    for (row, outcome) in rows.as_array_mut().into_iter().flatten().zip(&report.functions) {
        complete(row, outcome, &settings);
    }
    Ok((settings, rows))
}

/// What the peer's results have besides what its command line prints for tools.
fn complete(row: &mut Value, outcome: &Outcome, settings: &Settings) {
    let Some(row) = row.as_object_mut() else { return };
    let Outcome { function, built, .. } = outcome;
    let facts = built.as_ref().map(|built| &built.facts);
    row.remove("diagnostics");
    if settings.unpublished || settings.format == Format::None {
        row.remove("size");
    }
    if !function.is_from_javascript() {
        return;
    }
    let config = function.effective().into_iter().filter(|(key, ..)| !is_ours(function, key));
    let config = config.map(|(key, value, _)| (key.to_owned(), as_the_peer_reads(key, value)));
    row.insert("config".into(), config.collect());
    if let Some(version) = facts.and_then(|facts| facts.bootstrap_version.as_deref()) {
        row.insert("bootstrapVersion".into(), version.into());
    }
    if let Some(bundler) = facts.and_then(|facts| facts.bundler) {
        // It asked to be bundled, or else traced: this is what became of it.
        if function.config.node_bundler == Some(Bundler::EsbuildZisi) {
            row["config"]["nodeBundler"] = json!(bundler);
        }
        row.insert("bundlerReason".into(), reason(function, bundler).into());
        if matches!(bundler, Bundler::Esbuild | Bundler::EsbuildZisi) {
            row.entry("nativeNodeModules").or_insert_with(|| json!({}));
        }
    }
    if function.api_version == Some(2) {
        for key in ["routes", "excludedRoutes"] {
            row.entry(key).or_insert_with(|| json!([]));
        }
    }
}

/// One method is a list of one.
fn as_the_peer_reads(key: &str, value: Value) -> Value {
    match (key, &value) {
        ("method", Value::String(method)) => json!([method.to_uppercase()]),
        ("method", Value::Array(methods)) => {
            methods.iter().map(|method| json!(method.as_str().map(str::to_uppercase))).collect()
        }
        _ => value,
    }
}

/// What fnzip tells a function itself, and nobody wrote.
fn is_ours(function: &Function, key: &str) -> bool {
    match key {
        "nodeVersion" => function.config.node_version.is_none(),
        "generator" => function.is_generated_by_its_place(),
        "includedFilesBasePath" => function.says_itself(key),
        _ => false,
    }
}

/// Why the peer takes a bundler, in its words.
fn reason(function: &Function, bundler: Bundler) -> &'static str {
    match bundler {
        Bundler::None if function.api_version == Some(2) => "none-override",
        _ if function.api_version == Some(2) => "v2-nft",
        _ if function.config.node_bundler.is_some() => "config-override",
        Bundler::Esbuild | Bundler::EsbuildZisi => "esbuild-ext",
        Bundler::Nft if function.flags.pure_modules && function.main_file.extension() == "mjs" => "mjs-pure-esm",
        Bundler::Nft if function.flags.traced => "flag-forced-nft",
        Bundler::Nft => "esm-default",
        Bundler::Zisi | Bundler::None => "zisi-default",
    }
}

/// The first error, as the peer would throw it.
fn refusal(report: &Report) -> Option<Value> {
    let of_functions = report.functions.iter().find_map(|outcome| {
        let said = outcome.diagnostics.iter().find(|said| said.severity == Severity::Error)?;
        Some(thrown(outcome, said))
    });
    let of_site = || report.diagnostics.iter().find(|said| said.severity == Severity::Error);
    let missing = |said: &Diagnostic| (said.code == Code::MissingSource).then_some("ENOENT");
    of_functions.or_else(|| of_site().map(|said| json!({ "message": in_words(said), "code": missing(said) })))
}

/// What is wrong and where, and below it what to do.
fn in_words(said: &Diagnostic) -> String {
    let hint = said.hint.iter().map(|hint| format!("\n{hint}"));
    std::iter::once(said.in_one_line()).chain(hint).collect()
}

/// A function that fails is its user's fault, and says so; a module that is not found says only that where it is traced, as
/// Node would, for callers then speak of dependencies that are not installed.
fn thrown(outcome: &Outcome, said: &Diagnostic) -> Value {
    let function = &outcome.function;
    let is_bundled = match function.config.node_bundler {
        Some(Bundler::Esbuild | Bundler::EsbuildZisi) => true,
        Some(_) => false,
        None => matches!(function.main_file.extension(), "mjs" | "ts" | "tsx" | "mts" | "cts"),
    };
    let is_bundled = is_bundled && function.api_version != Some(2);
    let message = in_words(said);
    if said.code == Code::ModuleNotFound && !is_bundled {
        return json!({ "message": message, "code": "MODULE_NOT_FOUND" });
    }
    let mut location = json!({ "functionName": function.name, "runtime": function.runtime });
    let mut error = json!({ "message": message });
    if is_bundled {
        location["bundler"] = json!(Bundler::Esbuild);
        let wanted = said.message.split('\'').nth(1).filter(|_| said.code == Code::ModuleNotFound);
        let text = wanted.map_or_else(|| message.clone(), |wanted| format!("Could not resolve \"{wanted}\""));
        error["errors"] = json!([{ "text": text }]);
    }
    error["customErrorInfo"] = json!({ "type": "functionsBundling", "location": location });
    error
}
