//! Beside the real configuration: `fixtures/config/toml.json` has a row a rule of what netlify.toml
//! says of functions. Each is read by us and, in the full tier, by `@netlify/config` itself.

use std::collections::BTreeMap;

use fnzip::fs::Disk;
use fnzip::function::config::Told;
use fnzip::function::{FunctionName, Origin};
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;
use serde_json::{Map, Value, json};

use crate::rows::{Reading, rows, the_real_one_agrees, we_agree};
use crate::support::scratch;

/// What we make of a row, in the form of the real one; and what was said besides.
fn read(row: &Value) -> Reading {
    let site = scratch();
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    site.file(".git/HEAD", "");
    for (path, content) in row["more"].as_object().into_iter().flatten() {
        site.file(path, content.as_str().unwrap());
    }
    if let Some(toml) = text("toml") {
        site.file("netlify.toml", toml);
    }
    let given = row["environment"].as_object().into_iter().flatten();
    let mut environment: BTreeMap<String, String> =
        BTreeMap::from([("CONTEXT", "production"), ("BRANCH", "main")].map(|(key, value)| (key.into(), value.into())));
    environment.extend(given.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())));
    let invocation = Invocation {
        cwd: site.path.join(text("cwd").unwrap_or_default()).to_path_buf(),
        package_path: text("packagePath").map(Into::into),
        context: text("context"),
        branch: text("branch"),
        environment,
        ..Invocation::default()
    };
    let store = Store::new(Disk);
    let settings = match Settings::resolve(&invocation, &store) {
        Ok(settings) => settings,
        Err(error) => return Reading::error(error.to_string().replace(&format!("{}/", site.path), "")),
    };
    let mut read = Map::new();
    let mut functions = Map::new();
    for (glob, told) in settings.config.iter() {
        functions.insert(glob.to_owned(), table(told));
    }
    functions.entry("*").or_insert_with(|| json!({}));
    read.insert("functions".into(), functions.into());
    let source = settings.sources.iter().find(|source| source.origin == Origin::User).unwrap();
    let shown = |path: &fnzip::path::AbsPath| match path.relative_to(&site.path) {
        path if path.is_empty() => ".".to_owned(),
        path => path,
    };
    let configured = shown(&source.path);
    if store.is_dir(&source.path) || !configured.ends_with("netlify/functions") {
        read.insert("functionsDirectory".into(), configured.into());
    }
    if settings.base != site.path {
        read.insert("base".into(), shown(&settings.base).into());
    }
    let environment: BTreeMap<&String, &String> =
        settings.environment.iter().map(|(name, (value, _))| (name, value)).collect();
    read.insert("environment".into(), json!(environment));
    if let Some(name) = text("function") {
        read.insert("told".into(), table(&settings.config.of(&FunctionName::of(&name))));
    }
    let said = settings.said.iter().map(|said| format!("{}: {}", said.severity, said.message)).collect();
    Reading { made: Ok(Value::Object(read)), said }
}

/// What was told, with the keys of netlify.toml.
fn table(told: &Told) -> Value {
    told.iter().map(|(key, saying)| (snake(key), saying.value.clone())).collect::<Map<String, Value>>().into()
}

fn snake(key: &str) -> String {
    let letters = key.chars().map(|letter| match letter {
        _ if letter.is_ascii_uppercase() => format!("_{}", letter.to_ascii_lowercase()),
        _ => letter.to_string(),
    });
    letters.collect()
}

/// Variables are text here, as in every environment; and a base that is the site is none.
fn comparable(mut expected: Value) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let environment = expected["environment"].as_object().unwrap().iter();
    expected["environment"] = environment.map(|(name, value)| (name.clone(), json!(text(value)))).collect();
    if expected["base"] == "." {
        expected.as_object_mut().unwrap().remove("base");
    }
    expected
}

fn toml_rows() -> Vec<Value> {
    rows("toml.json", 568)
}

#[test]
fn every_row() {
    we_agree(&toml_rows(), read, comparable);
}

#[test]
fn the_real_one_makes_of_them_what_the_rows_say() {
    the_real_one_agrees(&toml_rows(), "netlify-config.mjs");
}
