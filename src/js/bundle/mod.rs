//! An entry and the modules that it asks for become one file, with rolldown. In: an entry, the graph, and
//! what stays outside. Out: the file, and what went into it. Never resolves by itself: where a request
//! leads is the graph's word, so that a bundle and a trace agree.

mod remembered;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use borsh::{BorshDeserialize, BorshSerialize};
use fnzip_bundle::{
    Code as Kind, Content, Dialect, Failure, Format, Host, Resolved, Source, bundle as rolldown, original_place,
};

use self::remembered::{Listening, expected};
use super::compile::{needs_compiler, refused, relative};
use super::graph::{Edge, Graph, Module, Targets};
use super::package::package_name;
use super::parse::{CODE_EXTENSIONS, is_typescript};
use super::resolve::Unresolved;
use super::scan::{Form, Request};
use super::trace::{Inlined, TraceOptions, targets};
use super::transpile::{self, Options, Target, transpile, transpile_once};
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::function::NodeVersion;
use crate::path::{AbsPath, as_url};
use crate::plan::ModuleFormat;

/// What goes into a bundle, and what comes out of it.
#[derive(Debug, Clone)]
pub struct BundleOptions {
    /// The format of what comes out.
    pub format: ModuleFormat,
    /// Who runs it.
    pub node: NodeVersion,
    /// What is left out altogether.
    pub trace: TraceOptions,
    /// Where files beside the bundle stand of which any has moved, by as what they are loaded.
    pub moved: BTreeMap<(AbsPath, ModuleFormat), AbsPath>,
    /// Packages that go into the bundle: none of them, or all but those with these roots.
    pub packages: Packages,
    /// Source maps are made.
    pub source_maps: bool,
    /// Paths in source maps begin here.
    pub base: AbsPath,
}

/// Which packages go into a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packages {
    /// None that Node can load.
    Beside,
    /// All but those in these directories.
    Inside {
        /// Roots of packages.
        except: BTreeSet<AbsPath>,
    },
}

/// A bundle.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Bundled {
    /// The code.
    pub code: String,
    /// The source map, if it was asked for.
    pub map: Option<String>,
    /// What went into it.
    pub inlined: Inlined,
    /// How many bytes of it each module is, before it is finished.
    pub sizes: BTreeMap<AbsPath, usize>,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Bundles `entry`, a real path, into a file of this `name` in the entry's directory.
///
/// # Errors
/// Everything that is wrong with its modules.
pub fn bundle(
    graph: &Arc<Graph>,
    entry: &AbsPath,
    name: &str,
    options: &BundleOptions,
) -> Result<Bundled, Vec<Diagnostic>> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let asked = fnzip_bundle::Options {
        entry: entry.to_path_buf(),
        name: stem.to_owned(),
        extension: extension.to_owned(),
        working_directory: options.base.to_path_buf(),
        format: if options.format == ModuleFormat::Esm { Format::Esm } else { Format::Cjs },
        source_maps: options.source_maps,
        splitting: false,
        commonjs_names: vec!["handler".to_owned()],
    };
    let files =
        Files { graph: graph.clone(), entry: entry.clone(), options: options.clone(), refused: Mutex::default() };
    let files = Arc::new(files);
    let listening = Arc::new(Listening::new(files.clone(), expected(&files, name)));
    let known = listening.key().and_then(|key| graph.store().recall(key));
    if let Some(bundled) = known.and_then(|known| borsh::from_slice(&known).ok()) {
        return Ok(bundled);
    }
    let said = |failures: Vec<Failure>, severity: Severity| {
        failures.into_iter().flat_map(|failure| files.in_our_words(failure, severity)).collect::<Vec<Diagnostic>>()
    };
    let found = rolldown(&asked, listening.clone()).map_err(|failures| said(failures, Severity::Error))?;
    let paths = |paths: Vec<PathBuf>| paths.into_iter().map(AbsPath::of).collect();
    let sizes: BTreeMap<AbsPath, usize> =
        found.modules.into_iter().map(|(path, size)| (AbsPath::of(path), size)).collect();
    let inlined = Inlined { modules: sizes.keys().cloned().collect(), inputs: paths(found.inputs) };
    let output = found.files.into_iter().find(|file| file.is_entry);
    let (code, map) = output.map(|file| (file.code, file.map)).unwrap_or_default();
    let bundled = Bundled { code, map, inlined, sizes, diagnostics: said(found.warnings, Severity::Warning) };
    if let (Some(key), Ok(bytes)) = (listening.key(), borsh::to_vec(&bundled)) {
        graph.store().remember(key, &bytes);
    }
    Ok(bundled)
}

/// The graph, as rolldown wants its modules.
struct Files {
    graph: Arc<Graph>,
    entry: AbsPath,
    options: BundleOptions,
    /// What is wrong with files that could not be loaded.
    refused: Mutex<Vec<Diagnostic>>,
}

impl Host for Files {
    fn resolve(&self, specifier: &str, importer: &Path, kind: fnzip_bundle::Kind) -> Resolved {
        let importer = AbsPath::of(importer);
        let form = match kind {
            fnzip_bundle::Kind::Import => Form::Import,
            fnzip_bundle::Kind::Require => Form::Require,
            fnzip_bundle::Kind::DynamicImport => Form::DynamicImport,
        };
        let request = self.graph.request(&importer, specifier, form);
        if self.options.trace.leaves_out(&request).is_some() {
            return Resolved::External(specifier.to_owned());
        }
        // What goes into the bundle is what Node would import; what stays outside is what it would require.
        if self.wants_what_is_imported(&importer)
            && let Ok(imported) = self.graph.targets_of(&importer, &request)
            && let Some(target) = imported.modules.first().filter(|real| self.is_inside(&real.path, form))
        {
            return Resolved::File(target.path.to_path_buf());
        }
        let targets = match self.targets(&importer, &request) {
            Ok(targets) => targets,
            Err(Unresolved::Builtin | Unresolved::Url) => return Resolved::External(specifier.to_owned()),
            Err(_) => return Resolved::Missing,
        };
        let Some(target) = targets.modules.first().map(|real| &real.path) else { return Resolved::Missing };
        if self.is_inside(target, form) {
            return Resolved::File(target.to_path_buf());
        }
        Resolved::External(self.as_the_bundle_says(specifier, target, form))
    }

    fn load(&self, path: &Path) -> Result<Source, String> {
        let path = AbsPath::of(path);
        let bytes = self.graph.store().read(&path).map_err(|error| error.reason())?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        let content = match path.extension() {
            "json" => Content::Json(text()),
            "wasm" => Content::Wasm(bytes.to_vec()),
            extension if CODE_EXTENSIONS.contains(&extension) || extension.is_empty() => {
                self.code(&path, &text(), self.options.source_maps)?
            }
            _ => Content::Text(text()),
        };
        Ok(Source { content, side_effects: self.side_effects(&path) })
    }
}

impl Files {
    /// Does the module at a real path become a part of the bundle?
    fn is_inside(&self, target: &AbsPath, form: Form) -> bool {
        if target.extension() == "node" {
            return false;
        }
        let Some(root) = super::assets::package_root(target) else { return true };
        match &self.options.packages {
            Packages::Inside { except } => !except.contains(&root),
            Packages::Beside => {
                let needs_require = match form {
                    Form::Import => self.options.format == ModuleFormat::Cjs,
                    form => form == Form::Require,
                };
                let is_module = || self.graph.format(target) == ModuleFormat::Esm;
                needs_require && self.options.node < NodeVersion::REQUIRES_MODULES && is_module()
            }
        }
    }

    /// Packages stay beside a bundle where they can, and what is compiled requires them anyway. Only a module
    /// by name knows no other `default` than that of what it imports.
    fn wants_what_is_imported(&self, importer: &AbsPath) -> bool {
        matches!(self.options.packages, Packages::Inside { .. }) || self.graph.is_called_module(importer)
    }

    /// Where a request leads, asked by the bundle.
    fn targets(&self, importer: &AbsPath, request: &Request) -> Result<Targets, Unresolved> {
        let outcome = self.graph.targets_of(importer, request);
        let edge = Edge { request: request.clone(), outcome, span: None };
        targets(&self.graph, importer, self.options.format, &edge).into_owned()
    }

    /// The specifier by which the bundle asks for a file: what was written, if that leads there from where the
    /// bundle stands.
    fn as_the_bundle_says(&self, specifier: &str, target: &AbsPath, form: Form) -> String {
        let is_required = self.options.format == ModuleFormat::Cjs && form == Form::Import;
        let request = Request::plain(specifier, if is_required { Form::Require } else { form });
        let leads_there = package_name(specifier).is_some()
            && self.graph.targets_of(&self.entry, &request).is_ok_and(|targets| {
                !targets.mapped && targets.modules.first().is_some_and(|first| first.path == *target)
            });
        let by_url = form == Form::DynamicImport || form == Form::Import && self.options.format == ModuleFormat::Esm;
        let at = self.place_of(target, is_required || form == Form::Require);
        let path = relative(&self.entry, at);
        match (leads_there && at == target, by_url) {
            (true, _) => specifier.to_owned(),
            (false, true) => as_url(&path),
            (false, false) => path,
        }
    }

    fn code(&self, path: &AbsPath, text: &str, source_maps: bool) -> Result<Content, String> {
        let module = self.graph.module(path);
        // `export =` is CommonJS, and nothing else can say it.
        let is_commonjs = is_typescript(path.extension()) && has_export_assignment(text);
        let dialect = match path.extension() {
            _ if is_commonjs => Dialect::CommonJs,
            "cjs" | "cts" => Dialect::CommonJs,
            // Of a module that was made CommonJS, Node would give all for its default.
            _ if self.graph.is_called_module(path) && !self.imports_moved(&module) => Dialect::NodeEsm,
            _ if module.analysis.is_esm => Dialect::CompiledEsm,
            _ => Dialect::CommonJs,
        };
        let anchor = (*path != self.entry && looks_around(text, &module)).then(|| relative(&self.entry, path));
        let computed = self.graph.computed(path, &module, &|_, _| true);
        if !needs_compiler(path) && anchor.is_none() && computed.is_empty() {
            return Ok(Content::JavaScript { text: text.to_owned(), dialect, map: None });
        }
        let options = Options {
            module: if is_commonjs { transpile::Module::CommonJs } else { transpile::Module::Keep },
            source_map: source_maps.then(|| path.name().to_owned()),
            is_bundled: true,
            anchor,
            computed,
            ..self.graph.transpile_options(path, self.options.node)
        };
        let lead = |specifier: &str, form: Form| self.lead(path, specifier, form);
        match transpile_once(text, path.extension(), &options, &lead, self.graph.store()) {
            Ok(transpiled) => Ok(Content::JavaScript { text: transpiled.code, dialect, map: transpiled.map }),
            Err(said) => {
                let reason = said.first().map_or_else(String::new, |said| said.message.clone());
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                refused.extend(said.into_iter().map(|said| said.at(path)));
                Err(reason)
            }
        }
    }

    /// Where a file beside the bundle stands, for who requires or imports it.
    fn place_of<'a>(&'a self, target: &'a AbsPath, is_required: bool) -> &'a AbsPath {
        let mut formats = [ModuleFormat::Esm, ModuleFormat::Cjs];
        if is_required {
            formats.reverse();
        }
        let places = formats.iter().find_map(|format| self.options.moved.get(&(target.clone(), *format)));
        places.unwrap_or(target)
    }

    /// Does a bundle of CommonJS import a file beside it that was an ES module?
    fn imports_moved(&self, module: &Module) -> bool {
        let is_moved = |edge: &Edge| {
            let target = edge.outcome.as_ref().ok().and_then(|targets| targets.modules.first());
            edge.request.form == Form::Import
                && target.is_some_and(|real| self.place_of(&real.path, true) != &real.path)
        };
        self.options.format == ModuleFormat::Cjs && module.edges.iter().any(is_moved)
    }

    /// What a module of the user's exports that is nothing at run time: rolldown would look for it.
    fn lead(&self, importer: &AbsPath, specifier: &str, form: Form) -> Option<Target> {
        if self.graph.is_missing(importer, specifier) {
            return Some(Target::missing(specifier));
        }
        let request = self.graph.request(importer, specifier, form);
        let targets = self.graph.targets_of(importer, &request).ok()?;
        let path = &targets.modules.first().filter(|real| is_typescript(real.path.extension()))?.path;
        let types = self.graph.exported_types(path);
        Some(Target { specifier: specifier.to_owned(), format: transpile::Format::EsModule, types, is_missing: false })
    }

    /// What the file's package.json says of its side effects.
    fn side_effects(&self, path: &AbsPath) -> Option<bool> {
        let directory = path.parent()?;
        let package = self.graph.store().nearest_package_json(&directory, self.graph.top())?;
        let said = self.graph.package(&package);
        said.as_ref().as_ref().ok()?.side_effects.of(&path.relative_to(&package.parent()?))
    }
}

/// `export = …`, where a statement may begin.
fn has_export_assignment(text: &str) -> bool {
    text.match_indices("export").any(|(at, word)| {
        let begins = text[..at].trim_end_matches([' ', '\t']).ends_with(['\n', '\r', ';', '}', '/']) || at == 0;
        let value = text[at + word.len()..].trim_start().strip_prefix('=');
        begins && value.is_some_and(|value| !value.starts_with(['=', '>']))
    })
}

/// May a module ask where it stands, or for what only the run tells?
fn looks_around(text: &str, module: &Module) -> bool {
    ["__dirname", "__filename", "import.meta"].iter().any(|word| text.contains(word)) || asks_around(module)
}

fn asks_around(module: &Module) -> bool {
    let asks = |edge: &Edge| edge.request.form == Form::RequireResolve || !edge.request.is_literal;
    !module.named.is_empty() || !module.doubts.is_empty() || module.edges.iter().any(asks)
}

impl Files {
    fn in_our_words(&self, failure: Failure, severity: Severity) -> Vec<Diagnostic> {
        let code = match failure.code {
            Kind::Syntax | Kind::SloppyMode | Kind::Assignment => Code::Syntax,
            Kind::Load => Code::Unreadable,
            _ => Code::ModuleFormat,
        };
        let said = Diagnostic::new(severity, code, failure.message);
        let Some(file) = failure.file.map(AbsPath::of) else { return vec![said] };
        let known = match failure.code {
            Kind::Load => self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Kind::TopLevelAwait => self.refused_by_commonjs(&file),
            _ => Vec::new(),
        };
        let known: Vec<Diagnostic> = known.into_iter().filter(|said| said.path.as_ref() == Some(&file)).collect();
        if !known.is_empty() {
            return known;
        }
        let place = failure.line.map(|line| (line, failure.column.unwrap_or(1)));
        let span = place.and_then(|place| self.place(&file, place));
        vec![Diagnostic { span, ..said.at(&file) }]
    }

    /// What CommonJS cannot express of a file, with its places, which rolldown does not tell.
    fn refused_by_commonjs(&self, file: &AbsPath) -> Vec<Diagnostic> {
        let Ok(bytes) = self.graph.store().read(file) else { return Vec::new() };
        let options = self.graph.transpile_options(file, self.options.node);
        let options = Options { module: transpile::Module::CommonJs, ..options };
        let said = transpile(&String::from_utf8_lossy(&bytes), file.extension(), &options, &|_, _| None).err();
        said.into_iter().flatten().map(|said| refused(said, file)).collect()
    }

    /// A place of the code that rolldown was given, in the source.
    fn place(&self, file: &AbsPath, (line, column): (u32, u32)) -> Option<Span> {
        let bytes = self.graph.store().read(file).ok()?;
        let source = String::from_utf8_lossy(&bytes);
        let (line, column) = match self.code(file, &source, true) {
            Ok(Content::JavaScript { map: Some(map), .. }) => original_place(&map, line, column)?,
            _ => (line, column),
        };
        Some(Span::at_line(&source, line as usize, column as usize))
    }
}
