//! netlify.toml. In: the file, the deploy context and the branch. Out: what it says about functions
//! once its contexts are laid over it. Never follows `base`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{ConfigLayers, Invocation, SettingsError};
use crate::diagnostic::Span;
use crate::function::FunctionConfig;
use crate::path::AbsPath;
use crate::store::Store;

/// What a netlify.toml says about functions.
#[derive(Debug, Default)]
pub(super) struct NetlifyToml {
    /// `build.base`.
    pub(super) base: Option<String>,
    /// `functions.directory`, or the legacy `build.functions`.
    pub(super) functions_directory: Option<String>,
    /// `[functions]` and `[functions."glob"]`.
    pub(super) config: ConfigLayers,
    /// `[build.environment]`.
    pub(super) environment: BTreeMap<String, String>,
}

/// The keys of `[functions]` that are settings, not names of functions.
const SETTINGS: [&str; 10] = [
    "directory",
    "node_bundler",
    "external_node_modules",
    "ignored_node_modules",
    "included_files",
    "schedule",
    "memory",
    "region",
    "vcpu",
    "deno_import_map",
];

/// Reads a netlify.toml.
pub(super) fn read(path: &AbsPath, invocation: &Invocation, store: &Store) -> Result<NetlifyToml, SettingsError> {
    let bytes = store.read(path).map_err(|error| SettingsError::Path { path: path.clone(), reason: error.reason() })?;
    let text = String::from_utf8_lossy(&bytes);
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let span = error.span().unwrap_or_default();
        let span = Span::of(&text, span.start, span.end);
        SettingsError::Config {
            place: format!("{path}:{}:{}", span.line, span.column),
            reason: error.message().trim_end_matches('.').to_owned(),
        }
    })?;
    apply_contexts(&mut table, invocation);
    understand(&table, path)
}

/// Lays `[context.X]` over the file, first for the deploy context, then for the branch.
fn apply_contexts(table: &mut Table, invocation: &Invocation) {
    let Some(Value::Table(contexts)) = table.remove("context") else { return };
    let environment = |name: &str| invocation.environment.get(name).filter(|value| !value.is_empty()).cloned();
    let context = invocation.context.clone().or_else(|| environment("CONTEXT")).unwrap_or_else(|| "production".into());
    let branch = invocation.branch.clone().or_else(|| environment("BRANCH"));
    let fits = |pattern: &str, branch: &str| match pattern.strip_suffix('*') {
        Some(prefix) => branch.starts_with(prefix),
        None => pattern == branch,
    };
    let by_context = contexts.get(&context).into_iter();
    let by_branch = contexts.iter().filter(|(pattern, _)| branch.as_ref().is_some_and(|branch| fits(pattern, branch)));
    for layer in by_context.chain(by_branch.map(|(_, layer)| layer)) {
        let Value::Table(layer) = layer else { continue };
        // A context's tables stand for the file's `[build]`, except those that have names of their own.
        let mut layer = layer.clone();
        let functions = layer.remove("functions");
        if let Some(Value::Table(functions)) = functions {
            merge(table, Table::from_iter([("functions".to_owned(), Value::Table(functions))]));
        }
        merge(table, Table::from_iter([("build".to_owned(), Value::Table(layer))]));
    }
}

/// Deep merge; arrays replace.
fn merge(low: &mut Table, high: Table) {
    for (key, value) in high {
        match (low.get_mut(&key), value) {
            (Some(Value::Table(low)), Value::Table(high)) => merge(low, high),
            (_, value) => {
                low.insert(key, value);
            }
        }
    }
}

fn understand(table: &Table, path: &AbsPath) -> Result<NetlifyToml, SettingsError> {
    let wrong = |key: &str, error: &dyn std::fmt::Display| SettingsError::Config {
        place: path.to_string(),
        reason: format!("`{key}`: {error}").trim().to_owned(),
    };
    let build = table.get("build").and_then(Value::as_table);
    let text = |table: Option<&Table>, key: &str| match table.and_then(|table| table.get(key)) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(key, &format_args!("must be a string, not {}", other.type_str()))),
    };
    let mut read = NetlifyToml { base: text(build, "base")?, ..NetlifyToml::default() };
    let legacy = build.and_then(|build| build.get("functions")).filter(|value| value.is_str());
    read.functions_directory = legacy.and_then(Value::as_str).map(str::to_owned);
    if let Some(Value::Table(environment)) = build.and_then(|build| build.get("environment")) {
        let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        read.environment = environment.iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
    }
    let Some(functions) = table.get("functions") else { return Ok(read) };
    let functions = functions.as_table().ok_or_else(|| wrong("functions", &"must be a table"))?;
    if let Some(directory) = text(Some(functions), "directory")? {
        read.functions_directory = Some(directory);
    }
    let mut everywhere = Table::new();
    for (key, value) in functions {
        let is_function = value.as_table().is_some_and(|table| {
            !SETTINGS.contains(&key.as_str()) || table.keys().all(|key| SETTINGS.contains(&key.as_str()))
        });
        if is_function {
            let config = value.clone().try_into::<FunctionConfig>();
            let config = config.map_err(|error| wrong(&format!("functions.{key}"), &error.message()))?;
            read.config.push(key, config).map_err(|error| wrong("functions", &error))?;
        } else {
            everywhere.insert(key.clone(), value.clone());
        }
    }
    let config = Value::Table(everywhere).try_into::<FunctionConfig>();
    let config = config.map_err(|error| wrong("functions", &error.message()))?;
    read.config.push("*", config).map_err(|error| wrong("functions", &error))?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{Bundler, FunctionName};

    fn read_text(text: &str, invocation: &Invocation) -> Result<NetlifyToml, SettingsError> {
        let mut table: Table = text.parse().unwrap();
        apply_contexts(&mut table, invocation);
        understand(&table, &AbsPath::resolve("/".as_ref(), "netlify.toml"))
    }

    #[test]
    fn contexts_then_branches_are_laid_over_the_file() {
        let text = r#"
            [build]
            base = "a"
            [build.environment]
            NODE_VERSION = 20
            [context.production]
            functions = { directory = "prod" }
            [context.staging]
            base = "b"
            [context.staging.environment]
            NODE_VERSION = "22"
            [context."feat/*".functions]
            directory = "feature"
        "#;
        let production = read_text(text, &Invocation::default()).unwrap();
        assert_eq!(production.base.as_deref(), Some("a"));
        assert_eq!(production.functions_directory.as_deref(), Some("prod"));
        assert_eq!(production.environment["NODE_VERSION"], "20");
        let staging =
            Invocation { context: Some("staging".into()), branch: Some("feat/x".into()), ..Invocation::default() };
        let staging = read_text(text, &staging).unwrap();
        assert_eq!(staging.base.as_deref(), Some("b"));
        assert_eq!(staging.functions_directory.as_deref(), Some("feature"));
        assert_eq!(staging.environment["NODE_VERSION"], "22");
    }

    #[test]
    fn a_table_under_functions_is_a_function_even_if_it_is_called_like_a_setting() {
        let text = r#"
            [functions]
            node_bundler = "nft"
            [functions.schedule]
            memory = 2048
            [functions."api*"]
            included_files = ["a"]
        "#;
        let read = read_text(text, &Invocation::default()).unwrap();
        assert_eq!(read.config.of(&FunctionName::of("hello")).node_bundler, Some(Bundler::Nft));
        assert!(read.config.of(&FunctionName::of("schedule")).memory.is_some());
        assert_eq!(read.config.of(&FunctionName::of("api-v1")).included_files, Some(vec!["a".into()]));
    }

    #[test]
    fn a_value_of_a_wrong_type_is_named() {
        let error = read_text("[functions]\nnode_bundler = 3", &Invocation::default()).unwrap_err();
        assert!(error.to_string().contains("functions"), "{error}");
        let error = read_text("[build]\nbase = 3", &Invocation::default()).unwrap_err();
        assert_eq!(error.to_string(), "/netlify.toml: `base`: must be a string, not integer");
    }
}
