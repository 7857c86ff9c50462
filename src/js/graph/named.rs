//! The files that a module needs without a request that can be resolved: those that it names, those that
//! a loader of addons picks, those of a rule. In: a scan. Out: they are added to the module, with what is
//! not clear. Never reads them.

use std::sync::Arc;

use super::{Doubt, Edge, Files, Graph, How, MissingAddon, Module, Need};
use crate::diagnostic::Span;
use crate::glob::GlobList;
use crate::js::addons;
use crate::js::assets::{Ground, Named, package_root};
use crate::js::scan::{Anchor, Anchored, Form, Request, Scan, UNKNOWN, Unknown};
use crate::path::AbsPath;
use crate::store::{FileError, Real};

impl Graph {
    /// The files that a module names, and what of them is not clear.
    pub(super) fn add_named(
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
        let (target, is_pnp) = (self.target(), self.is_pnp());
        let ground = Ground { store, top, working_directory, target, is_pnp, file: path, module: &found };
        let assets = scan
            .assets
            .iter()
            .filter(|asset| self.holds(&asset.only_on))
            .map(|asset| (How::Path, ground.asset(asset), asset.at, of_package(&asset.paths)));
        let patterns = scan
            .patterns
            .iter()
            .filter(|asked| self.holds(&asked.only_on))
            .map(|asked| (How::Pattern(asked.form), ground.pattern(asked), asked.at, Need::OfPackage));
        let mut doubts = Vec::new();
        for (how, named, at, need) in assets.chain(patterns) {
            doubts
                .extend(named.refused.map(|why| (format!("{why}: name what is needed in `included_files`"), need, at)));
            if !named.files.is_empty() {
                module.named.push((how, named, at));
            }
        }
        let mut missing = Vec::new();
        for addon in scan.addons.iter().filter(|addon| self.holds(&addon.only_on)) {
            match addons::pick(addon, &ground, self.target()) {
                Ok(files) => {
                    let files = files.iter().filter_map(|file| store.real(file).ok()).collect();
                    let how = How::Addon { guarded: addon.guarded };
                    module.named.push((how, Named { files, ..Named::default() }, addon.at));
                }
                Err(none) => missing.push((none, addon.guarded, addon.at)),
            }
        }
        doubts.extend(scan.unclear.iter().map(|unclear| (in_words(&unclear.what), need(&unclear.what), unclear.at)));
        module.edges = edges;
        if doubts.is_empty() && missing.is_empty() {
            return;
        }
        let source = read().unwrap_or_default();
        let source = String::from_utf8_lossy(&source);
        let place = |(message, need, (start, end)): (String, Need, (u32, u32))| Doubt {
            message,
            need,
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

    /// What the rules of its package say that the module needs besides.
    pub(super) fn add_by_rule(
        &self,
        module: &mut Module,
        path: &AbsPath,
        read: &dyn Fn() -> Result<Arc<[u8]>, FileError>,
    ) {
        let (Some(root), Some(package)) = (package_root(path), addons::package_name(path)) else { return };
        let here = path.relative_to(&root);
        for needs in self.files.rules.of(&package, &here) {
            if !needs.files.is_empty() {
                let files = self.files_of(&root, &|file| needs.files.matches(file));
                module.named.push((How::Rule, Named { files, is_choice: true, refused: None }, (0, 0)));
            }
            for name in needs.packages {
                if name.contains('*') {
                    let files =
                        self.installed(name, &root).iter().flat_map(|root| self.files_of(root, &|_| true)).collect();
                    module.named.push((How::Rule, Named { files, is_choice: true, refused: None }, (0, 0)));
                    continue;
                }
                let request = Request { eager: false, guarded: true, ..Request::plain(name, Form::Require) };
                let edge = self.edge(&request, path, read);
                // What is not installed is not meant.
                if edge.outcome.is_ok() {
                    module.edges.push(edge);
                }
            }
        }
    }

    /// The files of a package that are meant, by their path in it.
    pub(in crate::js) fn files_of(&self, root: &AbsPath, is_meant: &dyn Fn(&str) -> bool) -> Vec<Real> {
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
}

/// What is in the working directory is the site's.
fn of_package(paths: &[Anchored]) -> Need {
    let is_sites = paths.iter().all(|path| path.anchor == Anchor::WorkingDirectory);
    if is_sites { Need::Nothing } else { Need::OfPackage }
}

/// A question after a file that is never read needs none.
fn need(unknown: &Unknown) -> Need {
    match unknown {
        Unknown::File(function) => {
            let name = function.rsplit('.').next().unwrap_or_default().trim_end_matches("Sync");
            let asks = matches!(name, "access" | "exists" | "lstat" | "pathExists" | "realpath" | "stat");
            if asks { Need::Nothing } else { Need::AnyPath }
        }
        Unknown::Directory(_) => Need::AnyPath,
        Unknown::Package(_) => Need::OfPackage,
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
