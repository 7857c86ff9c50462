//! Packages that Netlify installs for functions because of the site's build plugins, in
//! `.netlify/plugins/node_modules`, where Node would not look (spec: peer-behaviour.md "Node modules").
//! In: a package that is not found otherwise. Out: where it is; the archive gets a link to it in the
//! `node_modules` at its root, where Node finds it. Never resolves into the package.

use crate::path::AbsPath;
use crate::store::Store;

/// A package of a plugin that functions see as one of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The directory from which it is resolved.
    pub plugins: AbsPath,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub package: AbsPath,
}

const PLUGINS: &str = ".netlify/plugins";

/// The mount of a package for a file in `directory`, in the closest directory that has plugins, not
/// above `top`. What is itself below such a directory needs none.
pub fn mount(package: &str, directory: &AbsPath, top: &AbsPath, store: &Store) -> Option<Mount> {
    let mut above = directory.ancestors().take_while(|above| above.starts_with(top)).map(|site| site.join(PLUGINS));
    let plugins = above.find(|plugins| store.is_dir(&plugins.child("node_modules")))?;
    let found = plugins.child("node_modules").join(package);
    if directory.starts_with(&plugins) || !store.is_dir(&found) {
        return None;
    }
    Some(Mount { name: package.to_owned(), plugins, package: found })
}
