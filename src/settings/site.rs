//! Where a site is and where its functions are. In: the invocation. Out: the site's directories
//! and what its netlify.toml says (spec: functions.md section 1). Never looks into them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::netlify_toml::{NetlifyToml, Own, read};
use super::{ConfigLayers, Invocation, SettingsError, Source, Written, is_toml};
use crate::diagnostic::{Code, Diagnostic};
use crate::function::Origin;
use crate::path::{AbsPath, common_directory};
use crate::store::Store;

/// A site, or what stands for one where functions are named on the command line.
pub(super) struct Site {
    pub(super) base: AbsPath,
    pub(super) repository_root: AbsPath,
    pub(super) sources: Vec<Source>,
    pub(super) config: ConfigLayers,
    pub(super) environment: BTreeMap<String, Written>,
    pub(super) own: Own,
    pub(super) said: Vec<Diagnostic>,
}

/// Generated functions are here unless somebody says otherwise, relative to the package.
const INTERNAL: [&str; 2] = [".netlify/functions-internal", ".netlify/v1/functions"];

/// Finds the site.
pub(super) fn find(invocation: &Invocation, store: &Store) -> Result<Site, SettingsError> {
    let start = match &invocation.site {
        Some(site) => existing_directory(AbsPath::resolve(&invocation.cwd, site), store)?,
        None => AbsPath::resolve(&invocation.cwd, "."),
    };
    let start = without_links(&start, store);
    for directory in [&invocation.repository_root, &invocation.base].into_iter().flatten() {
        existing_directory(AbsPath::resolve(&invocation.cwd, directory), store)?;
    }
    let named = named_sources(invocation, store)?;
    let toml_path = match invocation.config.as_deref().filter(|config| is_toml(config)) {
        Some(config) => Some(AbsPath::resolve(&invocation.cwd, config.trim_start_matches('@'))),
        None if !invocation.only_named && (named.is_empty() || invocation.site.is_some()) => {
            start.ancestors().map(|directory| directory.child("netlify.toml")).find(|path| store.is_file(path))
        }
        None => None,
    };
    let above = toml_path.as_ref().and_then(AbsPath::parent).unwrap_or_else(|| start.clone());
    let of_package = invocation.package_path.as_ref().map(|package| above.join(package).child("netlify.toml"));
    let Some(toml_path) = of_package.filter(|path| store.is_file(path)).or(toml_path) else {
        return without_toml(invocation, start, named, store);
    };
    let toml_path = without_links(&toml_path, store);
    let repository_root = repository_root(invocation, &above, store);
    let mut toml = read(&toml_path, invocation, store)?;
    let base = base(&toml, &above, &repository_root, store)?;
    stays_inside(&toml, &base, &repository_root)?;
    let second = base.child("netlify.toml");
    if second != toml_path && base != above && store.is_file(&second) {
        toml = read(&second, invocation, store)?;
        stays_inside(&toml, &base, &repository_root)?;
    }
    let sources = if named.is_empty() { configured(invocation, &base, &toml, store) } else { named };
    let NetlifyToml { config, environment, own, said, .. } = toml;
    Ok(Site { base, repository_root, sources, config, environment, own, said })
}

/// `build.base`, which is relative to the repository's root, else the directory of netlify.toml.
fn base(toml: &NetlifyToml, directory: &AbsPath, root: &AbsPath, store: &Store) -> Result<AbsPath, SettingsError> {
    let Some((written, place)) = &toml.base else { return Ok(directory.clone()) };
    let path = written.trim_start_matches('/');
    let wrong = |message: &str| {
        let message = format!("`build.base` is `{written}`: {message}");
        Diagnostic::error(Code::Configuration, message).said_in(place).into()
    };
    if !root.join(path).starts_with(root) {
        return Err(wrong("it must be inside the repository"));
    }
    // Where there is no repository, its root may lie above what the file means.
    let found = [root, directory].map(|from| from.join(path)).into_iter().find(|base| store.is_dir(base));
    Ok(without_links(&found.ok_or_else(|| wrong("there is no such directory"))?, store))
}

/// Paths of netlify.toml must not lead out of the repository.
fn stays_inside(toml: &NetlifyToml, base: &AbsPath, root: &AbsPath) -> Result<(), SettingsError> {
    let paths = [("the functions directory", &toml.functions_directory), ("`build.publish`", &toml.publish)];
    for (what, written) in paths {
        if let Some((path, place)) = written
            && !below(base, path).starts_with(root)
        {
            let message = format!("{what} is `{path}`: it must be inside the repository");
            return Err(Diagnostic::error(Code::Configuration, message).said_in(place).into());
        }
    }
    Ok(())
}

fn without_toml(
    invocation: &Invocation,
    base: AbsPath,
    named: Vec<Source>,
    store: &Store,
) -> Result<Site, SettingsError> {
    let near = common_directory(named.iter().map(|source| &source.path)).unwrap_or_else(|| base.clone());
    let repository_root = repository_root(invocation, &near, store);
    let NetlifyToml { config, environment, own, said, .. } = NetlifyToml::default();
    let is_said = invocation.only_named || !named.is_empty();
    let sources = if is_said { named } else { configured(invocation, &base, &NetlifyToml::default(), store) };
    Ok(Site { base, repository_root, sources, config, environment, own, said })
}

/// What the command line names, in the peer's order.
fn named_sources(invocation: &Invocation, store: &Store) -> Result<Vec<Source>, SettingsError> {
    let all = |paths: &[PathBuf], origin, single| {
        let source = |path: &PathBuf| {
            let path = AbsPath::resolve(&invocation.cwd, path);
            // A function keeps its own name, though it be a link.
            let parent = path.parent().filter(|_| single).map(|parent| without_links(&parent, store));
            let path = parent.map_or_else(|| without_links(&path, store), |parent| parent.child(path.name()));
            Source { path, origin, single, place: None }
        };
        paths.iter().map(source).collect::<Vec<_>>()
    };
    let mut directories = all(&invocation.sources, Origin::User, false);
    let exists = |source: &Source| store.lstat(&source.path).is_ok();
    if !invocation.tolerate_missing_sources && !directories.is_empty() && !directories.iter().any(exists) {
        let path = directories.swap_remove(0).path;
        return Err(SettingsError::Path { path, reason: "there is no such functions directory".into() });
    }
    let mut sources = all(&invocation.internal, Origin::Internal, false);
    sources.append(&mut directories);
    sources.extend(all(&invocation.internal_functions, Origin::Internal, true));
    sources.extend(all(&invocation.functions, Origin::User, true));
    Ok(sources)
}

/// What netlify.toml names, or the default places.
fn configured(invocation: &Invocation, base: &AbsPath, toml: &NetlifyToml, store: &Store) -> Vec<Source> {
    let package = invocation.package_path.as_ref().map_or_else(|| base.clone(), |path| base.join(path));
    let source =
        |path: AbsPath, origin, place| Source { path: without_links(&path, store), origin, single: false, place };
    let internal = INTERNAL.iter().map(|path| source(package.join(path), Origin::Internal, None));
    let (directory, place) = match &toml.functions_directory {
        Some((written, place)) if !written.trim().is_empty() => (below(base, written), Some(place.clone())),
        // As Netlify does it: the older name counts where there is nothing else.
        _ => {
            let defaults = ["netlify/functions", "netlify-automatic-functions"];
            let places = [&package, base].into_iter().flat_map(|from| defaults.map(|path| from.join(path)));
            let found = places.into_iter().find(|place| store.is_dir(place));
            (found.unwrap_or_else(|| base.join("netlify/functions")), None)
        }
    };
    let internal = internal.filter(|source| store.is_dir(&source.path));
    internal.chain([source(directory, Origin::User, place)]).collect()
}

/// A path of netlify.toml: a leading `/` is the base, too.
fn below(base: &AbsPath, path: &str) -> AbsPath {
    base.join(path.trim_start_matches('/'))
}

/// The path without links, as far as it exists: what is built must not depend on the way to it.
pub(super) fn without_links(path: &AbsPath, store: &Store) -> AbsPath {
    let existing = path.ancestors().find_map(|above| Some((store.real(&above).ok()?.path, above)));
    existing.map_or_else(|| path.clone(), |(real, above)| real.join(path.strip_prefix(&above).unwrap_or(Path::new(""))))
}

/// The top of the checkout: where `.git` is, else where packages are installed, else the caller's
/// directory if it holds the site, else the nearest package, else the site itself.
fn repository_root(invocation: &Invocation, site: &AbsPath, store: &Store) -> AbsPath {
    if let Some(root) = &invocation.repository_root {
        return without_links(&AbsPath::resolve(&invocation.cwd, root), store);
    }
    let has = |name: &'static str| move |directory: &AbsPath| store.lstat(&directory.child(name)).is_ok();
    let locks = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "npm-shrinkwrap.json"];
    let caller = without_links(&AbsPath::resolve(&invocation.cwd, "."), store);
    site.ancestors()
        .find(has(".git"))
        .or_else(|| site.ancestors().find(|directory| locks.iter().any(|lock| has(lock)(directory))))
        .or_else(|| site.starts_with(&caller).then(|| caller.clone()))
        .or_else(|| site.ancestors().find(has("package.json")))
        .unwrap_or_else(|| site.clone())
}

fn existing_directory(path: AbsPath, store: &Store) -> Result<AbsPath, SettingsError> {
    if store.is_dir(&path) {
        return Ok(path);
    }
    Err(SettingsError::Path { path, reason: "there is no such directory".into() })
}
