//! What Yarn says of an installation. In: `.pnp.cjs`, with its data in it or beside it. Out: the manifest,
//! in which every package that is named is there. Never runs it.

use pnp::{Manifest, PackageDependency, PackageLocator};

use crate::path::AbsPath;
use crate::store::Store;

/// Where the data is if not in the loader itself (`pnpEnableInlining: false`).
const DATA: &str = ".pnp.data.json";

/// Reads the manifest that goes with a loader.
///
/// # Errors
/// Where it cannot be understood, and why: a fragment.
pub(super) fn read(loader: &AbsPath, store: &Store) -> Result<Manifest, (AbsPath, String)> {
    let text = |path: &AbsPath| {
        let bytes = store.read_apart(path).map_err(|error| (path.clone(), error.reason()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (path, json) = match inlined(&text(loader)?) {
        Some(json) => (loader.clone(), json),
        None => {
            let data = loader.join("..").child(DATA);
            if !store.is_file(&data) {
                let why = format!("it has no data that can be read, and there is no {DATA} beside it");
                return Err((loader.clone(), why));
            }
            (data.clone(), text(&data)?)
        }
    };
    understood(&json, loader).map_err(|why| (path, why))
}

/// The data in the text of a loader: a string literal, in which what needs it has a backslash.
fn inlined(loader: &str) -> Option<String> {
    let after = |mark: &str| loader.split_once(mark).map(|(_, after)| after);
    let begins = |rest: &str| rest.trim_start().strip_prefix('\'').map(str::to_owned);
    let named = after("const RAW_RUNTIME_STATE").and_then(|rest| begins(rest.trim_start().strip_prefix('=')?));
    let literal = named.or_else(|| begins(after("hydrateRuntimeState(JSON.parse(")?))?;
    let mut json = String::with_capacity(literal.len());
    let mut letters = literal.chars();
    loop {
        match letters.next()? {
            '\'' => return Some(json),
            '\\' => json.push(letters.next()?),
            letter => json.push(letter),
        }
    }
}

fn understood(json: &str, loader: &AbsPath) -> Result<Manifest, String> {
    let mut manifest: Manifest =
        serde_json::from_str(json).map_err(|error| format!("not a manifest that fnzip knows: {error}"))?;
    let is_there = |name: &str, reference: &str| {
        manifest.package_registry_data.get(name).is_some_and(|versions| versions.contains_key(reference))
    };
    // The crate takes it for granted, and stops the program where it is not so.
    if !is_there("", "") {
        return Err("not a manifest that fnzip knows: it has no top-level package".into());
    }
    let packages = manifest.package_registry_data.values().flat_map(|versions| versions.values());
    let named = packages.flat_map(|package| &package.package_dependencies).chain(&manifest.fallback_pool);
    for (name, dependency) in named {
        let Some(locator) = dependency.as_ref().map(|dependency| locator(name, dependency)) else { continue };
        if !is_there(&locator.name, &locator.reference) {
            return Err(format!("not a manifest that fnzip knows: it has no `{}@{}`", locator.name, locator.reference));
        }
    }
    pnp::init_pnp_manifest(&mut manifest, loader);
    Ok(manifest)
}

/// Which package a dependency is.
pub(super) fn locator(name: &str, dependency: &PackageDependency) -> PackageLocator {
    match dependency {
        PackageDependency::Reference(reference) => {
            PackageLocator { name: name.to_owned(), reference: reference.clone() }
        }
        PackageDependency::Alias(name, reference) => {
            PackageLocator { name: name.clone(), reference: reference.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_found_in_the_loader() {
        for (loader, expected) in [
            ("const RAW_RUNTIME_STATE =\n'{\\\n  \"a\": \"it\\'s \\\\n\"\\\n}';", Some("{\n  \"a\": \"it's \\n\"\n}")),
            ("  return hydrateRuntimeState(JSON.parse('{}'), {basePath});", Some("{}")),
            ("hydrateRuntimeState(JSON.parse(fs.readFileSync(path, 'utf8')), {})", None),
            ("const RAW_RUNTIME_STATE = '{", None),
            ("const RAW_RUNTIME_STATE = '\\", None),
            ("", None),
        ] {
            assert_eq!(inlined(loader).as_deref(), expected, "{loader}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let top = r#"[null,[[null,{"packageLocation":"./","packageDependencies":[["a","npm:1"]]}]]]"#;
        let manifest = |registry: &str| {
            format!(
                r#"{{"enableTopLevelFallback":true,"dependencyTreeRoots":[],"fallbackPool":[],
                    "fallbackExclusionList":[],"packageRegistryData":[{registry}]}}"#
            )
        };
        let a = r#"["a",[["npm:1",{"packageLocation":"./a/","packageDependencies":[]}]]]"#;
        let loader = AbsPath::of("/site/.pnp.cjs");
        let why = |json: &str| understood(json, &loader).map(|_| ()).unwrap_err();
        assert!(understood(&manifest(&format!("{top},{a}")), &loader).is_ok());
        assert!(why(&manifest(top)).contains("it has no `a@npm:1`"));
        assert!(why(&manifest(a)).contains("no top-level package"));
        assert!(why("{\"version\":7}").contains("missing field"));
        assert!(why("[").starts_with("not a manifest that fnzip knows: "));
    }
}
