//! fnzip's own table, `[fnzip]`, which Netlify ignores. In: the table. Out: [`Own`], and what is wrong
//! with it.

use super::Reader;
use crate::diagnostic::did_you_mean;
use crate::settings::document::{Data, Member, Node, Table};
use crate::settings::{For, Limits, PackageRule, cache, limits};

/// What `[fnzip]` says.
#[derive(Debug, Default)]
pub(in crate::settings) struct Own {
    /// `telemetry`.
    pub(in crate::settings) telemetry: bool,
    /// `package_rules`.
    pub(in crate::settings) package_rules: Vec<PackageRule>,
    /// `limits`.
    pub(in crate::settings) limits: Limits,
    /// `target`.
    pub(in crate::settings) target: Option<For>,
    /// `zip_go`.
    pub(in crate::settings) zip_go: Option<bool>,
    /// `analysis = "off"`.
    pub(in crate::settings) no_analysis: bool,
    /// `cache`.
    pub(in crate::settings) cache: cache::Said,
}

/// The keys.
const KEYS: [&str; 7] = ["analysis", "cache", "limits", "package_rules", "target", "telemetry", "zip_go"];

impl Reader<'_> {
    pub(super) fn own(&mut self, table: &Table) -> Own {
        let mut read = Own::default();
        for Member { key, key_at, node } in table {
            match key.as_str() {
                "telemetry" => match node.as_bool() {
                    Some(telemetry) => read.telemetry = telemetry,
                    None => self.error(node.at(), "`fnzip.telemetry` must be true or false"),
                },
                "zip_go" => match node.as_bool() {
                    Some(zip) => read.zip_go = Some(zip),
                    None => self.error(node.at(), "`fnzip.zip_go` must be true or false"),
                },
                "analysis" => match node.as_str() {
                    Some(word @ ("on" | "off")) => read.no_analysis = word == "off",
                    _ => self.error(node.at(), "`fnzip.analysis` must be \"on\" or \"off\""),
                },
                "target" => match node.as_str() {
                    Some("lambda") => read.target = Some(For::Lambda),
                    Some("host") => read.target = Some(For::Host),
                    _ => self.error(node.at(), "`fnzip.target` must be \"lambda\" or \"host\""),
                },
                "limits" => read.limits = self.limits(node),
                "package_rules" => read.package_rules = self.package_rules(node),
                "cache" => read.cache = self.cache(node),
                _ => {
                    let meant = did_you_mean(key, KEYS.into_iter());
                    self.warning(key_at, &format!("`fnzip.{key}` is no key that is known{meant}"));
                }
            }
        }
        read
    }

    fn cache(&mut self, node: &Node) -> cache::Said {
        let mut read = cache::Said { off: node.as_bool() == Some(false), ..cache::Said::default() };
        if node.as_table().is_none() && node.as_bool().is_none() {
            self.error(node.at(), "`fnzip.cache` must be false, or a table");
        }
        for Member { key, key_at, node } in node.as_table().into_iter().flatten() {
            match key.as_str() {
                "directory" => match node.as_str() {
                    Some(directory) => read.directory = Some(directory.to_owned()),
                    None => self.error(node.at(), "`fnzip.cache.directory` must be a path"),
                },
                "size" => match limits::bytes_of(node) {
                    Some(size) => read.size = Some(size),
                    None => {
                        self.error(node.at(), "`fnzip.cache.size` must be a number of bytes, or text such as `500mb`");
                    }
                },
                _ => {
                    let meant = did_you_mean(key, ["directory", "size"].into_iter());
                    self.warning(key_at, &format!("`fnzip.cache.{key}` is no key that is known{meant}"));
                }
            }
        }
        read
    }

    fn limits(&mut self, node: &Node) -> Limits {
        let mut read = Limits::default();
        if node.as_table().is_none() {
            self.error(node.at(), "`fnzip.limits` must be a table");
        }
        for Member { key, key_at, node } in node.as_table().into_iter().flatten() {
            let mut known = read.by_name();
            match (known.iter_mut().find(|(name, _)| name == key), limits::bytes_of(node)) {
                (Some((_, limit)), Some(bytes)) => **limit = bytes,
                (Some(_), None) => {
                    let message = format!("`fnzip.limits.{key}` must be a number of bytes, or text such as `60mb`");
                    self.error(node.at(), &message);
                }
                (None, _) => {
                    let meant = did_you_mean(key, known.iter().map(|(name, _)| *name));
                    self.warning(key_at, &format!("`fnzip.limits.{key}` is no key that is known{meant}"));
                }
            }
        }
        read
    }

    fn package_rules(&mut self, node: &Node) -> Vec<PackageRule> {
        let Data::Array(rows) = &node.data else {
            self.error(node.at(), "`fnzip.package_rules` must be an array of tables");
            return Vec::new();
        };
        let mut rules = Vec::new();
        for row in rows {
            let rule = serde_json::from_value::<PackageRule>(row.value()).map_err(|error| error.to_string());
            match rule.and_then(|rule| rule.check().map(|()| rule).map_err(|error| error.to_string())) {
                Ok(rule) => rules.push(rule),
                Err(error) => self.error(row.at(), &format!("`fnzip.package_rules`: {error}")),
            }
        }
        rules
    }
}
