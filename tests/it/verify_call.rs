//! `fnzip verify --load --call`: functions that are called, with what they answer; and programs on a Runtime API.

use std::io::{Cursor, Write};

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{Scratch, fnzip, said, scratch};
use crate::tiny::{self, ARM64, GO, X64};
use crate::verify_load::{check, found, load};

const CALL: &[&str] = &["--call", "auto"];

/// A version 1 function with this body.
fn handler(body: &str) -> String {
    format!("exports.handler = async (event, context) => {{ {body} }}\n")
}

#[test]
fn answers_are_what_the_platform_can_send() {
    for (body, expected) in [
        ("return { statusCode: 200, body: 'hello' }", &[][..]),
        ("return { statusCode: 204 }", &[]),
        ("return { statusCode: 404, body: '' }", &[]),
        ("", &[("warning", "-", "answers `http-get` with nothing")]),
        ("return 'hello'", &[("warning", "-", "answers `http-get` with a string, and not with a response")]),
        ("return { body: 'hello' }", &[("warning", "-", "answers `http-get` without a `statusCode`")]),
        (
            "return { statusCode: '200' }",
            &[("warning", "-", "answers `http-get` with the `statusCode` \"200\", which is no number")],
        ),
        (
            "return { statusCode: 200, body: { a: 1 } }",
            &[("warning", "-", "answers `http-get` with a body that is an object, and not a string")],
        ),
        (
            "return { statusCode: 502, body: 'no luck' }",
            &[("warning", "-", "answers with 502 when it is called with `http-get`: no luck")],
        ),
        (
            "throw new Error('boom')",
            &[("warning", "hello.js", "throws when it is called with `http-get`: Error: boom")],
        ),
        (
            "require('./' + ['go', 'ne'].join(''))",
            &[("error", "hello.js", "fails when it is called with `http-get`: Error: Cannot find module './gone'")],
        ),
        ("await new Promise(() => {})", &[("error", "-", "never answers `http-get`: nothing is left to wait for")]),
        (
            "await new Promise((done) => setTimeout(done, 5000))",
            &[("error", "-", "does not answer `http-get` within 1 s")],
        ),
        ("for (;;);", &[("error", "-", "does not answer `http-get` within 1 s")]),
        ("process.exit(4)", &[("error", "hello.js", "calls `process.exit(4)` when it is called with `http-get`")]),
        ("process.abort()", &[("error", "-", "Node crashes when it is called with `http-get` (signal 6)")]),
        (
            "setTimeout(() => { throw new Error('late') }); return new Promise(() => {})",
            &[("warning", "hello.js", "throws when it is called with `http-get`: Error: late")],
        ),
    ] {
        check(body, &[("hello.js", &handler(body))], &["--call", "auto", "--timeout", "1"], expected);
    }
    let returned = [("hello.js", "exports.handler = () => ({ statusCode: 200 })")];
    let expected = [("warning", "-", "answers `http-get` with nothing")];
    check("no promise", &returned, CALL, &expected);
    let callback = "exports.handler = (event, context, done) => setTimeout(() => done(null, { statusCode: 200 }), 5)";
    check("a callback", &[("hello.js", callback)], CALL, &[]);
    let failing = "exports.handler = (event, context, done) => done(new Error('no'))";
    let expected = [("warning", "hello.js", "throws when it is called with `http-get`: Error: no")];
    check("a callback with an error", &[("hello.js", failing)], CALL, &expected);
}

#[test]
fn a_missing_variable_is_named_there_too() {
    let site = scratch();
    let body = "if (!process.env.MAILGUN_API_KEY) throw new Error('no key')\nreturn { statusCode: 200 }";
    site.file("out/hello.zip", crate::verify_load::packed(&[("hello.js", &handler(body))]));
    let said = load(&site, CALL);
    assert!(said.err.contains("a missing variable? it read `MAILGUN_API_KEY`"), "{}", said.err);
    assert_eq!(found(&load(&site, &["--call", "auto", "--env", "MAILGUN_API_KEY=1"])), []);
}

/// A site whose functions tell what they were called with, by failing.
fn telling(files: &[(&str, &str)]) -> Scratch {
    let site = scratch();
    for (name, text) in files {
        site.file(&format!("netlify/functions/{name}"), text);
    }
    let built = said(fnzip(&site.path).args(["bundle", "--out", "out"]));
    assert_eq!(built.status, 0, "{}", built.err);
    site
}

#[test]
fn each_is_called_as_its_kind_is() {
    let tell = "throw new Error([event.httpMethod, event.path, event.headers['x-nf-event'] ?? event.headers['x-netlify-event'] ?? '-', event.body?.slice(0, 60)].join(' '))";
    let first = handler(tell);
    let second = |config: &str| {
        format!(
            "export default async (request, context) => {{ throw new Error([request.method, new URL(request.url).pathname, JSON.stringify(context.params), await request.text()].join(' ')) }}\nexport const config = {config}"
        )
    };
    let events = "export default {\n  async deploySucceeded({ deploy, site }) { throw new Error([deploy.state, deploy.permalinkUrl, site.name].join(' ')) },\n  async userSignup({ user }) { throw new Error([user.email, user.name, user.roles].join(' ')) },\n  async formSubmitted({ data }) { throw new Error(data.message) },\n}";
    let site = telling(&[
        // Nobody waits for its answer.
        ("quiet-background.js", &handler("")),
        ("plain.js", &first),
        ("deploy-failed.js", &first),
        ("submission-created.js", &first),
        ("routed.mjs", &second("{ path: '/shop/:item/*', method: 'POST' }")),
        ("nightly.mjs", &second("{ schedule: '@daily' }")),
        ("events.mjs", events),
    ]);
    let said = load(&site, &["--call", "auto", "--node-version", "24"]);
    let mut told: Vec<String> = found(&said).into_iter().map(|(_, _, message)| message).collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn samples_and_files_are_sent_to_whom_they_are_for() {
    let site = scratch();
    let tell = handler("throw new Error(event.httpMethod + JSON.stringify(event.body))");
    for name in ["hello", "other"] {
        site.file(&format!("out/{name}.zip"), crate::verify_load::packed(&[(&format!("{name}.js"), &tell)]));
    }
    site.file("my event.json", json!({ "httpMethod": "PUT", "body": "mine" }).to_string());
    let said = load(&site, &["--call", "hello=my event.json", "--call", "other=http-post"]);
    let told: Vec<String> = found(&said).into_iter().map(|(_, _, message)| message).collect();
    assert_eq!(
        told,
        [
            "throws when it is called with `my event.json`: Error: PUT\"mine\"",
            "throws when it is called with `http-post`: Error: POST\"{\\\"hello\\\":\\\"world\\\"}\"",
        ]
    );
    for (word, hint) in [("http-gte", "did you mean `http-get`?"), ("gone.json", "samples are auto, http-get")] {
        let said = load(&site, &["--call", word]);
        assert_eq!(said.status, 2, "{}", said.err);
        assert!(said.err.contains(hint), "{}", said.err);
    }
    let said = load(&site, &["--call", "nobody=http-get"]);
    assert!(said.err.contains("there is no function `nobody`"), "{}", said.err);
}

#[test]
fn streams_are_answers_too() {
    let streaming = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n  stream = awslambda.HttpResponseStream.from(stream, { statusCode: STATUS })\n  stream.write('a')\n  stream.end('b')\n})";
    check("it streams", &[("hello.js", &streaming.replace("STATUS", "200"))], CALL, &[]);
    let expected = [("warning", "-", "answers with 503 when it is called with `http-get`: ab")];
    check("it fails", &[("hello.js", &streaming.replace("STATUS", "503"))], CALL, &expected);
    let open = streaming.replace("stream.end('b')", "").replace("STATUS", "200");
    let expected = [("error", "-", "never answers `http-get`: nothing is left to wait for")];
    check("it never ends", &[("hello.js", &open)], CALL, &expected);
}

#[test]
fn version_2_functions_hide_what_they_throw_in_an_answer() {
    let site = telling(&[
        ("fine.mjs", "export default async () => new Response('fine')"),
        ("lazy.mjs", "export default async () => { await import('./' + ['go', 'ne.mjs'].join('')) }"),
        ("sad.mjs", "export default async () => { throw new Error('boom') }"),
        ("typed.mjs", "export default async () => JSON.parse('{')"),
    ]);
    let said = load(&site, &["--call", "http-get", "--node-version", "24"]);
    let mut told = found(&said);
    told.sort();
    let starts = [
        ("error", "fails when it is called with `http-get`: Error: Cannot find module"),
        ("warning", "answers with 500 when it is called with `http-get`: Error: boom"),
        ("warning", "answers with 500 when it is called with `http-get`: SyntaxError: Expected property name"),
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (told, (severity, message)) in told.iter().zip(starts) {
        assert!(told.0 == severity && told.2.starts_with(message), "{told:?}");
    }
}

/// An archive of a program, a script that Node runs.
fn program(script: &str) -> Vec<u8> {
    let node = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|directory| directory.join("node")).find(|node| node.is_file())
    });
    let node = node.expect("Node is installed").canonicalize().unwrap();
    let text = format!("#!{}\n{RUNTIME}\n{script}", node.display());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// What a program needs to ask for an event and to answer it.
const RUNTIME: &str = "
const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/'
const next = async () => {
  const response = await fetch(api + 'invocation/next')
  return { id: response.headers.get('lambda-runtime-aws-request-id'), event: await response.json() }
}
const post = (path, value) => fetch(api + path, { method: 'POST', body: JSON.stringify(value) })
const serve = async (answer) => {
  for (;;) {
    const { id, event } = await next()
    await post(`invocation/${id}/response`, await answer(event))
  }
}
";

#[track_caller]
fn runs(what: &str, script: &str, flags: &[&str], expected: &[(&str, &str)]) {
    let site = scratch();
    site.file("out/hello.zip", program(script));
    let said = load(&site, flags);
    let found: Vec<_> = found(&said).into_iter().map(|(severity, _, message)| (severity, message)).collect();
    let expected: Vec<_> = expected.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
    assert_eq!(found, expected, "{what}\n{}", said.err);
}

#[test]
fn programs_run_on_a_runtime_api() {
    let answer = "serve(async (event) => ({ statusCode: 200, body: event.path }))";
    runs("it is ready", answer, &[], &[]);
    runs("it answers", answer, CALL, &[]);
    runs("twice", answer, &["--call", "http-get", "--call", "http-post"], &[]);
    let told = "answers `http-get` without a `statusCode`";
    runs("it answers something", "serve(async () => ({}))", CALL, &[("warning", told)]);
    let told = "throws while it is loaded: Init: no table";
    let failing = "await post('init/error', { errorType: 'Init', errorMessage: 'no table' }); process.exit(1)";
    let failing = format!("(async () => {{ {failing} }})()");
    runs("it cannot be made ready", &failing, &[], &[("warning", told)]);
    let told = "its program ends with status 3 while it is loaded";
    runs("it ends", "process.exit(3)", &[], &[("error", told)]);
    let told = "its program crashes while it is loaded (signal 6)";
    runs("it crashes", "process.abort()", &[], &[("error", told)]);
    let told = "loading it takes longer than 1 s";
    runs("it never asks", "setInterval(() => {}, 9)", &["--timeout", "1"], &[("error", told)]);
    let told = "throws when it is called with `http-get`: Oops: no";
    let failing = "const { id } = await next(); await post(`invocation/${id}/error`, { errorType: 'Oops', errorMessage: 'no' }); await next()";
    let failing = format!("(async () => {{ {failing} }})()");
    runs("it fails", &failing, CALL, &[("warning", told)]);
    let told = "does not answer `http-get` within 1 s";
    let silent = "(async () => { await next(); setInterval(() => {}, 9) })()";
    runs("it is silent", silent, &["--call", "auto", "--timeout", "1"], &[("error", told)]);
    let told = "its program ends with status 5 when it is called with `http-get`";
    runs("it ends then", "(async () => { await next(); process.exit(5) })()", CALL, &[("error", told)]);
    let told = "asks the Runtime API for `/2018-06-01/runtime/invocation/7/response` when it is called with `http-get`";
    let lost = "(async () => { await next(); await post('invocation/7/response', {}); setInterval(() => {}, 9) })()";
    let expected = [("error", told), ("error", "does not answer `http-get` within 1 s")];
    runs("it answers another", lost, &["--call", "auto", "--timeout", "1"], &expected);
}

#[test]
fn a_program_for_another_machine_is_not_started() {
    let site = scratch();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    let [machine, arch] = if cfg!(target_arch = "x86_64") {
        [ARM64.to_string(), "arm64".into()]
    } else {
        [X64.to_string(), "amd64".into()]
    };
    zip.write_all(&tiny::program(machine.parse().unwrap(), GO)).unwrap();
    site.file("out/hello.zip", zip.finish().unwrap().into_inner());
    let said = load(&site, &["--arch", &arch]);
    let found = found(&said);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(found.len() == 1 && found[0].0 == "note" && found[0].2.starts_with("not started: "), "{found:?}");
}
