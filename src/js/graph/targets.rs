//! Where requests lead. In: a request and the module that makes it, or might. Out: files by their real paths.
//! Never says whether they ship.

use std::sync::Arc;

use super::Graph;
use crate::js::assets::package_root;
use crate::js::plugins::Mount;
use crate::js::resolve::{Resolution, Unresolved};
use crate::js::scan::{Form, Request};
use crate::path::AbsPath;
use crate::store::Real;

/// Where a request leads, links followed.
#[derive(Debug, Clone)]
pub struct Targets {
    /// The modules, what Node loads first; of the others none that is for another platform.
    pub modules: Vec<Real>,
    /// The `package.json` files that decided.
    pub package_jsons: Vec<Real>,
    /// Node itself refuses the specifier.
    pub lenient: bool,
    /// Node does not know what stands for the specifier.
    pub mapped: bool,
    /// The first module is for who can `require()` ES modules.
    pub synced: bool,
    /// It is a package of a build plugin.
    pub mount: Option<Mount>,
    /// The package of the first module is one that npm would install for the target.
    pub fits: bool,
}

/// What a request asks for, if it is one that the module does not make itself.
pub(super) type Asked = (String, Form);

impl Graph {
    /// Where a request leads, whether the module makes it or not.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub fn targets_of(&self, importer: &AbsPath, request: &Request) -> Result<Targets, Unresolved> {
        let module = self.module(importer);
        let known = module.edges.iter().find(|edge| edge.request == *request);
        known.map_or_else(|| self.ask(request, importer), |edge| edge.outcome.clone())
    }

    /// Where a request of a module would lead if it were made in this form, from where the module stands.
    pub fn targets_as(&self, importer: &AbsPath, request: &Request, form: Form) -> Arc<Result<Targets, Unresolved>> {
        let key = (importer.clone(), (request.specifier.clone(), form));
        if let Some(known) = self.known.asked.get(&key) {
            return known.clone();
        }
        let found = Arc::new(self.targets_of(importer, &Request { form, ..request.clone() }));
        self.known.asked.entry(key).or_insert(found).clone()
    }

    pub(super) fn ask(&self, request: &Request, importer: &AbsPath) -> Result<Targets, Unresolved> {
        let resolution = self.known.resolver.resolve(request, importer, &self.files.working_directory)?;
        self.targets(&resolution)
    }

    fn targets(&self, resolution: &Resolution) -> Result<Targets, Unresolved> {
        let real =
            |path: &AbsPath| self.store().real(path).map_err(|error| Unresolved::Link(path.clone(), error.reason()));
        let mut modules: Vec<Real> = resolution.files.iter().map(real).collect::<Result<_, _>>()?;
        let fits = modules.first().is_none_or(|first| self.is_for_target(&first.path));
        let mut at = 0;
        modules.retain(|other| {
            at += 1;
            at == 1 || self.is_for_target(&other.path)
        });
        Ok(Targets {
            modules,
            package_jsons: resolution.package_jsons.iter().map(real).collect::<Result<_, _>>()?,
            lenient: resolution.lenient,
            mapped: resolution.mapped,
            synced: resolution.synced,
            mount: resolution.mount.clone(),
            fits,
        })
    }

    /// Is the package of a file one that npm would install for the target?
    pub fn is_for_target(&self, file: &AbsPath) -> bool {
        let Some(root) = package_root(file) else { return true };
        let package = self.package(&root.child("package.json"));
        let target = self.target();
        let platform = [target.system(), target.arch(), target.libc()];
        package.as_ref().as_ref().map_or(true, |package| package.is_for(platform))
    }
}
