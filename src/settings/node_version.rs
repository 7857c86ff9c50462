//! The Node version that functions are built for, where they do not say it themselves. In: flag,
//! environment and version files, in the order of functions.md section 3. Out: one version, and
//! where it was said.

use super::SettingsError;
use super::Variables;
use crate::diagnostic::{Place, Span};
use crate::function::NodeVersion;
use crate::path::AbsPath;
use crate::process;
use crate::store::Store;

/// Chooses the version.
pub(super) fn choose(
    flag: Option<&str>,
    variables: &Variables<'_>,
    base: &AbsPath,
    store: &Store,
) -> Result<(NodeVersion, Place), SettingsError> {
    let variable = |name: &str, read: fn(&str) -> Option<NodeVersion>| {
        let (text, place) = variables.get(name)?;
        Some((read(text)?, place))
    };
    if let Some(said) = variable("AWS_LAMBDA_JS_RUNTIME", NodeVersion::parse) {
        return Ok(said);
    }
    if let Some(text) = flag {
        let version = NodeVersion::parse(text).ok_or_else(|| SettingsError::Flag {
            flag: "--node-version",
            reason: format!("`{text}` is not a Node version; write a major version such as `22`"),
        })?;
        return Ok((version, Place::Named("--node-version".into())));
    }
    let file = |name: &str| {
        let path = base.child(name);
        let bytes = store.read(&path).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let end = text.lines().next().map_or(0, str::len);
        Some((named(&text)?, Place::File(path, Span::of(&text, 0, end))))
    };
    let said = variable("NODE_VERSION", named).or_else(|| file(".nvmrc")).or_else(|| file(".node-version"));
    let said = said.or_else(|| installed(variables, base, store));
    Ok(said.unwrap_or_else(|| (NodeVersion::DEFAULT, Place::Named("the default".into()))))
}

/// The Node of the machine. What its headers say is there at once; only where there are none is it
/// asked, as version managers have a `node` that depends on the directory.
fn installed(variables: &Variables<'_>, base: &AbsPath, store: &Store) -> Option<(NodeVersion, Place)> {
    // Not netlify.toml's: what is run is the caller's to say.
    let path = variables.given.get("PATH")?;
    let mut candidates = std::env::split_paths(path).filter(|path| path.is_absolute());
    let node = candidates.find_map(|directory| {
        let node = AbsPath::of(directory).child(if cfg!(windows) { "node.exe" } else { "node" });
        store.is_file(&node).then_some(node)
    })?;
    let program = store.real(&node).ok()?.path;
    let headers = store.read(&program.join("../../include/node/node_version.h")).ok();
    let version = headers.and_then(|headers| of_headers(&String::from_utf8_lossy(&headers)));
    let version = version.or_else(|| named(&process::output(&node, &["--version"], base).ok()?))?;
    Some((version, Place::Named("node --version".into())))
}

fn of_headers(headers: &str) -> Option<NodeVersion> {
    let number = |name: &str| {
        let line = headers.lines().find(|line| line.split_whitespace().nth(1) == Some(name))?;
        line.split_whitespace().nth(2)?.parse().ok()
    };
    Some(NodeVersion { major: number("NODE_MAJOR_VERSION")?, minor: number("NODE_MINOR_VERSION")? })
}

/// A version as version managers write it: a number, or the name of a release line.
fn named(text: &str) -> Option<NodeVersion> {
    let major = match text.trim().trim_start_matches("lts/").to_ascii_lowercase().as_str() {
        "hydrogen" => 18,
        "iron" => 20,
        "jod" => 22,
        "krypton" | "*" | "node" | "stable" | "latest" => 24,
        version => return NodeVersion::parse(version),
    };
    Some(NodeVersion { major, minor: u32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_version() {
        let headers = "#ifndef X\n#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 9\n";
        assert_eq!(of_headers(headers), Some(NodeVersion { major: 22, minor: 9 }));
        assert_eq!(of_headers("#define NODE_MAJOR_VERSION"), None);
    }

    #[test]
    fn release_lines_have_names() {
        assert_eq!(named("lts/iron\n").map(|version| version.major), Some(20));
        assert_eq!(named("lts/*").map(|version| version.major), Some(24));
        assert_eq!(named("v22.3.0").map(|version| version.minor), Some(3));
        assert_eq!(named("nonsense"), None);
    }
}
