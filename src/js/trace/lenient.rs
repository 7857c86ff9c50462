//! Specifiers that bundlers take and Node does not. In: a request that was found by bundlers' rules. Out: a
//! warning with what to write, unless the file will be there once everything is compiled.

use super::Walk;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::graph::Edge;
use crate::js::parse::is_typescript;
use crate::js::scan::Request;
use crate::path::AbsPath;

impl Walk<'_> {
    pub(super) fn check_leniency(&mut self, importer: &AbsPath, edge: &Edge, target: &AbsPath) {
        if !is_compiled(importer) && !loads_once_compiled(importer, &edge.request, target) {
            self.warn_of_leniency(importer, edge, target);
        }
    }

    fn warn_of_leniency(&mut self, importer: &AbsPath, edge: &Edge, target: &AbsPath) {
        let specifier = &edge.request.specifier;
        let severity = if self.is_packages(importer) { Severity::Note } else { Severity::Warning };
        let message = format!("Node does not resolve '{specifier}' from here, only bundlers do");
        let mut diagnostic = Diagnostic::new(severity, Code::UnspecifiedExtension, message).at(importer);
        diagnostic.span = edge.span.clone();
        if let Some(directory) = importer.parent()
            && specifier.starts_with('.')
        {
            let relative = compiled(target).relative_to(&directory);
            let full = if relative.starts_with('.') { relative } else { format!("./{relative}") };
            diagnostic = diagnostic.hint(format!("write '{full}'"));
        }
        self.found.diagnostics.push(diagnostic);
    }
}

/// Does it ship as something else than it is?
fn is_compiled(path: &AbsPath) -> bool {
    is_typescript(path.extension()) || path.extension() == "jsx"
}

/// The name that a file has once it is compiled.
fn compiled(path: &AbsPath) -> AbsPath {
    let extension = match path.extension() {
        "ts" | "tsx" | "jsx" => "js",
        "mts" => "mjs",
        "cts" => "cjs",
        _ => return path.clone(),
    };
    AbsPath::of(path.with_extension(extension))
}

/// Does Node find the target of a lenient request once everything is compiled?
fn loads_once_compiled(importer: &AbsPath, request: &Request, target: &AbsPath) -> bool {
    let target = compiled(target);
    let Some(named) = importer.parent().map(|directory| directory.join(&request.specifier)) else { return false };
    let searched = || target == named.join(format!("../{}.js", named.name())) || target == named.child("index.js");
    request.specifier.starts_with('.') && (target == named || !request.form.is_import() && searched())
}
