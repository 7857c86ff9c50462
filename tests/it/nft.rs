//! Beside @vercel/nft: the same lists, or a reason for each difference.

use std::collections::BTreeSet;

use fnzip::path::AbsPath;
use serde_json::{Value, json};

use crate::support::{Expected, cases, fixture, fnzip, full, install, report, said, script};

/// What nft lists for each job, on Node 22.
fn nft(jobs: &[Value]) -> Vec<BTreeSet<String>> {
    serde_json::from_value(script("nft.mjs", &json!(jobs))).unwrap()
}

/// A row of a table of differences: `+file` only nft lists, `-file` only we do; `*` at the end
/// stands for whatever follows.
fn explained(rows: &[&str], sign: char, file: &str) -> bool {
    rows.iter().any(|row| {
        let (files, because) = row.split_once(" because ").expect("a reason");
        assert!(!because.is_empty());
        // A name may hold spaces: a new one begins at ` +` or ` -`.
        let files = files.replace(" +", "\n+").replace(" -", "\n-");
        files.lines().filter_map(|word| word.strip_prefix(sign)).any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => file.starts_with(prefix),
            None => file == pattern,
        })
    })
}

fn compare(name: &str, rows: &[&str], theirs: &BTreeSet<String>, ours: &BTreeSet<String>, failures: &mut Vec<String>) {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>, sign| {
        let new = one.difference(other).filter(|file| !explained(rows, sign, file));
        new.map(|file| format!("  {sign}{file}")).collect::<Vec<_>>()
    };
    let differences = [only(theirs, ours, '+'), only(ours, theirs, '-')].concat();
    if !differences.is_empty() {
        failures.push(format!("{name}\n{}", differences.join("\n")));
    }
}

/// The lists of whole sites, whose functions import by literals only. `tests/it/nft.txt` is the
/// table of the differences.
#[test]
fn sites_agree() {
    if !full() {
        return;
    }
    let table = include_str!("nft.txt");
    let mut failures = Vec::new();
    for (site, packages) in [
        ("site", "site"),
        ("npm-workspaces/apps/site", "npm-workspaces"),
        ("pnpm-workspace/apps/web", "pnpm-workspace"),
    ] {
        let base = fixture(packages);
        install(&base);
        let listed = said(fnzip(&fixture(site)).args(["list", "--json"]));
        let functions: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
        assert!(functions.len() >= 5, "{}", listed.err);
        let job = |function: &Value| json!({"entry": function["mainFile"], "base": base.to_string()});
        let theirs = nft(&functions.iter().map(job).collect::<Vec<_>>());
        for (function, theirs) in functions.iter().zip(theirs) {
            let name = format!("{packages}/{}", function["name"].as_str().unwrap());
            let main = function["mainFile"].as_str().unwrap();
            let traced = said(fnzip(&base).args(["trace", main, "--json", "--node-version", "22"]));
            let traced: Value = serde_json::from_str(&traced.out).unwrap();
            let files = traced["files"].as_array().unwrap().iter();
            let ours = files.map(|file| file.as_str().unwrap().to_owned()).collect();
            let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
            compare(&name, &rows, &theirs, &ours, &mut failures);
        }
    }
    report(&failures);
}

/// The cases of `fixtures/trace`; their `#nft:` lines are the table.
#[test]
fn rules_agree() {
    if !full() {
        return;
    }
    let mut failures = Vec::new();
    let cases: Vec<(AbsPath, Expected)> =
        cases("trace").into_iter().map(|case| (case.clone(), Expected::read(&case))).collect();
    let job = |(case, expected): &(AbsPath, Expected)| {
        let one = |name| expected.options(name).first().copied();
        let base = case.join(one("base").unwrap_or("."));
        let paths = expected.options("path").into_iter().filter_map(|pair| {
            let (key, path) = pair.split_once('=')?;
            let slash = if path.ends_with('/') { "/" } else { "" };
            Some((key.to_owned(), json!(format!("{}{slash}", base.join(path)))))
        });
        let conditions = std::iter::once("node").chain(expected.options("condition")).collect::<Vec<_>>();
        let mut options = json!({
            "ignore": expected.options("ignore"),
            "conditions": conditions,
            "paths": paths.collect::<serde_json::Map<_, _>>(),
            "exportsOnly": one("exports-only").is_some(),
        });
        if let Some(depth) = one("depth") {
            options["depth"] = json!(depth.parse::<u32>().unwrap());
        }
        json!({"entry": case.join(one("entry").unwrap_or("input.js")).to_string(), "base": base.to_string(), "options": options})
    };
    let lists = nft(&cases.iter().map(job).collect::<Vec<_>>());
    for ((case, expected), theirs) in cases.iter().zip(lists) {
        let is_file = |line: &&String| !["error: ", "warning: ", "note: "].iter().any(|kind| line.starts_with(kind));
        let ours = expected.lines.iter().filter(is_file).cloned().collect();
        compare(case.name(), &expected.options("nft"), &theirs, &ours, &mut failures);
    }
    report(&failures);
}
