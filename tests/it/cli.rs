//! The command line: what goes where, and every word of it.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{fixture, fnzip, said, scratch};

#[test]
fn help_is_data_and_a_missing_command_is_a_wrong_call() {
    let help = said(fnzip(&fixture("quickstart")).arg("--help"));
    assert_eq!(help.status, 0);
    assert!(help.out.contains("Packages serverless functions") && help.err.is_empty());
    let none = said(&mut fnzip(&fixture("quickstart")));
    assert_eq!((none.status, none.out.as_str()), (2, ""));
}

#[test]
fn every_flag_of_the_commands_is_taken() {
    let out = scratch();
    let mut bundle = fnzip(&fixture("quickstart"));
    bundle.args(["bundle", "-C", ".", "--package-path", ".", "--context", "production", "--branch", "main"]);
    bundle.args([
        "--only",
        "*",
        "--base",
        ".",
        "--repository-root",
        ".",
        "--format",
        "zip",
        "--config-dir",
        "netlify/functions",
    ]);
    bundle.args([
        "--config",
        "{}",
        "--node-version",
        "22",
        "--arch",
        "arm64",
        "--sourcemap",
        "--no-cache",
        "--containers",
    ]);
    bundle.args(["--json", "--jobs", "2", "--strict", "--keep-going", "--reproducible", "--color", "never", "-q"]);
    bundle.arg("--out").arg(&*out.path).arg("--manifest").arg(&*out.path.join("m.json"));
    let said_bundle = said(&mut bundle);
    assert_eq!((said_bundle.status, said_bundle.err.as_str()), (0, ""));
    let rows: Vec<Value> = serde_json::from_str(&said_bundle.out).unwrap();
    assert_eq!(rows.len(), 3);

    let mut trace = fnzip(&fixture("quickstart"));
    trace.args([
        "trace",
        "netlify/functions/report/index.js",
        "--base",
        ".",
        "--process-cwd",
        ".",
        "--condition",
        "x",
        "--ignore",
        "*.md",
    ]);
    trace.args([
        "--path",
        "a=./b",
        "--depth",
        "9",
        "--exports-only",
        "--module-sync-catchall",
        "--no-analysis",
        "--target-node",
        "22",
        "--json",
    ]);
    let said_trace = said(&mut trace);
    assert_eq!(said_trace.status, 0, "{}", said_trace.err);
    let traced: Value = serde_json::from_str(&said_trace.out).unwrap();
    assert_eq!(traced["diagnostics"], serde_json::json!([]));
    assert_eq!(traced["files"], serde_json::json!(["lib/money.js", "netlify/functions/report/index.js"]));
    assert_eq!(
        traced["reasons"]["lib/money.js"],
        serde_json::json!({"type": ["require"], "parents": ["netlify/functions/report/index.js"]})
    );
}

#[test]
fn flags_have_twins_in_the_environment() {
    let out = scratch();
    let mut command = fnzip(&fixture("quickstart"));
    command
        .arg("bundle")
        .env("FNZIP_OUT", &*out.path)
        .env("FNZIP_ONLY", "greeting")
        .env("FNZIP_FORMAT", "none")
        .env("FNZIP_QUIET", "true");
    let said = said(&mut command);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(out.path.join("greeting/greeting.js").exists());
    assert!(!out.path.join("report").exists());
}

#[test]
fn the_peers_form_prints_the_peers_list() {
    let out = scratch();
    let mut command = fnzip(&fixture("quickstart"));
    command.args(["./netlify/functions"]).arg(&*out.path).args(["--archive-format", "none", "--parallel-limit", "1"]);
    command.args(["--config", r#"{"greeting": {"schedule": "@daily"}}"#]);
    let said = said(&mut command);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(said.err, "");
    let rows: Vec<Value> = serde_json::from_str(&said.out).unwrap();
    let greeting = rows.iter().find(|row| row["name"] == "greeting").unwrap();
    assert_eq!(greeting["schedule"], "@daily");
    assert_eq!(greeting["path"], out.path.join("greeting").to_string());
    assert_eq!(greeting["entryFilename"], "greeting.js");
    assert!(greeting.get("size").is_none(), "a directory has none");
    assert!(out.path.join("manifest.json").exists());
}

#[test]
fn the_peers_form_needs_a_path() {
    let site = scratch();
    site.file("functions/a.js", "exports.handler = 1");
    assert_eq!(said(fnzip(&site.path).args(["functions", "out"])).status, 0, "it exists");
    assert_eq!(said(fnzip(&site.path).args(["function", "out"])).status, 2, "a mistyped command");
    assert_eq!(said(fnzip(&site.path).args(["./function", "out"])).status, 0, "a path, though there is nothing");
}

#[test]
fn list_names_every_function() {
    let text = said(fnzip(&fixture("quickstart")).arg("list"));
    assert_eq!(text.status, 0);
    insta::assert_snapshot!(text.out);
    let json = said(fnzip(&fixture("quickstart")).args(["list", "--json", "--files"]));
    let rows: Vec<Value> = serde_json::from_str(&json.out).unwrap();
    let report = rows.iter().find(|row| row["name"] == "report").unwrap();
    assert_eq!(report["extension"], ".js");
    assert_eq!(report["srcFiles"].as_array().unwrap().len(), 2);
}

#[test]
fn the_site_is_found_from_below_it() {
    for start in ["lib", "netlify/functions/report", "."] {
        let said = said(fnzip(&fixture("quickstart").join(start)).args(["list", "--json"]));
        assert_eq!(serde_json::from_str::<Vec<Value>>(&said.out).unwrap().len(), 3, "{start}");
    }
}

#[test]
fn a_base_may_have_a_netlify_toml_of_its_own() {
    let site = scratch();
    site.file("netlify.toml", "[build]\nbase = \"apps/web\"\n[functions]\ndirectory = \"unused\"\n");
    site.file("apps/web/netlify.toml", "[build]\nbase = \"ignored\"\n[functions]\ndirectory = \"/fns\"\n");
    site.file("apps/web/fns/a.js", "exports.handler = 1").file(".git/HEAD", "");
    let said = said(fnzip(&site.path).args(["bundle"]));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(site.path.join("apps/web/.netlify/functions/a.zip").exists());
}

#[test]
fn named_sources_do_not_read_netlify_toml_unless_told_where() {
    let site = scratch();
    site.file("netlify.toml", "[functions.a]\nschedule = \"@daily\"\n").file("fns/a.js", "exports.handler = 1");
    let schedule = |flags: &[&str]| {
        let said = said(fnzip(&site.path).args(["list", "fns", "--json"]).args(flags));
        serde_json::from_str::<Vec<Value>>(&said.out).unwrap()[0].get("schedule").cloned()
    };
    assert_eq!(schedule(&[]), None);
    assert_eq!(schedule(&["-C", "."]), Some("@daily".into()));
    assert_eq!(schedule(&["--config", "netlify.toml"]), Some("@daily".into()));
}

#[test]
fn generated_functions_are_found_in_their_default_places() {
    let site = scratch();
    site.file("netlify/functions/a.js", "exports.handler = 1")
        .file(".netlify/functions-internal/b.js", "exports.handler = 1");
    site.file("apps/web/.netlify/v1/functions/c.js", "exports.handler = 1");
    let names = |flags: &[&str]| {
        let said = said(fnzip(&site.path).args(["list", "--json"]).args(flags));
        let rows: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["a", "b"]);
    assert_eq!(names(&["--package-path", "apps/web"]), ["a", "c"]);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let site = scratch();
    site.file("netlify/functions/a b.js", "exports.handler = 1");
    let escape = '\u{1b}';
    let run = |flags: &[&str], no_color: bool| {
        let mut command = fnzip(&site.path);
        command.args(["bundle"]).args(flags);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        said(&mut command).err
    };
    assert!(!run(&[], false).contains(escape), "no terminal");
    assert!(run(&["--color", "always"], false).contains(escape));
    assert!(!run(&["--color", "never"], false).contains(escape));
    assert!(!run(&[], true).contains(escape));
}

#[test]
fn github_shows_diagnostics_beside_the_line() {
    let site = scratch();
    site.file("netlify/functions/a.js", "require('nowhere')\n");
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]).env("GITHUB_ACTIONS", "true"));
    assert_eq!(said.status, 1);
    let line = "::error title=fnzip module-not-found,file=netlify/functions/a.js,line=1,col=9::Cannot find module 'nowhere'%0Ahint: install it";
    assert!(said.err.contains(line), "{}", said.err);
}

#[test]
fn whoever_stops_reading_is_no_error() {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_fnzip")).args(["completions", "zsh"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn completions_manual_and_schemas_are_printed() {
    for words in [
        &["completions", "bash"][..],
        &["completions", "fish"],
        &["man"],
        &["schema", "manifest"],
        &["schema", "config"],
    ] {
        let said = said(fnzip(&fixture("quickstart")).args(words));
        assert_eq!(said.status, 0);
        assert!(said.out.len() > 500, "{words:?}");
    }
}

#[test]
fn the_summary_of_a_run() {
    let out = scratch();
    let said = said(fnzip(&fixture("quickstart")).args(["bundle", "--out"]).arg(&*out.path));
    let times = said.err.replace(&*out.path.to_string(), "OUT");
    let stable: Vec<String> = times
        .lines()
        .map(|line| {
            line.split("  ")
                .map(|word| if word.trim_start().ends_with(" ms") { " TIME" } else { word })
                .collect::<Vec<_>>()
                .join("  ")
        })
        .collect();
    let stable = stable.join("\n");
    assert!(stable.contains("3 functions built, 1.6 kB in ") && stable.contains("-> OUT"), "{stable}");
    assert!(stable.contains(" counter-background  background  js           2  667 B"), "{stable}");
}

#[test]
fn timings_are_a_table_and_a_trace() {
    let site = scratch();
    site.file("netlify/functions/hello.ts", "export const handler = async (): Promise<void> => {}\n");
    let unwritable = said(fnzip(&site.path).args(["bundle", "--timings=no/such/trace.json"]));
    assert_eq!((unwritable.status, unwritable.err.contains("no/such/trace.json: ")), (2, true), "{}", unwritable.err);
    assert!(said(fnzip(&site.path).args(["bundle", "--timings"])).err.contains("on the clock"));
    let timed = said(fnzip(&site.path).args(["bundle", "--no-cache", "--timings=trace.json", "--color=never"]));
    let stages: Vec<&str> = timed.err.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for stage in ["stage", "scan", "read", "parse", "analyse", "bundle", "plan", "write", "compress"] {
        assert!(stages.contains(&stage), "{stage}: {}", timed.err);
    }
    let trace = std::fs::read(site.path.join("trace.json")).unwrap();
    let trace: Value = serde_json::from_slice(&trace).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let is_written = |event: &&Value| event["name"] == "write" && event["args"]["of"] == "hello";
    let written = events.iter().find(is_written).unwrap();
    assert!(written["ph"] == "X" && written["ts"].is_u64() && written["dur"].is_u64(), "{written}");
}
