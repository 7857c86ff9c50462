//! Does a function load? In: an archive that is whole. Out: what happened when Node loaded it, out of a fresh directory,
//! with the variables that it was given and no others. Never in this process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde::Deserialize;

use super::Shipped;
use crate::archive::unpack;
use crate::built::Entry;
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::fs::{Disk, FileSystem};
use crate::js::package::package_name;
use crate::js::trace::provided_by_runtime;
use crate::path::AbsPath;
use crate::process::{Confined, Ended, Task, Workshop, run_confined};

/// How functions are loaded.
#[derive(Debug, Clone)]
pub struct Load {
    /// Node.
    pub program: OsString,
    /// Its major version, if it is known.
    pub version: Option<u32>,
    /// All that functions find in their environment.
    pub environment: BTreeMap<String, OsString>,
    /// How long loading may take.
    pub time: Duration,
    /// How many megabytes the heap may have.
    pub memory: u64,
    /// What runs Node without a network, if anything does.
    pub without_network: Option<Vec<OsString>>,
}

/// What functions may print before it is a flood, in bytes.
const MOST_PRINTED: usize = 1 << 20;

const SCRIPT: &str = include_str!("load.mjs");

/// What the script tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    event: String,
    handler: String,
    default: Option<String>,
    name: Option<String>,
    message: String,
    code: Option<serde_json::Value>,
    path: Option<String>,
    stack: Option<String>,
    unset: Vec<String>,
}

/// Loads one function. Programs are not loaded.
pub(super) fn findings(shipped: &Shipped<'_>, load: &Load) -> Vec<Diagnostic> {
    let Some(Entry::Module { file, main, api }) = &shipped.entry else { return Vec::new() };
    let archive = &shipped.listed.path;
    let cannot = |error: std::io::Error| {
        vec![Diagnostic::error(Code::Load, format!("could not be loaded: {error}")).at(archive)]
    };
    let workshop = match Workshop::new() {
        Ok(workshop) => workshop,
        Err(error) => return cannot(error),
    };
    let root = workshop.path().child("task");
    if let Err(error) = unpack(&shipped.files, archive, &root) {
        return cannot(error);
    }
    let report = workshop.path().child("report");
    let there = |path: &AbsPath| root.join(path.relative_to(archive));
    // The module that the platform's entry point hands on to must have a default export; another is the entry's own.
    let main = if *api == 2 { there(main) } else { there(file) };
    let way = if is_required(file, shipped) { "require" } else { "import" };
    let ended = match run_node(load, shipped, &root, [&there(file), &main], way, &report) {
        Ok(ended) => ended,
        Err(error) => return cannot(error),
    };
    let told = Disk.read(&report).unwrap_or_default();
    let events = String::from_utf8_lossy(&told).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut findings = Judge { shipped, load, root: &root }.findings(events, &ended);
    let other = load.version.filter(|version| *version != shipped.node.major);
    findings.extend(other.map(|version| {
        let message = format!("loaded by Node {version}, and the platform runs it on {}", shipped.node.major);
        Diagnostic::note(Code::Load, message).at(archive).hint("--node names another")
    }));
    findings
}

/// Lambda imports what is an ES module by its name or its package, and requires all else.
fn is_required(file: &AbsPath, shipped: &Shipped<'_>) -> bool {
    match file.extension() {
        "mjs" => false,
        "cjs" => true,
        _ => {
            let package = shipped.bytes("package.json");
            let package = serde_json::from_slice::<serde_json::Value>(&package).unwrap_or_default();
            package["type"] != "module"
        }
    }
}

fn run_node(
    load: &Load,
    shipped: &Shipped<'_>,
    root: &AbsPath,
    [file, main]: [&AbsPath; 2],
    way: &str,
    report: &AbsPath,
) -> std::io::Result<Ended> {
    let node = [
        load.program.clone(),
        format!("--max-old-space-size={}", load.memory).into(),
        "--input-type=module".into(),
        "--eval".into(),
        SCRIPT.into(),
    ];
    let files = [file.as_os_str().to_owned(), main.as_os_str().to_owned(), way.into(), report.as_os_str().to_owned()];
    let mut words = load.without_network.iter().flatten().cloned().chain(node).chain(files);
    let program = words.next().unwrap_or_default();
    let platform = [
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_nodejs{}.x", shipped.node.major)),
        ("AWS_LAMBDA_FUNCTION_NAME", shipped.listed.name.clone()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("LAMBDA_TASK_ROOT", root.to_string()),
        ("TZ", "UTC".to_owned()),
    ];
    let mut environment: BTreeMap<String, OsString> =
        platform.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    environment.extend(load.environment.clone());
    let program = program.to_string_lossy().into_owned();
    let task = Task { program: &program, arguments: words.collect(), directory: root, environment };
    run_confined(&task, &Confined { time: load.time, printed: MOST_PRINTED })
}

struct Judge<'a> {
    shipped: &'a Shipped<'a>,
    load: &'a Load,
    root: &'a AbsPath,
}

impl Judge<'_> {
    fn findings(&self, events: Vec<Event>, ended: &Ended) -> Vec<Diagnostic> {
        let loaded = events.iter().any(|event| event.event == "loaded");
        let mut findings: Vec<Diagnostic> = events.iter().filter_map(|event| self.finding(event)).collect();
        let seconds = self.load.time.as_secs();
        if ended.timed_out {
            let message = format!("loading it takes longer than {seconds} s");
            let hint = "what waits for something at its top does so on every cold start; --timeout allows more";
            findings.push(self.error(message).hint(hint));
        } else if findings.is_empty() && !loaded {
            findings.push(self.crash(ended));
        }
        if ended.flooded {
            let message = format!("prints more than {} MB while it is loaded", MOST_PRINTED >> 20);
            findings.push(Diagnostic::new(Severity::Warning, Code::Load, message).at(self.archive()));
        }
        for finding in &mut findings {
            let printed = ended.err.trim();
            if finding.severity == Severity::Error && finding.output.is_none() && !printed.is_empty() {
                finding.output = Some(last_lines(printed));
            }
        }
        findings
    }

    fn archive(&self) -> &AbsPath {
        &self.shipped.listed.path
    }

    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::Load, message).at(self.archive())
    }

    fn finding(&self, event: &Event) -> Option<Diagnostic> {
        match event.event.as_str() {
            "loaded" if event.handler != "function" => {
                Some(self.error(format!("its `handler` is {}, and not a function", article(&event.handler))))
            }
            "loaded" => {
                let default = event.default.as_deref().filter(|kind| *kind != "function")?;
                Some(self.error(format!("its default export is {}, and not a function", article(default))))
            }
            "exit" => {
                let code = event.code.as_ref().map(ToString::to_string).unwrap_or_default();
                let said = self.error(format!("calls `process.exit({code})` while it is loaded"));
                Some(self.placed(said, event))
            }
            "rejected" => Some(self.threw(event, "leaves a promise rejected while it is loaded")),
            _ => Some(self.threw(event, "threw while it was loaded")),
        }
    }

    /// What does not resolve, parse or link is the archive's fault; what else is thrown may be for want of a variable.
    fn threw(&self, event: &Event, what: &str) -> Diagnostic {
        let first = event.message.lines().next().unwrap_or_default().replace(&format!("{}/", self.root), "");
        let name = event.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        if let Some(package) = self.runtimes(event) {
            let message = format!("could not be loaded to its end: `{package}` is the runtime's, and not here");
            return Diagnostic::note(Code::Load, message).at(self.archive());
        }
        if self.is_of_the_archive(event) {
            let said = self.error(format!("does not load: {name}{first}"));
            return self.placed(said, event);
        }
        let said = Diagnostic::warning(Code::Load, format!("{what}: {name}{first}")).at(self.archive());
        let said = self.placed(said, event);
        if event.unset.is_empty() {
            return said;
        }
        let asked: Vec<String> = event.unset.iter().rev().map(|name| format!("`{name}`")).collect();
        said.hint(format!("a missing variable? it read {}: --env NAME=VALUE sets one", asked.join(", ")))
    }

    /// The package that was not found, if the platform's runtime has it.
    fn runtimes<'e>(&self, event: &'e Event) -> Option<&'e str> {
        let specifier = event.message.strip_prefix("Cannot find ")?.split('\'').nth(1)?;
        let (name, _) = package_name(specifier)?;
        provided_by_runtime(name, self.shipped.node.major).then_some(name)
    }

    fn is_of_the_archive(&self, event: &Event) -> bool {
        const CODES: [&str; 13] = [
            "MODULE_NOT_FOUND",
            "ERR_MODULE_NOT_FOUND",
            "ERR_PACKAGE_PATH_NOT_EXPORTED",
            "ERR_PACKAGE_IMPORT_NOT_DEFINED",
            "ERR_UNSUPPORTED_DIR_IMPORT",
            "ERR_UNSUPPORTED_RESOLVE_REQUEST",
            "ERR_REQUIRE_ESM",
            "ERR_REQUIRE_ASYNC_MODULE",
            "ERR_REQUIRE_CYCLE_MODULE",
            "ERR_UNKNOWN_FILE_EXTENSION",
            "ERR_IMPORT_ATTRIBUTE_MISSING",
            "ERR_INVALID_PACKAGE_CONFIG",
            "ERR_DLOPEN_FAILED",
        ];
        let code = event.code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let is_file_of_it = event.path.as_ref().is_some_and(|path| AbsPath::of(path.clone()).starts_with(self.root));
        let scope = [
            "require is not defined",
            "exports is not defined",
            "module is not defined",
            "__dirname is not defined",
            "__filename is not defined",
        ];
        CODES.contains(&code)
            || code == "ENOENT" && is_file_of_it
            || event.name.as_deref() == Some("SyntaxError")
                && event.stack.as_deref().is_some_and(|it| !it.contains("JSON.parse"))
            || scope.iter().any(|words| event.message.starts_with(words))
    }

    /// The same, at the first place of the stack that is in the archive.
    fn placed(&self, said: Diagnostic, event: &Event) -> Diagnostic {
        let root = format!("{}/", self.root);
        let stack = event.stack.as_deref().unwrap_or_default();
        let place = stack.lines().find_map(|line| {
            let (_, rest) = line.split_once(&root)?;
            let mut parts = rest.trim_end_matches(')').rsplitn(3, ':').collect::<Vec<_>>();
            parts.reverse();
            let column = parts.get(2).and_then(|it| it.parse::<usize>().ok());
            let (file, line) = match column {
                Some(_) => (*parts.first()?, parts.get(1)?.parse::<usize>().ok()?),
                None => {
                    let (file, line) = rest.rsplit_once(':')?;
                    (file, line.trim().parse::<usize>().ok()?)
                }
            };
            let name = percent_encoding::percent_decode_str(file).decode_utf8_lossy().into_owned();
            self.shipped.files.entries().contains_key(&name).then_some((name, line, column.unwrap_or(1)))
        });
        let Some((name, line, column)) = place else { return said };
        let source = self.shipped.bytes(&name);
        let span = Span::at_line(&String::from_utf8_lossy(&source), line, column);
        said.at(&self.shipped.at(&name)).span(span)
    }

    /// It is gone, and has told nothing.
    fn crash(&self, ended: &Ended) -> Diagnostic {
        if ended.err.contains("JavaScript heap out of memory") {
            let message = format!("needs more than the {} MB of memory that it gets", self.load.memory);
            return self.error(message).hint("--memory allows more");
        }
        match (ended.code, ended.signal) {
            (Some(13), _) => self.error("waits at its top for something that never comes"),
            (Some(code), _) => self.error(format!("Node ended with status {code} while it was loaded")),
            (None, Some(signal)) => self.error(format!("Node crashed while it was loaded (signal {signal})")),
            (None, None) => self.error("Node ended while it was loaded"),
        }
    }
}

fn article(kind: &str) -> String {
    match kind {
        "undefined" => "not there".to_owned(),
        "object" => "an object".to_owned(),
        kind => format!("a {kind}"),
    }
}

/// Of what was printed, the end.
fn last_lines(printed: &str) -> String {
    const MOST: usize = 12;
    let lines: Vec<&str> = printed.lines().collect();
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}
