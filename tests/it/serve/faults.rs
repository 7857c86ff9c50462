//! Functions that go wrong are contained, and nothing stays behind.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::Serving;

const FINE: (&str, &str) =
    ("netlify/functions/fine.js", "exports.handler = async () => ({ statusCode: 200, body: String(process.pid) })\n");

fn pid(serving: &Serving) -> i32 {
    serving.call("fine").body.parse().unwrap()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn is_running(pid: i32) -> bool {
    // A zombie is no process any more.
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.split(") ").nth(1).is_some_and(|rest| !rest.starts_with('Z'))
}

#[test]
fn each_fault_is_told_and_the_next_request_is_answered() {
    let rows = [
        (
            "exits",
            "async (event) => { if (event.rawQuery) process.exit(7); return { statusCode: 200 } }",
            "ended with status 7",
        ),
        (
            "throws-late",
            "async (event) => { if (event.rawQuery) setTimeout(() => { throw new Error('uncaught') }); return event.rawQuery ? new Promise(() => {}) : { statusCode: 200 } }",
            "Error: uncaught",
        ),
        (
            "rejects-late",
            "async (event) => { if (event.rawQuery) { Promise.reject(new Error('nobody looks')); await new Promise(() => {}) } return { statusCode: 200 } }",
            "Error: nobody looks",
        ),
        (
            "hangs",
            "async (event) => event.rawQuery ? new Promise(() => setInterval(() => {}, 1000)) : { statusCode: 200 }",
            "TimeoutError: Task timed out after 3.00 seconds",
        ),
        (
            "spins",
            "async (event) => { while (event.rawQuery) {} return { statusCode: 200 } }",
            "TimeoutError: Task timed out after 3.00 seconds",
        ),
        (
            "leaks",
            "async (event) => { const all = []; while (event.rawQuery) all.push(new Array(1e5).fill({})); return { statusCode: 200 } }",
            "ran out of memory: its heap may have 40 MB (--memory) before it had answered",
        ),
    ];
    let files: Vec<(String, String)> = rows
        .iter()
        .map(|(name, handler, _)| (format!("netlify/functions/{name}.js"), format!("exports.handler = {handler}\n")))
        .collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(FINE);
    // Leaking takes longer than the others may.
    let serving = Serving::of(&files, &["--timeout", "3"]);
    let patient = Serving::of(&files, &["--memory", "40"]);
    for (name, _, words) in rows {
        let serving = if name == "leaks" { &patient } else { &serving };
        let before = pid(serving);
        let answer = serving.get(&format!("/.netlify/functions/{name}?now"));
        assert_eq!(answer.status, 500, "{name}: {answer:?}");
        assert!(answer.body.contains(words), "{name}: {answer:?}");
        assert_eq!(serving.call(name).status, 200, "{name}");
        assert_eq!(pid(serving), before, "{name}: the others go on");
    }
}

#[test]
fn what_cannot_be_loaded_says_so_at_each_call() {
    let files = [
        ("netlify/functions/bad.js", "throw new Error('at the top')\n"),
        ("netlify/functions/none.js", "exports.other = 1\nexports.handler = 'text'\n"),
        FINE,
    ];
    let serving = Serving::of(&files, &[]);
    for _ in 0..2 {
        let bad = serving.call("bad");
        assert_eq!(bad.status, 500);
        assert!(bad.body.starts_with("Error: at the top\n    at "), "{bad:?}");
        assert!(serving.call("none").body.contains("none.handler is undefined or not exported"));
    }
    assert_eq!(serving.call("fine").status, 200);
}

#[test]
fn an_answer_that_came_is_given_whatever_happens_after_it() {
    let late = "exports.handler = async () => { setTimeout(() => { throw new Error('too late') }, 20); return { statusCode: 200, body: 'ok' } }\n";
    let serving = Serving::of(&[("netlify/functions/late.js", late)], &[]);
    assert_eq!(serving.call("late").body, "ok");
    serving.until("too late");
    serving.until("ended with status 1 while nobody called it");
    assert_eq!(serving.call("late").body, "ok");
}

#[test]
fn a_process_that_is_killed_is_replaced() {
    let serving = Serving::of(&[FINE], &[]);
    let first = pid(&serving);
    kill(first);
    serving.until("was ended by signal 9");
    let second = pid(&serving);
    assert_ne!(first, second);
}

#[test]
fn many_at_once_share_no_process_and_no_more_than_they_may() {
    let slow = "exports.handler = async () => { await new Promise((done) => setTimeout(done, 100)); return { statusCode: 200, body: String(process.pid) } }\n";
    let serving = Serving::of(&[("netlify/functions/slow.js", slow)], &["--max-processes", "3"]);
    let mut pids: Vec<String> = thread::scope(|scope| {
        let asked: Vec<_> = (0..12).map(|_| scope.spawn(|| serving.call("slow").body)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(pids.len(), 12);
    pids.sort();
    pids.dedup();
    assert!((2..=3).contains(&pids.len()), "{pids:?}");
}

#[test]
fn floods_of_words_hold_up_nobody() {
    let flood = "exports.handler = async () => { for (let at = 0; at < 20000; at++) console.log('x'.repeat(200)); process.stdout.write('y'.repeat(200000)); return { statusCode: 200, body: 'done' } }\n";
    let serving = Serving::of(&[("netlify/functions/flood.js", flood)], &[]);
    assert_eq!(serving.call("flood").body, "done");
}

#[test]
fn background_functions_are_answered_at_once_and_tried_again() {
    let job = "let attempts = 0
exports.handler = async (event) => {
  attempts += 1
  console.log('attempt', attempts, event.body)
  await new Promise((done) => setTimeout(done, 1000))
  if (attempts < 3) throw new Error('not yet')
  console.log('counted')
}
";
    let never = "exports.handler = async () => { throw new Error('never') }\n";
    let files = [("netlify/functions/job-background.js", job), ("netlify/functions/never-background.js", never)];
    let serving = Serving::of(&files, &["--retry-scale", "0.001"]);
    let start = Instant::now();
    let headers = [("content-type", "text/plain")];
    let answer = serving.ask("POST", "/.netlify/functions/job-background", &headers, b"work");
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    serving.until("[job-background] attempt 1 work");
    serving.until("job 1: waiting, again in 0.06 s");
    serving.until("[job-background] counted");
    serving.until("attempt 3: done");
    serving.call("never-background");
    serving.until("attempt 3: failed");
    let jobs = serving.get("/.netlify/functions").json()["jobs"].clone();
    assert_eq!((&jobs[0]["state"], &jobs[0]["attempts"]), (&"failed".into(), &3.into()), "{jobs:#}");
    assert_eq!(jobs[0]["failure"], "Error: never");
}

#[test]
fn a_thousand_jobs_are_all_done() {
    let job = "exports.handler = async (event) => { console.log('job', event.body, 'is done') }\n";
    let serving = Serving::of(&[("netlify/functions/job-background.js", job)], &["--max-processes", "2"]);
    let headers = [("content-type", "text/plain")];
    for number in 0..1000_u32 {
        let body = number.to_string();
        assert_eq!(serving.ask("POST", "/.netlify/functions/job-background", &headers, body.as_bytes()).status, 202);
    }
    let listed = |serving: &Serving| serving.get("/.netlify/functions").json()["jobs"].clone();
    let start = Instant::now();
    while listed(&serving).as_array().unwrap().iter().any(|job| job["state"] != "done") {
        assert!(start.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(20));
    }
    let said = serving.said();
    assert_eq!(said.iter().filter(|line| line.ends_with("is done")).count(), 1000);
}

#[test]
fn whoever_ends_it_leaves_nothing_behind() {
    let hangs = "const { spawn } = require('node:child_process')
exports.handler = async () => { const child = spawn('sleep', ['1000']); console.log('started', process.pid, child.pid); await new Promise(() => {}) }
";
    let mut serving = Serving::of(&[("netlify/functions/hangs.js", hangs), FINE], &[]);
    let fine = pid(&serving);
    let stream = serving.send("GET", "/.netlify/functions/hangs", &[], b"");
    let line = serving.until("started");
    let mut pids: Vec<i32> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    pids.push(fine);
    assert_eq!(pids.len(), 3);
    let interrupted = Command::new("kill").args(["-INT", &serving.fnzip.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(serving.fnzip.wait().unwrap().code(), Some(130));
    let said = serving.said_to_its_end();
    assert!(said.iter().all(|line| !line.contains("was ended")), "no process has failed: {said:?}");
    drop(stream);
    let start = Instant::now();
    while pids.iter().any(|pid| is_running(*pid)) {
        assert!(start.elapsed() < Duration::from_secs(5), "{pids:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn one_answer_is_enough_and_a_body_need_not_be_read() {
    let twice = "exports.handler = (event, context, callback) => { callback(null, { statusCode: 200, body: 'first' }); callback(null, { statusCode: 200, body: 'second' }) }\n";
    let both = "exports.handler = async (event, context, callback) => { callback(null, { statusCode: 200, body: 'called' }); return { statusCode: 200, body: 'returned' } }\n";
    let unread = "export default async () => new Response('not read')\n";
    let files = [
        ("netlify/functions/twice.js", twice),
        ("netlify/functions/both.js", both),
        ("netlify/functions/unread.mjs", unread),
    ];
    let serving = Serving::of(&files, &[]);
    for _ in 0..12 {
        assert_eq!(serving.call("twice").body, "first");
        assert_eq!(serving.call("both").body, "called");
        let large = vec![b'x'; 3 << 20];
        let answer = serving.ask("POST", "/.netlify/functions/unread", &[("content-type", "text/plain")], &large);
        assert_eq!(answer.body, "not read");
    }
    assert!(serving.said().iter().all(|line| !line.contains("Warning")), "nothing piles up in a process");
}

#[test]
fn whoever_ends_it_while_it_builds_leaves_nothing_behind() {
    let site = super::site::site(&[
        ("netlify/functions/hello/main.go", "package main\n"),
        ("netlify/functions/hello/go.mod", "module hello\n"),
    ]);
    site.file("bin/go", "#!/bin/sh\necho $$ > started.new && mv started.new \"$STARTED\"\nexec sleep 1000\n");
    std::fs::set_permissions(site.path.join("bin/go"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let temporary = crate::support::scratch();
    let started = site.path.join("started");
    let mut fnzip = Command::new(env!("CARGO_BIN_EXE_fnzip"))
        .args(["serve", "--port", "0"])
        .current_dir(&*site.path)
        .env("PATH", format!("{}:{}", site.path.join("bin"), std::env::var("PATH").unwrap()))
        .env("STARTED", &*started)
        .env("TMPDIR", &*temporary.path)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let compiler: i32 = loop {
        assert!(start.elapsed() < Duration::from_secs(60));
        if let Ok(text) = std::fs::read_to_string(&started) {
            break text.trim().parse().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert!(is_running(compiler));
    let id = rustix::process::Pid::from_child(&fnzip);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(fnzip.wait().unwrap().code(), Some(143));
    let start = Instant::now();
    while is_running(compiler) || std::fs::read_dir(&*temporary.path).unwrap().next().is_some() {
        assert!(start.elapsed() < Duration::from_secs(10), "{compiler}");
        thread::sleep(Duration::from_millis(10));
    }
}
