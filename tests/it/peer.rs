//! Beside the real packager: `fixtures/config/rows.json` has a row a rule of what functions say of
//! themselves. Each is read by us and, in the full tier, by `@netlify/zip-it-and-ship-it` itself.

use std::sync::Arc;

use fnzip::diagnostic::Severity;
use fnzip::fs::Disk;
use fnzip::function::{Function, FunctionName};
use fnzip::manifest::runtime_version;
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;
use serde_json::{Map, Value, json};

use crate::rows::{Reading, rows, the_real_one_agrees, we_agree};
use crate::support::scratch;

/// The fields of a manifest that tell how a function was read.
fn fields(function: &Function) -> Value {
    let config = &function.config;
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| {
        if !value.is_null() && value != json!([]) {
            fields.insert(key.into(), value);
        }
    };
    set("displayName", json!(config.name));
    set("generator", json!(config.generator));
    set("timeout", json!(config.timeout));
    set("invocationMode", json!(function.invocation_mode()));
    set("runtimeAPIVersion", json!(function.api_version));
    set("memory", json!(config.memory));
    set("name", json!(function.name));
    set("priority", json!(function.origin.priority()));
    set("region", json!(config.region));
    set("trafficRules", json!(function.traffic_rules));
    set("runtimeVersion", json!(runtime_version(function.api_version, config.node_version.as_deref())));
    set("schedule", json!(config.schedule));
    set("vcpu", json!(config.vcpu));
    set("eventSubscriptions", json!(function.event_subscriptions));
    set("routes", json!(function.routes));
    set("excludedRoutes", json!(function.excluded_routes));
    Value::Object(fields)
}

/// What we make of a row: its fields, or an error; and everything that was said.
fn read(row: &Value) -> Reading {
    let site = scratch();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    site.file(&format!("functions/{}", text(&row["file"])), text(&row["source"]));
    for (path, content) in row["more"].as_object().into_iter().flatten() {
        site.file(&format!("functions/{path}"), text(content));
    }
    let config = row.get("config").map(Value::to_string);
    let invocation =
        Invocation { cwd: site.path.to_path_buf(), sources: vec!["functions".into()], config, ..Invocation::default() };
    let store = Arc::new(Store::new(Disk));
    let settings = match Settings::resolve(&invocation, &store) {
        Ok(settings) => settings,
        Err(error) => return Reading { made: Err(error.to_string()), said: Vec::new() },
    };
    let opened = pipeline::open(&settings, &store);
    let file = text(&row["file"]);
    let name = FunctionName::of(file.split('/').next().unwrap());
    let Some(at) = opened.functions.iter().position(|function| function.name == name) else {
        return Reading { made: Err(format!("there is no function `{name}`")), said: Vec::new() };
    };
    let said: Vec<String> = opened.said[at].iter().map(|said| format!("{}: {}", said.severity, said.message)).collect();
    let error = opened.said[at].iter().find(|said| said.severity == Severity::Error);
    let made = error.map_or_else(|| Ok(fields(&opened.functions[at])), |error| Err(error.message.clone()));
    Reading { made, said }
}

#[test]
fn every_row() {
    we_agree(&rows("rows.json"), read, |expected, _| expected.clone());
}

#[test]
fn the_peer_makes_of_them_what_the_rows_say() {
    the_real_one_agrees(&rows("rows.json"), "peer.mjs");
}
