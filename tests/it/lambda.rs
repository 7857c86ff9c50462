//! A small server of Lambda's Runtime API, and a program that runs on it. In: a `bootstrap`, and events.
//! Out: what it answers to each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What a function made of an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Response(Value),
    /// `errorMessage`.
    Error(String),
    /// A request that the platform does not know, or for another event than the last.
    Misplaced(String),
}

/// How long a function may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Starts the program as the platform does, and hands it one event after another.
pub(crate) fn answers(bootstrap: &Path, events: &[Value]) -> Vec<Answer> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (hand_over, handed_over) = channel();
    let owned = events.to_vec();
    let events_left = Arc::new(Mutex::new(Events { waiting: owned.into_iter().enumerate(), current: None }));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (events_left, hand_over) = (events_left.clone(), hand_over.clone());
            std::thread::spawn(move || serve(&stream.unwrap(), &events_left, &hand_over));
        }
    });
    let mut child = Command::new(bootstrap)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .env("_HANDLER", "bootstrap")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let answers = collect(&handed_over, events.len());
    child.kill().unwrap();
    child.wait().unwrap();
    answers
}

fn collect(handed_over: &Receiver<Answer>, count: usize) -> Vec<Answer> {
    (0..count).map(|_| handed_over.recv_timeout(LONGEST).expect("the function answers")).collect()
}

/// What all paths begin with.
const VERSION: &str = "/2018-06-01/runtime/";

/// The id of a request.
fn id(index: usize) -> String {
    format!("8476a536-{index:04}")
}

/// The events that are to come, and the request that has no answer yet.
struct Events {
    waiting: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    current: Option<String>,
}

/// One connection, which may be used for many requests. What the platform would not understand is handed
/// over as such, and is no answer that a test expects.
fn serve(stream: &TcpStream, events: &Mutex<Events>, hand_over: &Sender<Answer>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some((method, path, body)) = request(&mut reader) {
        let what = path.strip_prefix(VERSION).unwrap_or_default();
        let (status, headers, body) = if (method.as_str(), what) == ("GET", "invocation/next") {
            let next = {
                let mut events = events.lock().unwrap();
                let next = events.waiting.next();
                events.current = next.as_ref().map(|(index, _)| id(*index));
                next
            };
            let Some((index, event)) = next else {
                // The platform freezes the function now.
                std::thread::sleep(LONGEST);
                return;
            };
            let headers = format!(
                "Lambda-Runtime-Aws-Request-Id: {}\r\n\
                Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n\
                Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n",
                id(index)
            );
            ("200 OK", headers, event.to_string())
        } else {
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            let current = events.lock().unwrap().current.take();
            let answered = current.and_then(|id| what.strip_prefix(&format!("invocation/{id}/")));
            let answer = match (method.as_str(), answered) {
                ("POST", Some("response")) => Answer::Response(said),
                ("POST", Some("error")) => Answer::Error(said["errorMessage"].as_str().unwrap_or_default().to_owned()),
                _ => Answer::Misplaced(format!("{method} {path}: {said}")),
            };
            let _ = hand_over.send(answer);
            ("202 Accepted", String::new(), r#"{"status":"OK"}"#.to_owned())
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

/// The method and the path of a request, and its body, which may come in chunks.
fn request(reader: &mut impl BufRead) -> Option<(String, String, Vec<u8>)> {
    let line = |reader: &mut dyn BufRead| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line.trim_end().to_owned())
    };
    let first = line(reader)?;
    let (method, rest) = first.split_once(' ')?;
    let (method, path) = (method.to_owned(), rest.split(' ').next()?.to_owned());
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(reader)?.to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut body = Vec::new();
    if !chunked {
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        return Some((method, path, body));
    }
    loop {
        let size = usize::from_str_radix(line(reader)?.split(';').next()?, 16).unwrap();
        reader.take(size as u64).read_to_end(&mut body).ok()?;
        line(reader)?;
        if size == 0 {
            return Some((method, path, body));
        }
    }
}
