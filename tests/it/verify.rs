//! `fnzip verify`: an archive a fault, and the findings that it has.

use std::fs;
use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{Said, Scratch, fixture, fnzip, said, scratch};

/// An entry: its name, what is in it, its mode.
type Entry<'a> = (&'a str, &'a [u8], u32);

/// Findings: severity, code, entry.
type Found<'a> = &'a [(&'a str, &'a str, &'a str)];

const HANDLER: &[u8] = b"exports.handler = async () => ({ statusCode: 200 })\n";
const GOOD: Entry<'static> = ("hello.js", HANDLER, 0o644);

/// An archive of files; a mode of a link makes a link.
fn packed(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content, mode) in entries {
        if mode & 0o170_000 == 0o120_000 {
            zip.add_symlink(*name, String::from_utf8_lossy(content), options).unwrap();
        } else {
            zip.start_file(*name, options.unix_permissions(*mode)).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn verify(site: &Scratch, flags: &[&str]) -> Said {
    let mut command = fnzip(&site.path);
    command.env_remove("FNZIP_NODE_VERSION");
    said(command.args(["verify", "out", "--json"]).args(flags))
}

/// What was found, without notes: severity, code, entry.
fn found(said: &Said) -> Vec<(String, String, String)> {
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
    assert_eq!(value["version"], 1);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let findings = value["findings"].as_array().unwrap().iter();
    findings.map(|it| (text(it, "severity"), text(it, "code"), text(it, "entry"))).collect()
}

fn with(archive: &[u8]) -> Scratch {
    let site = scratch();
    site.file("out/hello.zip", archive);
    site
}

#[track_caller]
fn check(what: &str, site: &Scratch, flags: &[&str], expected: Found<'_>) {
    let said = verify(site, flags);
    let found = found(&said);
    let shown: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(shown, expected, "{what}\n{}", said.out);
    let fails = expected.iter().any(|(severity, ..)| *severity == "error");
    assert_eq!(said.status, i32::from(fails), "{what}\n{}", said.err);
}

/// Replaces every occurrence, which has the same length.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + old.len()].copy_from_slice(new);
    }
    bytes
}

/// Where the row of the nth entry begins in the directory of an archive.
fn row(bytes: &[u8], nth: usize) -> usize {
    (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).nth(nth).unwrap()
}

fn patched(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn an_archive_must_be_whole() {
    let two = packed(&[GOOD, ("a.txt", b"some text", 0o644)]);
    let with_link = |target: &'static str| packed(&[GOOD, ("link", target.as_bytes(), 0o120_777)]);
    let damaged = replaced(&two, b"some text", b"same text");
    let cases: &[(&str, Vec<u8>, Found<'_>)] = &[
        ("nothing is wrong", packed(&[GOOD]), &[]),
        ("a name that leads out", packed(&[GOOD, ("a/../../b", b"", 0o644)]), &[("error", "bad-archive", "-")]),
        ("an absolute name", packed(&[GOOD, ("/etc/b", b"", 0o644)]), &[("error", "bad-archive", "etc/b")]),
        ("a backslash", packed(&[GOOD, ("a\\b", b"", 0o644)]), &[("error", "bad-archive", "a\\\\b")]),
        (
            "a name that is not UTF-8",
            replaced(&packed(&[GOOD, ("qqqq.txt", b"", 0o644)]), b"qqqq.txt", b"\xff\xfeqq.txt"),
            &[("error", "bad-archive", "\u{fffd}\u{fffd}qq.txt")],
        ),
        (
            "two entries of one name",
            replaced(&packed(&[GOOD, ("a.txt", b"", 0o644), ("b.txt", b"", 0o644)]), b"b.txt", b"a.txt"),
            &[("error", "bad-archive", "a.txt")],
        ),
        (
            "two names that differ by case",
            packed(&[GOOD, ("A.txt", b"1", 0o644), ("a.txt", b"2", 0o644)]),
            &[("warning", "case-clash", "a.txt")],
        ),
        ("a link that stays", with_link("hello.js"), &[]),
        ("a link that leads out", with_link("../hello.js"), &[("error", "bad-archive", "link")]),
        ("a link to the machine", with_link("/etc/passwd"), &[("error", "bad-archive", "link")]),
        ("a link to nothing", with_link("gone"), &[("error", "bad-archive", "link")]),
        ("a link to itself", with_link("link"), &[("error", "bad-archive", "link")]),
        ("a password", patched(&two, row(&two, 1) + 8, &[1, 0]), &[("error", "bad-archive", "a.txt")]),
        ("another method", patched(&two, row(&two, 1) + 10, &[12, 0]), &[("error", "bad-archive", "a.txt")]),
        ("a damaged byte", damaged, &[("error", "bad-archive", "a.txt")]),
        ("another size", patched(&two, row(&two, 1) + 24, &[8, 0, 0, 0]), &[("error", "bad-archive", "a.txt")]),
        (
            "an entry that is another's",
            patched(&two, row(&two, 1) + 42, &[0, 0, 0, 0]),
            &[
                ("error", "bad-archive", "a.txt"),
                ("error", "bad-archive", "a.txt"),
                ("error", "bad-archive", "hello.js"),
            ],
        ),
        ("cut off", two[..two.len() - 30].to_vec(), &[("error", "bad-archive", "-"), ("error", "no-handler", "-")]),
        ("nothing at all", Vec::new(), &[("error", "bad-archive", "-"), ("error", "no-handler", "-")]),
    ];
    for (what, archive, expected) in cases {
        check(what, &with(archive), &[], expected);
    }
}

#[test]
fn more_entries_than_the_old_format_has_are_no_fault() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("hello.js", options).unwrap();
    zip.write_all(HANDLER).unwrap();
    for number in 0..65_536 {
        zip.start_file(format!("data/{number}"), options).unwrap();
    }
    check("65,537 entries", &with(&zip.finish().unwrap().into_inner()), &[], &[]);
}

#[test]
fn what_would_fill_the_disk_is_not_unpacked() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("hello.js", options).unwrap();
    zip.write_all(HANDLER).unwrap();
    for number in 0..5 {
        zip.start_file(format!("zeros{number}"), options).unwrap();
        for _ in 0..240 {
            zip.write_all(&[0; 1 << 20]).unwrap();
        }
    }
    let archive = zip.finish().unwrap().into_inner();
    check("a bomb", &with(&archive), &[], &[("error", "no-handler", "-"), ("error", "too-large", "-")]);
    // An entry that says more than its bytes can stand for.
    let lie = packed(&[GOOD, ("a.txt", b"some text", 0o644)]);
    let lie = patched(&patched(&lie, row(&lie, 1) + 10, &[8, 0]), row(&lie, 1) + 24, &[0, 0, 0, 0x0f]);
    check("a lie", &with(&lie), &[], &[("error", "bad-archive", "a.txt")]);
}

#[test]
fn what_is_asked_for_must_be_there() {
    let package = |json: &'static str| ("node_modules/dep/package.json", json.as_bytes(), 0o644);
    let cases: &[(&str, &[Entry<'_>], &str, Found<'_>)] = &[
        ("no entry", &[("other.js", HANDLER, 0o644)], "24", &[("error", "no-handler", "-")]),
        ("no handler", &[("hello.js", b"exports.handle = 1", 0o644)], "24", &[("error", "no-handler", "hello.js")]),
        (
            "no handler behind the entry",
            &[("hello.js", b"module.exports = require('./a.js')", 0o644), ("a.js", b"exports.b = 1", 0o644)],
            "24",
            &[("error", "no-handler", "a.js")],
        ),
        (
            "a missing file",
            &[("hello.js", b"require('./gone')\nexports.handler = () => {}", 0o644)],
            "24",
            &[("error", "module-not-found", "hello.js")],
        ),
        (
            "a missing package, of a file behind",
            &[("hello.js", b"require('./a'); exports.handler = () => {}", 0o644), ("a.js", b"require('gone')", 0o644)],
            "24",
            &[("error", "module-not-found", "a.js")],
        ),
        (
            "one that is only asked for in a call",
            &[("hello.js", b"exports.handler = () => require('gone')", 0o644)],
            "24",
            &[("note", "module-not-found", "hello.js")],
        ),
        (
            "one that may be missing",
            &[("hello.js", b"try { require('gone') } catch {}\nexports.handler = () => {}", 0o644)],
            "24",
            &[("note", "module-not-found", "hello.js")],
        ),
        (
            "what bundlers find",
            &[("hello.mjs", b"import './a'\nexport const handler = () => {}", 0o644), ("a.js", b"", 0o644)],
            "24",
            &[("error", "module-not-found", "hello.mjs")],
        ),
        (
            "a directory",
            &[("hello.mjs", b"import './a'\nexport const handler = () => {}", 0o644), ("a/index.js", b"", 0o644)],
            "24",
            &[("error", "module-not-found", "hello.mjs")],
        ),
        (
            "what a tsconfig.json says",
            &[
                ("hello.js", b"require('@/a'); exports.handler = () => {}", 0o644),
                ("a.js", b"", 0o644),
                ("tsconfig.json", br#"{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#, 0o644),
            ],
            "24",
            &[("error", "module-not-found", "hello.js")],
        ),
        (
            "what a package does not export",
            &[
                ("hello.js", b"require('dep/b'); exports.handler = () => {}", 0o644),
                package(r#"{ "name": "dep", "exports": { ".": "./a.js" } }"#),
                ("node_modules/dep/a.js", b"", 0o644),
                ("node_modules/dep/b.js", b"", 0o644),
            ],
            "24",
            &[("error", "module-not-found", "hello.js")],
        ),
        (
            "a condition that leads to nothing",
            &[
                ("hello.js", b"require('dep'); exports.handler = () => {}", 0o644),
                package(r#"{ "name": "dep", "exports": { "import": "./a.js", "require": "./gone.cjs" } }"#),
                ("node_modules/dep/a.js", b"", 0o644),
            ],
            "24",
            &[("error", "module-not-found", "hello.js")],
        ),
        (
            "what the runtime has",
            &[("hello.js", b"require('@aws-sdk/client-s3'); require('node:fs'); exports.handler = () => {}", 0o644)],
            "24",
            &[],
        ),
        (
            "the platform's entry point",
            &[
                ("___netlify-entry-point.mjs", b"import * as bootstrap from './___netlify-bootstrap.mjs'\nexport const handler = bootstrap.getLambdaHandler('./a/hello.mjs')\n", 0o644),
                ("___netlify-bootstrap.mjs", b"export const getLambdaHandler = () => {}", 0o644),
                ("a/hello.mjs", b"import 'gone'\nexport const config = {}", 0o644),
            ],
            "24",
            &[("error", "module-not-found", "a/hello.mjs"), ("error", "no-handler", "a/hello.mjs")],
        ),
    ];
    for (what, entries, node, expected) in cases {
        check(what, &with(&packed(entries)), &["--node-version", node], expected);
    }
}

/// As workspaces are packed.
#[test]
fn links_to_folders_are_followed() {
    let entries: &[Entry<'_>] = &[
        ("hello.js", b"require('dep'); require('dep/lib'); exports.handler = () => {}", 0o644),
        ("node_modules/dep", b"../packages/dep", 0o120_777),
        ("packages/dep/package.json", br#"{ "main": "lib" }"#, 0o644),
        ("packages/dep/lib/index.js", b"require('gone')", 0o644),
    ];
    let expected = &[("error", "module-not-found", "packages/dep/lib/index.js")];
    check("a workspace", &with(&packed(entries)), &[], expected);
}

#[test]
fn the_target_must_be_able_to_run_it() {
    let module = ("a.mjs", b"export const a = 1".as_slice(), 0o644);
    let requires = ("hello.js", b"require('./a.mjs'); exports.handler = () => {}".as_slice(), 0o644);
    let cases: &[(&str, &[Entry<'_>], &str, Found<'_>)] = &[
        ("an ES module that is required", &[requires, module], "22", &[("error", "module-format", "hello.js")]),
        ("the same, later", &[requires, module], "24", &[]),
        (
            "one that waits",
            &[requires, ("a.mjs", b"export const a = await 1", 0o644)],
            "24",
            &[("error", "module-format", "hello.js")],
        ),
        (
            "an ES module by its syntax alone",
            &[("hello.js", b"export const handler = () => {}", 0o644)],
            "22",
            &[("error", "module-format", "hello.js")],
        ),
        ("the same, later", &[("hello.js", b"export const handler = () => {}", 0o644)], "24", &[]),
        (
            "CommonJS by its name",
            &[("hello.cjs", b"export const handler = () => {}", 0o644)],
            "24",
            &[("error", "module-format", "hello.cjs")],
        ),
        (
            "CommonJS by its package",
            &[
                ("hello.js", b"export const handler = () => {}", 0o644),
                ("package.json", br#"{ "type": "commonjs" }"#, 0o644),
            ],
            "24",
            &[("error", "module-format", "hello.js")],
        ),
        (
            "syntax that came later",
            &[("hello.mjs", b"export const handler = () => { using a = b() }", 0o644)],
            "22",
            &[("error", "syntax", "hello.mjs")],
        ),
        ("JSX", &[("hello.js", b"exports.handler = () => <a></a>", 0o644)], "24", &[("error", "syntax", "hello.js")]),
        ("no syntax", &[("hello.js", b"exports.handler = () => {", 0o644)], "24", &[("error", "syntax", "hello.js")]),
        (
            "a program that cannot be executed",
            &[("bootstrap", b"#!/bin/sh\n", 0o644)],
            "24",
            &[("error", "bad-archive", "bootstrap")],
        ),
        ("a program", &[("bootstrap", b"#!/bin/sh\n", 0o755)], "24", &[]),
        (
            "a program that is none",
            &[("bootstrap", b"exports.handler", 0o755)],
            "24",
            &[("error", "foreign-binary", "bootstrap")],
        ),
        (
            "a program for another system",
            &[("bootstrap", MACH_O, 0o755)],
            "24",
            &[("error", "foreign-binary", "bootstrap")],
        ),
        (
            "a binary for another system",
            &[("hello.js", b"require('./a.node'); exports.handler = () => {}", 0o644), ("a.node", MACH_O, 0o644)],
            "24",
            &[("error", "addon", "a.node")],
        ),
        (
            "a binary for another Node",
            &[("hello.js", b"require('./a.node'); exports.handler = () => {}", 0o644), ("a.node", ABI_115, 0o644)],
            "24",
            &[("error", "foreign-binary", "a.node")],
        ),
        (
            "one for this Node",
            &[("hello.js", b"require('./a.node'); exports.handler = () => {}", 0o644), ("a.node", ABI_115, 0o644)],
            "20",
            &[],
        ),
        (
            "one of several, of which one fits",
            &[
                ("hello.js", b"require('./a.node'); require('./b.node'); exports.handler = () => {}", 0o644),
                ("a.node", ABI_115, 0o644),
                ("b.node", b"napi_register_module_v1", 0o644),
            ],
            "24",
            &[("note", "foreign-binary", "a.node")],
        ),
        ("one that nobody asks for", &[GOOD, ("a.node", MACH_O, 0o644)], "24", &[("note", "foreign-binary", "a.node")]),
    ];
    for (what, entries, node, expected) in cases {
        check(what, &with(&packed(entries)), &["--node-version", node], expected);
    }
}

/// The header of a 64-bit library for macOS on ARM, without any commands.
const MACH_O: &[u8] =
    &[0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// What an addon for Node 20 has in its table of names.
const ABI_115: &[u8] = b"\0node_register_module_v115\0";

#[test]
fn what_must_not_ship_is_told() {
    let key = b"-----BEGIN PRIVATE KEY-----\n".as_slice();
    let cases: &[(&str, &[u8], Found<'_>)] = &[
        (".env", b"A=1", &[("error", "secret", ".env")]),
        ("config/.env.production", b"A=1", &[("error", "secret", "config/.env.production")]),
        (".env.example", b"A=1", &[]),
        (".git/config", b"", &[("error", "secret", ".git/config")]),
        ("certs/server.key", key, &[("error", "secret", "certs/server.key")]),
        ("certs/server.pem", b"-----BEGIN CERTIFICATE-----\n", &[]),
        (".npmrc", b"//registry.npmjs.org/:_authToken=npm_1", &[("error", "secret", ".npmrc")]),
        (".npmrc", b"legacy-peer-deps=true", &[]),
        ("node_modules/dep/test/server.key", key, &[("note", "secret", "node_modules/dep/test/server.key")]),
    ];
    for (name, content, expected) in cases {
        check(name, &with(&packed(&[GOOD, (name, content, 0o644)])), &[], expected);
    }
    let site = scratch();
    let place = format!("exports.handler = () => '{}/lib'", site.path);
    site.file("out/hello.zip", packed(&[("hello.js", place.as_bytes(), 0o644)]));
    check("a path of the machine", &site, &[], &[("warning", "build-path", "hello.js")]);
    check("a path of the machine", &site, &["--strict"], &[("error", "build-path", "hello.js")]);
}

#[test]
fn limits_are_those_of_the_platform_or_of_the_site() {
    let site = with(&packed(&[GOOD, ("node_modules/dep/data", &[b'a'; 3000], 0o644)]));
    site.file("netlify.toml", "[fnzip]\nlimits = { zipped = \"2kb\", unzipped = \"3kb\" }\n");
    let too_large = ("error", "too-large", "-");
    check("too large", &site, &[], &[too_large, ("warning", "too-large", "-")]);
    site.file("netlify.toml", "[fnzip]\nlimits = { zipped = \"4kb\", unzipped = \"2kb\" }\n");
    check("too large", &site, &[], &[too_large]);
    let name = "n".repeat(256);
    let site = with(&packed(&[GOOD, (&name, b"", 0o644)]));
    check("a long name", &site, &[], &[("error", "too-large", &name)]);
    site.file("netlify.toml", "[fnzip]\nlimits = { name = 300 }\n");
    check("a platform that takes it", &site, &[], &[]);
    site.file("netlify.toml", "[fnzip]\nlimits = { name = 300, path = 200 }\n");
    check("a long path", &site, &[], &[("error", "too-large", &name)]);
}

/// A row as packagers write it.
fn manifest(rows: &[(&str, &str, Value)]) -> String {
    let row = |(name, path, more): &(&str, &str, Value)| {
        let mut row = json!({
            "name": name, "path": path, "mainFile": format!("/repo/netlify/functions/{name}.js"), "priority": 10,
            "runtime": "js",
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let system = json!({ "arch": "x64", "platform": "linux" });
    json!({ "functions": rows, "system": system, "timestamp": 1, "version": 1 }).to_string()
}

#[test]
fn the_manifest_and_the_archives_agree() {
    let site = with(&packed(&[GOOD]));
    let row = |path: &'static str, more: Value| manifest(&[("hello", path, more)]);
    let error = ("error", "manifest", "-");
    for (what, text, expected) in [
        ("as the peer writes it", row("hello.zip", json!({})), &[][..]),
        ("built elsewhere, and moved here", row("/elsewhere/out/hello.zip", json!({})), &[]),
        ("another archive", row("other.zip", json!({})), &[error, error]),
        ("another size", row("hello.zip", json!({ "fnzip": { "entries": 1, "size": 1 } })), &[error]),
        ("another hash", row("hello.zip", json!({ "fnzip": { "entries": 1, "sha256": "00" } })), &[error]),
        ("no manifest", "[]".to_owned(), &[error]),
        ("a later version", row("hello.zip", json!({})).replace("\"version\":1", "\"version\":2"), &[error]),
        (
            "one archive for two",
            manifest(&[("hello", "hello.zip", json!({})), ("other", "hello.zip", json!({}))]),
            &[error],
        ),
        ("no function", manifest(&[]), &[error]),
    ] {
        site.file("out/manifest.json", text);
        check(what, &site, &[], expected);
    }
    fs::remove_file(site.path.join("out/manifest.json")).unwrap();
    check("a manifest that was named", &site, &["--manifest", "out/manifest.json"], &[error]);
}

#[test]
fn the_manifest_says_on_which_node_a_function_runs() {
    let site = with(&packed(&[("hello.js", b"export const handler = () => {}", 0o644)]));
    for (version, expected) in [("nodejs20.x", &[("error", "module-format", "hello.js")][..]), ("nodejs24.x", &[])] {
        site.file("out/manifest.json", manifest(&[("hello", "hello.zip", json!({ "runtimeVersion": version }))]));
        check(version, &site, &[], expected);
    }
}

#[test]
fn other_functions_do_not_ship_unasked() {
    let site = scratch();
    let main = ("netlify/functions/one.js", HANDLER, 0o644);
    let entry = ("one.js", b"module.exports = require('./netlify/functions/one.js')".as_slice(), 0o644);
    let other = ("netlify/functions/two.js", HANDLER, 0o644);
    site.file("out/one.zip", packed(&[entry, main, other]));
    site.file("out/two.zip", packed(&[("two.js", HANDLER, 0o644)]));
    site.file("out/manifest.json", manifest(&[("one", "one.zip", json!({})), ("two", "two.zip", json!({}))]));
    check("included", &site, &[], &[("error", "secret", "netlify/functions/two.js")]);
    let imports = ("netlify/functions/one.js", b"exports.handler = require('./two').handler".as_slice(), 0o644);
    site.file("out/one.zip", packed(&[entry, imports, other]));
    check("imported", &site, &[], &[]);
}

#[test]
fn junit_has_a_case_a_function() {
    let site = with(&packed(&[("hello.js", b"require('<gone>'); exports.handler = () => {}", 0o644)]));
    site.file("out/good.zip", packed(&[("good.js", HANDLER, 0o644)]));
    assert_eq!(verify(&site, &["--junit", "report.xml"]).status, 1);
    insta::assert_snapshot!(
        fs::read_to_string(site.path.join("report.xml")).unwrap().replace(site.path.to_str().unwrap(), "/site")
    );
}

#[test]
fn what_cannot_be_verified_is_a_wrong_call() {
    let site = scratch();
    let said = verify(&site, &[]);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{}", said.err);
    site.file("out/nothing", "");
    check("nothing to verify", &site, &[], &[("warning", "no-functions", "-")]);
}

#[test]
fn what_fnzip_builds_is_fit() {
    for name in ["quickstart", "examples"] {
        let site = scratch();
        let out = site.path.join("out");
        let mut command = fnzip(&fixture(name));
        let built = said(command.args(["bundle", "--out"]).arg(&*out));
        assert_eq!(built.status, 0, "{}", built.err);
        let said = said(fnzip(&fixture(name)).args(["verify", "--json"]).arg(&*out));
        let errors: Vec<_> = found(&said).into_iter().filter(|(severity, ..)| severity != "note").collect();
        assert!(errors.is_empty() && said.status == 0, "{name}: {}", said.out);
    }
}
