//! What is remembered between runs never changes what is built: whatever was edited in between, whoever builds
//! at the same time, whatever becomes of the cache's files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fnzip::cache::{Cache, Key};
use serde_json::Value;

use crate::support::{Said, Scratch, contents, copy_tree, entries, fixture, fnzip, full, said, scratch};

/// A copy of the fixture, a cache beside it, and what is built.
struct Site {
    scratch: Scratch,
}

impl Site {
    fn new() -> Self {
        let scratch = scratch();
        copy_tree(&fixture("cache/site"), &scratch.path.join("site"));
        symlink("../packages/one", scratch.path.join("site/node_modules/linked")).unwrap();
        Self { scratch }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.scratch.path.join("site").join(path).to_path_buf()
    }

    fn cache(&self) -> PathBuf {
        self.scratch.path.join("cache").to_path_buf()
    }

    fn command(&self, out: &str, flags: &[&str]) -> assert_cmd::Command {
        let mut command = fnzip(&self.at("."));
        command.env_remove("FNZIP_NO_CACHE");
        command.args(["bundle", "--reproducible", "--json", "--keep-going", "--out"]);
        command.arg(&*self.scratch.path.join(out)).args(flags);
        command
    }

    /// With the cache.
    fn build(&self, flags: &[&str]) -> Said {
        said(self.command("out", flags).arg("--cache-dir").arg(self.cache()))
    }

    /// What is built with the cache, and what is said, is what a run without one gives.
    fn check(&self, flags: &[&str], why: &str) {
        let ours = self.build(flags);
        let theirs = said(self.command("fresh", flags).arg("--no-cache"));
        let out = |said: &Said| said.out.replace("/fresh/", "/out/");
        assert_eq!((ours.status, out(&ours)), (theirs.status, out(&theirs)), "{why}\n{}\n{}", ours.err, theirs.err);
        // But for the table, in which times stand.
        let told = |said: &Said| -> Vec<String> {
            said.err.lines().take_while(|line| !line.starts_with(" function")).map(str::to_owned).collect()
        };
        assert_eq!(told(&ours), told(&theirs), "{why}");
        let (ours, theirs) = (contents(&self.scratch.path.join("out")), contents(&self.scratch.path.join("fresh")));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{why}");
        for (name, bytes) in &ours {
            assert!(*bytes == theirs[name], "{why}: {name} differs");
        }
    }
}

/// The files of a cache.
fn files(cache: &Path) -> Vec<PathBuf> {
    contents(cache).keys().map(|name| cache.join(name)).collect()
}

#[test]
fn a_second_run_leaves_the_archives_as_they_are() {
    let site = Site::new();
    assert_eq!(site.build(&[]).status, 0);
    let numbers = || -> BTreeMap<String, (u64, i64, i64)> {
        let out = site.scratch.path.join("out");
        let zips = contents(&out).into_keys().filter(|name| name.ends_with(".zip"));
        let number = |name: &String| {
            let metadata = fs::metadata(out.join(name)).unwrap();
            (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
        };
        zips.map(|name| (name.clone(), number(&name))).collect()
    };
    let first = numbers();
    assert_eq!(first.len(), 4);
    site.check(&[], "unchanged");
    assert_eq!(numbers(), first);
    fs::write(site.at("lib/shared.js"), "exports.shared = 'shared 2'").unwrap();
    site.check(&[], "a file of two functions");
    let second = numbers();
    let changed: Vec<&String> = first.keys().filter(|name| first[*name] != second[*name]).collect();
    assert_eq!(changed, ["bundled.zip", "traced.zip"]);
    // Somebody else's archive is no archive of ours.
    fs::write(site.scratch.path.join("out/lonely.zip"), "not what was written").unwrap();
    site.check(&[], "an archive that was changed");
}

#[test]
fn only_the_functions_that_use_a_changed_file_are_planned_again() {
    let site = Site::new();
    let all: &[&str] = &["bundled", "folder", "lonely", "traced"];
    for (path, text, expected, transpiled) in [
        ("data/one.txt", "another text", all, 0),
        ("netlify.toml", "", all, 0),
        ("lib/shared.js", "exports.shared = 'shared 2'", &["bundled", "traced"], 0),
        ("lib/named.ts", "export type Named = string\nexport const named = 'named 2'", &["bundled", "folder"], 2),
        ("data/one.txt", "read by name", &["folder"], 0),
        ("node_modules/plain/index.js", "module.exports = []", all, 0),
        (
            "tsconfig.json",
            r#"{ "compilerOptions": { "removeComments": true, "useDefineForClassFields": false, "paths": { "@lib/*": ["./lib/*"] } } }"#,
            all,
            4,
        ),
    ] {
        assert_eq!(site.build(&[]).status, 0);
        fs::write(site.at(path), text).unwrap();
        let trace = site.scratch.path.join("trace.json");
        assert_eq!(site.build(&[&format!("--timings={}", trace.display())]).status, 0, "{path}");
        let trace: Value = serde_json::from_slice(&fs::read(trace).unwrap()).unwrap();
        let events =
            |of: &'static str| trace["traceEvents"].as_array().unwrap().iter().filter(move |event| event["name"] == of);
        let mut planned: Vec<&str> = events("plan").filter_map(|event| event["args"]["of"].as_str()).collect();
        planned.sort_unstable();
        assert_eq!((planned.as_slice(), events("transpile").count()), (expected, transpiled), "{path}");
        site.check(&[], path);
    }
}

/// A sequence of numbers that is the same everywhere (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Every file whose `1` may become a `2`: its size stays.
const DIGITS: &[&str] = &[
    "netlify/functions/traced.js",
    "netlify/functions/folder/folder.mts",
    "netlify/functions/lonely.js",
    "lib/shared.js",
    "lib/named.ts",
    "data/one.txt",
    "node_modules/both/lib/both.mjs",
    "node_modules/both/lib/both.cjs",
    "node_modules/optional-user/index.js",
    "node_modules/plain/index.js",
    "packages/one/index.js",
    "packages/one/package.json",
];

/// What may be there, or not, and what it says.
const EXTRAS: &[(&str, &str)] = &[
    ("node_modules/optional/index.js", "module.exports = 'optional'"),
    ("netlify/functions/node_modules/greet/index.js", "exports.greet = () => 'nearer'"),
    ("netlify/functions/added.js", "exports.handler = async () => ({ statusCode: 200 })"),
    ("netlify/functions/folder/folder.json", "{}"),
    ("netlify/functions/lonely/index.js", "exports.handler = async () => ({ statusCode: 201 })"),
    ("netlify/functions/lonely.json", r#"{ "config": { "includedFiles": ["lib/*.ts"] }, "version": 1 }"#),
    ("lib/named/index.ts", "export const named = 'a directory'"),
    ("lib/named.js", "exports.named = 'JavaScript beside TypeScript'"),
    ("lib/shared.json", "{}"),
    ("data/two.txt", "two"),
    ("lib/tsconfig.json", r#"{ "compilerOptions": { "target": "es2015", "useDefineForClassFields": false } }"#),
    ("netlify/functions/package.json", r#"{ "type": "module" }"#),
    ("netlify/functions/folder/package.json", r#"{ "type": "commonjs" }"#),
];

/// Files that may become others.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "netlify.toml",
        &[
            "[functions]\n  included_files = [\"data/*.txt\"]\n",
            "[functions]\n  included_files = [\"data/*.txt\", \"!node_modules/plain/**\"]\n",
            "[functions]\n  node_bundler = \"esbuild\"\n  external_node_modules = [\"greet\"]\n",
            "[functions.\"b*\"]\n  node_bundler = \"nft\"\n",
            "[functions]\n  node_bundler = \"none\"\n",
        ],
    ),
    (
        "tsconfig.json",
        &[
            r#"{ "compilerOptions": { "target": "es2022", "paths": { "@lib/*": ["./lib/*"] } } }"#,
            r#"{ "compilerOptions": { "target": "es2022", "paths": { "@lib/*": ["./lib/other/*", "./lib/*"] } } }"#,
            r#"{ "extends": "./missing.json", "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }"#,
            r#"{ "compilerOptions": { "verbatimModuleSyntax": true, "paths": { "@lib/*": ["./lib/*"] } } }"#,
        ],
    ),
    (
        "node_modules/greet/package.json",
        &[
            r#"{ "name": "greet", "version": "1.0.0" }"#,
            r#"{ "name": "greet", "version": "2.0.0" }"#,
            r#"{ "name": "greet", "version": "1.0.0", "main": "other.js" }"#,
            r#"{ "name": "greet", "version": "1.0.0", "exports": { "node": "./other.js" } }"#,
        ],
    ),
    (
        "node_modules/both/package.json",
        &[
            r#"{ "name": "both", "exports": { "import": "./lib/both.mjs", "require": "./lib/both.cjs" } }"#,
            r#"{ "name": "both", "exports": { "default": "./lib/both.cjs" } }"#,
            r#"{ "name": "both", "exports": { "import": "./lib/both.mjs", "require": "./lib/both.cjs" }, "gypfile": true }"#,
        ],
    ),
    (
        "netlify/functions/bundled.ts",
        &[
            "import both from 'both'\nexport const handler = async () => ({ statusCode: 200, body: both })\n",
            "import { shared } from '../../lib/shared'\nexport const handler = async () => ({ body: shared })\n",
            "import { Named, named } from '@lib/named'\nexport const handler = async (): Promise<Named> => named\n",
            "export const handler = async () => ({ body: require('greet') as unknown })\n",
            "export const handler = async () => (\n",
        ],
    ),
];

/// Changes something, and says what.
fn edit(site: &Site, dice: &mut Dice) -> String {
    match dice.below(9) {
        0 | 1 => {
            let path = dice.one_of(DIGITS);
            let Ok(text) = fs::read_to_string(site.at(path)) else { return String::new() };
            let text = if text.contains('1') { text.replace('1', "2") } else { text.replace('2', "1") };
            fs::write(site.at(path), text).unwrap();
            format!("digits of {path}")
        }
        2 | 3 => {
            let (path, text) = dice.one_of(EXTRAS);
            let at = site.at(path);
            if fs::remove_file(&at).is_ok() {
                // A directory that is left empty goes, too: it may be looked for.
                let _ = fs::remove_dir(at.parent().unwrap());
                return format!("without {path}");
            }
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, text).unwrap();
            format!("with {path}")
        }
        4 | 5 => {
            let (path, texts) = dice.one_of(TEXTS);
            let which = dice.below(texts.len());
            fs::write(site.at(path), texts[which]).unwrap();
            format!("{path} number {which}")
        }
        6 => {
            let link = site.at("node_modules/linked");
            let target = dice.one_of(&["../packages/one", "../packages/two", "../packages/none", "plain"]);
            fs::remove_file(&link).unwrap();
            symlink(target, link).unwrap();
            format!("a link to {target}")
        }
        7 => {
            let path = site.at(dice.one_of(DIGITS));
            if !path.exists() {
                return String::new();
            }
            let mode = dice.one_of(&[0o644, 0o755]);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
            format!("mode {mode:o} of {}", path.display())
        }
        _ => {
            let (from, to) = dice.one_of(&[
                ("lib/shared.js", "lib/shared.cjs"),
                ("packages/two", "packages/none"),
                ("netlify/functions/lonely.js", "netlify/functions/renamed.js"),
                ("lib/named.ts", "lib/named.mts"),
            ]);
            let (from, to) = if site.at(from).exists() { (from, to) } else { (to, from) };
            // Written anew, its time may be the same, but not its number.
            fs::rename(site.at(from), site.at(to)).unwrap();
            format!("{from} becomes {to}")
        }
    }
}

/// A sequence of edits; the number tells which.
fn sequence(number: u64) {
    let site = Site::new();
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut done = Vec::new();
    // What was written a moment ago is not taken at its word.
    thread::sleep(Duration::from_millis(2100));
    site.check(&[], "at first");
    for _ in 0..4 {
        for _ in 0..=dice.below(2) {
            done.push(edit(&site, &mut dice));
        }
        let flags = dice.one_of(&[&[] as &[&str], &[], &[], &["--node-version", "20"], &["--sourcemap"]]);
        site.check(flags, &format!("sequence {number}: {done:?} {flags:?}"));
    }
}

#[test]
fn whatever_is_edited_the_bytes_are_those_of_a_run_without_a_cache() {
    let sequences: u64 = if full() { 500 } else { 16 };
    thread::scope(|scope| {
        // They mostly wait.
        for worker in 0..16 {
            scope.spawn(move || (1..=sequences).filter(|number| number % 16 == worker).for_each(sequence));
        }
    });
}

#[test]
fn damage_costs_time_only() {
    let site = Site::new();
    site.build(&[]);
    let whole = contents(&site.cache());
    let out = site.scratch.path.join("out");
    let expected = contents(&out);
    // Every file is as it was, whatever a run has removed or replaced.
    let restore = || {
        for path in files(&site.cache()) {
            fs::remove_file(path).unwrap();
        }
        for (name, bytes) in &whole {
            fs::write(site.cache().join(name), bytes).unwrap();
        }
    };
    let step = if full() { 61 } else { 4801 };
    for (name, bytes) in &whole {
        let mut at = 0;
        while at < bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(site.cache().join(name), damaged).unwrap();
            fs::remove_dir_all(&out).unwrap();
            let said = site.build(&[]);
            assert_eq!(said.status, 0, "{name} at {at}: {}", said.err);
            assert!(contents(&out) == expected, "{name} at {at}");
            restore();
            at += step;
        }
        for len in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(site.cache().join(name), &bytes[..len]).unwrap();
            site.check(&[], &format!("{name} cut off after {len} bytes"));
            restore();
        }
    }
    site.check(&[], "whole again");
}

#[test]
fn where_nothing_can_be_written_nothing_is_remembered() {
    let site = Site::new();
    fs::write(site.cache(), "a file where the cache should be").unwrap();
    site.check(&[], "no directory");
    assert_eq!(fs::read(site.cache()).unwrap(), b"a file where the cache should be");
}

#[test]
fn two_runs_share_a_cache() {
    let site = Site::new();
    thread::scope(|scope| {
        for worker in 0..2 {
            let site = &site;
            scope.spawn(move || {
                for _ in 0..if full() { 20 } else { 3 } {
                    let out = format!("out-{worker}");
                    let said = said(site.command(&out, &[]).arg("--cache-dir").arg(site.cache()));
                    assert_eq!(said.status, 0, "{}", said.err);
                }
            });
        }
        for round in 0..if full() { 20 } else { 3 } {
            fs::write(site.at("data/two.txt"), round.to_string()).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
    });
    site.check(&[], "afterwards");
}

#[test]
fn a_run_may_be_killed_at_any_moment() {
    let site = Site::new();
    let mut dice = Dice(7);
    for round in 0..if full() { 100 } else { 5 } {
        fs::write(site.at("lib/shared.js"), format!("exports.shared = {round}")).unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_fnzip"))
            .current_dir(site.at("."))
            .args(["bundle", "--quiet", "--cache-dir"])
            .arg(site.cache())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(dice.below(200) as u64));
        run.kill().unwrap();
        run.wait().unwrap();
        if round % 5 == 4 {
            site.check(&[], &format!("killed {round} times"));
        }
    }
}

#[test]
fn a_cache_stays_within_its_size() {
    let site = Site::new();
    let cache = || -> Value {
        let said = said(fnzip(&site.at(".")).args(["cache", "stats", "--json", "--cache-dir"]).arg(site.cache()));
        serde_json::from_str(&said.out).unwrap()
    };
    let mut largest = 0;
    for round in 0..20 {
        let noise: String = (0..3000u32).map(|n| format!("{:x} ", n.wrapping_mul(2_654_435_761 + round))).collect();
        fs::write(site.at("data/two.txt"), noise).unwrap();
        site.build(&["--cache-size", "100kb"]);
        largest = largest.max(cache()["size"].as_u64().unwrap());
    }
    assert!(largest <= 100 * 1024, "{largest}");
    site.check(&[], "in a small cache");
}

#[test]
fn what_is_used_last_stays() {
    let scratch = scratch();
    let key = |number: u32| Key::of("test", [&number.to_le_bytes()[..]]);
    for round in 0..40u32 {
        let cache = Cache::new(&scratch.path, "test");
        assert_eq!(cache.get(key(0)).is_some(), round > 0, "it is used in every run");
        for number in [0, round] {
            cache.put(key(number), &[number as u8; 10_000]);
        }
        cache.finish(100_000);
    }
    let cache = Cache::new(&scratch.path, "test");
    let left: Vec<u32> = (0..40).filter(|number| cache.get(key(*number)).is_some()).collect();
    assert_eq!(left[0], 0);
    assert!((5..=10).contains(&left.len()) && left[1..].windows(2).all(|pair| pair[1] == pair[0] + 1), "{left:?}");
    assert_eq!(*left.last().unwrap(), 39);
}

#[test]
fn the_cache_is_shown_checked_and_emptied() {
    let site = Site::new();
    let cache =
        |action: &str| said(fnzip(&site.at(".")).args(["cache", action, "--json", "--cache-dir"]).arg(site.cache()));
    let value = |said: &Said| serde_json::from_str::<Value>(&said.out).unwrap();
    assert_eq!(value(&cache("stats"))["entries"], 0);
    site.build(&[]);
    let stats = value(&cache("stats"));
    assert!(stats["entries"].as_u64().unwrap() > 10 && stats["size"].as_u64().unwrap() > 1000, "{stats}");
    assert_eq!((cache("verify").status, &stats["damaged"]), (0, &Value::from(0)));
    let pack = files(&site.cache()).into_iter().find(|path| path.extension().unwrap() == "pack").unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    bytes[100] ^= 1;
    fs::write(pack, bytes).unwrap();
    let verified = cache("verify");
    assert_eq!((verified.status, &value(&verified)["damaged"]), (1, &Value::from(1)));
    assert_eq!(cache("verify").status, 0);
    fs::write(site.cache().join("mine"), "not the cache's").unwrap();
    assert_eq!(cache("clear").status, 0);
    assert_eq!(contents(&site.cache()).keys().collect::<Vec<_>>(), ["mine"]);
}

#[test]
fn what_is_remembered_never_ships() {
    let site = scratch();
    site.file("netlify/functions/all.js", "exports.handler = async () => ({ statusCode: 200 })");
    site.file("netlify.toml", "[functions]\nincluded_files = [\"**\"]\n");
    let here = &["--cache-dir", "here"] as &[&str];
    for (flags, is_first) in [(&[] as &[&str], true), (&[], false), (here, true), (here, false)] {
        let said = said(fnzip(&site.path).arg("bundle").args(flags).env_remove("FNZIP_NO_CACHE"));
        assert_eq!(said.status, 0, "{}", said.err);
        // That a run makes its own directories is no change.
        assert_eq!(said.err.contains("nothing changed"), !is_first, "{flags:?} {}", said.err);
        let names = entries(&site.path.join(".netlify/functions/all.zip"));
        assert_eq!(names, ["all.js", "netlify.toml", "netlify/functions/all.js"], "{flags:?}");
    }
    assert!(site.path.join(".netlify/cache/fnzip").is_dir() && site.path.join("here").is_dir());
}

#[test]
fn netlify_toml_says_where_and_how_much() {
    let site = Site::new();
    let at = |said: &Said| serde_json::from_str::<Value>(&said.out).unwrap();
    let stats = || said(fnzip(&site.at(".")).args(["cache", "stats", "--json"]));
    fs::write(site.at("netlify.toml"), "[fnzip.cache]\ndirectory = \"kept\"\nsize = \"5mb\"\n").unwrap();
    let found = at(&stats());
    assert_eq!(found["directory"], site.at("kept").display().to_string());
    assert_eq!(found["limit"], 5 * 1024 * 1024);
    fs::write(site.at("netlify.toml"), "[fnzip]\ncache = false\n").unwrap();
    assert_eq!(stats().status, 2);
    let wrong = said(fnzip(&site.at(".")).args(["bundle", "--cache-size", "much"]).env_remove("FNZIP_NO_CACHE"));
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("--cache-size: `much` is no size"), "{}", wrong.err);
}
