//! Every module of a run: read, parsed, scanned and resolved once, whatever number of functions use
//! it. In: a file. Out: a [`Module`] with its edges. Never decides what a function ships.

mod compiling;
mod computed;
mod named;
mod scanned;
mod targets;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dashmap::DashMap;
use oxc_resolver::CompilerOptions;
use rustc_hash::FxBuildHasher;

use self::scanned::scanned;
use self::targets::Asked;
pub use self::targets::Targets;
use super::assets::{Named, package_root};
use super::binary::Target;
use super::config::Analysis;
use super::package::{InvalidPackage, Package};
use super::parse::{CODE_EXTENSIONS, SyntaxError};
use super::pnp::{self, Pnp};
use super::resolve::{ResolveOptions, Resolver, Unresolved};
use super::rules::Rules;
use super::scan::{Condition, Form, Request, Scan, written_for};
use super::tsconfig::Refusal;
use crate::binary::{self, Binary};
use crate::diagnostic::{Diagnostic, Span};
use crate::path::AbsPath;
use crate::plan::ModuleFormat;
use crate::store::{FileError, Real, Store};

/// One file, and where its requests lead.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The `package.json` whose `type` decides what kind of module it is, and what that says. None
    /// for files whose extension decides.
    pub package: Option<(AbsPath, Said)>,
    /// What its exports say; meaningful for code only.
    pub analysis: Analysis,
    /// In the order of the source.
    pub edges: Vec<Edge>,
    /// The files that it names, how, and at which byte offsets.
    pub named: Vec<(How, Named, (u32, u32))>,
    /// Native addons that are not there.
    pub missing_addons: Vec<MissingAddon>,
    /// What could not be told, or is not taken.
    pub doubts: Vec<Doubt>,
    /// The tsconfig.json that cannot be read, and why.
    pub tsconfig_failure: Option<Refusal>,
    /// Why it could not be read as code.
    pub failure: Option<Failure>,
    /// It may ask where it stands itself.
    pub knows_its_place: bool,
}

/// How a file is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By a path.
    Path,
    /// By a request of which a part is not known.
    Pattern(Form),
    /// By a rule of its package.
    Rule,
    /// By a loader of native addons.
    Addon {
        /// A failure is caught.
        guarded: bool,
    },
}

/// A native addon that a loader will not find.
#[derive(Debug, Clone)]
pub struct MissingAddon {
    /// A fragment.
    pub message: String,
    /// The file that is looked for, if it has one name.
    pub file: Option<String>,
    /// A failure is caught.
    pub guarded: bool,
    /// Where it is asked for.
    pub span: Span,
}

/// Something that a module may need, and that is not listed.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// A fragment.
    pub message: String,
    /// Whatever it is may be needed.
    pub need: Need,
    /// Where it stands.
    pub span: Span,
}

/// What may be needed of what is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing: it is only asked whether there is something, or it is the site's.
    Nothing,
    /// A file of any path. It is one of the package's own only if that knows its place.
    AnyPath,
    /// A module or a file of the package.
    OfPackage,
}

/// A `package.json`, read.
pub type Said = Arc<Result<Package, InvalidPackage>>;

/// Does it say that `.js` files are ES modules?
pub fn says_module(said: &Said) -> bool {
    said.as_ref().as_ref().is_ok_and(|package| package.is_module)
}

impl Module {
    /// Does the package that rules it say that it is an ES module?
    pub fn is_called_module(&self) -> bool {
        self.package.as_ref().is_some_and(|(_, said)| says_module(said))
    }

    /// Does it say that it is not?
    pub fn is_called_commonjs(&self) -> bool {
        let said = self.package.as_ref().map(|(_, said)| said.as_ref().as_ref());
        said.is_some_and(|said| said.is_ok_and(|package| package.is_commonjs))
    }
}

/// Why a module has no edges.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It does not parse.
    Syntax(SyntaxError),
    /// It could not be read.
    File(FileError),
}

/// A request and what came of it.
#[derive(Debug, Clone)]
pub struct Edge {
    /// What was asked for.
    pub request: Request,
    /// Where it leads.
    pub outcome: Result<Targets, Unresolved>,
    /// Where it stands, if there may be something to say about it: it is unresolved, or lenient.
    pub span: Option<Span>,
}

/// A value for each path, made by whoever asks first.
struct Once<T>(DashMap<AbsPath, Arc<OnceLock<T>>, FxBuildHasher>);

impl<T: Clone> Once<T> {
    fn new() -> Self {
        Self(DashMap::default())
    }

    /// The map is not locked while the value is made.
    fn get_or_make(&self, path: &AbsPath, make: impl FnOnce() -> T) -> T {
        let known = self.0.get(path).map(|cell| cell.clone());
        let cell = known.unwrap_or_else(|| self.0.entry(path.clone()).or_default().clone());
        cell.get_or_init(make).clone()
    }
}

/// The modules of a run, under one set of resolution options.
pub struct Graph {
    files: Arc<Files>,
    known: Arc<Known>,
    /// The user's modules that were asked for, if that is noted.
    noted: Option<Mutex<BTreeSet<AbsPath>>>,
}

/// What is known under the options.
struct Known {
    resolver: Resolver,
    modules: Once<Arc<Module>>,
    asked: DashMap<(AbsPath, Asked), Arc<Result<Targets, Unresolved>>, FxBuildHasher>,
}

impl Known {
    fn new(resolver: Resolver) -> Arc<Self> {
        Arc::new(Self { resolver, modules: Once::new(), asked: DashMap::default() })
    }
}

/// What does not depend on the options.
struct Files {
    store: Arc<Store>,
    top: AbsPath,
    working_directory: AbsPath,
    scans: Once<Result<Arc<(Scan, Analysis)>, Failure>>,
    rules: Rules,
    binaries: Once<Option<Arc<Binary>>>,
    types: Once<Arc<BTreeSet<String>>>,
    sources: DashMap<AbsPath, Arc<[u8]>, FxBuildHasher>,
    /// With their bytes, which the resolver asks for as well.
    packages: Once<(Said, Option<Arc<[u8]>>)>,
    pnp: Result<Option<Arc<Pnp>>, Diagnostic>,
}

impl Graph {
    /// A graph over the files of `store`. No `package.json` above `top` is looked at; paths that code
    /// names are relative to `working_directory`.
    pub fn new(store: Arc<Store>, options: ResolveOptions, top: AbsPath, working_directory: AbsPath) -> Self {
        let pnp = pnp::find(&working_directory, &top, &store);
        let resolver = Resolver::new(store.clone(), options, top.clone(), pnp.clone().ok().flatten());
        let files = Files {
            store,
            top,
            working_directory,
            rules: Rules::with(&[]),
            scans: Once::new(),
            binaries: Once::new(),
            types: Once::new(),
            sources: DashMap::default(),
            packages: Once::new(),
            pnp,
        };
        Self { files: Arc::new(files), known: Known::new(resolver), noted: None }
    }

    /// The same, with the rules of packages that a site adds.
    pub fn with_rules(mut self, rules: Rules) -> Self {
        if let Some(files) = Arc::get_mut(&mut self.files) {
            files.rules = rules;
        }
        self
    }

    /// A graph of the same files under other options. What one has parsed the other need not.
    pub fn with_options(&self, options: ResolveOptions) -> Self {
        let resolver = self.known.resolver.with_options(options);
        Self { files: self.files.clone(), known: Known::new(resolver), noted: None }
    }

    /// The same graph, which notes what is asked for through it.
    pub fn noting(&self) -> Self {
        Self { files: self.files.clone(), known: self.known.clone(), noted: Some(Mutex::default()) }
    }

    /// The user's own modules that were asked for: what was made with this graph depends on the content of
    /// no other code of the user's. (To load a module no other is looked into.)
    pub fn noted(&self) -> BTreeSet<AbsPath> {
        let noted = self.noted.as_ref().map(|noted| noted.lock().unwrap_or_else(PoisonError::into_inner).clone());
        noted.unwrap_or_default()
    }

    fn note(&self, path: &AbsPath) {
        if let Some(noted) = &self.noted
            && !path.in_node_modules()
        {
            noted.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        }
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.files.store
    }

    /// Yarn's Plug'n'Play, if packages are installed so.
    ///
    /// # Errors
    /// They are, but it cannot be understood how.
    pub fn pnp(&self) -> Result<Option<&Pnp>, &Diagnostic> {
        self.files.pnp.as_ref().map(Option::as_deref)
    }

    /// Are packages installed by Plug'n'Play, be it that it cannot be understood how?
    pub fn is_pnp(&self) -> bool {
        self.pnp().map_or(true, |pnp| pnp.is_some())
    }

    /// What a file says of itself; none if it does not parse.
    pub fn analysis(&self, path: &AbsPath) -> Option<Arc<(Scan, Analysis)>> {
        self.note(path);
        let scanned = || scanned(path, known_extension(path), self.store(), &|| self.source(path));
        self.files.scans.get_or_make(path, scanned).ok()
    }

    /// The module at a real path.
    pub fn module(&self, path: &AbsPath) -> Arc<Module> {
        self.note(path);
        self.known.modules.get_or_make(path, || Arc::new(self.load(path)))
    }

    /// The real path of `path`, as edges give it.
    ///
    /// # Errors
    /// There is nothing, or links lead nowhere or in a circle.
    pub fn real(&self, path: &AbsPath) -> Result<Real, FileError> {
        self.store().real(path)
    }

    /// A module's text. That of the user's own is held on to: it may have to be compiled, or bundled.
    fn source(&self, path: &AbsPath) -> Result<Arc<[u8]>, FileError> {
        let bytes = self.store().read(path)?;
        if !path.in_node_modules() {
            self.files.sources.insert(path.clone(), bytes.clone());
        }
        Ok(bytes)
    }

    fn load(&self, path: &AbsPath) -> Module {
        let mut module = Module::default();
        let extension = path.extension();
        if matches!(extension, "json" | "node" | "wasm") {
            return module;
        }
        if matches!(extension, "js" | "jsx" | "ts" | "tsx" | "") {
            let directory = path.parent().unwrap_or_else(|| path.clone());
            module.package = self.store().nearest_package_json(&directory, &self.files.top).map(|at| {
                let package = self.package(&at);
                (at, package)
            });
        }
        let extension = known_extension(path);
        // Held until all is done: the scan reads it, and what goes wrong quotes it.
        let source: OnceCell<Arc<[u8]>> = OnceCell::new();
        let read = || match source.get() {
            Some(bytes) => Ok(bytes.clone()),
            None => self.source(path).map(|bytes| source.get_or_init(|| bytes).clone()),
        };
        match self.files.scans.get_or_make(path, || scanned(path, extension, self.store(), &read)) {
            Ok(scanned) => {
                let (scan, analysis) = &*scanned;
                module.analysis = analysis.clone();
                module.knows_its_place = scan.knows_its_place;
                let (keeps_types, tells_types) = self.rules_of(path, &mut module);
                let is_kept = |request: &&Request| keeps_types || !request.only_types || tells_types && request.is_told;
                let requests = scan.requests.iter().filter(is_kept);
                let requests = requests.filter(|request| self.holds(&request.only_on));
                let edges = requests.map(|request| self.edge(request, path, &read));
                // Who is told of a type that is nowhere is told of `Object`.
                module.edges =
                    edges.filter(|edge| keeps_types || !edge.request.only_types || edge.outcome.is_ok()).collect();
                if scan.has_jsx {
                    module.edges.extend(self.jsx_runtime(path, &read));
                }
                self.add_named(&mut module, scan, path, &read);
                self.add_by_rule(&mut module, path, &read);
            }
            Err(failure) => module.failure = Some(failure),
        }
        module
    }

    /// Are imports of types kept as they are written? Are those that decorators are told of? And what is
    /// wrong with who says so.
    fn rules_of(&self, path: &AbsPath, module: &mut Module) -> (bool, bool) {
        match self.known.resolver.tsconfig(path) {
            Ok(tsconfig) => {
                let is = |says: fn(&CompilerOptions) -> Option<bool>| {
                    tsconfig.as_ref().and_then(|tsconfig| says(&tsconfig.compiler_options)) == Some(true)
                };
                let tells =
                    is(|options| options.experimental_decorators) && is(|options| options.emit_decorator_metadata);
                (is(|options| options.verbatim_module_syntax), tells)
            }
            Err(failure) => {
                module.tsconfig_failure = Some(failure);
                (false, false)
            }
        }
    }

    /// The request of a module for this specifier, as it stands there or as it might.
    pub fn request(&self, importer: &AbsPath, specifier: &str, form: Form) -> Request {
        let module = self.module(importer);
        let edges = || module.edges.iter().filter(|edge| edge.request.specifier == specifier);
        let found = edges().find(|edge| edge.request.form == form).or_else(|| edges().next());
        found.map_or_else(|| Request::plain(specifier, form), |edge| edge.request.clone())
    }

    /// What Node takes a file for: ESM_FILE_FORMAT of esm.html, syntax last. The user's own files have no
    /// format by their syntax: they are compiled.
    pub fn format(&self, path: &AbsPath) -> ModuleFormat {
        let is_esm = match path.extension() {
            "mjs" | "mts" => true,
            "cjs" | "cts" | "json" | "node" | "wasm" => false,
            _ => {
                let module = self.module(path);
                module.is_called_module() || path.in_node_modules() && module.analysis.is_esm
            }
        };
        if is_esm { ModuleFormat::Esm } else { ModuleFormat::Cjs }
    }

    /// Does Node take a file for an ES module before it looks into it? Then an import means what it means
    /// to Node; in other files it means what compilers make of it.
    pub fn is_called_module(&self, path: &AbsPath) -> bool {
        match path.extension() {
            "mjs" | "mts" => true,
            "js" | "jsx" | "ts" | "tsx" => self.module(path).is_called_module(),
            _ => false,
        }
    }

    /// Does a request of a module lead nowhere?
    pub fn is_missing(&self, importer: &AbsPath, specifier: &str) -> bool {
        let outcome = self.targets_of(importer, &self.request(importer, specifier, Form::Import));
        matches!(outcome, Err(Unresolved::Missing(_) | Unresolved::Refused(_)))
    }

    /// Nothing above is a part of the site.
    pub fn top(&self) -> &AbsPath {
        &self.files.top
    }

    /// The tsconfig.json that rules a file of the user's; none, too, if it cannot be read.
    pub fn tsconfig(&self, file: &AbsPath) -> Option<AbsPath> {
        self.known.resolver.tsconfig(file).ok().flatten().map(|tsconfig| AbsPath::of(tsconfig.path.clone()))
    }

    /// What is built for.
    pub fn target(&self) -> Target {
        self.known.resolver.target()
    }

    fn written(&self, text: &str) -> String {
        written_for(text, self.target().system(), self.target().arch())
    }

    fn holds(&self, conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| condition.holds(&|text| self.written(text)))
    }

    /// What a native binary is built for; none if it is no binary.
    pub fn binary(&self, path: &AbsPath) -> Option<Arc<Binary>> {
        self.note(path);
        let read = || self.store().read(path).ok().and_then(|bytes| binary::read(&bytes)).map(Arc::new);
        self.files.binaries.get_or_make(path, read)
    }

    /// Where a module asks for a file.
    pub fn place_of(&self, importer: &AbsPath, file: &AbsPath) -> Option<Span> {
        let module = self.module(importer);
        let leads_there = |real: &Real| real.path == *file || real.links.contains(file);
        let asks = |edge: &&Edge| edge.outcome.as_ref().is_ok_and(|targets| targets.modules.iter().any(leads_there));
        let by_request = module.edges.iter().find(asks).map(|edge| edge.request.at);
        let by_name =
            || module.named.iter().find(|(_, named, _)| named.files.iter().any(leads_there)).map(|found| found.2);
        let (start, end) = by_request.or_else(by_name).filter(|at| *at != (0, 0))?;
        let source = self.store().read(importer).ok()?;
        Some(Span::of(&String::from_utf8_lossy(&source), start as usize, end as usize))
    }

    /// The shared libraries of the package that an addon is of; of the site's own, of its nearest package.
    pub fn libraries(&self, addon: &AbsPath) -> Vec<Real> {
        let directory = addon.parent().unwrap_or_else(|| addon.clone());
        let nearest = || self.store().nearest_package_json(&directory, &self.files.top)?.parent();
        let root = package_root(addon).or_else(nearest).unwrap_or(directory);
        let enter = |directory: &AbsPath| directory.name() != "node_modules" && directory.name() != ".git";
        let files = self.store().files_below(&root, &enter).unwrap_or_default().into_iter();
        let libraries = files.filter(|path| path.extension() == "so" || path.name().contains(".so."));
        libraries.filter_map(|path| self.real(&path).ok()).collect()
    }

    fn edge(&self, request: &Request, importer: &AbsPath, read: &dyn Fn() -> Result<Arc<[u8]>, FileError>) -> Edge {
        let request = Request { specifier: self.written(&request.specifier), ..request.clone() };
        let outcome = self.ask(&request, importer);
        let remarkable = match &outcome {
            Ok(targets) => targets.lenient,
            Err(why) => !matches!(why, Unresolved::Builtin | Unresolved::Url),
        };
        let (start, end) = request.at;
        let source = remarkable.then(read).and_then(Result::ok);
        let span = source.map(|source| Span::of(&String::from_utf8_lossy(&source), start as usize, end as usize));
        Edge { request, outcome, span }
    }

    /// What a `package.json` says.
    pub fn package(&self, path: &AbsPath) -> Said {
        let read = || {
            let bytes = self.store().read(path).ok();
            let package = bytes.as_ref().map_or(Ok(Package::default()), |bytes| Package::parse(bytes));
            (Arc::new(package), bytes)
        };
        self.files.packages.get_or_make(path, read).0
    }
}

/// Node takes a file with an extension that it does not know for CommonJS.
fn known_extension(path: &AbsPath) -> &str {
    Some(path.extension()).filter(|extension| CODE_EXTENSIONS.contains(extension)).unwrap_or("cjs")
}
