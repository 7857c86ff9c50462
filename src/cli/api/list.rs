//! `listFunctions`, `listFunction` and `listFunctionsFiles`: what is there, and the files of each. Builds nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Refused;
use super::call::Call;
use crate::cli::Pool;
use crate::diagnostic::{Code, Severity};
use crate::fs::Disk;
use crate::function::{Function, Runtime};
use crate::path::AbsPath;
use crate::pipeline::{self, Site};
use crate::settings::{Invocation, Settings};
use crate::store::Store;

/// Every function.
pub(super) fn functions(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    listed(call, call.invocation()?, pool).map(Value::Array)
}

/// One function; nothing, if it is none.
pub(super) fn function(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    Ok(listed(call, call.invocation_of_one()?, pool)?.pop().unwrap_or_default())
}

/// Every file of every function, a row each.
pub(super) fn files(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    let (settings, site) = open(call.invocation()?, pool)?;
    let files = pool.install(|| pipeline::files(&site, &settings));
    let shape = Shape::of(call);
    let rows = |(function, (files, _)): (&Function, (Vec<AbsPath>, _))| {
        let row = shape.row(function);
        let of_file = |file: AbsPath| {
            let mut row = row.clone();
            (row["srcFile"], row["extension"]) = (json!(shape.path(&file)), json!(file.extension_with_dot()));
            row
        };
        files.into_iter().map(of_file).collect::<Vec<_>>()
    };
    Ok(site.functions.iter().zip(files).flat_map(rows).collect())
}

fn listed(call: &Call, invocation: Invocation, pool: &Pool) -> Result<Vec<Value>, Refused> {
    let (_, site) = open(invocation, pool)?;
    let wrong = site.diagnostics.iter().find(|said| said.severity == Severity::Error);
    if let Some(missing) = wrong.filter(|said| said.code == Code::MissingSource) {
        return Err(Refused(json!({ "message": missing.in_one_line(), "code": "ENOENT" })));
    }
    let shape = Shape::of(call);
    Ok(site.functions.iter().map(|function| shape.row(function)).collect())
}

fn open(invocation: Invocation, pool: &Pool) -> Result<(Settings, Site), Refused> {
    let store = Arc::new(Store::new(Disk));
    let settings = Settings::resolve(&Invocation { with_shadowed: true, ..invocation }, &store)?;
    let site = pool.install(|| pipeline::open(&settings, &store));
    Ok((settings, site))
}

/// How the peer lists a function.
struct Shape {
    /// What the source says counts.
    is_analysed: bool,
    /// Paths below it are given without it.
    relative_to: Option<AbsPath>,
}

impl Shape {
    fn of(call: &Call) -> Self {
        Self { is_analysed: call.options.parse_isc.unwrap_or(false), relative_to: call.relative_to() }
    }

    fn row(&self, function: &Function) -> Value {
        let config = &function.config;
        let is_code = function.runtime == Runtime::JavaScript && self.is_analysed;
        let told = |key: &str, value: Value| if function.says_itself(key) { Value::Null } else { value };
        let generator = Some(&config.generator).filter(|_| !function.is_generated_by_its_place());
        let routes = |routes: Value| if function.api_version == Some(2) { routes } else { Value::Null };
        let mut row = json!({
            "displayName": told("name", json!(config.name)),
            "extension": function.main_file.extension_with_dot(),
            "generator": told("generator", json!(generator)),
            "timeout": told("timeout", json!(config.timeout)),
            "mainFile": self.path(&function.main_file),
            "name": function.name,
            "runtime": function.runtime,
            "schedule": if self.is_analysed { json!(config.schedule) } else { told("schedule", json!(config.schedule)) },
            "srcDir": self.path(&function.src_dir),
            "srcPath": self.path(&function.src_path),
        });
        if is_code {
            row["runtimeAPIVersion"] = json!(function.api_version.unwrap_or(1));
            row["inputModuleFormat"] = json!(if function.is_esm { "esm" } else { "cjs" });
            row["routes"] = routes(json!(function.routes));
            row["excludedRoutes"] = routes(json!(function.excluded_routes));
        }
        if let Some(row) = row.as_object_mut() {
            row.retain(|_, value| !value.is_null());
        }
        row
    }

    fn path(&self, path: &AbsPath) -> String {
        match &self.relative_to {
            Some(directory) if path.starts_with(directory) => path.relative_to(directory),
            _ => path.to_string(),
        }
    }
}
