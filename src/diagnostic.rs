//! What is wrong, or worth knowing, in the user's code or configuration. In: a place, a message, a
//! hint. Out: the same, for people and for tools (`cli` does the showing). Never stops a run.

use std::fmt;
use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::path::AbsPath;

/// How much a diagnostic matters. The order is the order of showing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The function it speaks of is not built.
    Error,
    /// Built, but it may not do what its author expects; an error under `--strict`.
    Warning,
    /// Good to know; shown with `-v`.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// What kind of thing is wrong: stable names for tools.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it, and each is explained where it is raised")]
pub enum Code {
    Addon,
    BadArchive,
    Bootstrap,
    BuildPath,
    CaseClash,
    Compile,
    Configuration,
    DevelopmentOnly,
    ForeignBinary,
    FunctionName,
    IncludedFiles,
    LinkLoop,
    Load,
    Manifest,
    MissingSource,
    ModuleFormat,
    ModuleNotFound,
    NoFunctions,
    NoHandler,
    NoMainFile,
    NotReproducible,
    NotTraced,
    OutsideBase,
    ProvidedByRuntime,
    Secret,
    Shadowed,
    Syntax,
    TooLarge,
    Toolchain,
    Unreadable,
    UnspecifiedExtension,
    Unwritable,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Serialize::serialize(self, f)
    }
}

/// A stretch of one source line.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
pub struct Span {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// In characters, at least 1; never past the line's end.
    pub length: usize,
    /// The whole line, without its end.
    pub text: String,
}

/// The longest source line that is quoted, in characters; minified files have one line of megabytes.
const LONGEST_QUOTE: usize = 160;

impl Span {
    /// The stretch of `source` between two byte offsets; cut off where its line ends.
    pub fn of(source: &str, start: usize, end: usize) -> Self {
        let start = floor_char_boundary(source, start);
        let end = floor_char_boundary(source, end).max(start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let line = source.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        let text = source[line_start..line_end].trim_end_matches('\r');
        let column = source[line_start..start].chars().count() + 1;
        let length = source[start..end.min(line_end)].chars().count().max(1);
        if text.chars().count() <= LONGEST_QUOTE {
            return Self { line, column, length, text: text.into() };
        }
        Self { line, column, length: 1, text: String::new() }
    }
}

impl Span {
    /// The place at a line and a column, both from 1.
    pub fn at_line(source: &str, line: usize, column: usize) -> Self {
        let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let in_line = source[start..].lines().next().unwrap_or_default();
        let before = in_line.char_indices().nth(column.saturating_sub(1)).map_or(in_line.len(), |(at, _)| at);
        Self::of(source, start + before, start + before + 1)
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Place {
    /// In a file, here.
    File(AbsPath, Span),
    /// By a flag, a variable, or nobody.
    Named(String),
}

impl Place {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&AbsPath> {
        match self {
            Self::File(path, _) => Some(path),
            Self::Named(_) => None,
        }
    }
}

/// One thing to say about the user's code or configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct Diagnostic {
    /// Does it fail the function?
    pub severity: Severity,
    /// Its kind, for tools.
    pub code: Code,
    /// The function that it concerns, if it concerns one.
    pub function: Option<String>,
    /// The file or directory that it speaks of.
    pub path: Option<AbsPath>,
    /// Where in the file.
    pub span: Option<Span>,
    /// A lower-case fragment without a final period.
    pub message: String,
    /// How the place is reached, from the function's main file on.
    pub chain: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What another program said of it, whole.
    pub output: Option<String>,
}

impl Diagnostic {
    /// `file:line:column: message`, for who has one line.
    pub fn in_one_line(&self) -> String {
        self.after(self.path.as_ref().map(AbsPath::to_string))
    }

    /// The same, with the file as it is written from `base`.
    pub fn in_one_line_from(&self, base: &Path) -> String {
        self.after(self.path.as_ref().map(|path| path.relative_to(base)))
    }

    fn after(&self, path: Option<String>) -> String {
        match (path, &self.span) {
            (Some(path), Some(span)) => format!("{path}:{}:{}: {}", span.line, span.column, self.message),
            (Some(path), None) => format!("{path}: {}", self.message),
            _ => self.message.clone(),
        }
    }

    /// A diagnostic that says `message` and, so far, no more.
    pub fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            function: None,
            path: None,
            span: None,
            message: message.into(),
            chain: Vec::new(),
            hint: None,
            output: None,
        }
    }

    /// Shorthand for an error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Shorthand for a warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Shorthand for a note.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// The same, about a file or directory.
    pub fn at(mut self, path: &AbsPath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// The same, about a stretch of that file.
    pub fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, about what was said in a place.
    pub fn said_in(self, place: &Place) -> Self {
        match place {
            Place::File(path, span) => self.at(path).span(span.clone()),
            Place::Named(name) => Self { message: format!("{name}: {}", self.message), ..self },
        }
    }

    /// The same, about what was said in a place, if anybody knows it.
    pub fn said_at(self, place: Option<&Place>) -> Self {
        place.map_or_else(|| self.clone(), |place| self.clone().said_in(place))
    }

    /// The same, with what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with what another program said of it, if it said anything.
    pub fn output(mut self, output: &str) -> Self {
        self.output = Some(output.trim_end().to_owned()).filter(|output| !output.is_empty());
        self
    }

    /// The same, but if the run is `strict`, a warning is an error.
    pub fn under(mut self, strict: bool) -> Self {
        if strict && self.severity == Severity::Warning {
            self.severity = Severity::Error;
        }
        self
    }

    /// The same, but no more than a warning.
    pub fn into_warning(self) -> Self {
        Self { severity: self.severity.max(Severity::Warning), ..self }
    }

    /// The same, about a function.
    pub fn of(mut self, function: impl Into<String>) -> Self {
        self.function = Some(function.into());
        self
    }
}

/// `: did you mean …?`, if one of the known words is near what was written.
pub fn did_you_mean<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let plain = |word: &str| word.replace('_', "").to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&plain(word), &plain(written));
    let nearest = known.map(|word| (distance(word), word)).min();
    let near = nearest.filter(|(distance, word)| *distance <= 3 && *distance * 2 < word.len());
    near.map(|(_, word)| format!(": did you mean `{word}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_characters_and_stays_on_its_line() {
        let source = "one\nlet ü = require('x')\nthree";
        let start = source.find("'x'").unwrap();
        let span = Span::of(source, start, start + 50);
        assert_eq!((span.line, span.column, span.length), (2, 17, 4));
        assert_eq!(span.text, "let ü = require('x')");
    }

    #[test]
    fn a_span_survives_any_offsets() {
        for (start, end) in [(0, 0), (1, 0), (2, 99), (99, 100)] {
            assert!(Span::of("ü\r\n", start, end).length >= 1);
        }
    }

    #[test]
    fn codes_are_kebab_case() {
        assert_eq!(Code::ModuleNotFound.to_string(), "module-not-found");
    }
}
