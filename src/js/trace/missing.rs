//! Modules that are not there. In: the requests of a trace that lead nowhere. Out: an error, a warning or
//! a note for each, with the way to it (spec: tracing.md section 8).

use super::Walk;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::addons::{install, package_name as package_of};
use crate::js::graph::Edge;
use crate::js::package::package_name;
use crate::js::pnp::LOADER;
use crate::js::resolve::Unresolved;
use crate::js::scan::Form;
use crate::path::AbsPath;

impl Walk<'_> {
    pub(super) fn report_missing(&mut self, starts: &[AbsPath]) {
        if self.missing.is_empty() {
            return;
        }
        let is_package = |(importer, index): &(AbsPath, usize)| {
            package_name(&self.graph.module(importer).edges[*index].request.specifier).is_some()
        };
        // Without the manifest no package is found: told once, and first.
        let unknown = self.graph.pnp().err().filter(|_| self.missing.iter().any(is_package));
        self.found.diagnostics.extend(unknown.cloned());
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
                let how = install(&package, self.graph.target(), self.graph.is_pnp());
                at_importer(Code::Addon, format!("{message}: install it with {how}"))
            }
            Unresolved::Missing(message) if self.graph.is_pnp() => {
                let diagnostic = at_importer(Code::ModuleNotFound, message.clone());
                let hint = package_name(specifier).and_then(|(name, _)| self.pnp_hint(specifier, name, importer));
                Diagnostic { hint, ..diagnostic }
            }
            Unresolved::Missing(message) => {
                let diagnostic = at_importer(Code::ModuleNotFound, message.clone());
                let Some((name, _)) = package_name(specifier) else { return diagnostic };
                let mut loaders = importer.ancestors().skip(1).map(|above| above.child(LOADER));
                if let Some(loader) = loaders.find(|loader| self.graph.store().is_file(loader)) {
                    let loader = loader.relative_to(&self.options.shown_from);
                    let hint = if loader.starts_with("..") {
                        let how = "name its folder with --repository-root, or --base of `fnzip trace`";
                        format!("`{loader}` is above the root, and decides nothing: {how}")
                    } else {
                        format!("`{loader}` is not of the site, whose packages are where its base is or above it")
                    };
                    return diagnostic.hint(hint);
                }
                if self.has_types(importer, name) {
                    return diagnostic.hint("it is installed and has only types: write `import type`");
                }
                diagnostic.hint(format!(
                    "install it (`npm install {name}`), or list it under `ignored_node_modules` if the function can do without"
                ))
            }
            Unresolved::Builtin | Unresolved::Url => at_importer(Code::ModuleNotFound, specifier.clone()),
        }
    }

    /// Is there a package of this name, which cannot be loaded, and which has types?
    fn has_types(&self, importer: &AbsPath, name: &str) -> bool {
        let package = self.installed(name, importer).map(|at| self.graph.package(&at.child("package.json")));
        package.is_some_and(|said| said.as_ref().as_ref().is_ok_and(|package| package.has_types))
    }

    /// What helps where Plug'n'Play does not have the package for this importer.
    fn pnp_hint(&self, specifier: &str, name: &str, importer: &AbsPath) -> Option<String> {
        // What is wrong with the manifest itself is told by itself.
        let pnp = self.graph.pnp().ok().flatten()?;
        let refusal = importer.parent().and_then(|directory| pnp.refusal(specifier, &directory, None));
        let hint = refusal.map_or_else(|| format!("install it (`yarn add {name}`)"), |refusal| refusal.hint);
        Some(format!("{hint}, or list it under `ignored_node_modules` if the function can do without"))
    }
}
