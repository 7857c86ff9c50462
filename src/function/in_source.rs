//! The `config` of a version 2 function. In: the literals that its main file holds. Out: what they
//! say, checked key by key (spec: functions.md section 3, peer-behaviour.md "In-source analysis"), and
//! what is wrong with them. Knows no syntax and no places.

use serde_json::{Map, Value};

use super::route::Route;
use super::traffic::TrafficRules;
use super::{Bundler, FunctionConfig};

/// What a `config` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InSource {
    /// What can be said elsewhere, too.
    pub config: FunctionConfig,
    /// Its addresses.
    pub routes: Vec<Route>,
    /// Addresses that it does not have.
    pub excluded_routes: Vec<Route>,
    /// How often it may be called.
    pub traffic_rules: Option<TrafficRules>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the configuration: `path.1`.
    pub path: String,
    /// A fragment.
    pub message: String,
    /// Does it fail the function? Otherwise the value is dropped.
    pub fatal: bool,
}

/// Every key that is known.
const KEYS: [&str; 18] = [
    "background",
    "excludedPath",
    "externalNodeModules",
    "generator",
    "ignoredNodeModules",
    "includedFiles",
    "memory",
    "method",
    "name",
    "nodeBundler",
    "nodeVersion",
    "path",
    "preferStatic",
    "rateLimit",
    "region",
    "schedule",
    "timeout",
    "vcpu",
];

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "OPTIONS", "DELETE", "HEAD"];

/// Reads a `config`.
pub fn read(values: &Map<String, Value>) -> (InSource, Vec<Problem>) {
    let mut reader = Reader { values, problems: Vec::new() };
    let config = FunctionConfig {
        name: reader.text("name"),
        generator: reader.text("generator"),
        background: reader.flag("background"),
        schedule: reader.text("schedule"),
        timeout: reader.timeout(),
        memory: values.get("memory").filter(|value| !value.is_null()).cloned(),
        vcpu: reader.vcpu(),
        region: reader.region(),
        node_bundler: reader.bundler(),
        node_version: reader.text("nodeVersion"),
        external_node_modules: reader.texts("externalNodeModules"),
        ignored_node_modules: reader.texts("ignoredNodeModules"),
        included_files: reader.texts("includedFiles"),
        included_files_base_path: None,
    };
    let methods = reader.methods();
    let prefer_static = reader.flag("preferStatic") == Some(true);
    let mut routes = reader.paths("path");
    for route in &mut routes {
        route.methods = Some(methods.clone());
        route.prefer_static = prefer_static;
    }
    let excluded_routes = reader.paths("excludedPath");
    let traffic_rules = reader.traffic_rules();
    for key in values.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let near = KEYS.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key));
        let near = near.filter(|known| strsim::damerau_levenshtein(known, key) <= 3);
        let meant = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        reader.problem(key, format!("is no key that is known{meant}"), false);
    }
    (InSource { config, routes, excluded_routes, traffic_rules }, reader.problems)
}

struct Reader<'a> {
    values: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>, fatal: bool) {
        self.problems.push(Problem { path: path.into(), message: message.into(), fatal });
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// A value of one type; of another it is dropped, with a warning.
    fn typed<T>(&mut self, key: &str, what: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.problem(key, format!("must be {what}: it is ignored"), false);
        }
        read
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        self.typed(key, "true or false", Value::as_bool)
    }

    fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        self.typed(key, "an array of strings", strings)
    }

    fn timeout(&mut self) -> Option<u32> {
        self.typed("timeout", "a number of seconds", |value| u32::try_from(value.as_u64()?).ok())
    }

    fn bundler(&mut self) -> Option<Bundler> {
        let names = "`esbuild`, `esbuild_zisi`, `nft`, `none` or `zisi`";
        self.typed("nodeBundler", names, |value| serde_json::from_value(value.clone()).ok())
    }

    fn vcpu(&mut self) -> Option<f64> {
        let value = self.get("vcpu")?;
        if value.as_f64().is_none() {
            self.problem("vcpu", "must be a number", true);
        }
        value.as_f64()
    }

    fn region(&mut self) -> Option<String> {
        let value = self.get("region")?;
        if value.as_str().is_none() {
            self.problem("region", "must be a string", true);
        }
        value.as_str().map(str::to_owned)
    }

    /// One method or several, in any case.
    fn methods(&mut self) -> Vec<String> {
        let Some(value) = self.get("method") else { return Vec::new() };
        let one_or_more = value.as_str().map(|text| vec![text.to_owned()]).or_else(|| strings(value));
        let Some(methods) = one_or_more else {
            self.problem("method", "must be a method or an array of methods", true);
            return Vec::new();
        };
        let methods: Vec<String> = methods.iter().map(|method| method.to_uppercase()).collect();
        for (index, method) in methods.iter().enumerate() {
            if !METHODS.contains(&method.as_str()) {
                let path = if value.is_array() { format!("method.{index}") } else { "method".into() };
                self.problem(path, format!("must be one of {}", METHODS.join(", ")), true);
            }
        }
        methods
    }

    /// One path or several, each once.
    fn paths(&mut self, key: &str) -> Vec<Route> {
        let paths: Vec<(String, &str)> = match self.get(key) {
            None => return Vec::new(),
            Some(Value::String(path)) => vec![(key.to_owned(), path)],
            Some(Value::Array(paths)) => {
                let text = |(index, path): (usize, &'a Value)| Some((format!("{key}.{index}"), path.as_str()?));
                let texts: Vec<_> = paths.iter().enumerate().filter_map(text).collect();
                if texts.len() < paths.len() {
                    self.problem(key, "must be a string or array of strings", true);
                }
                texts
            }
            Some(_) => {
                self.problem(key, "must be a string or array of strings", true);
                return Vec::new();
            }
        };
        let mut routes: Vec<Route> = Vec::new();
        for (at, path) in paths {
            match Route::parse(path) {
                Ok(route) if routes.iter().any(|known| known.pattern == route.pattern) => {}
                Ok(route) => routes.push(route),
                Err(message) => self.problem(at, message, true),
            }
        }
        routes
    }

    fn traffic_rules(&mut self) -> Option<TrafficRules> {
        let value = self.get("rateLimit")?;
        match TrafficRules::read(value) {
            Ok(rules) => Some(rules),
            Err((path, message)) => {
                let path = if path.is_empty() { "rateLimit".to_owned() } else { format!("rateLimit.{path}") };
                self.problem(path, format!("{message}: the rate limit is ignored"), false);
                None
            }
        }
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
