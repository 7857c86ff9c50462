//! A request as functions get it (spec: serve.md "v1 event"). In: its parts and its body. Out: the event, and what is told
//! of who calls.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::Url;

/// Who nobody has linked to a site has this one.
const SITE: &str = "0";

/// Where we say that a visitor is.
const GEO: &str = r#"{"city":"San Francisco","country":{"code":"US","name":"United States"},"subdivision":{"code":"CA","name":"California"},"longitude":0,"latitude":0,"timezone":"UTC"}"#;

/// The event of a request.
pub(super) fn event(parts: &Parts, body: &[u8], from: IpAddr, route: Option<&str>) -> Value {
    let headers = headers(&parts.headers, from);
    let lists: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let path = parts.uri.path();
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let raw_query = parts.uri.query().unwrap_or_default();
    let raw_url = Url::parse(&format!("http://{host}{path}")).map(|mut url| {
        url.set_query(Some(raw_query).filter(|query| !query.is_empty()));
        url.to_string()
    });
    let mut query: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(raw_query.as_bytes()) {
        let values = query.entry(name.into_owned()).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(value.into_owned().into());
        }
    }
    let joined = |values: &Value| {
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        Value::from(values.collect::<Vec<_>>().join(", "))
    };
    let singles: Map<String, Value> = query.iter().map(|(name, values)| (name.clone(), joined(values))).collect();
    let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_binary = is_binary(kind);
    let has_body = parts.headers.contains_key("content-length") || parts.headers.contains_key("transfer-encoding");
    let mut event = json!({
        "path": path,
        "httpMethod": parts.method.as_str(),
        "queryStringParameters": singles,
        "multiValueQueryStringParameters": query,
        "headers": headers,
        "multiValueHeaders": lists,
        "isBase64Encoded": is_binary,
        "rawUrl": raw_url.unwrap_or_default(),
        "rawQuery": raw_query,
    });
    if has_body {
        let text = if is_binary { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
        event["body"] = text.into();
    }
    if let Some(route) = route {
        event["route"] = route.into();
    }
    event
}

/// Each once, values joined as Node joins them, and those of the platform.
fn headers(given: &HeaderMap, from: IpAddr) -> Map<String, Value> {
    let mut headers = Map::new();
    for name in given.keys() {
        headers.entry(name.as_str().to_owned()).or_insert_with(|| joined(given, name).into());
    }
    let from = match from {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(from, IpAddr::V4),
        IpAddr::V4(_) => from,
    };
    let own = [
        ("client-ip", from.to_string()),
        ("x-nf-client-connection-ip", from.to_string()),
        ("x-nf-account-id", String::new()),
        ("x-nf-site-id", SITE.to_owned()),
        ("x-nf-geo", STANDARD.encode(GEO)),
        ("x-nf-request-id", super::number()),
    ];
    headers.extend(own.map(|(name, value)| (name.to_owned(), value.into())));
    headers
}

/// Node takes the first of some headers, and joins the others.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    const ONCE: [&str; 17] = [
        "age",
        "authorization",
        "content-length",
        "content-type",
        "etag",
        "expires",
        "from",
        "host",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "location",
        "max-forwards",
        "proxy-authorization",
        "referer",
        "retry-after",
        "user-agent",
    ];
    let mut values = headers.get_all(name).iter().map(|value| latin1(value.as_bytes()));
    if ONCE.contains(&name.as_str()) {
        return values.next().unwrap_or_default();
    }
    values.collect::<Vec<_>>().join(if name == "cookie" { "; " } else { ", " })
}

/// A byte is a character in headers.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Would a body of this type be no text?
fn is_binary(kind: &str) -> bool {
    const TEXTS: [&str; 7] = [
        "application/csp-report",
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/xml",
    ];
    let kind = kind.split(';').next().unwrap_or_default().to_ascii_lowercase();
    let is_text = kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml");
    !is_text && !TEXTS.contains(&kind.as_str())
}

/// Whom a token of Identity says that the caller is; nobody has looked whether it is true.
pub(super) fn client_context(headers: &HeaderMap) -> Option<Value> {
    let said = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = said.split_once(' ')?;
    let middle = token.split('.').nth(1).filter(|_| scheme == "Bearer" && !token.contains(' '))?;
    let user: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle.trim_end_matches('=')).ok()?).ok()?;
    let identity = json!({ "url": "http://localhost/.netlify/identity", "token": "none-is-emulated" });
    let both = json!({ "identity": identity, "user": user });
    let custom = json!({ "netlify": STANDARD.encode(both.to_string()) });
    Some(json!({ "identity": identity, "user": user, "custom": custom }))
}
