//! Native binaries of a trace. In: an addon that a module asks for. Out: it and the shared libraries of
//! its package are listed, and what the target cannot load is told (spec: tracing.md section 6). Never
//! says what is a loader.

use super::{How, Walk};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::addons::{install, package_name as package_of};
use crate::js::assets::package_root;
use crate::js::binary::{Misfit, is_binary, names_another};
use crate::path::AbsPath;
use crate::store::Real;

/// A native binary that does not fit.
pub(super) struct Misfitting {
    /// The module that asks for it, and whether it catches a failure.
    importer: AbsPath,
    guarded: bool,
    /// It is one of several of its package, of which the loader takes what fits.
    is_choice: bool,
    /// The files between, and the binary itself.
    way: Vec<AbsPath>,
    message: String,
}

/// A native binary that is taken, and what is wrong with it.
struct Asked<'a> {
    misfit: Option<Misfit>,
    importer: &'a AbsPath,
    guarded: bool,
    is_choice: bool,
    way: Vec<AbsPath>,
}

impl Walk<'_> {
    pub(super) fn misfit(&self, binary: &AbsPath) -> Option<Misfit> {
        self.graph.binary(binary)?.misfit(self.graph.target())
    }

    /// Takes a native binary, unless its name says that it is for another platform; an addon brings the
    /// libraries of its package.
    pub(super) fn take_binary(&mut self, importer: &AbsPath, guarded: bool, is_choice: bool, how: How, file: &Real) {
        let target = self.graph.target();
        let misfit = self.misfit(&file.path);
        if matches!(misfit, Some(Misfit::Foreign(_))) && names_another(file.path.name(), target) {
            return;
        }
        if !self.list(file, how, Some(importer)) || self.reached.contains_key(&file.path) {
            return;
        }
        self.reached.insert(file.path.clone(), Some(importer.clone()));
        let ask = |misfit, way| Asked { misfit, importer, guarded, is_choice, way };
        self.check_fit(ask(misfit, vec![file.path.clone()]));
        if file.path.extension() != "node" {
            return;
        }
        for library in self.graph.libraries(&file.path) {
            let misfit = self.misfit(&library.path);
            if !matches!(misfit, Some(Misfit::Foreign(_))) && self.list(&library, How::SharedLibrary, Some(&file.path))
            {
                self.check_fit(ask(misfit, vec![file.path.clone(), library.path.clone()]));
            }
        }
    }

    fn check_fit(&mut self, asked: Asked<'_>) {
        let Asked { misfit, importer, guarded, is_choice, way } = asked;
        let message = match misfit {
            Some(Misfit::Foreign(why)) => {
                let package = way.first().and_then(package_of).unwrap_or_default();
                format!(
                    "{why}: install the right one with {}",
                    install(&package, self.graph.target(), self.graph.is_pnp())
                )
            }
            Some(Misfit::TooNew(why)) => why,
            None => return,
        };
        self.misfits.push(Misfitting { importer: importer.clone(), guarded, is_choice, way, message });
    }

    /// Is there, beside a binary that does not fit, one of the same package that does?
    fn has_better(&self, binary: &AbsPath) -> bool {
        let Some(root) = package_root(binary) else { return false };
        let is_better = |path: &&AbsPath| path.extension() == binary.extension() && path.starts_with(&root);
        self.files.keys().filter(is_better).any(|path| self.misfit(path).is_none())
    }

    pub(super) fn report_addons(&mut self, starts: &[AbsPath]) {
        let modules: Vec<AbsPath> = self.reached.keys().cloned().collect();
        let is_asking = |path: &AbsPath| self.options.analysis && !self.graph.module(path).missing_addons.is_empty();
        let asking: Vec<AbsPath> = modules.into_iter().filter(|path| !is_binary(path) && is_asking(path)).collect();
        if asking.is_empty() && self.misfits.is_empty() {
            return;
        }
        let uncaught = self.reached_by(starts, |request| !request.guarded);
        let severity = |importer: &AbsPath, guarded: bool| {
            if guarded || !uncaught.contains(importer) { Severity::Note } else { self.options.unloadable() }
        };
        let mut said = Vec::new();
        for Misfitting { importer, guarded, is_choice, way, message } in &self.misfits {
            let Some((binary, before)) = way.split_last() else { continue };
            let is_spare = *is_choice && before.is_empty() && self.has_better(binary);
            let shown = |path: &AbsPath| path.relative_to(&self.options.shown_from);
            let mut diagnostic =
                Diagnostic::new(severity(importer, *guarded || is_spare), Code::Addon, message.clone()).at(binary);
            diagnostic.chain = self.chain(importer, &before.first().map_or_else(|| shown(binary), shown));
            diagnostic.chain.extend((!before.is_empty()).then(|| shown(binary)));
            said.push(diagnostic);
        }
        for importer in asking {
            for missing in &self.graph.module(&importer).missing_addons {
                let severity = severity(&importer, missing.guarded);
                let diagnostic = Diagnostic::new(severity, Code::Addon, missing.message.clone()).at(&importer);
                let mut chain = self.chain(&importer, missing.file.as_deref().unwrap_or_default());
                chain.retain(|step| !step.is_empty());
                said.push(Diagnostic { chain, ..diagnostic.span(missing.span.clone()) });
            }
        }
        self.found.diagnostics.extend(said);
    }
}
