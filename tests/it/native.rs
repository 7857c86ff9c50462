//! Functions in Go and Rust from source: how their compilers are called, and what becomes of what they
//! say. The compilers here are scripts; `toolchains` has the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Said, Scratch, entries, fnzip, said, scratch};
use crate::tiny::{Elf, GO, RUST, X64, program};

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 200 })\n";

/// A compiler of Go that writes down how it is called and hands out what stands in `program`.
const FAKE_GO: &str = r#"#!/bin/sh
{ echo "in $(basename "$PWD")"; for word; do echo "$word"; done; } >> "$TOOLS/called"
echo "$GOOS $GOARCH $CGO_ENABLED $OF_SITE" >> "$TOOLS/environment"
if [ -f fail ]; then cat fail >&2; exit 1; fi
cp "$TOOLS/program" "$3"
"#;

/// Cargo, of packages that are alone.
const FAKE_CARGO: &str = r#"#!/bin/sh
if [ "$1" = metadata ]; then
  printf '{"packages":[{"manifest_path":"%s/Cargo.toml","targets":[{"name":"app","kind":["bin"],"src_path":"%s/src/main.rs"}]}],"workspace_root":"%s","target_directory":"%s"}' "$PWD" "$PWD" "$PWD" "${TARGET_DIRECTORY:-$PWD/target}"
  exit
fi
for word; do echo "$word"; done >> "$TOOLS/called"
echo "$CARGO_ENCODED_RUSTFLAGS $RUSTFLAGS" > "$TOOLS/flags"
echo "$RUSTC_WRAPPER $FNZIP_RUSTC_WRAPPER" > "$TOOLS/wrapper"
echo "$CARGO_TARGET_DIR" > "$TOOLS/target"
if [ -f fail ]; then cat fail >&2; exit 101; fi
echo '{"reason":"compiler-artifact","target":{"name":"app"},"executable":"'"$TOOLS/program"'"}'
"#;

/// Rust's compiler, which knows where its standard libraries would be.
const FAKE_RUSTC: &str = "#!/bin/sh\necho \"$TOOLS/std/$4\"\n";

/// A place with such tools.
struct Tools(Scratch);

impl Tools {
    fn new(tools: &[(&str, &str)]) -> Self {
        let place = scratch();
        for (name, script) in tools {
            place.file(name, script);
            fs::set_permissions(place.path.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(place)
    }

    fn rust(std: &[&str]) -> Self {
        let tools = Self::new(&[("cargo", FAKE_CARGO), ("rustc", FAKE_RUSTC)]);
        tools.0.file("program", program(X64, RUST));
        for target in std {
            fs::create_dir_all(tools.0.path.join("std").join(target)).unwrap();
        }
        tools
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path.join(name)).unwrap_or_default()
    }

    /// fnzip, which finds these tools and no others.
    fn fnzip(&self, site: &Scratch, flags: &[&str]) -> assert_cmd::Command {
        let mut command = fnzip(&site.path);
        command.args(["bundle", "--color=never"]).args(flags);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.0.path)).env("TOOLS", &*self.0.path);
        command.env("CARGO_HOME", "/cargo-home");
        for name in ["GOFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC", "RUSTC_WRAPPER"] {
            command.env_remove(name);
        }
        command
    }

    fn bundle(&self, site: &Scratch, flags: &[&str]) -> Said {
        said(&mut self.fnzip(site, flags))
    }
}

fn row(site: &Scratch, name: &str) -> Value {
    let manifest = fs::read(site.path.join(".netlify/functions/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["functions"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
}

fn rust_site() -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello/Cargo.toml", "[package]\nname = \"app\"\n");
    site.file("netlify/functions/hello/src/main.rs", "fn main() {\n    wrong\n}\n");
    site.file("netlify/functions/plain.js", HANDLER);
    site
}

/// Is a program on the PATH in a directory where nobody would look for it?
fn without(tool: &str) -> bool {
    let found = ["/usr/bin", "/bin"].iter().any(|directory| Path::new(directory).join(tool).exists());
    if found {
        eprintln!("skipped: {tool} is installed with the system");
    }
    !found
}

#[test]
fn go_is_called_in_the_functions_directory() {
    let site = scratch();
    site.file("netlify/functions/zwei-background/main.go", "package main").file("netlify/functions/plain.js", HANDLER);
    site.file("netlify/functions/eins/eins.go", "package main").file("netlify/functions/drei/main.go", "package main");
    site.file(
        "netlify.toml",
        "[build.environment]\nOF_SITE = \"said\"\nPATH = \"/nowhere\"\n[functions.eins]\nschedule = \"@daily\"\n[functions.drei]\nbackground = true\n",
    );
    let tools = Tools::new(&[("go", FAKE_GO)]);
    tools.0.file("program", program(X64, GO));
    let temporary = scratch();
    let said = said(tools.fnzip(&site, &[]).env("TMPDIR", &*temporary.path).env("GOFLAGS", "-mod=mod -tags=a,b"));
    assert_eq!(said.status, 0, "{}", said.err);
    let called = tools.read("called");
    let calls: Vec<Vec<&str>> = called.split("in ").skip(1).map(|call| call.lines().collect()).collect();
    assert_eq!(calls.len(), 3);
    let first = calls.iter().find(|call| call[0] == "eins").unwrap();
    assert_eq!(first[1..3], ["build", "-o"]);
    assert!(Path::new(first[3]).starts_with(&*temporary.path), "{first:?}");
    let rest = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", "lambda.norpc,a,b", "."];
    assert_eq!(first[4..], rest);
    assert_eq!(tools.read("environment"), "linux amd64 0 said\n".repeat(3));
    assert_eq!(fs::read_dir(&*temporary.path).unwrap().count(), 0, "what was made on the way is gone");
    assert_eq!(entries(&site.path.join(".netlify/functions/eins.zip")), ["bootstrap", "netlify-toolchain"]);
    assert_eq!(row(&site, "eins")["schedule"], "@daily");
    for name in ["drei", "zwei-background"] {
        assert_eq!(row(&site, name)["invocationMode"], "background");
    }
    let order: Vec<&str> = said.err.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(order[1..5], ["drei", "eins", "plain", "zwei-background"], "{}", said.err);
    fs::remove_file(tools.0.path.join("environment")).unwrap();
    assert_eq!(tools.bundle(&site, &["--arch=arm64", "--only=eins"]).status, 0);
    assert_eq!(tools.read("environment"), "linux arm64 0 said\n");
    // Nothing is compiled for a list.
    fs::remove_file(tools.0.path.join("called")).unwrap();
    let listed = crate::support::said(fnzip(&site.path).args(["list", "--files"]));
    assert!(listed.out.contains("netlify/functions/eins/eins.go"), "{}", listed.out);
    assert_eq!(tools.read("called"), "");
}

#[test]
fn without_go_the_others_are_built() {
    if !without("go") {
        return;
    }
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main").file("netlify/functions/plain.js", HANDLER);
    let said = Tools::new(&[]).bundle(&site, &["--keep-going"]);
    assert_eq!(said.status, 1);
    let message = "error[toolchain]: netlify/functions/hello/main.go: `go` is not on the PATH";
    assert!(said.err.contains(message), "{}", said.err);
    assert!(said.err.contains("hint: install Go (https://go.dev/dl"), "{}", said.err);
    assert_eq!(row(&site, "plain")["runtime"], "js");
}

#[test]
fn what_go_says_is_shown_whole_at_its_place() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main\n\nfunc main() {\n\tmissing()\n}\n");
    let words = "# example.com/hello\n./main.go:4:2: undefined: missing\n./main.go:9:1: and more\n";
    site.file("netlify/functions/hello/fail", words).file("netlify/functions/plain.js", HANDLER);
    let tools = Tools::new(&[("go", FAKE_GO)]);
    let failed = tools.bundle(&site, &[]);
    assert_eq!(failed.status, 1);
    assert!(
        failed.err.contains("error[compile]: netlify/functions/hello/main.go: `go build` failed"),
        "{}",
        failed.err
    );
    assert!(failed.err.contains("main.go:4:2") && failed.err.contains("missing()"), "{}", failed.err);
    for line in words.lines() {
        assert!(failed.err.contains(&format!("  | {line}")), "{}", failed.err);
    }
    assert!(failed.err.contains("1 function built"), "{}", failed.err);
    let json = tools.bundle(&site, &["--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json[0]["diagnostics"][0]["output"], words.trim_end());
    assert_eq!(json[0]["diagnostics"][0]["line"], 4);
    let hints = [
        ("go: go.mod file not found in current directory or any parent directory", "run `go mod init NAME`"),
        ("main.go:3:8: missing go.sum entry for module providing package x", "run `go mod tidy`"),
        (
            "main.go:3:8: x@v1.0.0: module lookup disabled by GOPROXY=off",
            "run `go mod download` where there is a network",
        ),
        ("Get \"https://proxy.golang.org/x\": dial tcp: lookup proxy.golang.org", "or `go mod vendor` and commit it"),
    ];
    for (words, hint) in hints {
        site.file("netlify/functions/hello/fail", words);
        let failed = tools.bundle(&site, &[]);
        assert!(failed.err.contains(words) && failed.err.contains(hint), "{hint}: {}", failed.err);
    }
    fs::remove_file(site.path.join("netlify/functions/hello/fail")).unwrap();
    tools.0.file("program", "!<arch>\n");
    let failed = tools.bundle(&site, &[]);
    assert!(failed.err.contains("`go build` made no program: the package must be `main`"), "{}", failed.err);
}

#[test]
fn rust_is_built_for_musl_where_it_is_installed() {
    let (musl, gnu) = ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu");
    for (std, target) in [(vec![musl, gnu], musl), (vec![gnu], gnu)] {
        let site = rust_site();
        let tools = Tools::rust(&std);
        let said = tools.bundle(&site, &[]);
        assert_eq!(said.status, 0, "{}", said.err);
        let called = tools.read("called");
        let words: Vec<&str> = called.lines().collect();
        let start = ["rustc", "--quiet", "--message-format=json-render-diagnostics", "--config"];
        assert_eq!(words[..4], start);
        let rest =
            ["profile.fnzip.inherits=\"release\"", "--profile", "fnzip", "--target", target, "--bin", "app", "--"];
        assert_eq!(words[4..12], rest);
        let shared = site.path.join(".netlify/cache/fnzip/cargo/shared");
        assert_eq!(tools.read("target").trim(), shared.to_string());
        assert_eq!(row(&site, "hello")["runtime"], "rs");
        assert_eq!(entries(&site.path.join(".netlify/functions/hello.zip")), ["bootstrap", "netlify-toolchain"]);
    }
}

#[test]
fn flags_and_directories_of_the_user_stay() {
    let site = rust_site();
    let tools = Tools::rust(&["x86_64-unknown-linux-gnu"]);
    said(tools.fnzip(&site, &[]).env("RUSTFLAGS", "-C opt-level=3").env("CARGO_ENCODED_RUSTFLAGS", "a\x1fb c"));
    assert_eq!(tools.read("flags"), "a\x1fb c -C opt-level=3\n");
    said(tools.fnzip(&site, &[]).env("TARGET_DIRECTORY", "/somewhere"));
    assert_eq!(tools.read("target"), "/somewhere\n");
    let told = json!({"hello": {"rustTargetDirectory": "targets/[name]"}}).to_string();
    said(tools.fnzip(&site, &["--config", &told]).env("TARGET_DIRECTORY", "/somewhere"));
    assert_eq!(tools.read("target").trim(), site.path.join("targets/hello").to_string());
}

/// Cargo calls fnzip, and fnzip whom Cargo would have called.
#[test]
fn the_wrapper_of_the_user_stays() {
    let site = rust_site();
    let tools = Tools::rust(&["x86_64-unknown-linux-gnu"]);
    let wrapper = |environment: &[(&str, &str)]| {
        said(tools.fnzip(&site, &[]).envs(environment.iter().copied()));
        let told = tools.read("wrapper");
        let (program, places) = told.split_once(' ').unwrap();
        assert_eq!(program, env!("CARGO_BIN_EXE_fnzip"));
        let places: Value = serde_json::from_str(places).unwrap();
        let shared = site.path.join(".netlify/cache/fnzip/cargo/shared");
        assert_eq!(places["root"], site.path.to_string());
        assert_eq!(places["target"], shared.to_string());
        assert_eq!(places["home"], "/cargo-home");
        places["wrapper"].clone()
    };
    assert_eq!(wrapper(&[]), Value::Null);
    assert_eq!(wrapper(&[("CARGO_BUILD_RUSTC_WRAPPER", "ccache")]), "ccache");
    site.file(".cargo/config.toml", "build.rustc-wrapper = 'tools/wrapper'");
    assert_eq!(wrapper(&[]), site.path.join("tools/wrapper").to_string());
    site.file("netlify/.cargo/config.toml", "build.rustc-wrapper = 'sccache'");
    assert_eq!(wrapper(&[]), "sccache");
    assert_eq!(wrapper(&[("RUSTC_WRAPPER", "ccache")]), "ccache");
    assert_eq!(wrapper(&[("RUSTC_WRAPPER", "")]), Value::Null);
}

#[test]
fn without_rust_its_functions_are_left_out_unless_they_are_asked_for() {
    if !without("cargo") {
        return;
    }
    let site = rust_site();
    let tools = Tools::new(&[]);
    let message = "there is no Rust toolchain: `cargo` is not on the PATH";
    let said = tools.bundle(&site, &[]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(
        said.err.contains(&format!("warning[toolchain]: netlify/functions/hello/src/main.rs: left out: {message}")),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: install Rust (https://rustup.rs)"), "{}", said.err);
    assert!(row(&site, "hello").is_null() && !row(&site, "plain").is_null());
    assert_eq!(tools.bundle(&site, &["--strict"]).status, 1);
    let asked = tools.bundle(&site, &["--rust"]);
    let by_variable =
        crate::support::said(tools.fnzip(&site, &[]).env("NETLIFY_EXPERIMENTAL_BUILD_RUST_SOURCE", "true"));
    for refused in [asked, by_variable] {
        assert_eq!(refused.status, 1);
        assert!(refused.err.contains("error[toolchain]") && refused.err.contains(message), "{}", refused.err);
    }
}

#[test]
fn a_target_that_is_missing_is_named() {
    let site = rust_site();
    for (flag, target) in
        [("--arch=amd64", "x86_64-unknown-linux-musl"), ("--arch=arm64", "aarch64-unknown-linux-musl")]
    {
        let tools = Tools::rust(&[]);
        let said = tools.bundle(&site, &[flag, "--rust"]);
        assert_eq!(said.status, 1);
        assert!(said.err.contains(&format!("the target `{target}` is not installed")), "{}", said.err);
        assert!(said.err.contains(&format!("hint: run `rustup target add {target}`")), "{}", said.err);
        assert_eq!(tools.read("called"), "");
    }
    let tools = Tools::rust(&["x86_64-unknown-linux-gnu"]);
    tools.0.file("program", Elf { machine: X64, section: RUST, glibc: Some("GLIBC_2.39") }.bytes());
    let said = tools.bundle(&site, &[]);
    assert_eq!(said.status, 1);
    assert!(
        said.err.contains("built for `x86_64-unknown-linux-gnu`, the function would not start: it needs GLIBC_2.39"),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: run `rustup target add x86_64-unknown-linux-musl`"), "{}", said.err);
}

#[test]
fn what_cargo_says_is_shown_whole_at_its_place() {
    let site = rust_site();
    let words = "error[E0425]: cannot find value `wrong` in this scope\n --> src/main.rs:2:5\n  |\n2 |     wrong\n  |     ^^^^^ not found\n";
    site.file("netlify/functions/hello/fail", words);
    let failed = Tools::rust(&["x86_64-unknown-linux-gnu"]).bundle(&site, &[]);
    assert_eq!(failed.status, 1);
    let message = "error[compile]: netlify/functions/hello/src/main.rs: `cargo build` failed";
    assert!(failed.err.contains(message) && failed.err.contains("main.rs:2:5"), "{}", failed.err);
    for line in words.lines() {
        assert!(failed.err.contains(&format!("  | {line}")), "{}", failed.err);
    }
    assert!(failed.err.contains("1 function built"), "{}", failed.err);
}

/// A terminal tells ctrl-C to all; a supervisor tells fnzip alone.
#[test]
fn who_ends_fnzip_ends_the_compilers() {
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main");
    let script = "#!/bin/sh\ntrap '' INT\nsleep 600 &\necho $$ $! > \"$TOOLS/pids.new\"\nmv \"$TOOLS/pids.new\" \"$TOOLS/pids\"\nwait\nsleep 600\n";
    let tools = Tools::new(&[("go", script)]);
    let temporary = scratch();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fnzip"));
    command.arg("bundle").current_dir(&*site.path).env("TMPDIR", &*temporary.path).env("TOOLS", &*tools.0.path);
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.0.path)).env("FNZIP_NODE_VERSION", "24");
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let wait_for = |condition: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(&|| tools.0.path.join("pids").exists());
    let pids: Vec<i32> = tools.read("pids").split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let kill = |pid: u32| std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(kill(child.id()).success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let is_gone = |pid: &i32| {
        // Nobody may be there to reap it.
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.is_empty() || status.contains(") Z ")
    };
    wait_for(&|| pids.iter().all(is_gone));
    assert_eq!(fs::read_dir(&*temporary.path).unwrap().count(), 0);
}
