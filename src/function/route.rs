//! Addresses of a function. In: the `path` of a version 2 configuration. Out: a [`Route`] as the
//! platform's router reads it: a literal, or the regular expression of a URLPattern.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use urlpattern::RegexSyntax;
use urlpattern::quirks::{StringOrInit, UrlPatternInit, parse_pattern, process_construct_pattern_input};
use urlpattern::regexp::RegExp;

/// One address, or a pattern of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// As it was written.
    pub pattern: String,
    /// The one path that fits, if it is no pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// What a path must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The HTTP methods; any if there are none. Absent for excluded routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// A static file of the same path comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prefer_static: bool,
}

impl Route {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn parse(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') {
            return Err("must start with `/`".into());
        }
        let is_pattern = path.split('/').any(|part| part.starts_with(':') || part.contains(['*', '{', '[', '(']));
        let (literal, expression) = if is_pattern {
            let invalid = || format!("`{path}` is not a valid path according to the URLPattern specification");
            (None, Some(expression(path).ok_or_else(invalid)?))
        } else {
            (Some(path.to_owned()), None)
        };
        Ok(Self { pattern: path.into(), literal, expression, methods: None, prefer_static: false })
    }
}

impl Route {
    /// Is there a method that both are called with?
    pub fn shares_method(&self, other: &Self) -> bool {
        let methods = |route: &Self| route.methods.clone().unwrap_or_default();
        let (ours, theirs) = (methods(self), methods(other));
        ours.is_empty() || theirs.is_empty() || ours.iter().any(|method| theirs.contains(method))
    }
}

/// The regular expression of a URLPattern's pathname, with an optional slash at its end.
fn expression(path: &str) -> Option<String> {
    let init = UrlPatternInit { pathname: Some(path.into()), ..UrlPatternInit::default() };
    let init = process_construct_pattern_input(StringOrInit::Init(init), None).ok()?;
    let pattern = parse_pattern::<JavaScript>(init, urlpattern::UrlPatternOptions::default()).ok()?;
    let middle = pattern.pathname.regexp_string;
    let middle = middle.strip_suffix('$').unwrap_or(&middle);
    // What stands for a segment is the standard's own, which escapes the slash in its class, too.
    let escaped = with_escaped_slashes(middle).replace("([^/]+?)", r"([^\/]+?)").replace("(?:[^/]+?)", r"(?:[^\/]+?)");
    Some(format!("{escaped}\\/?$"))
}

/// A regular expression of JavaScript: it is checked as one, and written down.
struct JavaScript(String);

impl RegExp for JavaScript {
    fn syntax() -> RegexSyntax {
        RegexSyntax::EcmaScript
    }

    fn parse(pattern: &str, flags: &str, checked: bool) -> Result<Self, ()> {
        if checked && regress::Regex::with_flags(pattern, flags).is_err() {
            return Err(());
        }
        Ok(Self(pattern.to_owned()))
    }

    /// Nobody asks: paths are matched by the platform.
    fn matches<'a>(&self, _: &'a str) -> Option<Vec<Option<&'a str>>> {
        None
    }

    fn pattern_string(&self) -> &str {
        &self.0
    }
}

/// As JavaScript shows a regular expression: a `/` would end it, but in a class.
fn with_escaped_slashes(expression: &str) -> String {
    let mut escaped = String::with_capacity(expression.len() + 8);
    let (mut after_backslash, mut in_class) = (false, false);
    for letter in expression.chars() {
        match letter {
            _ if after_backslash => {}
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => escaped.push('\\'),
            _ => {}
        }
        after_backslash = letter == '\\' && !after_backslash;
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_literals_or_expressions() {
        for (path, literal, expression) in [
            ("/", Some("/"), None),
            ("/a/b", Some("/a/b"), None),
            ("/a/", Some("/a/"), None),
            ("/a:b", Some("/a:b"), None),
            ("/products/:id", None, Some(r"^\/products(?:\/([^\/]+?))\/?$")),
            ("/*", None, Some(r"^(?:\/(.*))\/?$")),
            ("/a/:id(\\d+)", None, Some(r"^\/a(?:\/(\d+))\/?$")),
            ("/:rest([^/]+/x)", None, Some(r"^(?:\/([^/]+\/x))\/?$")),
            ("/:id((?!admin)[a-z]+)", None, Some(r"^(?:\/((?!admin)[a-z]+))\/?$")),
        ] {
            let route = Route::parse(path).unwrap();
            assert_eq!((route.literal.as_deref(), route.expression.as_deref()), (literal, expression), "{path}");
        }
        assert_eq!(Route::parse("a").unwrap_err(), "must start with `/`");
        assert!(Route::parse("/a/(").unwrap_err().contains("URLPattern"));
    }
}
