//! Events to call functions with. In: what somebody wants to send, and what the manifest says of a function. Out: events
//! as the platform's gateway hands them over (spec: serve.md). They are the same every time: no clock, no random number.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::function::events::{self, FETCH};
use crate::function::{FunctionName, InvocationMode};
use crate::manifest::Row;

/// An event to call a function with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What people call it.
    pub name: String,
    /// What the handler gets.
    pub event: Value,
    /// Somebody waits for the answer: it must be a response of HTTP.
    pub wants_response: bool,
}

/// What somebody wants functions to be called with.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The only function that is.
    pub function: Option<String>,
    /// With what.
    pub with: With,
}

/// What functions may be called with.
#[derive(Debug, Clone, PartialEq)]
pub enum With {
    /// What the platform calls them with: each by its kind.
    Kind,
    /// An event of this kind.
    Sample(String),
    /// This event.
    Event {
        /// What people call it.
        name: String,
        /// What the handler gets.
        event: Value,
    },
}

const SCHEDULED: &str = "scheduled";
const GET: &str = "http-get";
const POST: &str = "http-post";

/// The names of all samples.
pub fn samples() -> impl Iterator<Item = String> {
    let others = [GET, POST, SCHEDULED].map(str::to_owned);
    others.into_iter().chain(events::all())
}

/// What a function is called with.
pub fn calls(wanted: &[Wanted], name: &str, row: Option<&Row>) -> Vec<Call> {
    let mut calls = Vec::new();
    for wanted in wanted.iter().filter(|wanted| wanted.function.as_ref().is_none_or(|function| function == name)) {
        match &wanted.with {
            With::Kind => calls.extend(kinds(name, row).iter().map(|kind| sample(kind, name, row))),
            With::Sample(kind) => calls.push(sample(kind, name, row)),
            With::Event { name, event } => {
                let context = &event["requestContext"];
                let wants_response = event.get("httpMethod").is_some() || context.get("http").is_some();
                calls.push(Call { name: name.clone(), event: event.clone(), wants_response });
            }
        }
    }
    // Nobody waits for a background function.
    let is_told = row.is_some_and(|row| row.invocation_mode == Some(InvocationMode::Background));
    if is_told || FunctionName::of(name).is_background() {
        calls.iter_mut().for_each(|call| call.wants_response = false);
    }
    calls
}

/// The samples that a function is called with by the platform.
fn kinds(name: &str, row: Option<&Row>) -> Vec<String> {
    if row.is_some_and(|row| row.schedule.is_some()) {
        return vec![SCHEDULED.to_owned()];
    }
    let triggered = row.and_then(|row| row.fnzip.event_triggered.clone());
    let named = || events::trigger(&FunctionName::of(name)).map(str::to_owned);
    if let Some(event) = triggered.or_else(named) {
        return vec![event];
    }
    let subscribed: Vec<&str> = row.iter().flat_map(|row| &row.event_subscriptions).map(String::as_str).collect();
    let (requests, subscribed): (Vec<&str>, Vec<&str>) = subscribed.into_iter().partition(|event| *event == FETCH);
    let mut kinds: Vec<String> = subscribed.into_iter().map(|event| event.replace('_', "-")).collect();
    if kinds.is_empty() || !requests.is_empty() {
        let methods = row.and_then(|row| row.routes.first()?.methods.clone()).unwrap_or_default();
        let is_posted = !methods.is_empty() && !methods.iter().any(|method| method == "GET");
        kinds.push(if is_posted { POST } else { GET }.to_owned());
    }
    kinds
}

/// An event of a kind.
fn sample(kind: &str, name: &str, row: Option<&Row>) -> Call {
    let home = Address { path: format!("/.netlify/functions/{name}"), route: None };
    let (event, wants_response) = match kind {
        GET => (request("GET", &address(row).unwrap_or(home), &[("accept", "*/*")], None), true),
        POST => {
            let headers = [("accept", "*/*"), ("content-type", "application/json")];
            (request("POST", &address(row).unwrap_or(home), &headers, Some(json!({ "hello": "world" }))), true)
        }
        SCHEDULED => {
            let headers = [("user-agent", "Netlify Clockwork"), ("x-nf-event", "schedule")];
            (request("POST", &home, &headers, Some(json!({ "next_run": "2030-01-01T00:00:00.000Z" }))), false)
        }
        event => {
            let slug = event.replace('-', "_");
            let headers = [("content-type", "application/json"), ("x-netlify-event", slug.as_str())];
            (request("POST", &home, &headers, Some(payload(&slug))), false)
        }
    };
    Call { name: kind.to_owned(), event, wants_response }
}

/// Where a request goes.
struct Address {
    path: String,
    /// The pattern that leads there.
    route: Option<String>,
}

/// Its first own address, if it can be made one.
fn address(row: Option<&Row>) -> Option<Address> {
    let pattern = &row?.routes.first()?.pattern;
    Some(Address { path: sample_path(pattern)?, route: Some(pattern.clone()) })
}

/// A path that fits a pattern, unless that is a hard one: what it leaves open is `sample`.
pub fn sample_path(pattern: &str) -> Option<String> {
    let part = |part: &str| match part {
        part if part.starts_with(':') && part[1..].chars().all(|it| it.is_alphanumeric() || it == '_') => {
            Some("sample".to_owned())
        }
        "*" => Some("sample".to_owned()),
        part if part.contains([':', '*', '(', '{', '[', '?']) => None,
        part => Some(part.to_owned()),
    };
    let parts: Option<Vec<String>> = pattern.split('/').map(part).collect();
    Some(parts?.join("/"))
}

const HOST: &str = "example.netlify.app";
const SITE: &str = "00000000-0000-4000-8000-000000000001";
const NOW: &str = "2030-01-01T00:00:00.000Z";
const GEO: &str = r#"{"city":"Lisbon","country":{"code":"PT","name":"Portugal"},"timezone":"Europe/Lisbon"}"#;

/// A request as version 1 functions get it (spec: serve.md "v1 event").
fn request(method: &str, to: &Address, headers: &[(&str, &str)], body: Option<Value>) -> Value {
    use base64::Engine as _;
    let body = body.map(|body| body.to_string());
    let geo = base64::engine::general_purpose::STANDARD.encode(GEO);
    let always = [
        ("client-ip", "203.0.113.1"),
        ("host", HOST),
        ("user-agent", "fnzip"),
        ("x-forwarded-proto", "https"),
        ("x-nf-account-id", SITE),
        ("x-nf-client-connection-ip", "203.0.113.1"),
        ("x-nf-geo", &geo),
        ("x-nf-request-id", "01J00000000000000000000000"),
        ("x-nf-site-id", SITE),
    ];
    let headers: Map<String, Value> =
        always.iter().chain(headers).map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let lists: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let mut event = json!({
        "path": percent_decode_str(&to.path).decode_utf8_lossy(),
        "httpMethod": method,
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "headers": headers,
        "multiValueHeaders": lists,
        "body": body,
        "isBase64Encoded": false,
        "rawUrl": format!("https://{HOST}{}", to.path),
        "rawQuery": "",
    });
    if let Some(route) = &to.route {
        event["route"] = route.as_str().into();
    }
    event
}

/// What the platform tells of an event, by its name with underscores.
fn payload(event: &str) -> Value {
    match event.split_once('_') {
        Some(("identity", what)) => json!({ "event": what, "instance_id": SITE, "user": user() }),
        Some(("submission", _)) => json!({ "payload": submission(), "site": site() }),
        Some(("deploy", what)) => json!({ "payload": deploy(what), "site": site() }),
        _ => json!({ "payload": { "id": SITE, "created_at": NOW }, "site": site() }),
    }
}

fn site() -> Value {
    json!({
        "id": SITE,
        "name": "example",
        "url": format!("https://{HOST}"),
        "admin_url": "https://app.netlify.com/projects/example",
    })
}

fn deploy(what: &str) -> Value {
    let (state, error) = match what {
        "building" => ("building", None),
        "failed" => ("error", Some("Build script returned non-zero exit code: 2")),
        "deleted" => ("deleted", None),
        _ => ("ready", None),
    };
    json!({
        "id": "000000000000000000000001",
        "site_id": SITE,
        "build_id": "000000000000000000000002",
        "state": state,
        "name": "example",
        "url": format!("http://{HOST}"),
        "ssl_url": format!("https://{HOST}"),
        "admin_url": "https://app.netlify.com/projects/example",
        "deploy_url": format!("http://main--{HOST}"),
        "deploy_ssl_url": format!("https://main--{HOST}"),
        "context": "production",
        "branch": "main",
        "commit_ref": "0000000000000000000000000000000000000001",
        "commit_url": "https://github.com/example/example/commit/0000000000000000000000000000000000000001",
        "commit_message": "An example",
        "committer": "someone",
        "title": "An example",
        "error_message": error,
        "manual_deploy": false,
        "locked": what == "locked",
        "created_at": NOW,
        "updated_at": NOW,
        "published_at": if state == "ready" { Some(NOW) } else { None },
        "deploy_time": 42,
        "framework": Value::Null,
    })
}

fn submission() -> Value {
    json!({
        "id": "000000000000000000000003",
        "form_id": "000000000000000000000004",
        "form_name": "contact",
        "number": 1,
        "title": "A message",
        "name": "Ada",
        "email": "ada@example.com",
        "body": "Hello",
        "data": { "name": "Ada", "email": "ada@example.com", "message": "Hello" },
        "human_fields": { "Name": "Ada", "Email": "ada@example.com", "Message": "Hello" },
        "site_url": format!("https://{HOST}"),
        "created_at": NOW,
    })
}

fn user() -> Value {
    json!({
        "id": "00000000-0000-4000-8000-000000000005",
        "aud": "",
        "role": "",
        "email": "ada@example.com",
        "confirmed_at": NOW,
        "app_metadata": { "provider": "email", "roles": ["member"] },
        "user_metadata": { "full_name": "Ada" },
        "created_at": NOW,
        "updated_at": NOW,
    })
}
