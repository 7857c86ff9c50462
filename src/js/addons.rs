//! Native addons that a loader picks at run time. In: a call of a loader, and where the file stands. Out:
//! the binary that it loads on the target, or what is missing (spec: tracing.md section 6). Each
//! loader's order is its own documentation's.

use serde_json::Value;

use super::assets::{Ground, package_root};
use super::binary::Target;
use super::package::package_at;
use super::scan::{Addon, Anchored, Loader, UNKNOWN};
use crate::path::AbsPath;
use crate::store::Store;

/// Where `bindings` looks, from the package's root, in its order.
const BINDINGS: [&str; 11] = [
    "",
    "build",
    "build/Debug",
    "build/Release",
    "out/Debug",
    "Debug",
    "out/Release",
    "Release",
    "build/default",
    "addon-build/release/install-root",
    "addon-build/default/install-root",
];

/// An addon that is not there.
pub(super) struct Missing {
    /// A fragment.
    pub(super) message: String,
    /// The file that is looked for, if it has one name.
    pub(super) file: Option<String>,
}

/// What the loader picks.
///
/// # Errors
/// There is none.
pub(super) fn pick(addon: &Addon, ground: &Ground<'_>, target: Target) -> Result<Vec<AbsPath>, Missing> {
    let store = ground.store;
    let one = |path: AbsPath| vec![path];
    match &addon.loader {
        Loader::Bindings(name) => {
            bindings(name, &root(ground), store).map(one).ok_or_else(|| missing(name, ground, target))
        }
        Loader::Nbind(directory) => {
            let Some(directory) = ground.path(directory) else { return Ok(Vec::new()) };
            bindings("nbind.node", &directory, store).map(one).ok_or_else(|| missing("nbind.node", ground, target))
        }
        Loader::GypBuild { directory, in_packages } => {
            let Some(directory) = ground.path(directory) else { return Ok(Vec::new()) };
            let own = gyp_build(&directory, target, store).map(one);
            let other = || in_packages.then(|| of_own_package(&directory, target, store)).flatten();
            own.or_else(other).ok_or_else(|| no_binary(ground, target))
        }
        Loader::PreGyp(package_json) => {
            let Some(package_json) = ground.path(package_json) else { return Ok(Vec::new()) };
            pre_gyp(&package_json, target, store).map(one).ok_or_else(|| no_binary(ground, target))
        }
    }
}

fn no_binary(ground: &Ground<'_>, target: Target) -> Missing {
    let name = name(ground);
    let message = format!(
        "`{name}` has no binary for {}: install it with {}",
        target.name(),
        install(&name, target, ground.is_pnp)
    );
    Missing { message, file: None }
}

/// What installs a package for the target: npm, or Yarn where it installs all by Plug'n'Play.
pub(super) fn install(package: &str, target: Target, is_pnp: bool) -> String {
    if is_pnp {
        return format!("`yarn install`, and `supportedArchitectures: {}` in .yarnrc.yml", target.yarn_setting());
    }
    format!("`npm install {} {package}`", target.npm_flags())
}

/// The package that a file is of, by its place; the site's own has none.
pub fn package_name(file: &AbsPath) -> Option<String> {
    file.to_str().and_then(package_at).map(str::to_owned)
}

fn missing(addon: &str, ground: &Ground<'_>, target: Target) -> Missing {
    let file = with_extension(addon);
    let name = name(ground);
    let message = format!(
        "Cannot find the addon `{file}` of `{name}`: install it with {}",
        install(&name, target, ground.is_pnp)
    );
    Missing { message, file: Some(file) }
}

fn name(ground: &Ground<'_>) -> String {
    package_name(ground.file).unwrap_or_else(|| root(ground).name().to_owned())
}

/// The package's root; of the site's own files, the nearest package.json's.
fn root(ground: &Ground<'_>) -> AbsPath {
    let directory = ground.file.parent().unwrap_or_else(|| ground.file.clone());
    let nearest = || ground.store.nearest_package_json(&directory, ground.top)?.parent();
    package_root(ground.file).or_else(nearest).unwrap_or(directory)
}

fn with_extension(name: &str) -> String {
    if name.ends_with(".node") { name.to_owned() } else { format!("{name}.node") }
}

fn bindings(name: &str, root: &AbsPath, store: &Store) -> Option<AbsPath> {
    let file = with_extension(name);
    BINDINGS.iter().map(|directory| root.join(directory).join(&file)).find(|path| store.is_file(path))
}

/// node-gyp-build: what was built here, else the best of `prebuilds`.
fn gyp_build(directory: &AbsPath, target: Target, store: &Store) -> Option<AbsPath> {
    let any = |directory: AbsPath| {
        let mut addons = addons_in(&directory, store).into_iter();
        addons.next().map(|name| directory.child(name))
    };
    let built = ["build/Release", "build/Debug"].into_iter().find_map(|path| any(directory.join(path)));
    built.or_else(|| prebuilt(directory, target, store))
}

/// The best of a package's `prebuilds`.
pub(super) fn prebuilt(directory: &AbsPath, target: Target, store: &Store) -> Option<AbsPath> {
    let prebuilds = directory.child("prebuilds");
    let names = store.read_dir(&prebuilds).ok()?;
    let names = names.iter().filter_map(|name| name.to_str());
    let mut fitting: Vec<&str> = names.filter(|name| fits_tuple(name, target)).collect();
    // The fewer architectures, the better.
    fitting.sort_by_key(|name| name.matches('+').count());
    best(&prebuilds.child(fitting.first()?), target, store)
}

/// The addons of a directory, by name.
fn addons_in(directory: &AbsPath, store: &Store) -> Vec<String> {
    let names = store.read_dir(directory).ok();
    let names = names.iter().flat_map(|names| names.iter()).filter_map(|name| name.to_str());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".node")).map(str::to_owned).collect();
    names.sort();
    names
}

/// `linux-x64`, `linux-x64+arm64`.
fn fits_tuple(name: &str, target: Target) -> bool {
    let named = name.split_once('-').filter(|(system, _)| *system == target.system());
    named.is_some_and(|(_, archs)| archs.split('+').any(|arch| arch == target.arch()))
}

/// The best by its tags: `node.abi127.glibc.node`, `node.napi.armv8.node`.
fn best(directory: &AbsPath, target: Target, store: &Store) -> Option<AbsPath> {
    let abi = format!("abi{}", target.abi());
    let rank = |name: &String| {
        let tags: Vec<&str> = name.trim_end_matches(".node").split('.').collect();
        let has = |tag: &str| tags.contains(&tag);
        let other_abi = tags.iter().any(|tag| tag.starts_with("abi") && *tag != abi && tag[3..].parse::<u32>().is_ok());
        let other_runtime = has("electron") || has("node-webkit");
        let other_arm = tags.iter().any(|tag| tag.starts_with("armv") && *tag != "armv8");
        let other_libc = has("musl") != (target.libc() == "musl") && (has("musl") || has("glibc"));
        let fits = !other_runtime && !other_libc && (!other_abi || has("napi")) && !other_arm;
        fits.then(|| (has("node"), has(&abi), tags.len()))
    };
    let names = addons_in(directory, store).into_iter();
    let (_, name) = names.filter_map(|name| Some((rank(&name)?, name))).max_by(|one, other| one.0.cmp(&other.0))?;
    Some(directory.child(name))
}

/// node-gyp-build-optional-packages: the target's binary is a package of its own.
fn of_own_package(directory: &AbsPath, target: Target, store: &Store) -> Option<Vec<AbsPath>> {
    let package: Value = serde_json::from_slice(&store.read(&directory.child("package.json")).ok()?).ok()?;
    let name = package.get("name")?.as_str()?;
    let scoped = if name.starts_with('@') { name.to_owned() } else { format!("@{name}/{name}") };
    let wanted = format!("{scoped}-{}", target.name());
    let mut places = directory.ancestors().map(|above| above.join("node_modules").join(&wanted));
    let package = places.find(|package| store.is_dir(package))?;
    // The package is resolved, and then looked into.
    let beside = ["package.json", "index.js"].map(|name| package.child(name)).into_iter();
    let binary = best(&package, target, store)?;
    Some(beside.filter(|path| store.is_file(path)).chain([binary]).collect())
}

/// node-pre-gyp: the path that the package.json's `binary` makes.
fn pre_gyp(package_json: &AbsPath, target: Target, store: &Store) -> Option<AbsPath> {
    let package: Value = serde_json::from_slice(&store.read(package_json).ok()?).ok()?;
    let binary = package.get("binary")?;
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = text(&package, "version");
    let mut numbers = version.split(['.', '-', '+']);
    let module = text(binary, "module_name");
    let abi = format!("node-v{}", target.abi());
    // The newest that Node has; all that functions run on have 8.
    let versions = binary.get("napi_versions").and_then(Value::as_array).into_iter().flatten();
    let napi = versions.filter_map(Value::as_u64).filter(|version| *version <= 9).max();
    let values = [
        ("name", text(&package, "name")),
        ("version", version.clone()),
        ("major", numbers.next().unwrap_or_default().to_owned()),
        ("minor", numbers.next().unwrap_or_default().to_owned()),
        ("patch", numbers.next().unwrap_or_default().to_owned()),
        ("module_name", module.clone()),
        ("configuration", "Release".into()),
        ("node_abi", abi.clone()),
        ("node_napi_label", napi.map_or_else(|| abi.clone(), |napi| format!("napi-v{napi}"))),
        ("napi_build_version", napi.map(|napi| napi.to_string()).unwrap_or_default()),
        ("platform", target.system().to_owned()),
        ("arch", target.arch().to_owned()),
        ("target_arch", target.arch().to_owned()),
        ("libc", target.libc().to_owned()),
        ("runtime", "node".into()),
        ("toolset", String::new()),
    ];
    let path = values
        .iter()
        .fold(text(binary, "module_path"), |path, (key, value)| path.replace(&format!("{{{key}}}"), value));
    let addon = package_json.parent()?.join(path).join(with_extension(&module));
    store.is_file(&addon).then_some(addon)
}

impl Ground<'_> {
    /// A path that is wholly known.
    fn path(&self, at: &Anchored) -> Option<AbsPath> {
        let (directory, path) = self.place(at)?;
        (!path.contains(UNKNOWN)).then(|| directory.join(path))
    }
}
