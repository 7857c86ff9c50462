//! Beside the real packager: `fixtures/config/rows.json` has a row a rule of what functions say of
//! themselves. Each is built by us and, in the full tier, by `@netlify/zip-it-and-ship-it` itself.

use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::diagnostic::Severity;
use fnzip::fs::Disk;
use fnzip::function::{Function, FunctionName};
use fnzip::manifest::{Manifest, Row, runtime_version};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;
use serde_json::{Map, Value, json};

use crate::rows::{Reading, rows, the_real_one_agrees, we_agree};
use crate::support::{Scratch, scratch};

/// What a row of the manifest says besides how its function was read: what it was built from and into.
const OF_THE_BUILD: [&str; 6] = ["bundler", "bootstrapVersion", "fnzip", "mainFile", "path", "runtime"];

/// The fields of a manifest that tell how a function was read, in one table as the rows have them.
fn fields(row: &Row) -> Value {
    let Value::Object(mut fields) = json!(row) else { unreachable!("a row is a table") };
    if let Some(Value::Object(build_data)) = fields.remove("buildData") {
        fields.extend(build_data);
    }
    fields.retain(|key, _| !OF_THE_BUILD.contains(&key.as_str()));
    Value::Object(fields)
}

/// What TypeScript fails with until it is built: what was read of it can still be compared.
const NOT_BUILT_YET: &str = "TypeScript and JSX are not supported yet";

/// The same fields, of a function that is not built yet. Wherever there is a row, it must say the same.
fn fields_before(function: &Function) -> Value {
    let config = &function.config;
    let fields = [
        ("displayName", json!(config.name)),
        ("generator", json!(config.generator)),
        ("timeout", json!(config.timeout)),
        ("invocationMode", json!(function.invocation_mode())),
        ("runtimeAPIVersion", json!(function.api_version)),
        ("memory", json!(config.memory)),
        ("name", json!(function.name)),
        ("priority", json!(function.origin.priority())),
        ("region", json!(config.region)),
        ("trafficRules", json!(function.traffic_rules)),
        ("runtimeVersion", json!(runtime_version(function))),
        ("schedule", json!(config.schedule)),
        ("vcpu", json!(config.vcpu)),
        ("eventSubscriptions", json!(function.event_subscriptions)),
        ("routes", json!(function.routes)),
        ("excludedRoutes", json!(function.excluded_routes)),
    ];
    let said = fields.into_iter().filter(|(_, value)| !value.is_null() && *value != json!([]));
    said.map(|(key, value)| (key.to_owned(), value)).collect::<Map<String, Value>>().into()
}

fn site_of(row: &Value) -> Scratch {
    let site = scratch();
    let main_file = (row["file"].as_str().unwrap(), &row["source"]);
    let more = row["more"].as_object().into_iter().flatten().map(|(path, content)| (path.as_str(), content));
    for (path, content) in more.chain([main_file]) {
        site.file(&format!("functions/{path}"), content.as_str().unwrap());
    }
    site
}

/// What we make of a row: what the manifest says of its function, or an error.
fn build(row: &Value) -> Reading {
    let site = site_of(row);
    let invocation = Invocation {
        cwd: site.path.to_path_buf(),
        sources: vec!["functions".into()],
        config: row.get("config").map(Value::to_string),
        keep_going: true,
        ..Invocation::default()
    };
    let store = Arc::new(Store::new(Disk).keeping(Deflate));
    let settings = match Settings::resolve(&invocation, &store) {
        Ok(settings) => settings,
        Err(error) => return Reading::error(error),
    };
    let report = pipeline::bundle(&settings, store, &()).unwrap();
    let name = FunctionName::of(row["file"].as_str().unwrap().split('/').next().unwrap());
    let manifest = Manifest::read(&settings.manifest, &Store::new(Disk)).unwrap();
    let Some(outcome) = report.functions.iter().find(|outcome| outcome.function.name == name) else {
        return Reading::error(format!("there is no function `{name}`"));
    };
    let built = manifest.functions.iter().find(|row| row.name == name).map(fields);
    let before = fields_before(&outcome.function);
    assert!(built.as_ref().is_none_or(|built| *built == before), "{built:?} is not {before}");
    let errors = outcome.diagnostics.iter().filter(|said| said.severity == Severity::Error);
    let errors: Vec<&str> = errors.map(|said| said.message.as_str()).collect();
    let made = match (built, errors.as_slice()) {
        (Some(built), []) => Ok(built),
        (None, [NOT_BUILT_YET]) => Ok(before),
        (None, [NOT_BUILT_YET, error, ..] | [error, ..]) => Err((*error).to_owned()),
        (built, _) => panic!("{name}: {built:?}, and {errors:?}"),
    };
    let said = outcome.diagnostics.iter().chain(&report.diagnostics);
    Reading { made, said: said.map(|said| format!("{}: {}", said.severity, said.message)).collect() }
}

fn peer_rows() -> Vec<Value> {
    rows("rows.json", 537)
}

#[test]
fn every_row() {
    we_agree(&peer_rows(), build, |expected| expected);
}

#[test]
fn the_peer_makes_of_them_what_the_rows_say() {
    the_real_one_agrees(&peer_rows(), "peer.mjs");
}
