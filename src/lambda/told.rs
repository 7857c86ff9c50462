//! What a sandbox tells of a function, a line of JSON each: what was told before is there, whatever becomes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// What.
    #[serde(flatten)]
    pub what: Happened,
    /// The event that it was called with; none while it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The variables that it asked for last, and that nobody has set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Happened {
    /// It has been loaded.
    Loaded {
        /// What its `handler` is, by JavaScript's word.
        handler: Option<String>,
        /// What the default export is that the platform's entry point hands on to.
        default: Option<String>,
    },
    /// It threw.
    Threw(Thrown),
    /// A promise was rejected, and nobody looked.
    Rejected(Thrown),
    /// It called `process.exit`.
    Exit {
        /// With what.
        code: Option<Value>,
        /// From where.
        stack: Option<String>,
    },
    /// It is being called now.
    Calling,
    /// It answers.
    Answered(Answer),
    /// It does not, for as long as it may take.
    Silent,
    /// Its process has ended.
    Ended {
        /// With this status.
        code: Option<i32>,
        /// By this signal.
        signal: Option<i32>,
    },
    /// It said something that the platform does not understand.
    Misplaced {
        /// What.
        message: String,
    },
}

/// What was thrown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thrown {
    /// Its class.
    pub name: Option<String>,
    /// What it says.
    pub message: String,
    /// Node's code for it.
    pub code: Option<Value>,
    /// The file that it is about.
    pub path: Option<String>,
    /// Where it comes from.
    pub stack: Option<String>,
}

/// What a function answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answer {
    /// What it is, by JavaScript's word.
    pub is: String,
    /// Its status.
    pub status: Option<Value>,
    /// What its body is, by JavaScript's word.
    pub body_is: String,
    /// How its body begins.
    pub body: String,
    /// What was logged as an error meanwhile.
    pub logged: Option<String>,
}

/// How much of a body is kept, in characters.
const MOST_KEPT: usize = 1000;

impl Answer {
    /// An answer that came as JSON.
    pub fn of(value: &Value) -> Self {
        let body = value.get("body");
        let beginning = |text: &str| text.chars().take(MOST_KEPT).collect();
        Self {
            is: word(Some(value)).to_owned(),
            status: value.get("statusCode").cloned(),
            body_is: word(body).to_owned(),
            body: body.and_then(Value::as_str).map(beginning).unwrap_or_default(),
            logged: None,
        }
    }
}

fn word(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_) | Value::Object(_)) => "object",
    }
}
