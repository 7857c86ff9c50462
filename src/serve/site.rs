//! What is served. In: what was built. Out: functions, and which of them a request is for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use super::Making;
use super::function::{Function, MadeOf};
use crate::built::Listed;

/// Where functions are by default, of version 1 and of builders.
const HOMES: [&str; 2] = ["/.netlify/functions/", "/.netlify/builders/"];

/// The functions of a site, by name.
#[derive(Default)]
pub(super) struct Site {
    functions: BTreeMap<String, Arc<Function>>,
    environment: BTreeMap<String, OsString>,
}

/// Whom a request is for.
pub(super) enum Found {
    /// A function, and the pattern that leads there.
    Function(Arc<Function>, Option<String>),
    /// Nobody: no function may be called so.
    BadName,
    /// Nobody.
    Nobody,
}

impl Site {
    /// Of these, each with the hash of its archive. What is as it was before stays, unless its environment is another.
    pub(super) fn of(
        built: &[(Listed, String)],
        failed: &BTreeMap<String, String>,
        before: &Self,
        making: &Making<'_>,
    ) -> Self {
        let environment = making.machine.environment.clone();
        let is_same = |function: &&Arc<Function>, made_of: &MadeOf| {
            environment == before.environment && function.is_made_of(made_of)
        };
        let same = |name: &str, made_of: &MadeOf| before.named(name).filter(|it| is_same(it, made_of)).cloned();
        let mut functions = BTreeMap::new();
        for (listed, hash) in built {
            let made_of = MadeOf::Archive(hash.clone(), listed.row.clone().map(Box::new));
            let function = same(&listed.name, &made_of);
            let function =
                function.unwrap_or_else(|| Arc::new(Function::of(listed, made_of, before.named(&listed.name), making)));
            functions.insert(listed.name.clone(), function);
        }
        for (name, why) in failed {
            let made_of = MadeOf::Nothing(why.clone());
            let function = same(name, &made_of);
            let function = function.unwrap_or_else(|| Arc::new(Function::broken(name.clone(), why.clone())));
            functions.insert(name.clone(), function);
        }
        Self { functions, environment }
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.get(name)
    }

    /// Whom a request is for, where there is a file of that name or not (spec: serve.md "address").
    pub(super) fn find(&self, method: &str, path: &str, has_file: bool) -> Found {
        if let Some(rest) = HOMES.iter().find_map(|home| path.strip_prefix(home)) {
            let name = rest.split('/').next().unwrap_or_default();
            return match self.named(name) {
                Some(function) if !is_a_name(&function.name) => Found::BadName,
                Some(function) if !function.has_routes() => Found::Function(function.clone(), None),
                _ => Found::Nobody,
            };
        }
        let plain = if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) };
        let plain = plain.to_lowercase();
        for function in self.functions() {
            let route = function.route(method, &plain).filter(|(_, prefers_file)| !(*prefers_file && has_file));
            if let Some((pattern, _)) = route {
                return Found::Function(function.clone(), Some(pattern.to_owned()));
            }
        }
        Found::Nobody
    }
}

/// The platform's names.
fn is_a_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}
