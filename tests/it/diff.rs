//! What changed between two builds: `fnzip diff`, and `fnzip verify --rebuild`, which compares with one made just now.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Scratch, fnzip, said, scratch};

/// A site of three functions, one of which uses a package.
fn site() -> Scratch {
    let site = scratch();
    site.file("netlify.toml", "");
    site.file("netlify/functions/plain.js", "exports.handler = async () => ({ statusCode: 200 })\n");
    site.file("netlify/functions/moved.js", "exports.handler = async () => ({ statusCode: 204 })\n");
    site.file("netlify/functions/user.js", "exports.handler = async () => ({ body: require('dep') })\n");
    package(&site, "dep", "1.0.0", "module.exports = '1'");
    site
}

fn package(site: &Scratch, name: &str, version: &str, text: &str) {
    let json = json!({ "name": name, "version": version });
    site.file(&format!("node_modules/{name}/package.json"), json.to_string());
    site.file(&format!("node_modules/{name}/index.js"), text);
}

fn build(site: &Scratch, out: &str) {
    let built = said(fnzip(&site.path).args(["bundle", "--reproducible", "--out", out]));
    assert_eq!(built.status, 0, "{}", built.err);
}

fn diff(site: &Scratch, flags: &[&str]) -> crate::support::Said {
    said(fnzip(&site.path).args(["diff", "old", "new"]).args(flags))
}

#[test]
fn two_builds_of_the_same_do_not_differ() {
    let site = site();
    build(&site, "old");
    build(&site, "new");
    let said = diff(&site, &["--json", "--budget", "0kb"]);
    assert_eq!(said.status, 0, "{}", said.err);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&value["functions"], &value["unchanged"], &value["packages"]), (&json!([]), &json!(3), &json!([])));
}

/// The manifest of a copy says where the original was.
#[test]
fn a_copy_is_itself_though_the_original_is_still_there() {
    let site = site();
    let bundle = || {
        let built = said(fnzip(&site.path).args(["bundle", "--out", "new"]));
        assert_eq!(built.status, 0, "{}", built.err);
    };
    bundle();
    crate::support::copy_tree(&site.path.join("new"), &site.path.join("old"));
    site.file("netlify/functions/plain.js", "exports.handler = async () => ({ statusCode: 500 })\n");
    bundle();
    let said = diff(&site, &["--json"]);
    assert_eq!(said.status, 0, "{}", said.err);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&value["functions"][0]["name"], &value["unchanged"]), (&json!("plain"), &json!(2)));
}

#[test]
fn every_change_is_told() {
    let site = site();
    build(&site, "old");
    let functions = site.path.join("netlify/functions");
    fs::rename(functions.join("moved.js"), functions.join("renamed.js")).unwrap();
    fs::remove_file(functions.join("plain.js")).unwrap();
    site.file("netlify/functions/added.js", "exports.handler = async () => ({ statusCode: 201 })\n");
    let user = "exports.handler = async () => ({ body: require('dep') + require('more') })\n";
    site.file("netlify/functions/user.js", user);
    site.file("netlify.toml", "[functions.user]\nschedule = \"@daily\"\n");
    package(&site, "dep", "1.10.0", "module.exports = '1.10, which is newer than 1.9 and longer'");
    package(&site, "more", "0.1.0", "module.exports = 'more'");
    build(&site, "new");
    insta::assert_snapshot!("diff_text", diff(&site, &[]).out);
    insta::assert_snapshot!("diff_markdown", diff(&site, &["--markdown"]).out);
    let value: Value = serde_json::from_str(&diff(&site, &["--json"]).out).unwrap();
    let functions = value["functions"].as_array().unwrap().iter();
    let found: Vec<_> = functions.map(|it| (it["name"].as_str().unwrap(), it["change"].as_str().unwrap())).collect();
    assert_eq!(found, [("added", "added"), ("plain", "removed"), ("renamed", "renamed"), ("user", "changed")]);
    assert_eq!(value["functions"][2]["was"], "moved");
    // The other way round everything goes back.
    let back = said(fnzip(&site.path).args(["diff", "new", "old", "--json"]));
    let value: Value = serde_json::from_str(&back.out).unwrap();
    let packages = value["packages"].as_array().unwrap().iter();
    let found: Vec<_> = packages.map(|it| (it["name"].as_str().unwrap(), it["change"].as_str().unwrap())).collect();
    assert_eq!(found, [("dep", "down"), ("more", "out")]);
}

#[test]
fn a_budget_is_for_all_archives_together() {
    let site = site();
    build(&site, "old");
    package(&site, "dep", "1.0.1", &format!("module.exports = '{}'", "0123456789abcdef".repeat(20)));
    build(&site, "new");
    for (budget, status) in [("1mb", 0), ("1b", 1), ("90%", 0), ("1%", 1), ("much", 2)] {
        let said = diff(&site, &["--budget", budget]);
        assert_eq!(said.status, status, "{budget}: {}", said.err);
    }
}

#[test]
fn there_must_be_something_to_compare() {
    let site = site();
    build(&site, "new");
    let said = diff(&site, &[]);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{}", said.err);
}

#[test]
fn what_is_built_again_has_the_same_bytes() {
    let site = site();
    build(&site, "out");
    let again = || said(fnzip(&site.path).args(["verify", "out", "--json", "--rebuild"]));
    let fine = again();
    assert_eq!(fine.status, 0, "{}{}", fine.out, fine.err);
    package(&site, "dep", "1.0.0", "module.exports = '2'");
    site.file("netlify/functions/new.js", "exports.handler = 1");
    fs::remove_file(site.path.join("netlify/functions/plain.js")).unwrap();
    let other = again();
    assert_eq!(other.status, 1, "{}", other.err);
    let value: Value = serde_json::from_str(&other.out).unwrap();
    let findings = value["findings"].as_array().unwrap().iter();
    let found: Vec<_> = findings.map(|it| (it["code"].as_str().unwrap(), it["message"].as_str().unwrap())).collect();
    let code = "not-reproducible";
    let expected = [
        (code, "building again also makes `new`"),
        (code, "building again does not make it"),
        (code, "building again gives other bytes: `node_modules/dep/index.js` is another"),
    ];
    assert_eq!(found, expected);
}
