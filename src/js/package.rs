//! What a package says of itself. In: the bytes of a `package.json`. Out: the few fields that rule
//! how its files load. Never looks for the file.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::diagnostic::Span;
use crate::glob::GlobList;

/// The fields of a `package.json` that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// What it is called.
    pub name: Option<String>,
    /// Which one it is.
    pub version: Option<String>,
    /// Its licence, as it says.
    pub licence: Option<String>,
    /// The file that stands for it where `exports` does not decide.
    pub main: Option<String>,
    /// `type` is `"module"`: its `.js` files are ES modules.
    pub is_module: bool,
    /// `type` is `"commonjs"`: they are not, whatever their syntax.
    pub is_commonjs: bool,
    /// The platforms that it is for: `os`, `cpu` and `libc`.
    pub platforms: [Vec<String>; 3],
    /// It says which packages it needs, be it none.
    pub has_dependencies: bool,
    /// Packages that it wants for development only: they stand nowhere else.
    pub development: BTreeSet<String>,
    /// Packages that it can do without: `optionalDependencies`, and peers marked optional.
    pub optional: BTreeSet<String>,
    /// Which of its files do something when they are loaded.
    pub side_effects: SideEffects,
    /// It has a native addon, or means to find one.
    pub is_native: bool,
    /// It says where its types are.
    pub has_types: bool,
}

/// What `sideEffects` says; a bundler leaves out a file that has none and of which nothing is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SideEffects {
    /// Nothing: whoever wants to know has to look.
    #[default]
    Unsaid,
    /// No file does.
    None,
    /// The files that these globs mean; one without `/` means a name anywhere.
    In(Vec<String>),
}

/// Packages that build, or find, a native addon for who depends on them.
const ADDON_TOOLS: [&str; 6] = ["nan", "node-addon-api", "node-gyp", "prebuild", "prebuild-install", "detect-libc"];

/// Those that look for it when they are called.
pub const LOADERS: [&str; 9] = [
    "@aminya/node-gyp-build",
    "@mapbox/node-pre-gyp",
    "bindings",
    "cmake-ts",
    "node-gyp-build",
    "node-gyp-build-optional-packages",
    "node-pre-gyp",
    "pkg-prebuilds",
    "require-addon",
];

impl SideEffects {
    /// What is said of a file, by its path from the package's root.
    pub fn of(&self, file: &str) -> Option<bool> {
        let anywhere = |glob: &String| if glob.contains('/') { glob.clone() } else { format!("**/{glob}") };
        match self {
            Self::Unsaid => None,
            Self::None => Some(false),
            // What is no glob may mean anything.
            Self::In(globs) => {
                Some(GlobList::new(globs.iter().map(anywhere)).map_or(true, |globs| globs.matches(file)))
            }
        }
    }
}

/// A `package.json` that Node would refuse too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPackage {
    /// The parser's words.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl Package {
    /// Reads a `package.json`. Fields of a wrong type count as absent, as they do for Node.
    ///
    /// # Errors
    /// It is not a JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidPackage> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
            let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            InvalidPackage { message, span: Span::of(text, at, at + 1) }
        })?;
        let names = |field: &str| fields.get(field).and_then(Value::as_object).into_iter().flatten();
        let mut optional: BTreeSet<String> = names("optionalDependencies").map(|(name, _)| name.clone()).collect();
        let peers = names("peerDependenciesMeta").filter(|(_, meta)| meta.get("optional") == Some(&Value::Bool(true)));
        optional.extend(peers.map(|(name, _)| name.clone()));
        let wanted: BTreeSet<&String> = ["dependencies", "optionalDependencies", "peerDependencies"]
            .iter()
            .flat_map(|field| names(field).map(|(name, _)| name))
            .collect();
        let for_development = names("devDependencies").map(|(name, _)| name).filter(|name| !wanted.contains(name));
        let development = for_development.cloned().collect();
        let texts = |field: &str| match fields.get(field) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let text = |field: &str| fields.get(field).and_then(Value::as_str).map(str::to_owned);
        let (name, version, main) = (text("name"), text("version"), text("main"));
        Ok(Self {
            licence: licence(&fields),
            name,
            version,
            main,
            development,
            platforms: ["os", "cpu", "libc"].map(texts),
            has_dependencies: ["dependencies", "devDependencies"].iter().any(|field| fields.contains_key(*field)),
            side_effects: match fields.get("sideEffects") {
                Some(Value::Bool(false)) => SideEffects::None,
                Some(Value::String(_) | Value::Array(_)) => SideEffects::In(texts("sideEffects")),
                _ => SideEffects::Unsaid,
            },
            is_native: fields.get("gypfile").is_some_and(|value| value == true)
                || texts("files").iter().any(|file| file.ends_with(".node"))
                || ["dependencies", "optionalDependencies"].iter().any(|field| {
                    names(field).any(|(name, _)| ADDON_TOOLS.iter().chain(&LOADERS).any(|tool| tool == name))
                }),
            has_types: ["types", "typings"].iter().any(|field| fields.contains_key(*field)),
            is_module: fields.get("type").is_some_and(|kind| kind == "module"),
            is_commonjs: fields.get("type").is_some_and(|kind| kind == "commonjs"),
            optional,
        })
    }
}

impl Package {
    /// Is it for some platforms only?
    pub fn is_for_platforms(&self) -> bool {
        self.platforms.iter().any(|listed| !listed.is_empty())
    }

    /// Would npm install it where these are the system, the processor and the C library?
    pub fn is_for(&self, platform: [&str; 3]) -> bool {
        self.platforms.iter().zip(platform).all(|(listed, has)| {
            let excluded = listed.iter().any(|one| one.strip_prefix('!') == Some(has));
            let named: Vec<&String> = listed.iter().filter(|one| !one.starts_with('!')).collect();
            !excluded && (named.is_empty() || named.iter().any(|one| *one == has))
        })
    }
}

/// `license`, or the older `licenses`.
pub fn licence(fields: &Map<String, Value>) -> Option<String> {
    let name = |value: &Value| value.as_str().or_else(|| value["type"].as_str()).map(str::to_owned);
    fields.get("license").and_then(name).or_else(|| {
        let all: Vec<String> = fields.get("licenses")?.as_array()?.iter().filter_map(name).collect();
        (!all.is_empty()).then(|| all.join(" OR "))
    })
}

/// The package that a file is of, by its place below the last `node_modules`; the site's own has none.
pub fn package_at(path: &str) -> Option<&str> {
    let (start, end) = package_place(path)?;
    Some(&path[start..end])
}

/// The directory of that package.
pub fn package_directory(path: &str) -> Option<&str> {
    let (_, end) = package_place(path)?;
    Some(&path[..end])
}

/// Where the name of the package stands in the path of a file.
fn package_place(path: &str) -> Option<(usize, usize)> {
    let (_, below) = path.rsplit_once("/node_modules/").or_else(|| Some(("", path.strip_prefix("node_modules/")?)))?;
    let parts = if below.starts_with('@') { 2 } else { 1 };
    let len = below.match_indices('/').nth(parts - 1).map_or(below.len(), |(len, _)| len);
    let start = path.len() - below.len();
    Some((start, start + len))
}

/// The package that a bare specifier names, and the rest: `@a/b/c` is `@a/b` and `c`. None for
/// paths, `#imports` and what no package can be called.
pub fn package_name(specifier: &str) -> Option<(&str, &str)> {
    if specifier.starts_with(['.', '/', '#']) || specifier.is_empty() || specifier.contains(':') {
        return None;
    }
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    let end = specifier.match_indices('/').nth(parts - 1).map_or(specifier.len(), |(at, _)| at);
    let (name, rest) = specifier.split_at(end);
    if parts == 2 && !name.contains('/') {
        return None;
    }
    Some((name, rest.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_name_packages() {
        for (specifier, expected) in [
            ("lodash", Some(("lodash", ""))),
            ("lodash/fp", Some(("lodash", "fp"))),
            ("@aws-sdk/client-s3/dist/x", Some(("@aws-sdk/client-s3", "dist/x"))),
            ("@scope", None),
            ("./a", None),
            ("#a", None),
            ("node:fs", None),
            ("https://a/b.js", None),
            ("punycode/", Some(("punycode", ""))),
        ] {
            assert_eq!(package_name(specifier), expected, "{specifier}");
        }
    }

    #[test]
    fn optional_packages_come_from_both_fields() {
        let package = Package::parse(
            br#"{"type":"module","optionalDependencies":{"a":"1"},"peerDependenciesMeta":{"b":{"optional":true},"c":{}}}"#,
        )
        .unwrap();
        assert!(package.is_module);
        assert_eq!(package.optional.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_node_accepts_is_accepted() {
        let commonjs = Package { is_commonjs: true, ..Package::default() };
        for (odd, expected) in [
            (r#"{"peerDependenciesMeta":null,"optionalDependencies":[],"type":1}"#, Package::default()),
            (r#"{"type":"x","type":"commonjs"}"#, commonjs),
        ] {
            assert_eq!(Package::parse(odd.as_bytes()), Ok(expected), "{odd}");
        }
        assert!(Package::parse(b"[]").is_err());
    }

    #[test]
    fn a_broken_file_has_a_place() {
        let error = Package::parse(b"{\n  \"name\": \"x\",\n}").unwrap_err();
        assert_eq!((error.span.line, error.span.column), (3, 1));
        assert!(!error.message.contains("line"), "{}", error.message);
    }
}
