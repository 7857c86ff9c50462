//! ES modules that are loaded by `require()`, which cannot wait. In: a walk that has come to its end. Out: an
//! error for each that has an `await` at its top, or imports one that has (Node: ERR_REQUIRE_ASYNC_MODULE); a
//! warning, if it is a package's and may never be loaded.

use rustc_hash::FxHashSet;

use super::Walk;
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::js::scan::Form;
use crate::js::transpile::WAITING_PACKAGE;
use crate::path::AbsPath;
use crate::plan::ModuleFormat;

impl Walk<'_> {
    pub(super) fn report_waiting(&mut self, starts: &[AbsPath]) {
        let Some(loading) = self.options.loading else { return };
        let loaded = self.loaded.iter().flat_map(|(path, formats)| formats.iter().map(move |it| (path, it)));
        let bundled = self.inlined.keys().map(|path| (path, loading.format));
        let (mut required, mut ahead) = (FxHashSet::default(), Vec::new());
        if loading.by_require && loading.format == ModuleFormat::Esm {
            ahead.extend(starts.iter().cloned());
        }
        for (path, format) in loaded.chain(bundled) {
            let by_require = |form| form == Form::Require || form == Form::Import && format == ModuleFormat::Cjs;
            ahead.extend(self.modules(path, format, by_require));
        }
        while let Some(path) = ahead.pop() {
            if !required.contains(&path) {
                ahead.extend(self.modules(&path, ModuleFormat::Esm, |form| form == Form::Import));
                required.insert(path);
            }
        }
        let place = |path: AbsPath| self.graph.module(&path).analysis.waits.clone().map(|span| (path, span));
        let waiting: Vec<(AbsPath, Span)> = required.into_iter().filter_map(place).collect();
        if waiting.is_empty() {
            return;
        }
        let eager = self.reached_by(starts, |request| request.eager && !request.guarded);
        for (path, span) in waiting {
            let is_error = !self.is_packages(&path) || eager.contains(&path);
            let severity = if is_error { Severity::Error } else { Severity::Warning };
            let message = "`await` at the top of an ES module that is loaded by `require()`, which cannot wait";
            let hint = if self.is_packages(&path) {
                WAITING_PACKAGE
            } else {
                "move it into a function, or load the module by `import()`, or from an ES module"
            };
            let mut said = Diagnostic::new(severity, Code::ModuleFormat, message).at(&path).span(span).hint(hint);
            said.chain = self.chain_to(&path);
            self.found.diagnostics.push(said);
        }
    }

    /// The ES modules to which the requests of these forms lead that loading a module comes to.
    fn modules(&self, path: &AbsPath, format: ModuleFormat, is_meant: impl Fn(Form) -> bool) -> Vec<AbsPath> {
        let module = self.graph.module(path);
        let edges = module.edges.iter().filter(|edge| is_meant(edge.request.form) && !edge.request.guarded);
        let targets = edges.filter_map(|edge| {
            let outcome = self.targets(path, format, edge);
            let targets = outcome.as_ref().as_ref().ok()?;
            let target = targets.modules.first()?.path.clone();
            let may_be_module = self.loaded.get(&target).is_some_and(|formats| formats.contains(ModuleFormat::Esm));
            let is_module = || self.loaded_as(format, edge.request.form, targets, &target) == ModuleFormat::Esm;
            (may_be_module && is_module()).then_some(target)
        });
        targets.collect()
    }
}
