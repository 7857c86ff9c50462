//! ARCHITECTURE.md's picture stays true: who may use whom, who may touch the disk, and that each
//! file says what it is for.

use std::fs;

use crate::support::repository;

/// Lower first; a module uses only modules of earlier rows, and its own.
const LAYERS: &[&[&str]] = &[
    &["path", "diagnostic"],
    &["fs", "glob", "binary", "process", "cache"],
    &["store"],
    &["function", "plan"],
    &["settings"],
    &["source", "js", "archive"],
    &["runtime", "manifest"],
    &["pipeline"],
    &["built"],
    &["lambda"],
    &["verify", "diff", "sbom", "serve"],
    &["cli"],
    &["main", "lib"],
];

/// Inside `js` the order is that of the work.
const JS: &[&str] = &[
    "package",
    "binary",
    "parse",
    "literal",
    "newer",
    "scan",
    "plugins",
    "pnp",
    "rules",
    "store_fs",
    "tsconfig",
    "resolve",
    "assets",
    "addons",
    "config",
    "transpile",
    "graph",
    "trace",
    "compile",
    "outside",
    "bundle",
    "why",
];

/// Exceptions, each with its reason.
const ALLOWED: &[(&str, &str)] = &[
    ("diagnostic", "path"), // a diagnostic names a path
    ("plan", "function"),   // a plan's facts name the bundler
];

/// Every source file: its path below src, and its text.
fn sources() -> Vec<(String, String)> {
    let src = repository().join("src");
    let mut found = Vec::new();
    let mut ahead = vec![src.to_path_buf()];
    while let Some(at) = ahead.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&*src).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 30);
    found
}

/// The code of a file without its unit tests and comments.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What a file uses of the crate: the first `depth` names after `crate::`.
fn uses(code: &str, prefix: &str) -> Vec<String> {
    let names = code.split(prefix).skip(1);
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn a_layer_uses_only_lower_ones() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = file.split(['/', '.']).next().unwrap().to_owned();
        let own = layer(&module).unwrap_or_else(|| panic!("{file} is in no layer"));
        for used in uses(&code(&text), "crate::") {
            let Some(theirs) = layer(&used) else { panic!("{file} uses crate::{used}, which is in no layer") };
            let allowed = ALLOWED.contains(&(module.as_str(), used.as_str()));
            if used != module && theirs >= own && !allowed {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inside_js_the_order_is_that_of_the_work() {
    let place = |module: &str| JS.iter().position(|known| *known == module);
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(module) = file.strip_prefix("js/").and_then(|rest| rest.split(['/', '.']).next()) else { continue };
        if module == "mod" {
            continue;
        }
        let own = place(module).unwrap_or_else(|| panic!("{file} has no place in js"));
        let code = code(&text);
        let siblings = if file.matches('/').count() == 1 { uses(&code, "super::") } else { Vec::new() };
        for used in siblings.into_iter().chain(uses(&code, "crate::js::")) {
            if place(&used).is_some_and(|theirs| theirs >= own && used != module) {
                wrong.push(format!("{file} uses js::{used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_fs_and_the_writers_touch_the_disk() {
    for (file, text) in sources() {
        let may = file == "fs/mod.rs"
            || file.starts_with("cache/")
            || file.starts_with("archive/")
            || file.starts_with("lambda/")
            || file == "process/mod.rs"
            || file.starts_with("cli/");
        let touches = code(&text).contains("std::fs")
            || code(&text).contains("use std::fs")
            || code(&text).contains("File::open");
        assert!(may || !touches, "{file} touches the disk");
    }
}

#[test]
fn only_the_pipeline_and_verification_run_things_in_parallel() {
    for (file, text) in sources() {
        let may = file.starts_with("pipeline/") || file == "verify/mod.rs" || file == "cli/mod.rs";
        assert!(may || !code(&text).contains("rayon"), "{file} runs things in parallel");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "{file} does not say what it is for");
        let lines = text.lines().count();
        assert!(lines <= 500, "{file} has {lines} lines: give it a second room, or say here why not");
    }
}

/// The picture in ARCHITECTURE.md is this table.
#[test]
fn the_picture_is_the_table() {
    let drawn = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let rows: Vec<String> = LAYERS.iter().take(LAYERS.len() - 1).map(|layer| layer.join(", ")).collect();
    let picture = rows.join("\n  < ");
    assert!(drawn.contains(&picture), "ARCHITECTURE.md must contain:\n{picture}");
}
