//! Programs in Rust that do not tell where they were built. Cargo calls fnzip in the place of rustc, as
//! its `RUSTC_WRAPPER`. In: the places of a build, and the arguments that Cargo has for rustc. Out: the
//! arguments for rustc itself, in which no place of a machine makes a difference. Never starts it, and
//! never changes what is compiled.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::tool::Tool;
use crate::path::AbsPath;

/// This variable tells fnzip that Cargo calls it; it holds the [`Places`] as JSON.
pub const VARIABLE: &str = "FNZIP_RUSTC_WRAPPER";

/// The places of a machine that programs must not tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Places {
    /// The top of the checkout.
    pub root: String,
    /// What Cargo builds.
    pub target: String,
    /// What Cargo has fetched.
    pub home: Option<String>,
    /// The wrapper that somebody else wants between Cargo and rustc.
    pub wrapper: Option<String>,
}

/// Where Cargo keeps what it has fetched.
fn home(cargo: Tool<'_>) -> Option<AbsPath> {
    cargo.variable("CARGO_HOME").map(AbsPath::of).or_else(|| {
        let home = cargo.variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
        Some(AbsPath::of(home).child(".cargo"))
    })
}

impl Places {
    /// Those of a function, whose package Cargo builds in `target`.
    pub(super) fn of(cargo: Tool<'_>, target: &AbsPath) -> Self {
        let home = home(cargo);
        Self {
            root: cargo.settings.repository_root.to_string(),
            target: target.to_string(),
            wrapper: chosen_wrapper(cargo, home.as_ref()),
            home: home.map(|home| home.to_string()),
        }
    }

    /// What Cargo must be told in its environment to call fnzip, which is `program`.
    pub(super) fn environment(&self, program: &AbsPath) -> [(&'static str, OsString); 2] {
        let told = serde_json::to_string(self).unwrap_or_default();
        [("RUSTC_WRAPPER", program.as_os_str().to_owned()), (VARIABLE, told.into())]
    }

    /// What rustc says, with the places that people know.
    pub(super) fn as_people_know(&self, words: &str) -> String {
        self.names().into_iter().fold(words.to_owned(), |words, (place, name)| {
            ["-->", ":::"]
                .into_iter()
                .fold(words, |words, arrow| words.replace(&format!("{arrow} {name}/"), &format!("{arrow} {place}/")))
        })
    }
}

/// The wrapper that Cargo would call: by its variables, else by the nearest of its configuration files.
fn chosen_wrapper(cargo: Tool<'_>, home: Option<&AbsPath>) -> Option<String> {
    // Empty means none, whatever the files say.
    let given = ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"].into_iter().find_map(std::env::var_os);
    let given = given.or_else(|| cargo.variable("RUSTC_WRAPPER")).map(|given| given.to_string_lossy().into_owned());
    // What has more than a name is no program of the PATH.
    let placed = |name: String, base: &AbsPath| {
        if Path::new(&name).components().count() > 1 { base.join(name).to_string() } else { name }
    };
    if let Some(given) = given {
        return (!given.is_empty()).then(|| placed(given, &cargo.function.src_dir));
    }
    let directories = cargo.function.src_dir.ancestors().map(|above| above.child(".cargo")).chain(home.cloned());
    let files = directories.flat_map(|directory| ["config", "config.toml"].map(|name| directory.child(name)));
    files.filter(|path| cargo.store.is_file(path)).find_map(|path| {
        let bytes = cargo.store.read(&path).ok()?;
        let config = String::from_utf8_lossy(&bytes).parse::<toml::Table>().ok()?;
        let name = config.get("build")?.get("rustc-wrapper")?.as_str()?.to_owned();
        Some(placed(name, &path.parent()?.parent()?))
    })
}

impl Places {
    /// What to start for what Cargo has `given`: a program and its arguments.
    pub fn call(&self, given: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Vec<OsString> {
        let mut call: Vec<OsString> = self.wrapper.iter().map(OsString::from).collect();
        let start = call.len() + 1;
        call.extend(given.iter().cloned());
        let Some(package) = variable("CARGO_MANIFEST_DIR") else { return call };
        let generated = variable("OUT_DIR").map(|place| place.to_string_lossy().into_owned());
        let mut names = self.names();
        let package = renamed(&package.to_string_lossy(), &names);
        names.extend(generated.map(|place| (place, format!("/out{package}"))));
        let metadata = call.iter().position(|word| starts_with(word, "metadata="));
        if let Some(at) = metadata {
            let version = variable("CARGO_PKG_VERSION").unwrap_or_default();
            let words = call.iter().enumerate().skip(start).filter(|(index, _)| *index != at).map(|(_, word)| word);
            let identity = identity(words, &names);
            let all = format!("{package}\0{}\0{identity}", version.to_string_lossy());
            call[at] = format!("metadata={}", blake3::hash(all.as_bytes()).to_hex().split_at(16).0).into();
        }
        // The machine that builds runs the others itself, and they may look for their sources.
        if call.iter().any(|word| word == "--target") {
            call.extend(names.iter().map(|(place, name)| format!("--remap-path-prefix={place}={name}").into()));
        }
        call
    }

    /// What places are called, the most general first: of those that fit, rustc takes the last.
    fn names(&self) -> Vec<(String, String)> {
        let mut names = vec![(self.root.clone(), "/site".to_owned()), (self.target.clone(), "/target".to_owned())];
        names.extend(self.home.iter().map(|home| (home.clone(), "/cargo".to_owned())));
        names
    }
}

fn starts_with(word: &OsStr, start: &str) -> bool {
    word.as_encoded_bytes().starts_with(start.as_bytes())
}

fn renamed(text: &str, names: &[(String, String)]) -> String {
    names.iter().rev().fold(text.to_owned(), |text, (place, name)| text.replace(place, name))
}

/// What makes a crate another one than the others of its package: all that rustc is told, but for where
/// things are. Cargo's own hash has the place of a package in it that lies outside its workspace, and
/// the hash stands in the name of every symbol.
fn identity<'a>(words: impl Iterator<Item = &'a OsString>, names: &[(String, String)]) -> String {
    const OF_PLACES: [&str; 4] = ["extra-filename=", "incremental=", "link-arg=", "link-args="];
    let mut identity = String::new();
    let mut is_place = false;
    for word in words {
        let skip = is_place || OF_PLACES.iter().any(|start| starts_with(word, start));
        is_place = ["--out-dir", "--extern", "-L"].iter().any(|flag| word == flag);
        if !skip {
            identity.push_str(&renamed(&word.to_string_lossy(), names));
            identity.push('\0');
        }
    }
    identity
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(root: &str, hash: &str, words: &str, wrapper: Option<&str>) -> Vec<String> {
        let target = format!("{root}/target");
        let places = Places {
            root: root.to_owned(),
            target: target.clone(),
            home: Some("/h/.cargo".to_owned()),
            wrapper: wrapper.map(str::to_owned),
        };
        let words = words.replace("ROOT", root).replace("HASH", hash);
        let given: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let call = places.call(&given, |name| match name {
            "CARGO_MANIFEST_DIR" => Some(format!("{root}/shared").into()),
            "CARGO_PKG_VERSION" => Some("1.0.0".into()),
            "OUT_DIR" => Some(format!("{target}/build/shared-{hash}/out").into()),
            _ => None,
        });
        call.into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    const WORDS: &str = "rustc --crate-name shared ROOT/shared/src/lib.rs --target t -C metadata=HASH -C extra-filename=-HASH --out-dir ROOT/target/t --extern a=ROOT/target/a-HASH.rlib -L native=ROOT/target/build/shared-HASH/out -C link-arg=ROOT/target/build/a-HASH/out/x -l x";

    #[test]
    fn the_place_of_a_checkout_makes_no_difference() {
        let metadata = |call: Vec<String>| call.into_iter().find(|word| word.starts_with("metadata=")).unwrap();
        let one = metadata(called("/one", "1111", WORDS, None));
        assert_eq!(one, metadata(called("/an/other", "2222", WORDS, Some("sccache"))));
        assert!(!one.contains("1111"));
        for change in
            [("--target t ", ""), ("-l x", "-l y"), ("shared ", "share "), ("--target", "--cfg feature --target")]
        {
            assert_ne!(one, metadata(called("/one", "1111", &WORDS.replace(change.0, change.1), None)), "{change:?}");
        }
    }

    #[test]
    fn places_get_names_in_what_is_shipped() {
        let call = called("/one", "1111", WORDS, Some("sccache"));
        assert_eq!(call[..2], ["sccache", "rustc"]);
        let names = [
            "--remap-path-prefix=/one=/site",
            "--remap-path-prefix=/one/target=/target",
            "--remap-path-prefix=/h/.cargo=/cargo",
            "--remap-path-prefix=/one/target/build/shared-1111/out=/out/site/shared",
        ];
        assert_eq!(call[call.len() - 4..], names);
        assert!(call.contains(&"extra-filename=-1111".to_owned()));
        let of_host = called("/one", "1111", "rustc --crate-name build -C metadata=HASH", None);
        assert!(!of_host.iter().any(|word| word.starts_with("--remap")), "{of_host:?}");
    }

    #[test]
    fn what_is_no_crate_is_left_alone() {
        let places = Places { root: "/one".to_owned(), ..Places::default() };
        let given = ["rustc", "-vV"].map(OsString::from);
        assert_eq!(places.call(&given, |_| None), given);
    }
}
