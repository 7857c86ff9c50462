//! `fnzip invoke`: events for who is served.

use super::Serving;
use crate::support::{Said, fnzip, said};

const ECHO: &str = "exports.handler = async ({ httpMethod, headers, body }) => ({ statusCode: 200, body: [httpMethod, headers['x-netlify-event'], body].join(' ') })\n";

fn invoke(serving: &Serving, words: &[&str]) -> Said {
    said(fnzip(&serving.site.path).args(["invoke", "--port", &serving.port.to_string()]).args(words))
}

#[test]
fn a_function_is_called_as_the_platform_would() {
    let second = "export default async (request, context) => new Response(`${request.method} ${context.params.id}`, { status: 500 })\nexport const config = { path: '/items/:id' }\n";
    let files = [
        ("netlify/functions/echo.js", ECHO),
        ("netlify/functions/deploy-succeeded.js", ECHO),
        ("netlify/functions/second.mjs", second),
        ("payload.json", "{\"mine\":1}"),
    ];
    let serving = Serving::of(&files, &[]);
    let told = invoke(&serving, &["echo"]);
    assert_eq!((told.status, told.out.as_str()), (0, "GET  \n"), "{}", told.err);
    assert!(told.err.starts_with("200 OK"), "{}", told.err);
    let told = invoke(&serving, &["deploy-succeeded"]);
    assert!(told.out.starts_with("POST deploy_succeeded {\"payload\":{"), "{}", told.out);
    let told = invoke(&serving, &["echo", "--event", "identity-signup"]);
    assert!(told.out.contains("ada@example.com"), "{}", told.out);
    let told = invoke(&serving, &["echo", "--payload", "payload.json"]);
    assert_eq!(told.out, "POST  {\"mine\":1}\n");
    let told = invoke(&serving, &["echo", "--event", "scheduled"]);
    assert!(told.out.starts_with("POST  {\"next_run\":\"2030-"), "{}", told.out);
    let told = invoke(&serving, &["second"]);
    assert_eq!((told.status, told.out.as_str()), (1, "GET sample\n"), "{}", told.err);
}

#[test]
fn what_cannot_be_called_is_told() {
    let serving = Serving::of(&[("netlify/functions/echo.js", ECHO)], &[]);
    for (words, expected) in [
        (vec!["ecko"], "there is no function `ecko`: did you mean `echo`?"),
        (vec!["echo", "--event", "deploy-suceeded"], "deploy-succeeded"),
        (vec!["echo", "--payload", "gone.json"], "gone.json: "),
    ] {
        let told = invoke(&serving, &words);
        assert_eq!(told.status, 2, "{words:?}");
        assert!(told.err.contains(expected), "{words:?}: {}", told.err);
    }
    let told = said(fnzip(&serving.site.path).args(["invoke", "echo", "--port", "1"]));
    assert!(told.status == 2 && told.err.contains("is `fnzip serve` running there?"), "{}", told.err);
}
