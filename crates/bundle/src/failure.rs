//! What is wrong with the modules, in our words and with a place. rolldown's own reports go in; no absolute path, no
//! colour and no drawing comes out.

use std::path::PathBuf;

use rolldown_error::{BuildDiagnostic, DiagnosticOptions, EventKind};

use crate::ids::{Ids, ROOT};

/// Something that is wrong, or worth a warning, in a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The file, absolute. For JavaScript with a source map this is the file, but line and column are those of the
    /// code that the host gave.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1, in UTF-16 units.
    pub column: Option<u32>,
    /// What kind it is.
    pub code: Code,
    /// What is wrong, as a fragment.
    pub message: String,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not what it should be.
    Syntax,
    /// The host could not load a file.
    Load,
    /// An import names what the module does not export.
    MissingExport,
    /// Top-level `await` where the output is CommonJS, or below a `require()`.
    TopLevelAwait,
    /// CommonJS that only sloppy mode allows, where the output is an ES module.
    SloppyMode,
    /// `import.meta` with members that CommonJS has no counterpart for.
    ImportMeta,
    /// Assigning to an import or a constant.
    Assignment,
    /// `eval`, which sees the renamed names of the bundle.
    Eval,
    /// Anything else that rolldown reports.
    Other,
    /// rolldown itself failed. This is not the user's fault.
    Internal,
}

impl Failure {
    /// A failure without a place.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { file: None, line: None, column: None, code, message: message.into() }
    }

    /// What rolldown reports, as a failure.
    pub(crate) fn from_rolldown(diagnostic: &BuildDiagnostic, ids: &Ids) -> Self {
        let options = DiagnosticOptions { cwd: ROOT.into() };
        let full = diagnostic.to_diagnostic_with(&options);
        let mut message = diagnostic.to_message_with(&options);
        if message.is_empty() {
            // Errors of plugins have their text only in the drawing, whose first line it is.
            message = full.convert_to_string(false);
        }
        let code = code(diagnostic.kind(), &message);
        let mut failure = Self::new(code, wording(code, &message, ids));
        let place = full.get_primary_location();
        let id = place.as_ref().map(|(file, ..)| file.clone()).or_else(|| diagnostic.id());
        failure.file = id.and_then(|id| ids.path(&id));
        if let (Some(_), Some((_, line, column, _))) = (&failure.file, place) {
            failure.line = u32::try_from(line).ok();
            failure.column = u32::try_from(column + 1).ok();
        }
        failure
    }
}

fn code(kind: EventKind, message: &str) -> Code {
    match kind {
        EventKind::ParseError | EventKind::JsonParseError | EventKind::TransformError => Code::Syntax,
        EventKind::UnloadableDependencyError => Code::Load,
        EventKind::MissingExportError | EventKind::ImportIsUndefined => Code::MissingExport,
        EventKind::RequireTlaError => Code::TopLevelAwait,
        EventKind::UnsupportedFeatureError if message.starts_with(TOP_LEVEL_AWAIT) => Code::TopLevelAwait,
        EventKind::EmptyImportMeta => Code::ImportMeta,
        EventKind::AssignToImportError | EventKind::IllegalReassignmentError => Code::Assignment,
        EventKind::Eval => Code::Eval,
        EventKind::UnhandleableError | EventKind::PluginError | EventKind::BundlerInitializeError => Code::Internal,
        _ => Code::Other,
    }
}

/// How rolldown's sentence begins where the output's format is the reason.
const TOP_LEVEL_AWAIT: &str = "Top-level await";

/// rolldown's sentence as our fragment: its first line, with the paths that people know, and no full stop.
fn wording(code: Code, message: &str, ids: &Ids) -> String {
    match code {
        Code::TopLevelAwait if message.starts_with(TOP_LEVEL_AWAIT) => {
            return "CommonJS cannot hold top-level `await`".into();
        }
        Code::Eval => return "`eval` sees the names of the bundle, which need not be those of the file".into(),
        Code::ImportMeta => {
            return "`import.meta` is an empty object in CommonJS, apart from `url`, `dirname` and `filename`".into();
        }
        _ => {}
    }
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    // The importer is the place.
    let line = line.split_once(", imported by ").map_or(line, |(before, _)| before);
    let line = ids.reword(line).replace('"', "`");
    let line = line.trim_end_matches('.');
    let second = line.chars().nth(1);
    match line.chars().next() {
        Some(first) if !line.starts_with("CommonJS") && second.is_some_and(|it| it.is_lowercase() || it == ' ') => {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        _ => line.to_owned(),
    }
}
