//! `fnzip invoke`. In: the name of a function that is served, and an event. Out: its answer.

use std::io::{self, Write};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::args::Invoke;
use super::report::people::People;
use super::{FAILURE, Failure, SUCCESS};
use crate::diagnostic::did_you_mean;
use crate::lambda::{Wanted, With, calls, sample_path};

/// Calls it.
pub(super) fn run(args: &Invoke, people: &People) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(invoke(args, people))
}

async fn invoke(args: &Invoke, people: &People) -> Result<u8, Failure> {
    let list = Request::get("/.netlify/functions").body(Full::default()).map_err(invalid)?;
    let listed: Value = serde_json::from_slice(&send(args, list).await?.into_body()).map_err(io::Error::from)?;
    let functions = listed["functions"].as_array().cloned().unwrap_or_default();
    let named = |row: &&Value| row["name"] == args.name.as_str();
    let Some(function) = functions.iter().find(named) else {
        let meant = did_you_mean(&args.name, functions.iter().filter_map(|row| row["name"].as_str()));
        return Err(Failure::Call(format!("there is no function `{}`{meant}", args.name)));
    };
    let answer = send(args, request(args, function)?).await?;
    let status = answer.status();
    let kind = answer.headers().get("content-type").map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    people.say(&format!("{status}{}", kind.map(|kind| format!(", {kind}")).unwrap_or_default()))?;
    let mut out = io::stdout().lock();
    out.write_all(answer.body())?;
    if answer.body().last().is_some_and(|last| *last != b'\n') {
        out.write_all(b"\n")?;
    }
    Ok(if status.is_server_error() { FAILURE } else { SUCCESS })
}

/// A request that has the server make the event.
fn request(args: &Invoke, function: &Value) -> Result<Request<Full<Bytes>>, Failure> {
    let with = if args.event == "auto" { With::Kind } else { With::Sample(args.event.clone()) };
    let called = calls(&[Wanted { function: None, with }], &args.name, None);
    let event = called.into_iter().next().map(|call| call.event).unwrap_or_default();
    let payload = args
        .payload
        .as_ref()
        .map(|file| std::fs::read(file).map_err(|error| Failure::Call(format!("{}: {error}", file.display()))));
    let payload = payload.transpose()?;
    let method = match event["httpMethod"].as_str() {
        Some("GET") if payload.is_none() => Method::GET,
        _ => Method::POST,
    };
    let mut addresses = function["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let none = || Failure::Call(format!("`{}` has no address that a sample fits: ask for one with curl", args.name));
    let address = addresses.find_map(sample_path).ok_or_else(none)?;
    let mut request = Request::builder().method(method).uri(address);
    let sample = event["body"].as_str().unwrap_or_default().to_owned().into_bytes();
    let body = payload.unwrap_or(sample);
    if event["headers"]["content-type"].is_null() && !body.is_empty() {
        let is_json = serde_json::from_slice::<Value>(&body).is_ok();
        let is_text = std::str::from_utf8(&body).is_ok();
        let kinds = [(is_json, "application/json"), (is_text, "text/plain"), (true, "application/octet-stream")];
        request = request.header("content-type", kinds.iter().find(|(is, _)| *is).map_or("", |(_, kind)| *kind));
    }
    for (name, value) in event["headers"].as_object().into_iter().flatten() {
        // What the platform adds, the server does.
        let is_of_event =
            matches!(name.as_str(), "accept" | "content-type" | "user-agent" | "x-netlify-event" | "x-nf-event");
        if let Some(value) = value.as_str().filter(|_| is_of_event) {
            request = request.header(name, value);
        }
    }
    request.body(Full::from(body)).map_err(invalid)
}

fn invalid(error: hyper::http::Error) -> Failure {
    Failure::Call(error.to_string())
}

async fn send(args: &Invoke, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Failure> {
    let address = std::net::SocketAddr::from((args.host, args.port));
    let nobody = |error: &dyn std::fmt::Display| {
        Failure::Call(format!(
            "{address}: {error}: is `fnzip serve` running there? --port and --host name another place"
        ))
    };
    let stream = TcpStream::connect(address).await.map_err(|error| nobody(&error))?;
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| nobody(&error))?;
    tokio::spawn(connection);
    if let Ok(host) = address.to_string().parse() {
        request.headers_mut().insert("host", host);
    }
    let (parts, body) = sender.send_request(request).await.map_err(|error| nobody(&error))?.into_parts();
    let body = body.collect().await.map_err(|error| nobody(&error))?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}
