//! Where packages stand for Node, which knows nothing of Plug'n'Play. In: Yarn's manifest. Out: a place in
//! some `node_modules` for every package, such that each finds there the very package that the manifest
//! gives it. Workspaces stay where they are. The most wanted version of a name stands at the top, the
//! others below the first package that needs them; whoever else needs them gets a link, so that a package
//! is never there twice. Never looks at the disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pnp::fs::{VPath, VPathInfo};
use pnp::{Manifest, PackageLocator, is_excluded_from_fallback};
use rustc_hash::FxHashMap;

use super::manifest::locator;
use crate::fs::mounted::Source;
use crate::path::AbsPath;

/// A package, or a workspace with all its faces.
pub(super) struct Package {
    /// What Yarn calls it. A workspace with peers has a locator for each set of them.
    pub(super) locators: Vec<PackageLocator>,
    /// Where it stands, if anybody can reach it.
    pub(super) place: Option<AbsPath>,
    /// It is a folder of the user's.
    pub(super) is_own: bool,
    /// What is in it asks for what it may have; else it is a part of the package around it.
    pub(super) is_issuer: bool,
    source: Source,
    needs: BTreeMap<String, usize>,
}

/// Packages and their places.
pub(super) struct Layout {
    pub(super) packages: Vec<Package>,
    pub(super) mounts: BTreeMap<AbsPath, Source>,
}

/// Makes the places.
pub(super) fn lay_out(manifest: &Manifest) -> Layout {
    let root = AbsPath::of(manifest.manifest_dir.clone());
    let (packages, known) = packages(manifest);
    let top = top(manifest, &packages, &known);
    let mut places = Places {
        manifest,
        nested: FxHashMap::from_iter([(root.clone(), top)]),
        root,
        layout: Layout { packages, mounts: BTreeMap::new() },
        ahead: VecDeque::new(),
    };
    places.fill();
    places.layout
}

type Known<'m> = FxHashMap<(&'m str, &'m str), usize>;

/// Every package of the manifest, and which one a locator means.
fn packages(manifest: &Manifest) -> (Vec<Package>, Known<'_>) {
    let mut packages: Vec<Package> = Vec::new();
    let mut known = Known::default();
    let mut folders: FxHashMap<AbsPath, usize> = FxHashMap::default();
    let registered = || {
        let versions = manifest.package_registry_data.iter();
        versions.flat_map(|(name, versions)| versions.iter().map(move |(reference, found)| (name, reference, found)))
    };
    for (name, reference, found) in registered() {
        let source = source(&AbsPath::of(found.package_location.clone()));
        let kind = reference.rsplit_once('#').map_or(&**reference, |(_, kind)| kind);
        let is_own = name.is_empty() || ["workspace:", "portal:", "link:"].iter().any(|own| kind.starts_with(own));
        let locator = PackageLocator { name: name.clone(), reference: reference.clone() };
        let index = match &source {
            Source::Directory(folder) if is_own => *folders.entry(folder.clone()).or_insert(packages.len()),
            _ => packages.len(),
        };
        known.insert((name, reference), index);
        if index == packages.len() {
            let place = match &source {
                Source::Directory(folder) if is_own => Some(folder.clone()),
                _ => None,
            };
            let is_own = place.is_some();
            let (locators, needs) = (Vec::new(), BTreeMap::new());
            packages.push(Package { locators, place, is_own, is_issuer: false, source, needs });
        }
        packages[index].locators.push(locator);
        packages[index].is_issuer |= !found.discard_from_lookup;
    }
    for (name, reference, found) in registered() {
        let index = known[&(&**name, &**reference)];
        for (needed, dependency) in &found.package_dependencies {
            let Some(target) = dependency.as_ref().map(|dependency| locator(needed, dependency)) else { continue };
            let target = known[&(&*target.name, &*target.reference)];
            packages[index].needs.entry(needed.clone()).or_insert(target);
        }
    }
    (packages, known)
}

/// Where a package is on the disk; a virtual one is where the one is that it stands for.
fn source(location: &AbsPath) -> Source {
    match VPath::from(location) {
        Ok(VPath::Zip(zip)) => Source::Zip {
            file: AbsPath::of(zip.physical_base_path()),
            inside: zip.zip_path.trim_end_matches('/').into(),
        },
        Ok(VPath::Virtual(folder)) => Source::Directory(AbsPath::of(folder.physical_base_path())),
        Ok(VPath::Native(folder)) => Source::Directory(AbsPath::of(folder)),
        Err(_) => Source::Directory(location.clone()),
    }
}

/// What stands at the top under each name: what the site itself needs, else what everybody may fall back
/// on, else what most packages need.
fn top(manifest: &Manifest, packages: &[Package], known: &Known<'_>) -> BTreeMap<String, usize> {
    let mut top = packages[known[&("", "")]].needs.clone();
    for (name, dependency) in &manifest.fallback_pool {
        if let Some(target) = dependency.as_ref().map(|dependency| locator(name, dependency)) {
            top.entry(name.clone()).or_insert(known[&(&*target.name, &*target.reference)]);
        }
    }
    let mut wanted: BTreeMap<&str, BTreeMap<usize, usize>> = BTreeMap::new();
    for (name, target) in packages.iter().flat_map(|package| &package.needs) {
        *wanted.entry(name).or_default().entry(*target).or_default() += 1;
    }
    for (name, targets) in wanted {
        let most = targets.into_iter().max_by_key(|(target, count)| (*count, std::cmp::Reverse(*target)));
        if let Some((target, _)) = most {
            top.entry(name.to_owned()).or_insert(target);
        }
    }
    top
}

struct Places<'m> {
    manifest: &'m Manifest,
    root: AbsPath,
    /// What is in the `node_modules` of a directory.
    nested: FxHashMap<AbsPath, BTreeMap<String, usize>>,
    layout: Layout,
    /// Packages that have a place, whose needs have none yet: nearer ones first.
    ahead: VecDeque<usize>,
}

impl Places<'_> {
    fn fill(&mut self) {
        let mut own: Vec<usize> =
            (0..self.layout.packages.len()).filter(|index| self.layout.packages[*index].is_own).collect();
        own.sort_by_key(|index| self.layout.packages[*index].place.clone());
        self.ahead.extend(own);
        let root = self.root.clone();
        let top = self.nested[&root].clone();
        // By their own names first: under an alias only what has no place yet.
        let (by_name, by_alias): (Vec<_>, Vec<_>) = top.iter().partition(|(name, index)| {
            self.layout.packages[**index].locators.iter().any(|locator| locator.name == **name)
        });
        for (name, index) in by_name.into_iter().chain(by_alias) {
            self.put(&root, name, *index);
        }
        while let Some(index) = self.ahead.pop_front() {
            let package = &self.layout.packages[index];
            let Some(place) = package.place.clone() else { continue };
            let needs = package.needs.clone().into_iter().chain(self.shadowed(index, &place));
            for (name, target) in needs {
                if self.seen(&place, &name) != Some(target) {
                    self.nested.entry(place.clone()).or_default().insert(name.clone(), target);
                    self.put(&place, &name, target);
                }
            }
        }
    }

    /// Puts a package below a directory, or a link to where it is.
    fn put(&mut self, directory: &AbsPath, name: &str, index: usize) {
        let at = directory.child("node_modules").join(name);
        let package = &mut self.layout.packages[index];
        let source = match &package.place {
            Some(place) if place == directory => return,
            Some(place) => Source::Link(place.clone()),
            None => {
                package.place = Some(at.clone());
                self.ahead.push_back(index);
                package.source.clone()
            }
        };
        self.layout.mounts.insert(at, source);
    }

    /// What Node finds from a directory.
    fn seen(&self, from: &AbsPath, name: &str) -> Option<usize> {
        from.ancestors().find_map(|above| self.nested.get(&above)?.get(name).copied())
    }

    /// Names that a package does not declare, for which it would find another version on the way up than
    /// the one at the top that it may fall back on.
    fn shadowed(&self, index: usize, place: &AbsPath) -> Vec<(String, usize)> {
        let package = &self.layout.packages[index];
        let excluded = |locator: &PackageLocator| is_excluded_from_fallback(self.manifest, locator);
        if package.is_own || !self.manifest.enable_top_level_fallback || package.locators.iter().any(excluded) {
            return Vec::new();
        }
        let top = &self.nested[&self.root];
        let between = place.ancestors().skip(1).take_while(|above| *above != self.root);
        let names = between.filter_map(|above| self.nested.get(&above)).flat_map(BTreeMap::keys);
        let names: BTreeSet<&String> = names.collect();
        let undeclared = names.into_iter().filter(|name| !package.needs.contains_key(*name));
        undeclared.filter_map(|name| Some((name.clone(), *top.get(name)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A manifest of packages `p0`, `p1`, … in versions `npm:0`, …, and a workspace; what each needs by
    /// name and version.
    fn manifest(site: &[(u8, u8)], workspace: &[(u8, u8)], packages: &[Vec<(u8, u8)>], fallback: bool) -> Manifest {
        let needs = |needs: &[(u8, u8)]| -> Value {
            let needs: BTreeMap<String, String> =
                needs.iter().map(|(name, version)| (format!("p{name}"), format!("npm:{version}"))).collect();
            needs.into_iter().map(|(name, version)| json!([name, version])).collect()
        };
        let own = |at: &str, wanted| json!({"packageLocation": at, "packageDependencies": needs(wanted)});
        let mut registry = vec![
            json!([null, [[null, own("./", site)]]]),
            json!(["web", [["workspace:web", own("./web/", workspace)]]]),
        ];
        for name in 0..NAMES {
            let version = |version: u8| {
                let at = format!("./.yarn/cache/p{name}-{version}.zip/node_modules/p{name}/");
                // A package has itself, unless it needs another of its name.
                let itself = [&[(name, version)], &*packages[usize::from(name * VERSIONS + version)]].concat();
                json!([format!("npm:{version}"), {"packageLocation": at, "packageDependencies": needs(&itself)}])
            };
            registry.push(json!([format!("p{name}"), (0..VERSIONS).map(version).collect::<Value>()]));
        }
        let manifest = json!({
            "enableTopLevelFallback": fallback,
            "dependencyTreeRoots": [],
            "fallbackPool": [],
            "fallbackExclusionList": [["web", ["workspace:web"]]],
            "packageRegistryData": registry,
        });
        let mut manifest: Manifest = serde_json::from_value(manifest).unwrap();
        pnp::init_pnp_manifest(&mut manifest, "/site/.pnp.cjs".as_ref());
        manifest
    }

    const NAMES: u8 = 5;
    const VERSIONS: u8 = 3;

    /// Node's search (LOAD_NODE_MODULES) in what is mounted: the folder or archive that it ends in.
    fn found(layout: &Layout, from: &AbsPath, name: &str) -> Option<Source> {
        let place = from.ancestors().find_map(|above| {
            let at = above.child("node_modules").join(name);
            layout.mounts.contains_key(&at).then_some(at)
        })?;
        match &layout.mounts[&place] {
            Source::Link(target) => {
                Some(layout.mounts.get(target).cloned().unwrap_or_else(|| Source::Directory(target.clone())))
            }
            found => Some(found.clone()),
        }
    }

    fn wanted() -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::vec((0..NAMES, 0..VERSIONS), 0..4)
    }

    proptest! {
        #[test]
        fn node_finds_what_the_manifest_gives(
            site in wanted(),
            workspace in wanted(),
            packages in prop::collection::vec(wanted(), usize::from(NAMES * VERSIONS)),
            fallback: bool,
        ) {
            let manifest = manifest(&site, &workspace, &packages, fallback);
            let layout = lay_out(&manifest);
            for package in &layout.packages {
                let Some(place) = &package.place else { continue };
                for name in (0..NAMES).map(|name| format!("p{name}")) {
                    let asked = pnp::resolve_to_unqualified_via_manifest(
                        &manifest,
                        &name,
                        &manifest.package_registry_data[&package.locators[0].name][&package.locators[0].reference]
                            .package_location,
                    );
                    if let Ok(pnp::Resolution::Resolved(location, _)) = asked {
                        prop_assert_eq!(found(&layout, place, &name), Some(source(&AbsPath::of(location))));
                    }
                }
            }
            let places: Vec<_> = layout.mounts.values().filter(|source| !matches!(source, Source::Link(_))).collect();
            let once: std::collections::HashSet<String> = places.iter().map(|source| format!("{source:?}")).collect();
            prop_assert_eq!(once.len(), places.len(), "a package is there once");
        }
    }

    #[test]
    fn others_stand_below_the_first_that_needs_them() {
        let mut packages = vec![Vec::new(); usize::from(NAMES * VERSIONS)];
        packages[usize::from(VERSIONS)] = vec![(0, 1)]; // p1 needs another p0 than the site
        packages[usize::from(2 * VERSIONS)] = vec![(0, 1)]; // and so does p2
        let layout = lay_out(&manifest(&[(0, 0), (1, 0), (2, 0)], &[], &packages, true));
        let mounts: Vec<String> = layout
            .mounts
            .iter()
            .map(|(place, source)| match source {
                Source::Zip { file, .. } => format!("{place} is {}", file.name()),
                Source::Directory(folder) => format!("{place} is {folder}"),
                Source::Link(target) => format!("{place} -> {target}"),
            })
            .collect();
        assert_eq!(
            mounts,
            [
                "/site/node_modules/p0 is p0-0.zip",
                "/site/node_modules/p1 is p1-0.zip",
                "/site/node_modules/p1/node_modules/p0 is p0-1.zip",
                "/site/node_modules/p2 is p2-0.zip",
                "/site/node_modules/p2/node_modules/p0 -> /site/node_modules/p1/node_modules/p0",
                "/site/node_modules/p3 is p3-0.zip",
                "/site/node_modules/p4 is p4-0.zip",
            ]
        );
    }
}
