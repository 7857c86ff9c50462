//! The contract with whoever deploys.

use std::fs;

use serde_json::{Value, json};

use crate::support::{fixture, fnzip, repository, said, scratch};

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for of in ["manifest", "config"] {
        let path = repository().join(format!("schemas/{of}.json"));
        let said = said(fnzip(&repository()).args(["schema", of]));
        assert_eq!(said.status, 0);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &said.out).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap() == said.out,
            "schemas/{of}.json: run with UPDATE_EXPECTED=1 and review"
        );
    }
}

#[test]
fn what_a_manifest_says() {
    let out = scratch();
    let said = said(fnzip(&fixture("quickstart")).args(["bundle", "--reproducible", "--out"]).arg(&*out.path));
    assert_eq!(said.status, 0, "{}", said.err);
    let mut manifest: Value = serde_json::from_slice(&fs::read(out.path.join("manifest.json")).unwrap()).unwrap();
    manifest["system"] = json!("this machine");
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap());
}

#[test]
fn what_functions_are_told_is_in_it() {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = 1").file("internal/made.js", "exports.handler = 1");
    site.file(
        "netlify/functions/hello.json",
        r#"{"version": 1, "config": {"generator": "a plugin", "name": "Hello"}}"#,
    );
    let config = r#"{"*": {"nodeVersion": "22.3.0", "timeout": 20, "region": null}, "hello": {"schedule": "@daily", "background": true}}"#;
    let said = said(
        fnzip(&site.path)
            .args(["bundle", "netlify/functions", "--internal", "internal", "--config-dir", "netlify/functions"])
            .args(["--manifest", "elsewhere/m.json", "--config", config]),
    );
    assert_eq!(said.status, 0, "{}", said.err);
    let manifest: Value = serde_json::from_slice(&fs::read(site.path.join("elsewhere/m.json")).unwrap()).unwrap();
    let mut hello = manifest["functions"][0].clone();
    assert!(hello["fnzip"]["sha256"].as_str().unwrap().len() == 64);
    hello.as_object_mut().unwrap().remove("fnzip");
    assert_eq!(
        hello,
        json!({
            "bundler": "zisi",
            "buildData": {"runtimeAPIVersion": 1},
            "displayName": "Hello",
            "generator": "a plugin",
            "invocationMode": "background",
            "mainFile": site.path.join("netlify/functions/hello.js").to_string(),
            "name": "hello",
            "path": site.path.join(".netlify/functions/hello.zip").to_string(),
            "priority": 10,
            "runtime": "js",
            "runtimeVersion": "nodejs22.x",
            "schedule": "@daily",
            "timeout": 20,
        })
    );
    let made = &manifest["functions"][1];
    assert_eq!((&made["generator"], &made["priority"]), (&json!("internalFunc"), &json!(0)));
}

#[test]
fn a_file_beside_a_function_lies_over_the_rest_key_by_key() {
    let site = scratch();
    site.file("fns/a.js", "exports.handler = 1").file("one.txt", "").file("two.txt", "");
    site.file("fns/a.json", r#"{"version": 1, "config": {"includedFiles": ["two.txt"]}}"#);
    let config = r#"{"*": {"includedFiles": ["one.txt"], "timeout": 5}}"#;
    let said = said(fnzip(&site.path).args(["bundle", "fns", "--config-dir", "fns", "--json", "--config", config]));
    let rows: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(rows[0]["config"], json!({"timeout": 5, "includedFiles": ["two.txt"]}));
    assert_eq!(rows[0]["includedFiles"], json!([site.path.join("two.txt").to_string()]));
}

#[test]
fn the_hash_is_the_archives() {
    use sha2::{Digest, Sha256};
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = 1");
    fnzip(&site.path).arg("bundle").assert().success();
    let out = site.path.join(".netlify/functions");
    let manifest: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let bytes = fs::read(out.join("hello.zip")).unwrap();
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let ours = &manifest["functions"][0]["fnzip"];
    assert_eq!((&ours["sha256"], &ours["size"], &ours["entries"]), (&json!(hash), &json!(bytes.len()), &json!(1)));
}
