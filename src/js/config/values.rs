//! Literals. In: an expression. Out: its value as JSON, with the place of each part, and what is
//! there that is none. Never evaluates anything.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{Expr, Lit, ObjectLit, Prop, PropName, PropOrSpread, UnaryOp};

use super::exports::Exports;
use crate::js::literal::{text, unwrapped};

/// An object of literals.
#[derive(Default)]
pub(super) struct Literals {
    /// What could be read.
    pub(super) value: Map<String, Value>,
    /// The place of each value, by its path: `path.1`, `rateLimit.action`.
    pub(super) places: BTreeMap<String, Span>,
    /// The place of each key, by its path.
    pub(super) keys: BTreeMap<String, Span>,
    /// What could not be read, by its path.
    pub(super) unread: BTreeMap<String, Span>,
}

/// How deep values lie in one another, at most: `rateLimit.aggregateBy.0` lies at 3.
const DEEPEST: usize = 4;

/// How many places are kept; of what comes after, that of the whole is told.
const MOST_PLACES: usize = 1000;

/// Reads an object.
pub(super) fn object<'a>(object: &'a ObjectLit, exports: &Exports<'a>) -> Literals {
    let mut literals = Literals::default();
    literals.value = literals.members(object, "", exports);
    literals
}

impl Literals {
    fn members<'a>(&mut self, object: &'a ObjectLit, prefix: &str, exports: &Exports<'a>) -> Map<String, Value> {
        let mut members = Map::new();
        for prop in &object.props {
            let (key, value, key_at) = match prop {
                PropOrSpread::Spread(spread) => {
                    self.cannot_read(format!("{prefix}..."), spread.expr.span());
                    continue;
                }
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::KeyValue(pair) => (key(&pair.key), Some(&*pair.value), pair.key.span()),
                    Prop::Shorthand(ident) => (Some(ident.sym.to_string()), None, ident.span),
                    Prop::Method(method) => (key(&method.key), None, method.key.span()),
                    Prop::Getter(getter) => (key(&getter.key), None, getter.key.span()),
                    _ => continue,
                },
            };
            let Some(key) = key else {
                self.cannot_read(format!("{prefix}[...]"), prop.span());
                continue;
            };
            let path = format!("{prefix}{key}");
            let at = value.map_or_else(|| prop.span(), Spanned::span);
            match value.and_then(|value| self.value_of(value, &path, exports)) {
                Some(value) => {
                    if self.keys.len() < MOST_PLACES {
                        self.keys.insert(path.clone(), key_at);
                    }
                    self.read(path, at);
                    members.insert(key, value);
                }
                None => {
                    // It would have hidden what was said before it.
                    members.shift_remove(&key);
                    self.cannot_read(path, at);
                }
            }
        }
        members
    }

    fn read(&mut self, path: String, at: Span) {
        if self.places.len() < MOST_PLACES {
            self.unread.remove(&path);
            self.places.insert(path, at);
        }
    }

    fn cannot_read(&mut self, path: String, at: Span) {
        if self.unread.len() < MOST_PLACES {
            self.places.remove(&path);
            self.unread.insert(path, at);
        }
    }

    fn value_of<'a>(&mut self, expr: &'a Expr, path: &str, exports: &Exports<'a>) -> Option<Value> {
        match unwrapped(expr) {
            Expr::Array(_) | Expr::Object(_) if path.split('.').nth(DEEPEST).is_some() => None,
            Expr::Lit(Lit::Num(number)) => number_value(number.value),
            Expr::Lit(Lit::Bool(literal)) => Some(Value::Bool(literal.value)),
            Expr::Lit(Lit::Null(_)) => Some(Value::Null),
            Expr::Unary(unary) => match (unary.op, unwrapped(&unary.arg)) {
                // As minifiers write `true` and `false`.
                (UnaryOp::Bang, Expr::Lit(Lit::Num(number))) if number.value == 0.0 => Some(Value::Bool(true)),
                (UnaryOp::Bang, Expr::Lit(Lit::Num(number))) if number.value == 1.0 => Some(Value::Bool(false)),
                (UnaryOp::Minus, Expr::Lit(Lit::Num(number))) => number_value(-number.value),
                _ => None,
            },
            Expr::Array(array) => {
                let mut values = Vec::new();
                for (index, element) in array.elems.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    let Some(element) = element.as_ref().filter(|element| element.spread.is_none()) else {
                        self.cannot_read(path, array.span);
                        continue;
                    };
                    match self.value_of(&element.expr, &path, exports) {
                        Some(value) => {
                            self.read(path, element.expr.span());
                            values.push(value);
                        }
                        None => self.cannot_read(path, element.expr.span()),
                    }
                }
                Some(Value::Array(values))
            }
            Expr::Object(object) => Some(Value::Object(self.members(object, &format!("{path}."), exports))),
            expr => text(expr).map(Value::String),
        }
    }
}

/// A whole number stays one.
fn number_value(number: f64) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    whole.map(Value::from).or_else(|| Number::from_f64(number).map(Value::Number))
}

/// The name of a member of an object literal.
pub(super) fn key(key: &PropName) -> Option<String> {
    match key {
        PropName::Ident(ident) => Some(ident.sym.to_string()),
        PropName::Str(text) => Some(text.value.to_string_lossy().into_owned()),
        PropName::Num(number) => Some(number.value.to_string()),
        PropName::Computed(computed) => text(&computed.expr),
        PropName::BigInt(_) => None,
    }
}
