//! What packages need besides, as no analysis can see it. In: the table, and rows that a site adds. Out:
//! for a file of a package, the files and packages that come along (spec: tracing.md section 7). Knows
//! no package itself.

use std::sync::{Arc, LazyLock, OnceLock};

use serde::Deserialize;

use crate::glob::{GlobList, InvalidGlob};
use crate::settings::PackageRule;

/// The table that fnzip brings.
const TABLE: &str = include_str!("package_rules.toml");

#[derive(Deserialize)]
struct Table {
    rule: Vec<PackageRule>,
}

/// The rules of a run.
#[derive(Debug, Clone)]
pub struct Rules(Arc<[Row]>);

/// A row, whose globs are compiled when its package is met.
#[derive(Debug)]
struct Row {
    rule: PackageRule,
    globs: OnceLock<Globs>,
}

#[derive(Debug, Default)]
struct Globs {
    when: Option<GlobList>,
    files: GlobList,
}

/// What comes along.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a> {
    /// Files of the package.
    pub files: &'a GlobList,
    /// Packages, or globs on their names.
    pub packages: &'a [String],
}

impl Rules {
    /// fnzip's own rows, and those of the site, whose globs have been checked.
    pub fn with(rows: &[PackageRule]) -> Self {
        let row = |rule: &PackageRule| Row { rule: rule.clone(), globs: OnceLock::new() };
        Self(built_in().iter().chain(rows).map(row).collect())
    }

    /// What a file needs, given its package and its path there.
    pub fn of<'a>(&'a self, package: &'a str, path: &'a str) -> impl Iterator<Item = Needs<'a>> {
        let rows = self.0.iter().filter(move |row| row.rule.package == package);
        rows.filter_map(move |row| {
            let globs = row.globs.get_or_init(|| Globs::of(&row.rule).unwrap_or_default());
            let is_meant = globs.when.as_ref().is_none_or(|when| when.matches(path));
            is_meant.then_some(Needs { files: &globs.files, packages: &row.rule.packages })
        })
    }
}

/// fnzip's own rows.
pub fn built_in() -> &'static [PackageRule] {
    static ROWS: LazyLock<Vec<PackageRule>> =
        LazyLock::new(|| toml::from_str::<Table>(TABLE).map(|table| table.rule).unwrap_or_default());
    &ROWS
}

impl Globs {
    fn of(rule: &PackageRule) -> Result<Self, InvalidGlob> {
        let when = rule.when.iter().map(String::as_str);
        Ok(Self {
            when: rule.when.is_some().then(|| GlobList::new(when)).transpose()?,
            files: GlobList::new(&rule.files)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        let rows = toml::from_str::<Table>(TABLE).unwrap().rule;
        assert!(rows.len() > 40);
        assert!(rows.iter().all(|row| Globs::of(row).is_ok()));
        for row in &rows {
            assert!(!row.because.is_empty(), "{}", row.package);
            assert!(!row.files.is_empty() || !row.packages.is_empty(), "{}", row.package);
        }
    }

    #[test]
    fn a_row_speaks_of_its_package_and_its_files() {
        let rules = Rules::with(&[]);
        assert_eq!(rules.of("moment", "moment.js").count(), 1);
        assert_eq!(rules.of("moment", "locale/de.js").count(), 0);
        assert_eq!(rules.of("semver", "classes/range.js").count(), 1);
        assert_eq!(rules.of("mine", "index.js").count(), 0);
    }
}
