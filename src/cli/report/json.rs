//! What came of a command, for tools. The shapes are the peer's where it has one (spec:
//! functions.md section 6, peer-behaviour.md "Listing").

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Diagnostic, Place};
use crate::function::Function;
use crate::js::scan::Form;
use crate::js::trace::{How, Trace};
use crate::manifest::{BuildData, runtime_version};
use crate::path::AbsPath;
use crate::pipeline::{Outcome, Report};
use crate::settings::Settings;
use crate::verify::Verified;

/// An object without what is absent.
#[derive(Default)]
struct Row(Map<String, Value>);

impl Row {
    fn set(&mut self, key: &str, value: Value) {
        if !value.is_null() {
            self.0.insert(key.into(), value);
        }
    }
}

/// The result list of a build: an object a function; one that failed has `error`. Archives are in
/// `out`, spelled as the caller did.
pub(in crate::cli) fn results(report: &Report, settings: &Settings, out: &Path) -> Value {
    report.functions.iter().map(|outcome| result(outcome, settings, out)).collect()
}

fn result(outcome: &Outcome, settings: &Settings, out: &Path) -> Value {
    let Outcome { function, built, diagnostics, .. } = outcome;
    let config = &function.config;
    let mut row = Row::default();
    row.set("config", json!(config));
    row.set("displayName", json!(config.name));
    row.set("generator", json!(config.generator));
    row.set("timeout", json!(config.timeout));
    row.set("memory", json!(config.memory));
    row.set("region", json!(config.region));
    row.set("vcpu", json!(config.vcpu));
    row.set("invocationMode", json!(function.invocation_mode()));
    row.set("mainFile", json!(function.main_file.to_string()));
    row.set("name", json!(function.name));
    row.set("priority", json!(function.priority()));
    row.set("runtime", json!(function.runtime));
    row.set("runtimeVersion", json!(runtime_version(function)));
    row.set("runtimeAPIVersion", json!(function.api_version));
    let bootstrap = built.as_ref().and_then(|built| built.facts.bootstrap_version.as_deref());
    if function.is_from_javascript() {
        row.set("buildData", json!(BuildData::of(function.api_version, bootstrap)));
    }
    row.set("schedule", json!(config.schedule));
    row.set("routes", listed(&function.routes));
    row.set("excludedRoutes", listed(&function.excluded_routes));
    row.set("eventSubscriptions", listed(&function.event_subscriptions));
    row.set("trafficRules", json!(function.traffic_rules));
    match built {
        Some(built) => {
            let paths = |paths: &[AbsPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
            let facts = &built.facts;
            row.set("bundler", json!(facts.bundler));
            row.set("entryFilename", json!(facts.entry_filename));
            row.set("inputs", json!(paths(&facts.inputs)));
            row.set("includedFiles", json!(paths(&facts.included_files)));
            row.set("bundlerErrors", messages(&facts.bundler_errors, settings));
            row.set("bundlerWarnings", messages(&facts.bundler_warnings, settings));
            if !facts.native_modules.is_empty() {
                let packages = facts.native_modules.iter().map(|(name, places)| {
                    let places = places.iter().map(|(path, version)| (path.to_string(), json!(version))).collect();
                    (name.clone(), Value::Object(places))
                });
                row.set("nativeNodeModules", Value::Object(packages.collect()));
            }
            row.set("inputModuleFormat", json!(facts.input_format));
            row.set("outputModuleFormat", json!(facts.output_format));
            row.set("path", json!(out.join(built.archive.path.name())));
            row.set("size", json!(built.archive.size));
        }
        None => {
            let first = diagnostics.first();
            row.set(
                "error",
                json!({
                    "message": first.map(|diagnostic| diagnostic.message.clone()),
                    "code": first.map(|diagnostic| diagnostic.code),
                    "customErrorInfo": {
                        "type": "functionsBundling",
                        "location": {"functionName": function.name, "runtime": function.runtime},
                    },
                }),
            );
        }
    }
    if !diagnostics.is_empty() {
        row.set("diagnostics", diagnostics.iter().map(|said| diagnostic(said, &settings.repository_root)).collect());
    }
    Value::Object(row.0)
}

/// What a verification found.
pub(in crate::cli) fn findings(verified: &Verified) -> Value {
    let entry = |finding: &Diagnostic| {
        let path = finding.path.as_ref()?;
        let archives = verified.functions.iter().map(|(_, archive)| archive);
        let archive = archives.clone().find(|archive| path.starts_with(archive) && path != *archive)?;
        Some(path.relative_to(archive))
    };
    let row = |finding: &Diagnostic| {
        json!({
            "function": finding.function,
            "severity": finding.severity,
            "code": finding.code,
            "entry": entry(finding),
            "line": finding.span.as_ref().map(|span| span.line),
            "message": finding.message,
            "hint": finding.hint,
        })
    };
    json!({"version": 1, "findings": verified.findings.iter().map(row).collect::<Vec<_>>()})
}

/// What a bundler says, in esbuild's shape, which the peer hands on; absent if it is nothing.
fn messages(said: &[Diagnostic], settings: &Settings) -> Value {
    let message = |said: &Diagnostic| {
        let file = said.path.as_ref().map(|path| path.relative_to(&settings.repository_root));
        let location = said.span.as_ref().map(|span| {
            json!({"file": file, "line": span.line, "column": span.column - 1, "length": span.length, "lineText": span.text})
        });
        json!({"text": said.message, "location": location})
    };
    listed(&said.iter().map(message).collect::<Vec<_>>())
}

/// An array; absent if it is empty.
fn listed<T: serde::Serialize>(items: &[T]) -> Value {
    if items.is_empty() { Value::Null } else { json!(items) }
}

/// What a function is told: each value by its key, with the places where it was said.
pub(in crate::cli) fn settings(function: &Function, root: &AbsPath) -> Value {
    let told = function.effective();
    let row = |(key, value, places): (&str, Value, &[Place])| {
        let from: Vec<Value> = places.iter().map(|said| place(said, root)).collect();
        (key.to_owned(), json!({"value": value, "from": from}))
    };
    Value::Object(told.into_iter().map(row).collect())
}

fn place(place: &Place, root: &AbsPath) -> Value {
    match place {
        Place::File(path, span) => {
            json!({"file": path.relative_to(root), "line": span.line, "column": span.column})
        }
        Place::Named(name) => json!({"by": name}),
    }
}

/// The functions of a site, whose root is `root`; with `files`, the files of each.
pub(in crate::cli) fn listing(functions: &[Function], files: Option<&[Vec<AbsPath>]>, root: &AbsPath) -> Value {
    let row = |(index, function): (usize, &Function)| {
        let config = &function.config;
        let mut row = Row::default();
        row.set("displayName", json!(config.name));
        row.set("extension", json!(function.main_file.extension_with_dot()));
        row.set("generator", json!(config.generator));
        row.set("timeout", json!(config.timeout));
        row.set("mainFile", json!(function.main_file.to_string()));
        row.set("name", json!(function.name));
        row.set("runtime", json!(function.runtime));
        row.set("schedule", json!(config.schedule));
        row.set("config", json!(config));
        row.set("settings", settings(function, root));
        row.set("runtimeAPIVersion", json!(function.api_version));
        row.set("routes", listed(&function.routes));
        row.set("excludedRoutes", listed(&function.excluded_routes));
        row.set("srcDir", json!(function.src_dir.to_string()));
        row.set("srcPath", json!(function.src_path.to_string()));
        if let Some(files) = files {
            row.set("srcFiles", json!(files[index].iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        Value::Object(row.0)
    };
    functions.iter().enumerate().map(row).collect()
}

/// The files of a trace with their reasons, relative to the base.
pub(in crate::cli) fn trace(trace: &Trace, base: &AbsPath) -> Value {
    let mut reasons = Map::new();
    for (path, file) in &trace.files {
        let mut kinds: Vec<&str> = file.reasons.iter().map(|reason| in_words(reason.how)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let parents = file.reasons.iter().filter_map(|reason| Some(reason.parent.as_ref()?.relative_to(base)));
        let mut parents: Vec<String> = parents.collect();
        parents.sort();
        parents.dedup();
        reasons.insert(path.relative_to(base), json!({"type": kinds, "parents": parents}));
    }
    json!({
        "files": trace.files.keys().map(|path| path.relative_to(base)).collect::<Vec<_>>(),
        "reasons": reasons,
        "diagnostics": trace.diagnostics.iter().map(|said| diagnostic(said, base)).collect::<Vec<_>>(),
    })
}

/// How a file came into a trace, in the words of `--json`.
pub(in crate::cli) fn in_words(how: How) -> &'static str {
    match how {
        How::Entry => "initial",
        How::Request(Form::Import) => "import",
        How::Request(Form::DynamicImport) => "dynamic-import",
        How::Request(Form::Require) => "require",
        How::Request(Form::ImportResolve | Form::RequireResolve) => "resolve",
        How::PackageJson => "package.json",
        How::Link => "link",
        How::Asset => "asset",
        How::Rule => "rule",
        How::Whole => "whole-package",
        How::SharedLibrary => "sharedlib",
    }
}

/// One thing that was said.
fn diagnostic(diagnostic: &Diagnostic, base: &AbsPath) -> Value {
    let Diagnostic { severity, code, function, path, span, message, chain, hint, output } = diagnostic;
    let mut row = Row::default();
    row.set("severity", json!(severity));
    row.set("code", json!(code));
    row.set("function", json!(function));
    row.set("file", json!(path.as_ref().map(|path| path.relative_to(base))));
    row.set("line", json!(span.as_ref().map(|span| span.line)));
    row.set("column", json!(span.as_ref().map(|span| span.column)));
    row.set("message", json!(message));
    row.set("chain", if chain.is_empty() { Value::Null } else { json!(chain) });
    row.set("hint", json!(hint));
    row.set("output", json!(output));
    Value::Object(row.0)
}
