//! Addresses, events and answers (spec: serve.md).

use serde_json::{Value, json};

use super::Serving;

const ECHO: &str = "exports.handler = async (event, context) => ({ statusCode: 200, body: JSON.stringify({ event, context, env: process.env }) })\n";
const SECOND: &str = "export default async (request, context) => Response.json({ method: request.method, url: request.url, params: context.params, ip: context.ip, cookies: context.cookies.get('a'), body: await request.text() }, { status: 201, headers: { 'set-cookie': 'x=1', 'x-a': 'b' } })\nexport const config = { path: ['/items/:id', '/plain'], method: ['GET', 'POST'], excludedPath: '/items/none' }\n";

fn echo() -> Serving {
    let toml =
        "[build.environment]\nFROM_TOML = \"toml\"\nBOTH = \"toml\"\n[context.dev.environment]\nFROM_DEV = \"dev\"\n";
    let env = "BOTH=file\nFROM_FILE='a b'\n";
    let files = [
        ("netlify.toml", toml),
        (".env", env),
        ("netlify/functions/echo.js", ECHO),
        ("netlify/functions/second.mjs", SECOND),
    ];
    Serving::of(&files, &[])
}

#[test]
fn a_version_1_function_gets_an_event() {
    let serving = echo();
    let headers = [("x-two", "a"), ("X-Two", "b"), ("cookie", "c=1"), ("content-type", "application/json")];
    let path = "/.netlify/functions/echo/more%20of?x=1&x=2&y=%C3%A4&z";
    let answer = serving.ask("POST", path, &headers, br#"{"a":1}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    let event = &answer.json()["event"];
    assert_eq!(event["path"], "/.netlify/functions/echo/more%20of");
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1, 2", "y": "ä", "z": "" }));
    assert_eq!(event["multiValueQueryStringParameters"], json!({ "x": ["1", "2"], "y": ["ä"], "z": [""] }));
    assert_eq!(event["headers"]["x-two"], "a, b");
    assert_eq!(event["multiValueHeaders"]["x-two"], json!(["a, b"]));
    assert_eq!(event["headers"]["client-ip"], "127.0.0.1");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(r#"{"a":1}"#), &json!(false)));
    assert_eq!(event["rawQuery"], "x=1&x=2&y=%C3%A4&z");
    assert_eq!(event["rawUrl"], format!("http://127.0.0.1:{}{path}", serving.port));
    let binary = serving.ask("PUT", "/.netlify/functions/echo", &[("content-type", "image/png")], &[0, 255, 7]).json();
    assert_eq!((&binary["event"]["body"], &binary["event"]["isBase64Encoded"]), (&json!("AP8H"), &json!(true)));
    assert_eq!(serving.call("echo").json()["event"].get("body"), None);
}

#[test]
fn a_function_finds_the_environment_of_the_platform_and_of_the_site() {
    let serving = echo();
    let said = serving.call("echo").json();
    let of = |name: &str| said["env"][name].as_str().unwrap_or_default().to_owned();
    for (name, value) in [
        ("NETLIFY_DEV", "true"),
        ("NETLIFY_LOCAL", "true"),
        ("CONTEXT", "dev"),
        ("DEPLOY_ID", "0"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
        ("_HANDLER", "echo.handler"),
        ("TZ", "UTC"),
        ("FROM_TOML", "toml"),
        ("FROM_DEV", "dev"),
        ("FROM_FILE", "a b"),
        ("BOTH", "file"),
    ] {
        assert_eq!(of(name), value, "{name}");
    }
    assert_eq!(said["context"]["memoryLimitInMB"], "1024", "{said:#}");
    let small = Serving::of(&[("netlify/functions/echo.js", ECHO)], &["--memory", "256"]);
    let said = small.call("echo").json();
    assert_eq!(
        (&said["env"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], &said["context"]["memoryLimitInMB"]),
        (&json!("256"), &json!("256"))
    );
}

#[test]
fn version_2_functions_have_their_addresses_and_no_other() {
    let serving = echo();
    let answer = serving.ask("POST", "/Items/5/?q=1", &[("cookie", "a=b")], b"text");
    assert_eq!((answer.status, answer.header("x-a"), answer.header("set-cookie")), (201, Some("b"), Some("x=1")));
    let said = answer.json();
    assert_eq!((&said["method"], &said["body"], &said["cookies"]), (&json!("POST"), &json!("text"), &json!("b")));
    assert_eq!(said["ip"], "127.0.0.1");
    assert_eq!(serving.get("/items/7").json()["params"], json!({ "id": "7" }));
    assert_eq!(serving.get("/plain").status, 201);
    for (method, path) in
        [("PUT", "/items/5"), ("GET", "/items/none"), ("GET", "/.netlify/functions/second"), ("GET", "/x")]
    {
        let answer = serving.ask(method, path, &[], b"");
        assert_eq!((answer.status, answer.body.as_str()), (404, "Function not found..."), "{method} {path}");
    }
}

#[test]
fn answers_are_taken_as_the_platform_takes_them() {
    let rows: [(&str, &str, u16, &str); 15] = [
        ("text", "async () => ({ statusCode: 201, body: 'made' })", 201, "made"),
        ("digits", "async () => ({ statusCode: '202' })", 202, ""),
        ("silent", "async () => ({ statusCode: 204, body: 'has a body' })", 204, ""),
        ("binary", "async () => ({ statusCode: 200, isBase64Encoded: true, body: 'aGVsbG8=' })", 200, "hello"),
        (
            "callback",
            "(event, context, done) => setTimeout(() => done(null, { statusCode: 200, body: 'later' }), 5)",
            200,
            "later",
        ),
        (
            "succeeds",
            "(event, context) => { setTimeout(() => context.succeed({ statusCode: 200, body: 'by context' }), 5) }",
            200,
            "by context",
        ),
        (
            "spread",
            "(...all) => { setTimeout(() => all[2](null, { statusCode: 200, body: 'unnamed' }), 5) }",
            200,
            "unnamed",
        ),
        ("nothing", "async () => {}", 500, "lambda response was undefined. check your function code again"),
        ("sync", "() => {}", 500, "lambda response was undefined. check your function code again"),
        ("null", "async () => null", 500, "no lambda response"),
        (
            "status",
            "async () => ({ statusCode: 'abc' })",
            500,
            "Your function response must have a numerical statusCode. You gave: 'abc'",
        ),
        (
            "object",
            "async () => ({ statusCode: 200, body: { a: 1 } })",
            500,
            "Your function response must have a string or a stream body. You gave: { a: 1 }",
        ),
        (
            "throws",
            "async () => { throw new TypeError('no') }",
            500,
            "TypeError: no\n    at exports.handler (netlify/functions/throws.js:1:",
        ),
        ("rejects", "(event, context, done) => done(new Error('called back'))", 500, "Error: called back"),
        (
            "header",
            "async () => ({ statusCode: 200, headers: { 'a b': 'c' } })",
            500,
            "TypeError: Header name must be a valid HTTP token",
        ),
    ];
    let files: Vec<(String, String)> = rows
        .iter()
        .map(|(name, handler, ..)| (format!("netlify/functions/{name}.js"), format!("exports.handler = {handler}\n")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let serving = Serving::of(&files, &[]);
    for (name, _, status, body) in rows {
        let answer = serving.call(name);
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.body.starts_with(body), "{name}: {answer:?}");
        assert!(status != 204 || answer.header("content-length").is_none(), "{name}: {answer:?}");
    }
    let page = serving.ask("GET", "/.netlify/functions/throws", &[("accept", "text/html")], b"");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("TypeError: no"), "{page:?}");
}

#[test]
fn stacks_lead_to_the_sources() {
    let typed = "type Word = string\n\nexport default async (): Promise<Response> => {\n  const word: Word = 'here'\n  throw new Error(word)\n}\n";
    let first = typed.replace("default async", "const handler = async");
    let files = [
        ("netlify/functions/one.mts", typed),
        ("netlify/functions/two/index.mts", typed),
        ("netlify/functions/three.ts", &first),
        (
            "netlify/functions/four.mts",
            "import './one.mts'\nimport '../../lib/five.mts'\nexport { default } from './one.mts'\n",
        ),
        ("lib/five.mts", "export const five: number = 5\n"),
    ];
    let serving = Serving::of(&files, &[]);
    for (name, at) in [
        ("one", "netlify/functions/one.mts:5:"),
        ("two", "netlify/functions/two/index.mts:5:"),
        ("three", "netlify/functions/three.ts:5:"),
        ("four", "netlify/functions/one.mts:5:"),
    ] {
        assert_eq!(serving.call(name).status, 500, "{name}");
        let line = serving.until(":5:");
        assert!(line.contains(&format!("({at}")) || line.contains(&format!(" {at}")), "{name}: {line}");
    }
}

#[test]
fn stacks_lead_to_the_sources_of_a_monorepo() {
    let site = crate::support::scratch();
    let boom = "type Word = string\n\n\nexport const boom = (): Word => {\n  throw new Error('here')\n}\n";
    let asks = "import { boom } from '../../../../packages/shared/src/boom.ts'\n\n";
    for (name, text) in [
        (".git/HEAD", ""),
        ("apps/web/package.json", "{}"),
        ("packages/shared/src/boom.ts", boom),
        ("apps/web/netlify/functions/one.ts", &format!("{asks}export const handler = async () => boom()\n")),
        ("apps/web/netlify/functions/two.mts", &format!("{asks}export default async () => boom()\n")),
    ] {
        site.file(name, text);
    }
    let web = site.path.join("apps/web");
    let serving = Serving::start(site, &["-C", web.to_str().unwrap()]);
    for name in ["one", "two"] {
        assert_eq!(serving.call(name).status, 500, "{name}");
        let line = serving.until(":5:");
        assert!(line.contains("(packages/shared/src/boom.ts:5:"), "{name}: {line}");
    }
}

#[test]
fn a_token_says_who_calls() {
    let handler = "exports.handler = async (event, context) => ({ statusCode: 200, body: JSON.stringify(context.clientContext) })\n";
    let serving = Serving::of(&[("netlify/functions/who.js", handler)], &[]);
    let ask = |value: &str| serving.ask("GET", "/.netlify/functions/who", &[("authorization", value)], b"").json();
    // {"email":"ada@example.com","name":"Åse"}
    let said = ask("Bearer e30.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSIsIm5hbWUiOiLDhXNlIn0.x");
    assert_eq!(said["user"], json!({ "email": "ada@example.com", "name": "Åse" }));
    assert!(said["custom"]["netlify"].is_string() && said["identity"]["url"].is_string(), "{said:#}");
    for other in ["Bearer nothing", "Basic e30.eyJhIjoxfQ.x", "Bearer a.%%.b"] {
        assert_eq!(ask(other), json!({}), "{other}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let serving = Serving::of(
        &[
            (
                "netlify/functions/echo.js",
                "exports.handler = async (event) => ({ statusCode: 200, body: String(event.body.length) })\n",
            ),
            (
                "netlify/functions/much.js",
                "exports.handler = async () => ({ statusCode: 200, body: 'x'.repeat(7 << 20) })\n",
            ),
        ],
        &[],
    );
    let ask = |bytes: usize| {
        serving.ask("POST", "/.netlify/functions/echo", &[("content-type", "text/plain")], &vec![b'x'; bytes])
    };
    assert_eq!(ask(6 << 20).body, (6 << 20).to_string());
    assert_eq!(ask((6 << 20) + 1).status, 413);
    let much = serving.call("much");
    assert_eq!(much.status, 500);
    assert!(much.body.contains("ResponseSizeTooLarge"), "{much:?}");
}

#[test]
fn files_come_first_only_where_they_are_preferred() {
    let prefer = "export default async () => new Response('function')\nexport const config = { path: '/*', preferStatic: true }\n";
    let files = [
        ("netlify/functions/all.mjs", prefer),
        (
            "netlify/functions/over.mjs",
            "export default async () => new Response('over')\nexport const config = { path: '/over.txt' }\n",
        ),
        ("public/index.html", "home"),
        ("public/a.txt", "file"),
        ("public/over.txt", "hidden"),
        ("public/about.html", "about"),
        ("public/.env", "secret"),
        ("public/.git/config", "secret"),
        ("public/.well-known/a", "known"),
        ("secret.txt", "secret"),
    ];
    let site = super::site::site(&files);
    std::os::unix::fs::symlink("../secret.txt", site.path.join("public/out.txt")).unwrap();
    std::os::unix::fs::symlink("a.txt", site.path.join("public/in.txt")).unwrap();
    std::fs::create_dir(site.path.join("public/sub")).unwrap();
    std::os::unix::fs::symlink("../../secret.txt", site.path.join("public/sub/index.html")).unwrap();
    std::fs::create_dir(site.path.join("public/real")).unwrap();
    site.file("public/real/index.html", "real");
    let serving = Serving::start(site, &["--publish", "public"]);
    for (path, body) in [
        ("/a.txt", "file"),
        ("/", "home"),
        ("/b.txt", "function"),
        ("/over.txt", "over"),
        ("/about", "about"),
        ("/about/", "about"),
        ("/in.txt", "file"),
        ("/out.txt", "function"),
        ("/.env", "function"),
        ("/%2eenv", "function"),
        ("/.git/config", "function"),
        ("/.well-known/a", "known"),
        ("/sub/", "function"),
        ("/sub", "function"),
        ("/real/?x=1", "real"),
    ] {
        assert_eq!(serving.get(path).body, body, "{path}");
    }
    for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//../secret.txt", "/a/../../secret.txt"] {
        assert!(!serving.get(path).body.contains("secret"), "{path}");
    }
}

#[test]
fn only_who_means_this_machine_is_answered() {
    let serving = Serving::of(&[("netlify/functions/echo.js", ECHO)], &[]);
    let path = "/.netlify/functions/echo";
    for (host, status) in [
        ("localhost", 200),
        ("site.localhost:9999", 200),
        ("[::1]:80", 200),
        ("127.0.0.1", 200),
        ("evil.example", 403),
        ("evil.example:9999", 403),
        ("localhost.evil.example", 403),
        ("192.168.0.1", 403),
    ] {
        assert_eq!(serving.ask("GET", path, &[("host", host)], b"").status, status, "{host}");
    }
}

#[test]
fn what_is_served_is_listed() {
    let files = [
        ("netlify/functions/echo.js", ECHO),
        ("netlify/functions/second.mjs", SECOND),
        ("netlify/functions/bad.js", "require('./gone')\nexports.handler = async () => {}\n"),
        ("netlify/functions/late-background.js", "exports.handler = async () => {}\n"),
    ];
    let serving = Serving::of(&files, &[]);
    serving.call("echo");
    let listed = serving.get("/.netlify/functions").json();
    let names: Vec<&Value> = listed["functions"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["bad", "echo", "late-background", "second"]);
    assert_eq!(listed["functions"][3]["addresses"], json!(["/items/:id", "/plain"]));
    assert_eq!(listed["calls"][0]["function"], "echo");
    let page = serving.ask("GET", "/.netlify/functions/", &[("accept", "text/html,*/*")], b"");
    assert!(page.body.contains("<!doctype html>") && page.body.contains("late-background"), "{page:?}");
    let bad = serving.call("bad");
    assert_eq!(bad.status, 500);
    assert!(bad.body.contains("Cannot find module './gone'"), "{bad:?}");
}

#[test]
fn scheduled_functions_are_called_as_their_schedule_does() {
    let handler = "exports.handler = async (event) => { console.log(event.httpMethod, event.headers['X-NF-Event'], event.body); return { statusCode: 200 } }\nexports.config = { schedule: '@daily' }\n";
    let toml = "[functions.nightly]\nschedule = \"0 0 * * *\"\n";
    let serving = Serving::of(&[("netlify.toml", toml), ("netlify/functions/nightly.js", handler)], &[]);
    let answer = serving.call("nightly");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("scheduled function"), "{answer:?}");
    let line = serving.until("[nightly] POST schedule {\"next_run\":\"");
    assert!(line.contains("T00:00:00.000Z"), "{line}");
}

#[test]
fn no_other_machine_can_reach_it() {
    let serving = Serving::of(&[("netlify/functions/echo.js", ECHO)], &[]);
    serving.call("echo");
    // Addresses stand in hexadecimal, the last byte first; `0A` is who listens.
    let listening = |table: &str| {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        let rows = text.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
        let rows = rows
            .filter(|row| row.get(3) == Some(&"0A"))
            .filter_map(|row| row.get(1)?.split_once(':').map(|(at, port)| (at.to_owned(), port.to_owned())));
        rows.collect::<Vec<_>>()
    };
    let port = format!("{:04X}", serving.port);
    let ours: Vec<String> =
        listening("/proc/net/tcp").into_iter().filter(|(_, known)| *known == port).map(|(at, _)| at).collect();
    assert_eq!(ours, ["0100007F"]);
    assert!(listening("/proc/net/tcp6").iter().all(|(_, known)| *known != port));
}
