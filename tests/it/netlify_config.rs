//! Beside the real configuration: `fixtures/config/toml.json` has a row a rule of what netlify.toml
//! says of functions. Each is read by us and, in the full tier, by `@netlify/config` itself.

use std::collections::BTreeMap;

use fnzip::fs::Disk;
use fnzip::function::Origin;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;
use serde_json::{Map, Value, json};

use crate::support::{fixture, full, report, scratch, script};

fn rows() -> Vec<Value> {
    let text = std::fs::read(fixture("config/toml.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(rows.len() >= 150);
    rows
}

/// What we make of a row, in the form of the real one; and what was said besides.
fn read(row: &Value) -> (Result<Value, String>, Vec<String>) {
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
        Err(error) => return (Err(error.to_string()), Vec::new()),
    };
    let mut read = Map::new();
    let mut functions = Map::new();
    for (glob, told) in settings.config.iter() {
        let said = told.iter().map(|(key, saying)| (snake(key), saying.value.clone()));
        functions.insert(glob.to_owned(), Value::Object(said.collect()));
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
    (Ok(Value::Object(read)), settings.said.iter().map(|said| said.message.clone()).collect())
}

fn snake(key: &str) -> String {
    let letters = key.chars().map(|letter| match letter {
        _ if letter.is_ascii_uppercase() => format!("_{}", letter.to_ascii_lowercase()),
        _ => letter.to_string(),
    });
    letters.collect()
}

/// What a row expects, without what is not read here, and with variables as text. Keys that the real
/// one hands on unread must have been warned of.
fn expected(row: &Value, said: &[String]) -> Value {
    let mut expected = row["expect"].clone();
    for (glob, told) in expected["functions"].as_object_mut().unwrap() {
        let glob = if glob == "*" { String::new() } else { format!("{glob}.") };
        let warned = |key: &str| said.iter().any(|said| said.contains(&format!("`functions.{glob}{key}`")));
        if let Some(told) = told.as_object_mut() {
            told.retain(|key, _| key != "deno_import_map" && key != "directory" && !warned(key));
        }
    }
    if expected["base"] == "." {
        expected.as_object_mut().unwrap().remove("base");
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let environment = expected["environment"].as_object().cloned().unwrap_or_default();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    expected["environment"] = json!(environment);
    expected
}

#[test]
fn every_row() {
    let mut failures = Vec::new();
    for row in rows() {
        let (read, said) = read(&row);
        let ours = row.get("ours").unwrap_or(&row);
        let wrong = match (ours.get("error").and_then(Value::as_str), &read) {
            (Some(error), Err(message)) if row.get("ours").is_some() && !message.contains(error) => {
                Some(format!("{message}\n    expected {error}"))
            }
            (Some(_), Err(_)) => None,
            (Some(error), Ok(read)) => Some(format!("no error ({error}), but {read}")),
            (None, Err(error)) => Some(format!("error: {error}\n    expected {}", ours["expect"])),
            (None, Ok(read)) => {
                let expected = expected(ours, &said);
                (*read != expected).then(|| format!("{read}\n    expected {expected}"))
            }
        };
        let warns = row.get("warns").and_then(Value::as_str);
        let silent = warns.filter(|warns| !said.iter().any(|said| said.contains(warns)));
        failures.extend(silent.map(|warns| format!("{}: no warning `{warns}` in {said:?}", row["rule"])));
        failures.extend(wrong.map(|wrong| format!("{}: {}\n    {wrong}\n    {said:?}", row["rule"], row["toml"])));
    }
    report(&failures);
}

#[test]
fn the_real_one_makes_of_them_what_the_rows_say() {
    if !full() {
        return;
    }
    let rows = rows();
    let theirs: Vec<Value> = serde_json::from_value(script("netlify-config.mjs", &json!(rows))).unwrap();
    assert_eq!(theirs.len(), rows.len());
    let mut failures = Vec::new();
    for (row, theirs) in rows.iter().zip(&theirs) {
        let agrees = match row.get("error").and_then(Value::as_str) {
            Some(error) => theirs["error"].as_str().is_some_and(|message| message.contains(error)),
            None => *theirs == row["expect"],
        };
        if !agrees {
            failures.push(format!("{}: {theirs}", row["rule"]));
        }
    }
    report(&failures);
}
