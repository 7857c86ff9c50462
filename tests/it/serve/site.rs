//! A server at work, and a visitor without any kindness of a library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Scratch, scratch};

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server.
pub(crate) struct Serving {
    pub(crate) site: Scratch,
    pub(crate) fnzip: Child,
    pub(crate) port: u16,
    lines: Mutex<Receiver<String>>,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A site of these files.
pub(crate) fn site(files: &[(&str, &str)]) -> Scratch {
    let site = scratch();
    site.file("package.json", "{}");
    for (name, text) in files {
        site.file(name, *text);
    }
    site
}

impl Serving {
    pub(crate) fn of(files: &[(&str, &str)], flags: &[&str]) -> Self {
        Self::start(site(files), flags)
    }

    pub(crate) fn start(site: Scratch, flags: &[&str]) -> Self {
        Self::start_with(site, flags, &[])
    }

    pub(crate) fn start_with(site: Scratch, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fnzip"));
        command.args(["serve", "--port", "0", "--color=never"]).args(flags).current_dir(&*site.path);
        let mut fnzip = command
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(fnzip.stdout.take().unwrap()), Box::new(fnzip.stderr.take().unwrap())];
        for stream in streams {
            let send = send.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    // Whoever waits for lines may have seen enough.
                    let _ = send.send(line);
                }
            });
        }
        let mut serving = Self { site, fnzip, port: 0, lines: Mutex::new(lines) };
        let line = serving.until(" at http://");
        let address = line.split("http://").nth(1).unwrap();
        let digits = address.split(':').nth(1).unwrap().chars().take_while(char::is_ascii_digit);
        serving.port = digits.collect::<String>().parse().unwrap();
        serving
    }

    /// Waits for a line that says this.
    pub(crate) fn until(&self, wanted: &str) -> String {
        let mut said = Vec::new();
        loop {
            let Ok(line) = self.lines.lock().unwrap().recv_timeout(PATIENCE) else {
                panic!("`{wanted}` is not said: {said:#?}")
            };
            if line.contains(wanted) {
                return line;
            }
            said.push(line);
        }
    }

    /// All lines that have come.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().try_iter().collect()
    }

    /// All that has not been read yet, of one that ends.
    pub(crate) fn said_to_its_end(&self) -> Vec<String> {
        self.lines.lock().unwrap().iter().collect()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// Asks for the address of a function.
    pub(crate) fn call(&self, function: &str) -> Answer {
        self.get(&format!("/.netlify/functions/{function}"))
    }

    /// Asks until the answer is as it should be.
    pub(crate) fn get_until(&self, path: &str, is_right: impl Fn(&Answer) -> bool) -> Answer {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if is_right(&answer) {
                return answer;
            }
            assert!(start.elapsed() < PATIENCE, "{answer:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.send(method, path, headers, body);
        let mut bytes = Vec::new();
        // It may be broken off.
        let _ = stream.read_to_end(&mut bytes);
        answer(&bytes)
    }

    /// Sends a request, of which the answer is still to be read.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).unwrap();
        // Who refuses a large body does not read it.
        let _ = stream.write_all(body);
        stream
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.fnzip);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.fnzip.wait();
    }
}

/// A response, without the pieces in which it came.
fn answer(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let rest = bytes.get(end + 4..).unwrap_or_default();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if is_chunked { joined(rest) } else { rest.to_vec() };
    Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|part| part == b"\r\n") {
        let Ok(size) = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16) else { break };
        let from = end + 2;
        body.extend_from_slice(&rest[from..(from + size).min(rest.len())]);
        rest = rest.get(from + size + 2..).unwrap_or_default();
    }
    body
}
