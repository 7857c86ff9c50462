//! A serverless function: its name, its runtime, its main file and what it says of itself. In:
//! what `source` found and the settings say. Out: what `runtime` plans. Never touches the disk.

pub mod checks;
pub mod config;
pub mod events;
pub mod in_source;
pub mod platform;
pub mod route;
pub mod traffic;

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::config::FunctionConfig;
use self::config::Told;
pub use self::platform::{Arch, Platform};
use self::route::Route;
use self::traffic::TrafficRules;
use crate::diagnostic::Place;
use crate::path::AbsPath;

/// The platform's name for a function: its file's or directory's, without the extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FunctionName(String);

impl FunctionName {
    /// The part of `file_name` before its last dot; the whole of it if there is none, or only one
    /// in front.
    pub fn of(file_name: &str) -> Self {
        match file_name.rfind('.') {
            Some(at) if at > 0 => Self(file_name[..at].into()),
            _ => Self(file_name.into()),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Only letters, digits, `-` and `_`: what the platform can address.
    pub fn is_addressable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }

    /// Does the name itself ask for a background function?
    pub fn is_background(&self) -> bool {
        self.0.ends_with("-background")
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The language a function is written in, by the platform's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Runtime {
    /// A container image, whatever runs in it.
    #[serde(rename = "container")]
    Container,
    /// JavaScript and TypeScript.
    #[serde(rename = "js")]
    JavaScript,
    /// Go.
    #[serde(rename = "go")]
    Go,
    /// Rust.
    #[serde(rename = "rs")]
    Rust,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::JavaScript => "js",
            Self::Go => "go",
            Self::Rust => "rs",
        })
    }
}

/// Who wrote a function. The order is that of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A framework or plugin, into one of the internal directories.
    Internal,
    /// The site's author.
    User,
}

impl Origin {
    /// The platform tries functions of a higher priority first.
    pub fn priority(self) -> u32 {
        match self {
            Self::Internal => 0,
            Self::User => 10,
        }
    }
}

/// How the platform calls a function; a plain synchronous one says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvocationMode {
    /// Answered with 202 at once, then run for up to 15 minutes.
    Background,
    /// Its response is sent as it comes.
    Stream,
}

/// The ways to make files of a JavaScript function, by the platform's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, BorshSerialize, BorshDeserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bundler {
    /// One file, everything in it.
    Esbuild,
    /// The same, or traced where that fails.
    EsbuildZisi,
    /// Traced.
    Nft,
    /// Traced, with more taken on suspicion.
    Zisi,
    /// The main file and the included files alone.
    None,
}

/// Who tells a generated function that it is one.
pub const BY_ITS_PLACE: &str = "where it is";

/// A function, ready to be planned.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// Its language.
    pub runtime: Runtime,
    /// The file that is loaded first, or the ready-made archive.
    pub main_file: AbsPath,
    /// The file or directory in the functions directory that is the function.
    pub src_path: AbsPath,
    /// The directory that holds all of it.
    pub src_dir: AbsPath,
    /// Who wrote it.
    pub origin: Origin,
    /// A ready-made archive or program, to be shipped as it is.
    pub ready_made: bool,
    /// The version of the platform's API that it is written for, where that is known.
    pub api_version: Option<u8>,
    /// It is written in the syntax of ES modules.
    pub is_esm: bool,
    /// Its response is sent as it comes.
    pub streams: bool,
    /// What it was told.
    pub config: FunctionConfig,
    /// Who told it what.
    pub told: Told,
    /// Its addresses besides the default one.
    pub routes: Vec<Route>,
    /// Addresses that it does not have.
    pub excluded_routes: Vec<Route>,
    /// How often it may be called.
    pub traffic_rules: Option<TrafficRules>,
    /// The events that it is called for.
    pub event_subscriptions: Vec<String>,
    /// The Node release it runs on.
    pub node: NodeVersion,
    /// What is another way than usual.
    pub flags: Flags,
}

/// What the peer's callers switch on, by its names there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `traceWithNft`: CommonJS is traced as ES modules are.
    pub traced: bool,
    /// `zisi_pure_esm_mjs`, or `nodeModuleFormat`: `.mjs` stays as it is.
    pub pure_modules: bool,
    /// `zisi_output_cjs_extension`: entry files of CommonJS are called so.
    pub cjs_extension: bool,
}

impl Function {
    /// What it was told, by key, in its normal form, and where.
    pub fn effective(&self) -> Vec<(&'static str, serde_json::Value, &[Place])> {
        let normal = serde_json::to_value(&self.config).unwrap_or_default();
        let value = |key: &str, said: &serde_json::Value| normal.get(key).unwrap_or(said).clone();
        self.told.iter().map(|(key, said)| (key, value(key, &said.value), said.places.as_slice())).collect()
    }

    /// Was a key said last by its own source?
    pub fn says_itself(&self, key: &str) -> bool {
        self.told.place(key).and_then(Place::file).is_some_and(|file| *file == self.main_file)
    }

    /// Is it packed from JavaScript?
    pub fn is_from_javascript(&self) -> bool {
        self.runtime == Runtime::JavaScript && !self.ready_made
    }

    /// The platform tries functions of a higher priority first; of others the packager tells none.
    pub fn priority(&self) -> Option<u32> {
        self.is_from_javascript().then(|| self.origin.priority())
    }

    /// Is it a generator that nobody wrote: that of the place where it is?
    pub fn is_generated_by_its_place(&self) -> bool {
        matches!(self.told.place("generator"), Some(Place::Named(name)) if name == BY_ITS_PLACE)
    }

    /// Is it compiled from source, by another program?
    pub fn is_compiled(&self) -> bool {
        matches!(self.runtime, Runtime::Go | Runtime::Rust) && !self.ready_made
    }

    /// How the platform calls it.
    pub fn invocation_mode(&self) -> Option<InvocationMode> {
        let background = self.name.is_background() || self.config.background == Some(true);
        let streams = self.streams || self.api_version == Some(2);
        background.then_some(InvocationMode::Background).or(streams.then_some(InvocationMode::Stream))
    }
}

/// A Node release, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NodeVersion {
    /// 18, 20, 22 …
    pub major: u32,
    /// The newest, if it was not said.
    pub minor: u32,
}

impl NodeVersion {
    /// What a function runs on when nobody says otherwise.
    pub const DEFAULT: Self = Self { major: 24, minor: u32::MAX };

    /// Reads `22`, `v22.1`, `22.1.0`, `nodejs22.x`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("nodejs").or_else(|| text.strip_prefix('v')).unwrap_or(text);
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(u32::MAX);
        Some(Self { major, minor })
    }

    /// Reads the first number that stands in a text, and the next after its point: `>=20.1` is 20.1.
    /// So npm's semver makes a version of what is none.
    pub fn coerce(text: &str) -> Option<Self> {
        let start = text.find(|letter: char| letter.is_ascii_digit())?;
        let mut parts = text[start..].split('.');
        let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
        let major = digits(parts.next()?).parse().ok()?;
        let minor = parts.next().and_then(|part| digits(part).parse().ok()).unwrap_or(u32::MAX);
        Some(Self { major, minor })
    }

    /// The platform's release that is nearest, and not newer: it has the even ones, up to 24.
    pub fn of_platform(self) -> Self {
        let major = (self.major - self.major % 2).min(Self::DEFAULT.major);
        if major == self.major { self } else { Self { major, minor: u32::MAX } }
    }

    /// The first release in which ES modules are sure to be told by their syntax: Node 18 cannot, and
    /// in 20 and 22 it depends on the release and its flags.
    pub const DETECTS_MODULES: Self = Self { major: 24, minor: 0 };

    /// The first release in which `require()` of an ES module is sure to work: Node has it from 22.12 and
    /// 20.19 on, and the platform is said to switch it off before 24.
    pub const REQUIRES_MODULES: Self = Self::DETECTS_MODULES;

    /// Has it the `module-sync` condition? (Node 22.10, 20.19)
    pub fn has_module_sync(self) -> bool {
        self >= Self { major: 22, minor: 10 } || self.major == 20 && self.minor >= 19
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_the_last_dot() {
        for (file, name) in
            [("a.js", "a"), ("a.b.js", "a.b"), (".hidden.js", ".hidden"), ("folder", "folder"), (".x", ".x")]
        {
            assert_eq!(FunctionName::of(file).as_str(), name);
        }
    }

    #[test]
    fn addressable_names() {
        assert!(FunctionName::of("send-pdf_2.js").is_addressable());
        assert!(!FunctionName::of("a b.js").is_addressable());
        assert!(!FunctionName::of("ü.js").is_addressable());
    }

    #[test]
    fn node_versions() {
        let parse = NodeVersion::parse;
        assert_eq!(parse("nodejs22.x"), Some(NodeVersion { major: 22, minor: u32::MAX }));
        assert_eq!(parse("v20.2.0"), Some(NodeVersion { major: 20, minor: 2 }));
        assert_eq!(parse("lts/*"), None);
        let coerce = |text| NodeVersion::coerce(text).map(|version| version.major);
        assert_eq!(
            [">=20", "v22.1", "nodejs18.x", "lts/jod", ""].map(coerce),
            [Some(20), Some(22), Some(18), None, None]
        );
        assert!(parse("22").unwrap().has_module_sync());
        assert!(!parse("22.9").unwrap().has_module_sync());
        assert!(parse("20").unwrap().has_module_sync() && !parse("20.18").unwrap().has_module_sync());
    }
}
