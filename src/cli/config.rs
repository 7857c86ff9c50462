//! `fnzip config`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Config;
use super::report::json;
use super::report::people::{People, kind};
use super::{FAILURE, Failure, SUCCESS, in_parallel, print, print_json, resolve, working_directory};
use crate::diagnostic::{Place, Severity, did_you_mean};
use crate::fs::Disk;
use crate::function::Function;
use crate::js::parse::is_typescript;
use crate::path::AbsPath;
use crate::pipeline;
use crate::store::Store;

pub(super) fn run(args: &Config, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Arc::new(Store::new(Disk));
    let settings = resolve(&args.site.invocation(&cwd), &store, people)?;
    let site = in_parallel(args.site.jobs, || pipeline::open(&settings, &store))?;
    let Some(at) = site.functions.iter().position(|function| function.name.as_str() == args.name) else {
        let meant = did_you_mean(&args.name, site.functions.iter().map(|function| function.name.as_str()));
        return Err(Failure::Call(format!("there is no function `{}`{meant}", args.name)));
    };
    let (function, said) = (&site.functions[at], &site.said[at]);
    people.diagnostics(&site.diagnostics.iter().chain(said).collect::<Vec<_>>(), &cwd)?;
    // Who rules how its TypeScript is read.
    let is_typescript = is_typescript(function.main_file.extension());
    let tsconfig = Some(&function.main_file).filter(|_| is_typescript).and_then(|main| site.tsconfig(main));
    if args.site.json {
        let root = &settings.repository_root;
        print_json(&json!({
            "name": function.name,
            "mainFile": function.main_file.to_string(),
            "kind": kind(function),
            "runtime": function.runtime,
            "runtimeAPIVersion": function.api_version,
            "tsconfig": tsconfig.as_ref().map(|path| path.relative_to(root)),
            "settings": json::settings(function, root),
        }))?;
    } else {
        let base = AbsPath::resolve(&cwd, ".");
        let mut text = for_people(function, &base);
        if let Some(tsconfig) = tsconfig {
            text += &format!("\n\n  TypeScript as {} says", tsconfig.relative_to(&base));
        }
        print(&text)?;
    }
    let failed = site.diagnostics.iter().chain(said).any(|said| said.severity == Severity::Error);
    Ok(if failed { FAILURE } else { SUCCESS })
}

/// What it is, and below it `key  value  place`, a line a value; lists have a line an item.
fn for_people(function: &Function, base: &AbsPath) -> String {
    let version = function.api_version.map(|version| format!(", version {version}")).unwrap_or_default();
    let main = function.main_file.relative_to(base);
    let mut text = format!("{}  {}{version}  {}  {main}", function.name, function.runtime, kind(function));
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (key, value, places) in function.effective() {
        let items = match value {
            Value::Array(items) if items.len() == places.len() => items,
            value => vec![value],
        };
        for (index, item) in items.iter().enumerate() {
            let key = if index == 0 { key.to_owned() } else { String::new() };
            let item = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            let place = places.get(index).or(places.last()).map(|place| shown(place, base));
            rows.push([key, item, place.unwrap_or_default()]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1)];
    for [key, value, place] in rows {
        text += &format!("\n  {key:0$}  {value:1$}  {place}", widths[0], widths[1]);
    }
    text
}

fn shown(place: &Place, base: &AbsPath) -> String {
    match place {
        Place::File(path, span) => format!("{}:{}", path.relative_to(base), span.line),
        Place::Named(name) => name.clone(),
    }
}
