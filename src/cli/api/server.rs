//! `zipServer` and `findServerEntry`: the one server of a site, which answers what nothing else does.

use serde_json::{Map, Value, json};

use super::Refused;
use super::call::Call;
use super::zip::{Log, built};
use crate::archive::write_file;
use crate::cli::Pool;
use crate::fs::Disk;
use crate::function::route::Route;
use crate::manifest::{System, now};
use crate::path::AbsPath;
use crate::settings::{Format, Invocation};
use crate::store::Store;

/// The names of its entry file.
const ENTRIES: [&str; 4] = ["index.js", "index.mjs", "index.mts", "index.ts"];

/// What its result has of a function's.
const KEPT: [&str; 9] =
    ["bundler", "excludedRoutes", "mainFile", "memory", "path", "region", "runtime", "runtimeVersion", "vcpu"];

/// The entry file of the server in a directory; nothing, if there is none.
pub(super) fn find(call: &Call) -> Result<Value, Refused> {
    let (written, directory) = call.path();
    let store = Store::new(Disk);
    let names = match store.read_dir(&directory) {
        Ok(names) => names,
        Err(error) if error.is_not_found() || store.is_file(&directory) => return Ok(Value::Null),
        Err(error) => return Err(error.into()),
    };
    let found: Vec<&str> = ENTRIES.into_iter().filter(|entry| names.iter().any(|name| name == entry)).collect();
    match found[..] {
        [] => Ok(Value::Null),
        [entry] => Ok(json!(written.join(entry))),
        _ => {
            let message = format!(
                "Found multiple server entrypoints in {} ({}). A site can have one server only.",
                written.display(),
                found.join(", ")
            );
            Err(Refused(json!({ "message": message })))
        }
    }
}

/// Its archive, and a manifest of it alone.
pub(super) fn zip(call: &Call, pool: &Pool, log: Log<'_>) -> Result<Value, Refused> {
    let one = call.invocation_of_one()?;
    let functions = [one.functions, one.internal_functions].concat();
    let (functions, internal_functions) = (Vec::new(), functions);
    let invocation =
        Invocation { functions, internal_functions, format: Format::Tar, server: true, unpublished: true, ..one };
    let unreadable = |why: &str| {
        let message = format!("Could not read the Netlify Server at {}{why}", call.path().1);
        let location = json!({ "functionName": "server", "runtime": "js" });
        let info = json!({ "type": "functionsBundling", "location": location });
        Refused(json!({ "message": message, "customErrorInfo": info }))
    };
    if let Err(error) = Store::new(Disk).stat(&call.path().1) {
        return Err(unreadable(&format!(": {}", error.reason())));
    }
    let (settings, mut rows) = built(call, &invocation, pool, log)?;
    let row = rows.as_array_mut().and_then(Vec::pop);
    let Some(Value::Object(row)) = row else { return Err(unreadable("")) };
    let mut row: Map<String, Value> = row.into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())).collect();
    let path = settings.out.child("server.tgz");
    let mut route = json!(Route::parse("/*").map_err(|error| Refused(json!({ "message": error })))?);
    route["prefer_static"] = json!(true);
    row.insert("routes".into(), json!([route]));
    publish(&settings.manifest, row.clone(), &path)?;
    Ok(Value::Object(row))
}

fn publish(manifest: &AbsPath, mut server: Map<String, Value>, path: &AbsPath) -> Result<(), Refused> {
    server.insert("path".into(), json!(path.to_string()));
    server.retain(|key, value| key != "excludedRoutes" || value.as_array().is_some_and(|routes| !routes.is_empty()));
    let manifest_of = json!({
        "server": server,
        "system": System::here(),
        "timestamp": now(),
        "version": 1,
    });
    Ok(write_file(manifest, manifest_of.to_string().as_bytes())?)
}
