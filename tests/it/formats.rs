//! What is written: zip, directory and tar; the entry file; links; what is replaced and removed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::{Said, Scratch, contents, entries, fnzip, said, scratch};

fn bundle(site: &Scratch, flags: &[&str]) -> Said {
    let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    said
}

fn out(site: &Scratch, name: &str) -> std::path::PathBuf {
    site.path.join(".netlify/functions").join(name).to_path_buf()
}

fn zip_text(site: &Scratch, function: &str, entry: &str) -> String {
    let mut archive = zip::ZipArchive::new(fs::File::open(out(site, &format!("{function}.zip"))).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(entry).unwrap().read_to_string(&mut text).unwrap();
    text
}

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 200 })\n";

/// One row a rule of the entry file: the files of a site, the entries, and what the entry says.
#[test]
fn the_entry_file() {
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str], Option<(&'a str, &'a str)>);
    let rows: &[Row<'_>] = &[
        ("a lone file is its own entry", &[("f/hello.js", HANDLER)], "hello", &["hello.js"], None),
        ("so is a lone ES module", &[("f/hello.mjs", "export const handler = 1")], "hello", &["hello.mjs"], None),
        (
            "else there is an entry at the root",
            &[("f/hello.js", "exports.handler = require('../lib')"), ("lib.js", "")],
            "hello",
            &["f/hello.js", "hello.js", "lib.js"],
            Some(("hello.js", "module.exports = require('./f/hello.js')\n")),
        ),
        (
            "an ES module gets one of its kind",
            &[("f/hello.mjs", "export { handler } from '../lib.mjs'"), ("lib.mjs", "")],
            "hello",
            &["f/hello.mjs", "hello.mjs", "lib.mjs"],
            Some(("hello.mjs", "export { handler } from './f/hello.mjs'\n")),
        ),
        (
            "user files move below src when one of them is in the way",
            &[("f/hello.js", "exports.handler = require('../hello')"), ("hello.js", "")],
            "hello",
            &["hello.js", "src/f/hello.js", "src/hello.js"],
            Some(("hello.js", "module.exports = require('./src/f/hello.js')\n")),
        ),
        (
            "also when it would be found in the entry's place",
            &[("f/hello.mjs", "import '../hello.js'\nexport const handler = 1"), ("hello.js", "")],
            "hello",
            &["hello.mjs", "src/f/hello.mjs", "src/hello.js", "src/package.json"],
            Some(("hello.mjs", "export { handler } from './src/f/hello.mjs'\n")),
        ),
        (
            "CommonJS below a package of ES modules says so by its name",
            &[
                ("f/hello.cjs", HANDLER),
                ("f/package.json", "{}"),
                ("package.json", r#"{"type":"module"}"#),
                ("lib.js", ""),
                ("f/two.cjs", "exports.handler = () => import('../lib.js')"),
            ],
            "two",
            &["f/two.cjs", "lib.js", "package.json", "two.cjs"],
            Some(("two.cjs", "module.exports = require('./f/two.cjs')\n")),
        ),
        (
            "a path is quoted",
            &[
                ("f/hello/bob's 50%.mjs", "export const handler = 1"),
                ("f/hello/index.mjs", "export * from \"./bob's 50%25.mjs\""),
            ],
            "hello",
            &["bob's 50%.mjs", "hello.mjs", "index.mjs"],
            None,
        ),
        (
            "for what it is: a string, or a URL",
            &[("f/o'c#/hello.mjs", "import '../../lib.mjs'; export const handler = 1"), ("lib.mjs", "")],
            "hello",
            &["f/o'c#/hello.mjs", "hello.mjs", "lib.mjs"],
            Some(("hello.mjs", "export { handler } from './f/o\\'c%23/hello.mjs'\n")),
        ),
        (
            "a folder's main file at the root is the entry",
            &[("f/hello/hello.js", "require('./lib')"), ("f/hello/lib.js", "")],
            "hello",
            &["hello.js", "lib.js"],
            None,
        ),
        (
            "an index is not",
            &[("f/hello/index.js", "require('./lib')"), ("f/hello/lib.js", "")],
            "hello",
            &["hello.js", "index.js", "lib.js"],
            Some(("hello.js", "module.exports = require('./index.js')\n")),
        ),
    ];
    for (rule, files, function, expected, entry) in rows {
        let site = scratch();
        let directory = if rule.starts_with("for what") { "f/o'c#" } else { "f" };
        let is_module = files[0].0.ends_with(".mjs");
        let bundler = if is_module { "node_bundler = \"nft\"" } else { "" };
        site.file("netlify.toml", format!("[functions]\ndirectory = \"{directory}\"\n{bundler}\n"));
        if is_module {
            site.file("package.json", r#"{"type":"module"}"#);
        }
        for (path, text) in *files {
            site.file(path, text);
        }
        bundle(&site, &[]);
        assert_eq!(entries(&out(&site, &format!("{function}.zip"))), *expected, "{rule}");
        if let Some((name, text)) = entry {
            assert_eq!(zip_text(&site, function, name), *text, "{rule}");
        }
    }
}

fn site_with_links() -> Scratch {
    let site = scratch();
    site.file(
        "netlify/functions/hello.js",
        "exports.handler = async () => ({ statusCode: 200, body: require('pkg')() })\n",
    );
    site.file("packages/pkg/package.json", r#"{"main":"main.js"}"#)
        .file("packages/pkg/main.js", "module.exports = () => 'linked'\n");
    fs::create_dir(site.path.join("node_modules")).unwrap();
    symlink("../packages/pkg", site.path.join("node_modules/pkg")).unwrap();
    site
}

#[test]
fn the_three_formats_hold_the_same() {
    let site = site_with_links();
    let unpacked = scratch();
    let unpack = |command: &mut Command, name: &str| {
        let into = unpacked.path.join(name);
        fs::create_dir(&into).unwrap();
        assert!(command.current_dir(&into).status().unwrap().success());
        contents(&into)
    };
    bundle(&site, &[]);
    let zip = unpack(Command::new("unzip").arg("-q").arg(out(&site, "hello.zip")), "zip");
    bundle(&site, &["--format", "tar"]);
    let tar = unpack(Command::new("tar").arg("-xzf").arg(out(&site, "hello.tgz")), "tar");
    assert!(!out(&site, "hello.zip").exists(), "no longer made");
    bundle(&site, &["--format", "none"]);
    let directory = contents(&out(&site, "hello"));
    assert!(
        fs::metadata(unpacked.path.join("tar/hello.js")).unwrap().modified().unwrap()
            == fs::metadata(unpacked.path.join("zip/hello.js")).unwrap().modified().unwrap()
    );
    assert_eq!(zip, directory);
    assert_eq!(tar, directory);
    assert_eq!(directory["node_modules/pkg"], b"../packages/pkg");
    let expected = [
        "hello.js",
        "netlify/functions/hello.js",
        "node_modules/pkg",
        "packages/pkg/main.js",
        "packages/pkg/package.json",
    ];
    assert_eq!(directory.keys().collect::<Vec<_>>(), expected);
    for (name, load) in [("zip", unpacked.path.join("zip")), ("none", unpacked.path.join("tar"))] {
        let script = format!("require('{load}/hello.js').handler().then(r => process.stdout.write(r.body))");
        let ran = Command::new("node").args(["-e", &script]).output().unwrap();
        assert_eq!(ran.stdout, b"linked", "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn a_directory_is_replaced_whole() {
    let site = site_with_links();
    bundle(&site, &["--format", "none"]);
    fs::write(out(&site, "hello/left-over.txt"), "").unwrap();
    bundle(&site, &["--format", "none"]);
    assert!(!out(&site, "hello/left-over.txt").exists());
    let left: Vec<_> =
        fs::read_dir(site.path.join(".netlify/functions")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the function and the manifest: {left:?}");
}

#[test]
fn archives_that_are_no_longer_made_are_removed_and_nothing_else() {
    let site = scratch();
    site.file("netlify/functions/a.js", HANDLER)
        .file("netlify/functions/b.js", HANDLER)
        .file("netlify/functions/c.js", HANDLER);
    bundle(&site, &[]);
    fs::remove_file(site.path.join("netlify/functions/b.js")).unwrap();
    fs::remove_file(site.path.join("netlify/functions/c.js")).unwrap();
    fs::write(out(&site, "c.zip"), "changed by somebody").unwrap();
    fs::write(out(&site, "mine.zip"), "not ours").unwrap();
    bundle(&site, &[]);
    let names = |name| out(&site, name).exists();
    assert!(names("a.zip") && !names("b.zip") && names("c.zip") && names("mine.zip"));
}

#[test]
fn only_builds_what_it_names_and_keeps_the_rest() {
    let site = scratch();
    site.file("netlify/functions/a.js", HANDLER).file("netlify/functions/b.js", HANDLER);
    bundle(&site, &[]);
    let before = fs::metadata(out(&site, "b.zip")).unwrap().modified().unwrap();
    bundle(&site, &["--only", "a*"]);
    assert_eq!(fs::metadata(out(&site, "b.zip")).unwrap().modified().unwrap(), before);
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(out(&site, "manifest.json")).unwrap()).unwrap();
    let names: Vec<&str> =
        manifest["functions"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_ready_made_archive_is_copied_as_it_is() {
    let site = site_with_links();
    bundle(&site, &[]);
    let ready = scratch();
    fs::create_dir_all(ready.path.join("netlify/functions")).unwrap();
    fs::copy(out(&site, "hello.zip"), ready.path.join("netlify/functions/hello.zip")).unwrap();
    let said = bundle(&ready, &[]);
    assert_eq!(fs::read(out(&ready, "hello.zip")).unwrap(), fs::read(out(&site, "hello.zip")).unwrap());
    assert!(said.err.contains("ready-made"), "{}", said.err);
}

#[test]
fn included_files_are_added_and_taken_out() {
    let site = scratch();
    site.file(
        "netlify.toml",
        "[functions]\nincluded_files = [\"data/**\", \"!data/private/*\", \"./pages/[id].html\", \"!node_modules/pkg/big.js\", \"none/*\"]\n",
    );
    site.file("netlify/functions/hello.js", "exports.handler = () => require('pkg')");
    site.file("node_modules/pkg/index.js", "try { require('./big.js') } catch {}").file("node_modules/pkg/big.js", "");
    site.file("data/a.json", "{}").file("data/.hidden", "").file("data/private/key", "").file("pages/[id].html", "");
    let said = bundle(&site, &[]);
    let expected = [
        "data/.hidden",
        "data/a.json",
        "hello.js",
        "netlify/functions/hello.js",
        "node_modules/pkg/index.js",
        "pages/[id].html",
    ];
    assert_eq!(entries(&out(&site, "hello.zip")), expected);
    assert!(said.err.contains("`included_files`: `none/*` matches no file"), "{}", said.err);
}

#[test]
fn a_folder_ships_its_own_tree() {
    let site = scratch();
    site.file("netlify/functions/page/index.js", HANDLER).file("netlify/functions/page/views/a.html", "");
    site.file("netlify/functions/page/unused.js", "").file("netlify/functions/page/.DS_Store", "");
    bundle(&site, &[]);
    assert_eq!(entries(&out(&site, "page.zip")), ["index.js", "page.js", "unused.js", "views/a.html"]);
    bundle(&site, &["--config", r#"{"page": {"nodeBundler": "nft"}}"#]);
    assert_eq!(entries(&out(&site, "page.zip")), ["index.js", "page.js"]);
}

#[test]
fn two_builds_at_once_do_not_corrupt_each_other() {
    let site = scratch();
    for index in 0..20 {
        site.file(
            &format!("netlify/functions/f{index}.js"),
            format!("exports.handler = async () => ({{ body: '{index}' }})\n{}", "// filler\n".repeat(2000)),
        );
    }
    bundle(&site, &["--reproducible"]);
    let expected: BTreeMap<String, Vec<u8>> = contents(&site.path.join(".netlify/functions"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| drop(bundle(&site, &["--reproducible"]))));
        }
    });
    assert_eq!(contents(&site.path.join(".netlify/functions")), expected);
}

#[test]
fn nothing_stands_below_a_link() {
    let site = scratch();
    site.file("shared/page/index.js", HANDLER).file("shared/page/views/a.html", "a").file("shared/data/b.json", "{}");
    fs::create_dir_all(site.path.join("netlify/functions")).unwrap();
    symlink("../../shared/page", site.path.join("netlify/functions/page")).unwrap();
    symlink("shared/data", site.path.join("data")).unwrap();
    bundle(&site, &["--config", r#"{"*": {"includedFiles": ["data/**"]}}"#]);
    let expected = [
        "data",
        "netlify/functions/page",
        "page.js",
        "shared/data/b.json",
        "shared/page/index.js",
        "shared/page/views/a.html",
    ];
    assert_eq!(entries(&out(&site, "page.zip")), expected);
    let unpacked = scratch();
    let status =
        Command::new("unzip").arg("-q").arg(out(&site, "page.zip")).current_dir(&unpacked.path).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read(unpacked.path.join("data/b.json")).unwrap(), b"{}");
}

#[test]
fn directories_are_for_everybody_and_two_runs_do_not_lose_them() {
    use std::os::unix::fs::PermissionsExt;
    let site = site_with_links();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..5).for_each(|_| drop(bundle(&site, &["--format", "none"]))));
        }
    });
    assert!(out(&site, "hello/packages/pkg/main.js").exists());
    let mode = fs::metadata(out(&site, "hello/packages/pkg")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}
