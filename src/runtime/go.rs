//! Functions in Go. In: a directory with a `main` package, in a module of its own or the site's. Out: a
//! plan for the program that `go build` makes of it. What it makes depends on the source alone, and
//! stands in the workshop, never in the site.

use std::ffi::OsString;

use super::fail;
use super::inputs;
use super::program;
use super::tool::{Failure, Tool};
use crate::binary;
use crate::diagnostic::{Code, Diagnostic};
use crate::function::Function;
use crate::path::AbsPath;
use crate::plan::{Content, Plan};
use crate::process::Workshop;
use crate::settings::Settings;
use crate::store::Store;

/// The platform starts the program itself: it needs no server for Lambda's older protocol.
const TAGS: &str = "lambda.norpc";

/// Without tables for debuggers.
const LINKER: &str = "-s -w";

/// Builds the program and plans its archive.
pub(super) fn plan(
    function: &Function,
    store: &Store,
    settings: &Settings,
    workshop: &Workshop,
) -> Result<Plan, Vec<Diagnostic>> {
    let go = Tool { program: "go", function, settings, store };
    let made = workshop.path().child(format!("{}.go-program", function.name));
    let flags = Flags::of(go);
    let tags = flags.tags.join(",");
    let mut arguments: Vec<OsString> = vec!["build".into(), "-o".into(), made.as_os_str().to_owned()];
    arguments.extend(["-trimpath", "-buildvcs=false"].map(OsString::from));
    arguments.extend(flags.arguments().into_iter().map(OsString::from));
    arguments.push(".".into());
    let platform = settings.platform;
    let environment = [("CGO_ENABLED", "0"), ("GOOS", platform.system.in_go()), ("GOARCH", platform.arch.in_go())];
    let environment = environment.map(|(name, value)| (name, OsString::from(value)));
    let ended = go.run(&arguments, environment.clone()).map_err(|failure| vec![told(go, failure)])?;
    let bytes = store.file_system().read(&made).unwrap_or_default();
    if binary::read(&bytes).is_none_or(|program| !program.system.fits(&platform.system)) {
        let message = "`go build` made no program: the package must be `main`, with a function `main`";
        return Err(fail(Code::Compile, message).into_iter().map(|said| said.at(&function.main_file)).collect());
    }
    let size = bytes.len();
    let read = compiled(go, &tags, &environment);
    let inputs = inputs::inputs(function, store, &settings.repository_root, read, MANIFESTS);
    let mut plan = program::plan(function, Content::Bytes(bytes.into()), size, inputs, settings)?;
    if !ended.err.trim().is_empty() {
        let note = Diagnostic::note(Code::Compile, "`go build` says").at(&function.main_file);
        plan.diagnostics.push(note.output(&ended.err));
    }
    Ok(plan)
}

/// Flags of ours that would replace those of GOFLAGS.
struct Flags {
    tags: Vec<String>,
    linker: Vec<String>,
    /// For some packages alone.
    linker_of: Vec<String>,
}

impl Flags {
    /// What `go env` knows, in the environment or written down by `go env -w`.
    fn of(go: Tool<'_>) -> Self {
        let mut flags = Self { tags: vec![TAGS.to_owned()], linker: vec![LINKER.to_owned()], linker_of: Vec::new() };
        let known = go.run(&["env", "GOFLAGS"], []).map_or_else(
            |_| go.variable("GOFLAGS").unwrap_or_default().to_string_lossy().into_owned(),
            |ended| ended.out,
        );
        for flag in words(&known) {
            match flag.trim_start_matches('-').split_once('=') {
                Some(("tags", value)) => flags.tags.push(value.to_owned()),
                Some(("ldflags", value)) if value.starts_with('-') => flags.linker.push(value.to_owned()),
                Some(("ldflags", value)) => flags.linker_of.push(value.to_owned()),
                _ => {}
            }
        }
        flags
    }

    fn arguments(self) -> Vec<String> {
        let mut arguments = vec!["-ldflags".to_owned(), self.linker.join(" ")];
        arguments.extend(self.linker_of.into_iter().flat_map(|value| ["-ldflags".to_owned(), value]));
        arguments.extend(["-tags".to_owned(), self.tags.join(",")]);
        arguments
    }
}

/// The words of GOFLAGS; one with spaces in it stands in quotes.
fn words(flags: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = flags.trim();
    while let Some(first) = rest.chars().next() {
        let (start, end) = if matches!(first, '\'' | '"') { (1, first) } else { (0, ' ') };
        let (word, after) = rest[start..].split_once(end).unwrap_or((&rest[start..], ""));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn told(go: Tool<'_>, failure: Failure) -> Diagnostic {
    let hint = match &failure {
        Failure::Missing => Some("install Go (https://go.dev/dl, `apt install golang-go`, `brew install go`)"),
        // In a checkout of git it is told otherwise.
        Failure::Refused(ended)
            if ["go.mod file not found", "cannot find main module"].iter().any(|words| ended.err.contains(words)) =>
        {
            Some("run `go mod init NAME` and `go mod tidy` in the function's directory, or at the top of the site")
        }
        Failure::Refused(ended) if ended.err.contains("missing go.sum entry") => Some("run `go mod tidy`"),
        _ => None,
    };
    let said = go.failed(failure, "go build", std::slice::from_ref(&go.function.src_dir));
    match hint {
        Some(hint) => said.hint(hint),
        None => said,
    }
}

/// What says what else a package needs.
pub(super) const MANIFESTS: &[&[&str]] = &[&["go.mod", "go.sum"], &["go.work", "go.work.sum"]];

/// The files of the packages that went in, but for Go's own.
fn compiled(go: Tool<'_>, tags: &str, environment: &[(&'static str, OsString)]) -> Vec<AbsPath> {
    const FILES: &str = "{{if not .Standard}}{{.Dir}}{{range .GoFiles}}\t{{.}}{{end}}{{range .SFiles}}\t{{.}}{{end}}\
        {{range .HFiles}}\t{{.}}{{end}}{{range .EmbedFiles}}\t{{.}}{{end}}{{end}}";
    let ended = go.run(&["list", "-deps", "-tags", tags, "-f", FILES, "."], environment.iter().cloned());
    let listed = ended.map(|ended| ended.out).unwrap_or_default();
    let packages = listed.lines().filter_map(|line| line.split_once('\t'));
    packages
        .flat_map(|(directory, files)| files.split('\t').map(move |file| AbsPath::of(directory).join(file)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_goflags() {
        assert_eq!(
            words(" -mod=mod  '-ldflags=-X main.a=b'\"-tags=a\"\n"),
            ["-mod=mod", "-ldflags=-X main.a=b", "-tags=a"]
        );
        assert_eq!(words("'-tags=a"), ["-tags=a"]);
        assert!(words("\n").is_empty());
    }
}
