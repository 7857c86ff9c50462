//! Native binaries that no request was seen for. In: a walk that has come to its end. Out: of packages that
//! look for a binary in a way that could not be worked out, the one that was installed for the target, or a
//! warning if there is none (spec: tracing.md section 6). Never adds to what a package has brought by itself.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{How, Walk};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::addons::{install, package_name as package_of, prebuilt};
use crate::js::assets::{is_left_behind, package_root};
use crate::js::binary::is_binary;
use crate::js::graph::{self, Said};
use crate::js::package::{LOADERS, Package, package_name};
use crate::path::AbsPath;

/// A package that looks for a binary.
struct Seeker<'a> {
    root: &'a AbsPath,
    /// Its modules that were reached, in order.
    modules: &'a BTreeSet<AbsPath>,
    /// One that asks for a loader of native addons.
    loading: Option<&'a AbsPath>,
    /// It catches a failure.
    guarded: bool,
}

fn may_have_binary(said: &Said) -> bool {
    let may = |package: &Package| package.is_native || package.is_for_platforms() || !package.optional.is_empty();
    said.as_ref().as_ref().is_ok_and(may)
}

impl Walk<'_> {
    /// Takes the binaries of packages that were not settled yet; true if there may be more to walk.
    pub(super) fn add_unasked_binaries(&mut self) -> bool {
        if !self.options.analysis || self.options.depth.is_some() {
            return false;
        }
        let reached = self.reached.keys().chain(self.inlined.keys()).filter(|path| !is_binary(path));
        let mut packages: FxHashMap<AbsPath, Vec<&AbsPath>> = FxHashMap::default();
        for path in reached {
            if let Some(root) = package_root(path).filter(|root| !self.settled.contains(root)) {
                packages.entry(root).or_default().push(path);
            }
        }
        let seeking =
            packages.iter().filter(|(root, _)| may_have_binary(&self.graph.package(&root.child("package.json"))));
        let seeking: BTreeMap<AbsPath, BTreeSet<AbsPath>> =
            seeking.map(|(root, modules)| (root.clone(), modules.iter().copied().cloned().collect())).collect();
        let roots: Vec<AbsPath> = packages.into_keys().collect();
        self.settled.extend(roots);
        let is_addon = |path: &&AbsPath| path.extension() == "node";
        let served = self.files.keys().filter(is_addon).filter_map(package_root).collect();
        for (root, modules) in &seeking {
            let said = self.graph.package(&root.child("package.json"));
            if let Ok(package) = said.as_ref() {
                self.add_binary_of(root, modules, package, &served);
            }
        }
        !self.ahead.is_empty()
    }

    fn add_binary_of(
        &mut self,
        root: &AbsPath,
        modules: &BTreeSet<AbsPath>,
        package: &Package,
        served: &BTreeSet<AbsPath>,
    ) {
        let is_for_platforms = package.is_for_platforms();
        // What a loader picks, or does not find, is known.
        let is_known = |module: &AbsPath| {
            let module = self.graph.module(module);
            let mut named = module.named.iter();
            !module.missing_addons.is_empty() || named.any(|(how, ..)| matches!(how, graph::How::Addon { .. }))
        };
        if served.contains(root) || modules.iter().any(is_known) {
            return;
        }
        let asks_loader = |module: &AbsPath, also_guarded: bool| {
            let edges = &self.graph.module(module).edges;
            let requests = edges.iter().map(|edge| &edge.request).filter(|request| also_guarded || !request.guarded);
            let mut names = requests.filter_map(|request| package_name(&request.specifier));
            names.any(|(name, _)| LOADERS.contains(&name))
        };
        let loading = modules.iter().find(|module| asks_loader(module, true));
        let guarded = loading.is_some_and(|module| !asks_loader(module, false));
        let seeker = Seeker { root, modules, loading, guarded };
        if is_for_platforms {
            self.take_platform_package(root, modules.first());
        } else if !self.add_prebuilt(&seeker, package) {
            self.add_platform_packages(&seeker, package, served);
        }
    }

    /// True if there are `prebuilds`: then there are no other packages that have them.
    fn add_prebuilt(&mut self, seeker: &Seeker<'_>, package: &Package) -> bool {
        let store = self.graph.store();
        let may_have = package.is_native || seeker.loading.is_some();
        if !may_have || !store.is_dir(&seeker.root.child("prebuilds")) {
            return false;
        }
        let importer = seeker.loading.or_else(|| seeker.modules.first());
        let binary = prebuilt(seeker.root, self.graph.target(), store).and_then(|path| self.graph.real(&path).ok());
        match (binary, importer) {
            // Without a loader nobody knows that it is loaded.
            (Some(binary), Some(importer)) => {
                self.take_binary(importer, seeker.guarded || seeker.loading.is_none(), false, How::Rule, &binary);
            }
            (None, _) if !seeker.guarded => self.without_binary.extend(seeker.loading.cloned()),
            (None, _) | (Some(_), None) => {}
        }
        true
    }

    /// The installed `optionalDependencies` that hold a binary, one for each platform.
    fn add_platform_packages(&mut self, seeker: &Seeker<'_>, package: &Package, served: &BTreeSet<AbsPath>) {
        let target = self.graph.target();
        let platform = [target.system(), target.arch(), target.libc()];
        let (mut fitting, mut is_installed_for_others) = (Vec::new(), false);
        let mut asking = None;
        let mut is_meant_for_target = false;
        for name in &package.optional {
            is_meant_for_target |= name.contains(&target.name());
            let Some(installed) = self.installed(name, seeker.root) else { continue };
            let said = self.graph.package(&installed.child("package.json"));
            let Some(found) = said.as_ref().as_ref().ok().filter(|found| found.is_for_platforms()) else { continue };
            let by = seeker.loading.or_else(|| self.names_family(seeker, name, &found.platforms[0]));
            if by.is_none() || self.graph.files_of(&installed, &|file| file.ends_with(".node")).is_empty() {
                continue;
            }
            asking = asking.or_else(|| by.cloned());
            if found.is_for(platform) {
                fitting.push(installed);
            } else {
                is_installed_for_others = true;
            }
        }
        if fitting.iter().any(|root| self.graph.real(root).is_ok_and(|real| served.contains(&real.path))) {
            return;
        }
        for installed in &fitting {
            self.take_platform_package(installed, asking.as_ref());
        }
        let is_without = fitting.is_empty() && is_meant_for_target && !self.has_other_code(package, seeker.root);
        if is_without && !seeker.guarded && (is_installed_for_others || seeker.loading.is_some()) {
            self.without_binary.extend(asking.or_else(|| seeker.loading.cloned()));
        }
    }

    /// The module that names the packages of a family by what they have in common: `@scope/name-` of
    /// `@scope/name-linux-x64-gnu`. What lists such a package and never asks for it needs none of them.
    fn names_family<'s>(&self, seeker: &Seeker<'s>, name: &str, systems: &[String]) -> Option<&'s AbsPath> {
        let known = systems.iter().find_map(|system| name.find(&**system)).map_or(name, |at| &name[..at]);
        let is_asking = |module: &&AbsPath| {
            let source = self.graph.store().read(module).ok();
            source.is_some_and(|source| memchr::memmem::find(&source, known.as_bytes()).is_some())
        };
        seeker.modules.iter().find(is_asking)
    }

    /// Does WebAssembly stand in for the binary?
    fn has_other_code(&self, package: &Package, root: &AbsPath) -> bool {
        let is_wasm = |name: &&String| name.contains("wasm");
        package.optional.iter().filter(is_wasm).any(|name| self.installed(name, root).is_some())
    }

    /// The package of this name that a file or a package sees.
    pub(super) fn installed(&self, name: &str, from: &AbsPath) -> Option<AbsPath> {
        let modules = from.ancestors().filter(|above| above.name() != "node_modules");
        let mut places = modules.map(|above| above.child("node_modules").join(name));
        places.find(|place| place.starts_with(self.graph.top()) && self.graph.store().is_dir(place))
    }

    fn take_platform_package(&mut self, root: &AbsPath, importer: Option<&AbsPath>) {
        let Some(importer) = importer else { return };
        let files = self.graph.files_of(root, &|file| !file.rsplit('/').next().is_some_and(is_left_behind));
        if !files.iter().any(|file| file.path.extension() == "node") {
            return;
        }
        for file in &files {
            self.take(importer, graph::How::Rule, true, file, 0);
        }
    }

    /// Warns of packages that have no binary for the target, but where a failure is caught.
    pub(super) fn report_without_binary(&mut self, starts: &[AbsPath]) {
        if self.without_binary.is_empty() {
            return;
        }
        let uncaught = self.reached_by(starts, |request| !request.guarded);
        for importer in std::mem::take(&mut self.without_binary) {
            let is_told = |said: &Diagnostic| said.code == Code::Addon && said.path.as_ref() == Some(&importer);
            let Some(name) = package_of(&importer).filter(|_| uncaught.contains(&importer)) else { continue };
            if self.found.diagnostics.iter().any(is_told) {
                continue;
            }
            let target = self.graph.target();
            let message = format!("`{name}` has no binary for {}, and may not load", target.name());
            let hint = format!("install it with {}", install(&name, target, self.graph.is_pnp()));
            let mut said = Diagnostic::new(Severity::Warning, Code::Addon, message).at(&importer).hint(hint);
            said.chain = self.chain_to(&importer);
            self.found.diagnostics.push(said);
        }
    }
}
