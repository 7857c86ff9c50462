//! netlify.toml. In: the file, the deploy context and the branch. Out: what it says about functions
//! once its contexts are laid over it; what Netlify's own validation would refuse is an error here too
//! (spec: functions.md section 3). Never follows `base`.

mod contexts;
mod own;

use std::collections::BTreeMap;
use std::ops::Range;

pub(super) use self::own::Own;
use super::document::{Data, Document, Member, Node, Table};
use super::{ConfigLayers, Invocation, SettingsError, Written};
use crate::diagnostic::{Diagnostic, Place, did_you_mean};
use crate::function::checks;
use crate::function::config::{Speaker, Told};
use crate::path::AbsPath;
use crate::store::Store;

/// What a netlify.toml says about functions.
#[derive(Debug, Default)]
pub(super) struct NetlifyToml {
    /// `build.base`.
    pub(super) base: Option<Written>,
    /// `build.publish`.
    pub(super) publish: Option<Written>,
    /// `functions.directory`, or the legacy `build.functions`.
    pub(super) functions_directory: Option<Written>,
    /// `[functions]` and `[functions."glob"]`.
    pub(super) config: ConfigLayers,
    /// `[build.environment]`.
    pub(super) environment: BTreeMap<String, Written>,
    /// `[fnzip]`.
    pub(super) own: Own,
    /// What is not known, or does not count.
    pub(super) said: Vec<Diagnostic>,
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

/// What may stand below `[functions."glob"]` besides.
const OF_FUNCTIONS: [&str; 8] = [
    "background",
    "generator",
    "included_files_base_path",
    "name",
    "node_sourcemap",
    "node_version",
    "timeout",
    "zip_go",
];

/// `esbuild_zisi` is what @netlify/build makes of `esbuild` when it calls the packager.
const BUNDLERS: [&str; 4] = ["esbuild", "nft", "none", "zisi"];

/// The tables of which something is read.
const TABLES: [&str; 4] = ["build", "context", "fnzip", "functions"];

/// Reads a netlify.toml.
pub(super) fn read(path: &AbsPath, invocation: &Invocation, store: &Store) -> Result<NetlifyToml, SettingsError> {
    let bytes = store.read(path).map_err(|error| SettingsError::Path { path: path.clone(), reason: error.reason() })?;
    understand(&Document::file(path, &bytes), invocation)
}

fn understand(document: &Document, invocation: &Invocation) -> Result<NetlifyToml, SettingsError> {
    let mut root = document.toml()?;
    let mut reader = Reader { document, said: Vec::new() };
    reader.contexts_are_tables(&root);
    contexts::apply(&mut root, invocation);
    lower_capitals(&mut root);
    let mut read = reader.root(&root);
    SettingsError::unless_wrong(&reader.said)?;
    read.said = reader.said;
    Ok(read)
}

/// Older files have `[Build]`, with `Base`, `Functions` and `Environment`; lower case goes before.
fn lower_capitals(root: &mut Node) {
    let lower = |table: &mut Table, keys: &[&str]| {
        let has = |table: &Table, key: &str| table.iter().any(|member| member.key == key);
        for index in 0..table.len() {
            let key = table[index].key.to_lowercase();
            if table[index].key != key && keys.contains(&key.as_str()) && !has(table, &key) {
                table[index].key = key;
            }
        }
    };
    let Data::Table(table) = &mut root.data else { return };
    lower(table, &["build"]);
    for member in table.iter_mut().filter(|member| member.key == "build") {
        if let Data::Table(build) = &mut member.node.data {
            lower(build, &["base", "functions", "environment"]);
        }
    }
}

struct Reader<'a> {
    document: &'a Document,
    said: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, at: &Range<usize>, message: &str) {
        self.said.push(self.document.error(at, message));
    }

    fn warning(&mut self, at: &Range<usize>, message: &str) {
        self.said.push(self.document.warning(at, message));
    }

    /// Those that are not active count, too.
    fn contexts_are_tables(&mut self, root: &Node) {
        let Some(contexts) = root.get("context") else { return };
        let Some(table) = contexts.as_table() else {
            return self.error(contexts.at(), "`context` must be a table");
        };
        for Member { key, node, .. } in table {
            if node.as_table().is_none() {
                self.error(node.at(), &format!("`context.{key}` must be a table"));
            } else if let Some(build) = node.get("build").filter(|build| build.as_table().is_none()) {
                self.error(build.at(), &format!("`context.{key}.build` must be a table"));
            }
        }
    }

    fn root(&mut self, root: &Node) -> NetlifyToml {
        let mut read = NetlifyToml::default();
        if let Some(functions) = root.get("functions").and_then(Node::as_table) {
            self.functions(functions, &mut read);
        }
        for Member { key, key_at, node } in root.as_table().into_iter().flatten() {
            let table = node.as_table();
            match (key.as_str(), table) {
                ("functions", Some(_)) => {}
                ("build", Some(_)) => self.build(node, &mut read),
                ("fnzip", Some(table)) => read.own = self.own(table),
                ("plugins", _) => self.each(key, node, &["package"]),
                ("edge_functions", _) => self.each(key, node, &["path", "pattern"]),
                ("build" | "functions" | "fnzip", None) => self.error(node.at(), &format!("`{key}` must be a table")),
                // Netlify has more tables than are of interest here: only a slip of the pen is told.
                _ => {
                    let meant = did_you_mean(key, TABLES.into_iter());
                    if !meant.is_empty() && node.as_table().is_some() {
                        self.warning(key_at, &format!("`{key}` is not read{meant}"));
                    }
                }
            }
        }
        // Older files have it there; the newer place hides it, even if it is empty.
        if read.functions_directory.is_none() {
            read.functions_directory = root.get("build").and_then(|build| self.text(build, "build", "functions"));
        }
        read
    }

    fn build(&mut self, build: &Node, read: &mut NetlifyToml) {
        for key in ["command", "edge_functions"] {
            self.text(build, "build", key);
        }
        read.publish = self.text(build, "build", "publish");
        read.base = self.text(build, "build", "base").filter(|(base, _)| !base.is_empty());
        let environment = build.get("environment").and_then(Node::as_table).into_iter().flatten();
        let written = |node: &Node| (node.as_variable(), self.document.place(node.at()));
        read.environment = environment.map(|member| (member.key.clone(), written(&member.node))).collect();
    }

    /// Tables of an array that must have one of these keys.
    fn each(&mut self, key: &str, node: &Node, needed: &[&str]) {
        let Data::Array(items) = &node.data else {
            return self.error(node.at(), &format!("`{key}` must be an array of tables"));
        };
        for item in items {
            if !needed.iter().any(|needed| item.get(needed).is_some()) {
                self.error(item.at(), &format!("`{key}`: each needs a `{}`", needed.join("` or a `")));
            }
        }
    }

    /// A text; of another type it is an error.
    fn text(&mut self, table: &Node, name: &str, key: &str) -> Option<Written> {
        let node = table.get(key)?;
        let text = node.as_str().map(|text| (text.to_owned(), self.document.place(node.at())));
        if text.is_none() {
            self.error(node.at(), &format!("`{name}.{key}` must be a string"));
        }
        text
    }

    /// Settings and functions stand side by side: a table is a function, if it is not called like a
    /// setting, or has settings only.
    fn functions(&mut self, table: &Table, read: &mut NetlifyToml) {
        let is_setting = |key: &str| SETTINGS.contains(&key);
        let is_function = |member: &&Member| {
            let members = member.node.as_table();
            members.is_some_and(|members| !is_setting(&member.key) || members.iter().all(|one| is_setting(&one.key)))
        };
        let (functions, others): (Vec<&Member>, Vec<&Member>) = table.iter().partition(is_function);
        let (settings, unknown): (Vec<&Member>, Vec<&Member>) =
            others.into_iter().partition(|member| is_setting(&member.key));
        for Member { key, key_at, .. } in unknown {
            let meant = if OF_FUNCTIONS.contains(&key.as_str()) {
                ": it belongs below `[functions.\"*\"]`, or the name of a function".to_owned()
            } else {
                did_you_mean(key, SETTINGS.into_iter())
            };
            self.error(key_at, &format!("`functions.{key}` is no setting, and no function, which is a table{meant}"));
        }
        // What stands in `[functions]` itself is said of all, below what `[functions."*"]` says.
        let mut everywhere = Node::table(settings.into_iter().cloned().collect());
        for member in functions.iter().filter(|member| member.key == "*") {
            everywhere.merge(member.node.clone());
        }
        if let Some(directory) = self.text(&everywhere, "functions", "directory") {
            read.functions_directory = Some(directory);
        }
        for member in functions.into_iter().filter(|member| member.key != "*") {
            if let Some(directory) = member.node.get("directory") {
                let message = format!("`functions.{}.directory`: there is one for all, in `[functions]`", member.key);
                self.error(directory.at(), &message);
            }
            self.layer(&member.key, Some(self.document.place(&member.key_at)), &member.node, read);
        }
        // Of globs that are as broad, the last lies on top.
        self.layer("*", None, &everywhere, read);
    }

    /// What one table says of the functions that a glob means.
    fn layer(&mut self, glob: &str, at: Option<Place>, node: &Node, read: &mut NetlifyToml) {
        let named =
            |key: &str| if glob == "*" { format!("functions.{key}") } else { format!("functions.{glob}.{key}") };
        let mut values = node.members();
        for Member { key, key_at, node } in node.as_table().into_iter().flatten() {
            if key == "node_bundler" && !node.as_str().is_some_and(|name| BUNDLERS.contains(&name)) {
                values.shift_remove(key);
                self.error(node.at(), &format!("`{}` must be one of {}", named(key), BUNDLERS.join(", ")));
            }
            let known = SETTINGS.contains(&key.as_str()) || OF_FUNCTIONS.contains(&key.as_str());
            if known && !matches!(key.as_str(), "directory" | "deno_import_map") {
                continue;
            }
            values.shift_remove(key);
            if key == "deno_import_map" && node.as_str().is_none() {
                self.error(node.at(), &format!("`{}` must be a string", named(key)));
            }
            if !known {
                let meant = did_you_mean(key, SETTINGS.into_iter().chain(OF_FUNCTIONS));
                self.warning(key_at, &format!("`{}` is no key that is known{meant}", named(key)));
            }
        }
        let place = |path: &str| self.document.place(node.part(path).at());
        let (told, problems) = Told::read(&values, Speaker::Other, &place);
        for problem in problems {
            // What Netlify does not look at, it drops.
            let is_refused = SETTINGS.contains(&problem.path.as_str());
            let at = node.part(&problem.path).at();
            let message = format!("`{}` {}", named(&problem.path), problem.message);
            if is_refused { self.error(at, &message) } else { self.warning(at, &format!("{message}: it is ignored")) }
        }
        self.check(&told, node, &named);
        if let Err(error) = read.config.push(glob, at, told) {
            self.error(node.at(), &format!("`functions.{glob}`: {error}"));
        }
    }

    /// Values that no function can have are wrong even if there is no function to have them.
    fn check(&mut self, told: &Told, node: &Node, named: &dyn Fn(&str) -> String) {
        for fault in checks::faults(told) {
            // Netlify does not look at the region.
            let is_refused = fault.refused && fault.key != "region";
            if let (true, Some(value)) = (is_refused, node.get(fault.key)) {
                self.error(value.at(), &format!("`{}` {}", named(fault.key), fault.message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::function::{Bundler, FunctionName};

    fn read(text: &str, invocation: &Invocation) -> Result<NetlifyToml, SettingsError> {
        understand(&Document::file(&AbsPath::of("/netlify.toml"), text.as_bytes()), invocation)
    }

    fn text(written: &Option<Written>) -> Option<&str> {
        written.as_ref().map(|(text, _)| text.as_str())
    }

    #[test]
    fn contexts_then_branches_are_laid_over_the_file() {
        let toml = r#"
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
        let production = read(toml, &Invocation::default()).unwrap();
        assert_eq!(text(&production.base), Some("a"));
        assert_eq!(text(&production.functions_directory), Some("prod"));
        assert_eq!(production.environment["NODE_VERSION"].0, "20");
        let staging =
            Invocation { context: Some("staging".into()), branch: Some("feat/x".into()), ..Invocation::default() };
        let staging = read(toml, &staging).unwrap();
        assert_eq!(text(&staging.base), Some("b"));
        assert_eq!(text(&staging.functions_directory), Some("feature"));
        assert_eq!(staging.environment["NODE_VERSION"].0, "22");
    }

    #[test]
    fn a_table_under_functions_is_a_function_even_if_it_is_called_like_a_setting() {
        let toml = r#"
            [functions]
            node_bundler = "nft"
            [functions.schedule]
            memory = 2048
            [functions."api*"]
            included_files = ["a"]
        "#;
        let read = read(toml, &Invocation::default()).unwrap();
        let of = |name: &str| read.config.of(&FunctionName::of(name)).config();
        assert_eq!(of("hello").node_bundler, Some(Bundler::Nft));
        assert!(of("schedule").memory.is_some());
        assert_eq!(of("api-v1").included_files, Some(vec!["a".into()]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_all_at_once() {
        let toml = "[functions]\nnode_bundler = 3\n[build]\nbase = 3\n";
        let SettingsError::Config(said) = read(toml, &Invocation::default()).unwrap_err() else { panic!() };
        let said: Vec<_> = said.iter().map(|said| (said.message.as_str(), said.span.as_ref().unwrap().line)).collect();
        assert_eq!(
            said,
            [
                ("`functions.node_bundler` must be one of esbuild, nft, none, zisi", 2),
                ("`build.base` must be a string", 4),
            ]
        );
    }

    #[test]
    fn unknown_keys_are_a_warning_where_netlify_lets_them_through() {
        let toml =
            "[function]\na = 1\n[functions.a]\nmemry = 2\nincludedFiles = []\n[fnzip]\ntelemetri = true\n[headers]\n";
        let read = read(toml, &Invocation::default()).unwrap();
        let said: Vec<_> = read.said.iter().map(|said| said.message.as_str()).collect();
        assert!(read.said.iter().all(|said| said.severity == Severity::Warning));
        assert_eq!(
            said,
            [
                "`functions.a.memry` is no key that is known: did you mean `memory`?",
                "`functions.a.includedFiles` is no key that is known: did you mean `included_files`?",
                "`function` is not read: did you mean `functions`?",
                "`fnzip.telemetri` is no key that is known: did you mean `telemetry`?",
            ]
        );
    }
}
