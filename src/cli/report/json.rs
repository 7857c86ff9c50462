//! What came of a command, for tools. The shapes are the peer's where it has one (spec:
//! functions.md section 6, peer-behaviour.md "Listing").

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostic;
use crate::function::Function;
use crate::js::scan::Form;
use crate::js::trace::{How, Trace};
use crate::path::AbsPath;
use crate::pipeline::{Outcome, Report};
use crate::settings::Settings;

/// The result list of a build: an object a function; one that failed has `error`.
pub(in crate::cli) fn results(report: &Report, settings: &Settings) -> Value {
    report.functions.iter().map(|outcome| result(outcome, settings)).collect()
}

fn result(outcome: &Outcome, settings: &Settings) -> Value {
    let Outcome { function, built, diagnostics, .. } = outcome;
    let config = &function.config;
    let mut row = Map::new();
    let mut set = |key: &str, value: Value| {
        if !value.is_null() {
            row.insert(key.into(), value);
        }
    };
    set("config", json!(config));
    set("displayName", json!(config.name));
    set("generator", json!(config.generator));
    set("timeout", json!(config.timeout));
    set("invocationMode", json!(function.invocation_mode()));
    set("mainFile", json!(function.main_file.to_string()));
    set("name", json!(function.name));
    set("priority", json!(function.origin.priority()));
    set("runtime", json!(function.runtime));
    set("runtimeVersion", json!(crate::manifest::runtime_version(config.node_version.as_deref())));
    set("runtimeAPIVersion", json!(function.api_version));
    set("schedule", json!(config.schedule));
    match built {
        Some(built) => {
            let paths = |paths: &[AbsPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
            let facts = &built.facts;
            set("bundler", json!(facts.bundler));
            set("entryFilename", json!(facts.entry_filename));
            set("inputs", json!(paths(&facts.inputs)));
            set("includedFiles", json!(paths(&facts.included_files)));
            set("inputModuleFormat", json!(facts.input_format));
            set("outputModuleFormat", json!(facts.output_format));
            set("path", json!(built.archive.path.to_string()));
            set("size", json!(built.archive.size));
        }
        None => {
            let first = diagnostics.first();
            set(
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
        set("diagnostics", diagnostics.iter().map(|said| diagnostic(said, &settings.repository_root)).collect());
    }
    Value::Object(row)
}

/// The functions of a site; with `files`, the files of each.
pub(in crate::cli) fn listing(functions: &[Function], files: Option<&[Vec<AbsPath>]>) -> Value {
    let row = |(index, function): (usize, &Function)| {
        let config = &function.config;
        let mut row = Map::new();
        let mut set = |key: &str, value: Value| {
            if !value.is_null() {
                row.insert(key.into(), value);
            }
        };
        set("displayName", json!(config.name));
        set("extension", json!(function.main_file.extension_with_dot()));
        set("generator", json!(config.generator));
        set("timeout", json!(config.timeout));
        set("mainFile", json!(function.main_file.to_string()));
        set("name", json!(function.name));
        set("runtime", json!(function.runtime));
        set("schedule", json!(config.schedule));
        set("srcDir", json!(function.src_dir.to_string()));
        set("srcPath", json!(function.src_path.to_string()));
        if let Some(files) = files {
            set("srcFiles", json!(files[index].iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        Value::Object(row)
    };
    functions.iter().enumerate().map(row).collect()
}

/// The files of a trace with their reasons, relative to the base.
pub(in crate::cli) fn trace(trace: &Trace, base: &AbsPath) -> Value {
    let mut reasons = Map::new();
    for (path, file) in &trace.files {
        let mut kinds: Vec<&str> = file.reasons.iter().map(|reason| kind(reason.how)).collect();
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

fn kind(how: How) -> &'static str {
    match how {
        How::Entry => "initial",
        How::Request(Form::Import) => "import",
        How::Request(Form::DynamicImport) => "dynamic-import",
        How::Request(Form::Require) => "require",
        How::Request(Form::ImportResolve | Form::RequireResolve) => "resolve",
        How::PackageJson => "package.json",
        How::Link => "link",
    }
}

/// One thing that was said.
fn diagnostic(diagnostic: &Diagnostic, base: &AbsPath) -> Value {
    let Diagnostic { severity, code, function, path, span, message, chain, hint } = diagnostic;
    let mut row = Map::new();
    let mut set = |key: &str, value: Value| {
        if !value.is_null() {
            row.insert(key.into(), value);
        }
    };
    set("severity", json!(severity));
    set("code", json!(code));
    set("function", json!(function));
    set("file", json!(path.as_ref().map(|path| path.relative_to(base))));
    set("line", json!(span.as_ref().map(|span| span.line)));
    set("column", json!(span.as_ref().map(|span| span.column)));
    set("message", json!(message));
    set("chain", if chain.is_empty() { Value::Null } else { json!(chain) });
    set("hint", json!(hint));
    Value::Object(row)
}
