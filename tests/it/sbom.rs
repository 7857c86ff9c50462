//! `fnzip sbom`: what shipped, by npm, in bundles, in Go and in Rust; and what the official schema says of it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Scratch, fixture, fnzip, full, install, install_tools, said, scratch, script, skipped};
use crate::tiny::{self, RUST, X64};

/// A site with a package beside a function and one in a bundle.
fn site() -> Scratch {
    let site = scratch();
    site.file("netlify.toml", "");
    site.file("netlify/functions/plain.js", "exports.handler = async () => ({ body: require('@scope/beside') })\n");
    let bundled = "import inside from 'inside'\nexport const handler = async () => ({ body: inside })\n";
    site.file("netlify/functions/bundled.ts", bundled);
    for (name, version, license) in [("@scope/beside", "1.0.0-beta.1", "MIT"), ("inside", "2.0.0", "MIT OR Apache-2.0")]
    {
        let package = json!({ "name": name, "version": version, "license": license });
        site.file(&format!("node_modules/{name}/package.json"), package.to_string());
        site.file(&format!("node_modules/{name}/index.js"), format!("module.exports = '{name}'"));
    }
    let lock = json!({ "lockfileVersion": 3, "packages": {
        "node_modules/@scope/beside": { "version": "1.0.0-beta.1", "integrity": integrity() },
        "node_modules/inside": { "version": "1.0.0", "integrity": "sha512-of another version" },
    } });
    site.file("package-lock.json", lock.to_string());
    build(&site);
    site
}

/// Of 64 bytes of nothing.
fn integrity() -> String {
    format!("sha512-{}==", "A".repeat(86))
}

fn build(site: &Scratch) {
    let built = said(fnzip(&site.path).args(["bundle", "--reproducible", "--out", "out"]));
    assert_eq!(built.status, 0, "{}", built.err);
}

fn sbom(site: &Scratch, flags: &[&str]) -> Value {
    let said = said(fnzip(&site.path).args(["sbom", "out"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

/// The components by their purl.
fn components(document: &Value) -> BTreeMap<String, Value> {
    let rows = document["components"].as_array().unwrap().iter();
    rows.filter_map(|row| Some((row["purl"].as_str()?.to_owned(), row.clone()))).collect()
}

#[test]
fn packages_beside_and_inside_bundles_are_listed() {
    let site = site();
    let plain = sbom(&site, &["--function", "plain"]);
    let found = components(&plain);
    let purl = "pkg:npm/%40scope/beside@1.0.0-beta.1";
    assert_eq!(found.keys().collect::<Vec<_>>(), [purl]);
    let expected = json!({
        "type": "library", "bom-ref": purl, "purl": purl, "group": "@scope", "name": "beside", "version": "1.0.0-beta.1",
        "hashes": [{ "alg": "SHA-512", "content": "00".repeat(64) }],
        "licenses": [{ "license": { "id": "MIT" } }],
        "properties": [{ "name": "fnzip:path", "value": "node_modules/@scope/beside" }],
    });
    assert_eq!(found[purl], expected);
    let bundled = components(&sbom(&site, &["--function", "bundled"]));
    let inside = &bundled["pkg:npm/inside@2.0.0"];
    assert_eq!(inside["properties"], json!([{ "name": "fnzip:bundled", "value": "true" }]));
    assert_eq!(inside["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
    assert_eq!(inside["hashes"], Value::Null, "the lock file knows another version");
    let all = sbom(&site, &[]);
    assert_eq!(components(&all).len(), 2);
    let depends = all["dependencies"].as_array().unwrap().iter();
    let depends: BTreeMap<&str, &Value> = depends.map(|it| (it["ref"].as_str().unwrap(), &it["dependsOn"])).collect();
    assert_eq!(depends["function:plain"], &json!([purl]));
    assert_eq!(depends["function:bundled"], &json!(["pkg:npm/inside@2.0.0"]));
}

#[test]
fn the_same_archives_give_the_same_bytes_and_others_another_number() {
    let site = site();
    let first = said(fnzip(&site.path).args(["sbom", "out"])).out;
    build(&site);
    assert_eq!(said(fnzip(&site.path).args(["sbom", "out"])).out, first);
    site.file("node_modules/inside/index.js", "module.exports = 'other'");
    build(&site);
    let other = sbom(&site, &[]);
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_ne!(other["serialNumber"], first["serialNumber"]);
}

#[test]
fn a_directory_gets_a_document_a_function_and_one_of_the_site() {
    let site = site();
    let said = said(fnzip(&site.path).args(["sbom", "out", "--dir", "boms"]));
    assert_eq!((said.status, said.out.as_str()), (0, ""), "{}", said.err);
    let mut names: Vec<_> = fs::read_dir(site.path.join("boms"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["function-bundled.cdx.json", "function-plain.cdx.json", "site.cdx.json"]);
    let missing = crate::support::said(fnzip(&site.path).args(["sbom", "out", "--function", "gone"]));
    assert_eq!(missing.status, 2, "{}", missing.err);
}

#[test]
fn every_lock_file_gives_its_hashes() {
    let site = site();
    fs::remove_file(site.path.join("package-lock.json")).unwrap();
    let beside = "@scope/beside";
    for (name, text) in [
        ("package-lock.json", json!({ "dependencies": { "a": { "dependencies": { beside: { "version": "1.0.0-beta.1", "integrity": integrity() } } } } }).to_string()),
        ("pnpm-lock.yaml", format!("packages:\n\n  '{beside}@1.0.0-beta.1(react@18.0.0)':\n    resolution: {{integrity: {}, tarball: x}}\n", integrity())),
        ("pnpm-lock.yaml", format!("packages:\n\n  /{beside}/1.0.0-beta.1:\n    resolution: {{integrity: {}}}\n", integrity())),
        ("yarn.lock", format!("# yarn lockfile v1\n\n\"{beside}@^1.0.0\", \"{beside}@next\":\n  version \"1.0.0-beta.1\"\n  resolved \"x\"\n  integrity {}\n", integrity())),
    ] {
        site.file(name, text);
        let found = components(&sbom(&site, &["--function", "plain"]));
        let hashes = &found["pkg:npm/%40scope/beside@1.0.0-beta.1"]["hashes"];
        assert_eq!(*hashes, json!([{ "alg": "SHA-512", "content": "00".repeat(64) }]), "{name}");
        fs::remove_file(site.path.join(name)).unwrap();
    }
}

/// Documents of real sites, and of this one, by the schema that CycloneDX publishes.
#[test]
fn a_program_in_rust_has_the_crates_of_its_own_package() {
    let site = scratch();
    site.file("netlify.toml", "");
    let package = |name: &str, version: &str, dependencies: &[&str]| {
        let published = if version == "0.0.0" { "" } else { "source = \"registry\"\nchecksum = \"00ff\"\n" };
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{published}dependencies = {dependencies:?}\n\n"
        )
    };
    let lock = [
        package("hello", "0.0.0", &["shared", "twice 2.0.0"]),
        package("other", "0.0.0", &["unused", "twice 1.0.0"]),
        package("shared", "0.0.0", &["deep"]),
        package("deep", "1.2.3", &["shared"]),
        package("twice", "1.0.0", &[]),
        package("twice", "2.0.0", &[]),
        package("unused", "1.0.0", &[]),
    ];
    site.file("Cargo.lock", lock.concat());
    site.file("functions/hello/Cargo.toml", "[package]\nname = \"hello\"\n");
    site.file("functions/hello/src/main.rs", "");
    site.file("out/hello", tiny::program(X64, RUST));
    let row = json!({ "name": "hello", "path": "hello", "mainFile": "../functions/hello/src/main.rs", "priority": 10, "runtime": "rs" });
    let system = json!({ "arch": "x64", "platform": "linux" });
    site.file(
        "out/manifest.json",
        json!({ "functions": [row], "system": system, "timestamp": 1, "version": 1 }).to_string(),
    );
    let found = components(&sbom(&site, &[]));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["pkg:cargo/deep@1.2.3", "pkg:cargo/twice@2.0.0"]);
    assert_eq!(found["pkg:cargo/deep@1.2.3"]["hashes"], json!([{ "alg": "SHA-256", "content": "00ff" }]));
}

#[test]
fn documents_are_what_the_official_schema_says() {
    if !full() {
        return skipped("it installs packages");
    }
    install_tools();
    let mut documents = vec![sbom(&site(), &[]), sbom(&site(), &["--function", "bundled"])];
    for name in ["site", "examples"] {
        let fixture = fixture(name);
        install(&fixture);
        let scratch = scratch();
        let built = said(fnzip(&fixture).args(["bundle", "--out"]).arg(&*scratch.path.join("out")));
        assert_eq!(built.status, 0, "{}", built.err);
        let document = sbom(&scratch, &["-C", fixture.to_str().unwrap()]);
        assert!(!components(&document).is_empty(), "{name}");
        documents.push(document);
    }
    let count = documents.len();
    let wrong = script("cyclonedx.mjs", &documents.into());
    assert_eq!(wrong, Value::from(vec![Value::Null; count]), "{wrong:#}");
}
