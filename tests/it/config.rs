//! What functions say of themselves, and what is wrong with it.

use serde_json::{Value, json};

use crate::support::{Scratch, entries, fnzip, said, scratch};

fn site(file: &str, source: &str) -> Scratch {
    let site = scratch();
    site.file(&format!("netlify/functions/{file}"), source);
    site
}

/// The manifest's row of the only function.
fn row(site: &Scratch, flags: &[&str]) -> Value {
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    let text = std::fs::read(site.path.join(".netlify/functions/manifest.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["functions"][0].clone()
}

fn fails(site: &Scratch, flags: &[&str], expected: &[&str]) {
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]).args(flags));
    assert_eq!(said.status, 1, "{}", said.err);
    for expected in expected {
        assert!(said.err.contains(expected), "no {expected:?} in:\n{}", said.err);
    }
    assert!(!site.path.join(".netlify/functions/hello.zip").exists());
}

const SCHEDULE: &str = "const { schedule } = require('@netlify/functions')\n";

/// `@netlify/functions`, as far as these functions load it.
fn with_package(site: &Scratch) -> &Scratch {
    site.file(
        "node_modules/@netlify/functions/index.js",
        "exports.schedule = (cron, handler) => handler\nexports.stream = (handler) => handler\n",
    )
}

#[test]
fn a_schedule_in_the_source_is_in_the_manifest() {
    let site = site(
        "hello.js",
        &format!("{SCHEDULE}const daily = '@daily'\nexports.handler = schedule(daily, async () => {{}})\n"),
    );
    assert_eq!(row(with_package(&site), &[])["schedule"], "@daily");
}

#[test]
fn a_stream_in_the_source_is_in_the_manifest() {
    let plain = site(
        "hello.js",
        "const { stream: s } = require('@netlify/functions')\nexports.handler = s(async () => ({ statusCode: 200 }))\n",
    );
    assert_eq!(row(with_package(&plain), &[])["invocationMode"], "stream");
    let listed = said(fnzip(&plain.path).arg("list"));
    assert_eq!(listed.out, "hello  js  netlify/functions/hello.js  stream\n");
    let background = site(
        "hello-background.js",
        "const { stream: s } = require('@netlify/functions')\nexports.handler = s(async () => ({}))\n",
    );
    let said = said(fnzip(&with_package(&background).path).args(["bundle"]));
    assert!(said.err.contains("a background function answers at once"), "{}", said.err);
}

#[test]
fn a_schedule_that_cannot_be_read_or_is_wrong_is_an_error_at_its_place() {
    let unreadable = site("hello.js", &format!("{SCHEDULE}exports.handler = schedule(process.env.CRON, f)\n"));
    fails(
        with_package(&unreadable),
        &[],
        &["the cron expression of `schedule()` cannot be read", "hello.js:2:28", "process.env.CRON"],
    );
    let unused = site("hello.js", &format!("{SCHEDULE}exports.handler = async () => {{}}\n"));
    fails(
        with_package(&unused),
        &[],
        &["`schedule` is imported, but does not wrap the exported `handler`", "hello.js:1:9"],
    );
    let wrong = site("hello.js", &format!("{SCHEDULE}exports.handler = schedule('61 * * * *', f)\n"));
    fails(
        with_package(&wrong),
        &[],
        &["`schedule` is `61 * * * *`, which is not a cron expression: `61` is no minute", "hello.js:2:28"],
    );
    let alias = site("hello.js", "exports.handler = 1");
    fails(
        &alias,
        &["--config", r#"{"hello": {"schedule": "@midnight"}}"#],
        &["`schedule` is `@midnight`, which is not known: write `@daily`"],
    );
}

#[test]
fn values_are_checked_whoever_says_them() {
    let good = site("hello.js", "exports.handler = 1");
    let row = row(&good, &["--config", r#"{"hello": {"memory": "1.5gb", "region": "CMH"}}"#]);
    assert_eq!((&row["memory"], &row["region"]), (&json!(1536), &json!("cmh")));
    for (config, message) in [
        (r#"{"hello": {"memory": 512}}"#, "`memory` must be a whole number of megabytes from 1024 to 4096"),
        (r#"{"hello": {"vcpu": 3}}"#, "`vcpu` must be from 0.5 to 2"),
        (r#"{"hello": {"vcpu": 1, "memory": 2048}}"#, "`vcpu` and `memory` cannot both be set"),
        (r#"{"hello": {"region": "us-east-1"}}"#, "`region` must be one of cmh, dub"),
    ] {
        fails(&site("hello.js", "exports.handler = 1"), &["--config", config], &[message]);
    }
}

#[test]
fn a_version_1_function_may_have_a_config_of_its_own() {
    let site = site("hello.js", "exports.config = { schedule: '@daily' }\nexports.handler = 1");
    assert_eq!(row(&site, &[]).get("schedule"), None);
    let said = said(fnzip(&site.path).args(["bundle", "-v"]));
    assert!(said.err.contains("`config` is not read: this is a version 1 function"), "{}", said.err);
}

#[test]
fn a_list_says_what_functions_say_of_themselves() {
    let source = "export default async () => new Response()\nexport const config = { path: ['/a/:id', '/b/'], method: 'get', excludedPath: '/a/x', schedule: 1, pth: 2 }\n";
    let site = site("hello.mjs", source);
    let said = said(fnzip(&site.path).args(["list", "--json"]));
    assert_eq!(said.status, 0, "{}", said.err);
    let rows: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(rows[0]["runtimeAPIVersion"], 2);
    assert_eq!(
        rows[0]["routes"],
        json!([
            {"pattern": "/a/:id", "expression": r"^\/a(?:\/([^\/]+?))\/?$", "methods": ["GET"]},
            {"pattern": "/b/", "literal": "/b/", "methods": ["GET"]},
        ])
    );
    assert_eq!(rows[0]["excludedRoutes"], json!([{"pattern": "/a/x", "literal": "/a/x"}]));
    assert!(said.err.contains("`config.schedule` must be a string: it is ignored"), "{}", said.err);
    assert!(said.err.contains("`config.pth` is no key that is known: did you mean `path`?"), "{}", said.err);
}

#[test]
fn a_path_must_be_one() {
    for (path, message, place) in [
        ("'a'", "`config.path` must start with `/`", "hello.mjs:2:31"),
        ("['/a', 'b']", "`config.path.1` must start with `/`", "hello.mjs:2:38"),
        ("7", "`config.path` must be a string or array of strings", "hello.mjs:2:31"),
        ("'/a/('", "is not a valid path according to the URLPattern specification", "hello.mjs:2:31"),
    ] {
        let site = site("hello.mjs", &format!("export default f\nexport const config = {{ path: {path} }}\n"));
        fails(&site, &[], &[message, place]);
    }
    let scheduled = site("hello.mjs", "export default f\nexport const config = { path: '/a', schedule: '@daily' }\n");
    fails(&scheduled, &[], &["a scheduled function cannot have a `path`", "hello.mjs:2:31"]);
}

/// A site in which every source says something.
fn told_by_all() -> Scratch {
    let site = site(
        "hello.mjs",
        "export default async () => new Response()\nexport const config = {\n  path: ['/a/:id', '/b'],\n  region: 'CMH',\n  \
         rateLimit: { windowLimit: 10, windowSize: 60 },\n}\n",
    );
    site.file(
        "netlify.toml",
        "[build.environment]\nNODE_VERSION = \"22\"\n[functions]\nexternal_node_modules = [\"a\"]\nincluded_files = \
         [\"x\"]\n[functions.\"h*\"]\nexternal_node_modules = [\"b\"]\nmemory = \"2gb\"\n",
    );
    site.file(
        "netlify/functions/hello.json",
        "{\n  \"version\": 1,\n  \"config\": {\n    \"timeout\": 20,\n    \"includedFiles\": [\"data/**\"]\n  }\n}\n",
    );
    site
}

const ALL: [&str; 4] = ["--config", r#"{"*": {"generator": "me"}}"#, "--config-dir", "netlify/functions"];

#[test]
fn every_value_has_the_place_where_it_was_said() {
    let site = told_by_all();
    let said = said(fnzip(&site.path).env_remove("FNZIP_NODE_VERSION").args(["config", "hello"]).args(ALL));
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn tools_get_the_places_too() {
    let site = told_by_all();
    let one: Value =
        serde_json::from_str(&said(fnzip(&site.path).args(["config", "hello", "--json"]).args(ALL)).out).unwrap();
    assert_eq!(
        one["settings"]["externalNodeModules"],
        json!({"value": ["a", "b"], "from": [
            {"file": "netlify.toml", "line": 4, "column": 26},
            {"file": "netlify.toml", "line": 7, "column": 26},
        ]})
    );
    assert_eq!(one["settings"]["memory"]["value"], 2048);
    assert_eq!(one["settings"]["generator"], json!({"value": "me", "from": [{"by": "--config"}]}));
    assert_eq!((&one["kind"], &one["runtimeAPIVersion"]), (&json!("stream"), &json!(2)));
    let listed = said(fnzip(&site.path).args(["list", "--json"]).args(ALL));
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed[0]["settings"], one["settings"]);
    assert_eq!(listed[0]["config"]["includedFiles"], json!(["data/**"]));
}

#[test]
fn a_function_that_is_not_there_has_no_configuration() {
    let site = told_by_all();
    let said = said(fnzip(&site.path).args(["config", "helo"]));
    assert_eq!(said.status, 2);
    assert!(said.err.contains("there is no function `helo`: did you mean `hello`?"), "{}", said.err);
}

#[test]
fn netlify_toml_is_told_of_with_its_lines() {
    let site = site("hello.js", "exports.handler = 1");
    site.file("netlify.toml", "[functions.hello]\ntimeot = 20\nvcpu = 5\nschedule = \"61 * * * *\"\n");
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]));
    assert_eq!(said.status, 2, "{}", said.err);
    insta::assert_snapshot!(said.err);
    assert!(!site.path.join(".netlify/functions/manifest.json").exists());
}

#[test]
fn an_unknown_key_is_a_warning_and_under_strict_an_error() {
    let site = site("hello.js", "exports.handler = 1");
    let config = ["--config", r#"{"hello": {"memry": 2048, "path": "/a"}}"#];
    let lax = said(fnzip(&site.path).args(["bundle"]).args(config));
    assert_eq!(lax.status, 0, "{}", lax.err);
    assert!(lax.err.contains("--config: `memry` is no key that is known: did you mean `memory`?"), "{}", lax.err);
    assert!(lax.err.contains("--config: `path` can only be said by the function itself"), "{}", lax.err);
    assert_eq!(said(fnzip(&site.path).args(["bundle", "--strict"]).args(config)).status, 1);
}

/// The platform calls a function for the event that its name tells.
#[test]
fn a_name_may_be_that_of_an_event() {
    let site = site("deploy-succeeded-background.js", "exports.handler = async () => {}");
    let row = row(&site, &[]);
    assert_eq!(row["fnzip"]["eventTriggered"], "deploy-succeeded");
    assert_eq!(row["invocationMode"], "background");
    let listed = said(fnzip(&site.path).arg("list"));
    assert!(listed.out.ends_with("  event\n"), "{}", listed.out);
}

const NO_HANDLER: &str = "exports neither a `handler` nor a default: the platform has nothing to call";

#[test]
fn a_function_that_has_no_handler_is_told() {
    for (file, source) in [
        ("hello.js", "exports.handle = async () => {}\n"),
        ("hello.js", "console.log('hello')\n"),
        ("hello.js", "module.exports = require('./lib/plain.js')\n"),
        ("hello.mjs", "export * from './lib/plain.js'\n"),
        ("hello.mjs", "export const handel = async () => {}\n"),
        ("hello.cjs", "module.exports = async () => {}\n"),
    ] {
        let site = site(file, source);
        site.file("netlify/functions/lib/plain.js", "exports.other = 1\n");
        let lax = said(fnzip(&site.path).args(["bundle"]));
        assert_eq!((lax.status, lax.err.contains(NO_HANDLER)), (0, true), "{source}: {}", lax.err);
        assert_eq!(said(fnzip(&site.path).args(["bundle", "--strict"])).status, 1, "{source}");
    }
}

#[test]
fn exports_in_the_syntax_of_another_format_are_told() {
    for (file, package, source, status, message) in [
        (
            "hello.mjs",
            "{}",
            "exports.handler = async () => {}",
            1,
            "is an ES module by its name, where there is neither",
        ),
        (
            "hello.js",
            r#"{"type": "module"}"#,
            "module.exports = { handler() {} }",
            1,
            "by the `type` of its package.json",
        ),
        ("hello.cjs", "{}", "export default async () => {}", 1, "is CommonJS by its name"),
    ] {
        let site = site(file, source);
        site.file("package.json", package);
        let said = said(fnzip(&site.path).arg("bundle"));
        assert_eq!((said.status, said.err.contains(message)), (status, true), "{source}: {}", said.err);
    }
}

/// What the platform would read is missing; what it would not is nobody's business.
#[test]
fn what_cannot_be_read_off_a_config_is_told() {
    for (config, column, message) in [
        (
            "{ path: PATH }",
            31,
            "warning[configuration]: netlify/functions/hello.mjs: `config.path` is not read: it is no literal",
        ),
        (
            "{ path: ['/a', PATH] }",
            38,
            "error[configuration]: netlify/functions/hello.mjs: `config.path.1` is not read: it is no literal",
        ),
        (
            "{ schedule: process.env.CRON }",
            35,
            "warning[configuration]: netlify/functions/hello.mjs: `config.schedule` is not read",
        ),
        (
            "{ ...common }",
            28,
            "warning[configuration]: netlify/functions/hello.mjs: what is spread into `config` is not read",
        ),
        ("{ mine: f() }", 31, "note[configuration]: netlify/functions/hello.mjs: `config.mine` is not read"),
        (
            "make()",
            23,
            "warning[configuration]: netlify/functions/hello.mjs: `config` is not read: it is no literal object",
        ),
    ] {
        let site =
            site("hello.mjs", &format!("export const config = {config}\nexport default async () => new Response()\n"));
        let said = said(fnzip(&site.path).args(["list", "-v"]));
        let at = format!(" --> netlify/functions/hello.mjs:1:{column}\n");
        assert!(said.err.contains(message) && said.err.contains(&at), "{config}: {}", said.err);
    }
    let site = site("hello.mjs", "export const handler = 1\nexport const config = { path: '/x' }\n");
    let said = said(fnzip(&site.path).args(["list"]));
    assert!(said.err.contains("`config` is not read: this is a version 1 function"), "{}", said.err);
    assert!(said.err.contains(" --> netlify/functions/hello.mjs:2:31\n"), "{}", said.err);
}

#[test]
fn a_handler_that_may_be_there_is_trusted() {
    for source in [
        "module.exports = require('./lib/handler.js')\n",
        "module.exports = require('./lib/missing.js')\n",
        "module.exports = require('express')()\n",
        "(function () { exports.handler = async () => {} })()\n",
        "const all = {}; all.handler = async () => {}; module.exports = { ...all }\n",
        "Object.assign(exports, require('./lib/handler.js'))\n",
        "const all = {}; all.handler = async () => {}; module.exports = all\n",
        "const all = {}; mixin(all); module.exports = all\n",
    ] {
        let site = site("hello.js", source);
        site.file("netlify/functions/lib/handler.js", "exports.handler = async () => {}\n");
        let said = said(fnzip(&site.path).args(["bundle", "-v"]));
        assert!(!said.err.contains(NO_HANDLER), "{source}: {}", said.err);
    }
}

#[test]
fn a_package_that_is_wanted_for_development_only_is_told() {
    let site = site("hello.js", "require('./lib/a.js')\nexports.handler = async () => require('@s/prod')\n");
    site.file("netlify/functions/lib/a.js", "require('dev')\nrequire('both')\n");
    for (name, source) in
        [("dev", "require('deep')"), ("deep", ""), ("both", ""), ("@s/prod", "require('brought')"), ("brought", "")]
    {
        site.file(&format!("node_modules/{name}/index.js"), source);
    }
    site.file(
        "package.json",
        r#"{"dependencies": {"@s/prod": "1", "both": "1"}, "devDependencies": {"dev": "1", "both": "1", "brought": "1", "unused": "1"}}"#,
    );
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]));
    assert_eq!(said.status, 0, "{}", said.err);
    let told: Vec<&str> = said.err.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(
        told,
        [
            "warning[development-only]: package.json: `dev` ships in the function, but stands under `devDependencies` alone: a production install leaves it out"
        ]
    );
}

/// The nearest upwards from the file; of a file from outside the functions directory, then the functions
/// directory's, the base's, the repository's.
#[test]
fn tsconfig_files_are_looked_up_in_order() {
    let looked_up = |main: &str, there: &[&str]| {
        let site = scratch();
        site.file(".git/HEAD", "").file("web/netlify.toml", "[functions]\ndirectory = \"fns\"\n");
        site.file("web/fns/a.ts", "export default f\n").file(main, "export default f\n");
        for path in there {
            site.file(path, "{}");
        }
        let name = if main.starts_with("shared") { "b" } else { "a" };
        let mut command = fnzip(&site.path);
        command.args(["config", name, "--json", "-C", "web"]);
        if name == "b" {
            command.args(["web/fns", "--function", main]);
        }
        let said = said(&mut command);
        assert_eq!(said.status, 0, "{}", said.err);
        serde_json::from_str::<Value>(&said.out).unwrap()["tsconfig"].clone()
    };
    let all = ["web/fns/tsconfig.json", "web/tsconfig.json", "tsconfig.json"];
    for first in 0..all.len() {
        assert_eq!(looked_up("web/fns/a.ts", &all[first..]), all[first]);
    }
    assert_eq!(looked_up("web/fns/a.ts", &[]), Value::Null);
    assert_eq!(looked_up("web/fns/a.ts", &["web/fns/other/tsconfig.json", "web/tsconfig.json"]), "web/tsconfig.json");
    assert_eq!(looked_up("shared/b.ts", &["shared/tsconfig.json", "web/fns/tsconfig.json"]), "shared/tsconfig.json");
    assert_eq!(looked_up("shared/b.ts", &["web/fns/tsconfig.json", "web/tsconfig.json"]), "web/fns/tsconfig.json");
    assert_eq!(looked_up("shared/b.ts", &["web/tsconfig.json"]), "web/tsconfig.json");
    assert_eq!(looked_up("shared/b.ts", &["tsconfig.json", "web/tsconfig.json"]), "tsconfig.json");
}

/// Build plugins have their packages in a place where Node would not look.
#[test]
fn packages_of_build_plugins_are_found_and_load() {
    let site = site("hello.js", "exports.handler = async () => require('helper')() + require('@s/other/sub')\n");
    site.file(".netlify/functions-internal/made.js", "exports.handler = async () => require('helper')()\n");
    let plugins = ".netlify/plugins/node_modules";
    site.file(&format!("{plugins}/helper/index.js"), "module.exports = () => require('shared')\n");
    site.file(&format!("{plugins}/shared/index.js"), "module.exports = 'of the plugin '\n");
    site.file(&format!("{plugins}/@s/other/sub.js"), "module.exports = require('shared')\n");
    site.file("node_modules/shared/index.js", "module.exports = 'of the site'\n");
    let below = said(fnzip(&site.path).args(["bundle", "--repository-root", "netlify"]));
    assert!(below.err.contains("Cannot find module 'helper'"), "{}", below.err);
    let said = said(fnzip(&site.path).args(["bundle"]));
    assert_eq!(said.status, 0, "{}", said.err);
    let out = site.path.join(".netlify/functions");
    let elsewhere = scratch();
    crate::support::unpack_all(&out, &elsewhere.path);
    for (name, expected) in [("hello", "of the plugin of the plugin "), ("made", "of the plugin ")] {
        let script = format!("require('./{name}').handler().then((text) => process.stdout.write(text))");
        let ran =
            std::process::Command::new("node").args(["-e", &script]).current_dir(elsewhere.path.join(name)).output();
        let ran = ran.unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// A final slash makes no difference, and no method means all.
#[test]
fn two_functions_of_one_address_are_told() {
    let clash = |one: &str, other: &str| {
        let site = site("one.mjs", &format!("export const config = {one}\nexport default () => new Response()\n"));
        site.file(
            "netlify/functions/two.mjs",
            format!("export const config = {other}\nexport default () => new Response()\n"),
        );
        let said = said(fnzip(&site.path).arg("list"));
        let is_told = said.err.contains("`one` and `two` have the same path") && said.err.contains("two.mjs:1:");
        assert_eq!(is_told, said.err.contains("warning"), "{}", said.err);
        is_told
    };
    assert!(clash("{ path: '/a' }", "{ path: ['/b', '/a'] }"));
    assert!(clash("{ path: '/a/' }", "{ path: '/a', method: 'GET' }"));
    assert!(clash("{ path: '/a', method: ['GET', 'PUT'] }", "{ path: '/a', method: ['POST', 'put'] }"));
    assert!(!clash("{ path: '/a', method: 'GET' }", "{ path: '/a', method: 'POST' }"));
    assert!(!clash("{ path: '/a' }", "{ path: '/a/b' }"));
}

#[test]
fn what_has_no_effect_is_told() {
    for (config, message) in [
        ("{ method: 'GET' }", "`method` has no effect without a `path`"),
        ("{ excludedPath: '/a' }", "`excludedPath` has no effect without a `path`"),
        (
            "{ path: '/a', rateLimit: { windowLimit: 1, windowSize: 1, action: 'rewrite' } }",
            "`rateLimit.action` is `rewrite`, but there is no `to` that says where",
        ),
        ("{ zipGo: true }", "`config.zipGo` cannot be said by the function itself"),
        ("{ included_files: [] }", "`config.included_files` is no key that is known: did you mean `includedFiles`?"),
    ] {
        let site = site("hello.mjs", &format!("export const config = {config}\nexport default () => new Response()\n"));
        let said = said(fnzip(&site.path).args(["list", "--color", "never"]));
        assert_eq!(said.status, 0, "{}", said.err);
        assert!(
            said.err.contains(&format!("warning[configuration]: netlify/functions/hello.mjs: {message}")),
            "{}",
            said.err
        );
    }
}

/// In netlify.toml and in `--config`.
#[test]
fn configuration_of_a_function_that_is_not_there_is_told() {
    let site = site("hello.js", "exports.handler = 1");
    site.file("netlify.toml", "[functions.helo]\nmemory = 2048\n[functions.\"other*\"]\nmemory = 2048\n");
    let said = said(fnzip(&site.path).args(["list", "-v", "--config", r#"{"HELLO": {"timeout": 5}}"#]));
    assert_eq!(said.status, 0, "{}", said.err);
    for message in [
        "warning[configuration]: netlify.toml: no function is called `helo`: did you mean `hello`?\n --> netlify.toml:1:12",
        "note[configuration]: netlify.toml: no function is called `other*`\n --> netlify.toml:3:12",
        "warning[configuration]: --config: no function is called `HELLO`: did you mean `hello`?",
    ] {
        assert!(said.err.contains(message), "{message} in {}", said.err);
    }
}

#[test]
fn a_functions_directory_that_is_not_there_is_told_where_it_was_named() {
    let site = site("hello.js", "exports.handler = 1");
    site.file("netlify.toml", "[functions]\ndirectory = \"nowhere\"\n");
    let said = said(fnzip(&site.path).args(["list"]));
    assert!(said.err.contains("there is no such functions directory"), "{}", said.err);
    assert!(said.err.contains(" --> netlify.toml:2:13\n"), "{}", said.err);
}

/// Whoever says it last.
#[test]
fn a_key_that_stands_twice_in_json_is_that_of_the_last() {
    let site = site("hello.js", "exports.handler = 1");
    site.file("config.json", "{\"hello\": {\"timeout\": 1,\n\"timeout\": 2}}");
    let told = said(fnzip(&site.path).args(["config", "hello", "--config", "config.json"]));
    let line = told.out.lines().find(|line| line.contains("timeout")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["timeout", "2", "config.json:2"]);
}

/// Environment, flag, environment, files, the machine's own, the default.
#[test]
fn the_node_version_is_that_of_the_first_who_says_one() {
    let of = |site: &Scratch, variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = fnzip(&site.path);
        command.env_remove("FNZIP_NODE_VERSION").env("PATH", "").args(["config", "hello", "--json"]).args(flags);
        command.envs(variables.iter().copied());
        let told = said(&mut command);
        assert_eq!(told.status, 0, "{}", told.err);
        let told: Value = serde_json::from_str(&told.out).unwrap();
        let node = &told["settings"]["nodeVersion"];
        (node["value"].as_str().unwrap().to_owned(), node["from"][0].clone())
    };
    let by = |version: &str, who: &str| (version.to_owned(), json!({"by": who}));
    let site = site("hello.js", "exports.handler = 1");
    assert_eq!(of(&site, &[], &[]), by("24", "the default"));
    site.file("nodes/bin/node", "#!/bin/sh\necho v18.20.1\n");
    let node = site.path.join("nodes/bin/node");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&*node, mode).unwrap();
    let path = [("PATH", &*node.join("..").to_string())];
    assert_eq!(of(&site, &path, &[]), by("18", "node --version"));
    site.file("nodes/include/node/node_version.h", "#define NODE_MAJOR_VERSION 20\n#define NODE_MINOR_VERSION 1\n");
    assert_eq!(of(&site, &path, &[]), by("20", "node --version"));
    let file = |version: &str, name: &str| (version.to_owned(), json!({"file": name, "line": 1, "column": 1}));
    site.file(".node-version", "22.1.0\n");
    assert_eq!(of(&site, &path, &[]), file("22", ".node-version"));
    site.file(".nvmrc", "lts/iron\n");
    assert_eq!(of(&site, &path, &[]), file("20", ".nvmrc"));
    site.file("netlify.toml", "[build.environment]\nNODE_VERSION = \"18\"\n");
    assert_eq!(of(&site, &path, &[]), ("18".into(), json!({"file": "netlify.toml", "line": 2, "column": 16})));
    assert_eq!(of(&site, &[("NODE_VERSION", "20")], &[]), by("20", "NODE_VERSION"));
    assert_eq!(of(&site, &[("NODE_VERSION", "20")], &["--node-version", "22"]), by("22", "--node-version"));
    let lambda = [("AWS_LAMBDA_JS_RUNTIME", "nodejs24.x")];
    assert_eq!(of(&site, &lambda, &["--node-version", "22"]), by("24", "AWS_LAMBDA_JS_RUNTIME"));
    let config = ["--config", r#"{"hello": {"nodeVersion": "20"}}"#];
    assert_eq!(of(&site, &lambda, &config), by("20", "--config"));
}

#[test]
fn a_node_version_that_there_is_not_is_told() {
    for (nvmrc, flags, version, message) in [
        ("lts/foo\n", &[][..], "24", "the Node version is `lts/foo`, which is no Node version: it is ignored"),
        ("21\n", &[], "20", "the Node version asks for Node 21, which the platform does not have"),
        ("# ours\n20\n", &["--node-version", "19"], "18", "the Node version asks for Node 19"),
    ] {
        let site = site("hello.js", "exports.handler = 1");
        site.file(".nvmrc", nvmrc);
        let mut command = fnzip(&site.path);
        command.env_remove("FNZIP_NODE_VERSION").env("PATH", "").args(["config", "hello", "-v"]).args(flags);
        let said = said(&mut command);
        assert!(said.err.contains(message), "{}", said.err);
        let line = said.out.lines().find(|line| line.contains("nodeVersion")).unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(version));
    }
}

#[test]
fn telemetry_ships_only_if_it_is_asked_for() {
    let site = site("hello.js", "exports.handler = 1");
    let api = "node_modules/@netlify/serverless-functions-api";
    site.file("netlify.toml", "[fnzip]\ntelemetry = true\n");
    let config = ["--config", r#"{"hello": {"generator": "@netlify/Tool@1.2.3"}}"#];
    let without = said(fnzip(&site.path).args(["bundle"]).args(config));
    assert_eq!(without.status, 1);
    assert!(without.err.contains("`fnzip.telemetry` wants `@netlify/serverless-functions-api`"), "{}", without.err);
    site.file(&format!("{api}/package.json"), "{}");
    site.file(&format!("{api}/dist/telemetry/instrumentation.js"), "trace(SERVICE_NAME)\n");
    row(&site, &config);
    let zip = site.path.join(".netlify/functions/hello.zip");
    assert_eq!(entries(&zip), ["___netlify-telemetry.mjs", "hello.js"]);
    let text =
        std::process::Command::new("unzip").arg("-p").arg(&*zip).arg("___netlify-telemetry.mjs").output().unwrap();
    assert_eq!(
        String::from_utf8(text.stdout).unwrap(),
        "var SERVICE_NAME = \"netlify-tool\";\nvar SERVICE_VERSION = \"1.2.3\";\ntrace(SERVICE_NAME)\n\n"
    );
}
