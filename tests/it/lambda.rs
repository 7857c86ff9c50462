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
}

/// How long a function may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Starts the program as the platform does, and hands it one event after another.
pub(crate) fn answers(bootstrap: &Path, events: &[Value]) -> Vec<Answer> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (hand_over, handed_over) = channel();
    let owned = events.to_vec();
    let waiting = Arc::new(Mutex::new(owned.into_iter()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (waiting, hand_over) = (waiting.clone(), hand_over.clone());
            std::thread::spawn(move || serve(&stream.unwrap(), &waiting, &hand_over));
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

/// One connection, which may be used for many requests.
fn serve(stream: &TcpStream, waiting: &Mutex<impl Iterator<Item = Value>>, hand_over: &Sender<Answer>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some((path, body)) = request(&mut reader) {
        let (status, headers, body) = if path.ends_with("/invocation/next") {
            let Some(event) = waiting.lock().unwrap().next() else {
                // The platform freezes the function now.
                std::thread::sleep(LONGEST);
                return;
            };
            let headers = "Lambda-Runtime-Aws-Request-Id: 8476a536\r\n\
                Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n\
                Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n";
            ("200 OK", headers, event.to_string())
        } else {
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            let answer = match path.rsplit('/').next() {
                Some("response") => Answer::Response(said),
                _ => Answer::Error(said["errorMessage"].as_str().unwrap_or_default().to_owned()),
            };
            let _ = hand_over.send(answer);
            ("202 Accepted", "", r#"{"status":"OK"}"#.to_owned())
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

/// The path of a request and its body, which may come in chunks.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let line = |reader: &mut dyn BufRead| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line.trim_end().to_owned())
    };
    let path = line(reader)?.split(' ').nth(1)?.to_owned();
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
        return Some((path, body));
    }
    loop {
        let size = usize::from_str_radix(line(reader)?.split(';').next()?, 16).unwrap();
        reader.take(size as u64).read_to_end(&mut body).ok()?;
        line(reader)?;
        if size == 0 {
            return Some((path, body));
        }
    }
}
