//! Flags that keep the places of a machine out of programs in Rust. In: what Cargo is told already. Out:
//! the same and ours, because Cargo takes flags from one place alone. Never changes what is compiled.

use std::ffi::OsString;

use super::tool::Tool;
use crate::path::AbsPath;

/// What Cargo is told besides.
pub(super) struct Flags {
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, OsString)>,
}

/// Paths of sources and generated code stand in messages of panics: they get names that are the same in
/// every checkout.
pub(super) fn flags(cargo: Tool<'_>, target: &str, target_dir: &AbsPath) -> Flags {
    let home = cargo.variable("CARGO_HOME").map(AbsPath::of).or_else(|| {
        let home = cargo.variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
        Some(AbsPath::of(home).child(".cargo"))
    });
    // The last that fits counts.
    let mut ours = vec![remap(&cargo.settings.repository_root, "/site"), remap(target_dir, "/target")];
    ours.extend(home.iter().map(|home| remap(home, "/cargo")));
    let text = |name| cargo.variable(name).map(|text| text.to_string_lossy().into_owned());
    // In Cargo's order. The first takes flags with spaces in them.
    let given = text("CARGO_ENCODED_RUSTFLAGS")
        .map(|flags| flags.split('\x1f').map(str::to_owned).collect::<Vec<_>>())
        .or_else(|| Some(text("RUSTFLAGS")?.split_whitespace().map(str::to_owned).collect()));
    if let Some(given) = given {
        let all = given.into_iter().chain(ours).collect::<Vec<_>>().join("\x1f");
        return Flags { arguments: Vec::new(), environment: vec![("CARGO_ENCODED_RUSTFLAGS", all.into())] };
    }
    // Lists of configurations add up, but those of targets replace that of the build.
    let key = if has_flags_of_target(cargo, target, home.as_ref()) {
        format!("target.{target}.rustflags")
    } else {
        "build.rustflags".to_owned()
    };
    let list = toml::Value::Array(ours.into_iter().map(toml::Value::String).collect());
    Flags { arguments: vec!["--config".to_owned(), format!("{key}={list}")], environment: Vec::new() }
}

fn remap(path: &AbsPath, name: &str) -> String {
    format!("--remap-path-prefix={path}={name}")
}

/// Does anybody set flags for this target, or for a condition that may hold for it?
fn has_flags_of_target(cargo: Tool<'_>, target: &str, home: Option<&AbsPath>) -> bool {
    let name = target.to_uppercase().replace('-', "_");
    if cargo.variable(&format!("CARGO_TARGET_{name}_RUSTFLAGS")).is_some() {
        return true;
    }
    let directories = cargo.function.src_dir.ancestors().map(|above| above.child(".cargo")).chain(home.cloned());
    let files = directories.flat_map(|directory| ["config.toml", "config"].map(|name| directory.child(name)));
    files.filter(|path| cargo.store.is_file(path)).any(|path| {
        let bytes = cargo.store.read(&path).unwrap_or_else(|_| [].into());
        let config = String::from_utf8_lossy(&bytes).parse::<toml::Table>().unwrap_or_default();
        let targets = config.get("target").and_then(toml::Value::as_table).into_iter().flatten();
        let mut flagged = targets.filter(|(_, table)| table.get("rustflags").is_some());
        flagged.any(|(name, _)| name == target || name.starts_with("cfg("))
    })
}
