//! JavaScript's operators and a few methods, on values. In: values. Out: a value; what cannot be told
//! makes the result unknown.

use swc_core::ecma::ast::{BinaryOp, Lit, UnaryOp};

use super::value::{PLATFORM, UNKNOWN, Value, Values, is_parameter};

pub(super) fn is_mark(letter: char) -> bool {
    letter <= PLATFORM || letter == UNKNOWN || is_parameter(letter)
}

fn negated(op: UnaryOp, number: f64) -> Value {
    match op {
        UnaryOp::Minus => Value::Number(-number),
        UnaryOp::Tilde => Value::Number(f64::from(!to_int32(number))),
        _ => Value::Number(number),
    }
}

pub(super) fn unary(op: UnaryOp, value: Value) -> Value {
    match (op, value) {
        (UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Tilde, Value::Text(text)) if !text.contains(is_mark) => {
            let number = text.trim().parse::<f64>().unwrap_or(f64::NAN);
            negated(op, number)
        }
        (UnaryOp::Tilde, Value::Number(number)) => negated(UnaryOp::Tilde, number),
        (UnaryOp::Bang, value) => value.is_true().map_or(Value::Unknown, |is| Value::Bool(!is)),
        (UnaryOp::Minus, Value::Number(number)) => Value::Number(-number),
        (UnaryOp::Plus, Value::Number(number)) => Value::Number(number),
        (UnaryOp::Void, _) => Value::Undefined,
        (UnaryOp::TypeOf, Value::Text(_)) => Value::text("string"),
        (UnaryOp::TypeOf, Value::Require(_) | Value::Function(_)) => Value::text("function"),
        (UnaryOp::TypeOf, Value::Number(_)) => Value::text("number"),
        (UnaryOp::TypeOf, Value::Undefined) => Value::text("undefined"),
        _ => Value::Unknown,
    }
}

/// JavaScript's ToInt32.
fn to_int32(number: f64) -> i32 {
    let whole = if number.is_finite() { number.trunc().rem_euclid(4_294_967_296.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^32, and not negative")]
    let bits = whole as u32;
    bits.cast_signed()
}

pub(super) fn is_something(value: &Value) -> Option<bool> {
    match value {
        Value::Null | Value::Undefined => Some(false),
        Value::Unknown => None,
        _ => Some(true),
    }
}

pub(super) fn of_literal(literal: &Lit) -> Value {
    match literal {
        Lit::Str(text) => Value::text(text.value.to_string_lossy()),
        Lit::Num(number) => Value::Number(number.value),
        Lit::Bool(literal) => Value::Bool(literal.value),
        Lit::Null(_) => Value::Null,
        _ => Value::Unknown,
    }
}

pub(super) fn method(name: &str, of: &Value, arguments: &[Value]) -> Value {
    match (name, of) {
        ("toString", Value::Text(_)) => of.clone(),
        ("concat", Value::Text(_)) => {
            Value::text(std::iter::once(of).chain(arguments).map(Value::to_text).collect::<String>())
        }
        ("concat", Value::Array(items)) => {
            let mut all = items.to_vec();
            for argument in arguments {
                match argument {
                    Value::Array(more) => all.extend(more.iter().cloned()),
                    Value::Unknown => return Value::Unknown,
                    one => all.push(vec![one.clone()]),
                }
            }
            Value::array(all)
        }
        ("join", Value::Array(items)) => {
            let separator = arguments.first().map_or_else(|| ",".to_owned(), Value::to_text);
            let text = |item: &Values| match item.as_slice() {
                [Value::Null | Value::Undefined] => String::new(),
                [one] => one.to_text(),
                _ => UNKNOWN.to_string(),
            };
            Value::text(items.iter().map(text).collect::<Vec<_>>().join(&separator))
        }
        _ => Value::Unknown,
    }
}

pub(super) fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Value {
    let numbers = match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some((*left, *right)),
        _ => None,
    };
    match (op, left, right, numbers) {
        (BinaryOp::Add, _, _, Some((left, right))) => Value::Number(left + right),
        (BinaryOp::Add, Value::Text(_), _, _) | (BinaryOp::Add, _, Value::Text(_), _) => {
            Value::text(format!("{}{}", left.to_text(), right.to_text()))
        }
        (BinaryOp::Sub, _, _, Some((left, right))) => Value::Number(left - right),
        (BinaryOp::Mul, _, _, Some((left, right))) => Value::Number(left * right),
        (BinaryOp::Div, _, _, Some((left, right))) => Value::Number(left / right),
        (BinaryOp::Mod, _, _, Some((left, right))) => Value::Number(left % right),
        (BinaryOp::Exp, _, _, Some((left, right))) => Value::Number(left.powf(right)),
        (BinaryOp::BitOr, _, _, Some((left, right))) => Value::Number((to_int32(left) | to_int32(right)).into()),
        (BinaryOp::BitAnd, _, _, Some((left, right))) => Value::Number((to_int32(left) & to_int32(right)).into()),
        (BinaryOp::BitXor, _, _, Some((left, right))) => Value::Number((to_int32(left) ^ to_int32(right)).into()),
        (BinaryOp::LShift, _, _, Some((left, right))) => {
            Value::Number(to_int32(left).wrapping_shl(to_int32(right).cast_unsigned()).into())
        }
        (BinaryOp::RShift, _, _, Some((left, right))) => {
            Value::Number(to_int32(left).wrapping_shr(to_int32(right).cast_unsigned()).into())
        }
        (BinaryOp::ZeroFillRShift, _, _, Some((left, right))) => {
            Value::Number(to_int32(left).cast_unsigned().wrapping_shr(to_int32(right).cast_unsigned()).into())
        }
        (BinaryOp::Lt, _, _, Some((left, right))) => Value::Bool(left < right),
        (BinaryOp::LtEq, _, _, Some((left, right))) => Value::Bool(left <= right),
        (BinaryOp::Gt, _, _, Some((left, right))) => Value::Bool(left > right),
        (BinaryOp::GtEq, _, _, Some((left, right))) => Value::Bool(left >= right),
        (BinaryOp::EqEq | BinaryOp::EqEqEq, left, right, _) => {
            equal(left, right, op == BinaryOp::EqEq).map_or(Value::Unknown, Value::Bool)
        }
        (BinaryOp::NotEq | BinaryOp::NotEqEq, left, right, _) => {
            equal(left, right, op == BinaryOp::NotEq).map_or(Value::Unknown, |equal| Value::Bool(!equal))
        }
        _ => Value::Unknown,
    }
}

/// None if it cannot be told. What depends on the place of the file is not told either.
fn equal(left: &Value, right: &Value, loosely: bool) -> Option<bool> {
    let is_plain = |value: &Value| match value {
        Value::Text(text) => !text.contains(is_mark),
        Value::Number(_) | Value::Bool(_) | Value::Null | Value::Undefined => true,
        _ => false,
    };
    let as_loose = match (left, right) {
        (Value::Null, Value::Undefined) | (Value::Undefined, Value::Null) => true,
        (Value::Number(number), Value::Text(text)) | (Value::Text(text), Value::Number(number)) => {
            text.trim().parse() == Ok(*number)
        }
        (left, right) => left == right,
    };
    (is_plain(left) && is_plain(right)).then(|| if loosely { as_loose } else { left == right })
}
