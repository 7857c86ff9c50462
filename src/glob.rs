//! Lists of globs as users write them. In: patterns in order, some with a leading `!`. Out: is a
//! path meant? Never looks at the disk.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns in order: the last one that fits decides, and `!` in front of one says "not these".
#[derive(Debug, Clone, Default)]
pub struct GlobList {
    patterns: Vec<Pattern>,
}

#[derive(Clone)]
struct Pattern {
    text: String,
    negated: bool,
    matcher: GlobSet,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", if self.negated { "!" } else { "" }, self.text)
    }
}

/// A pattern that is no glob.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a valid glob: {reason}")]
pub struct InvalidGlob {
    pattern: String,
    reason: String,
}

impl InvalidGlob {
    /// A pattern that somebody else refuses.
    pub fn new(pattern: &str, reason: &str) -> Self {
        Self { pattern: pattern.into(), reason: reason.into() }
    }
}

impl GlobList {
    /// Compiles `patterns`. A leading `./` means nothing, `*` stops at `/`, `**` does not.
    ///
    /// # Errors
    /// The first pattern that does not compile.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, InvalidGlob> {
        let patterns = patterns.into_iter().map(|pattern| Pattern::new(pattern.as_ref()));
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// Is there no pattern at all?
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// What the last fitting pattern says of `path`; nothing if none fits.
    pub fn decide(&self, path: &str) -> Option<bool> {
        let pattern = self.patterns.iter().rev().find(|pattern| pattern.fits(path))?;
        Some(!pattern.negated)
    }

    /// Is `path` meant?
    pub fn matches(&self, path: &str) -> bool {
        self.decide(path) == Some(true)
    }

    /// The patterns without `!`, each with a test of its own.
    pub fn positives(&self) -> impl Iterator<Item = (&str, impl Fn(&str) -> bool + '_)> {
        let positive = self.patterns.iter().filter(|pattern| !pattern.negated);
        positive.map(|pattern| (pattern.text.as_str(), |path: &str| pattern.fits(path)))
    }
}

impl Pattern {
    fn new(written: &str) -> Result<Self, InvalidGlob> {
        let (negated, text) = written.strip_prefix('!').map_or((false, written), |rest| (true, rest));
        let text = text.strip_prefix("./").unwrap_or(text);
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        // A set says what a single matcher panics about: a glob that is too large.
        let matcher = glob.and_then(|glob| GlobSetBuilder::new().add(glob).build());
        let matcher =
            matcher.map_err(|error| InvalidGlob { pattern: written.into(), reason: error.kind().to_string() })?;
        Ok(Self { text: text.into(), negated, matcher })
    }

    /// A file called `[id].js` is meant by `[id].js`, which as a glob would be `i.js` or `d.js`.
    fn fits(&self, path: &str) -> bool {
        self.text == path || self.matcher.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> GlobList {
        GlobList::new(patterns).unwrap()
    }

    #[test]
    fn the_last_fitting_pattern_decides() {
        let globs = list(&["data/**", "!data/private/**", "data/private/readme.txt"]);
        assert!(globs.matches("data/a/b.json"));
        assert!(!globs.matches("data/private/key"));
        assert!(globs.matches("data/private/readme.txt"));
        assert_eq!(globs.decide("other"), None);
    }

    #[test]
    fn a_star_stops_at_a_slash() {
        assert!(list(&["./views/*.ejs"]).matches("views/a.ejs"));
        assert!(!list(&["views/*.ejs"]).matches("views/b/a.ejs"));
        assert!(list(&["*.js"]).matches(".hidden.js"));
    }

    #[test]
    fn brackets_may_be_literal() {
        assert!(list(&["pages/[id].js"]).matches("pages/[id].js"));
        assert!(list(&["pages/[id].js"]).matches("pages/i.js"));
    }

    #[test]
    fn a_glob_that_is_too_large_is_an_error() {
        let nested = format!("{}{}", "{a,".repeat(300), "}".repeat(300));
        assert!(GlobList::new([nested]).is_err());
    }

    #[test]
    fn a_bad_glob_is_named() {
        let error = GlobList::new(["a{b"]).unwrap_err().to_string();
        assert!(error.starts_with("`a{b` is not a valid glob: "), "{error}");
    }
}
