//! Traced files that cannot run as they are: TypeScript and JSX, ES modules that CommonJS loads where Node
//! cannot, and those of the user's that take `require` or `__dirname` for granted. In: a trace, and how its entry is loaded. Out: their JavaScript, and where each file
//! stands. Nothing is bundled: a file stays one file in its directory (spec: functions.md section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::graph::{Edge, Graph, Module};
use super::parse::{CODE_EXTENSIONS, is_typescript};
use super::scan::{Form, Request};
use super::trace::{How, Loading, Trace, targets};
use super::transpile::{
    self, Computed, Format, Interop, Options, Target, Transpiled, emitted_extension, transpile_once,
};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::NodeVersion;
use crate::path::{AbsPath, as_url};
use crate::plan::ModuleFormat;

/// For whom files are compiled.
#[derive(Debug, Clone, Copy)]
pub struct CompileOptions<'a> {
    /// How the entry is loaded.
    pub format: ModuleFormat,
    /// Who runs it.
    pub node: NodeVersion,
    /// Source maps are made, and name their sources from here.
    pub maps_from: Option<&'a AbsPath>,
}

/// What stands in the place of traced files.
#[derive(Debug)]
pub struct Compiled {
    /// What was made, by where it stands.
    pub made: BTreeMap<AbsPath, Arc<[u8]>>,
    /// The files of which something was made.
    pub sources: BTreeSet<AbsPath>,
    /// Those of them that do not ship any more.
    pub replaced: BTreeSet<AbsPath>,
    /// Where files stand of which any has moved, by as what they are loaded.
    pub moved: BTreeMap<(AbsPath, ModuleFormat), AbsPath>,
    /// Where the entry stands.
    pub entry: Option<AbsPath>,
    /// What cannot be compiled.
    pub diagnostics: Vec<Diagnostic>,
}

/// What runs of a file.
struct Output {
    at: AbsPath,
    format: Format,
    is_made: bool,
}

/// Compiles what has to be of the files of a trace from `entry`, a real path, if it ships as a file.
pub fn compile(graph: &Graph, traced: &Trace, entry: Option<&AbsPath>, options: CompileOptions<'_>) -> Compiled {
    let mut work = Work { graph, traced, options, outputs: BTreeMap::new(), taken: BTreeSet::new() };
    let loaded = traced.loaded.iter().flat_map(|(path, formats)| formats.iter().map(move |format| (path, format)));
    for (path, format) in loaded.filter(|(path, _)| is_code(path) && traced.files.contains_key(*path)) {
        let output = work.output(path, &graph.module(path), format);
        work.outputs.insert((path.clone(), format), output);
    }
    work.finish(entry)
}

fn is_code(path: &AbsPath) -> bool {
    CODE_EXTENSIONS.contains(&path.extension())
}

/// Is it a file of the user's that Node does not take?
pub(super) fn needs_compiler(path: &AbsPath) -> bool {
    !path.in_node_modules() && (is_typescript(path.extension()) || path.extension() == "jsx")
}

/// Does it use what CommonJS has and an ES module lacks? Other packagers make CommonJS of such files.
fn borrows(module: &Module) -> bool {
    ["require", "__dirname", "__filename"].iter().any(|name| module.analysis.borrowed.contains(*name))
}

struct Work<'a> {
    graph: &'a Graph,
    traced: &'a Trace,
    options: CompileOptions<'a>,
    /// By the file, and as what it is loaded: a few are loaded as both.
    outputs: BTreeMap<(AbsPath, ModuleFormat), Output>,
    /// Where something is made.
    taken: BTreeSet<AbsPath>,
}

impl Work<'_> {
    /// The file that a request of a file loads, how that is, and whether it is named otherwise than Node does.
    fn target(&self, importer: &AbsPath, format: ModuleFormat, edge: &Edge) -> Option<(AbsPath, ModuleFormat, bool)> {
        let outcome = targets(self.graph, importer, format, edge);
        let found = outcome.as_ref().as_ref().ok()?;
        let path = found.modules.first().map(|real| real.path.clone())?;
        // What `require()` would refuse is asked for by its path.
        let is_refused =
            format == ModuleFormat::Cjs && edge.request.form == Form::Import && self.is_refused(importer, edge, &path);
        let is_ours = found.mapped || found.lenient || is_refused;
        let loading = Loading { format: self.options.format, by_require: false, node: self.options.node };
        let loaded = loading.format_of(self.graph, format, edge.request.form, found, &path);
        self.traced.files.contains_key(&path).then_some((path, loaded, is_ours))
    }

    fn is_refused(&self, importer: &AbsPath, edge: &Edge, target: &AbsPath) -> bool {
        let required = Request { form: Form::Require, ..edge.request.clone() };
        let found = self.graph.targets_of(importer, &required);
        !found.is_ok_and(|found| found.modules.first().is_some_and(|first| first.path == *target))
    }

    fn output(&mut self, path: &AbsPath, module: &Module, format: ModuleFormat) -> Output {
        let is_esm = module.analysis.is_esm;
        let is_lowered = format == ModuleFormat::Cjs && (is_esm || self.graph.format(path) == ModuleFormat::Esm);
        let is_provided = format == ModuleFormat::Esm && !path.in_node_modules() && borrows(module);
        let is_made = module.failure.is_none() && (needs_compiler(path) || is_lowered || is_provided);
        let format = match format {
            ModuleFormat::Esm => Format::EsModule,
            ModuleFormat::Cjs if is_made && is_esm => Format::Lowered,
            ModuleFormat::Cjs => Format::CommonJs,
        };
        let at = if is_made { self.place(path, module, format) } else { path.clone() };
        Output { at, format, is_made }
    }

    /// A name by which Node takes the file for what it is, and that nothing else has.
    fn place(&mut self, path: &AbsPath, module: &Module, format: Format) -> AbsPath {
        let is_module = format == Format::EsModule;
        let kind = if is_module { transpile::Module::EsModule } else { transpile::Module::CommonJs };
        let extension = match emitted_extension(path.extension(), kind) {
            "js" if is_module != module.is_called_module() => {
                if is_module {
                    "mjs"
                } else {
                    "cjs"
                }
            }
            extension => extension,
        };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let directory = path.parent().unwrap_or_else(|| path.clone());
        let names = (0_u32..).map(|number| match number {
            0 => format!("{stem}.{extension}"),
            number => format!("{stem}-{number}.{extension}"),
        });
        let is_free = |at: &AbsPath| at == path || !(self.traced.files.contains_key(at) || self.taken.contains(at));
        let at = names.map(|name| directory.child(name)).find(is_free).unwrap_or_else(|| path.clone());
        self.taken.insert(at.clone());
        at
    }

    fn finish(self, entry: Option<&AbsPath>) -> Compiled {
        let output = entry.and_then(|entry| self.outputs.get(&(entry.clone(), self.options.format)));
        let mut compiled = Compiled {
            made: BTreeMap::new(),
            sources: BTreeSet::new(),
            replaced: BTreeSet::new(),
            moved: BTreeMap::new(),
            entry: output.map(|output| output.at.clone()),
            diagnostics: Vec::new(),
        };
        for ((path, format), output) in &self.outputs {
            let module = self.graph.module(path);
            if self.has_moved(path) {
                compiled.moved.insert((path.clone(), *format), output.at.clone());
            }
            if !output.is_made && !self.asks_for_moved(path, *format, &module) {
                continue;
            }
            match self.transpiled(path, *format, output, &module) {
                Ok(transpiled) => {
                    let said = transpiled.warnings.iter().cloned().map(|said| said.at(path));
                    compiled.diagnostics.extend(said);
                    compiled.add(&output.at, transpiled);
                    compiled.sources.insert(path.clone());
                }
                Err(said) => compiled.diagnostics.extend(said.into_iter().map(|said| refused(said, path))),
            }
        }
        let is_asset = |path: &AbsPath| {
            let file = self.traced.files.get(path);
            file.is_some_and(|file| file.reasons.iter().any(|reason| reason.how == How::Asset))
        };
        let ships = |path: &AbsPath| {
            let outputs =
                [ModuleFormat::Cjs, ModuleFormat::Esm].map(|format| self.outputs.get(&(path.clone(), format)));
            outputs.into_iter().flatten().any(|output| output.at == *path) || is_asset(path)
        };
        compiled.replaced = compiled.sources.iter().filter(|path| !ships(path)).cloned().collect();
        compiled
    }

    fn has_moved(&self, path: &AbsPath) -> bool {
        let formats = [ModuleFormat::Cjs, ModuleFormat::Esm];
        let mut outputs = formats.iter().filter_map(|format| self.outputs.get(&(path.clone(), *format)));
        outputs.any(|output| output.at != *path)
    }

    /// What computed requests of a file may ask for that has moved.
    fn computed(&self, path: &AbsPath, module: &Module) -> Computed {
        self.graph.computed(path, module, &|target, form| {
            let formats = [ModuleFormat::Cjs, ModuleFormat::Esm];
            let mut outputs = formats.iter().filter_map(|format| self.outputs.get(&(target.clone(), *format)));
            let is_import = form == Form::DynamicImport;
            outputs.any(|output| output.at != *target || is_import && output.format == Format::Lowered)
        })
    }

    /// Does a file that could stay as it is name one that has moved, by a name that no longer leads there?
    fn asks_for_moved(&self, path: &AbsPath, format: ModuleFormat, module: &Module) -> bool {
        let is_moved = |edge: &Edge| {
            let Some((target, loaded, _)) = self.target(path, format, edge) else { return false };
            let output = self.outputs.get(&(target.clone(), loaded));
            output.is_some_and(|output| output.at != target && !self.is_searched(path, format, edge))
        };
        let computes = || !path.in_node_modules() && !self.computed(path, module).is_empty();
        !self.taken.is_empty() && (computes() || module.edges.iter().any(is_moved))
    }

    /// Does `require()` find what stands in the target's place now, by the name that is there?
    fn is_searched(&self, importer: &AbsPath, format: ModuleFormat, edge: &Edge) -> bool {
        let Some((target, loaded, _)) = self.target(importer, format, edge) else { return false };
        let Some(output) = self.outputs.get(&(target, loaded)) else { return false };
        let Some(named) = importer.parent().map(|directory| directory.join(&edge.request.specifier)) else {
            return false;
        };
        let found = output.at == named.join(format!("../{}.js", named.name())) || output.at == named.child("index.js");
        edge.request.specifier.starts_with('.') && edge.request.form == Form::Require && found
    }

    /// What a request has to say, and what it loads.
    fn lead(&self, importer: &AbsPath, format_of_importer: ModuleFormat, edge: &Edge) -> Option<Target> {
        let (path, loaded, is_ours) = self.target(importer, format_of_importer, edge)?;
        let output = self.outputs.get(&(path.clone(), loaded));
        let (at, format) = output.map_or((&path, Format::CommonJs), |output| (&output.at, output.format));
        let is_as_before = *at == path && !is_ours || edge.request.base.is_some();
        let by_url = edge.request.form.is_import()
            && (format_of_importer == ModuleFormat::Esm || edge.request.form != Form::Import);
        let named = || if by_url { as_url(&relative(importer, at)) } else { relative(importer, at) };
        let specifier = if is_as_before { edge.request.specifier.clone() } else { named() };
        Some(Target { specifier, format, types: self.graph.exported_types(&path), is_missing: false })
    }

    fn transpiled(
        &self,
        path: &AbsPath,
        format: ModuleFormat,
        output: &Output,
        module: &Module,
    ) -> Result<Transpiled, Vec<Diagnostic>> {
        let bytes = self.graph.store().read(path).map_err(|error| {
            vec![Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason()))]
        })?;
        let kind = match (output.is_made, output.format) {
            (false, _) => transpile::Module::Keep,
            (true, Format::EsModule) => transpile::Module::EsModule,
            (true, _) => transpile::Module::CommonJs,
        };
        let name = self.options.maps_from.map(|base| path.relative_to(base));
        let mut options = Options {
            module: kind,
            source_map: name,
            computed: self.computed(path, module),
            ..self.graph.transpile_options(path, self.options.node)
        };
        if self.graph.is_called_module(path) {
            options.interop = Interop::Node;
        }
        let lead = |specifier: &str, form: Form| {
            let same = |edge: &&Edge| edge.request.specifier == specifier;
            let exact = module.edges.iter().find(|edge| same(edge) && edge.request.form == form);
            match exact.or_else(|| module.edges.iter().find(same)) {
                Some(edge) => self.lead(path, format, edge),
                None if form == Form::Import => {
                    self.graph.is_missing(path, specifier).then(|| Target::missing(specifier))
                }
                // Only a computed request asks for it.
                None if matches!(form, Form::DynamicImport | Form::Require) => {
                    let request = Request::plain(specifier, form);
                    let outcome = self.graph.targets_of(path, &request);
                    self.lead(path, format, &Edge { request, outcome, span: None })
                }
                None => None,
            }
        };
        let source = String::from_utf8_lossy(&bytes);
        transpile_once(&source, path.extension(), &options, &lead, self.graph.store())
    }
}

/// What the transpiler says of a file, at its place; of a package it is not the code that can be changed.
pub(super) fn refused(said: Diagnostic, path: &AbsPath) -> Diagnostic {
    let said = said.at(path);
    if path.in_node_modules() && said.severity == Severity::Error {
        said.hint(transpile::WAITING_PACKAGE)
    } else {
        said
    }
}

impl Compiled {
    fn add(&mut self, at: &AbsPath, transpiled: Transpiled) {
        let mut code = transpiled.code;
        if let Some(map) = transpiled.map {
            let name = format!("{}.map", at.name());
            code += &format!("//# sourceMappingURL={name}\n");
            self.made.insert(at.join("..").child(&name), map.into_bytes().into());
        }
        self.made.insert(at.clone(), code.into_bytes().into());
    }
}

/// The specifier by which a file names another.
pub(super) fn relative(importer: &AbsPath, target: &AbsPath) -> String {
    let directory = importer.parent().unwrap_or_else(|| importer.clone());
    let path = target.relative_to(&directory);
    if path.starts_with("../") { path } else { format!("./{path}") }
}
