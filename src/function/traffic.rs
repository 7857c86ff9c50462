//! How often a function may be called. In: the `rateLimit` of a version 2 configuration. Out: the
//! traffic rules that the platform reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The platform's traffic rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficRules {
    /// What is done with whom.
    pub action: Action,
}

/// What is done once the limit is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// `rate_limit` or `rewrite`.
    #[serde(rename = "type")]
    pub kind: String,
    /// With what.
    pub config: ActionConfig,
}

/// The limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionConfig {
    /// Where a rewrite leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many calls in how long.
    pub rate_limit_config: RateLimit,
    /// Whose calls are counted together.
    pub aggregate: Aggregate,
}

/// How many calls in how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_limit: Option<Value>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_size: Option<Value>,
    /// `sliding_window`.
    pub algorithm: String,
}

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Aggregate {
    /// Those that agree in all of these.
    pub keys: Vec<Key>,
}

/// What calls are told apart by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// `domain` or `ip`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl TrafficRules {
    /// Does it rewrite, but say not where?
    pub fn rewrites_to_nowhere(&self) -> bool {
        self.action.kind == "rewrite" && self.action.config.to.is_none()
    }

    /// Reads a `rateLimit`.
    ///
    /// # Errors
    /// Where it is wrong, and why.
    pub fn read(limit: &Map<String, Value>) -> Result<Self, (String, String)> {
        let fault = |path: &str, message: &str| (path.to_owned(), message.to_owned());
        let number = |key: &str| match limit.get(key) {
            Some(value) if value.as_f64().is_some_and(|number| number > 0.0) => Ok(Some(value.clone())),
            _ => Err(fault(key, "must be a positive number")),
        };
        let one_of = |key: &str, choices: &[&str]| match limit.get(key) {
            None | Some(Value::Null) => Ok(choices[0].to_owned()),
            Some(Value::String(text)) if choices.contains(&text.as_str()) => Ok(text.clone()),
            Some(_) => Err(fault(key, &format!("must be `{}`", choices.join("` or `")))),
        };
        let key = |value: &Value| match value.as_str() {
            Some(kind @ ("domain" | "ip")) => Ok(Key { kind: kind.into() }),
            _ => Err(fault("aggregateBy", "must be `domain`, `ip`, or an array of them")),
        };
        let keys = match limit.get("aggregateBy") {
            None | Some(Value::Null) => vec![Key { kind: "domain".into() }],
            Some(Value::Array(keys)) => keys.iter().map(key).collect::<Result<_, _>>()?,
            Some(one) => vec![key(one)?],
        };
        let algorithm = one_of("algorithm", &["sliding_window"])?;
        let kind = one_of("action", &["rate_limit", "rewrite"])?;
        let to = match limit.get("to") {
            None | Some(Value::Null) => None,
            Some(Value::String(to)) => Some(to.clone()),
            Some(_) => return Err(fault("to", "must be a string")),
        };
        let rate_limit_config =
            RateLimit { window_limit: number("windowLimit")?, window_size: number("windowSize")?, algorithm };
        let config = ActionConfig { to, rate_limit_config, aggregate: Aggregate { keys } };
        Ok(Self { action: Action { kind, config } })
    }
}
