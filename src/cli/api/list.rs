//! `listFunctions`, `listFunction` and `listFunctionsFiles`: what is there, and the files of each. Builds nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Refused;
use super::call::Call;
use crate::cli::Pool;
use crate::diagnostic::{Code, Place, Severity};
use crate::fs::Disk;
use crate::function::{Function, Runtime};
use crate::path::AbsPath;
use crate::pipeline::{self, BY_ITS_PLACE};
use crate::settings::{Invocation, Settings};
use crate::store::Store;

/// Every function.
pub(super) fn functions(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    listed(call, &call.invocation()?, false, pool)
}

/// One function; nothing, if it is none.
pub(super) fn function(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    let mut rows = listed(call, &call.invocation_of_one()?, false, pool)?;
    Ok(rows.as_array_mut().and_then(Vec::pop).unwrap_or_default())
}

/// Every file of every function, a row each.
pub(super) fn files(call: &Call, pool: &Pool) -> Result<Value, Refused> {
    let rows = listed(call, &call.invocation()?, true, pool)?;
    let row = |row: &Value| {
        let mut row = row.clone();
        let files = row.as_object_mut().and_then(|row| row.remove("srcFiles")).unwrap_or_default();
        let of_file = |file: &Value| {
            let name = file.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
            let extension = name.rfind('.').filter(|at| *at > 0).map_or("", |at| &name[at..]);
            let mut row = row.clone();
            (row["srcFile"], row["extension"]) = (file.clone(), json!(extension));
            row
        };
        files.as_array().into_iter().flatten().map(of_file).collect::<Vec<_>>()
    };
    Ok(rows.as_array().into_iter().flatten().flat_map(row).collect())
}

fn listed(call: &Call, invocation: &Invocation, with_files: bool, pool: &Pool) -> Result<Value, Refused> {
    let store = Arc::new(Store::new(Disk));
    let invocation = Invocation { with_shadowed: true, ..invocation.clone() };
    let settings = Settings::resolve(&invocation, &store)?;
    let (site, files) = pool.install(|| {
        let site = pipeline::open(&settings, &store);
        let files = with_files.then(|| pipeline::files(&site, &settings));
        (site, files)
    });
    let files: Option<Vec<_>> = files.map(|files| files.into_iter().map(|(files, _)| files).collect());
    let missing = site.diagnostics.iter().find(|said| said.severity == Severity::Error && !with_files);
    if let Some(missing) = missing.filter(|said| said.code == Code::MissingSource) {
        return Err(Refused(json!({ "message": missing.in_one_line(), "code": "ENOENT" })));
    }
    let shape = Shape { is_analysed: call.options.parse_isc.unwrap_or(false), relative_to: call.relative_to() };
    let row = |(index, function): (usize, &Function)| shape.row(function, files.as_ref().map(|files| &files[index]));
    Ok(site.functions.iter().enumerate().map(row).collect())
}

/// How the peer lists a function.
struct Shape {
    /// What the source says counts.
    is_analysed: bool,
    /// Paths below it are given without it.
    relative_to: Option<AbsPath>,
}

impl Shape {
    fn row(&self, function: &Function, files: Option<&Vec<AbsPath>>) -> Value {
        let config = &function.config;
        let is_code = function.runtime == Runtime::JavaScript && self.is_analysed;
        let is_own = |key: &str| {
            let place = function.told.place(key);
            let by_its_place = matches!(place, Some(Place::Named(name)) if name == BY_ITS_PLACE);
            by_its_place || place.and_then(Place::file).is_some_and(|file| *file == function.main_file)
        };
        let told = |key: &str, value: Value| if is_own(key) { Value::Null } else { value };
        let routes = |routes: Value| if function.api_version == Some(2) { routes } else { Value::Null };
        let mut row = json!({
            "displayName": told("name", json!(config.name)),
            "extension": function.main_file.extension_with_dot(),
            "generator": told("generator", json!(config.generator)),
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
        if let Some(files) = files {
            row["srcFiles"] = files.iter().map(|file| self.path(file)).collect();
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
