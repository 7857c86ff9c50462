//! Functions in Go and Rust from source: how their compilers are called, and what becomes of what they
//! say. The compilers here are scripts; `toolchains` has the real ones, and `processes` how they end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Said, Scratch, entries, fnzip, said, scratch};
use crate::tiny::{Elf, GO, RUST, X64, program};

pub(crate) const HANDLER: &str = "exports.handler = async () => ({ statusCode: 200 })\n";

/// A compiler of Go that writes down how it is called and hands out what stands in `program`.
pub(crate) const FAKE_GO: &str = r#"#!/bin/sh
if [ "$1" = env ]; then echo "$GOFLAGS"; exit; fi
if [ "$1" = list ]; then exit; fi
call="in $(basename "$PWD")"
for word; do call="$call
$word"; done
# Others write as well: all at once.
echo "$call" >> "$TOOLS/called"
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
pub(crate) struct Tools(pub(crate) Scratch);

impl Tools {
    pub(crate) fn new(tools: &[(&str, &str)]) -> Self {
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

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path.join(name)).unwrap_or_default()
    }

    /// fnzip, which finds these tools and no others.
    pub(crate) fn fnzip(&self, site: &Scratch, flags: &[&str]) -> assert_cmd::Command {
        let mut command = fnzip(&site.path);
        command.args(["bundle", "--color=never"]).args(flags);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.0.path)).env("TOOLS", &*self.0.path);
        command.env("CARGO_HOME", "/cargo-home");
        for name in ["GOFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC", "RUSTC_WRAPPER"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn bundle(&self, site: &Scratch, flags: &[&str]) -> Said {
        said(&mut self.fnzip(site, flags))
    }
}

pub(crate) fn row(site: &Scratch, name: &str) -> Value {
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
    let said = said(
        tools
            .fnzip(&site, &[])
            .env("TMPDIR", &*temporary.path)
            .env("GOFLAGS", "-mod=mod -tags=a,b '-ldflags=-X a.b=c d'"),
    );
    assert_eq!(said.status, 0, "{}", said.err);
    let called = tools.read("called");
    let calls: Vec<Vec<&str>> = called.split("in ").skip(1).map(|call| call.lines().collect()).collect();
    assert_eq!(calls.len(), 3);
    let first = calls.iter().find(|call| call[0] == "eins").unwrap();
    assert_eq!(first[1..3], ["build", "-o"]);
    assert!(Path::new(first[3]).starts_with(&*temporary.path), "{first:?}");
    let rest = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X a.b=c d", "-tags", "lambda.norpc,a,b", "."];
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
    let site = scratch();
    site.file("netlify/functions/hello/main.go", "package main").file("netlify/functions/plain.js", HANDLER);
    let nowhere = scratch();
    let said = said(Tools::new(&[]).fnzip(&site, &["--keep-going"]).env("PATH", &*nowhere.path));
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
        ("go: cannot find main module, but found .git/config in /site", "run `go mod init NAME`"),
        ("Get \"https://proxy.golang.org/x\": net/http: TLS handshake timeout", "run `go mod download`"),
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
    // go.mod has lines, and no columns.
    site.file("go.mod", "module x\nwrong\n")
        .file("netlify/functions/hello/fail", "../../../go.mod:2: unknown directive: wrong");
    let failed = tools.bundle(&site, &[]);
    assert!(failed.err.contains("error[compile]: go.mod: `go build` failed"), "{}", failed.err);
    assert!(failed.err.contains("go.mod:2:1"), "{}", failed.err);
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
    let site = rust_site();
    let nowhere = scratch();
    let tools = Tools::new(&[]);
    let bundle = |flags: &[&str]| said(tools.fnzip(&site, flags).env("PATH", &*nowhere.path));
    let message = "there is no Rust toolchain: `cargo` is not on the PATH";
    let said = bundle(&[]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(
        said.err.contains(&format!("warning[toolchain]: netlify/functions/hello/src/main.rs: left out: {message}")),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: install Rust (https://rustup.rs)"), "{}", said.err);
    assert!(row(&site, "hello").is_null() && !row(&site, "plain").is_null());
    assert_eq!(bundle(&["--strict"]).status, 1);
    let asked = bundle(&["--rust"]);
    let mut by_variable = tools.fnzip(&site, &[]);
    by_variable.env("PATH", &*nowhere.path).env("NETLIFY_EXPERIMENTAL_BUILD_RUST_SOURCE", "true");
    let by_variable = crate::support::said(&mut by_variable);
    for refused in [asked, by_variable] {
        assert_eq!(refused.status, 1);
        assert!(refused.err.contains("error[toolchain]") && refused.err.contains(message), "{}", refused.err);
    }
}

/// The site is as it was, and the machine is not.
#[test]
fn what_was_left_out_is_built_once_it_can_be() {
    let (site, nowhere) = (rust_site(), scratch());
    // So that it is not too young to be remembered.
    std::thread::sleep(std::time::Duration::from_millis(2200));
    let tools = Tools::rust(&["x86_64-unknown-linux-gnu"]);
    for _ in 0..2 {
        said(tools.fnzip(&site, &[]).env_remove("FNZIP_NO_CACHE").env("PATH", &*nowhere.path));
        assert!(row(&site, "hello").is_null());
    }
    said(tools.fnzip(&site, &[]).env_remove("FNZIP_NO_CACHE"));
    assert_eq!(row(&site, "hello")["runtime"], "rs");
}

#[test]
fn what_can_be_done_about_the_words_of_cargo_is_told() {
    let fetch = "hint: a module must be fetched first: run `cargo fetch`";
    let rows = [
        ("[7] Could not connect to server", "--arch=amd64", fetch),
        ("error: failed to download from `https://index.crates.io/x`", "--arch=amd64", fetch),
        ("failed to resolve address for github.com", "--arch=amd64", fetch),
        (
            "error: linking with `cc` failed: exit status: 1",
            "--arch=arm64",
            "set `CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld`",
        ),
    ];
    let tools = Tools::rust(&["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"]);
    for (words, flag, hint) in rows {
        let site = rust_site();
        site.file("netlify/functions/hello/fail", words);
        let failed = tools.bundle(&site, &[flag]);
        assert!(failed.err.contains(words) && failed.err.contains(hint), "{hint}: {}", failed.err);
    }
    let site = rust_site();
    site.file("netlify/functions/hello/fail", "linking with `cc` failed");
    assert!(!tools.bundle(&site, &["--arch=amd64"]).err.contains("_LINKER"));
}

/// rustup stands in for tools that it has not installed.
#[test]
fn a_toolchain_that_does_not_work_says_so() {
    let fails = |words: &str| format!("#!/bin/sh\necho \"{words}\" >&2\nexit 1\n");
    let works =
        "#!/bin/sh\nif [ \"$1\" = -vV ]; then exit 0; fi\necho 'could not find specification' >&2\nexit 1\n".to_owned();
    let choose = "error: rustup could not choose a version of cargo to run";
    let gone = "error: toolchain '1.60.0-x86_64' is not installed";
    let rows = [
        (fails(choose), None, vec!["rustup has no Rust toolchain for it", choose, "hint: run `rustup default stable`"]),
        (fails(gone), None, vec![gone, "hint: run `rustup toolchain install 1.60.0-x86_64`"]),
        (FAKE_CARGO.to_owned(), Some(fails(choose)), vec!["hint: run `rustup default stable`"]),
        (FAKE_CARGO.to_owned(), Some(fails("libLLVM.so is lost")), vec!["`rustc -vV` failed", "libLLVM.so is lost"]),
        (
            FAKE_CARGO.to_owned(),
            Some(works),
            vec!["x86_64-unknown-linux-musl` is not installed", "could not find specification"],
        ),
        (FAKE_CARGO.to_owned(), None, vec!["`rustc` is not on the PATH", "hint: install Rust"]),
    ];
    for (cargo, rustc, wanted) in rows {
        let site = rust_site();
        let mut scripts = vec![("cargo", cargo.as_str())];
        scripts.extend(rustc.as_deref().map(|rustc| ("rustc", rustc)));
        let tools = Tools::new(&scripts);
        // With what scripts need, and without any Rust of the system.
        for name in ["sh", "basename"] {
            std::os::unix::fs::symlink(format!("/bin/{name}"), tools.0.path.join(name)).unwrap();
        }
        let run = |flags: &[&str]| said(tools.fnzip(&site, flags).env("PATH", &*tools.0.path));
        let left_out = run(&[]);
        assert_eq!(left_out.status, 0, "{}", left_out.err);
        for words in wanted {
            assert!(left_out.err.contains(words), "{words}: {}", left_out.err);
        }
        assert!(row(&site, "hello").is_null() && !row(&site, "plain").is_null());
        assert_eq!(run(&["--rust"]).status, 1);
    }
}

#[test]
fn a_directory_without_a_main_file_is_told_its_name() {
    let site = scratch();
    site.file("netlify/functions/hello/handler.go", "package main").file("netlify/functions/rusty/Cargo.toml", "");
    site.file("netlify/functions/rusty/src/lib.rs", "").file("netlify/functions/other/a.js", "");
    let said = said(fnzip(&site.path).args(["bundle", "--color=never", "-v"]));
    for name in ["`hello.go` or `main.go`", "`src/main.rs`", "`other.js` or `index.js`"] {
        assert!(said.err.contains(&format!("hint: call the main file {name}")), "{name}: {}", said.err);
    }
}

#[test]
fn a_relative_target_directory_is_the_callers() {
    let site = rust_site();
    let tools = Tools::rust(&["x86_64-unknown-linux-gnu"]);
    site.file("netlify.toml", "");
    for name in ["mine", "target"] {
        said(tools.fnzip(&site, &[]).env("CARGO_TARGET_DIR", name));
        assert_eq!(tools.read("target").trim(), site.path.join(name).to_string());
        said(tools.fnzip(&site, &[]).env("CARGO_BUILD_TARGET_DIR", name).current_dir(site.path.join("netlify")));
        assert_eq!(tools.read("target").trim(), site.path.join("netlify").join(name).to_string());
    }
    site.file("netlify.toml", "[build]\nbase = \"netlify\"\n[build.environment]\nCARGO_TARGET_DIR = \"ours\"\n");
    site.file(
        "netlify/netlify.toml",
        "[functions]\ndirectory = \"functions\"\n[build.environment]\nCARGO_TARGET_DIR = \"ours\"\n",
    );
    tools.bundle(&site, &[]);
    assert_eq!(tools.read("target").trim(), site.path.join("netlify/ours").to_string());
}

/// What an earlier build has left is none of this one.
#[test]
fn what_cargo_does_not_name_is_not_taken() {
    let site = rust_site();
    let silent = FAKE_CARGO.replace("compiler-artifact", "build-finished").replace("executable", "nothing");
    let tools = Tools::new(&[("cargo", &silent), ("rustc", FAKE_RUSTC)]);
    fs::create_dir_all(tools.0.path.join("std/x86_64-unknown-linux-gnu")).unwrap();
    for profile in ["release", "fnzip"] {
        let left = format!(".netlify/cache/fnzip/cargo/shared/x86_64-unknown-linux-gnu/{profile}/app");
        site.file(&left, program(X64, RUST));
    }
    let failed = tools.bundle(&site, &[]);
    assert_eq!(failed.status, 1);
    assert!(failed.err.contains("`cargo rustc` made no program"), "{}", failed.err);
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
    let message = "error[compile]: netlify/functions/hello/src/main.rs: `cargo rustc` failed";
    assert!(failed.err.contains(message) && failed.err.contains("main.rs:2:5"), "{}", failed.err);
    for line in words.lines() {
        assert!(failed.err.contains(&format!("  | {line}")), "{}", failed.err);
    }
    assert!(failed.err.contains("1 function built"), "{}", failed.err);
}
