//! `fnzip verify --load`: functions that do not load, each in its own way, and what is said of them.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{Said, Scratch, fixture, fnzip, said, scratch};

pub(crate) fn packed(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn load(site: &Scratch, flags: &[&str]) -> Said {
    let temporary = site.path.join("tmp");
    fs::create_dir_all(&*temporary).unwrap();
    let mut command = fnzip(&site.path);
    // Nothing but what stands here is the function's business.
    command.env_remove("FNZIP_NODE_VERSION").env("TMPDIR", &*temporary).env("SECRET_OF_THE_CALLER", "1");
    let said = said(command.args(["verify", "out", "--json", "--load"]).args(flags));
    let left: Vec<_> = fs::read_dir(&*temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    said
}

/// Severity, entry and message of what was found, without what is about the machine's Node.
pub(crate) fn found(said: &Said) -> Vec<(String, String, String)> {
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let findings = value["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "load");
    let found = findings.map(|it| (text(it, "severity"), text(it, "entry"), text(it, "message")));
    found.filter(|(_, _, message)| !message.starts_with("loaded by Node")).collect()
}

#[track_caller]
pub(crate) fn check(what: &str, entries: &[(&str, &str)], flags: &[&str], expected: &[(&str, &str, &str)]) {
    let site = scratch();
    site.file("out/hello.zip", packed(entries));
    let said = load(&site, flags);
    let found = found(&said);
    let matches = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.0 == expected.0 && found.1 == expected.1 && found.2.starts_with(expected.2));
    assert!(matches, "{what}: {found:#?}\n{}", said.err);
    assert_eq!(said.status, i32::from(expected.iter().any(|it| it.0 == "error")), "{what}\n{}", said.err);
}

#[test]
fn what_fails_is_told_by_what_it_is() {
    let handler = "exports.handler = async () => ({ statusCode: 200 })\n";
    let with = |text: &str| format!("{text}\n{handler}");
    for (what, text, flags, expected) in [
        ("it loads", String::new(), &[][..], &[][..]),
        (
            "a module whose name is worked out",
            with("require('./' + ['go', 'ne'].join(''))"),
            &[],
            &[("error", "hello.js", "does not load: Error: Cannot find module './gone'")],
        ),
        (
            "what the runtime has",
            with("require('@aws-sdk/client-s3')"),
            &[],
            &[("note", "-", "could not be run to its end: `@aws-sdk/client-s3` is the runtime's")],
        ),
        (
            "data that is not there",
            with("require('fs').readFileSync(__dirname + '/' + 'gone.txt'.slice(0))"),
            &[],
            &[("error", "hello.js", "does not load: Error: ENOENT: no such file or directory, open 'gone.txt'")],
        ),
        (
            "a variable that is not set",
            with("if (!process.env.API_KEY) throw new Error('no key')"),
            &[],
            &[("warning", "hello.js", "throws while it is loaded: Error: no key")],
        ),
        ("the same, set", with("if (!process.env.API_KEY) throw new Error('no key')"), &["--env", "API_KEY=1"], &[]),
        (
            "the same, as an error",
            with("if (!process.env.API_KEY) throw new Error('no key')"),
            &["--strict"],
            &[("error", "hello.js", "throws while it is loaded: Error: no key")],
        ),
        ("the caller's own variables", with("if (process.env.SECRET_OF_THE_CALLER) throw new Error('seen')"), &[], &[]),
        (
            "one of them, handed on",
            with("if (process.env.SECRET_OF_THE_CALLER) throw new Error('seen')"),
            &["--env", "SECRET_OF_THE_CALLER"],
            &[("warning", "hello.js", "throws while it is loaded: Error: seen")],
        ),
        (
            "an exit",
            with("process.exit(3)"),
            &[],
            &[("error", "hello.js", "calls `process.exit(3)` while it is loaded")],
        ),
        ("a hang", with("for (;;);"), &["--timeout", "1"], &[("error", "-", "loading it takes longer than 1 s")]),
        (
            "a rejection that nobody handles",
            with("Promise.reject(new Error('late'))"),
            &[],
            &[("warning", "hello.js", "leaves a promise rejected while it is loaded: Error: late")],
        ),
        (
            "too much to read",
            with("for (let i = 0; i < 40; i++) require('fs').writeSync(1, 'a'.repeat(65536))"),
            &[],
            &[("warning", "-", "prints more than 1 MB")],
        ),
        (
            "too much memory",
            with("const all = []; for (;;) all.push(new Array(10000).fill({}))"),
            &["--memory", "32"],
            &[("error", "-", "needs more than the 32 MB of memory that it gets")],
        ),
        ("a crash", with("process.abort()"), &[], &[("error", "-", "Node crashes while it is loaded (signal 6)")]),
        (
            "no function",
            "exports.handler = {}".to_owned(),
            &[],
            &[("error", "-", "its `handler` is an object, and not a function")],
        ),
        (
            "an error of the user's own",
            with("throw 'just a word'"),
            &[],
            &[("warning", "-", "throws while it is loaded: just a word")],
        ),
    ] {
        let text = if text.is_empty() { handler.to_owned() } else { text };
        check(what, &[("hello.js", &text)], flags, expected);
    }
}

#[test]
fn modules_are_loaded_as_the_platform_does() {
    let never = "await new Promise(() => {})\nexport const handler = () => {}";
    check("a wait", &[("hello.mjs", never)], &[], &[("error", "-", "waits at its top for something that never comes")]);
    let borrowed = "export const handler = () => {}\nconsole.log(__dirname.length)";
    let expected = [("error", "hello.mjs", "does not load: ReferenceError: __dirname is not defined")];
    check("CommonJS's own", &[("hello.mjs", borrowed)], &[], &expected);
    let named =
        [("hello.mjs", "import { b } from './a.mjs'\nexport const handler = b"), ("a.mjs", "export const a = 1")];
    check("a name that is not exported", &named, &[], &[("error", "hello.mjs", "does not load: SyntaxError")]);
    let entry = "import * as bootstrap from './___netlify-bootstrap.mjs'\nimport * as func from './a.mjs'\nexport const handler = bootstrap.getLambdaHandler(func)";
    let bootstrap = "export const getLambdaHandler = () => async () => {}";
    let site = |main: &'static str| {
        [("___netlify-entry-point.mjs", entry), ("___netlify-bootstrap.mjs", bootstrap), ("a.mjs", main)]
    };
    check("version 2", &site("export default async () => new Response('')"), &[], &[]);
    check("version 2 with a member to call", &site("export default { fetch: () => new Response('') }"), &[], &[]);
    let expected = [("error", "-", "its default export is an object, and not a function")];
    check("version 2 without a function", &site("export default {}"), &[], &expected);
}

#[test]
fn variables_come_from_netlify_toml_files_and_flags() {
    let site = scratch();
    let text = "throw new Error([process.env.ONE, process.env.TWO, process.env.THREE].join())";
    site.file("out/hello.zip", packed(&[("hello.js", text)]));
    site.file("netlify.toml", "[build.environment]\nONE = \"toml\"\nTWO = \"toml\"\nTHREE = \"toml\"\n");
    site.file(".env.test", "TWO=file\nTHREE=\"file\" # a comment\n");
    let said = load(&site, &["--env-file", ".env.test", "--env", "THREE=flag"]);
    assert_eq!(found(&said)[0].2, "throws while it is loaded: Error: toml,file,flag");
    let missing = load(&site, &["--env-file", "gone"]);
    assert_eq!(missing.status, 2, "{}", missing.err);
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    let site = scratch();
    site.file("out/hello.zip", packed(&[("hello.js", "for (;;);")]));
    let temporary = site.path.join("tmp");
    fs::create_dir_all(&*temporary).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_fnzip"))
        .args(["verify", "out", "--load", "--timeout", "300"])
        .current_dir(&*site.path)
        .env("TMPDIR", &*temporary)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let left = || {
        fs::read_dir(&*temporary)
            .unwrap()
            .filter_map(|it| Some(it.ok()?.path().join("task/hello.js")))
            .collect::<Vec<_>>()
    };
    let start = Instant::now();
    while !left().iter().any(|path| path.exists()) {
        assert!(start.elapsed() < Duration::from_secs(60), "it has not begun");
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupted = Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let status = run.wait().unwrap();
    assert!(!status.success());
    assert_eq!(left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn lambda_takes_so_many_variables() {
    let site = scratch();
    site.file("out/hello.zip", packed(&[("hello.js", "exports.handler = () => {}")]));
    for (len, status) in [(4000, 0), (4200, 1)] {
        site.file(".env.test", format!("ONE={}\n", "1".repeat(len)));
        let said = load(&site, &["--env-file", ".env.test"]);
        assert_eq!((said.status, said.out.contains("too-large")), (status, status == 1), "{}", said.err);
    }
    site.file("netlify.toml", "[fnzip]\nlimits = { environment = 5000 }\n");
    let said = load(&site, &["--env-file", ".env.test"]);
    assert_eq!(said.status, 0, "{}", said.err);
}

#[test]
fn there_is_no_network_unless_it_is_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    let text = format!("await fetch('http://127.0.0.1:{port}/')\nexport const handler = () => {{}}");
    let site = scratch();
    site.file("out/hello.zip", packed(&[("hello.mjs", &text)]));
    let said = load(&site, &["--allow-net"]);
    assert_eq!((said.status, calls.load(Ordering::SeqCst)), (0, 1), "{}", said.err);
    let said = load(&site, &[]);
    if said.err.contains("the system has no way to leave it out") {
        return crate::support::skipped("the system has no network namespaces");
    }
    assert_eq!((found(&said).len(), calls.load(Ordering::SeqCst)), (1, 1), "{}", said.err);
}

#[test]
fn what_fnzip_builds_loads() {
    for name in ["quickstart", "examples"] {
        let site = scratch();
        let built = said(fnzip(&fixture(name)).args(["bundle", "--out"]).arg(&*site.path.join("out")));
        assert_eq!(built.status, 0, "{}", built.err);
        let said = load(&site, &["--node-version", "24"]);
        let failed: Vec<_> = found(&said).into_iter().filter(|(severity, ..)| severity != "note").collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
    }
}
