//! Lambda's Runtime API: what a process asks for its next event, and tells its answers. In: requests of one process.
//! Out: what it wants, in order. Decides nothing.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::Thrown;

/// What all paths begin with.
const VERSION: &str = "/2018-06-01/runtime/";

/// The name of the header that says how a response comes, and its value where that is in pieces.
pub const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// What a process wants.
pub enum Asked {
    /// Its next event.
    Next(oneshot::Sender<Event>),
    /// Nothing: it tells something.
    Told(Telling),
}

/// What a process tells.
pub struct Telling {
    /// What of.
    pub about: About,
    /// With what headers.
    pub headers: HeaderMap,
    /// In what words: to be read to its end before `taken` is told. Whoever drops both hangs up.
    pub body: Incoming,
    /// Where to say that it was taken, or why not.
    pub taken: oneshot::Sender<StatusCode>,
}

/// What a process can tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// It cannot be started.
    Start,
    /// It answers the event of this number.
    Response(String),
    /// It has failed to.
    Failure(String),
    /// Something that the platform does not know.
    Unknown(String),
}

impl About {
    /// Where that is told.
    pub fn path(&self) -> String {
        match self {
            Self::Start => format!("{VERSION}init/error"),
            Self::Response(id) => format!("{VERSION}invocation/{id}/response"),
            Self::Failure(id) => format!("{VERSION}invocation/{id}/error"),
            Self::Unknown(path) => path.clone(),
        }
    }
}

/// An event on its way to a process.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number.
    pub id: String,
    /// What the handler gets.
    pub event: Value,
    /// When an answer is too late, in milliseconds since 1970.
    pub deadline: u64,
    /// Which function it is.
    pub function: String,
    /// Who calls, if that is told.
    pub client_context: Option<Value>,
}

/// Where one process finds its platform.
pub struct RuntimeApi {
    /// What it is told in `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    /// What it wants.
    pub asked: mpsc::Receiver<Asked>,
}

impl RuntimeApi {
    /// Listens, on this machine alone, until what is asked is no longer taken.
    ///
    /// # Errors
    /// There is no port.
    pub async fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (ask, asked) = mpsc::channel(16);
        tokio::spawn(serve(listener, ask));
        Ok(Self { address, asked })
    }
}

async fn serve(listener: TcpListener, ask: mpsc::Sender<Asked>) {
    let Ok(address) = listener.local_addr().map(|address| address.to_string()) else { return };
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ask.closed() => return,
        };
        let Ok((stream, _)) = stream else { continue };
        // Small answers wait for nothing; where that cannot be told, they do.
        let _ = stream.set_nodelay(true);
        let (ask, address) = (ask.clone(), address.clone());
        let service = service_fn(move |request| answer(request, ask.clone(), address.clone()));
        // Headers as the platform writes them: not every program knows that case says nothing.
        let connection = http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(stream), service);
        // A program may go away whenever it likes.
        tokio::spawn(connection);
    }
}

type Reply = Response<Full<Bytes>>;

async fn answer(request: Request<Incoming>, ask: mpsc::Sender<Asked>, address: String) -> Result<Reply, HungUp> {
    // No page of a browser has business here.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if host != Some(&address) || request.headers().contains_key(ORIGIN) {
        return Ok(status(StatusCode::FORBIDDEN));
    }
    let path = request.uri().path().to_owned();
    let what = path.strip_prefix(VERSION).unwrap_or_default();
    if request.method() == Method::GET && what == "invocation/next" {
        let (reply, replied) = oneshot::channel();
        let _ = ask.send(Asked::Next(reply)).await;
        // Without another event the platform freezes the program here.
        return match replied.await {
            Ok(event) => Ok(event.reply()),
            Err(_) => std::future::pending().await,
        };
    }
    let about = match what.strip_prefix("invocation/").and_then(|what| what.split_once('/')) {
        _ if what == "init/error" => About::Start,
        Some((id, "response")) => About::Response(id.to_owned()),
        Some((id, "error")) => About::Failure(id.to_owned()),
        _ => About::Unknown(path.clone()),
    };
    let (parts, body) = request.into_parts();
    let (taken, is_taken) = oneshot::channel();
    let _ = ask.send(Asked::Told(Telling { about, headers: parts.headers, body, taken })).await;
    is_taken.await.map(status).map_err(|_| HungUp)
}

/// Nobody wants the rest.
#[derive(Debug, thiserror::Error)]
#[error("nobody wants the rest")]
struct HungUp;

impl From<Infallible> for HungUp {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn status(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
    *reply.status_mut() = status;
    reply
}

impl Event {
    fn reply(&self) -> Reply {
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", self.function);
        let mut reply = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &self.id)
            .header("lambda-runtime-deadline-ms", self.deadline)
            .header("lambda-runtime-invoked-function-arn", arn)
            .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0");
        if let Some(context) = &self.client_context {
            reply = reply.header("lambda-runtime-client-context", ascii(&context.to_string()));
        }
        reply.body(Full::new(Bytes::from(self.event.to_string()))).unwrap_or_default()
    }
}

/// JSON that fits into a header, where a byte is a character.
fn ascii(json: &str) -> String {
    let escaped = |letter: char| {
        let mut units = [0; 2];
        let units = letter.encode_utf16(&mut units);
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
    };
    json.chars().map(|letter| if letter.is_ascii() { letter.to_string() } else { escaped(letter) }).collect()
}

/// What a process says of its failure.
pub fn thrown(said: &Value) -> Thrown {
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    let lines = said["stackTrace"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let stack = lines.collect::<Vec<_>>().join("\n");
    Thrown {
        name: text("errorType"),
        message: text("errorMessage").unwrap_or_default(),
        stack: Some(stack).filter(|stack| !stack.is_empty()),
        ..Thrown::default()
    }
}
