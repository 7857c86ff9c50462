//! What version 2 functions run on. `src/runtime/bootstrap.mjs` has tests of its own, in
//! `tests/bootstrap`, for Node's test runner: one a rule, and functions in the shape of the platform's
//! examples behind a local Lambda.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Scratch, entries, fnzip, install_tools, repository, said, scratch};

#[test]
fn its_own_tests_pass() {
    install_tools();
    let files = ["bootstrap", "events", "lambda-local"]
        .map(|name| repository().join(format!("tests/bootstrap/{name}.test.mjs")));
    let output = Command::new("node")
        .arg("--test")
        .args(files.iter().map(|file| file.as_os_str()))
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .expect("node is on the PATH");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("lambda-local is not installed"), "{text}");
}

fn site() -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello.mjs", "export default async () => new Response('hello')\n");
    site
}

/// A package that stands for the platform's.
fn install_api(site: &Scratch, directory: &str, version: &str) {
    let package = json!({"name": "@netlify/serverless-functions-api", "version": version, "main": "dist/index.js"});
    site.file(&format!("{directory}/package.json"), package.to_string());
    site.file(&format!("{directory}/dist/index.js"), format!("export const version = '{version}'\n"));
}

/// Builds; what was said, the manifest's row, and a file of the archive.
fn bundle(site: &Scratch, flags: &[&str]) -> (String, Value, impl Fn(&str) -> String) {
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    let out = site.path.join(".netlify/functions");
    let manifest: Value = serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let file = move |name: &str| {
        let unzipped = Command::new("unzip").arg("-p").arg(&*out.join("hello.zip")).arg(name).output().unwrap();
        String::from_utf8(unzipped.stdout).unwrap()
    };
    (said.err, manifest["functions"][0].clone(), file)
}

const OURS_IS_USED: &str = "version 2 functions get fnzip's own bootstrap";

#[test]
fn the_platforms_bootstrap_is_used_where_it_is_installed() {
    for directory in [
        "node_modules/@netlify/serverless-functions-api",
        "node_modules/@netlify/zip-it-and-ship-it/node_modules/@netlify/serverless-functions-api",
        "node_modules/netlify-cli/node_modules/@netlify/serverless-functions-api",
        "node_modules/netlify-cli/node_modules/@netlify/build/node_modules/@netlify/serverless-functions-api",
    ] {
        let site = site();
        install_api(&site, directory, "2.18.0");
        let (said, row, file) = bundle(&site, &["--branch", "main"]);
        assert_eq!(said.matches("warning").count(), 0, "{said}");
        assert_eq!(row["buildData"], json!({"bootstrapVersion": "2.18.0", "runtimeAPIVersion": 2}), "{directory}");
        assert_eq!(file("___netlify-bootstrap.mjs"), "export const version = '2.18.0'\n");
        assert_eq!(file("___netlify-metadata.json"), r#"{"bootstrap_version":"2.18.0","branch":"main","version":1}"#);
        assert_eq!(
            file("___netlify-entry-point.mjs"),
            "import * as bootstrap from './___netlify-bootstrap.mjs'\n\
             export const handler = bootstrap.getLambdaHandler('./hello.mjs')\n"
        );
    }
}

/// What lies above the repository is not the site's, though a tool may be linked from there.
#[test]
fn above_the_repository_nobody_looks_for_a_bootstrap() {
    let above = scratch();
    install_api(&above, "node_modules/@netlify/serverless-functions-api", "2.0.2");
    above.file("repository/.git/HEAD", "");
    above.file("repository/netlify/functions/hello.mjs", "export default async () => new Response('hello')\n");
    above.file("repository/node_modules/netlify-cli/package.json", "{}");
    let site = above.path.join("repository");
    let used = || said(fnzip(&site).args(["bundle", "--color", "never"])).err.contains(OURS_IS_USED);
    assert!(used());
    std::fs::remove_dir_all(&*site.join("node_modules/netlify-cli")).unwrap();
    let tool = "tools/node_modules/netlify-cli";
    above.file(&format!("{tool}/package.json"), "{}");
    std::os::unix::fs::symlink(&*above.path.join(tool), &*site.join("node_modules/netlify-cli")).unwrap();
    assert!(used());
    install_api(&above, "tools/node_modules/@netlify/serverless-functions-api", "2.0.3");
    assert!(!used());
}

#[test]
fn the_projects_own_wins_over_that_of_a_tool_and_a_named_one_over_both() {
    let site = site();
    install_api(&site, "node_modules/netlify-cli/node_modules/@netlify/serverless-functions-api", "2.0.2");
    install_api(&site, "node_modules/@netlify/serverless-functions-api", "2.1.0");
    assert_eq!(bundle(&site, &[]).1["buildData"]["bootstrapVersion"], "2.1.0");
    install_api(&site, "elsewhere", "2.2.0");
    let (_, row, _) = bundle(&site, &["--bootstrap", "elsewhere/dist/index.js"]);
    assert_eq!(row["buildData"]["bootstrapVersion"], "2.2.0");
    site.file("mine.mjs", "export const getLambdaHandler = () => async () => 'mine'\n");
    let (said, row, file) = bundle(&site, &["--bootstrap", "mine.mjs"]);
    assert!(!said.contains(OURS_IS_USED), "{said}");
    assert_eq!(row["buildData"], json!({"runtimeAPIVersion": 2}));
    assert!(file("___netlify-bootstrap.mjs").contains("'mine'"));
    let missing = crate::support::said(fnzip(&site.path).args(["bundle", "--bootstrap", "nowhere.mjs"]));
    assert_eq!(missing.status, 2);
    assert!(missing.err.contains("nowhere.mjs: there is no such file"), "{}", missing.err);
}

/// Up to 1.38 the platform's bootstrap takes a module and not its path.
#[test]
fn an_old_bootstrap_gets_the_functions_module() {
    let site = site();
    install_api(&site, "node_modules/@netlify/serverless-functions-api", "1.38.0");
    let (_, _, file) = bundle(&site, &[]);
    assert_eq!(
        file("___netlify-entry-point.mjs"),
        "import * as bootstrap from './___netlify-bootstrap.mjs'\nimport * as func from './hello.mjs'\n\
         export const handler = bootstrap.getLambdaHandler(func)\n"
    );
    // What CommonJS exports is the default of its namespace.
    let common = scratch();
    common.file("netlify/functions/hello.js", "exports.default = async () => {}\n");
    install_api(&common, "node_modules/@netlify/serverless-functions-api", "1.38.0");
    assert!(bundle(&common, &[]).2("___netlify-entry-point.mjs").contains("import func from './hello.cjs'\n"));
    install_api(&site, "node_modules/@netlify/serverless-functions-api", "1.41.0");
    assert!(bundle(&site, &[]).2("___netlify-entry-point.mjs").contains("getLambdaHandler('./hello.mjs')"));
}

#[test]
fn ours_is_the_last_resort_and_says_so() {
    let site = site();
    let (said, row, file) = bundle(&site, &[]);
    assert!(said.contains(OURS_IS_USED) && said.contains("npm i -D @netlify/serverless-functions-api"), "{said}");
    assert_eq!(row["buildData"], json!({"runtimeAPIVersion": 2}));
    assert_eq!(file("___netlify-metadata.json"), r#"{"version":1}"#);
    let ours = std::fs::read_to_string(repository().join("src/runtime/bootstrap.mjs")).unwrap();
    assert_eq!(file("___netlify-bootstrap.mjs"), ours);
    let strict = crate::support::said(fnzip(&site.path).args(["bundle", "--strict"]));
    assert_eq!(strict.status, 1, "{}", strict.err);
}

/// What a background function throws must reach the platform, which then tries again.
#[test]
fn ours_knows_a_background_function() {
    let site = scratch();
    site.file(
        "netlify/functions/hello.mjs",
        "export default async () => {}\nexport const config = { background: true }\n",
    );
    let (_, _, file) = bundle(&site, &[]);
    assert!(file("___netlify-entry-point.mjs").contains("getLambdaHandler('./hello.mjs', { background: true })"));
}

#[test]
fn a_directory_has_no_metadata() {
    let site = site();
    assert_eq!(said(fnzip(&site.path).args(["bundle", "--format", "none"])).status, 0);
    let mut names: Vec<String> = std::fs::read_dir(site.path.join(".netlify/functions/hello"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["___netlify-bootstrap.mjs", "___netlify-entry-point.mjs", "hello.mjs"]);
}

#[test]
fn the_entry_points_name_is_reserved() {
    let site = scratch();
    let reads = "import { readFileSync } from 'node:fs'\nexport default () => readFileSync(new URL('./___netlify-entry-point.mjs', import.meta.url))\n";
    site.file("netlify/functions/hello/hello.mjs", reads);
    site.file("netlify/functions/hello/___netlify-entry-point.mjs", "export default () => {}\n");
    let said = said(fnzip(&site.path).args(["bundle"]));
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("`___netlify-entry-point` is reserved"), "{}", said.err);
}

#[test]
fn what_stands_beside_the_entry_point_is_reserved_too() {
    let site = scratch();
    let reads = "import { readFileSync } from 'node:fs'\nexport default () => readFileSync(new URL('./___netlify-bootstrap.mjs', import.meta.url))\n";
    site.file("netlify/functions/hello/hello.mjs", reads);
    site.file("netlify/functions/hello/___netlify-bootstrap.mjs", "export default () => {}\n");
    let said = said(fnzip(&site.path).args(["bundle"]));
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("`___netlify-bootstrap.mjs` is reserved"), "{}", said.err);
}

#[test]
fn a_function_in_a_folder_keeps_its_place() {
    let site = scratch();
    let reads =
        "exports.default = () => new Response(require('fs').readFileSync(__dirname + '/../../../lib/a b#c.txt'))\n";
    site.file("netlify/functions/hello/index.js", reads);
    site.file("lib/a b#c.txt", "x\n");
    assert_eq!(said(fnzip(&site.path).args(["bundle"])).status, 0);
    assert_eq!(
        entries(&site.path.join(".netlify/functions/hello.zip")),
        [
            "___netlify-bootstrap.mjs",
            "___netlify-entry-point.mjs",
            "___netlify-metadata.json",
            "lib/a b#c.txt",
            "netlify/functions/hello/index.cjs",
        ]
    );
}
