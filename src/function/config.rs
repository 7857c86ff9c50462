//! What a function can be told. In: values by key, as a source writes them, each with its place. Out:
//! layers that lie over one another, and the [`FunctionConfig`] that comes of them (spec: functions.md
//! section 3). Never reads a file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::{Bundler, checks};
use crate::diagnostic::{Place, did_you_mean};

/// What a function is told, once all sources have been merged; a value is absent if nobody says it.
/// In the camelCase of `--config`; snake_case is taken too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FunctionConfig {
    /// The name shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who generated the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// Run in the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// A cron expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Number>,
    /// Megabytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Virtual processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpu: Option<Number>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How it becomes files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_bundler: Option<Bundler>,
    /// The Node version that it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_version: Option<String>,
    /// Source maps ship.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_sourcemap: Option<bool>,
    /// Packages that a bundle leaves out and ships beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_node_modules: Option<Vec<String>>,
    /// Packages that are left out altogether.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_node_modules: Option<Vec<String>>,
    /// Globs of files to ship besides, and with `!` of files to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included_files: Option<Vec<String>>,
    /// What the globs are relative to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included_files_base_path: Option<String>,
    /// Of Go: a zip archive (true), or the bare program (false).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip_go: Option<bool>,
    /// Of Rust: where Cargo keeps what it builds; `[name]` stands for the function's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rust_target_directory: Option<String>,
    /// How often it may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Map<String, Value>>,
}

/// The form that a key's value has.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Number,
    /// Text, or a number.
    Amount,
    OneOf(&'static [&'static str]),
    List,
    /// Members, each a key of its own.
    Members(&'static [(&'static str, Kind)]),
    /// Anything: it is checked by whoever reads it.
    Any,
}

/// Who speaks of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Its own source.
    Function,
    /// Somebody else.
    Other,
}

/// Who can say a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Anybody,
    Function,
    Others,
}

/// Every key, in the order of the alphabet (spec: functions.md section 3, "In-source keys").
const KEYS: [(&str, By, Kind); 24] = [
    ("background", By::Anybody, Kind::Flag),
    ("excludedPath", By::Function, Kind::Any),
    ("externalNodeModules", By::Anybody, Kind::List),
    ("generator", By::Anybody, Kind::Text),
    ("ignoredNodeModules", By::Anybody, Kind::List),
    ("includedFiles", By::Anybody, Kind::List),
    ("includedFilesBasePath", By::Others, Kind::Text),
    ("memory", By::Anybody, Kind::Amount),
    ("method", By::Function, Kind::Any),
    ("name", By::Anybody, Kind::Text),
    ("nodeBundler", By::Anybody, Kind::OneOf(&["esbuild", "esbuild_zisi", "nft", "none", "zisi"])),
    ("nodeModuleFormat", By::Others, Kind::OneOf(&["cjs", "esm"])),
    ("nodeSourcemap", By::Others, Kind::Flag),
    ("nodeVersion", By::Anybody, Kind::Text),
    ("path", By::Function, Kind::Any),
    ("preferStatic", By::Function, Kind::Any),
    ("processDynamicNodeImports", By::Others, Kind::Flag),
    ("rateLimit", By::Anybody, Kind::Members(&RATE_LIMIT)),
    ("region", By::Anybody, Kind::Text),
    ("rustTargetDirectory", By::Others, Kind::Text),
    ("schedule", By::Anybody, Kind::Text),
    ("timeout", By::Anybody, Kind::Number),
    ("vcpu", By::Anybody, Kind::Number),
    ("zipGo", By::Others, Kind::Flag),
];

const RATE_LIMIT: [(&str, Kind); 6] = [
    ("rateLimit.action", Kind::Any),
    ("rateLimit.aggregateBy", Kind::Any),
    ("rateLimit.algorithm", Kind::Any),
    ("rateLimit.to", Kind::Any),
    ("rateLimit.windowLimit", Kind::Any),
    ("rateLimit.windowSize", Kind::Any),
];

/// Memory and processors exclude each other: whoever sets one of them replaces both.
const PAIR: [&str; 2] = ["memory", "vcpu"];

/// What a function was told, by key: one source's layer, or what is left of several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told(BTreeMap<&'static str, Saying>);

/// A value and where it was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Saying {
    /// The value; `null` undoes what lies below.
    pub value: Value,
    /// Its place; of a list, that of each item.
    pub places: Vec<Place>,
    /// A list that does not add to what lies below.
    replaces: bool,
}

/// Something that is wrong with what a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the configuration: `rateLimit.action`.
    pub path: String,
    /// A fragment.
    pub message: String,
    /// There is no such key, or not there; otherwise its value has the wrong form.
    pub unknown: bool,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Told {
    /// Reads what a source says; what is wrong is left out. `place` tells where a path stands.
    pub fn read(values: &Map<String, Value>, speaker: Speaker, place: &dyn Fn(&str) -> Place) -> (Self, Vec<Problem>) {
        let mut read = (Self::default(), Vec::new());
        for (written, value) in values {
            let unknown_because = |message: &str| {
                let message = message.to_owned();
                Problem { path: written.clone(), message, unknown: true, hint: None }
            };
            match (known(written, speaker), speaker) {
                (Some((_, By::Function, _)), Speaker::Other) => {
                    read.1.push(unknown_because("can only be said by the function itself"));
                }
                (Some((_, By::Others, _)), Speaker::Function) => {
                    read.1.push(unknown_because("cannot be said by the function itself"));
                }
                (Some((key, _, kind)), _) => read.0.take(key, kind, written, value, place, &mut read.1),
                (None, _) => read.1.push(unknown(written, KEYS.iter().map(|(key, ..)| *key))),
            }
        }
        read
    }

    fn take(
        &mut self,
        key: &'static str,
        kind: Kind,
        written: &str,
        value: &Value,
        place: &dyn Fn(&str) -> Place,
        problems: &mut Vec<Problem>,
    ) {
        let mut problem =
            |message: String| problems.push(Problem { path: written.into(), message, unknown: false, hint: None });
        let many = |items: &[Value]| (0..items.len()).map(|index| place(&format!("{written}.{index}"))).collect();
        let (value, places, replaces) = match (kind, value) {
            (Kind::Members(known), Value::Object(members)) => {
                for (name, value) in members {
                    let path = format!("{written}.{name}");
                    let member = known.iter().find(|(key, _)| key.rsplit('.').next() == Some(name));
                    match member {
                        Some((key, kind)) => self.take(key, *kind, &path, value, place, problems),
                        None => problems.push(unknown(&path, known.iter().map(|(key, _)| *key))),
                    }
                }
                return;
            }
            (Kind::Members(members), Value::Null) => {
                members.iter().for_each(|(key, _)| self.say(key, Value::Null, place(written)));
                return;
            }
            (_, Value::Null) => (Value::Null, vec![place(written)], true),
            (Kind::List, Value::Array(items)) if items.iter().all(Value::is_string) => {
                (value.clone(), many(items), false)
            }
            (Kind::Any, Value::Array(items)) => (value.clone(), many(items), false),
            (kind, value) => match kind.check(value) {
                Ok(value) => (value, vec![place(written)], true),
                Err(message) => return problem(message),
            },
        };
        self.0.insert(key, Saying { value, places, replaces });
    }

    /// The same, but its lists do not add to what lies below.
    pub fn replacing(mut self, keys: impl Fn(&str) -> bool) -> Self {
        self.0.iter_mut().filter(|(key, _)| keys(key)).for_each(|(_, saying)| saying.replaces = true);
        self
    }

    /// Says one more thing.
    pub fn say(&mut self, key: &'static str, value: Value, place: Place) {
        self.0.insert(key, Saying { value, places: vec![place], replaces: true });
    }

    /// This, with `higher` laid over it: single values replace, lists add up. It does not matter which
    /// two of three layers are laid together first.
    pub fn overlaid(mut self, higher: &Self) -> Self {
        if PAIR.iter().any(|key| higher.0.contains_key(key)) {
            PAIR.iter().for_each(|key| drop(self.0.remove(key)));
        }
        for (key, above) in &higher.0 {
            match self.0.get_mut(key) {
                Some(below) if !above.replaces => below.extend(above),
                _ => {
                    self.0.insert(key, above.clone());
                }
            }
        }
        self
    }

    /// What was said, by key; without what was undone.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Saying)> {
        self.0.iter().filter(|(_, saying)| !saying.value.is_null()).map(|(key, saying)| (*key, saying))
    }

    /// What was said of a key.
    pub fn get(&self, key: &str) -> Option<&Saying> {
        self.0.get(key).filter(|saying| !saying.value.is_null())
    }

    /// Where a key was said last.
    pub fn place(&self, key: &str) -> Option<&Place> {
        self.get(key)?.places.last()
    }

    /// The configuration that comes of it, in its normal form; without what `checks` would refuse.
    pub fn config(&self) -> FunctionConfig {
        let value = |key: &str| Some(&self.get(key)?.value);
        let text = |key: &str| value(key)?.as_str().map(str::to_owned);
        let number = |key: &str| value(key)?.as_number().cloned();
        let texts = |key: &str| {
            let items = value(key)?.as_array()?;
            Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let limits = self.iter().filter_map(|(key, said)| Some((key.strip_prefix("rateLimit.")?, said.value.clone())));
        let limits: Map<String, Value> = limits.map(|(key, value)| (key.to_owned(), value)).collect();
        FunctionConfig {
            name: text("name"),
            generator: text("generator"),
            background: value("background").and_then(Value::as_bool),
            schedule: text("schedule"),
            timeout: number("timeout"),
            memory: value("memory").and_then(|memory| checks::memory(memory).ok()),
            vcpu: number("vcpu"),
            region: value("region").and_then(Value::as_str).and_then(|region| checks::region(region).ok()),
            node_bundler: value("nodeBundler").and_then(|value| serde_json::from_value(value.clone()).ok()),
            node_version: text("nodeVersion"),
            node_sourcemap: value("nodeSourcemap").and_then(Value::as_bool),
            external_node_modules: texts("externalNodeModules"),
            ignored_node_modules: texts("ignoredNodeModules"),
            included_files: texts("includedFiles"),
            included_files_base_path: text("includedFilesBasePath"),
            zip_go: value("zipGo").and_then(Value::as_bool),
            rust_target_directory: text("rustTargetDirectory"),
            rate_limit: Some(limits).filter(|limits| !limits.is_empty()),
        }
    }
}

impl Saying {
    /// Adds the items of a list above. A list that lies over a single value replaces it.
    fn extend(&mut self, above: &Self) {
        match (&mut self.value, &above.value) {
            (Value::Array(items), Value::Array(more)) => {
                items.extend(more.iter().cloned());
                self.places.extend(above.places.iter().cloned());
            }
            _ => *self = Self { replaces: self.replaces, ..above.clone() },
        }
    }
}

impl Kind {
    fn check(self, value: &Value) -> Result<Value, String> {
        let must = |what: &str| Err(format!("must be {what}"));
        match self {
            Self::Any => Ok(value.clone()),
            Self::Text if value.is_string() => Ok(value.clone()),
            Self::Text => must("a string"),
            Self::Flag if value.is_boolean() => Ok(value.clone()),
            Self::Flag => must("true or false"),
            Self::Number if value.is_number() => Ok(value.clone()),
            Self::Number => must("a number"),
            Self::Amount if value.is_number() || value.is_string() => Ok(value.clone()),
            Self::Amount => must("a string or a number"),
            Self::OneOf(choices) if value.as_str().is_some_and(|text| choices.contains(&text)) => Ok(value.clone()),
            Self::OneOf(choices) => must(&format!("one of {}", choices.join(", "))),
            Self::List => must("an array of strings"),
            Self::Members(_) => must("an object"),
        }
    }
}

/// A key in the peer's spelling; others may write it as netlify.toml does.
fn known(written: &str, speaker: Speaker) -> Option<(&'static str, By, Kind)> {
    if speaker == Speaker::Function {
        return KEYS.iter().find(|(key, ..)| *key == written).copied();
    }
    let mut upper = false;
    let mut camel = String::with_capacity(written.len());
    for letter in written.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => camel.push(letter),
        }
    }
    KEYS.iter().find(|(key, ..)| *key == camel).copied()
}

/// Can a function say this key?
pub fn is_known(key: &str) -> bool {
    KEYS.iter().any(|(known, by, _)| *known == key && *by != By::Others)
}

fn unknown(path: &str, known: impl Iterator<Item = &'static str>) -> Problem {
    let message = format!("is no key that is known{}", did_you_mean(path, known));
    Problem { path: path.into(), message, unknown: true, hint: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(values: &Value) -> Told {
        let place = |path: &str| Place::Named(path.to_owned());
        Told::read(values.as_object().unwrap(), Speaker::Other, &place).0
    }

    #[test]
    fn lists_add_up_and_single_values_replace() {
        let low = told(&json!({"included_files": ["a"], "nodeBundler": "nft", "timeout": 5, "name": "low"}));
        let high = told(&json!({"includedFiles": ["b"], "nodeBundler": "esbuild_zisi", "timeout": null}));
        let merged = low.overlaid(&high);
        let config = merged.config();
        assert_eq!(config.included_files.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!((config.node_bundler, config.timeout), (Some(Bundler::EsbuildZisi), None));
        assert_eq!(config.name.as_deref(), Some("low"));
        let places = &merged.get("includedFiles").unwrap().places;
        assert_eq!(places, &[Place::Named("included_files.0".into()), Place::Named("includedFiles.0".into())]);
    }

    #[test]
    fn lists_may_replace() {
        let high = told(&json!({"includedFiles": ["b"]})).replacing(|_| true);
        let merged = told(&json!({"includedFiles": ["a"]})).overlaid(&high);
        assert_eq!(merged.config().included_files, Some(vec!["b".to_owned()]));
    }

    #[test]
    fn whoever_sets_memory_or_processors_replaces_both() {
        let merged = told(&json!({"memory": 2048})).overlaid(&told(&json!({"vcpu": 1})));
        assert_eq!((merged.config().memory, merged.config().vcpu), (None, Some(1.into())));
    }

    #[test]
    fn what_is_wrong_is_left_out_and_told() {
        let place = |path: &str| Place::Named(path.to_owned());
        let values =
            json!({"timeout": "5", "memry": 1, "rateLimit": {"windowLimt": 1}, "path": "/a", "nodeBundler": "x"});
        let (told, problems) = Told::read(values.as_object().unwrap(), Speaker::Other, &place);
        assert_eq!(told, Told::default());
        let said: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.path, problem.message)).collect();
        assert_eq!(
            said,
            [
                "timeout must be a number",
                "memry is no key that is known: did you mean `memory`?",
                "rateLimit.windowLimt is no key that is known: did you mean `rateLimit.windowLimit`?",
                "path can only be said by the function itself",
                "nodeBundler must be one of esbuild, esbuild_zisi, nft, none, zisi",
            ]
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let list = prop::collection::vec("[ab]", 0..3).prop_map(Value::from);
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
            (0..5).prop_map(Value::from),
            list
        ]
    }

    /// What a source might say, right or wrong, and whether its lists replace.
    fn layer() -> impl Strategy<Value = (Map<String, Value>, bool)> {
        let keys: Vec<&str> = KEYS.iter().map(|(key, ..)| *key).filter(|key| *key != "rateLimit").collect();
        let limit = prop::collection::btree_map("action|aggregateBy|to|windowSize", value(), 0..3);
        let plain = prop::collection::btree_map(prop::sample::select(keys), value(), 0..6);
        (plain, limit, any::<bool>()).prop_map(|(plain, limit, replaces)| {
            let mut values: Map<String, Value> =
                plain.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            values.insert("rateLimit".into(), limit.into_iter().collect::<Map<_, _>>().into());
            (values, replaces)
        })
    }

    fn read((values, replaces): &(Map<String, Value>, bool)) -> Told {
        told(&Value::Object(values.clone())).replacing(|_| *replaces)
    }

    proptest! {
        #[test]
        fn it_does_not_matter_which_layers_are_laid_together_first(layers in [layer(), layer(), layer()]) {
            let [low, middle, high] = layers.each_ref().map(read);
            let from_below = low.clone().overlaid(&middle).overlaid(&high);
            let from_above = low.overlaid(&middle.overlaid(&high));
            prop_assert_eq!(from_below, from_above);
        }

        #[test]
        fn nothing_laid_over_changes_nothing(layer in layer()) {
            let told = read(&layer);
            prop_assert_eq!(told.clone().overlaid(&Told::default()), told.clone());
            prop_assert_eq!(Told::default().overlaid(&told), told);
        }

        #[test]
        fn the_order_of_keys_does_not_matter(layer in layer(), seed in any::<u64>()) {
            let mut pairs: Vec<_> = layer.0.clone().into_iter().collect();
            let count = pairs.len().max(1);
            pairs.rotate_left(seed as usize % count);
            pairs.reverse();
            prop_assert_eq!(read(&(pairs.into_iter().collect(), layer.1)), read(&layer));
        }
    }
}
