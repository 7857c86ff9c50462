//! Functions in Rust. In: a directory with `Cargo.toml` and `src/main.rs`, alone or in a workspace. Out: a
//! plan for the program that Cargo makes of it, for a target that is installed and that the platform
//! runs. One build follows another, because Cargo locks the directory in which they share what they
//! have in common.

use std::ffi::OsString;

use serde::Deserialize;

use super::fail;
use super::inputs;
use super::program;
use super::rustc_wrapper::Places;
use super::tool::{Failure, Tool};
use crate::binary;
use crate::diagnostic::{Code, Diagnostic};
use crate::function::platform::{Libc, System};
use crate::function::{Function, Platform};
use crate::path::AbsPath;
use crate::plan::{Content, Plan};
use crate::process::Ended;
use crate::settings::Settings;
use crate::store::Store;

/// Builds the program and plans its archive.
pub(super) fn plan(function: &Function, store: &Store, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let cargo = Tool { program: "cargo", function, settings, store };
    let package = Package::of(cargo)?;
    let target = installed_target(cargo)?;
    let target_dir = package.target_dir(function, settings);
    let mut arguments = vec!["rustc", "--quiet", "--message-format=json-render-diagnostics"];
    arguments.extend(["--config", PROFILE, "--profile", "fnzip", "--target", &target, "--bin", &package.name]);
    // Cargo takes packages of one name and version for one, wherever they are, if they share a target
    // directory. This makes a difference to it, and none to what is built.
    let identity = format!("--remap-path-prefix={}=.", package.workspace);
    arguments.extend(["--", &identity]);
    let mut environment = vec![
        ("CARGO_TARGET_DIR", target_dir.as_os_str().to_owned()),
        ("CARGO_INCREMENTAL", "0".into()),
        ("CARGO_TERM_COLOR", "never".into()),
    ];
    let places = Places::of(cargo, &target_dir);
    environment.extend(settings.program.iter().flat_map(|program| places.environment(program)));
    let bases = [package.workspace.clone(), function.src_dir.clone()];
    let known = |ended: Ended| Ended { err: places.as_people_know(&ended.err), ..ended };
    let ended = match cargo.run(&arguments, environment) {
        Ok(ended) => known(ended),
        Err(Failure::Refused(ended)) => {
            return Err(vec![told(cargo, Failure::Refused(known(ended)), &target, &bases)]);
        }
        Err(failure) => return Err(vec![cargo.failed(failure, "cargo rustc", &bases)]),
    };
    let made = executable(&ended.out, &package.name);
    let bytes = made.as_ref().and_then(|made| store.file_system().read(made).ok()).unwrap_or_default();
    let (Some(made), Some(program)) = (made, binary::read(&bytes)) else {
        return Err(at_main(function, fail(Code::Compile, "`cargo rustc` made no program")));
    };
    if let Some(misfit) = program::misfit(&program, settings.platform) {
        let error =
            Diagnostic::error(Code::Toolchain, format!("built for `{target}`, the function would not start: {misfit}"));
        return Err(at_main(function, vec![error.hint(add_target(settings.platform))]));
    }
    let size = bytes.len();
    let read = compiled(&made, &target_dir, &package.workspace, store);
    let inputs = inputs::inputs(function, store, &settings.repository_root, read, &MANIFESTS[..1]);
    let mut plan = program::plan(function, Content::Bytes(bytes.into()), size, inputs, settings)?;
    if !ended.err.trim().is_empty() {
        let note = Diagnostic::note(Code::Compile, "the compiler warns").at(&function.main_file);
        plan.diagnostics.push(note.output(&ended.err));
    }
    Ok(plan)
}

fn told(cargo: Tool<'_>, failure: Failure, target: &str, bases: &[AbsPath]) -> Diagnostic {
    let is_other = cargo.settings.platform.arch.in_rust() != std::env::consts::ARCH;
    let cannot_link =
        matches!(&failure, Failure::Refused(ended) if is_other && ended.err.contains("linking with `cc` failed"));
    let said = cargo.failed(failure, "cargo rustc", bases);
    if !cannot_link {
        return said;
    }
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    let linker = if target.ends_with("musl") { "rust-lld".to_owned() } else { target.replace("unknown-", "") + "-gcc" };
    said.hint(format!("`cc` links for this machine alone: set `{variable}={linker}`"))
}

fn at_main(function: &Function, said: Vec<Diagnostic>) -> Vec<Diagnostic> {
    said.into_iter().map(|said| said.at(&function.main_file)).collect()
}

/// The release profile by a name of our own: Cargo does not see the wrapper, and would take what somebody
/// else has built in this directory for ours.
const PROFILE: &str = "profile.fnzip.inherits=\"release\"";

/// Where functions of a site share what they have in common, below the base.
const CACHE: &str = ".netlify/cache/fnzip/cargo";

/// What Cargo says of the package.
struct Package {
    /// The program's name.
    name: String,
    /// The top of its workspace, which may be itself.
    workspace: AbsPath,
    /// It is all there is in its workspace, and has nothing but programs.
    is_alone: bool,
    /// Where the caller keeps what Cargo builds, if not in the workspace.
    chosen: Option<AbsPath>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<PackageMetadata>,
    workspace_root: String,
    target_directory: String,
}

#[derive(Deserialize)]
struct PackageMetadata {
    manifest_path: String,
    targets: Vec<TargetMetadata>,
}

#[derive(Deserialize)]
struct TargetMetadata {
    name: String,
    kind: Vec<String>,
    src_path: String,
}

impl TargetMetadata {
    fn is_program(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bin")
    }
}

impl Package {
    fn of(cargo: Tool<'_>) -> Result<Self, Vec<Diagnostic>> {
        let function = cargo.function;
        // Cargo would take it to be relative to the function.
        let told = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].into_iter().find_map(|name| cargo.directory(name));
        let environment = told.iter().map(|path| ("CARGO_TARGET_DIR", path.as_os_str().to_owned()));
        let query = ["metadata", "--no-deps", "--format-version=1", "--quiet"];
        let ended = match cargo.run(&query, environment.chain(quietly())) {
            Ok(ended) => ended,
            Err(failure) => {
                let bases = [function.src_dir.clone()];
                return Err(vec![
                    without_toolchain(cargo, &failure)
                        .unwrap_or_else(|| cargo.failed(failure, "cargo metadata", &bases)),
                ]);
            }
        };
        let real = |path: &AbsPath| cargo.store.real(path).map_or_else(|_| path.clone(), |real| real.path);
        let own = real(&function.src_dir.child("Cargo.toml"));
        let Ok(metadata) = serde_json::from_str::<Metadata>(&ended.out) else {
            // An older or newer Cargo: its manifest says enough.
            let workspace = function.src_dir.clone();
            return Ok(Self { name: name_in_manifest(cargo), workspace, is_alone: false, chosen: told });
        };
        let package = metadata.packages.iter().find(|package| real(&AbsPath::of(&package.manifest_path)) == own);
        let main = real(&function.main_file);
        let programs = || package.iter().flat_map(|package| &package.targets).filter(|target| target.is_program());
        let program = programs().find(|target| real(&AbsPath::of(&target.src_path)) == main).or(programs().next());
        let workspace = AbsPath::of(&metadata.workspace_root);
        let target = AbsPath::of(&metadata.target_directory);
        let mut targets = package.iter().flat_map(|package| &package.targets);
        Ok(Self {
            name: program.map_or_else(|| name_in_manifest(cargo), |program| program.name.clone()),
            is_alone: metadata.packages.len() == 1
                && targets.all(|target| !target.kind.iter().any(|kind| kind.contains("lib") || kind == "custom-build")),
            chosen: told.or_else(|| Some(target).filter(|target| *target != workspace.child("target"))),
            workspace,
        })
    }

    /// Where Cargo keeps what it builds: as the function is told, else as Cargo is told, else a cache of
    /// the site. There, workspaces with libraries of their own have a room each: Cargo would take
    /// libraries of one name for one.
    fn target_dir(&self, function: &Function, settings: &Settings) -> AbsPath {
        if let Some(told) = &function.config.rust_target_directory {
            return settings.base.join(told.replace("[name]", function.name.as_str()));
        }
        let shared = || settings.base.join(CACHE);
        self.chosen.clone().unwrap_or_else(|| {
            if self.is_alone {
                return shared().child("shared");
            }
            let place = self.workspace.relative_to(&settings.repository_root);
            shared().child(format!("workspace-{}", blake3::hash(place.as_bytes()).to_hex().split_at(16).0))
        })
    }
}

/// `[[bin]]` for the main file, else the package's name.
fn name_in_manifest(cargo: Tool<'_>) -> String {
    let bytes = cargo.store.read(&cargo.function.src_dir.child("Cargo.toml")).ok();
    let manifest =
        bytes.and_then(|bytes| String::from_utf8_lossy(&bytes).parse::<toml::Table>().ok()).unwrap_or_default();
    let text = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let programs = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let mut programs = programs.filter(|program| text(program, "path").is_none_or(|path| path == "src/main.rs"));
    let named = programs.find_map(|program| text(program, "name"));
    let package = manifest.get("package").and_then(|package| text(package, "name"));
    named.or(package).unwrap_or_else(|| cargo.function.name.to_string())
}

/// The targets for a platform, the best first: with musl nothing is needed of the system.
fn targets(platform: Platform) -> Vec<String> {
    let arch = platform.arch.in_rust();
    match (platform.system, platform.libc) {
        (System::Linux, Libc::Glibc) => vec![format!("{arch}-unknown-linux-musl"), format!("{arch}-unknown-linux-gnu")],
        (System::Linux, Libc::Musl) => vec![format!("{arch}-unknown-linux-musl")],
        (System::MacOs, _) => vec![format!("{arch}-apple-darwin")],
        (System::Windows, _) => vec![format!("{arch}-pc-windows-msvc")],
    }
}

fn add_target(platform: Platform) -> String {
    format!("run `rustup target add {}`", targets(platform)[0])
}

/// The first target whose standard library is there.
fn installed_target(cargo: Tool<'_>) -> Result<String, Vec<Diagnostic>> {
    let platform = cargo.settings.platform;
    let compiler = cargo.variable("RUSTC").unwrap_or_else(|| "rustc".into()).to_string_lossy().into_owned();
    let rustc = Tool { program: &compiler, ..cargo };
    let files = cargo.store.file_system();
    let mut words = None;
    for target in targets(platform) {
        match rustc.run(&["--print", "target-libdir", "--target", &target], quietly()) {
            Ok(ended) if files.read_dir(std::path::Path::new(ended.out.trim())).is_ok() => return Ok(target),
            Ok(_) => {}
            Err(Failure::Refused(ended)) => words = Some(ended.err),
            Err(failure) => {
                return Err(vec![
                    without_toolchain(rustc, &failure)
                        .unwrap_or_else(|| rustc.failed(failure, "rustc --print target-libdir", &[])),
                ]);
            }
        }
    }
    // Is it the target, or does the compiler refuse everything?
    if let Some(words) = &words
        && let Err(failure) = rustc.run(&["-vV"], quietly())
    {
        let said = without_toolchain(rustc, &failure).unwrap_or_else(|| {
            let message = format!("the Rust toolchain does not work: `{compiler} -vV` failed");
            missing_toolchain(cargo, &message, "reinstall it (https://rustup.rs)").output(words)
        });
        return Err(vec![said]);
    }
    let message = format!(
        "the Rust toolchain cannot build for {}: the target `{}` is not installed",
        platform.name(),
        targets(platform)[0]
    );
    let said = missing_toolchain(cargo, &message, &add_target(platform));
    Err(vec![match words {
        Some(words) => said.output(&words),
        None => said,
    }])
}

/// rustup tells where in itself it failed, if it is asked to.
fn quietly() -> [(&'static str, OsString); 1] {
    [("RUST_BACKTRACE", "0".into())]
}

/// What to say if a tool fails because there is no toolchain: rustup stands in for tools that it has not
/// installed.
fn without_toolchain(tool: Tool<'_>, failure: &Failure) -> Option<Diagnostic> {
    let ended = match failure {
        Failure::Missing => {
            let message = format!("there is no Rust toolchain: `{}` is not on the PATH", tool.program);
            return Some(missing_toolchain(tool, &message, "install Rust (https://rustup.rs)"));
        }
        Failure::Refused(ended) => ended,
        Failure::Unstartable(_) => return None,
    };
    let hint = if ended.err.contains("rustup could not choose a version") {
        "run `rustup default stable`".to_owned()
    } else {
        let (_, rest) = ended.err.split_once("toolchain '")?;
        let (toolchain, rest) = rest.split_once('\'')?;
        rest.starts_with(" is not installed").then(|| format!("run `rustup toolchain install {toolchain}`"))?
    };
    Some(missing_toolchain(tool, "rustup has no Rust toolchain for it", &hint).output(&ended.err))
}

/// Not everybody who has sources in Rust wants them built: an error only for those who ask for it.
fn missing_toolchain(cargo: Tool<'_>, message: &str, hint: &str) -> Diagnostic {
    let diagnostic = if cargo.settings.rust {
        Diagnostic::error(Code::Toolchain, message)
    } else {
        Diagnostic::warning(Code::Toolchain, format!("left out: {message}"))
    };
    diagnostic.at(&cargo.function.main_file).hint(hint)
}

/// Where Cargo says that the program is.
fn executable(messages: &str, name: &str) -> Option<AbsPath> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter(|message| message["target"]["name"] == name);
    programs.find_map(|message| message["executable"].as_str().map(AbsPath::of))
}

/// What says what else a package needs; of its workspace, if Cargo has not been asked, as far as it has
/// a lock.
pub(super) const MANIFESTS: &[&[&str]] = &[&["Cargo.toml"], &["Cargo.lock", "Cargo.toml"]];

/// The files of the checkout that went in: Cargo lists them beside the program, in the form of make.
fn compiled(made: &AbsPath, target_dir: &AbsPath, workspace: &AbsPath, store: &Store) -> Vec<AbsPath> {
    let listed = store.file_system().read(&made.with_extension("d")).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).replace("\\ ", "\0");
    let (_, files) = listed.lines().next().and_then(|line| line.split_once(": ")).unwrap_or_default();
    let files = files.split(' ').filter(|file| !file.is_empty()).map(|file| AbsPath::of(file.replace('\0', " ")));
    let of_workspace = ["Cargo.lock", "Cargo.toml"].map(|name| workspace.child(name));
    files.filter(|file| !file.starts_with(target_dir)).chain(of_workspace).collect()
}
