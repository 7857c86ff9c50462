//! Files of rows, each a rule: what goes in, and what the real package makes of it (`expect`, or
//! `error`). Where we differ on purpose, `ours` has what we make of it and `why` the reason. In: a
//! file of `fixtures/config`, and whoever reads a row. Out: a failure that names every row that
//! differs. Knows nothing of what the rows are about.

use serde_json::{Value, json};

use crate::support::{fixture, full, report, script};

/// The rows of a file.
pub(crate) fn rows(file: &str) -> Vec<Value> {
    let text = std::fs::read(fixture("config").join(file)).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(rows.len() >= 150);
    rows
}

/// What we make of a row.
pub(crate) struct Reading {
    /// In the form of the real one; or the error.
    pub(crate) made: Result<Value, String>,
    /// Everything that was said besides.
    pub(crate) said: Vec<String>,
}

/// We make of every row what is expected of us. `form` makes an expectation comparable, knowing what
/// was said.
pub(crate) fn we_agree(rows: &[Value], read: fn(&Value) -> Reading, form: fn(&Value, &[String]) -> Value) {
    let failures: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let Reading { made, said } = read(row);
            let wrong = difference(row, &made, |expected| form(expected, &said))?;
            Some(format!("{}: {}\n    {wrong}\n    {said:?}", row["rule"], input(row)))
        })
        .collect();
    report(&failures);
}

fn difference(row: &Value, made: &Result<Value, String>, form: impl Fn(&Value) -> Value) -> Option<String> {
    let ours = row.get("ours").unwrap_or(row);
    let expected = ours.get("expect").unwrap_or(ours);
    match (ours.get("error").and_then(Value::as_str), made) {
        (Some(error), Err(message)) => {
            let wrong = row.get("ours").is_some() && !message.contains(error);
            wrong.then(|| format!("{message}\n    expected {error}"))
        }
        (Some(error), Ok(made)) => Some(format!("no error ({error}), but {made}")),
        (None, Err(error)) => Some(format!("error: {error}\n    expected {expected}")),
        (None, Ok(made)) => {
            let expected = form(expected);
            (*made != expected).then(|| format!("{made}\n    expected {expected}"))
        }
    }
}

/// The text that a row is about.
fn input(row: &Value) -> &Value {
    row.get("source").unwrap_or(&row["toml"])
}

/// In the full tier: the real one, asked by a script of `tests/support`, makes of every row what the
/// row says.
pub(crate) fn the_real_one_agrees(rows: &[Value], asked_by: &str) {
    if !full() {
        return;
    }
    let theirs: Vec<Value> = serde_json::from_value(script(asked_by, &json!(rows))).unwrap();
    assert_eq!(theirs.len(), rows.len());
    let agrees = |(row, theirs): &(&Value, &Value)| match row.get("error").and_then(Value::as_str) {
        Some(error) => theirs["error"].as_str().is_some_and(|message| message.contains(error)),
        None => theirs["made"] == row["expect"],
    };
    let differing = rows.iter().zip(&theirs).filter(|pair| !agrees(pair));
    let failures: Vec<String> = differing.map(|(row, theirs)| format!("{}: {theirs}", row["rule"])).collect();
    report(&failures);
}
