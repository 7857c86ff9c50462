//! The Node version that functions are built for, where they do not say it themselves. In: flag,
//! environment and version files, in the order of functions.md section 3. Out: one version, and
//! where it was said.

use super::SettingsError;
use super::Variables;
use crate::diagnostic::{Code, Diagnostic, Place, Severity, Span};
use crate::function::{NodeVersion, checks};
use crate::path::AbsPath;
use crate::process;
use crate::store::Store;

/// A version, and who says so.
type Chosen = (NodeVersion, Place);

/// Chooses the version. What was said and is no version, or none that the platform has, is told.
pub(super) fn choose(
    flag: Option<&str>,
    variables: &Variables<'_>,
    base: &AbsPath,
    store: &Store,
) -> Result<(Chosen, Vec<Diagnostic>), SettingsError> {
    let flag = flag.map(|text| (text.to_owned(), Place::Named("--node-version".into())));
    if let Some((text, _)) = flag.as_ref().filter(|(text, _)| NodeVersion::parse(text).is_none()) {
        let reason = format!("`{text}` is not a Node version; write a major version such as `22`");
        return Err(SettingsError::Flag { flag: "--node-version", reason });
    }
    let variable = |name: &str| variables.get(name).map(|(text, place)| (text.to_owned(), place));
    let file = |name: &str| {
        let path = base.child(name);
        let text = String::from_utf8_lossy(&store.read(&path).ok()?).into_owned();
        let (version, at) = first_word(&text)?;
        Some((version.to_owned(), Place::File(path, Span::of(&text, at, at + version.len()))))
    };
    let mut said = Vec::new();
    let sources = [
        (variable("AWS_LAMBDA_JS_RUNTIME"), Severity::Warning),
        (flag, Severity::Warning),
        (variable("NODE_VERSION"), Severity::Note),
        (file(".nvmrc"), Severity::Note),
        (file(".node-version"), Severity::Note),
    ];
    for (source, severity) in sources {
        let Some((text, place)) = source else { continue };
        let version = named(&text);
        let spelled = version.map_or_else(|| text.clone(), |version| version.major.to_string());
        let doubt = checks::node_version(&spelled).map(|doubt| format!("the Node version {doubt}"));
        said.extend(doubt.map(|doubt| Diagnostic::new(severity, Code::Configuration, doubt).said_in(&place)));
        if let Some(version) = version {
            return Ok(((version.of_platform(), place), said));
        }
    }
    let installed = installed(variables, base, store).map(|(version, place)| (version.of_platform(), place));
    Ok((installed.unwrap_or_else(|| (NodeVersion::DEFAULT, Place::Named("the default".into()))), said))
}

/// What stands in a version file, and where: nvm takes comments and empty lines.
fn first_word(text: &str) -> Option<(&str, usize)> {
    let words = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let word = words.into_iter().find(|word| !word.is_empty())?;
    Some((word, word.as_ptr().addr() - text.as_ptr().addr()))
}

/// The Node of the machine. What its headers say is there at once; only where there are none is it
/// asked, as version managers have a `node` that depends on the directory.
fn installed(variables: &Variables<'_>, base: &AbsPath, store: &Store) -> Option<Chosen> {
    // Not netlify.toml's: what is run is the caller's to say.
    let path = variables.given.get("PATH")?;
    let mut candidates = std::env::split_paths(path).filter(|path| path.is_absolute());
    let version = candidates.find_map(|directory| {
        let node = AbsPath::of(directory).child(if cfg!(windows) { "node.exe" } else { "node" });
        let program = store.real(&node).ok()?.path;
        let headers = store.read(&program.join("../../include/node/node_version.h")).ok();
        let version = headers.and_then(|headers| of_headers(&String::from_utf8_lossy(&headers)));
        version.or_else(|| named(process::output(&node, &["--version"], base).ok()?.trim()))
    })?;
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
    fn version_files_may_have_comments() {
        for (text, version) in [("22\n", "22"), ("# ours\n\n  v20.1 # old\n22", "v20.1"), ("lts/iron", "lts/iron")] {
            let (word, at) = first_word(text).unwrap();
            assert_eq!((word, &text[at..at + word.len()]), (version, version));
        }
        assert_eq!(first_word("# nothing\n"), None);
    }

    #[test]
    fn release_lines_have_names() {
        assert_eq!(named("lts/iron").map(|version| version.major), Some(20));
        assert_eq!(named("lts/*").map(|version| version.major), Some(24));
        assert_eq!(named("v22.3.0").map(|version| version.minor), Some(3));
        assert_eq!(named("nonsense"), None);
    }
}
