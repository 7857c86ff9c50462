//! Modules that are not there. In: the requests of a trace that lead nowhere. Out: an error, a warning or
//! a note for each, with the way to it (spec: tracing.md section 8).

use super::Walk;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::addons::{install, package_name as package_of};
use crate::js::graph::Edge;
use crate::js::package::package_name;
use crate::js::resolve::Unresolved;
use crate::js::scan::Form;
use crate::path::AbsPath;

impl Walk<'_> {
    pub(super) fn report_missing(&mut self, starts: &[AbsPath]) {
        if self.missing.is_empty() {
            return;
        }
        let eager = self
            .reached_by(starts, |request| request.eager && !request.guarded && request.form != Form::RequireResolve);
        let uncaught = self.reached_by(starts, |request| !request.guarded);
        for (importer, index) in std::mem::take(&mut self.missing) {
            let module = self.graph.module(&importer);
            let edge = &module.edges[index];
            let Err(unresolved) = &edge.outcome else { continue };
            if edge.request.specifier.starts_with('@') && !edge.request.specifier.contains('/') {
                continue; // No package can be called so; old loaders write it to mean nothing.
            }
            let severity = if uncaught.contains(&importer) {
                self.severity(&importer, edge, eager.contains(&importer))
            } else {
                Severity::Note
            };
            let mut diagnostic = self.unresolved(unresolved, &importer, edge, severity);
            diagnostic.chain = self.chain(&importer, &edge.request.specifier);
            self.found.diagnostics.push(diagnostic);
        }
    }

    fn severity(&self, importer: &AbsPath, edge: &Edge, importer_is_eager: bool) -> Severity {
        let declared_optional = || {
            let name = package_name(&edge.request.specifier).map(|(name, _)| name);
            let own =
                importer.parent().and_then(|at| self.graph.store().nearest_package_json(&at, &self.options.shown_from));
            let package = own.map(|own| self.graph.package(&own));
            package
                .zip(name)
                .is_some_and(|(package, name)| package.as_ref().as_ref().is_ok_and(|p| p.optional.contains(name)))
        };
        // An install for another platform leaves the target's package out, and nobody does without.
        let is_of_target = edge.request.specifier.contains(&self.graph.target().name());
        if is_of_target && !edge.request.guarded && self.is_packages(importer) {
            self.options.unloadable()
        } else if edge.request.guarded || declared_optional() {
            Severity::Note
        } else if importer_is_eager && edge.request.eager || self.options.strict_own_code && !self.is_packages(importer)
        {
            Severity::Error
        } else {
            Severity::Warning
        }
    }

    fn unresolved(&self, unresolved: &Unresolved, importer: &AbsPath, edge: &Edge, severity: Severity) -> Diagnostic {
        let specifier = &edge.request.specifier;
        let at_importer = |code, message: String| {
            let mut diagnostic = Diagnostic::new(severity, code, message).at(importer);
            diagnostic.span = edge.span.clone();
            diagnostic
        };
        match unresolved {
            Unresolved::InvalidPackage(path) => {
                let said = self.graph.package(path);
                let reason = said.as_ref().as_ref().err();
                let message = reason.map_or_else(String::new, |error| format!(": {}", error.message));
                let mut diagnostic =
                    Diagnostic::new(severity, Code::Syntax, format!("not valid JSON{message}")).at(path);
                diagnostic.span = reason.map(|error| error.span.clone());
                diagnostic
            }
            Unresolved::Link(path, reason) => {
                let at = path.relative_to(&self.options.shown_from);
                at_importer(Code::LinkLoop, format!("'{specifier}' leads to {at}: {reason}"))
            }
            Unresolved::Refused(message) => at_importer(Code::ModuleNotFound, message.clone()),
            Unresolved::Missing(message) if specifier.contains(&self.graph.target().name()) => {
                let package = package_of(importer).unwrap_or_else(|| specifier.clone());
                let how = install(&package, self.graph.target());
                at_importer(Code::Addon, format!("{message}: install it with {how}"))
            }
            Unresolved::Missing(message) => {
                let diagnostic = at_importer(Code::ModuleNotFound, message.clone());
                let Some((name, _)) = package_name(specifier) else { return diagnostic };
                if importer.ancestors().any(|above| self.graph.store().is_file(&above.child(".pnp.cjs"))) {
                    return diagnostic
                        .hint("Yarn PnP is not supported yet: set `nodeLinker: node-modules` in .yarnrc.yml");
                }
                diagnostic.hint(format!(
                    "install it (`npm install {name}`), or list it under `ignored_node_modules` if the function can do without"
                ))
            }
            Unresolved::Builtin | Unresolved::Url => at_importer(Code::ModuleNotFound, specifier.clone()),
        }
    }
}
