//! What functions are told by name. In: layers of glob and configuration, as netlify.toml, the
//! peer's JSON and `{main}.json` files give them. Out: the configuration of one function, merged
//! from the least to the most specific glob (spec: functions.md section 3).

use std::path::Path;

use serde::Deserialize;

use super::SettingsError;
use crate::function::{FunctionConfig, FunctionName};
use crate::glob::GlobList;
use crate::path::AbsPath;
use crate::store::Store;

/// Configurations by glob, in the order they were given.
#[derive(Debug, Clone, Default)]
pub struct ConfigLayers(Vec<Layer>);

#[derive(Debug, Clone)]
struct Layer {
    glob: String,
    config: FunctionConfig,
    /// Layers of a later source lie over all of an earlier one.
    source: usize,
}

impl ConfigLayers {
    /// Adds a layer of the first source.
    pub(super) fn push(&mut self, glob: &str, config: FunctionConfig) {
        self.0.push(Layer { glob: glob.into(), config, source: 0 });
    }

    /// Lays the layers of another source over these.
    pub(super) fn extend(&mut self, higher: Self) {
        let source = self.0.iter().map(|layer| layer.source + 1).max().unwrap_or(0);
        self.0.extend(higher.0.into_iter().map(|layer| Layer { source: source + layer.source, ..layer }));
    }

    /// What the function of this name is told.
    pub fn of(&self, name: &FunctionName) -> FunctionConfig {
        let fits = |layer: &&Layer| GlobList::new([&layer.glob]).is_ok_and(|glob| glob.matches(name.as_str()));
        let mut layers: Vec<&Layer> = self.0.iter().filter(fits).collect();
        layers.sort_by_key(|layer| (layer.source, weight(&layer.glob)));
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
        read.push(&glob, config);
    }
    Ok(read)
}

/// A `{main}.json` file: configuration beside a function.
#[derive(Debug, Deserialize)]
pub struct ConfigFile {
    version: u32,
    config: FunctionConfig,
}

impl ConfigFile {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn parse(bytes: &[u8]) -> Result<FunctionConfig, String> {
        let file: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if file.version != 1 {
            return Err(format!("`version` must be 1, not {}", file.version));
        }
        Ok(file.config)
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
        layers.extend(from_json(r#"{"*": {"schedule": "json"}}"#, Path::new("/"), &store).unwrap());
        assert_eq!(layers.of(&FunctionName::of("hello")).schedule.as_deref(), Some("json"));
    }

    #[test]
    fn a_config_file_needs_its_version() {
        assert!(ConfigFile::parse(br#"{"version": 1, "config": {"schedule": "@daily"}}"#).is_ok());
        assert_eq!(ConfigFile::parse(br#"{"version": 2, "config": {}}"#).unwrap_err(), "`version` must be 1, not 2");
    }
}
