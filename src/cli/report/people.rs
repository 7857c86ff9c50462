//! What came of a command, for people: diagnostics with their source lines, and a summary table.
//! Everything goes to stderr; stdout is for data.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use anstream::{AutoStream, ColorChoice};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use super::progress::Bar;
use crate::cli::args::{Colour, Shown};
use crate::cli::timings::{Stage, Timings};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Function, InvocationMode, events};
use crate::path::AbsPath;
use crate::pipeline::{Outcome, Report};
use crate::settings::Settings;

/// Who reads stderr, and what they want to see.
#[derive(Debug, Clone)]
pub(in crate::cli) struct People {
    colour: ColorChoice,
    quiet: bool,
    verbose: bool,
    github: bool,
}

impl People {
    pub(in crate::cli) fn new(shown: &Shown) -> Self {
        let colour = match shown.color {
            Colour::Auto => AutoStream::choice(&io::stderr()),
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        let github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        Self { colour, quiet: shown.quiet, verbose: shown.verbose, github }
    }

    pub(in crate::cli) fn progress(&self) -> Bar {
        Bar::new(!self.quiet && io::stderr().is_terminal())
    }

    fn stderr(&self) -> AutoStream<io::Stderr> {
        AutoStream::new(io::stderr(), self.colour)
    }

    /// Says what is wrong: errors always, warnings unless quiet, notes if verbose.
    pub(in crate::cli) fn diagnostics(&self, diagnostics: &[&Diagnostic], cwd: &Path) -> io::Result<()> {
        let least = match (self.quiet, self.verbose) {
            (true, _) => Severity::Error,
            (_, true) => Severity::Note,
            _ => Severity::Warning,
        };
        let mut err = self.stderr();
        let wanted = diagnostics.iter().filter(|diagnostic| diagnostic.severity <= least);
        let told = shared(wanted.copied());
        for (diagnostic, functions) in if self.verbose { told } else { condensed(told) } {
            writeln!(err, "{}", render(&diagnostic, &functions, cwd))?;
            if self.github {
                writeln!(err, "{}", annotation(&diagnostic, cwd))?;
            }
        }
        let notes = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Note).count();
        if least == Severity::Warning && notes > 0 {
            writeln!(err, "{notes} {}; -v shows {}", plural(notes, "note"), if notes == 1 { "it" } else { "them" })?;
        }
        Ok(())
    }

    /// Where the time went, the longest first.
    pub(in crate::cli) fn timings(&self, timings: &Timings, whole: Duration) -> io::Result<()> {
        let mut stages: Vec<(&str, Stage)> = timings.stages().into_iter().collect();
        stages.sort_by(|one, other| other.1.time.cmp(&one.1.time).then(one.0.cmp(other.0)));
        let sum: Duration = stages.iter().map(|(_, stage)| stage.time).sum();
        let mut table = Table::new();
        table.use_stderr().load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["stage", "times", "time", "share"]);
        for (name, stage) in &stages {
            let share = 100.0 * stage.time.as_secs_f64() / sum.as_secs_f64().max(f64::EPSILON);
            table.add_row([(*name).to_owned(), stage.times.to_string(), time(stage.time), format!("{share:.0} %")]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut err = self.stderr();
        writeln!(err, "{table}")?;
        let (hits, misses) = timings.remembered();
        let remembered =
            if hits + misses > 0 { format!("; {hits} of {} were remembered", hits + misses) } else { String::new() };
        writeln!(err, "{} of all threads, {} on the clock{remembered}", time(sum), time(whole))
    }

    /// What the packages of each function cost, the heaviest first.
    pub(in crate::cli) fn sizes(&self, report: &Report) -> io::Result<()> {
        let mut err = self.stderr();
        for outcome in &report.functions {
            let weights = outcome.built.iter().flat_map(|built| &built.weights);
            writeln!(err, "{}", outcome.function.name)?;
            for weight in weights {
                let name = weight.package.as_deref().unwrap_or("its own files");
                let files = match weight.files {
                    0 => "in the bundle".to_owned(),
                    files => format!("{files} {}", plural(files, "file")),
                };
                let (compressed, size) = (bytes(weight.compressed), bytes(weight.size));
                writeln!(err, "  {compressed:>9}  {name}  ({files}, {size} unpacked)")?;
            }
        }
        Ok(())
    }

    /// The table of what was built, and where it is.
    pub(in crate::cli) fn summary(&self, report: &Report, settings: &Settings, cwd: &Path) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let mut err = self.stderr();
        if !report.functions.is_empty() {
            writeln!(err, "{}", table(report))?;
        }
        let built = report.functions.iter().filter(|outcome| outcome.built.is_some()).count();
        let failed = report.functions.len() - built;
        let size: u64 = report.functions.iter().filter_map(|outcome| outcome.built.as_ref()?.archive.size).sum();
        let as_they_were =
            report.functions.iter().filter_map(|outcome| outcome.built.as_ref()).filter(|built| built.as_it_was);
        let mut line = format!("{built} {} built", plural(built, "function"));
        match as_they_were.count() {
            0 => {}
            all if all == built => line += ", nothing changed",
            some => line += &format!(", {some} of them unchanged"),
        }
        if size > 0 {
            line += &format!(", {}", bytes(size));
        }
        if failed > 0 {
            line += &format!(", {failed} failed");
        }
        let out = shown(&settings.out, cwd);
        writeln!(err, "{line} in {} -> {out}", time(report.time))?;
        if report.manifest.is_none() {
            writeln!(err, "the manifest was not written; --keep-going writes it without what failed")?;
        }
        Ok(())
    }
}

/// What became of functions, by name: the hash of the archive, or none if there is none.
pub(in crate::cli) type Built = BTreeMap<String, Option<String>>;

/// What a build has made of functions that were something else before.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Difference<'a> {
    built: Vec<&'a str>,
    removed: Vec<&'a str>,
    /// Also those that had failed before.
    failed: Vec<&'a str>,
}

impl<'a> Difference<'a> {
    pub(in crate::cli) fn of(before: &'a Built, now: &'a Built) -> Self {
        let names = |wanted: &dyn Fn(&String, &Option<String>) -> bool| -> Vec<&'a str> {
            now.iter().filter(|(name, built)| wanted(name, built)).map(|(name, _)| name.as_str()).collect()
        };
        Self {
            built: names(&|name, built| built.is_some() && before.get(name) != Some(built)),
            removed: before.keys().filter(|name| !now.contains_key(*name)).map(String::as_str).collect(),
            failed: names(&|_, built| built.is_none()),
        }
    }
}

impl People {
    /// What a build has changed, in a line.
    pub(in crate::cli) fn rebuilt(&self, made: &Difference<'_>, changed: &[String], took: Duration) -> io::Result<()> {
        let parts = [("built", &made.built), ("removed", &made.removed), ("failed", &made.failed)].into_iter();
        let parts = parts.filter(|(_, names)| !names.is_empty()).map(|(done, names)| format!("{done} {}", some(names)));
        let parts: Vec<String> = parts.collect();
        let done = if parts.is_empty() { "looked again".to_owned() } else { parts.join(", ") };
        let because: Vec<&str> = changed.iter().map(String::as_str).collect();
        let because = if because.is_empty() { String::new() } else { format!(" ({})", some(&because)) };
        self.say(&format!("{done} in {}{because}", time(took)))
    }

    /// Says how it goes on, unless quiet.
    pub(in crate::cli) fn say(&self, message: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(self.stderr(), "{message}") }
    }

    /// Shows a text as it is, with its line breaks.
    pub(in crate::cli) fn print(&self, text: &str) -> io::Result<()> {
        write!(self.stderr(), "{text}")
    }

    /// Says what makes a command fail, and is about no place in the site.
    pub(in crate::cli) fn error(&self, message: &str) -> io::Result<()> {
        writeln!(self.stderr(), "error: {message}")
    }

    /// Says something that is not about the site, unless quiet.
    pub(in crate::cli) fn warn(&self, message: &str) -> io::Result<()> {
        self.say(&format!("warning: {message}"))
    }
}

/// Names, of many only the first.
fn some(names: &[&str]) -> String {
    const MOST: usize = 5;
    let rest = names.len().saturating_sub(MOST);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ") + &more
}

/// A diagnostic, and the functions that it concerns.
type Told<'a> = (Diagnostic, Vec<&'a str>);

/// What is wrong with a shared file is wrong with every function that ships it: it is said once.
fn shared<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic>) -> Vec<Told<'a>> {
    let mut told: Vec<Told<'a>> = Vec::new();
    for diagnostic in diagnostics {
        let function = diagnostic.function.as_deref();
        let same = |known: &&mut Told<'_>| {
            let Diagnostic { severity, code, path, span, message, hint, output, .. } = &known.0;
            (severity, code, path, span, message, hint, output)
                == (
                    &diagnostic.severity,
                    &diagnostic.code,
                    &diagnostic.path,
                    &diagnostic.span,
                    &diagnostic.message,
                    &diagnostic.hint,
                    &diagnostic.output,
                )
        };
        match told.iter_mut().find(same) {
            Some((_, functions)) => functions.extend(function.filter(|function| !functions.contains(function))),
            None => told.push((diagnostic.clone(), function.into_iter().collect())),
        }
    }
    told
}

/// A package may ask for dozens of others if it is told to: one warning a file is enough.
fn condensed(told: Vec<Told<'_>>) -> Vec<Told<'_>> {
    let in_package = |diagnostic: &Diagnostic| {
        diagnostic.severity == Severity::Warning
            && diagnostic.code == Code::ModuleNotFound
            && diagnostic.path.as_ref().is_some_and(AbsPath::in_node_modules)
    };
    let (hidden, told): (Vec<_>, Vec<_>) = told.into_iter().partition(|(diagnostic, _)| {
        diagnostic.code == Code::NotTraced && diagnostic.path.as_ref().is_some_and(AbsPath::in_node_modules)
    });
    let mut kept: Vec<Told<'_>> = Vec::new();
    if !hidden.is_empty() {
        let message =
            format!("{} paths in packages are only known at run time, or not taken: --json has them", hidden.len());
        kept.push((Diagnostic::note(Code::NotTraced, message), Vec::new()));
    }
    let mut asked: Vec<(Told<'_>, BTreeSet<String>)> = Vec::new();
    for (diagnostic, functions) in told {
        let Some(specifier) = diagnostic.chain.last().filter(|_| in_package(&diagnostic)).cloned() else {
            kept.push((diagnostic, functions));
            continue;
        };
        match asked.iter_mut().find(|((known, _), _)| known.path == diagnostic.path) {
            Some((_, specifiers)) => {
                specifiers.insert(specifier);
            }
            None => asked.push(((diagnostic, functions), BTreeSet::from([specifier]))),
        }
    }
    for ((diagnostic, functions), specifiers) in asked {
        if specifiers.len() == 1 {
            kept.push((diagnostic, functions));
            continue;
        }
        let message = format!("may ask for modules that are not installed: {}", some_of(specifiers.iter(), 6));
        let hint = "install those that the function uses; -v shows where each is asked for";
        kept.push((Diagnostic { span: None, message, hint: Some(hint.into()), ..diagnostic }, functions));
    }
    kept
}

/// The first few, and how many more there are.
fn some_of(names: impl ExactSizeIterator<Item: AsRef<str>>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let mut text = names.take(most).map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// What can be left out of the table where the terminal is narrow, the least interesting first.
const OPTIONAL: [&str; 4] = ["runtime", "files", "time", "kind"];

/// One row a function; columns are left out rather than words broken.
fn table(report: &Report) -> String {
    let mut left_out: Vec<&str> = Vec::new();
    let mut optional = OPTIONAL.iter();
    loop {
        let table = table_without(&left_out, report);
        // A terminal that does not know its width says 0.
        let width = table.width().filter(|width| *width > 0).map_or(usize::MAX, usize::from);
        let text = table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        if text.lines().all(|line| line.chars().count() <= width) {
            return text;
        }
        match optional.next() {
            Some(column) => left_out.push(column),
            None => return text,
        }
    }
}

fn table_without(left_out: &[&str], report: &Report) -> Table {
    let header = ["function", "kind", "runtime", "files", "size", "time", ""];
    let kept = |cells: [String; 7]| -> Vec<String> {
        let kept = header.iter().zip(cells).filter(|(column, _)| !left_out.contains(column));
        kept.map(|(_, cell)| cell).collect()
    };
    let mut table = Table::new();
    table.use_stderr().load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(kept(header.map(str::to_owned)));
    for outcome in &report.functions {
        table.add_row(kept(cells(outcome)));
    }
    for (index, column) in header.iter().filter(|column| !left_out.contains(column)).enumerate() {
        if let (true, Some(column)) = (["files", "size", "time"].contains(column), table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What people call the way a function is called.
pub(in crate::cli) fn kind(function: &Function) -> &'static str {
    match function.invocation_mode() {
        _ if events::trigger(&function.name).is_some() => "event",
        _ if function.config.schedule.is_some() => "scheduled",
        Some(InvocationMode::Background) => "background",
        Some(InvocationMode::Stream) => "stream",
        None => "sync",
    }
}

fn cells(Outcome { function, built, diagnostics, time: took }: &Outcome) -> [String; 7] {
    let (entries, size) = match built {
        Some(built) => (built.archive.entries.to_string(), built.archive.size.map(bytes).unwrap_or_default()),
        None => ("-".into(), "-".into()),
    };
    let warnings = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).count();
    let remark = match (built, warnings) {
        (None, _) => "failed".into(),
        (_, many) => {
            let warned = (many > 0).then(|| format!("{many} {}", plural(many, "warning")));
            let ready_made = function.ready_made.then(|| "ready-made".to_owned());
            ready_made.into_iter().chain(warned).collect::<Vec<_>>().join(", ")
        }
    };
    [function.name.to_string(), kind(function).into(), function.runtime.to_string(), entries, size, time(*took), remark]
}

/// A diagnostic with its source line.
fn render(diagnostic: &Diagnostic, functions: &[&str], cwd: &Path) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let path = diagnostic.path.as_ref().map(|path| shown(path, cwd));
    let function = diagnostic.function.as_ref().filter(|_| functions.len() < 2);
    let place = path.as_ref().or(function);
    let title = place.map_or_else(|| diagnostic.message.clone(), |place| format!("{place}: {}", diagnostic.message));
    let code = diagnostic.code.to_string();
    let renderer = Renderer::styled();
    let title = level.primary_title(title).id(code);
    let mut text = match (&path, &diagnostic.span) {
        (Some(path), Some(span)) if !span.text.is_empty() => {
            let at = |characters: usize| span.text.char_indices().nth(characters).map_or(span.text.len(), |(at, _)| at);
            let (start, end) = (at(span.column - 1), at(span.column - 1 + span.length));
            let mark = AnnotationKind::Primary.span(start..end.max(start));
            let source = Snippet::source(span.text.as_str()).path(path.as_str()).line_start(span.line);
            renderer.render(&[title.element(source.annotation(mark))])
        }
        (Some(path), Some(span)) => {
            renderer.render(&[title.element(Origin::path(path.as_str()).line(span.line).char_column(span.column))])
        }
        _ => renderer.render(&[title.elements(Vec::<Origin<'_>>::new())]),
    };
    if diagnostic.chain.len() > 2 {
        let function = diagnostic.function.as_ref().map(|function| format!("`{function}`: ")).unwrap_or_default();
        // Where a package stands says nothing here.
        let steps = diagnostic.chain.iter().map(|step| step.rsplit("node_modules/").next().unwrap_or(step));
        text += &format!("\n  = note: {function}{}", steps.collect::<Vec<_>>().join(" -> "));
    }
    if functions.len() > 1 {
        text += &format!("\n  = note: in {} functions: {}", functions.len(), some_of(functions.iter(), 5));
    }
    if let Some(hint) = &diagnostic.hint {
        text += &format!("\n  = hint: {hint}");
    }
    for line in diagnostic.output.iter().flat_map(|output| output.lines()) {
        text += format!("\n  | {line}").trim_end();
    }
    text
}

/// A workflow command that GitHub shows beside the line (documented under "workflow commands").
fn annotation(diagnostic: &Diagnostic, cwd: &Path) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let escape_property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![format!("title=fnzip {}", diagnostic.code)];
    if let Some(path) = &diagnostic.path {
        properties.push(format!("file={}", escape_property(&shown(path, cwd))));
    }
    if let Some(span) = &diagnostic.span {
        properties.push(format!("line={},col={}", span.line, span.column));
    }
    let hint = diagnostic.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let output = diagnostic.output.as_ref().map(|output| format!("\n{output}")).unwrap_or_default();
    format!("::{level} {}::{}", properties.join(","), escape(&format!("{}{hint}{output}", diagnostic.message)))
}

/// A path as the caller would write it: relative if it is near.
fn shown(path: &AbsPath, cwd: &Path) -> String {
    let relative = path.relative_to(cwd);
    if relative.starts_with("../../..") { path.to_string() } else { relative }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.into() } else { format!("{word}s") }
}

/// A size, for people.
pub(in crate::cli) fn bytes(count: u64) -> String {
    let kilobytes = count as f64 / 1000.0;
    match count {
        0..1000 => format!("{count} B"),
        1000..100_000 => format!("{kilobytes:.1} kB"),
        100_000..1_000_000 => format!("{kilobytes:.0} kB"),
        _ => format!("{:.1} MB", kilobytes / 1000.0),
    }
}

fn time(time: Duration) -> String {
    match time.as_millis() {
        0..1000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
