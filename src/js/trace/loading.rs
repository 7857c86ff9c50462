//! As what the files of a trace are loaded. In: how the entry is loaded, and by which Node. Out: for each
//! request, where it leads and what the target is to who asks: an `import` of a file that becomes
//! CommonJS is a `require()`; and what is wrong with what no loader takes. Without a loader every file is what Node takes it for.

use std::borrow::Cow;

use super::{How, Walk};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::NodeVersion;
use crate::js::graph::{Edge, Graph, Targets};
use crate::js::package::package_name;
use crate::js::parse::CODE_EXTENSIONS;
use crate::js::resolve::Unresolved;
use crate::js::scan::{Form, Request};
use crate::path::AbsPath;
use crate::plan::ModuleFormat;

/// As what a module is loaded: a few are as both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Formats {
    cjs: bool,
    esm: bool,
}

impl Formats {
    /// False if it was there already.
    pub(super) fn insert(&mut self, format: ModuleFormat) -> bool {
        let is_there = if format == ModuleFormat::Cjs { &mut self.cjs } else { &mut self.esm };
        !std::mem::replace(is_there, true)
    }

    /// Is it loaded as this?
    pub fn contains(self, format: ModuleFormat) -> bool {
        if format == ModuleFormat::Cjs { self.cjs } else { self.esm }
    }

    /// CommonJS first.
    pub fn iter(self) -> impl Iterator<Item = ModuleFormat> {
        [ModuleFormat::Cjs, ModuleFormat::Esm].into_iter().filter(move |format| self.contains(*format))
    }
}

/// Who loads the entry of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loading {
    /// As what.
    pub format: ModuleFormat,
    /// By `require()`, be it an ES module.
    pub by_require: bool,
    /// The version of Node.
    pub node: NodeVersion,
}

impl Loading {
    /// As what a request of a file that is loaded as `importer` loads one of its targets.
    pub fn format_of(
        self,
        graph: &Graph,
        importer: ModuleFormat,
        form: Form,
        targets: &Targets,
        target: &AbsPath,
    ) -> ModuleFormat {
        let is_synced = targets.synced && targets.modules.first().is_some_and(|first| first.path == *target);
        let by_require = match form {
            Form::Import => importer == ModuleFormat::Cjs,
            Form::Require => true,
            Form::DynamicImport | Form::ImportResolve | Form::RequireResolve => false,
        };
        if by_require && !is_synced && self.node < NodeVersion::REQUIRES_MODULES {
            ModuleFormat::Cjs
        } else {
            graph.format(target)
        }
    }
}

/// Where a request leads from a file that is loaded as `importer`. What is imported by name is asked for as
/// `require()` asks, if there is CommonJS.
pub fn targets<'e>(
    graph: &Graph,
    path: &AbsPath,
    importer: ModuleFormat,
    edge: &'e Edge,
) -> Cow<'e, Result<Targets, Unresolved>> {
    let is_named = package_name(&edge.request.specifier).is_some() || edge.request.specifier.starts_with('#');
    if importer == ModuleFormat::Esm || edge.request.form != Form::Import || !is_named {
        return Cow::Borrowed(&edge.outcome);
    }
    let required = graph.targets_as(path, &edge.request, Form::Require);
    let first = required.as_ref().as_ref().ok().and_then(|targets| targets.modules.first());
    if first.is_some_and(|first| graph.format(&first.path) == ModuleFormat::Cjs) {
        Cow::Owned((*required).clone())
    } else {
        Cow::Borrowed(&edge.outcome)
    }
}

impl Walk<'_> {
    pub(super) fn targets<'e>(
        &self,
        path: &AbsPath,
        importer: ModuleFormat,
        edge: &'e Edge,
    ) -> Cow<'e, Result<Targets, Unresolved>> {
        match self.options.loading {
            Some(_) => targets(self.graph, path, importer, edge),
            None => Cow::Borrowed(&edge.outcome),
        }
    }

    /// What the user's modules import must be something that Node takes for a module: bundlers take more.
    pub(super) fn check_loadable(&mut self, importer: &AbsPath, format: ModuleFormat, edge: &Edge, target: &AbsPath) {
        let extension = target.extension();
        let is_module = CODE_EXTENSIONS.contains(&extension) || matches!(extension, "" | "json" | "node");
        // As CommonJS Node takes it for JavaScript.
        let is_instance = extension == "wasm" && format == ModuleFormat::Esm;
        let Request { form, guarded, eager, .. } = edge.request;
        let is_asked = matches!(form, Form::Import | Form::DynamicImport) && !importer.in_node_modules();
        if self.options.loading.is_none() || is_module || is_instance || !is_asked {
            return;
        }
        let severity = match (guarded, eager) {
            (true, _) => Severity::Note,
            (false, true) => Severity::Error,
            (false, false) => Severity::Warning,
        };
        let message = format!("Node cannot import '{}': it is no module", edge.request.specifier);
        let hint = "read it with `fs`, or have the function bundled: `node_bundler = \"esbuild\"`";
        let said = Diagnostic::new(severity, Code::ModuleFormat, message).at(importer).hint(hint);
        self.found.diagnostics.push(Diagnostic { span: self.graph.place_of(importer, target), ..said });
    }

    /// As what a file is loaded of whose path only the run knows all.
    pub(super) fn named_as(&self, how: How, target: &AbsPath) -> ModuleFormat {
        let by_require = how == How::Request(Form::Require);
        match self.options.loading {
            Some(loading) if by_require && loading.node < NodeVersion::REQUIRES_MODULES => ModuleFormat::Cjs,
            _ => self.graph.format(target),
        }
    }

    pub(super) fn loaded_as(
        &self,
        importer: ModuleFormat,
        form: Form,
        targets: &Targets,
        target: &AbsPath,
    ) -> ModuleFormat {
        match self.options.loading {
            Some(loading) => loading.format_of(self.graph, importer, form, targets, target),
            None => self.graph.format(target),
        }
    }
}
