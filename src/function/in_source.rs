//! The `config` of a version 2 function. In: the literals that its main file holds. Out: what they
//! say, checked key by key (spec: functions.md section 3, peer-behaviour.md "In-source analysis"), and
//! what is wrong with them. Knows no syntax and no places.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::config::{Problem, Speaker, Told};
use super::route::Route;
use crate::diagnostic::Place;

/// What a `config` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InSource {
    /// By key, with its places.
    pub told: Told,
    /// Its addresses.
    pub routes: Vec<Route>,
    /// Addresses that it does not have.
    pub excluded_routes: Vec<Route>,
    /// What is wrong with the rest: it is left out.
    pub problems: Vec<Problem>,
    /// What is so wrong that the platform would refuse it.
    pub errors: Vec<Problem>,
}

/// The keys that must have a value of the right form.
const STRICT: [&str; 3] = ["memory", "region", "vcpu"];

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "OPTIONS", "DELETE", "HEAD"];

/// Reads a `config`. `place` tells where a path stands.
pub fn read(values: &Map<String, Value>, place: &dyn Fn(&str) -> Place) -> InSource {
    let (told, problems) = Told::read(values, Speaker::Function, place);
    // The files that a function names itself are those that it wants.
    let told = told.replacing(|key| key == "includedFiles");
    let (mut errors, mut problems): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| STRICT.contains(&problem.path.as_str()));
    let empty = STRICT.iter().filter(|key| values.get(**key).is_some_and(Value::is_null));
    errors.extend(empty.map(|key| problem(*key, "must not be null")));
    let mut reader = Reader { values, errors };
    let methods = reader.methods();
    let prefer_static = match values.get("preferStatic") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => {
            problems.push(problem("preferStatic", "must be true or false"));
            false
        }
    };
    let mut routes = reader.paths("path");
    for route in &mut routes {
        route.methods = Some(methods.clone());
        route.prefer_static = prefer_static;
    }
    let excluded_routes = reader.paths("excludedPath");
    InSource { told, routes, excluded_routes, problems, errors: reader.errors }
}

fn problem(path: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { path: path.into(), message: message.into(), unknown: false, hint: None }
}

struct Reader<'a> {
    values: &'a Map<String, Value>,
    errors: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(problem(path, message));
    }

    /// One method or several, in any case.
    fn methods(&mut self) -> Vec<String> {
        let Some(value) = self.values.get("method") else { return Vec::new() };
        let one_or_more = value.as_str().map(|text| vec![text.to_owned()]).or_else(|| strings(value));
        let Some(methods) = one_or_more else {
            self.error("method", "must be a method or an array of methods");
            return Vec::new();
        };
        let methods: Vec<String> = methods.iter().map(|method| method.to_uppercase()).collect();
        for (index, method) in methods.iter().enumerate() {
            if !METHODS.contains(&method.as_str()) {
                let path = if value.is_array() { format!("method.{index}") } else { "method".into() };
                self.error(path, format!("must be one of {}", METHODS.join(", ")));
            }
        }
        methods
    }

    /// One path or several, each once.
    fn paths(&mut self, key: &str) -> Vec<Route> {
        let paths: Vec<(String, &str)> = match self.values.get(key) {
            None => return Vec::new(),
            Some(Value::String(path)) => vec![(key.to_owned(), path)],
            Some(Value::Array(paths)) => {
                let text = |(index, path): (usize, &'a Value)| Some((format!("{key}.{index}"), path.as_str()?));
                let texts: Vec<_> = paths.iter().enumerate().filter_map(text).collect();
                if texts.len() < paths.len() {
                    self.error(key, "must be a string or array of strings");
                }
                texts
            }
            Some(_) => {
                self.error(key, "must be a string or array of strings");
                return Vec::new();
            }
        };
        let mut routes: Vec<Route> = Vec::new();
        let mut known = BTreeSet::new();
        for (at, path) in paths.into_iter().filter(|(_, path)| known.insert(*path)) {
            match Route::parse(path) {
                Ok(route) => routes.push(route),
                Err(message) => {
                    let is_relative = !path.starts_with('/') && !path.contains("://");
                    let hint = is_relative.then(|| format!("write `/{}`", path.trim_start_matches("./")));
                    self.errors.push(Problem { hint, ..problem(at, message) });
                }
            }
        }
        routes
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
