//! A request as functions get it (spec: serve.md "v1 event"). In: its parts and its body. Out: the event, and what is told
//! of who calls.

use std::io::Read;
use std::net::IpAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde_json::{Map, Value, json};
use url::Url;

/// Who nobody has linked to a site has this one.
const SITE: &str = "unlinked";

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
    let mut event = json!({
        "path": path,
        "httpMethod": parts.method.as_str(),
        "queryStringParameters": singles,
        "multiValueQueryStringParameters": query,
        "headers": headers,
        "multiValueHeaders": lists,
    });
    let is_binary = is_binary(&parts.headers);
    // A body may be there and have nothing in it, if it says of what type that is.
    let has = |name: &str| parts.headers.contains_key(name);
    let is_empty = has("content-type") && (has("content-length") || has("transfer-encoding"));
    if !body.is_empty() || is_empty {
        let text = if is_binary { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
        event["body"] = text.into();
    }
    event["isBase64Encoded"] = is_binary.into();
    event["rawUrl"] = raw_url.unwrap_or_default().into();
    event["rawQuery"] = raw_query.into();
    if let Some(route) = route {
        event["route"] = route.into();
    }
    event
}

/// A body without what it was packed in for its way, as far as that is known; none if it is damaged, or too large.
pub(super) fn unpacked(headers: &HeaderMap, body: Bytes, most: usize) -> Option<Bytes> {
    let mut plain = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = match headers.get("content-encoding").map(|encoding| encoding.as_bytes().to_ascii_lowercase()) {
        _ if body.is_empty() => return Some(body),
        Some(encoding) if encoding == b"gzip" => MultiGzDecoder::new(&*body).take(most + 1).read_to_end(&mut plain),
        Some(encoding) if encoding == b"deflate" => ZlibDecoder::new(&*body).take(most + 1).read_to_end(&mut plain),
        _ => return Some(body),
    };
    read.is_ok_and(|size| size as u64 <= most).then(|| plain.into())
}

/// Who the visitor is: who a proxy says it is, or whoever is connected.
fn visitor(headers: &HeaderMap, from: IpAddr) -> String {
    let said = headers.get("x-forwarded-for").and_then(|said| said.to_str().ok());
    if let Some(last) = said.and_then(|said| said.rsplit(',').next()).map(str::trim).filter(|last| !last.is_empty()) {
        return last.to_owned();
    }
    let from = match from {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(from, IpAddr::V4),
        IpAddr::V4(_) => from,
    };
    from.to_string()
}

/// Each once, values joined as Node joins them, and those of the platform.
fn headers(given: &HeaderMap, from: IpAddr) -> Map<String, Value> {
    let mut headers = Map::new();
    for name in given.keys() {
        headers.entry(name.as_str().to_owned()).or_insert_with(|| joined(given, name).into());
    }
    let from = visitor(given, from);
    let own = [
        ("client-ip", from.clone()),
        ("x-nf-client-connection-ip", from),
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

/// Would a body be no text?
fn is_binary(headers: &HeaderMap) -> bool {
    const TEXTS: [&str; 7] = [
        "application/csp-report",
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/xml",
    ];
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = said("content-type").split(';').next().unwrap_or_default().to_ascii_lowercase();
    let is_text = kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml");
    let is_packed = !matches!(said("content-encoding"), "" | "identity" | "gzip" | "deflate");
    is_packed || !is_text && !TEXTS.contains(&kind.as_str())
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
