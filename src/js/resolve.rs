//! A specifier becomes a file. In: a request and the file that makes it. Out: the files it loads,
//! as they are reached (links and all), and the `package.json` files that decided so. Node's
//! algorithms (`require()` of modules.html#all-together, ESM_RESOLVE of esm.html) are
//! oxc_resolver's; this file puts them on the store and adds what a packager must know besides.

mod options;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use oxc_resolver::{
    ImportsExportsEntry, PackageJson, Resolution as Found, ResolveError, ResolveOptions as Options,
    ResolverGeneric as Oxc, TsConfig, TsconfigDiscovery,
};
use percent_encoding::percent_decode_str;

use self::options::{bundler_options, node_options};
use super::binary::Target;
use super::package::package_name;
use super::plugins::{Mount, mount};
use super::pnp::Pnp;
use super::scan::{Base, Request};
use super::store_fs::StoreFs;
use super::tsconfig::{Refusal, mapped, ruling};
use crate::path::AbsPath;
use crate::store::{FileError, Store};

/// What can be chosen about resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ResolveOptions {
    /// What is built for.
    pub target: Target,
    /// Conditions besides Node's own, in no order. `browser` asks for the field of that name as well.
    pub conditions: Vec<String>,
    /// The target is Node 22.10 or newer, which has the `module-sync` condition.
    pub module_sync: bool,
    /// Take the fallback beside `module-sync` targets of patterns too, not only of exact subpaths.
    pub module_sync_catchall: bool,
    /// Leave out the target that a package without `exports` would have.
    pub exports_only: bool,
    /// Only what Node finds counts, and only what it finds first: nobody compiles these files.
    pub node_only: bool,
    /// Specifiers, or prefixes that end in `/`, and the paths that stand for them where Node finds
    /// nothing.
    pub paths: Vec<(String, AbsPath)>,
    /// Where a tsconfig.json is looked for where there is none above a file.
    pub tsconfig_directories: Vec<AbsPath>,
}

/// What a specifier leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// What Node loads comes first, then what another loader would take in its place.
    pub files: Vec<AbsPath>,
    /// The `package.json` files whose `main`, `exports` or `imports` decided.
    pub package_jsons: Vec<AbsPath>,
    /// Node itself refuses the specifier; only bundlers take it.
    pub lenient: bool,
    /// Node does not know what stands for the specifier: a tsconfig.json or the caller says so.
    pub mapped: bool,
    /// The first file is for who has `module-sync`, and so can `require()` ES modules.
    pub synced: bool,
    /// It is a package of a build plugin.
    pub mount: Option<Mount>,
}

/// Why a specifier leads to no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// It is part of Node.
    Builtin,
    /// `data:`, `https:` and the like.
    Url,
    /// There is no such file or package: Node's words.
    Missing(String),
    /// There may be, but the package does not let anybody have it: Node's words.
    Refused(String),
    /// A `package.json` on the way is not JSON.
    InvalidPackage(AbsPath),
    /// Links on the way lead nowhere or in a circle.
    Link(AbsPath, String),
}

/// Resolves from any file, with one cache for all.
pub struct Resolver {
    store: Arc<Store>,
    /// Nothing above is a part of the site.
    top: AbsPath,
    /// What says who may use which package, besides Node's rules.
    pnp: Option<Arc<Pnp>>,
    options: ResolveOptions,
    /// Node's own algorithm, for `import` and for `require`.
    node: [Oxc<StoreFs>; 2],
    /// The same, with `module-sync`.
    synced: [Oxc<StoreFs>; 2],
    /// As bundlers take it: extensions may be missing, and `.js` may stand for `.ts`.
    lenient: [Oxc<StoreFs>; 2],
    /// The same, for files in packages: without TypeScript.
    lenient_package: [Oxc<StoreFs>; 2],
    /// As if no package had `exports`.
    legacy: Oxc<StoreFs>,
    /// Finds the tsconfig.json that rules a file.
    tsconfig: Oxc<StoreFs>,
    /// Node's own, but a target of `exports` is a file's whole name, for `import` and `require`.
    exact: [Oxc<StoreFs>; 2],
}

impl Resolver {
    /// A resolver on the files of `store`, for a site below `top`.
    pub fn new(store: Arc<Store>, options: ResolveOptions, top: AbsPath, pnp: Option<Arc<Pnp>>) -> Self {
        let cache = Oxc::new_with_file_system(StoreFs::on(store.clone()), Options::default());
        Self { pnp, ..Self::on_cache_of(&cache, store, options, top) }
    }

    /// A resolver with other options that shares what this one knows of the files.
    pub fn with_options(&self, options: ResolveOptions) -> Self {
        let other = Self::on_cache_of(&self.legacy, self.store.clone(), options, self.top.clone());
        Self { pnp: self.pnp.clone(), ..other }
    }

    fn on_cache_of(cache: &Oxc<StoreFs>, store: Arc<Store>, options: ResolveOptions, top: AbsPath) -> Self {
        let legacy = cache.clone_with_options(Options { exports_fields: vec![], ..node_options(&options, false) });
        let tsconfig = cache
            .clone_with_options(Options { tsconfig: Some(TsconfigDiscovery::Auto), ..node_options(&options, false) });
        let both = |make: &dyn Fn(bool) -> Options| [false, true].map(|import| legacy.clone_with_options(make(import)));
        let node = both(&|import| node_options(&options, import));
        let synced = both(&|import| {
            let mut node = node_options(&options, import);
            node.condition_names.push("module-sync".into());
            node
        });
        let lenient_package = both(&|import| Options { fully_specified: false, ..node_options(&options, import) });
        let lenient = both(&|import| bundler_options(&options, import));
        let exact = both(&|import| {
            let mut node = node_options(&options, import);
            if options.module_sync {
                node.condition_names.push("module-sync".into());
            }
            Options { extensions: Vec::new(), main_files: Vec::new(), ..node }
        });
        Self { store, top, pnp: None, options, tsconfig, node, synced, lenient, lenient_package, legacy, exact }
    }

    /// Resolves `request`, made by the file with the real path `importer`, which runs in
    /// `working_directory`.
    ///
    /// # Errors
    /// Why it leads to no file.
    pub fn resolve(
        &self,
        request: &Request,
        importer: &AbsPath,
        working_directory: &AbsPath,
    ) -> Result<Resolution, Unresolved> {
        let specifier = request.specifier.as_str();
        let _span = tracing::info_span!("resolve", of = specifier).entered();
        if specifier.is_empty() {
            return Err(Unresolved::Missing("Cannot find module ''".into()));
        }
        if is_url(specifier) {
            return Err(Unresolved::Url);
        }
        let directory = directory_of(importer, request.base.as_ref(), working_directory);
        let specifier = &*as_node_reads(specifier, request.form.is_import());
        let mut asked = Asked { specifier, directory: &directory, import: usize::from(request.form.is_import()) };
        let mut found = self.find(&asked, importer);
        let mount = match (&found, package_name(specifier)) {
            (Err(error), Some((package, _))) if is_not_found(error) => {
                mount(package, &directory, &self.top, &self.store)
            }
            _ => None,
        };
        if let Some(mount) = &mount {
            asked.directory = &mount.plugins;
            found = self.find(&asked, importer);
        } else if let Some(message) = self.refusal(&found, &asked) {
            return Err(Unresolved::Missing(message));
        }
        let (found, by) = found.map_err(|error| self.unresolved(&error, request, &asked))?;
        let has_exports = found.package_json().is_some_and(has_exports);
        let by_exports = by != By::Mapping && package_name(specifier).is_some() && has_exports;
        if by_exports && by != By::Bundlers && asked.of(&self.exact[asked.import]).is_err() {
            return Err(Unresolved::Refused(format!("Cannot find the file that \"exports\" names for '{specifier}'")));
        }
        let lenient = by == By::Bundlers || !has_exports && self.is_directory_import(&asked, &found);
        if lenient && self.options.node_only {
            return Err(Unresolved::Refused(format!("Directory import '{specifier}' is not supported")));
        }
        let files = self.files(&asked, &found, by_exports);
        let unsynced = || asked.of(&self.node[asked.import]).is_ok_and(|other| other.path() != found.path());
        Ok(Resolution {
            synced: self.options.module_sync
                && (files.len() > 1 || self.options.node_only)
                && by == By::Node
                && unsynced(),
            files,
            package_jsons: self.package_jsons(&asked, &found, by, has_exports),
            lenient,
            mapped: by == By::Mapping,
            mount,
        })
    }

    /// What tsconfig.json says; else Node's answer; else that of bundlers; else that of the caller's mapping.
    fn find(&self, asked: &Asked<'_>, importer: &AbsPath) -> Result<(Found, By), ResolveError> {
        let node = if self.options.module_sync { &self.synced } else { &self.node };
        let by_node = asked.of(&node[asked.import]);
        if !matches!(by_node, Err(ResolveError::Builtin { .. }))
            && let Some(found) = self.mapped_by_tsconfig(asked, importer)
        {
            return Ok((found, By::Mapping));
        }
        let found = match by_node {
            Err(ResolveError::PackagePathNotExported { package_json_path, .. })
                if self.has_null_exports(&package_json_path) =>
            {
                asked.of(&self.legacy)
            }
            found => found,
        };
        match found {
            Err(error) if is_not_found(&error) && !self.options.node_only => {
                let bundler = if importer.in_node_modules() { &self.lenient_package } else { &self.lenient };
                if let Ok(found) = asked.of(&bundler[asked.import]) {
                    return Ok((found, By::Bundlers));
                }
                let mapped = self
                    .mapped(asked.specifier)
                    .map(|path| Asked { specifier: &path, ..*asked }.of(&self.lenient[asked.import]));
                mapped.unwrap_or(Err(error)).map(|found| (found, By::Mapping))
            }
            found => found.map(|found| (found, By::Node)),
        }
    }

    /// Why a package is not to be had under Plug'n'Play, be it that Node would find it.
    fn refusal(&self, found: &Result<(Found, By), ResolveError>, asked: &Asked<'_>) -> Option<String> {
        let pnp = self.pnp.as_ref()?;
        let found = match found {
            // What is in no package, the importer itself has or the user's mapping leads to.
            Ok((found, by)) if *by == By::Mapping || !AbsPath::of(found.path()).in_node_modules() => return None,
            Ok((found, _)) => Some(found.path()),
            Err(error) => is_not_found(error).then_some(None)?,
        };
        pnp.refusal(asked.specifier, asked.directory, found).map(|refusal| refusal.message)
    }

    /// What is built for.
    pub fn target(&self) -> Target {
        self.options.target
    }

    /// The tsconfig.json that rules a file of the user's.
    ///
    /// # Errors
    /// It, or one that it extends, cannot be read: where and why.
    pub fn tsconfig(&self, file: &AbsPath) -> Result<Option<Arc<TsConfig>>, Refusal> {
        if self.options.node_only {
            return Ok(None);
        }
        ruling(&self.tsconfig, file, &self.top, &self.options.tsconfig_directories, &self.store)
    }

    /// What `paths` and `baseUrl` make of a bare specifier.
    fn mapped_by_tsconfig(&self, asked: &Asked<'_>, importer: &AbsPath) -> Option<Found> {
        let targets = mapped(&*self.tsconfig(importer).ok()??, asked.specifier);
        targets.iter().find_map(|target| Asked { specifier: target, ..*asked }.of(&self.lenient[asked.import]).ok())
    }

    /// What Node loads, then what other loaders would take in its place.
    fn files(&self, asked: &Asked<'_>, found: &Found, by_exports: bool) -> Vec<AbsPath> {
        let mut files = vec![AbsPath::of(found.path())];
        let mut add = |other: Result<Found, ResolveError>| {
            let path = other.ok().map(|other| AbsPath::of(other.path()));
            files.extend(path.filter(|path| !files.contains(path)).into_iter().collect::<Vec<_>>());
        };
        let exactly = || found.package_json().is_some_and(|package| names_exactly(package, asked.specifier));
        if self.options.module_sync && !self.options.node_only && (self.options.module_sync_catchall || exactly()) {
            add(asked.of(&self.node[asked.import]));
        }
        if by_exports && !self.options.exports_only && !self.options.node_only {
            add(asked.of(&self.legacy));
        }
        files
    }

    /// The `package.json` files whose `main`, `exports` or `imports` decided.
    fn package_jsons(&self, asked: &Asked<'_>, found: &Found, by: By, has_exports: bool) -> Vec<AbsPath> {
        let own = found.package_json().map(|package| AbsPath::of(package.path()));
        match package_name(asked.specifier) {
            _ if by == By::Mapping => Vec::new(),
            Some((_, "")) => own.into_iter().collect(),
            Some((_, rest)) => {
                let named = own.as_ref().map(|package| package.join("..").join(rest));
                let named = named.filter(|_| !(has_exports && self.options.exports_only));
                let named = named.and_then(|named| self.directory_package(&named));
                own.filter(|_| has_exports).into_iter().chain(named).collect()
            }
            None if asked.specifier.starts_with('#') => {
                let importers = self.store.nearest_package_json(asked.directory, Path::new("/"));
                importers.into_iter().chain(own.filter(|_| has_exports)).collect()
            }
            None => self.directory_package(&asked.directory.join(asked.specifier)).into_iter().collect(),
        }
    }

    /// Does an `import` name a directory? Node refuses it whatever is in there
    /// (ERR_UNSUPPORTED_DIR_IMPORT).
    fn is_directory_import(&self, asked: &Asked<'_>, found: &Found) -> bool {
        let named = match package_name(asked.specifier) {
            _ if asked.import == 0 || asked.specifier.starts_with('#') => return false,
            None => Some(asked.directory.join(asked.specifier)),
            Some((_, "")) => None,
            Some((_, rest)) => found.package_json().map(|package| AbsPath::of(package.path()).join("..").join(rest)),
        };
        named.is_some_and(|named| *named != *found.path() && self.store.is_dir(&named))
    }

    /// The `package.json` of a specifier that names a directory: its `main` decided.
    fn directory_package(&self, named: &AbsPath) -> Option<AbsPath> {
        let package = named.child("package.json");
        (self.store.is_dir(named) && self.store.is_file(&package)).then_some(package)
    }

    /// The path that the user's mapping puts in the specifier's place.
    fn mapped(&self, specifier: &str) -> Option<String> {
        self.options.paths.iter().find_map(|(key, target)| {
            let rest = specifier.strip_prefix(key.as_str())?;
            let whole = rest.is_empty() || key.ends_with('/');
            whole.then(|| target.join(rest).to_string_lossy().into_owned())
        })
    }

    /// `"exports": null` counts as absent.
    fn has_null_exports(&self, package_json: &Path) -> bool {
        let bytes = self.store.read(&AbsPath::of(package_json));
        let value = bytes.ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        value.is_some_and(|value| value.get("exports").is_some_and(serde_json::Value::is_null))
    }

    fn unresolved(&self, error: &ResolveError, request: &Request, asked: &Asked<'_>) -> Unresolved {
        let Asked { specifier, directory, .. } = *asked;
        match error {
            ResolveError::Builtin { .. } => Unresolved::Builtin,
            ResolveError::Json(error) => Unresolved::InvalidPackage(AbsPath::of(error.path.clone())),
            ResolveError::PackagePathNotExported { subpath, .. } => {
                let package = package_name(specifier).map_or(specifier, |(name, _)| name);
                Unresolved::Refused(if subpath == "." {
                    format!("No \"exports\" main defined in the package.json of '{package}'")
                } else {
                    format!(
                        "Package subpath '{subpath}' is not defined by \"exports\" in the package.json of '{package}'"
                    )
                })
            }
            ResolveError::PackageImportNotDefined(name, _) => {
                Unresolved::Refused(format!("Package import specifier \"{name}\" is not defined in the package.json"))
            }
            _ => match (package_name(specifier), self.circle(specifier, directory)) {
                (_, Some(link)) => Unresolved::Link(link, "links lead round in a circle".into()),
                (Some((name, _)), _) if request.form.is_import() => {
                    Unresolved::Missing(format!("Cannot find package '{name}'"))
                }
                _ => Unresolved::Missing(format!("Cannot find module '{specifier}'")),
            },
        }
    }

    /// A link where the specifier would be found, if it leads round in a circle.
    fn circle(&self, specifier: &str, directory: &AbsPath) -> Option<AbsPath> {
        let mut places: Vec<AbsPath> = match package_name(specifier) {
            Some((name, _)) => directory.ancestors().map(|above| above.join("node_modules").join(name)).collect(),
            None => vec![directory.join(specifier)],
        };
        places.extend(places.first().map(|path| path.join(format!("../{}.js", path.name()))));
        places.into_iter().find(|path| matches!(self.store.real(path), Err(FileError::LinkLoop { .. })))
    }
}

/// The specifier in the form that means the same to Node and to the resolver: a final `.` or `..`
/// names a directory, an `import` is a URL, and `..` is for us to resolve.
fn as_node_reads(specifier: &str, import: bool) -> Cow<'_, str> {
    if specifier == "." || specifier == ".." || specifier.ends_with("/.") || specifier.ends_with("/..") {
        return format!("{specifier}/").into();
    }
    if specifier.starts_with('/') {
        let slash = if specifier.ends_with('/') { "/" } else { "" };
        return format!("{}{slash}", AbsPath::of(specifier)).into();
    }
    if import && specifier.starts_with('.') && specifier.contains('%') {
        return percent_decoded(specifier).map_or(Cow::Borrowed(specifier), Cow::Owned);
    }
    specifier.into()
}

/// Undoes `%20`; none if that gives no text, or a separator that Node refuses.
fn percent_decoded(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let has_separator = lower.contains("%2f") || lower.contains("%5c");
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!has_separator).then(|| decoded.into_owned())
}

/// `"exports": null` counts as absent.
fn has_exports(package: &Arc<PackageJson>) -> bool {
    let is_value = |entry: ImportsExportsEntry<'_>| {
        entry.as_string().is_some() || entry.as_array().is_some() || entry.as_map().is_some()
    };
    package.exports().is_some_and(is_value)
}

/// Does `exports` name this subpath itself, rather than by a pattern?
fn names_exactly(package: &PackageJson, specifier: &str) -> bool {
    let Some((_, rest)) = package_name(specifier) else { return false };
    let Some(exports) = package.exports() else { return false };
    let subpath = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
    match exports.as_map() {
        Some(map) if map.keys().any(|key| key.starts_with('.')) => map.get(&subpath).is_some(),
        _ => rest.is_empty(),
    }
}

/// By whose rules something was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Node,
    Bundlers,
    Mapping,
}

/// What is asked of oxc_resolver.
#[derive(Clone, Copy)]
struct Asked<'a> {
    specifier: &'a str,
    directory: &'a AbsPath,
    /// 1 for `import`, 0 for `require`: which of a pair of resolvers to ask.
    import: usize,
}

impl Asked<'_> {
    fn of(&self, resolver: &Oxc<StoreFs>) -> Result<Found, ResolveError> {
        resolver.resolve(&**self.directory, self.specifier)
    }
}

/// The directory from which a request resolves.
fn directory_of(importer: &AbsPath, base: Option<&Base>, working_directory: &AbsPath) -> AbsPath {
    let own = importer.parent().unwrap_or_else(|| importer.clone());
    let (from, path) = match base {
        None => return own,
        Some(Base::Beside(path)) => (own, path),
        Some(Base::WorkingDirectory(path)) => (working_directory.clone(), path),
    };
    if path.ends_with('/') { from.join(path) } else { from.join(path).join("..") }
}

fn is_url(specifier: &str) -> bool {
    specifier.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && !matches!(scheme, "node" | "file")
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

fn is_not_found(error: &ResolveError) -> bool {
    matches!(error, ResolveError::NotFound(_) | ResolveError::ExtensionAlias(..))
}
