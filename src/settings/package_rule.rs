//! What a package needs besides, as a site or fnzip's own table says it. In: a row. Out: the same, with
//! globs that are globs.

use serde::Deserialize;

use crate::glob::{GlobList, InvalidGlob};

/// A row of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRule {
    /// Whose files it speaks of.
    pub package: String,
    /// Which of them; a glob from the package's root.
    #[serde(default)]
    pub when: Option<String>,
    /// Globs from the package's root.
    #[serde(default)]
    pub files: Vec<String>,
    /// Names of packages, as the package would load them, or globs.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Why; for people.
    pub because: String,
}

impl PackageRule {
    /// Are its globs what they should be?
    ///
    /// # Errors
    /// The first that is none.
    pub(super) fn check(&self) -> Result<(), InvalidGlob> {
        GlobList::new(self.when.iter().chain(&self.files).chain(&self.packages)).map(drop)
    }
}
