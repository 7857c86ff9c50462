//! Where requests come in. In: a request. Out: the answer of the function that it is for, a static file, or why there is
//! none. Nobody is let in whose browser was told a wrong address (DNS rebinding), and nothing outside is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use axum::serve::ListenerExt;
use http_body_util::{BodyExt, Limited};
use tokio::net::TcpListener;

use super::function::{Function, Kind};
use super::log::{Said, Start};
use super::reply::{Fault, Invocation};
use super::site::Found;
use super::{Call, Server, answer, background, event, files, page, schedule};
use crate::manifest::now;

/// What the platform takes of a body, in bytes.
const MOST_ASKED: usize = 6 << 20;

/// Where those who have no function in mind look.
const LIST: &str = "/.netlify/functions";

/// Answers until the listener is gone.
pub(super) async fn run(server: Arc<Server>, listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new().fallback(front).with_state(server);
    // A chunk goes out when it is there.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
}

async fn front(
    State(server): State<Arc<Server>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let since = Instant::now();
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let is_list = is_list(request.method(), &path);
    let mut whose = Whose { function: String::new(), start: Start::None };
    let response = answer(&server, from.ip(), request, &mut whose).await;
    let milliseconds = since.elapsed().as_secs_f64() * 1000.0;
    let Whose { function, start } = whose;
    let status = response.status().as_u16();
    let call = Call { function, method, path, status, milliseconds, start, at: now() };
    server.tell(&call);
    if !is_list {
        server.keep(call);
    }
    response
}

/// Is it the list of what there is that is asked for?
fn is_list(method: &Method, path: &str) -> bool {
    method == Method::GET && path.trim_end_matches('/') == LIST
}

/// Who has answered.
struct Whose {
    function: String,
    start: Start,
}

async fn answer(server: &Arc<Server>, from: IpAddr, request: Request, whose: &mut Whose) -> Response<Body> {
    if !is_for_us(request.headers(), server.options.host) {
        return text(StatusCode::FORBIDDEN, "this server answers to its own address only\n");
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if is_list(&parts.method, path) {
        return page::page(server, &parts.headers);
    }
    let file = match &server.options.publish {
        Some(directory) => files::file(directory, &parts).await,
        None => None,
    };
    let (function, route) = match server.site().find(parts.method.as_str(), path, file.is_some()) {
        Found::Function(function, route) => (function, route),
        Found::BadName => {
            let words = "Function name should consist only of alphanumeric characters, hyphen & underscores.";
            return text(StatusCode::BAD_REQUEST, words);
        }
        Found::Nobody => return file.unwrap_or_else(|| text(StatusCode::NOT_FOUND, "Function not found...")),
    };
    whose.function.clone_from(&function.name);
    let body = match Limited::new(body, MOST_ASKED).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 6 MB, which is what the platform takes\n",
            );
        }
        Err(_) => return text(StatusCode::BAD_REQUEST, "the body broke off\n"),
    };
    let Some(body) = event::unpacked(&parts.headers, body, MOST_ASKED) else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is damaged, or larger than 6 MB once it is unpacked\n");
    };
    call(server, &function, &parts, &body, (from, route.as_deref()), whose).await
}

async fn call(
    server: &Arc<Server>,
    function: &Arc<Function>,
    parts: &Parts,
    body: &Bytes,
    (from, route): (IpAddr, Option<&str>),
    whose: &mut Whose,
) -> Response<Body> {
    let event = event::event(parts, body, from, route);
    let time = server.options.time;
    let client_context = event::client_context(&parts.headers);
    match &function.kind {
        Kind::Background => {
            background::begin(server, &function.name, event);
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Kind::Schedule(_) => {
            let event = schedule::as_scheduled(event, function);
            let answered = function.invoke(Invocation { event, client_context, time }).await;
            whose.start = Start::of(&answered);
            page::scheduled(function, answered, server, &parts.headers)
        }
        Kind::Request => {
            let answered = function.invoke(Invocation { event, client_context, time }).await;
            whose.start = Start::of(&answered);
            let fault = answered.what.as_ref().err().cloned();
            answer::response(answered.what)
                .unwrap_or_else(|words| failed(server, function, fault.as_ref(), &words, &parts.headers))
        }
    }
}

/// A 500, and a line of what it is.
fn failed(
    server: &Server,
    function: &Function,
    fault: Option<&Fault>,
    words: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    match fault {
        Some(fault) => server.log.failed(&function.name, fault),
        None => server.log.tell(&Said::Failed { function: &function.name, message: words, stack: None }),
    }
    if page::wants_page(headers) {
        return page::failure(function, words);
    }
    text(StatusCode::INTERNAL_SERVER_ERROR, words)
}

pub(super) fn text(status: StatusCode, words: &str) -> Response<Body> {
    page::of_type(status, "text/plain; charset=utf-8", words.to_owned())
}

/// Does a browser that sends this think of this machine? A page of a stranger whose name leads here now does not.
fn is_for_us(headers: &HeaderMap, host: IpAddr) -> bool {
    let Some(said) = headers.get(header::HOST).and_then(|said| said.to_str().ok()) else { return false };
    let name = match said.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => name,
        _ => said,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = name.parse().ok();
    let is_local = name == "localhost" || name.ends_with(".localhost") || address.is_some_and(|it| it.is_loopback());
    // Who listens to a network is called by its addresses; a name says nothing there either.
    is_local || !host.is_loopback() && address.is_some()
}
