//! The pages of the server in a real browser: what is served, a call, and a failure.

use serde_json::json;

use super::Serving;
use crate::support::{full, script, skipped};
use crate::toolchains::has;

const FUNCTIONS: &[(&str, &str)] = &[
    ("netlify/functions/hello.js", "exports.handler = async () => ({ statusCode: 200, body: 'Hello, browser' })\n"),
    (
        "netlify/functions/fails.js",
        "exports.handler = async () => { throw new TypeError('<script>alert(1)</script>') }\n",
    ),
    ("netlify/functions/count-background.js", "exports.handler = async () => {}\n"),
    ("netlify/functions/broken.js", "exports.handler = async () => {\n"),
    (
        "netlify/functions/items.mjs",
        "export default async () => new Response('items')\nexport const config = { path: ['/items', '/items/:id'] }\n",
    ),
];

#[test]
fn a_browser_shows_what_is_served_calls_it_and_sees_it_fail() {
    if !full() {
        return skipped("it drives Chromium");
    }
    if !has("chromium") {
        return;
    }
    let serving = Serving::of(FUNCTIONS, &[]);
    let seen = script("browser.mjs", &json!({ "url": format!("http://127.0.0.1:{}", serving.port) }));
    let listed = &seen["listed"];
    assert_eq!((&listed["title"], &listed["heading"]), (&json!("Functions"), &json!("Functions")));
    let names: Vec<&str> = listed["functions"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(names, ["broken", "count-background", "fails", "hello", "items"], "{listed:#}");
    assert!(listed["functions"][0][1].as_str().unwrap().contains("broken.js:"), "{listed:#}");
    let kinds: Vec<&str> = listed["functions"].as_array().unwrap().iter().map(|row| row[2].as_str().unwrap()).collect();
    assert_eq!(kinds, ["synchronous", "background", "synchronous", "synchronous", "synchronous"]);
    // A pattern is no address.
    assert!(listed["links"].as_array().unwrap().contains(&json!("/items")), "{listed:#}");
    assert!(!listed["links"].as_array().unwrap().contains(&json!("/items/:id")), "{listed:#}");

    assert_eq!(seen["called"], json!({ "url": "/.netlify/functions/hello", "text": "Hello, browser" }));

    let failed = &seen["failed"];
    assert_eq!((&failed["title"], &failed["scripts"]), (&json!("fails has failed"), &json!(0)));
    let words = failed["text"].as_str().unwrap();
    assert!(words.starts_with("TypeError: <script>alert(1)</script>\n"), "{words}");
    assert!(words.contains("netlify/functions/fails.js:1:"), "{words}");

    let calls: Vec<String> = seen["after"]["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row[0].as_str().unwrap(), row[1].as_str().unwrap(), row[4].as_str().unwrap()))
        // Of a function's own page the browser wants one.
        .filter(|call| !call.contains("/favicon.ico"))
        .collect();
    assert_eq!(
        calls,
        [
            "202 GET /.netlify/functions/count-background ",
            "500 GET /.netlify/functions/fails cold",
            "200 GET /.netlify/functions/hello cold",
        ],
        "the pages themselves are no calls"
    );
    let jobs = &seen["after"]["jobs"];
    assert_eq!(jobs, &json!([["1", "count-background", "done", "1", ""]]));

    assert_eq!(seen["narrow"], json!({ "isWide": false, "background": "rgb(23, 23, 26)" }));
    assert_eq!(seen["complaints"], json!([]));
    let asked: Vec<&str> = seen["asked"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
    assert!(
        asked.iter().all(|path| path.starts_with("/.netlify/functions")),
        "nothing comes from elsewhere: {asked:?}"
    );
}
