//! The npm package: what its own tests say, and the peer's API called with one table of arguments on both.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{full, install_tools, repository, scratch, skipped};

/// Runs Node in a directory; what it prints.
fn node(directory: &Path, arguments: &[&OsStr]) -> String {
    let mut command = Command::new("node");
    command.args(arguments).current_dir(directory).env_remove("NODE_TEST_CONTEXT");
    let output = command.env("FNZIP_BINARY", env!("CARGO_BIN_EXE_fnzip")).output().expect("node is on the PATH");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Runs tests of `tests/npm`.
fn passes(tests: &[&str]) {
    let arguments: Vec<&OsStr> = std::iter::once("--test").chain(tests.iter().copied()).map(OsStr::new).collect();
    node(&repository().join("tests/npm"), &arguments);
}

#[test]
fn its_own_tests_pass() {
    passes(&["action.test.mjs", "child.test.mjs"]);
}

#[test]
fn it_is_packed_installed_and_found_by_those_who_ask_for_the_packager() {
    if !full() {
        return skipped("it packs the program, and installs it with npm");
    }
    install_tools();
    passes(&["pack.test.mjs"]);
}

/// Rows whose results are others, and why.
const DIFFER: &[(&str, &str)] = &[
    ("listFunction: a folder", "the peer takes the dot of the directory's name for that of an extension"),
    ("listFunction: nothing", "the error has other words, and the same code"),
    ("zipFunction: nothing", "the error has other words, and the same code"),
    ("zipFunction: a missing file", "the error names the line"),
    ("zipFunctions: a missing file", "the error names the line"),
    ("zipFunctions: a missing package", "the error names the line"),
    ("zipFunctions: a missing file of TypeScript", "the error names the place as the others do, and has no code frame"),
    ("zipFunctions: a wrong configuration", "the error names the line"),
    (
        "zipFunctions: pure modules of a project",
        "`outputModuleFormat` is what Node takes the file for, not its extension",
    ),
    ("zipFunctions: an extension for CommonJS", "the site's package.json ships, so more functions have an entry file"),
    ("zipServer: nothing", "the error has other words"),
    ("zipFunctions: a syntax error", "the peer ships what cannot be parsed"),
];

/// What only fnzip says.
const OURS: [&str; 3] = ["fnzip", "inputModuleFormat", "timestamp"];

/// Are they the same, field by field? `inputs` and listed files may be more: the peer overlooks the package.json that rules
/// a file, and what is bundled. The order of functions is nobody's business.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (ours.get(key), theirs.get(key)) {
                    (Some(_), _) if key == "fnzip" || key == "timestamp" => {}
                    (Some(_), None) if OURS.contains(&key.as_str()) => {}
                    (Some(ours), Some(theirs)) if key == "inputs" => contains(ours, theirs, &path, found),
                    (Some(ours), Some(theirs)) => differences(ours, theirs, &path, found),
                    (ours, theirs) => found.push(format!("{path}: {ours:?} and {theirs:?}")),
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let sorted = |rows: &[Value]| {
                let mut rows = rows.to_vec();
                rows.sort_by_key(|row| [&row["name"], &row["mainFile"]].map(ToString::to_string));
                rows
            };
            for (index, (ours, theirs)) in sorted(ours).iter().zip(&sorted(theirs)).enumerate() {
                differences(ours, theirs, &format!("{path}.{index}"), found);
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.push(format!("{path}: {ours} and {theirs}")),
    }
}

fn contains(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    let ours = ours.as_array().cloned().unwrap_or_default();
    let missing = theirs.as_array().into_iter().flatten().filter(|row| !ours.contains(row));
    found.extend(missing.map(|row| format!("{path} lacks {row}")));
}

#[test]
fn both_packagers_answer_alike() {
    if !full() {
        return skipped("it runs the real packager");
    }
    install_tools();
    let tools = repository().join("tests/tools/node_modules/@netlify");
    let [theirs, api] = ["zip-it-and-ship-it/dist/main.js", "serverless-functions-api"].map(|path| tools.join(path));
    let shapes = repository().join("tests/npm/shapes.mjs");
    let [ours, theirs] = [repository().join("npm/index.js"), theirs].map(|packager| {
        let site = scratch();
        let printed = node(&site.path, &[shapes.as_os_str(), packager.as_os_str(), api.as_os_str()]);
        serde_json::from_str::<Value>(printed.lines().last().unwrap()).unwrap()
    });
    assert_eq!(ours["exports"], theirs["exports"]);
    let rows = |printed: &Value| printed["rows"].as_array().cloned().unwrap();
    let (ours, theirs) = (rows(&ours), rows(&theirs));
    assert!(ours.len() >= 60 && ours.len() == theirs.len(), "{} {}", ours.len(), theirs.len());
    let mut wrong = Vec::new();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let name = ours[0].as_str().unwrap();
        let mut found = Vec::new();
        if name.starts_with("listFunctionsFiles") {
            contains(&ours[1]["result"], &theirs[1]["result"], "result", &mut found);
        } else {
            differences(&ours[1], &theirs[1], "", &mut found);
        }
        let is_told = DIFFER.iter().any(|(differs, _)| *differs == name);
        if is_told == found.is_empty() {
            wrong.push(format!("{name}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
