//! The Node version that functions are built for, where they do not say it themselves. In: flag,
//! environment and version files, in the order of functions.md section 3. Out: one version.

use super::SettingsError;
use crate::function::NodeVersion;
use crate::path::AbsPath;
use crate::store::Store;

/// Chooses the version.
pub(super) fn choose<'a>(
    flag: Option<&str>,
    environment: &impl Fn(&str) -> Option<&'a String>,
    base: &AbsPath,
    store: &Store,
) -> Result<NodeVersion, SettingsError> {
    if let Some(version) = environment("AWS_LAMBDA_JS_RUNTIME").and_then(|text| NodeVersion::parse(text)) {
        return Ok(version);
    }
    if let Some(text) = flag {
        return NodeVersion::parse(text).ok_or_else(|| SettingsError::Flag {
            flag: "--node-version",
            reason: format!("`{text}` is not a Node version; write a major version such as `22`"),
        });
    }
    let file = |name: &str| {
        let bytes = store.read(&base.child(name)).ok()?;
        named(&String::from_utf8_lossy(&bytes))
    };
    let version = environment("NODE_VERSION").and_then(|text| named(text));
    Ok(version.or_else(|| file(".nvmrc")).or_else(|| file(".node-version")).unwrap_or(NodeVersion::DEFAULT))
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
    fn release_lines_have_names() {
        assert_eq!(named("lts/iron\n").map(|version| version.major), Some(20));
        assert_eq!(named("lts/*").map(|version| version.major), Some(24));
        assert_eq!(named("v22.3.0").map(|version| version.minor), Some(3));
        assert_eq!(named("nonsense"), None);
    }
}
