//! What functions are told by name. In: layers of glob and configuration, as netlify.toml, the
//! peer's JSON and `{main}.json` files give them. Out: what one function is told, merged from the
//! least to the most specific glob (spec: functions.md section 3).

use std::path::Path;

use super::SettingsError;
use super::document::{Document, Node};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::function::FunctionName;
use crate::function::config::{Speaker, Told};
use crate::glob::{GlobList, InvalidGlob};
use crate::path::AbsPath;
use crate::store::Store;

/// Configurations by glob, in the order they were given.
#[derive(Debug, Clone, Default)]
pub struct ConfigLayers(Vec<Layer>);

#[derive(Debug, Clone)]
struct Layer {
    glob: NameGlob,
    /// Where the glob stands, if it is written down.
    place: Option<Place>,
    told: Told,
    /// Layers of a later source lie over all of an earlier one.
    source: usize,
}

impl ConfigLayers {
    /// Adds a layer of the first source.
    ///
    /// # Errors
    /// `glob` is none.
    pub(super) fn push(&mut self, glob: &str, place: Option<Place>, told: Told) -> Result<(), InvalidGlob> {
        self.0.push(Layer { glob: NameGlob::new(glob)?, place, told, source: 0 });
        Ok(())
    }

    /// Lays the layers of another source over these.
    pub(super) fn lay_over(&mut self, higher: Self) {
        let source = self.0.iter().map(|layer| layer.source + 1).max().unwrap_or(0);
        self.0.extend(higher.0.into_iter().map(|layer| Layer { source: source + layer.source, ..layer }));
    }

    /// What the function of this name is told. Of two equally specific globs, the later one lies over
    /// the earlier.
    pub fn of(&self, name: &FunctionName) -> Told {
        let mut layers: Vec<&Layer> = self.0.iter().filter(|layer| layer.glob.matches(name)).collect();
        layers.sort_by_key(|layer| (layer.source, layer.glob.weight()));
        layers.iter().fold(Told::default(), |low, layer| low.overlaid(&layer.told))
    }

    /// The globs that mean none of these functions, and where they stand.
    pub fn without_function(&self, names: &[&FunctionName]) -> Vec<(&str, Option<&Place>)> {
        let unmet =
            self.0.iter().filter(|layer| layer.glob.text != "*" && !names.iter().any(|name| layer.glob.matches(name)));
        unmet.map(|layer| (layer.glob.text.as_str(), layer.place.as_ref())).collect()
    }

    /// Every glob and what is said under it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Told)> {
        self.0.iter().map(|layer| (layer.glob.text.as_str(), &layer.told))
    }
}

/// A glob on the names of functions.
#[derive(Debug, Clone)]
struct NameGlob {
    text: String,
    /// Names that it does not mean, with `!` in front.
    negated: bool,
    list: GlobList,
}

impl NameGlob {
    fn new(text: &str) -> Result<Self, InvalidGlob> {
        let (negated, glob) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        if ["@(", "+(", "*(", "?(", "!("].iter().any(|extended| text.contains(extended)) {
            return Err(InvalidGlob::new(text, "write alternatives as `{one,another}`"));
        }
        Ok(Self { text: text.to_owned(), negated, list: GlobList::new([glob])? })
    }

    fn matches(&self, name: &FunctionName) -> bool {
        let hidden = name.as_str().starts_with('.') && !self.text.starts_with('.');
        !hidden && self.list.matches(name.as_str()) != self.negated
    }

    /// How specific it is: its characters that are not `*`, less one if there is any `*`.
    fn weight(&self) -> isize {
        let letters = self.text.chars().filter(|letter| *letter != '*').count();
        letters.cast_signed() - isize::from(self.text.contains('*'))
    }
}

/// Reads `--config`: JSON, `@file`, or the name of a file that ends in `.json`.
pub(super) fn from_json(
    text: &str,
    cwd: &Path,
    store: &Store,
) -> Result<(ConfigLayers, Vec<Diagnostic>), SettingsError> {
    let named = text.strip_prefix('@').or_else(|| text.trim_end().ends_with(".json").then_some(text));
    let document = match named {
        None => Document::flag("--config", text),
        Some(name) => {
            let path = AbsPath::resolve(cwd, name);
            let read = store.read(&path);
            let bytes = read.map_err(|error| SettingsError::Path { path: path.clone(), reason: error.reason() })?;
            Document::file(&path, &bytes)
        }
    };
    let root = document.json()?;
    let Some(globs) = root.as_table() else {
        let error = document.error(root.at(), "must be an object of configurations by function or glob");
        return Err(error.into());
    };
    let mut read = ConfigLayers::default();
    let mut said = Vec::new();
    for member in globs {
        let (told, problems) = told(&document, &member.node);
        said.extend(problems);
        if let Err(error) = read.push(&member.key, Some(document.place(&member.key_at)), told) {
            said.push(document.error(&member.key_at, &error.to_string()));
        }
    }
    SettingsError::unless_wrong(&said)?;
    Ok((read, said))
}

/// What the `{main}.json` file beside a main file says, and what is wrong with it; none if there is
/// no such file.
pub fn config_beside(main: &AbsPath, store: &Store) -> Option<(Told, Vec<Diagnostic>)> {
    let stem = main.file_stem()?.to_string_lossy().into_owned();
    let path = main.parent()?.child(format!("{stem}.json"));
    if !store.is_file(&path) {
        return None;
    }
    let bytes = match store.read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let said = Diagnostic::warning(Code::Configuration, format!("is ignored: {}", error.reason())).at(&path);
            return Some((Told::default(), vec![said]));
        }
    };
    Some(of_config_file(&Document::file(&path, &bytes)))
}

fn of_config_file(document: &Document) -> (Told, Vec<Diagnostic>) {
    let ignored = |at, why: &str| {
        let message = format!("the function's configuration is ignored: {why}");
        (Told::default(), vec![document.warning(at, &message)])
    };
    let root = match document.json() {
        Ok(root) => root,
        Err(error) => {
            let message = format!("the function's configuration is ignored: {}", error.message);
            return (Told::default(), vec![Diagnostic { message, ..error }.into_warning()]);
        }
    };
    match root.get("version") {
        Some(version) if version.value() == 1 => {}
        version => return ignored(version.unwrap_or(&root).at(), "`version` must be 1"),
    }
    let Some(config) = root.get("config").filter(|config| config.as_table().is_some()) else {
        return ignored(root.at(), "`config` must be an object");
    };
    let (told, problems) = told(document, config);
    // It stands for what others say key by key: lists do not add up.
    (told.replacing(|_| true), problems.into_iter().map(Diagnostic::into_warning).collect())
}

/// One configuration in JSON. Keys that are not known are a warning, values of the wrong form an error.
fn told(document: &Document, node: &Node) -> (Told, Vec<Diagnostic>) {
    if node.as_table().is_none() {
        return (Told::default(), vec![document.error(node.at(), "must be an object")]);
    }
    let place = |path: &str| document.place(node.part(path).at());
    let (told, problems) = Told::read(&node.members(), Speaker::Other, &place);
    let said = problems.into_iter().map(|problem| {
        let message = format!("`{}` {}", problem.path, problem.message);
        if problem.unknown {
            document.warning(node.key_at(&problem.path), &message)
        } else {
            document.error(node.part(&problem.path).at(), &message)
        }
    });
    (told, said.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Disk;

    fn layers(json: &str) -> ConfigLayers {
        from_json(json, Path::new("/"), &Store::new(Disk)).unwrap().0
    }

    fn schedule(layers: &ConfigLayers, name: &str) -> Option<String> {
        layers.of(&FunctionName::of(name)).config().schedule
    }

    #[test]
    fn a_more_specific_glob_lies_over_a_less_specific_one() {
        let json = r#"{"hello": {"schedule": "a"}, "*": {"schedule": "b", "name": "all"}, "h*": {"schedule": "c", "name": "h"}}"#;
        let layers = layers(json);
        let config = layers.of(&FunctionName::of("hello")).config();
        assert_eq!((config.schedule.as_deref(), config.name.as_deref()), (Some("a"), Some("h")));
        assert_eq!(schedule(&layers, "other").as_deref(), Some("b"));
    }

    #[test]
    fn a_later_source_lies_over_an_earlier_one_however_specific() {
        let mut lower = layers(r#"{"hello": {"schedule": "toml"}}"#);
        lower.lay_over(layers(r#"{"*": {"schedule": "json"}}"#));
        assert_eq!(schedule(&lower, "hello").as_deref(), Some("json"));
    }

    #[test]
    fn globs_are_those_of_names() {
        let layers = layers(r#"{"!bye": {"schedule": "not bye"}, "b*": {"schedule": "b"}}"#);
        assert_eq!(schedule(&layers, "hello").as_deref(), Some("not bye"));
        assert_eq!(schedule(&layers, "bye").as_deref(), Some("b"));
        assert_eq!(schedule(&layers, ".hidden"), None);
        let error = from_json(r#"{"@(a|b)": {}}"#, Path::new("/"), &Store::new(Disk)).unwrap_err();
        assert!(error.to_string().contains("write alternatives as `{one,another}`"), "{error}");
    }

    #[test]
    fn a_config_file_needs_its_version_and_says_what_is_wrong() {
        let read = |text: &str| of_config_file(&Document::flag("hello.json", text));
        let (told, said) = read(r#"{"version": 1, "config": {"schedule": "@daily", "schedul": 1}}"#);
        assert_eq!(told.config().schedule.as_deref(), Some("@daily"));
        assert_eq!(said[0].message, "hello.json: `schedul` is no key that is known: did you mean `schedule`?");
        for (text, why) in [
            (r#"{"version": 2, "config": {}}"#, "`version` must be 1"),
            (r#"{"config": {}}"#, "`version` must be 1"),
            (r#"{"version": 1}"#, "`config` must be an object"),
            ("[]", "`version` must be 1"),
            ("{", "Unterminated object"),
        ] {
            let (told, said) = read(text);
            assert_eq!(told, Told::default());
            assert!(said[0].message.contains(why), "{text}: {}", said[0].message);
        }
    }
}
