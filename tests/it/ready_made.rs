//! Functions that come ready-made: programs in Go and Rust, zip archives, container images. The programs
//! here are tiny; `toolchains` has real ones.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Said, Scratch, entries, fnzip, said, scratch};
use crate::tiny::{ARM64, C, Elf, FREEBSD, GO, RISCV, RUST, X64, on, program};

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 200 })\n";

fn bundle(site: &Scratch, flags: &[&str]) -> Said {
    said(fnzip(&site.path).args(["bundle", "--color=never"]).args(flags))
}

fn built(site: &Scratch, flags: &[&str]) -> Said {
    let said = bundle(site, flags);
    assert_eq!(said.status, 0, "{}", said.err);
    said
}

fn out(site: &Scratch, name: &str) -> PathBuf {
    site.path.join(".netlify/functions").join(name).to_path_buf()
}

/// A row of the manifest.
fn row(site: &Scratch, name: &str) -> Value {
    let manifest: Value = serde_json::from_slice(&fs::read(out(site, "manifest.json")).unwrap()).unwrap();
    manifest["functions"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
}

fn mode(path: PathBuf) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn unzip(zip: PathBuf, to: &Scratch) {
    assert!(Command::new("unzip").args(["-q", "-o"]).arg(zip).current_dir(&*to.path).status().unwrap().success());
}

#[test]
fn a_program_is_packed_as_the_platform_starts_it() {
    let site = scratch();
    let (go, rust) = (program(X64, GO), program(X64, RUST));
    site.file("netlify/functions/go-background", &go).file("netlify/functions/rust.bin", &rust);
    fs::set_permissions(site.path.join("netlify/functions/rust.bin"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = built(&site, &["-v"]);
    assert!(said.err.contains("go-background: its mode says that it cannot be executed"), "{}", said.err);
    assert!(!said.err.contains("rust.bin: its mode"), "{}", said.err);
    for (name, runtime, bytes) in [("go-background", "go", go), ("rust", "rs", rust)] {
        let unpacked = scratch();
        let zip = out(&site, &format!("{name}.zip"));
        assert_eq!(entries(&zip), ["bootstrap", "netlify-toolchain"]);
        unzip(zip, &unpacked);
        assert_eq!(fs::read(unpacked.path.join("bootstrap")).unwrap(), bytes);
        assert_eq!(mode(unpacked.path.join("bootstrap").to_path_buf()), 0o755);
        assert_eq!(mode(unpacked.path.join("netlify-toolchain").to_path_buf()), 0o644);
        let toolchain = fs::read_to_string(unpacked.path.join("netlify-toolchain")).unwrap();
        assert_eq!(toolchain, format!("{{\"runtime\":\"{runtime}\"}}"));
        let row = row(&site, name);
        assert_eq!(row["runtime"], runtime);
        assert!(row.get("runtimeVersion").is_none() && row.get("bundler").is_none(), "{row}");
    }
    assert_eq!(row(&site, "go-background")["invocationMode"], "background");
    let listed = said_list(&site);
    assert!(listed.contains("rust           rs  netlify/functions/rust.bin  ready-made"), "{listed}");
    assert!(listed.contains("go-background  go  netlify/functions/go-background  background  ready-made"), "{listed}");
    let line = |name: &str| said.err.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap();
    assert!(line("go-background").contains(" background ") && line("go-background").ends_with("ready-made"));
    assert!(line("rust").contains(" sync ") && line("rust").ends_with("ready-made"), "{}", said.err);
}

fn said_list(site: &Scratch) -> String {
    said(fnzip(&site.path).args(["list", "--files"])).out
}

#[test]
fn a_program_for_another_processor_is_left_out() {
    let site = scratch();
    site.file("netlify/functions/hello", program(ARM64, GO)).file("netlify/functions/hello.js", HANDLER);
    let said = built(&site, &[]);
    let message = "netlify/functions/hello: not taken: a Go program for Linux arm64, and functions run on Linux x64";
    assert!(said.err.contains(&format!("warning[foreign-binary]: {message}")), "{}", said.err);
    assert!(said.err.contains("build it with `GOOS=linux GOARCH=amd64`"), "{}", said.err);
    assert_eq!(row(&site, "hello")["runtime"], "js");
    let refused = bundle(&site, &["--strict"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains(&format!("error[foreign-binary]: {message}")), "{}", refused.err);
    // With the right one there are two of a name, and the later runtime wins.
    let said = built(&site, &["--arch=arm64"]);
    assert!(said.err.contains("hello.js: shadowed by `hello`, a program in Go"), "{}", said.err);
    assert_eq!(row(&site, "hello")["runtime"], "go");
    let said = said_of_function(&site);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("error[foreign-binary]"), "{}", said.err);
}

#[test]
fn a_program_for_a_system_or_processor_that_is_none_of_ours_is_left_out() {
    const DRAGONFLY: (&str, &[u8]) = (".go.buildinfo", b"\xff Go buildinf:\nbuild\tGOOS=dragonfly\n");
    const LINUX: (&str, &[u8]) = (".go.buildinfo", b"\xff Go buildinf:\nbuild\tGOOS=linux\n");
    let site = scratch();
    site.file("netlify/functions/bsd", on(FREEBSD, program(X64, GO)));
    site.file("netlify/functions/dragon", program(X64, DRAGONFLY));
    site.file("netlify/functions/risc", program(RISCV, RUST)).file("netlify/functions/ours", program(X64, LINUX));
    let said = built(&site, &[]);
    let found = [
        ("bsd", "a Go program for FreeBSD x64"),
        ("dragon", "a Go program for DragonFly BSD x64"),
        ("risc", "a Rust program for Linux riscv64"),
    ];
    for (name, what) in found {
        let message = format!("netlify/functions/{name}: not taken: {what}, and functions run on Linux x64");
        assert!(said.err.contains(&message), "{}", said.err);
        assert!(row(&site, name).is_null());
    }
    assert_eq!(row(&site, "ours")["runtime"], "go");
    assert_eq!(bundle(&site, &["--strict"]).status, 1);
}

#[test]
fn a_hostile_table_of_versions_takes_no_time() {
    let site = scratch();
    let elf = Elf { machine: X64, section: RUST, glibc: None };
    site.file("netlify/functions/hello", elf.hostile(50_000));
    let start = std::time::Instant::now();
    built(&site, &[]);
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

/// Who names a function wants to have it.
fn said_of_function(site: &Scratch) -> Said {
    said(fnzip(&site.path).args(["bundle", "--color=never", "--out=o", "--function=netlify/functions/hello"]))
}

#[test]
fn other_binaries_are_no_functions() {
    let site = scratch();
    site.file("netlify/functions/tool", program(X64, C)).file("netlify/functions/hello.js", HANDLER);
    site.file("netlify/functions/lib.so", program(X64, RUST)).file("netlify/functions/addon.node", program(X64, RUST));
    site.file("netlify/functions/broken", b"\x7fELF").file("netlify/functions/README", "text");
    let said = built(&site, &["-v"]);
    for name in ["tool", "broken"] {
        let note = format!("netlify/functions/{name}: not a function: an ELF file of neither Go nor Rust");
        assert!(said.err.contains(&note), "{}", said.err);
    }
    assert_eq!(said.err.matches("not a function").count(), 2, "{}", said.err);
    let manifest: Value = serde_json::from_slice(&fs::read(out(&site, "manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["functions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_program_that_needs_a_newer_system_is_a_warning() {
    let site = scratch();
    site.file("netlify/functions/old", Elf { machine: X64, section: RUST, glibc: Some("GLIBC_2.34") }.bytes());
    site.file("netlify/functions/new", Elf { machine: X64, section: RUST, glibc: Some("GLIBC_2.38") }.bytes());
    site.file("netlify/functions/relr", Elf { machine: X64, section: RUST, glibc: Some("GLIBC_ABI_DT_RELR") }.bytes());
    let said = built(&site, &[]);
    assert!(
        said.err.contains(
            "netlify/functions/new: it needs GLIBC_2.38, and functions run on Amazon Linux 2023, which has glibc 2.34"
        ),
        "{}",
        said.err
    );
    assert!(said.err.contains("build it for `x86_64-unknown-linux-musl`"), "{}", said.err);
    assert!(said.err.contains("netlify/functions/relr: it needs GLIBC_2.36"), "{}", said.err);
    assert!(!said.err.contains("functions/old"), "{}", said.err);
    assert_eq!(bundle(&site, &["--strict"]).status, 1);
    assert!(!built(&site, &["--target=host"]).err.contains("GLIBC"));
}

#[test]
fn the_bare_program_where_it_is_wanted() {
    let site = scratch();
    let bytes = program(X64, GO);
    site.file("netlify/functions/go", &bytes).file("netlify/functions/rust", program(X64, RUST));
    let is_bare = |site: &Scratch| {
        let bare = out(site, "go").is_file();
        assert_eq!(bare, !out(site, "go.zip").exists());
        if bare {
            assert_eq!(fs::read(out(site, "go")).unwrap(), bytes);
            assert_eq!(mode(out(site, "go")), 0o755);
            assert!(row(site, "go")["path"].as_str().unwrap().ends_with("/go"));
        }
        assert!(out(site, "rust.zip").exists(), "that is for Go alone");
        bare
    };
    built(&site, &[]);
    assert!(!is_bare(&site));
    built(&site, &["--config", r#"{"go": {"zipGo": false}}"#]);
    assert!(is_bare(&site));
    let on_netlify = |flags: &[&str]| {
        let said = said(fnzip(&site.path).env("NETLIFY", "true").arg("bundle").args(flags));
        assert_eq!(said.status, 0, "{}", said.err);
    };
    on_netlify(&[]);
    assert!(is_bare(&site));
    on_netlify(&["--config", r#"{"*": {"zipGo": true}}"#]);
    assert!(!is_bare(&site));
    site.file("netlify.toml", "[fnzip]\nzip_go = false\n");
    built(&site, &[]);
    assert!(is_bare(&site));
    // It counts as what is unpacked.
    site.file("netlify.toml", "[fnzip]\nzip_go = false\nlimits = { unzipped = 17 }\n");
    let refused = bundle(&site, &["--only=go"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.err.contains("error[too-large]: go: the program has 368 bytes, and the platform takes 17 bytes"),
        "{}",
        refused.err
    );
    // What takes its place, and the way back.
    site.file("netlify.toml", "[fnzip]\nzip_go = true\n");
    on_netlify(&["--format=none"]);
    assert_eq!(fs::read(out(&site, "go/bootstrap")).unwrap(), bytes);
    assert_eq!(mode(out(&site, "go/bootstrap")), 0o755);
    built(&site, &["--config", r#"{"go": {"zipGo": false}}"#]);
    assert_eq!(fs::read(out(&site, "go")).unwrap(), bytes);
    built(&site, &["--format=tar"]);
    assert!(out(&site, "go.tgz").is_file() && !out(&site, "go").exists());
    site.file("netlify.toml", "[fnzip]\nzip_go = 1\n");
    assert!(bundle(&site, &[]).err.contains("`fnzip.zip_go` must be true or false"));
}

/// A zip archive of these names, each with a mode, and a text.
fn zip(names: &[(&str, u32)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, mode) in names {
        zip.start_file(*name, zip::write::SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
        zip.write_all(b"some text").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same, said to be encrypted (APPNOTE.TXT 4.4.4).
fn encrypted(mut zip: Vec<u8>) -> Vec<u8> {
    for (magic, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = zip.windows(4).position(|part| part == magic).unwrap();
        zip[at + flags] |= 1;
    }
    zip
}

#[test]
fn what_looks_wrong_in_a_ready_made_archive_is_a_warning() {
    let rows = [
        ("", zip(&[("hello.js", 0o644)])),
        ("", zip(&[("hello.cjs", 0o644), ("lib/a.js", 0o644)])),
        ("", zip(&[("bootstrap", 0o755)])),
        ("", zip(&[("___netlify-entry-point.mjs", 0o644)])),
        ("no handler", zip(&[("dist/hello.js", 0o644)])),
        ("finds no handler in it: neither `hello.js` nor `bootstrap`", zip(&[("index.js", 0o644)])),
        ("`bootstrap` in it cannot be executed: its mode is 644", zip(&[("bootstrap", 0o644)])),
        ("`../up.js` in it is no name for an entry", zip(&[("hello.js", 0o644), ("../up.js", 0o644)])),
        ("`/abs.js` in it is no name for an entry", zip(&[("hello.js", 0o644), ("/abs.js", 0o644)])),
        ("`hello.js` in it is encrypted", encrypted(zip(&[("hello.js", 0o644)]))),
        ("unpacked it has 18 bytes, and the platform takes 17 bytes", zip(&[("hello.js", 0o644), ("a", 0o644)])),
    ];
    for (warning, bytes) in rows {
        let site = scratch();
        site.file("netlify/functions/hello.zip", &bytes);
        if warning.starts_with("unpacked") {
            site.file("netlify.toml", "[fnzip]\nlimits = { unzipped = 17 }\n");
        }
        let said = built(&site, &[]);
        assert_eq!(said.err.contains("warning["), !warning.is_empty(), "{warning}: {}", said.err);
        assert!(said.err.contains(warning), "{warning}: {}", said.err);
        assert_eq!(fs::read(out(&site, "hello.zip")).unwrap(), bytes, "{warning}");
        assert_eq!(bundle(&site, &["--strict"]).status, i32::from(!warning.is_empty()), "{warning}");
    }
}

#[test]
fn what_has_no_parts_names_none_that_are_large() {
    let site = scratch();
    site.file("netlify/functions/hello.zip", zip(&[("hello.js", 0o644)]));
    site.file("netlify.toml", "[fnzip]\nlimits = { zipped = 17 }\n");
    let said = built(&site, &[]);
    assert!(said.err.contains("warning[too-large]: hello: the archive has"), "{}", said.err);
    assert!(!said.err.contains("the largest"), "{}", said.err);
}

#[test]
fn container_images_are_copied_when_they_are_asked_for() {
    let site = scratch();
    let tar = |name: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        for name in ["blobs/one", name] {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            tar.append_data(&mut header, name, &b"text"[..]).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let image = tar("oci-layout");
    site.file("netlify/functions/hello.tar", &image).file("netlify/functions/docker.tar", tar("./manifest.json"));
    site.file("netlify/functions/other.tar", tar("some.txt")).file("netlify/functions/docker.js", HANDLER);
    let said = built(&site, &["-v"]);
    assert!(row(&site, "hello").is_null() && !out(&site, "hello.tar").exists());
    assert!(said.err.contains("note[no-main-file]: netlify/functions/hello.tar: not a function"), "{}", said.err);
    assert!(said.err.contains("hint: it is taken with --containers"), "{}", said.err);
    let asked = bundle(&site, &["--out=o", "--function=netlify/functions/hello.tar"]);
    assert!(asked.err.contains("error[no-main-file]") && asked.err.contains("--containers"), "{}", asked.err);
    let said = built(&site, &["--containers", "-v"]);
    assert_eq!(fs::read(out(&site, "hello.tar")).unwrap(), image);
    assert_eq!(row(&site, "hello")["runtime"], "container");
    assert!(said.err.contains("other.tar: not a function: it is no container image"), "{}", said.err);
    assert!(said.err.contains("docker.tar: shadowed by `docker.js`"), "{}", said.err);
}
