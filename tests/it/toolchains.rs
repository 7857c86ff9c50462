//! Real compilers: functions in Go and Rust are built, run on a server of Lambda's Runtime API, and built
//! again elsewhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::lambda::{Answer, answers};
use crate::serve::Serving;
use crate::support::{Said, Scratch, contents, copy_tree, fixture, fnzip, full, said, scratch, skipped};

/// Is the tool there? If not, that is said, counted, and an error where `FNZIP_TOOLCHAINS=1` wants all.
pub(crate) fn has(tool: &str) -> bool {
    let version = if tool == "go" { "version" } else { "--version" };
    let found = Command::new(tool).arg(version).output().is_ok_and(|output| output.status.success());
    if !found {
        skipped(&format!("there is no {tool} on the PATH"));
        assert!(std::env::var_os("FNZIP_TOOLCHAINS").is_none(), "there is no {tool}");
    }
    found
}

fn bundle(site: &Scratch, flags: &[&str]) -> Said {
    bundle_with(site, flags, &[])
}

fn bundle_with(site: &Scratch, flags: &[&str], environment: &[(&str, &Path)]) -> Said {
    let mut command = fnzip(&site.path);
    for name in ["CARGO_TARGET_DIR", "GOFLAGS", "NETLIFY", "RUSTFLAGS", "RUSTC_WRAPPER"] {
        command.env_remove(name);
    }
    said(command.args(["bundle", "--color=never", "-v"]).args(flags).envs(environment.iter().copied()))
}

fn checkout(name: &str, place: &str) -> Scratch {
    let site = scratch().below(place);
    copy_tree(&fixture(name), &site.path);
    site
}

fn zip(site: &Scratch, name: &str) -> PathBuf {
    site.path.join(".netlify/functions").join(format!("{name}.zip")).to_path_buf()
}

/// What the packed function answers.
fn answers_of(site: &Scratch, name: &str, events: &[Value]) -> Vec<Answer> {
    let place = scratch();
    let unzipped = Command::new("unzip").arg("-q").arg(zip(site, name)).current_dir(&*place.path).status().unwrap();
    assert!(unzipped.success());
    answers(&place.path.join("bootstrap"), events)
}

fn response(body: &str) -> Answer {
    Answer::Response(json!({"statusCode": 200, "body": body}))
}

/// What was built is fit to deploy, is called here, and names what went in.
fn is_fit(site: &Scratch, function: &str, event: &Value, packages: &[&str]) {
    site.file("event.json", event.to_string());
    let call = format!("{function}=event.json");
    let verified = said(fnzip(&site.path).args(["verify", "--color=never", "--load", "--strict", "--call", &call]));
    assert_eq!(verified.status, 0, "{}", verified.err);
    let sbom = said(fnzip(&site.path).args(["sbom", "--function", function]));
    let sbom: Value = serde_json::from_str(&sbom.out).unwrap();
    let purls: Vec<&str> =
        sbom["components"].as_array().unwrap().iter().map(|it| it["purl"].as_str().unwrap()).collect();
    let names = |package: &&str| purls.iter().any(|purl| purl.starts_with(*package));
    assert!(packages.iter().all(names) && purls.is_empty() == packages.is_empty(), "{sbom:#}");
}

/// Builds two checkouts; the archives are the same.
fn built_twice(functions: &[&str], environment: &[(&str, &Path)], checkout: impl Fn(&str) -> Scratch) -> Scratch {
    let [one, other] = ["", "in/a/longer/place"].map(|place| {
        let site = checkout(place);
        let said = bundle_with(&site, &["--rust"], environment);
        assert_eq!(said.status, 0, "{}", said.err);
        site
    });
    let set = ["HOME", "CARGO_HOME", "GOMODCACHE", "GOPATH"].into_iter().filter_map(std::env::var_os);
    let places: Vec<String> = [format!("{}/", one.path), format!("{}/", std::env::temp_dir().display())]
        .into_iter()
        .chain(set.map(|place| format!("{}/", place.display())))
        .collect();
    for function in functions {
        let unpacked = scratch();
        let unzip = Command::new("unzip").arg("-q").arg(zip(&one, function)).current_dir(&*unpacked.path).status();
        assert!(unzip.unwrap().success());
        for (entry, bytes) in contents(&unpacked.path) {
            for place in &places {
                let tells = bytes.windows(place.len()).any(|part| part == place.as_bytes());
                assert!(!tells, "{function}: {entry} tells where it was built: {place}");
            }
        }
        assert!(
            fs::read(zip(&one, function)).unwrap() == fs::read(zip(&other, function)).unwrap(),
            "{function} differs between two checkouts"
        );
    }
    one
}

/// The files that went into a function, as `--json` names them.
fn inputs(site: &Scratch, name: &str) -> Vec<String> {
    let said = said(fnzip(&site.path).args(["bundle", "--json", "--rust", "--only", name]));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let inputs = json[0]["inputs"].as_array().unwrap().iter().map(|path| path.as_str().unwrap());
    inputs.map(|path| path.strip_prefix(&format!("{}/", site.path)).unwrap_or(path).to_owned()).collect()
}

#[test]
fn go_functions_answer_and_are_the_same_in_every_checkout() {
    if !full() || !has("go") {
        return;
    }
    let site = built_twice(&["counter-background", "greeting", "plain"], &[], |place| checkout("go", place));
    let counter = "netlify/functions/counter-background/main.go";
    assert_eq!(inputs(&site, "counter-background"), ["go.mod", "go.sum", counter, "words/words.go"]);
    // A link is followed, and so is what rules the place that it leads to.
    fs::create_dir(site.path.join("elsewhere")).unwrap();
    fs::rename(site.path.join("netlify/functions/counter-background"), site.path.join("elsewhere/linked")).unwrap();
    symlink("../../elsewhere/linked", site.path.join("netlify/functions/counter-background")).unwrap();
    assert_eq!(inputs(&site, "counter-background"), ["go.mod", "go.sum", counter, "words/words.go"]);
    let greeted = answers_of(&site, "greeting", &[json!({"queryStringParameters": {"name": "Ada"}}), json!({})]);
    let Answer::Response(response_to_ada) = &greeted[0] else { panic!("{greeted:?}") };
    assert_eq!((&response_to_ada["statusCode"], &response_to_ada["body"]), (&json!(200), &json!("Hello, Ada!")));
    assert_eq!(greeted[1], Answer::Error("nobody to greet".to_owned()));
    let events = [json!({"body": "{}"}), json!({"body": "{"}), json!({"body": "1"})];
    let counted = answers_of(&site, "counter-background", &events);
    assert_eq!(counted, [response("once"), Answer::Error("the body is no JSON".to_owned()), response("often")]);
    is_fit(&site, "counter-background", &json!({"body": "{}"}), &["pkg:golang/github.com/aws/aws-lambda-go@v1"]);
}

#[test]
fn rust_functions_answer_and_are_the_same_in_every_checkout() {
    if !full() || !has("cargo") {
        return;
    }
    let site = built_twice(&["counter-background", "hello", "plain"], &[], |place| checkout("rust", place));
    let of_workspace = ["Cargo.lock", "Cargo.toml"];
    let counter = ["Cargo.toml", "src/main.rs"].map(|name| format!("netlify/functions/counter-background/{name}"));
    let shared = ["shared/Cargo.toml", "shared/src/lib.rs"];
    let all: Vec<&str> = of_workspace.into_iter().chain(counter.iter().map(String::as_str)).chain(shared).collect();
    assert_eq!(inputs(&site, "counter-background"), all);
    assert!(inputs(&site, "hello").iter().all(|path| path.starts_with("netlify/functions/hello/")));
    let greeted = answers_of(&site, "hello", &[json!({"queryStringParameters": {"name": "Ada"}}), json!({})]);
    assert_eq!(greeted, [response("Hello, Ada!"), Answer::Error("nobody to greet".to_owned())]);
    let counted = answers_of(&site, "counter-background", &[json!({"count": 1}), json!({}), json!({"count": 1})]);
    assert_eq!(counted, [response("1"), Answer::Error("nothing to count".to_owned()), response("2")]);
    is_fit(&site, "counter-background", &json!({"count": 1}), &[]);
    let event = json!({"queryStringParameters": {"name": "Ada"}});
    is_fit(&site, "hello", &event, &["pkg:cargo/lambda_runtime@1", "pkg:cargo/serde_json@1", "pkg:cargo/tokio@1"]);
    let out = site.path.join(".netlify/functions");
    let serving = Serving::start(scratch(), &["--dist", out.to_str().unwrap()]);
    assert_eq!(serving.get("/.netlify/functions/hello?name=Ada").body, "Hello, Ada!");
    let nobody = serving.call("hello");
    assert_eq!(nobody.status, 500);
    assert!(nobody.body.contains("nobody to greet"), "{nobody:?}");
    assert_eq!(serving.get("/.netlify/functions/hello?name=Bob").body, "Hello, Bob!");
}

/// Programs for other machines, made by Go itself.
#[test]
fn programs_of_go_are_taken_for_their_platform_alone() {
    if !full() || !has("go") {
        return;
    }
    let site = scratch();
    let source = scratch();
    source.file("main.go", "package main\n\nfunc main() {\n\tprintln(\"hello\")\n}\n");
    source.file("go.mod", "module example.com/hello\n\ngo 1.20\n");
    fs::create_dir_all(site.path.join("netlify/functions")).unwrap();
    let machines = [
        ("linux", "amd64"),
        ("linux", "arm64"),
        ("linux", "riscv64"),
        ("darwin", "arm64"),
        ("windows", "amd64"),
        ("freebsd", "amd64"),
        ("dragonfly", "amd64"),
    ];
    for (system, processor) in machines {
        let out = site.path.join(format!("netlify/functions/{system}-{processor}"));
        let mut go = Command::new("go");
        go.args(["build", "-ldflags", "-s -w", "-o"]).arg(&*out).current_dir(&*source.path);
        let built = go.envs([("CGO_ENABLED", "0"), ("GOOS", system), ("GOARCH", processor)]).status().unwrap();
        assert!(built.success());
    }
    for (flag, ours) in [("--arch=amd64", "linux-amd64"), ("--arch=arm64", "linux-arm64")] {
        let said = bundle(&site, &[flag]);
        assert_eq!(said.status, 0, "{}", said.err);
        let found = [
            ("linux-amd64", "Linux x64"),
            ("linux-arm64", "Linux arm64"),
            ("linux-riscv64", "Linux riscv64"),
            ("darwin-arm64", "macOS arm64"),
            ("windows-amd64", "Windows x64"),
            ("freebsd-amd64", "FreeBSD x64"),
            ("dragonfly-amd64", "DragonFly BSD x64"),
        ];
        for (name, machine) in found {
            assert_eq!(zip(&site, name).exists(), name == ours, "{flag} {name}");
            let message = format!("{name}: not taken: a Go program for {machine}, and functions run on Linux");
            assert_eq!(said.err.contains(&message), name != ours, "{flag} {name}: {}", said.err);
        }
        assert_eq!(bundle(&site, &[flag, "--strict"]).status, 1);
        assert_eq!(bundle(&site, &[flag, "--strict", "--only", ours]).status, 0);
    }
}

#[test]
fn what_go_refuses_leaves_the_others() {
    if !full() || !has("go") {
        return;
    }
    let site = checkout("go", "");
    let empty = scratch();
    site.file("netlify/functions/wrong/main.go", "package main\n\nfunc main() {\n\tmissing()\n}\n");
    let off = Path::new("off");
    let said = bundle_with(
        &site,
        &[],
        &[("GOFLAGS", Path::new("-mod=mod -modcacherw")), ("GOPROXY", off), ("GOMODCACHE", &empty.path)],
    );
    assert_eq!(said.status, 1);
    for words in ["undefined: missing", "module lookup disabled by GOPROXY=off", "hint: a module must be fetched first"]
    {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    assert!(said.err.contains("1 function built"), "{}", said.err);
}

/// `go env -w` writes flags down; ours are added to them.
#[test]
fn flags_that_go_remembers_stay() {
    if !has("go") {
        return;
    }
    let site = scratch();
    let main = "package main\n\nvar word = \"unset\"\n\nfunc main() { println(word, tagged) }\n";
    site.file("go.mod", "module example.com/hello\n\ngo 1.20\n").file("netlify/functions/hello/main.go", main);
    for (tag, value) in [("tagged", "true"), ("!tagged", "false")] {
        let text = format!("//go:build {tag}\n\npackage main\n\nconst tagged = {value}\n");
        site.file(&format!("netlify/functions/hello/is_{value}.go"), text);
    }
    site.file("env", "GOFLAGS=-tags=tagged '-ldflags=-X main.word=set'\n");
    let said = bundle_with(&site, &[], &[("GOENV", &site.path.join("env"))]);
    assert_eq!(said.status, 0, "{}", said.err);
    let place = scratch();
    Command::new("unzip").arg("-q").arg(zip(&site, "hello")).current_dir(&*place.path).status().unwrap();
    let ran = Command::new(&*place.path.join("bootstrap")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "set true\n");
}

/// In a checkout of git, Go says otherwise that there is no go.mod.
#[test]
fn who_has_no_module_is_told_to_make_one() {
    if !has("go") {
        return;
    }
    for is_checkout in [false, true] {
        let site = scratch();
        site.file("netlify/functions/hello/main.go", "package main\n\nfunc main() {}\n");
        if is_checkout {
            site.file(".git/config", "");
        }
        let said = bundle(&site, &[]);
        assert!(said.err.contains("hint: run `go mod init NAME`"), "{}", said.err);
    }
}

fn rust_function(site: &Scratch, directory: &str, manifest: &str, main: &str) {
    site.file(&format!("netlify/functions/{directory}/src/main.rs"), main);
    let package = format!("[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{manifest}");
    site.file(&format!("netlify/functions/{directory}/Cargo.toml"), package);
}

/// A library with generated code and a macro, both outside the workspaces of the functions that use
/// them: Cargo writes their places into the names of symbols.
fn outside_the_workspace(place: &str, config: &str) -> Scratch {
    let site = scratch().below(place);
    let dependencies = "[dependencies]\nshared = { path = '../../../shared' }\nmacros = { path = '../../../macros' }\n";
    let main = "fn main() {\n    let at = std::env::args().count();\n    println!(\"{} {}\", shared::twice(&[1, 2], at), macros::answer!());\n    #[cfg(flagged)]\n    println!(\"flagged\");\n}\n";
    for name in ["one", "two"] {
        rust_function(&site, name, &format!("{dependencies}[profile.release]\ndebug = 1\n"), main);
    }
    let package = "[package]\nversion = \"0.1.0\"\nedition = \"2021\"\nname = ";
    site.file("shared/Cargo.toml", format!("{package}\"shared\"\n"));
    site.file("shared/build.rs", "fn main() {\n    let place = std::env::var(\"OUT_DIR\").unwrap();\n    let code = \"pub fn nth(of: &[i32], at: usize) -> i32 { of[at] }\";\n    std::fs::write(format!(\"{place}/generated.rs\"), code).unwrap();\n}\n");
    site.file("shared/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/generated.rs\"));\n\npub fn twice<T: AsRef<[i32]>>(of: T, at: usize) -> i32 {\n    let double = |number: i32| number.checked_mul(2).expect(\"small\");\n    double(nth(of.as_ref(), at))\n}\n");
    site.file("macros/Cargo.toml", format!("{package}\"macros\"\n[lib]\nproc-macro = true\n"));
    site.file("macros/src/lib.rs", "use proc_macro::TokenStream;\n\n#[proc_macro]\npub fn answer(given: TokenStream) -> TokenStream {\n    assert!(given.is_empty(), \"{given}\");\n    \"{ let more = |to: i32| to + 1; more(41) }\".parse().unwrap()\n}\n");
    site.file("netlify.toml", "").file(".cargo/config.toml", config);
    site.file(".cargo/flags.toml", "build.rustflags = ['--cfg', 'flagged']\n");
    site
}

#[test]
fn what_leads_out_of_a_workspace_is_the_same_in_every_checkout() {
    if !has("cargo") {
        return;
    }
    let flags = Path::new("");
    let rows = [
        ("", vec![], "4 42\n"),
        // Cargo takes flags as a text as well.
        ("build.rustflags = '--cfg flagged'", vec![], "4 42\nflagged\n"),
        ("build.rustflags = ['--cfg', 'flagged']", vec![("RUSTFLAGS", flags)], "4 42\n"),
        // A file that another one includes, where Cargo does that.
        ("include = ['flags.toml']", vec![], ""),
        ("[target.'cfg(unix)']\nrustflags = '--cfg flagged'", vec![], "4 42\nflagged\n"),
    ];
    for (config, environment, printed) in rows {
        let site = built_twice(&["one", "two"], &environment, |place| outside_the_workspace(place, config));
        let place = scratch();
        Command::new("unzip").arg("-q").arg(zip(&site, "two")).current_dir(&*place.path).status().unwrap();
        let ran = Command::new(&*place.path.join("bootstrap")).output().unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        assert!(out == printed || printed.is_empty() && out.starts_with("4 42\n"), "{config}: {out}");
    }
}

/// What has other names in programs has its own in messages.
#[test]
fn a_mistake_outside_the_workspace_is_shown_at_its_place() {
    if !has("cargo") {
        return;
    }
    let site = outside_the_workspace("", "");
    site.file("shared/src/lib.rs", "pub fn twice(of: &[i32; 2], at: usize) -> i32 {\n    missing(of[at])\n}\n");
    let said = bundle(&site, &["--rust", "--only=one"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("error[compile]: shared/src/lib.rs: `cargo rustc` failed"), "{}", said.err);
    assert!(said.err.contains("shared/src/lib.rs:2:5") && !said.err.contains(" /site/"), "{}", said.err);
}

/// Who compiles nothing new is not kept waiting.
#[test]
fn what_has_not_changed_is_not_compiled_again() {
    if !has("cargo") {
        return;
    }
    let site = outside_the_workspace("", "build.rustc-wrapper = './wrapper'");
    site.file("wrapper", "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/called\"\nexec \"$@\"\n");
    fs::set_permissions(site.path.join("wrapper"), fs::Permissions::from_mode(0o755)).unwrap();
    for compiled in [true, false] {
        let _ = fs::remove_file(site.path.join("called"));
        let said = bundle(&site, &["--rust", "--only=one"]);
        assert_eq!(said.status, 0, "{}", said.err);
        let called = fs::read_to_string(site.path.join("called")).unwrap_or_default();
        assert_eq!(called.contains("--crate-name shared"), compiled, "{called}");
        assert_eq!(called.contains("--crate-name app"), compiled, "{called}");
    }
}

/// Cargo itself would take the second for the first.
#[test]
fn packages_of_one_name_stay_apart() {
    if !has("cargo") {
        return;
    }
    let site = scratch();
    for name in ["one", "two"] {
        rust_function(&site, name, "", &format!("fn main() {{ println!(\"I am {name}\") }}\n"));
    }
    for _ in 0..2 {
        let said = bundle(&site, &["--rust"]);
        assert_eq!(said.status, 0, "{}", said.err);
        for name in ["one", "two"] {
            let place = scratch();
            Command::new("unzip").arg("-q").arg(zip(&site, name)).current_dir(&*place.path).status().unwrap();
            let ran = Command::new(&*place.path.join("bootstrap")).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("I am {name}\n"));
        }
    }
}

#[test]
fn what_cargo_refuses_leaves_the_others() {
    if !has("cargo") {
        return;
    }
    let site = scratch();
    let empty = scratch();
    site.file("netlify/functions/plain.js", "exports.handler = async () => ({ statusCode: 200 })\n");
    rust_function(&site, "wrong", "", "fn main() {\n    missing();\n}\n");
    rust_function(&site, "far", "[dependencies]\nserde = \"1\"\n", "fn main() {}\n");
    rust_function(&site, "broken", "[[[", "fn main() {}\n");
    let said = bundle_with(&site, &[], &[("CARGO_NET_OFFLINE", Path::new("true")), ("CARGO_HOME", &empty.path)]);
    assert_eq!(said.status, 1);
    let words = [
        "netlify/functions/wrong/src/main.rs: `cargo rustc` failed",
        "cannot find function `missing` in this scope",
        "netlify/functions/far/src/main.rs: `cargo rustc` failed",
        "no matching package named `serde` found",
        "hint: a module must be fetched first: run `cargo fetch`",
        "broken/Cargo.toml: `cargo metadata` failed",
        "1 function built",
    ];
    for words in words {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
}

#[test]
fn a_target_that_is_not_installed_is_named() {
    if !has("cargo") {
        return;
    }
    let installed = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    let std = PathBuf::from(String::from_utf8_lossy(&installed.stdout).trim()).join("lib/rustlib");
    if ["musl", "gnu"].iter().any(|libc| std.join(format!("aarch64-unknown-linux-{libc}")).exists()) {
        skipped("the target for arm64 is installed");
        return;
    }
    let site = scratch();
    rust_function(&site, "hello", "", "fn main() {}\n");
    let left_out = bundle(&site, &["--arch=arm64"]);
    assert_eq!(left_out.status, 0, "{}", left_out.err);
    let refused = bundle(&site, &["--arch=arm64", "--rust"]);
    assert_eq!(refused.status, 1);
    for said in [left_out, refused] {
        assert!(said.err.contains("hint: run `rustup target add aarch64-unknown-linux-musl`"), "{}", said.err);
    }
}
