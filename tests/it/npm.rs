//! The npm package: what its own tests say, and the peer's API called with one table of arguments on both.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{full, install_tools, repository, skipped};

/// Runs Node in the repository; what it prints.
fn node(arguments: &[&str]) -> String {
    let mut command = Command::new("node");
    command.args(arguments).current_dir(&*repository()).env_remove("NODE_TEST_CONTEXT");
    let output = command.env("FNZIP_BINARY", env!("CARGO_BIN_EXE_fnzip")).output().expect("node is on the PATH");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn its_own_tests_pass() {
    node(&["--test", "tests/npm/action.test.mjs", "tests/npm/child.test.mjs"]);
}

#[test]
fn it_is_packed_installed_and_found_by_those_who_ask_for_the_packager() {
    if !full() {
        return skipped("it packs the program, and installs it with npm");
    }
    install_tools();
    node(&["--test", "tests/npm/pack.test.mjs"]);
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
    let shapes = ["tests/npm/shapes.mjs", "npm/index.js"];
    let printed = node(&[shapes[0], shapes[1], theirs.to_str().unwrap(), api.to_str().unwrap()]);
    let printed: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(printed["exports"][0], printed["exports"][1]);
    let rows = printed["rows"].as_array().unwrap();
    assert!(rows.len() >= 60, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let name = row["name"].as_str().unwrap();
        let mut found = Vec::new();
        if name.starts_with("listFunctionsFiles") {
            contains(&row["ours"]["result"], &row["theirs"]["result"], "result", &mut found);
        } else {
            differences(&row["ours"], &row["theirs"], "", &mut found);
        }
        let is_told = DIFFER.iter().any(|(differs, _)| *differs == name);
        if is_told == found.is_empty() {
            wrong.push(format!("{name}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
