//! From a main file to the files that it needs. In: entry points, the graph, and what to leave out.
//! Out: a [`Trace`]: every file with its reasons, and what could not be resolved. The rules are
//! those of the specification's tracing page, sections 1, 2 and 8. Never writes.

mod beside;
mod binaries;
mod lenient;
mod loading;
mod missing;
mod unasked;
mod waiting;
mod whole;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

pub use self::beside::{Inlined, trace_beside};
use self::binaries::Misfitting;
pub use self::loading::{Formats, Loading, targets};
use super::binary::{Misfit, is_binary};
use super::graph::{self, Edge, Failure, Graph, Module};
use super::package::package_name;
use super::parse::CODE_EXTENSIONS;
use super::resolve::Unresolved;
use super::scan::{Form, Request};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::glob::GlobList;
use crate::path::AbsPath;
use crate::plan::ModuleFormat;
use crate::store::Real;

/// What a trace leaves out, and how strict it is.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// Files outside are dropped, with a note. `None` keeps whatever is reached.
    pub base: Option<AbsPath>,
    /// Paths in messages, and those that `ignore` is matched against, are relative to this.
    pub shown_from: AbsPath,
    /// Files that are neither listed nor looked into; never the entry itself.
    pub ignore: GlobList,
    /// How many requests to follow from the entry, one after another.
    pub depth: Option<usize>,
    /// The major version of the Node runtime whose own packages are left out.
    pub runtime: Option<u32>,
    /// Packages that are left out because the user says so.
    pub ignored_packages: BTreeSet<String>,
    /// In the user's own code a missing module is an error wherever it stands outside `try`.
    pub strict_own_code: bool,
    /// Follow what has to be worked out, too, and not only literal requests.
    pub analysis: bool,
    /// Binaries that the target cannot load are a warning.
    pub allow_foreign: bool,
    /// A package that asks for what could not be told ships whole.
    pub whole_packages: bool,
    /// As what the entry is loaded; without it, every file is what Node takes it for.
    pub loading: Option<Loading>,
}

impl TraceOptions {
    /// Everything that is reached, with paths shown relative to `shown_from`.
    pub fn all(shown_from: AbsPath) -> Self {
        Self {
            base: None,
            shown_from,
            ignore: GlobList::default(),
            depth: None,
            runtime: None,
            ignored_packages: BTreeSet::new(),
            strict_own_code: false,
            analysis: true,
            allow_foreign: false,
            whole_packages: false,
            loading: None,
        }
    }
}

/// The files that an entry point needs.
#[derive(Debug, Default)]
pub struct Trace {
    /// Packages of build plugins that functions see as theirs, and where they are.
    pub mounts: BTreeMap<String, AbsPath>,
    /// By real path, and links by the path where they stand.
    pub files: BTreeMap<AbsPath, TracedFile>,
    /// As what each module is loaded: a few as both.
    pub loaded: BTreeMap<AbsPath, Formats>,
    /// What could not be resolved or read, and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// One file of a trace.
#[derive(Debug, Default)]
pub struct TracedFile {
    /// Who brought it in, and how, as it was found; never empty, and may be said more than once.
    pub reasons: Vec<Reason>,
}

/// Why a file is in a trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// How it was asked for.
    pub how: How,
    /// The file that asked; none for the entry.
    pub parent: Option<AbsPath>,
}

/// How a file came into a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is where the trace began.
    Entry,
    /// By a request of this form.
    Request(Form),
    /// A `package.json` that rules or led to the parent's modules.
    PackageJson,
    /// A link on the way to what the parent asked for.
    Link,
    /// By its path.
    Asset,
    /// By a rule of its package.
    Rule,
    /// Its package ships whole, because the parent asks for what could not be told.
    Whole,
    /// By a native addon that it may be linked with.
    SharedLibrary,
}

impl TraceOptions {
    /// How bad is a native binary that the target needs and cannot load?
    fn unloadable(&self) -> Severity {
        if self.allow_foreign { Severity::Warning } else { Severity::Error }
    }

    /// Why a request is not followed; none if it is.
    pub fn leaves_out<'s>(&self, request: &'s Request) -> Option<LeftOut<'s>> {
        if !self.analysis && !request.is_literal {
            return Some(LeftOut::Ignored);
        }
        let (name, _) = package_name(&request.specifier)?;
        if self.runtime.is_some_and(|major| provided_by_runtime(name, major)) {
            return Some(LeftOut::Provided(name));
        }
        self.ignored_packages.contains(name).then_some(LeftOut::Ignored)
    }
}

/// Why a package is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut<'a> {
    /// The runtime has this package.
    Provided(&'a str),
    /// The user says so.
    Ignored,
}

/// Does the Lambda runtime of this Node version bring the package along? (spec: tracing.md
/// section 2)
pub fn provided_by_runtime(package: &str, node_major: u32) -> bool {
    if node_major >= 18 { package.starts_with("@aws-sdk/") } else { package == "aws-sdk" }
}

/// Traces from `entries`, real paths or links to them.
pub fn trace(graph: &Graph, entries: &[AbsPath], options: &TraceOptions) -> Trace {
    let _span = tracing::info_span!("trace").entered();
    let mut walk = Walk::new(graph, options);
    let mut starts = Vec::new();
    for entry in entries {
        match graph.real(entry) {
            Ok(real) if graph.store().is_dir(&real.path) => {
                let diagnostic = Diagnostic::error(Code::Unreadable, "a directory, and not a module");
                walk.found.diagnostics.push(diagnostic.at(entry));
            }
            Ok(real) => {
                walk.list(&real, How::Entry, None);
                let format = options.loading.map_or_else(|| graph.format(&real.path), |loading| loading.format);
                walk.reach(&real.path, format, None, 0);
                starts.push(real.path);
            }
            Err(error) => {
                let diagnostic = Diagnostic::error(Code::Unreadable, error.reason()).at(entry);
                walk.found.diagnostics.push(diagnostic);
            }
        }
    }
    walk.finish(&starts)
}

struct Walk<'a> {
    graph: &'a Graph,
    options: &'a TraceOptions,
    found: Trace,
    /// What is listed, and why.
    files: FxHashMap<AbsPath, Vec<Reason>>,
    /// As what each module is loaded.
    loaded: FxHashMap<AbsPath, Formats>,
    /// The modules that were reached, and from where first.
    reached: FxHashMap<AbsPath, Option<AbsPath>>,
    /// The same of modules in a bundle.
    inlined: FxHashMap<AbsPath, Option<AbsPath>>,
    ahead: VecDeque<(AbsPath, ModuleFormat, usize)>,
    /// The requests that lead nowhere: the file, and which of its edges.
    missing: Vec<(AbsPath, usize)>,
    /// Packages left out because the runtime has them.
    provided: BTreeSet<String>,
    /// Native binaries that the target cannot load.
    misfits: Vec<Misfitting>,
    /// The roots of packages of which it is known whether they need a binary that nobody was seen to ask for.
    settled: FxHashSet<AbsPath>,
    /// The modules that look for a binary of their package where there is none.
    without_binary: BTreeSet<AbsPath>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph, options: &'a TraceOptions) -> Self {
        Self {
            graph,
            options,
            found: Trace::default(),
            files: FxHashMap::default(),
            loaded: FxHashMap::default(),
            reached: FxHashMap::default(),
            inlined: FxHashMap::default(),
            ahead: VecDeque::new(),
            missing: Vec::new(),
            provided: BTreeSet::new(),
            misfits: Vec::new(),
            settled: FxHashSet::default(),
            without_binary: BTreeSet::new(),
        }
    }

    /// Walks on from what is ahead, and tells what is missing.
    fn finish(mut self, starts: &[AbsPath]) -> Trace {
        loop {
            while let Some((path, format, depth)) = self.ahead.pop_front() {
                self.visit(&path, format, depth);
            }
            if !self.add_unasked_binaries() {
                break;
            }
        }
        self.add_whole_packages();
        self.report_missing(starts);
        self.report_waiting(starts);
        self.report_provided();
        self.report_addons(starts);
        self.report_without_binary(starts);
        self.found.diagnostics.sort();
        self.found.diagnostics.dedup();
        let files = self.files.into_iter().map(|(path, reasons)| (path, TracedFile { reasons })).collect();
        Trace { files, loaded: self.loaded.into_iter().collect(), ..self.found }
    }

    fn reach(&mut self, path: &AbsPath, format: ModuleFormat, from: Option<&AbsPath>, depth: usize) {
        if self.loaded.entry(path.clone()).or_default().insert(format) {
            self.reached.entry(path.clone()).or_insert_with(|| from.cloned());
            self.ahead.push_back((path.clone(), format, depth));
        }
    }

    fn visit(&mut self, path: &AbsPath, format: ModuleFormat, depth: usize) {
        let module = self.graph.module(path);
        self.check(path, &module);
        if let Some((package, _)) = &module.package
            && let Ok(real) = self.graph.real(package)
        {
            self.list(&real, How::PackageJson, Some(path));
        }
        if self.options.depth.is_some_and(|most| depth >= most) {
            return;
        }
        for (index, edge) in module.edges.iter().enumerate() {
            self.follow(path, format, index, edge, depth);
        }
        self.take_named(path, &module, depth, &|_, _| false);
    }

    /// Takes what a module names, but for what is elsewhere.
    fn take_named(
        &mut self,
        path: &AbsPath,
        module: &Module,
        depth: usize,
        is_elsewhere: &dyn Fn(graph::How, &Real) -> bool,
    ) {
        if !self.options.analysis {
            return;
        }
        for (how, named, _) in &module.named {
            for file in named.files.iter().filter(|file| !is_elsewhere(*how, file)) {
                self.take(path, *how, named.is_choice, file, depth);
            }
        }
        self.found.diagnostics.extend(
            module.doubts.iter().map(|doubt| {
                Diagnostic::note(Code::NotTraced, doubt.message.clone()).at(path).span(doubt.span.clone())
            }),
        );
    }

    /// Takes a file that a module names; if it may be code, what it needs comes along.
    fn take(&mut self, importer: &AbsPath, how: graph::How, is_choice: bool, file: &Real, depth: usize) {
        if is_choice && !self.graph.is_for_target(&file.path) {
            return;
        }
        let how = match how {
            graph::How::Path => How::Asset,
            graph::How::Pattern(form) => How::Request(form),
            graph::How::Rule => How::Rule,
            graph::How::Addon { guarded } => return self.take_binary(importer, guarded, false, How::Asset, file),
        };
        if is_binary(&file.path) {
            let is_foreign = matches!(self.misfit(&file.path), Some(Misfit::Foreign(_)));
            if is_choice && is_foreign {
                return;
            }
            return self.take_binary(importer, false, is_choice, how, file);
        }
        let is_code = match file.path.extension() {
            "js" | "mjs" | "cjs" | "node" | "" => true,
            extension => CODE_EXTENSIONS.contains(&extension) && !self.is_packages(&file.path),
        };
        let is_listed = self.list(file, how, Some(importer));
        if is_listed && is_code && !self.graph.store().is_dir(&file.path) {
            let format = self.named_as(how, &file.path);
            self.reach(&file.path, format, Some(importer), depth + 1);
        }
    }

    fn follow(&mut self, importer: &AbsPath, format: ModuleFormat, index: usize, edge: &Edge, depth: usize) {
        match self.options.leaves_out(&edge.request) {
            Some(LeftOut::Provided(name)) => {
                self.provided.insert(name.to_owned());
                return;
            }
            Some(LeftOut::Ignored) => return,
            None => {}
        }
        let outcome = self.targets(importer, format, edge);
        let targets = match &*outcome {
            Ok(targets) => targets,
            Err(Unresolved::Builtin | Unresolved::Url) => return,
            Err(_) => return self.missing.push((importer.clone(), index)),
        };
        if let (true, Some(target)) = (targets.lenient, targets.modules.first()) {
            self.check_leniency(importer, edge, &target.path);
        }
        if let Some(mount) = &targets.mount {
            self.found.mounts.insert(mount.name.clone(), mount.package.clone());
        }
        if !targets.fits {
            return;
        }
        for package in &targets.package_jsons {
            self.list(package, How::PackageJson, Some(importer));
        }
        for target in &targets.modules {
            if is_binary(&target.path) {
                self.take_binary(importer, edge.request.guarded, false, How::Request(edge.request.form), target);
                continue;
            }
            self.check_loadable(importer, format, edge, &target.path);
            if self.list(target, How::Request(edge.request.form), Some(importer)) {
                let format = self.loaded_as(format, edge.request.form, targets, &target.path);
                self.reach(&target.path, format, Some(importer), depth + 1);
            }
        }
    }

    /// Lists a file and the links that lead to it; false if it is left out.
    fn list(&mut self, real: &Real, how: How, parent: Option<&AbsPath>) -> bool {
        let ignore = Some(&self.options.ignore).filter(|ignore| how != How::Entry && !ignore.is_empty());
        if ignore.is_some_and(|ignore| ignore.matches(&real.path.relative_to(&self.options.shown_from))) {
            return false;
        }
        if self.is_outside(&real.path) {
            if !self.reached.contains_key(&real.path) {
                self.reached.insert(real.path.clone(), parent.cloned());
                let note = Diagnostic::note(Code::OutsideBase, "left out: it is outside the base directory");
                self.found.diagnostics.push(note.at(&real.path));
            }
            return false;
        }
        for link in real.links.iter().filter(|link| !self.is_outside(link)).cloned().collect::<Vec<_>>() {
            self.bring(link, How::Link, parent);
        }
        // A link to a directory is listed by itself: what is in it has entries of its own.
        if real.links.is_empty() || !self.graph.store().is_dir(&real.path) {
            self.bring(real.path.clone(), how, parent);
        }
        true
    }

    fn bring(&mut self, file: AbsPath, how: How, parent: Option<&AbsPath>) {
        let reasons = self.files.entry(file).or_default();
        // What a module asks for often comes from one package.
        if reasons.last().is_none_or(|last| last.how != how || last.parent.as_ref() != parent) {
            reasons.push(Reason { how, parent: parent.cloned() });
        }
    }

    /// Is it a package's file, and not the user's own? Where the checkout itself is does not matter.
    fn is_packages(&self, path: &AbsPath) -> bool {
        path.in_node_modules()
            && path.relative_to(&self.options.shown_from).split('/').any(|part| part == "node_modules")
    }

    fn is_outside(&self, path: &AbsPath) -> bool {
        self.options.base.as_ref().is_some_and(|base| !path.starts_with(base))
    }

    /// Says what is wrong with the module itself.
    fn check(&mut self, path: &AbsPath, module: &Module) {
        let severity = if self.is_packages(path) { Severity::Warning } else { Severity::Error };
        match &module.failure {
            // Without an extension it need not be code at all.
            Some(Failure::Syntax(_)) if !CODE_EXTENSIONS.contains(&path.extension()) => {}
            Some(Failure::Syntax(error)) => {
                let diagnostic = Diagnostic::new(severity, Code::Syntax, error.message.clone());
                self.found.diagnostics.push(diagnostic.at(path).span(error.span.clone()));
            }
            Some(Failure::File(error)) => {
                let diagnostic = Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason()));
                self.found.diagnostics.push(diagnostic.at(path));
            }
            None => {}
        }
        if let Some(refusal) = &module.tsconfig_failure {
            let bytes = self.graph.store().read(&refusal.path).unwrap_or_default();
            let span = refusal.span(&String::from_utf8_lossy(&bytes));
            let said = Diagnostic::warning(Code::Configuration, refusal.why.clone()).at(&refusal.path);
            self.found.diagnostics.push(Diagnostic { span, ..said });
        }
        if let Some((package, said)) = &module.package
            && let Err(error) = &**said
        {
            let severity = if self.is_packages(package) { Severity::Warning } else { Severity::Error };
            let diagnostic = Diagnostic::new(severity, Code::Syntax, format!("not valid JSON: {}", error.message));
            let diagnostic = diagnostic.at(package).span(error.span.clone());
            self.found.diagnostics.push(diagnostic);
        }
    }

    fn report_provided(&mut self) {
        for package in &self.provided {
            let message = format!("`{package}` is left out: the Lambda runtime provides it");
            self.found.diagnostics.push(Diagnostic::note(Code::ProvidedByRuntime, message));
        }
    }

    /// The modules to which requests lead that are all of this kind.
    fn reached_by(&self, starts: &[AbsPath], kind: impl Fn(&Request) -> bool) -> FxHashSet<AbsPath> {
        let mut reached: FxHashSet<AbsPath> = starts.iter().cloned().collect();
        let mut ahead = starts.to_vec();
        while let Some(path) = ahead.pop() {
            let module = self.graph.module(&path);
            // Edges lead elsewhere from what is loaded as CommonJS.
            let format = self.loaded.get(&path).and_then(|formats| formats.iter().next());
            let format = format.or(self.options.loading.map(|loading| loading.format)).unwrap_or(ModuleFormat::Esm);
            for edge in module.edges.iter().filter(|edge| kind(&edge.request)) {
                if let Ok(targets) = &*self.targets(&path, format, edge)
                    && let Some(target) = targets.modules.first()
                    && (self.files.contains_key(&target.path) || self.inlined.contains_key(&target.path))
                    && reached.insert(target.path.clone())
                {
                    ahead.push(target.path.clone());
                }
            }
        }
        reached
    }

    /// The way from the entry to the request, by the fewest steps.
    fn chain(&self, importer: &AbsPath, specifier: &str) -> Vec<String> {
        let mut chain = self.chain_to(importer);
        chain.push(specifier.to_owned());
        chain
    }

    /// The way from the entry to a module.
    fn chain_to(&self, path: &AbsPath) -> Vec<String> {
        let steps = std::iter::successors(Some(path), |path| {
            self.reached.get(*path).or_else(|| self.inlined.get(*path))?.as_ref()
        });
        let mut chain: Vec<String> = steps.map(|path| path.relative_to(&self.options.shown_from)).collect();
        chain.reverse();
        chain
    }
}
