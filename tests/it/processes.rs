//! Compilers as processes: when they run, what they find around them, and that they end with fnzip. The
//! compilers here are scripts.

use std::fs;
use std::time::{Duration, Instant};

use crate::native::{FAKE_GO, HANDLER, Tools, row};
use crate::support::{said, scratch};
use crate::tiny::{GO, X64, program};

/// The compiler waits for what is made of JavaScript, which does not wait for the compiler.
#[test]
fn compilers_work_beside_javascript() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main").file("netlify/functions/plain.js", HANDLER);
    let script = FAKE_GO.replace(
        "cp \"$TOOLS/program\"",
        "left=100\nwhile [ ! -f ../../../.netlify/functions/plain.zip ]; do left=$((left - 1)); [ $left -gt 0 ] || exit 1; sleep 0.1; done\ncp \"$TOOLS/program\"",
    );
    let tools = Tools::new(&[("go", &script)]);
    tools.0.file("program", program(X64, GO));
    let said = tools.bundle(&site, &["--jobs=1"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(row(&site, "hello")["runtime"], "go");
}

/// Nobody is there to answer a question, and nobody waits for who stays behind.
#[test]
fn a_compiler_has_no_terminal_and_leaves_nobody_to_wait_for() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main");
    let script = "#!/bin/sh\nif [ \"$1\" = env ]; then exit; fi\nsleep 600 &\necho $! > \"$TOOLS/pid\"\ncut -d' ' -f1,6 /proc/$$/stat > \"$TOOLS/session\"\necho before >&2\nexit 1\n";
    let tools = Tools::new(&[("go", script)]);
    let start = Instant::now();
    let failed = tools.bundle(&site, &[]);
    assert!(start.elapsed() < Duration::from_secs(60));
    assert!(failed.err.contains("  | before"), "{}", failed.err);
    let session = tools.read("session");
    let (process, session) = session.trim().split_once(' ').unwrap();
    assert_eq!(process, session);
    assert!(std::process::Command::new("kill").arg(tools.read("pid").trim()).status().unwrap().success());
}

#[test]
fn a_compiler_that_cannot_be_started_is_there_all_the_same() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main");
    let failed = Tools::new(&[("go", "#!/no/such/shell\n")]).bundle(&site, &[]);
    assert_eq!(failed.status, 1);
    assert!(failed.err.contains("`go` cannot be started: No such file"), "{}", failed.err);
}

#[test]
fn a_temporary_directory_may_have_any_name() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main");
    let tools = Tools::new(&[("go", FAKE_GO)]);
    tools.0.file("program", program(X64, GO));
    let place = scratch();
    let odd = place.path.child(std::os::unix::ffi::OsStrExt::from_bytes(b"tmp\xff") as &std::ffi::OsStr);
    fs::create_dir(&*odd).unwrap();
    let said = said(tools.fnzip(&site, &[]).env("TMPDIR", &*odd));
    assert_eq!(said.status, 0, "{}", said.err);
}

/// A terminal tells ctrl-C to all; a supervisor tells fnzip alone.
#[test]
fn who_ends_fnzip_ends_the_compilers() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // Whoever runs the tests may have started them by `nohup`.
        ended_by(signal, status, &["env", "--default-signal=HUP"]);
    }
    // `nohup` says that the terminal does not matter.
    ended_by("TERM", 143, &["nohup"]);
}

fn ended_by(signal: &str, status: i32, starter: &[&str]) {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main");
    let script = "#!/bin/sh\nif [ \"$1\" = env ]; then exit; fi\ntrap '' INT\nsleep 600 &\necho $$ $! > \"$TOOLS/pids.new\"\nmv \"$TOOLS/pids.new\" \"$TOOLS/pids\"\nwait\nsleep 600\n";
    let tools = Tools::new(&[("go", script)]);
    let temporary = scratch();
    let mut call = starter.to_vec();
    call.extend([env!("CARGO_BIN_EXE_fnzip"), "bundle"]);
    let mut command = std::process::Command::new(call[0]);
    command
        .args(&call[1..])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .current_dir(&*site.path)
        .env("TMPDIR", &*temporary.path)
        .env("TOOLS", &*tools.0.path);
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.0.path)).env("FNZIP_NODE_VERSION", "24");
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let wait_for = |condition: &mut dyn FnMut() -> bool| {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(&mut || tools.0.path.join("pids").exists());
    let pids: Vec<i32> = tools.read("pids").split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let id = child.id().to_string();
    let kill = |signal: &str| {
        let told = std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(told.unwrap().success());
    };
    if starter == ["nohup"] {
        kill("HUP");
        std::thread::sleep(Duration::from_millis(300));
    }
    kill(signal);
    let mut ended = None;
    wait_for(&mut || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(status), "{signal}");
    let is_gone = |pid: &i32| {
        // Nobody may be there to reap it.
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.is_empty() || status.contains(") Z ")
    };
    wait_for(&mut || pids.iter().all(is_gone));
    assert_eq!(fs::read_dir(&*temporary.path).unwrap().count(), 0);
}
