//! Files of rows, each a rule: what goes in, and what the real package makes of it: `expect`, or
//! `error`, a fragment of its message, beside which `says` has a fragment of ours. `warns` has
//! fragments of what we say besides. Where we differ on purpose, `ours` has what we make of it (or
//! `error`, a fragment) and `why` the reason. In: a file of `fixtures/config`, and whoever reads a
//! row. Out: a failure that names every row that differs. Knows nothing of what the rows are about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{fixture, full, report, script};

/// The rows of a file, which had so many when this was written: a file that is cut short must not pass.
pub(crate) fn rows(file: &str, at_least: usize) -> Vec<Value> {
    let text = std::fs::read(fixture("config").join(file)).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let rules: BTreeSet<&str> = rows.iter().map(|row| row["rule"].as_str().unwrap()).collect();
    assert!(rules.len() >= at_least, "{file} has {} rules, and had {at_least}", rules.len());
    assert_eq!(rules.len(), rows.len(), "{file}: every rule has a name of its own");
    for row in &rows {
        let has = |key: &str| row.get(key).is_some();
        assert!(has("expect") != has("error"), "{}: either `expect` or `error`", row["rule"]);
        assert!(has("ours") == has("why"), "{}: `ours` needs a reason", row["rule"]);
        assert!(has("says") == (has("error") && !has("ours")), "{}: `says` is for our errors", row["rule"]);
    }
    rows
}

/// What we make of a row.
pub(crate) struct Reading {
    /// In the form of the real one; or the error.
    pub(crate) made: Result<Value, String>,
    /// Everything that was said besides.
    pub(crate) said: Vec<String>,
}

impl Reading {
    /// Nothing, for this reason.
    pub(crate) fn error(message: impl ToString) -> Self {
        Self { made: Err(message.to_string()), said: Vec::new() }
    }
}

/// We make of every row what is expected of us, and warn of it as expected. `form` leaves out of an
/// expectation what is none of ours.
pub(crate) fn we_agree(rows: &[Value], read: fn(&Value) -> Reading, form: fn(Value) -> Value) {
    let mut failures = Vec::new();
    for row in rows {
        let Reading { made, said } = read(row);
        let differences = difference(row, &made, form).into_iter().chain(missing_warnings(row, &said));
        let shown =
            differences.map(|difference| format!("{}: {}\n    {difference}\n    {said:?}", row["rule"], input(row)));
        failures.extend(shown);
    }
    report(&failures);
}

fn difference(row: &Value, made: &Result<Value, String>, form: fn(Value) -> Value) -> Option<String> {
    match (our_error(row), made) {
        (Some(error), Err(message)) => (!message.contains(error)).then(|| format!("{message}\n    expected {error}")),
        (Some(error), Ok(made)) => Some(format!("no error ({error}), but {made}")),
        (None, made) => {
            let ours = row.get("ours").unwrap_or(row);
            let expected = form(ours.get("expect").unwrap_or(ours).clone());
            match made {
                Ok(made) => (*made != expected).then(|| format!("{made}\n    expected {expected}")),
                Err(error) => Some(format!("error: {error}\n    expected {expected}")),
            }
        }
    }
}

/// A fragment of the error that we must have.
fn our_error(row: &Value) -> Option<&str> {
    row.get("ours").map_or_else(|| row.get("says"), |ours| ours.get("error"))?.as_str()
}

/// Warnings that nobody gave.
fn missing_warnings(row: &Value, said: &[String]) -> Vec<String> {
    let warns = row["warns"].as_array().into_iter().flatten().map(|fragment| fragment.as_str().unwrap());
    let missing = warns.filter(|fragment| !said.iter().any(|said| said.contains(fragment)));
    missing.map(|fragment| format!("no warning has {fragment}")).collect()
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
        None => in_order(&theirs["made"]) == in_order(&row["expect"]),
    };
    let differing = rows.iter().zip(&theirs).filter(|pair| !agrees(pair));
    let failures: Vec<String> = differing.map(|(row, theirs)| format!("{}: {theirs}", row["rule"])).collect();
    report(&failures);
}

/// As text: the order of what they hand on is part of what they say.
fn in_order(value: &Value) -> String {
    value.to_string()
}
