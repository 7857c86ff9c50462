//! Every module of a run: read, parsed, scanned and resolved once, whatever number of functions use
//! it. In: a file. Out: a [`Module`] with its edges. Never decides what a function ships.

use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

use super::addons;
use super::assets::{Ground, Named, package_root};
use super::binary::{self, Binary, Target};
use super::config::{Analysis, analyse};
use super::package::{InvalidPackage, Package};
use super::parse::{CODE_EXTENSIONS, SyntaxError, parse};
use super::plugins::Mount;
use super::resolve::{Resolution, ResolveOptions, Resolver, Unresolved};
use super::rules::Rules;
use super::scan::{Condition, Form, Request, Scan, UNKNOWN, Unknown, scan, written_for};
use crate::diagnostic::Span;
use crate::glob::GlobList;
use crate::path::AbsPath;
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
    /// The files that it names, and how.
    pub named: Vec<(How, Named)>,
    /// Native addons that are not there.
    pub missing_addons: Vec<MissingAddon>,
    /// What could not be told, or is not taken.
    pub doubts: Vec<Doubt>,
    /// The tsconfig.json that cannot be read, and why.
    pub tsconfig_failure: Option<(AbsPath, String)>,
    /// Why it could not be read as code.
    pub failure: Option<Failure>,
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
    /// Where it stands.
    pub span: Span,
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

/// Where a request leads, links followed.
#[derive(Debug, Clone)]
pub struct Targets {
    /// The modules, what Node loads first.
    pub modules: Vec<Real>,
    /// The `package.json` files that decided.
    pub package_jsons: Vec<Real>,
    /// Node itself refuses the specifier.
    pub lenient: bool,
    /// It is a package of a build plugin.
    pub mount: Option<Mount>,
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
    resolver: Resolver,
    modules: Once<Arc<Module>>,
}

/// What does not depend on the options.
struct Files {
    store: Arc<Store>,
    top: AbsPath,
    working_directory: AbsPath,
    scans: Once<Result<Arc<(Scan, Analysis)>, Failure>>,
    rules: Rules,
    binaries: Once<Option<Arc<Binary>>>,
    /// With their bytes, which the resolver asks for as well.
    packages: Once<(Said, Option<Arc<[u8]>>)>,
}

impl Graph {
    /// A graph over the files of `store`. No `package.json` above `top` is looked at; paths that code
    /// names are relative to `working_directory`.
    pub fn new(store: Arc<Store>, options: ResolveOptions, top: AbsPath, working_directory: AbsPath) -> Self {
        let resolver = Resolver::new(store.clone(), options, top.clone());
        let files = Files {
            store,
            top,
            working_directory,
            rules: Rules::built_in(),
            scans: Once::new(),
            binaries: Once::new(),
            packages: Once::new(),
        };
        Self { files: Arc::new(files), resolver, modules: Once::new() }
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
        Self { files: self.files.clone(), resolver: self.resolver.with_options(options), modules: Once::new() }
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.files.store
    }

    /// What a file says of itself; none if it does not parse.
    pub fn analysis(&self, path: &AbsPath) -> Option<Arc<(Scan, Analysis)>> {
        let extension = known_extension(path);
        self.files.scans.get_or_make(path, || scanned(extension, self.store().read(path))).ok()
    }

    /// The module at a real path.
    pub fn module(&self, path: &AbsPath) -> Arc<Module> {
        self.modules.get_or_make(path, || Arc::new(self.load(path)))
    }

    /// The real path of `path`, as edges give it.
    ///
    /// # Errors
    /// There is nothing, or links lead nowhere or in a circle.
    pub fn real(&self, path: &AbsPath) -> Result<Real, FileError> {
        self.store().real(path)
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
            None => self.store().read(path).map(|bytes| source.get_or_init(|| bytes).clone()),
        };
        match self.files.scans.get_or_make(path, || scanned(extension, read())) {
            Ok(scanned) => {
                let (scan, analysis) = &*scanned;
                module.analysis = analysis.clone();
                let keeps_types = self.rules_of(path, &mut module);
                let requests = scan.requests.iter().filter(|request| keeps_types || !request.only_types);
                let requests = requests.filter(|request| self.holds(&request.only_on));
                module.edges = requests.map(|request| self.edge(request, path, &read)).collect();
                self.add_named(&mut module, scan, path, &read);
                self.add_by_rule(&mut module, path, &read);
            }
            Err(failure) => module.failure = Some(failure),
        }
        module
    }

    /// What the rules of its package say that the module needs besides.
    fn add_by_rule(&self, module: &mut Module, path: &AbsPath, read: &dyn Fn() -> Result<Arc<[u8]>, FileError>) {
        let (Some(root), Some(package)) = (package_root(path), addons::package_name(path)) else { return };
        let here = path.relative_to(&root);
        for needs in self.files.rules.of(&package, &here) {
            if !needs.files.is_empty() {
                let files = self.files_of(&root, &|file| needs.files.matches(file));
                module.named.push((How::Rule, Named { files, is_choice: true, refused: None }));
            }
            for name in needs.packages {
                if name.contains('*') {
                    let files =
                        self.installed(name, &root).iter().flat_map(|root| self.files_of(root, &|_| true)).collect();
                    module.named.push((How::Rule, Named { files, is_choice: true, refused: None }));
                    continue;
                }
                let request = Request {
                    specifier: name.clone(),
                    form: Form::Require,
                    base: None,
                    eager: false,
                    guarded: true,
                    only_types: false,
                    only_on: Vec::new(),
                    at: (0, 0),
                };
                let edge = self.edge(&request, path, read);
                // What is not installed is not meant.
                if edge.outcome.is_ok() {
                    module.edges.push(edge);
                }
            }
        }
    }

    /// The files of a package that are meant, by their path in it.
    fn files_of(&self, root: &AbsPath, is_meant: &dyn Fn(&str) -> bool) -> Vec<Real> {
        let enter = |directory: &AbsPath| directory.name() != "node_modules";
        let files = self.store().files_below(root, &enter).unwrap_or_default().into_iter();
        let meant = files.filter(|file| is_meant(&file.relative_to(root)));
        meant.filter_map(|file| self.real(&file).ok()).filter(|real| self.store().is_file(&real.path)).collect()
    }

    /// The packages that a package at `root` sees and whose name fits.
    fn installed(&self, name: &str, root: &AbsPath) -> Vec<AbsPath> {
        let Ok(globs) = GlobList::new([name]) else { return Vec::new() };
        let scope = name.split_once('/').map_or("", |(scope, _)| scope);
        let modules = root.ancestors().map(|above| above.child("node_modules"));
        let mut found: Vec<AbsPath> = Vec::new();
        for modules in modules.filter(|modules| modules.starts_with(&self.files.top) && self.store().is_dir(modules)) {
            let directory = modules.join(scope);
            let names = self.store().read_dir(&directory).ok();
            let names = names.iter().flat_map(|names| names.iter()).filter_map(|name| name.to_str());
            let packages = names.map(|name| directory.child(name));
            let meant = packages.filter(|package| globs.matches(&package.relative_to(&modules)));
            found.extend(meant.filter(|package| self.store().is_dir(package)).collect::<Vec<_>>());
        }
        found
    }

    /// Are imports of types kept as they are written? And what is wrong with who says so.
    fn rules_of(&self, path: &AbsPath, module: &mut Module) -> bool {
        match self.resolver.tsconfig(path) {
            Ok(tsconfig) => {
                let verbatim = tsconfig.and_then(|tsconfig| tsconfig.compiler_options.verbatim_module_syntax);
                verbatim == Some(true)
            }
            Err(failure) => {
                module.tsconfig_failure = Some(failure);
                false
            }
        }
    }

    /// The files that a module names, and what of them is not clear.
    fn add_named(
        &self,
        module: &mut Module,
        scan: &Scan,
        path: &AbsPath,
        read: &dyn Fn() -> Result<Arc<[u8]>, FileError>,
    ) {
        let edges = std::mem::take(&mut module.edges);
        let found = |specifier: &str| {
            let asked = |edge: &&Edge| {
                edge.request.specifier == specifier
                    && matches!(edge.request.form, Form::RequireResolve | Form::ImportResolve)
            };
            let targets = edges.iter().find(asked)?.outcome.as_ref().ok()?;
            Some(targets.modules.first()?.path.clone())
        };
        let Files { store, top, working_directory, .. } = &*self.files;
        let ground = Ground { store, top, working_directory, target: self.target(), file: path, module: &found };
        let assets = scan
            .assets
            .iter()
            .filter(|asset| self.holds(&asset.only_on))
            .map(|asset| (How::Path, ground.asset(asset), asset.at));
        let patterns = scan
            .patterns
            .iter()
            .filter(|asked| self.holds(&asked.only_on))
            .map(|asked| (How::Pattern(asked.form), ground.pattern(asked), asked.at));
        let mut doubts = Vec::new();
        for (how, named, at) in assets.chain(patterns) {
            doubts.extend(named.refused.map(|why| (format!("{why}: name what is needed in `included_files`"), at)));
            if !named.files.is_empty() {
                module.named.push((how, named));
            }
        }
        let mut missing = Vec::new();
        for addon in scan.addons.iter().filter(|addon| self.holds(&addon.only_on)) {
            match addons::pick(addon, &ground, self.target()) {
                Ok(files) => {
                    let files = files.iter().filter_map(|file| store.real(file).ok()).collect();
                    let how = How::Addon { guarded: addon.guarded };
                    module.named.push((how, Named { files, ..Named::default() }));
                }
                Err(none) => missing.push((none, addon.guarded, addon.at)),
            }
        }
        doubts.extend(scan.unclear.iter().map(|unclear| (in_words(&unclear.what), unclear.at)));
        module.edges = edges;
        if doubts.is_empty() && missing.is_empty() {
            return;
        }
        let source = read().unwrap_or_default();
        let source = String::from_utf8_lossy(&source);
        let place = |(message, (start, end)): (String, (u32, u32))| Doubt {
            message,
            span: Span::of(&source, start as usize, end as usize),
        };
        type Asked = (addons::Missing, bool, (u32, u32));
        let asked = |(addons::Missing { message, file }, guarded, (start, end)): Asked| {
            let span = Span::of(&source, start as usize, end as usize);
            MissingAddon { message, file, guarded, span }
        };
        module.missing_addons = missing.into_iter().map(asked).collect();
        module.doubts = doubts.into_iter().map(place).collect();
    }

    /// What is built for.
    pub fn target(&self) -> Target {
        self.resolver.target()
    }

    fn written(&self, text: &str) -> String {
        written_for(text, "linux", self.target().arch.as_str())
    }

    fn holds(&self, conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| condition.holds(&|text| self.written(text)))
    }

    /// What a native binary is built for; none if it is no binary.
    pub fn binary(&self, path: &AbsPath) -> Option<Arc<Binary>> {
        let read = || self.store().read(path).ok().and_then(|bytes| binary::read(&bytes)).map(Arc::new);
        self.files.binaries.get_or_make(path, read)
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
        let request = &Request { specifier: self.written(&request.specifier), ..request.clone() };
        let outcome = self
            .resolver
            .resolve(request, importer, &self.files.working_directory)
            .and_then(|resolution| self.targets(&resolution));
        let remarkable = match &outcome {
            Ok(targets) => targets.lenient,
            Err(why) => !matches!(why, Unresolved::Builtin | Unresolved::Url),
        };
        let (start, end) = request.at;
        let source = remarkable.then(read).and_then(Result::ok);
        let span = source.map(|source| Span::of(&String::from_utf8_lossy(&source), start as usize, end as usize));
        Edge { request: request.clone(), outcome, span }
    }

    fn targets(&self, resolution: &Resolution) -> Result<Targets, Unresolved> {
        let real =
            |path: &AbsPath| self.store().real(path).map_err(|error| Unresolved::Link(path.clone(), error.reason()));
        Ok(Targets {
            modules: resolution.files.iter().map(real).collect::<Result<_, _>>()?,
            package_jsons: resolution.package_jsons.iter().map(real).collect::<Result<_, _>>()?,
            lenient: resolution.lenient,
            mount: resolution.mount.clone(),
        })
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

fn in_words(unknown: &Unknown) -> String {
    let reads = |function: &str, what: &str| {
        format!(
            "the path of `{function}` is only known at run time: name what it reads, as in `included_files = [\"{what}\"]`"
        )
    };
    match unknown {
        Unknown::Package(specifier) => {
            format!("`{}` is only known at run time and not followed", specifier.replace(UNKNOWN, "*"))
        }
        Unknown::File(function) => reads(function, "path/to/file"),
        Unknown::Directory(function) => reads(function, "path/to/folder/**"),
    }
}

/// Node takes a file with an extension that it does not know for CommonJS.
fn known_extension(path: &AbsPath) -> &str {
    Some(path.extension()).filter(|extension| CODE_EXTENSIONS.contains(extension)).unwrap_or("cjs")
}

fn scanned(extension: &str, bytes: Result<Arc<[u8]>, FileError>) -> Result<Arc<(Scan, Analysis)>, Failure> {
    let bytes = bytes.map_err(Failure::File)?;
    let source = String::from_utf8_lossy(&bytes);
    let scanned = parse(extension, &source, |parsed| (scan(parsed, extension), analyse(parsed, &source)));
    scanned.map(Arc::new).map_err(Failure::Syntax)
}
