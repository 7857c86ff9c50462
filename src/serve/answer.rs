//! What visitors get. In: what became of a call. Out: a response of HTTP, or the words for why there is none (spec: serve.md).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::reply::{Chunks, Fault, Reply};

/// The response that a function means.
///
/// # Errors
/// Why there is none: of a fault, its stack too.
pub(super) fn response(what: Result<Reply, Fault>) -> Result<Response<Body>, String> {
    match what {
        Ok(Reply::Whole(answer)) => whole(answer.as_ref()),
        Ok(Reply::Stream { head, body }) => stream(&head, body),
        Err(fault) => Err(words(&fault)),
    }
}

/// What is told of a failure.
pub(super) fn words(fault: &Fault) -> String {
    match fault.stack() {
        Some(stack) if stack.starts_with(&fault.message()) => stack.to_owned(),
        Some(stack) => format!("{}\n{stack}", fault.message()),
        None => fault.message(),
    }
}

fn whole(answer: Option<&Value>) -> Result<Response<Body>, String> {
    let answer = answer.ok_or("lambda response was undefined. check your function code again")?;
    if answer.is_null() {
        return Err("no lambda response. check your function code again: it must return a promise or call back".into());
    }
    let code = &answer["statusCode"];
    let status = status(code).ok_or_else(|| {
        format!(
            "Your function response must have a numerical statusCode. You gave: {}",
            inspect(answer.get("statusCode"))
        )
    })?;
    let body = match answer.get("body") {
        Some(Value::String(text)) if answer["isBase64Encoded"] == true => STANDARD.decode(text).unwrap_or_default(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        body if is_nothing(body) => Vec::new(),
        body => {
            return Err(format!(
                "Your function response must have a string or a stream body. You gave: {}",
                inspect(body)
            ));
        }
    };
    // Of this status an answer has no body, and says nothing of its length.
    let body = if status == StatusCode::NO_CONTENT { Body::empty() } else { Body::from(body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    add(response.headers_mut(), &answer["headers"])?;
    add(response.headers_mut(), &answer["multiValueHeaders"])?;
    Ok(response)
}

fn stream(head: &Value, body: Chunks) -> Result<Response<Body>, String> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status(&head["statusCode"]).unwrap_or_default();
    add(response.headers_mut(), &head["headers"])?;
    add(response.headers_mut(), &head["multiValueHeaders"])?;
    for cookie in head["cookies"].as_array().into_iter().flatten() {
        response.headers_mut().append(axum::http::header::SET_COOKIE, value(cookie)?);
    }
    Ok(response)
}

/// A number, or the digits of one.
fn status(code: &Value) -> Option<StatusCode> {
    let number = match code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Node's server knows more than HTTP has; what only announces an answer is none.
    u16::try_from(number?).ok().filter(|number| *number >= 200).and_then(|number| StatusCode::from_u16(number).ok())
}

fn is_nothing(value: Option<&Value>) -> bool {
    matches!(value, None | Some(Value::Null | Value::Bool(false))) || value.is_some_and(|value| *value == 0)
}

/// A name that is there already gets other values.
fn add(headers: &mut HeaderMap, given: &Value) -> Result<(), String> {
    for (name, values) in given.as_object().into_iter().flatten() {
        let key = HeaderName::try_from(name.as_str())
            .map_err(|_| format!("TypeError: Header name must be a valid HTTP token [\"{name}\"]"))?;
        headers.remove(&key);
        match values {
            Value::Array(values) => {
                for one in values {
                    headers.append(&key, value(one)?);
                }
            }
            one => drop(headers.insert(&key, value(one)?)),
        }
    }
    Ok(())
}

fn value(value: &Value) -> Result<HeaderValue, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    // A character is a byte in headers.
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
    value.ok_or_else(|| format!("TypeError: Invalid character in header content: {text:?}"))
}

/// A value as Node shows it.
fn inspect(value: Option<&Value>) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => format!("'{text}'"),
        Some(Value::Array(values)) if values.is_empty() => "[]".to_owned(),
        Some(Value::Array(values)) => {
            format!("[ {} ]", values.iter().map(|value| inspect(Some(value))).collect::<Vec<_>>().join(", "))
        }
        Some(Value::Object(fields)) if fields.is_empty() => "{}".to_owned(),
        Some(Value::Object(fields)) => {
            let fields = fields.iter().map(|(name, value)| format!("{}: {}", key(name), inspect(Some(value))));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Some(value) => value.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let is_name = !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|it: char| it.is_ascii_digit());
    if is_name { name.to_owned() } else { format!("'{name}'") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(answer: &Value) -> String {
        whole(Some(answer)).map(drop).unwrap_err()
    }

    #[test]
    fn what_is_no_answer_is_told_as_node_shows_it() {
        assert!(whole(None).unwrap_err().contains("undefined"));
        assert!(refused(&json!({ "statusCode": "abc" })).ends_with("You gave: 'abc'"));
        assert!(refused(&json!({})).ends_with("You gave: undefined"));
        assert!(refused(&json!({ "statusCode": 100 })).ends_with("You gave: 100"));
        let body = json!({ "statusCode": 200, "body": { "a": 1, "b-c": ["x", null], "d": {} } });
        assert!(refused(&body).ends_with("You gave: { a: 1, 'b-c': [ 'x', null ], d: {} }"));
        assert!(whole(Some(&json!({ "statusCode": "201", "body": "" }))).is_ok());
    }

    #[test]
    fn headers_of_several_values_replace_those_of_one() {
        let answer = json!({
            "statusCode": 200,
            "headers": { "X-A": "1", "x-b": 2 },
            "multiValueHeaders": { "x-a": ["3", "4"] },
        });
        let response = whole(Some(&answer)).unwrap();
        let values =
            |name: &str| response.headers().get_all(name).iter().map(|it| it.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(values("x-a"), ["3", "4"]);
        assert_eq!(values("x-b"), ["2"]);
        assert!(refused(&json!({ "statusCode": 200, "headers": { "a b": "c" } })).contains("valid HTTP token"));
    }
}
