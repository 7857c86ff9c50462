//! A configuration file, or a flag that holds one. In: TOML or JSON. Out: its values, each with its
//! place, in the order in which they stand. Never knows what they mean.

use std::collections::BTreeSet;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Place, Span};
use crate::path::AbsPath;

/// Where a text comes from, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Document {
    origin: Origin,
    text: String,
}

#[derive(Debug, Clone)]
enum Origin {
    File(AbsPath),
    Flag(&'static str),
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) data: Data,
    at: Range<usize>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Text, a number, true or false, or JSON's null.
    Scalar(Value),
    /// An array.
    Array(Vec<Node>),
    /// Members in the order in which they stand, each with the place of its key.
    Table(Table),
    /// What JSON does not have, as it is written: a date, no number, or one that is too large.
    Other(String),
}

/// The members of a table.
pub(super) type Table = Vec<Member>;

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_at: Range<usize>,
    pub(super) node: Node,
}

impl Document {
    pub(super) fn file(path: &AbsPath, bytes: &[u8]) -> Self {
        Self { origin: Origin::File(path.clone()), text: String::from_utf8_lossy(bytes).into_owned() }
    }

    pub(super) fn flag(name: &'static str, text: &str) -> Self {
        Self { origin: Origin::Flag(name), text: text.to_owned() }
    }

    /// Reads it as TOML.
    ///
    /// # Errors
    /// It is none: what is wrong, and where.
    pub(super) fn toml(&self) -> Result<Node, Diagnostic> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            let message = error.message().trim_end_matches('.');
            self.error(&error.span().unwrap_or_default(), message)
        })?;
        let at = table.span();
        Ok(Node { data: Data::Table(of_toml_table(table.into_inner())), at })
    }

    /// Reads it as JSON.
    ///
    /// # Errors
    /// It is none: what is wrong, and where.
    pub(super) fn json(&self) -> Result<Node, Diagnostic> {
        let strict = jsonc_parser::ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let text = self.text.trim_start_matches('\u{feff}');
        let start = self.text.len() - text.len();
        let parsed = jsonc_parser::parse_to_ast(text, &jsonc_parser::CollectOptions::default(), &strict);
        let parsed = parsed.map_err(|error| {
            let range = error.range();
            self.error(&(start + range.start..start + range.end), &error.kind().to_string())
        })?;
        let value = parsed.value.ok_or_else(|| self.error(&(0..0), "it is empty"))?;
        Ok(of_json(value, start))
    }

    /// Something that is wrong at a place of this text.
    pub(super) fn error(&self, at: &Range<usize>, message: &str) -> Diagnostic {
        Diagnostic::error(Code::Configuration, message).said_in(&self.place(at))
    }

    /// The same that only deserves to be known.
    pub(super) fn warning(&self, at: &Range<usize>, message: &str) -> Diagnostic {
        Diagnostic::warning(Code::Configuration, message).said_in(&self.place(at))
    }

    pub(super) fn place(&self, at: &Range<usize>) -> Place {
        match &self.origin {
            Origin::File(path) => Place::File(path.clone(), Span::of(&self.text, at.start, at.end)),
            Origin::Flag(name) => Place::Named((*name).to_owned()),
        }
    }
}

impl Node {
    /// A table that stands nowhere itself.
    pub(super) fn table(members: Table) -> Self {
        Self { data: Data::Table(members), at: 0..0 }
    }

    /// A table that stands where this does.
    pub(super) fn with(&self, members: Table) -> Self {
        Self { data: Data::Table(members), at: self.at.clone() }
    }

    pub(super) fn as_table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What a variable of this value would hold.
    pub(super) fn as_variable(&self) -> String {
        match &self.data {
            Data::Scalar(Value::String(text)) | Data::Other(text) => text.clone(),
            _ => self.value().to_string(),
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.data {
            Data::Scalar(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Where it stands.
    pub(super) fn at(&self) -> &Range<usize> {
        &self.at
    }

    /// The member of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        Some(&self.as_table()?.iter().find(|member| member.key == key)?.node)
    }

    /// The part at a path such as `rateLimit.action` or `paths.1`, or the nearest around it.
    pub(super) fn part(&self, path: &str) -> &Self {
        let mut node = self;
        for step in path.split('.') {
            let next = match &node.data {
                Data::Table(table) => table.iter().find(|member| member.key == step).map(|member| &member.node),
                Data::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Where the key at a path stands, or the nearest part around it.
    pub(super) fn key_at(&self, path: &str) -> &Range<usize> {
        let (around, key) = path.rsplit_once('.').map_or((self, path), |(around, key)| (self.part(around), key));
        let member = around.as_table().and_then(|table| table.iter().find(|member| member.key == key));
        member.map_or(around.at(), |member| &member.key_at)
    }

    /// As JSON; what it does not have is an object, which nothing takes.
    pub(super) fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::Array(items) => items.iter().map(Self::value).collect(),
            Data::Table(_) => Value::Object(self.members()),
            Data::Other(_) => Value::Object(Map::new()),
        }
    }

    /// The members as JSON.
    pub(super) fn members(&self) -> Map<String, Value> {
        self.as_table().into_iter().flatten().map(|member| (member.key.clone(), member.node.value())).collect()
    }

    /// Lays `higher` over this: tables are merged, everything else is replaced.
    pub(super) fn merge(&mut self, higher: Self) {
        match (&mut self.data, higher) {
            (Data::Table(low), Self { data: Data::Table(high), .. }) => {
                for member in high {
                    match low.iter_mut().find(|known| known.key == member.key) {
                        Some(known) => known.node.merge(member.node),
                        None => low.push(member),
                    }
                }
            }
            (_, higher) => *self = higher,
        }
    }
}

fn of_toml_table(table: DeTable<'_>) -> Table {
    let member = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let key_at = key.span();
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        Member { key: key.into_owned(), key_at, node: of_toml(value) }
    };
    let mut members: Table = table.into_iter().map(member).collect();
    members.sort_by_key(|member| member.key_at.start);
    members
}

fn of_toml(value: Spanned<DeValue<'_>>) -> Node {
    let at = value.span();
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Scalar(text.into_owned().into()),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix());
            number.map_or_else(|_| Data::Other(integer.as_str().to_owned()), |number| Data::Scalar(number.into()))
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(number);
            number.map_or_else(|| Data::Other(float.as_str().to_owned()), |number| Data::Scalar(Value::Number(number)))
        }
        DeValue::Boolean(flag) => Data::Scalar(flag.into()),
        DeValue::Datetime(date) => Data::Other(date.to_string()),
        DeValue::Array(items) => Data::Array(items.into_iter().map(of_toml).collect()),
        DeValue::Table(table) => Data::Table(of_toml_table(table)),
    };
    Node { data, at }
}

/// A whole number stays one, as in JavaScript.
fn number(number: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    whole.map(Number::from).or_else(|| Number::from_f64(number))
}

fn of_json(value: ast::Value<'_>, start: usize) -> Node {
    let range = |node: &dyn Ranged| start + node.start()..start + node.end();
    let at = range(&value);
    let data = match value {
        ast::Value::StringLit(text) => Data::Scalar(text.value.into_owned().into()),
        ast::Value::NumberLit(number) => {
            let parsed = number.value.parse::<Number>();
            parsed.map_or_else(|_| Data::Other(number.value.to_owned()), |number| Data::Scalar(number.into()))
        }
        ast::Value::BooleanLit(flag) => Data::Scalar(flag.value.into()),
        ast::Value::NullKeyword(_) => Data::Scalar(Value::Null),
        ast::Value::Array(array) => Data::Array(array.elements.into_iter().map(|item| of_json(item, start)).collect()),
        ast::Value::Object(object) => {
            let member = |prop: ast::ObjectProp<'_>| {
                let key_at = range(&prop.name);
                Member { key: prop.name.into_string(), key_at, node: of_json(prop.value, start) }
            };
            // Of a key that stands there twice, the last counts.
            let mut seen = BTreeSet::new();
            let members = object.properties.into_iter().map(member).rev();
            let mut members: Table = members.filter(|member| seen.insert(member.key.clone())).collect();
            members.reverse();
            Data::Table(members)
        }
    };
    Node { data, at }
}
