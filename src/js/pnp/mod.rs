//! Yarn Plug'n'Play: packages in zip archives, and a manifest that says who may use which. In: where a
//! site is. Out: a view of the files in which every package stands in a `node_modules`, as it will in the
//! archive, since the platform knows nothing of Plug'n'Play; and what the manifest refuses, though Node
//! would find it there. The algorithm is that of <https://yarnpkg.com/advanced/pnp-spec>, by Yarn's own
//! crate.

mod layout;
mod manifest;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pnp::{Error, Manifest, PackageLocator, find_locator, resolve_to_unqualified_via_manifest};

use self::layout::{Layout, Package, lay_out};
use super::package::package_name;
use crate::diagnostic::{Code, Diagnostic};
use crate::fs::mounted::Mounted;
use crate::path::AbsPath;
use crate::store::Store;

/// What Yarn writes; where there is none, there is no Plug'n'Play.
pub const LOADER: &str = ".pnp.cjs";

/// An installation.
pub struct Pnp {
    manifest: Manifest,
    packages: Vec<Package>,
    /// Who asks, by the place of its package.
    issuers: BTreeMap<AbsPath, usize>,
    view: Arc<Mounted>,
}

/// Why a package is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A fragment.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The installation that a directory is in, not above `top`. The store shows its packages from then on.
///
/// # Errors
/// There is one, but it cannot be understood.
pub fn find(directory: &AbsPath, top: &AbsPath, store: &Store) -> Result<Option<Arc<Pnp>>, Diagnostic> {
    let mut above = directory.ancestors().take_while(|above| above.starts_with(top)).map(|above| above.child(LOADER));
    let Some(loader) = above.find(|loader| store.is_file(loader)) else { return Ok(None) };
    let manifest = manifest::read(&loader, store).map_err(|(path, why)| {
        let message = format!("Yarn PnP: {why}");
        Diagnostic::error(Code::Configuration, message).at(&path).hint("run `yarn install`")
    })?;
    let Layout { packages, mounts } = lay_out(&manifest);
    let view = Arc::new(Mounted::new(store.file_system(), mounts));
    store.see_through(view.clone());
    let asking = packages.iter().enumerate().filter(|(_, package)| package.is_issuer);
    let issuers = asking.filter_map(|(index, package)| Some((package.place.clone()?, index))).collect();
    Ok(Some(Arc::new(Pnp { manifest, packages, issuers, view })))
}

impl Pnp {
    /// Why a file in `directory` does not get the package that it asks for, be it that Node finds it
    /// at `found`: the manifest does not give it, or what it gives is not there.
    pub fn refusal(&self, specifier: &str, directory: &AbsPath, found: Option<&Path>) -> Option<Refusal> {
        let (name, _) = package_name(specifier)?;
        let issuer = self.issuer(directory)?;
        // What a package brings in a `node_modules` of its own is not the manifest's business.
        if found.and_then(|found| self.view.package_of(found)).is_some_and(|at| issuer.place.as_ref() == Some(at)) {
            return None;
        }
        let answers = issuer.locators.iter().filter_map(|locator| self.ask(name, locator));
        let (why, hint) = match answers.reduce(Result::or)? {
            Ok(()) => (self.trouble(name, directory)?, "run `yarn install`".to_owned()),
            Err(error) => issuer.refused(name, &error),
        };
        Some(Refusal { message: format!("Cannot find module '{specifier}': {why}"), hint })
    }

    /// What is wrong with a package that somebody in `directory` may have.
    fn trouble(&self, name: &str, directory: &AbsPath) -> Option<String> {
        let mut places = directory.ancestors().map(|above| above.child("node_modules").join(name));
        self.view.trouble(&places.find(|place| self.view.holds(place))?)
    }

    /// The package that a directory is of; none where the manifest is not for it.
    fn issuer(&self, directory: &AbsPath) -> Option<&Package> {
        let (_, index) = directory.ancestors().find_map(|above| self.issuers.get_key_value(&above))?;
        let package = &self.packages[*index];
        // Only folders of the user's are as they are on the disk, where the manifest's pattern is for.
        let is_ignored = package.is_own && find_locator(&self.manifest, directory).is_none();
        (!is_ignored).then_some(package)
    }

    /// What the manifest says of one name, for one face of a package; none if it does not care.
    fn ask(&self, name: &str, issuer: &PackageLocator) -> Option<Result<(), Error>> {
        let found = self.manifest.package_registry_data.get(&issuer.name)?.get(&issuer.reference)?;
        let answer = resolve_to_unqualified_via_manifest(&self.manifest, name, &found.package_location);
        Some(answer.map(|_| ()))
    }
}

impl Package {
    /// Why it does not get a package, and what helps.
    fn refused(&self, wanted: &str, error: &Error) -> (String, String) {
        // The site itself may have no name.
        let name = self.locators.iter().map(|locator| locator.name.as_str()).find(|name| !name.is_empty());
        let who = name.map_or("the site".into(), |name| format!("`{name}`"));
        let install = format!("install it (`yarn add {wanted}`)");
        match error {
            Error::MissingPeerDependency(_) => {
                (format!("it is a peer dependency of {who} that nobody provides"), install)
            }
            _ if self.is_own => (format!("{who} does not declare it"), install),
            _ => {
                let hint = format!("declare it for {who} under `packageExtensions` in .yarnrc.yml");
                (format!("{who} does not declare it"), hint)
            }
        }
    }
}
