//! What functions are told by name. In: layers of glob and configuration, as netlify.toml, the
//! peer's JSON and `{main}.json` files give them. Out: the configuration of one function, merged
//! from the least to the most specific glob (spec: functions.md section 3).

use std::path::Path;

use serde::Deserialize;

use super::SettingsError;
use crate::function::{FunctionConfig, FunctionName};
use crate::glob::{GlobList, InvalidGlob};
use crate::path::AbsPath;
use crate::store::Store;

/// Configurations by glob, in the order they were given.
#[derive(Debug, Clone, Default)]
pub struct ConfigLayers(Vec<Layer>);

#[derive(Debug, Clone)]
struct Layer {
    glob: GlobList,
    weight: isize,
    config: FunctionConfig,
    /// Layers of a later source lie over all of an earlier one.
    source: usize,
}

impl ConfigLayers {
    /// Adds a layer of the first source.
    ///
    /// # Errors
    /// `glob` is none.
    pub(super) fn push(&mut self, glob: &str, config: FunctionConfig) -> Result<(), InvalidGlob> {
        self.0.push(Layer { glob: GlobList::new([glob])?, weight: weight(glob), config, source: 0 });
        Ok(())
    }

    /// Lays the layers of another source over these.
    pub(super) fn lay_over(&mut self, higher: Self) {
        let source = self.0.iter().map(|layer| layer.source + 1).max().unwrap_or(0);
        self.0.extend(higher.0.into_iter().map(|layer| Layer { source: source + layer.source, ..layer }));
    }

    /// What the function of this name is told.
    pub fn of(&self, name: &FunctionName) -> FunctionConfig {
        let mut layers: Vec<&Layer> = self.0.iter().filter(|layer| layer.glob.matches(name.as_str())).collect();
        layers.sort_by_key(|layer| (layer.source, layer.weight));
        layers.iter().fold(FunctionConfig::default(), |low, layer| low.overlaid(&layer.config))
    }
}

/// How specific a glob is: its characters that are not `*`, less one if there is any `*`.
fn weight(glob: &str) -> isize {
    let letters = glob.chars().filter(|letter| *letter != '*').count();
    letters.cast_signed() - isize::from(glob.contains('*'))
}

/// Reads `--config`: JSON, `@file`, or the name of a file that ends in `.json`.
pub(super) fn from_json(text: &str, cwd: &Path, store: &Store) -> Result<ConfigLayers, SettingsError> {
    let named = text.strip_prefix('@').or_else(|| text.trim_end().ends_with(".json").then_some(text));
    let (place, content) = match named {
        None => ("--config".to_owned(), text.to_owned()),
        Some(name) => {
            let path = AbsPath::resolve(cwd, name);
            let bytes = store
                .read(&path)
                .map_err(|error| SettingsError::Config { place: path.to_string(), reason: error.reason() })?;
            (path.to_string(), String::from_utf8_lossy(&bytes).into_owned())
        }
    };
    let layers: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&content)
        .map_err(|error| SettingsError::Config { place: place.clone(), reason: error.to_string() })?;
    let mut read = ConfigLayers::default();
    for (glob, config) in layers {
        let config = serde_json::from_value(config).map_err(|error| SettingsError::Config {
            place: format!("{place}: `{glob}`"),
            reason: error.to_string(),
        })?;
        read.push(&glob, config)
            .map_err(|error| SettingsError::Config { place: place.clone(), reason: error.to_string() })?;
    }
    Ok(read)
}

/// A `{main}.json` file.
#[derive(Deserialize)]
struct ConfigFile {
    version: u32,
    config: FunctionConfig,
}

/// What the `{main}.json` file beside a main file says; none if there is no such file.
///
/// # Errors
/// The file, and what is wrong with it as a fragment.
pub fn config_beside(main: &AbsPath, store: &Store) -> Option<Result<FunctionConfig, (AbsPath, String)>> {
    let stem = main.file_stem()?.to_string_lossy().into_owned();
    let path = main.parent()?.child(format!("{stem}.json"));
    if !store.is_file(&path) {
        return None;
    }
    let bytes = store.read(&path).map_err(|error| error.reason());
    Some(bytes.and_then(|bytes| parse_config_file(&bytes)).map_err(|reason| (path, reason)))
}

fn parse_config_file(bytes: &[u8]) -> Result<FunctionConfig, String> {
    let file: ConfigFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match file.version {
        1 => Ok(file.config),
        version => Err(format!("`version` must be 1, not {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Disk;

    #[test]
    fn a_more_specific_glob_lies_over_a_less_specific_one() {
        let json = r#"{"hello": {"schedule": "a"}, "*": {"schedule": "b", "name": "all"}, "h*": {"schedule": "c", "name": "h"}}"#;
        let layers = from_json(json, Path::new("/"), &Store::new(Disk)).unwrap();
        let config = layers.of(&FunctionName::of("hello"));
        assert_eq!((config.schedule.as_deref(), config.name.as_deref()), (Some("a"), Some("h")));
        assert_eq!(layers.of(&FunctionName::of("other")).schedule.as_deref(), Some("b"));
    }

    #[test]
    fn a_later_source_lies_over_an_earlier_one_however_specific() {
        let store = Store::new(Disk);
        let mut layers = from_json(r#"{"hello": {"schedule": "toml"}}"#, Path::new("/"), &store).unwrap();
        layers.lay_over(from_json(r#"{"*": {"schedule": "json"}}"#, Path::new("/"), &store).unwrap());
        assert_eq!(layers.of(&FunctionName::of("hello")).schedule.as_deref(), Some("json"));
    }

    #[test]
    fn a_config_file_needs_its_version() {
        assert!(parse_config_file(br#"{"version": 1, "config": {"schedule": "@daily"}}"#).is_ok());
        assert_eq!(parse_config_file(br#"{"version": 2, "config": {}}"#).unwrap_err(), "`version` must be 1, not 2");
    }
}
