//! Does a function load, and does it answer? In: an archive that is whole. Out: what happened when it was run, out of a
//! fresh directory, with the variables that it was given and no others. Never in this process.

use super::Shipped;
use crate::binary;
use crate::built::Entry;
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::function::Platform;
use crate::js::binary::{Misfit, Target};
use crate::js::package::package_name;
use crate::js::trace::provided_by_runtime;
use crate::lambda::{self, Answer, Happened, MOST_PRINTED, Sandbox, Thrown, Told, Wanted, unpack};
use crate::path::AbsPath;
use crate::process::{Ended, Workshop};
use crate::runtime::PROGRAM;

/// How functions are loaded.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where.
    pub sandbox: Sandbox,
    /// The major version of its Node, if it is known.
    pub version: Option<u32>,
    /// The machine; programs for another are not started.
    pub here: Option<Platform>,
    /// What they are called with.
    pub wanted: Vec<Wanted>,
}

/// Loads one function, and calls it.
pub(super) fn findings(shipped: &Shipped<'_>, load: &Load) -> Vec<Diagnostic> {
    let Some(entry) = &shipped.entry else { return Vec::new() };
    let archive = &shipped.listed.path;
    if let Some(why) = foreign(shipped, entry, load.here) {
        return vec![Diagnostic::note(Code::Load, format!("not started: {why}")).at(archive)];
    }
    let cannot = |error: std::io::Error| {
        vec![Diagnostic::error(Code::Load, format!("could not be started: {error}")).at(archive)]
    };
    let workshop = match Workshop::new() {
        Ok(workshop) => workshop,
        Err(error) => return cannot(error),
    };
    let root = workshop.path().child("task");
    let function = match unpack(shipped.listed, &shipped.files, entry, shipped.node.major, root.clone(), None) {
        Ok(function) => function,
        Err(error) => return cannot(error),
    };
    let calls = lambda::calls(&load.wanted, &function.name, shipped.listed.row.as_ref());
    let (told, ended) = match lambda::run(&function, &calls, &load.sandbox, workshop.path()) {
        Ok(ran) => ran,
        Err(error) => return cannot(error),
    };
    let wants_response = |call: &str| calls.iter().any(|known| known.name == call && known.wants_response);
    let judge = Judge { shipped, load, root: &root, wants_response: &wants_response };
    let mut findings = judge.findings(&told, &ended);
    let is_module = matches!(entry, Entry::Module { .. });
    let other = load.version.filter(|version| is_module && *version != shipped.node.major);
    findings.extend(other.map(|version| {
        let message = format!("loaded by Node {version}, and the platform runs it on {}", shipped.node.major);
        Diagnostic::note(Code::Load, message).at(archive).hint("--node names another")
    }));
    findings
}

/// Why a program cannot be started here, though it may well be on the platform.
fn foreign(shipped: &Shipped<'_>, entry: &Entry, here: Option<Platform>) -> Option<String> {
    let Entry::Program = entry else { return None };
    let here = Target { platform: here?, node: shipped.node.major };
    match binary::read(&shipped.bytes(PROGRAM))?.misfit(here)? {
        Misfit::Foreign(why) | Misfit::TooNew(why) => Some(why),
    }
}

struct Judge<'a> {
    shipped: &'a Shipped<'a>,
    load: &'a Load,
    root: &'a AbsPath,
    wants_response: &'a dyn Fn(&str) -> bool,
}

/// What a function was doing.
fn doing(call: Option<&String>) -> String {
    call.map_or("while it is loaded".to_owned(), |call| format!("when it is called with `{call}`"))
}

impl Judge<'_> {
    fn findings(&self, told: &[Told], ended: &Ended) -> Vec<Diagnostic> {
        let mut findings: Vec<Diagnostic> = told.iter().filter_map(|told| self.finding(told)).collect();
        let last = told.last();
        let is_loaded = told.iter().any(|told| matches!(told.what, Happened::Loaded { .. }));
        let call = last.filter(|told| matches!(told.what, Happened::Calling)).and_then(|told| told.call.as_ref());
        if ended.timed_out {
            findings.push(self.slow(call));
        } else if findings.is_empty() && (!is_loaded || call.is_some()) {
            findings.push(self.crash(ended, call));
        }
        if ended.flooded {
            let message = format!("prints more than {} MB", MOST_PRINTED >> 20);
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

    fn warning(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(Code::Load, message).at(self.archive())
    }

    fn finding(&self, told: &Told) -> Option<Diagnostic> {
        let call = told.call.as_ref();
        match &told.what {
            Happened::Loaded { handler: Some(handler), .. } if handler != "function" => {
                Some(self.error(format!("its `handler` is {}, and not a function", article(handler))))
            }
            Happened::Loaded { default, .. } => {
                let default = default.as_deref().filter(|kind| *kind != "function")?;
                Some(self.error(format!("its default export is {}, and not a function", article(default))))
            }
            Happened::Exit { code, stack } => {
                let code = code.as_ref().map(ToString::to_string).unwrap_or_default();
                let said = self.error(format!("calls `process.exit({code})` {}", doing(call)));
                Some(self.placed(said, stack.as_deref()))
            }
            Happened::Threw(thrown) => Some(self.threw(thrown, told, "throws")),
            Happened::Rejected(thrown) => Some(self.threw(thrown, told, "leaves a promise rejected")),
            Happened::Calling => None,
            Happened::Answered(answer) => self.answered(answer, call?, told),
            Happened::Silent => Some(self.slow(call)),
            Happened::Ended { code, signal } => Some(self.gone(*code, *signal, "its program", call)),
            Happened::Misplaced { message } => {
                Some(self.error(format!("asks the Runtime API for `{message}` {}", doing(call))))
            }
        }
    }

    fn slow(&self, call: Option<&String>) -> Diagnostic {
        let seconds = self.load.sandbox.time.as_secs();
        let Some(call) = call else {
            let hint = "what waits for something at its top does so on every cold start; --timeout allows more";
            return self.error(format!("loading it takes longer than {seconds} s")).hint(hint);
        };
        let said = self.error(format!("does not answer `{call}` within {seconds} s"));
        said.hint(format!("--timeout allows more{}", self.no_network()))
    }

    /// What is to be kept in mind of who waits for something.
    fn no_network(&self) -> &'static str {
        if self.load.sandbox.without_network.is_some() {
            "; it has no network, unless --allow-net gives it one"
        } else {
            ""
        }
    }

    /// What the platform makes a 500 of, or what is one.
    fn answered(&self, answer: &Answer, call: &str, told: &Told) -> Option<Diagnostic> {
        let status = answer.status.as_ref().and_then(serde_json::Value::as_f64);
        if status.is_some_and(|status| status >= 500.0) {
            let status = answer.status.as_ref().map(ToString::to_string).unwrap_or_default();
            return Some(self.threw(&told_of(answer), told, &format!("answers with {status}")));
        }
        if !(self.wants_response)(call) {
            return None;
        }
        let message = match (answer.is.as_str(), &answer.status, answer.body_is.as_str()) {
            ("undefined" | "null", ..) => format!("answers `{call}` with nothing"),
            ("object", Some(serde_json::Value::Number(_)), "string" | "undefined" | "null") => return None,
            ("object", Some(serde_json::Value::Number(_)), body) => {
                format!("answers `{call}` with a body that is {}, and not a string", article(body))
            }
            ("object", None | Some(serde_json::Value::Null), _) => format!("answers `{call}` without a `statusCode`"),
            ("object", Some(status), _) => {
                format!("answers `{call}` with the `statusCode` {status}, which is no number")
            }
            (other, ..) => format!("answers `{call}` with {}, and not with a response", article(other)),
        };
        Some(self.warning(message).hint("the platform answers 500 then"))
    }

    /// What does not resolve, parse or link is the archive's fault; what else is thrown may be for want of a variable.
    fn threw(&self, thrown: &Thrown, told: &Told, what: &str) -> Diagnostic {
        let call = told.call.as_ref();
        let first = thrown.message.lines().next().unwrap_or_default().replace(&format!("{}/", self.root), "");
        let name = thrown.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        if let Some(package) = self.runtimes(thrown) {
            let message = format!("could not be run to its end: `{package}` is the runtime's, and not here");
            return Diagnostic::note(Code::Load, message).at(self.archive());
        }
        if self.is_of_the_archive(thrown) {
            let what = call.map_or("does not load".to_owned(), |call| format!("fails when it is called with `{call}`"));
            let said = self.error(format!("{what}: {name}{first}"));
            return self.placed(said, thrown.stack.as_deref());
        }
        let said = self.warning(format!("{what} {}: {name}{first}", doing(call)));
        let said = self.placed(said, thrown.stack.as_deref());
        if !told.unset.is_empty() {
            let asked: Vec<String> = told.unset.iter().rev().map(|name| format!("`{name}`")).collect();
            return said.hint(format!("a missing variable? it read {}: --env NAME=VALUE sets one", asked.join(", ")));
        }
        if is_about_the_network(thrown) && self.load.sandbox.without_network.is_some() {
            return said.hint("it has no network here: --allow-net gives it one");
        }
        said
    }

    /// The package that was not found, if the platform's runtime has it.
    fn runtimes<'e>(&self, thrown: &'e Thrown) -> Option<&'e str> {
        let specifier = thrown.message.strip_prefix("Cannot find ")?.split('\'').nth(1)?;
        let (name, _) = package_name(specifier)?;
        provided_by_runtime(name, self.shipped.node.major).then_some(name)
    }

    fn is_of_the_archive(&self, thrown: &Thrown) -> bool {
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
        let code = thrown.code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let is_file_of_it = thrown.path.as_ref().is_some_and(|path| AbsPath::of(path.clone()).starts_with(self.root));
        let scope = [
            "require is not defined",
            "exports is not defined",
            "module is not defined",
            "__dirname is not defined",
            "__filename is not defined",
        ];
        CODES.contains(&code)
            || code == "ENOENT" && is_file_of_it
            || thrown.name.as_deref() == Some("SyntaxError")
                && thrown.stack.as_deref().is_some_and(|it| !it.contains("JSON.parse"))
            || scope.iter().any(|words| thrown.message.starts_with(words))
    }

    /// The same, at the first place of the stack that is in the archive.
    fn placed(&self, said: Diagnostic, stack: Option<&str>) -> Diagnostic {
        let root = format!("{}/", self.root);
        let stack = stack.unwrap_or_default();
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

    /// Node is gone, and has not told why.
    fn crash(&self, ended: &Ended, call: Option<&String>) -> Diagnostic {
        if ended.err.contains("JavaScript heap out of memory") {
            let message = format!("needs more than the {} MB of memory that it gets", self.load.sandbox.memory);
            return self.error(message).hint("--memory allows more");
        }
        match (ended.code, call) {
            (Some(13), None) => self.error("waits at its top for something that never comes"),
            (Some(13 | 0), Some(call)) => {
                let said = self.error(format!("never answers `{call}`: nothing is left to wait for"));
                said.hint("a handler is `async`, or returns a promise, or calls its third argument")
            }
            (code, call) => self.gone(code, ended.signal, "Node", call),
        }
    }

    fn gone(&self, code: Option<i32>, signal: Option<i32>, who: &str, call: Option<&String>) -> Diagnostic {
        let when = doing(call);
        match (code, signal) {
            (Some(code), _) => self.error(format!("{who} ends with status {code} {when}")),
            (None, Some(signal)) => self.error(format!("{who} crashes {when} (signal {signal})")),
            (None, None) => self.error(format!("{who} ends {when}")),
        }
    }
}

/// What was thrown where a version 2 function answers 500, as far as its body and what was logged tell: `Error: why`, and
/// as Node prints it.
fn told_of(answer: &Answer) -> Thrown {
    let first = answer.body.lines().next().unwrap_or_default();
    let (name, message) = match first.split_once(": ") {
        Some((name, message)) => (Some(name.to_owned()), message),
        None => (None, first),
    };
    let logged = answer.logged.as_deref().unwrap_or_default();
    let quoted = |key: &str| logged.split_once(key).and_then(|(_, rest)| rest.split('\'').next()).map(str::to_owned);
    let (code, path) = (quoted("code: '").map(serde_json::Value::from), quoted("path: '"));
    Thrown { name, message: message.to_owned(), code, path, stack: answer.logged.clone() }
}

/// Would it have been another story with a network?
fn is_about_the_network(thrown: &Thrown) -> bool {
    const CODES: [&str; 4] = ["EAI_AGAIN", "ENETUNREACH", "ECONNREFUSED", "ENOTFOUND"];
    let code = thrown.code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    CODES.contains(&code) || thrown.message.contains("fetch failed")
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
