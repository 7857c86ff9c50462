//! Compilers of other languages. In: what to run, for which function. Out: what it printed, or a
//! diagnostic with its own words. Never says what to compile, or how.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::function::Function;
use crate::path::AbsPath;
use crate::process::{self, Ended, Task};
use crate::settings::Settings;
use crate::store::Store;

/// A compiler, and what it is run for.
#[derive(Clone, Copy)]
pub(super) struct Tool<'a> {
    pub(super) program: &'a str,
    pub(super) function: &'a Function,
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
}

/// Why a tool gave nothing.
pub(super) enum Failure {
    /// It is not installed.
    Missing,
    /// It was started, and says no.
    Refused(Ended),
    /// The system does not start it.
    Unstartable(io::Error),
}

impl<'a> Tool<'a> {
    /// Runs it in the function's directory.
    pub(super) fn run(
        self,
        arguments: &[impl AsRef<OsStr>],
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> Result<Ended, Failure> {
        let mut variables = self.of_site();
        variables.extend(environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let task = Task {
            program: self.program,
            arguments: arguments.iter().map(|argument| argument.as_ref().to_owned()).collect(),
            directory: &self.function.src_dir,
            environment: variables,
        };
        match process::run(&task) {
            Ok(ended) if ended.success => Ok(ended),
            Ok(ended) => Err(Failure::Refused(ended)),
            // A script is there and its interpreter is not: the system says the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_on_path() => Err(Failure::Missing),
            Err(error) => Err(Failure::Unstartable(error)),
        }
    }

    fn is_on_path(self) -> bool {
        let files = self.store.file_system();
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| files.lstat(&directory.join(self.program)).is_ok())
    }

    /// A variable as the tool sees it; empty is unset.
    pub(super) fn variable(self, name: &str) -> Option<OsString> {
        let given = std::env::var_os(name).filter(|value| !value.is_empty());
        given.or_else(|| self.of_site().get(name).cloned())
    }

    /// A directory that a variable names: it is relative to where the caller stands, or to the
    /// netlify.toml that says it.
    pub(super) fn directory(self, name: &str) -> Option<AbsPath> {
        let is_given = std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let here = std::env::current_dir().ok().filter(|_| is_given).map(AbsPath::of);
        let base = here.unwrap_or_else(|| self.settings.base.clone());
        self.variable(name).map(|path| base.join(path))
    }

    /// What netlify.toml adds to the environment, where it is not set. What is run is the caller's to say.
    fn of_site(self) -> BTreeMap<String, OsString> {
        let is_unset = |name: &str| name != "PATH" && std::env::var_os(name).is_none_or(|value| value.is_empty());
        let written = self.settings.environment.iter().filter(|(name, _)| is_unset(name));
        written.map(|(name, (value, _))| (name.clone(), value.into())).collect()
    }

    /// What is to be said of a failure: the tool's own words, whole, at the first place that they name.
    /// Places are relative to one of `bases`.
    pub(super) fn failed(self, failure: Failure, doing: &str, bases: &[AbsPath]) -> Diagnostic {
        let main = &self.function.main_file;
        match failure {
            Failure::Missing => {
                Diagnostic::error(Code::Toolchain, format!("`{}` is not on the PATH", self.program)).at(main)
            }
            Failure::Unstartable(error) => {
                Diagnostic::error(Code::Toolchain, format!("`{}` cannot be started: {error}", self.program)).at(main)
            }
            Failure::Refused(ended) => {
                let said = Diagnostic::error(Code::Compile, format!("`{doing}` failed")).output(&ended.err);
                let said = match self.place(&ended.err, bases) {
                    Some((path, span)) => said.at(&path).span(span),
                    None => said.at(main),
                };
                let needs_network = wants_network(&ended.err);
                if needs_network { said.hint(needs_network_hint(self.program)) } else { said }
            }
        }
    }

    /// The first `path:line:column`, or `path:line`, that leads to a file.
    fn place(self, output: &str, bases: &[AbsPath]) -> Option<(AbsPath, Span)> {
        output.lines().find_map(|line| {
            let mut parts = line.trim().trim_start_matches("-->").trim_start().splitn(4, ':');
            let (path, row) = (parts.next()?, parts.next()?.parse().ok()?);
            let digits = parts.next().and_then(|column| column.split(|letter: char| !letter.is_ascii_digit()).next());
            let column = digits.and_then(|digits| digits.parse().ok()).unwrap_or(1);
            let path = bases.iter().map(|base| base.join(path)).find(|path| self.store.is_file(path))?;
            let source = self.store.read(&path).ok()?;
            Some((path, Span::at_line(&String::from_utf8_lossy(&source), row, column)))
        })
    }
}

/// Do these words of a tool come from a network that is not there?
fn wants_network(output: &str) -> bool {
    const WORDS: [&str; 11] = [
        "dial tcp",
        "no such host",
        "module lookup disabled",
        "i/o timeout",
        "offline mode (--offline)",
        "resolve host",
        "spurious network error",
        "Could not connect to server",
        "failed to download from",
        "failed to resolve address",
        "TLS handshake timeout",
    ];
    WORDS.iter().any(|words| output.contains(words))
}

fn needs_network_hint(program: &str) -> String {
    let (fetch, vendor) =
        if program == "go" { ("go mod download", "go mod vendor") } else { ("cargo fetch", "cargo vendor") };
    format!("a module must be fetched first: run `{fetch}` where there is a network, or `{vendor}` and commit it")
}
