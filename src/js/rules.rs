//! What packages need besides, as no analysis can see it. In: the table, and rows that a site adds. Out:
//! for a file of a package, the files and packages that come along (spec: tracing.md section 7). Knows
//! no package itself.

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
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    rule: PackageRule,
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
    /// fnzip's own rows, and those of the site.
    ///
    /// # Errors
    /// A row of the site has a glob that is none.
    pub fn with(rows: &[PackageRule]) -> Result<Self, InvalidGlob> {
        built_in().iter().chain(rows).map(compiled).collect::<Result<_, _>>().map(Self)
    }

    /// fnzip's own rows alone.
    pub fn built_in() -> Self {
        Self::with(&[]).unwrap_or_default()
    }

    /// What a file needs, given its package and its path there.
    pub fn of<'a>(&'a self, package: &'a str, path: &'a str) -> impl Iterator<Item = Needs<'a>> {
        let fits = move |row: &&Compiled| {
            row.rule.package == package && row.when.as_ref().is_none_or(|when| when.matches(path))
        };
        self.0.iter().filter(fits).map(|row| Needs { files: &row.files, packages: &row.rule.packages })
    }
}

/// The rows of the table.
pub fn built_in() -> Vec<PackageRule> {
    toml::from_str::<Table>(TABLE).map(|table| table.rule).unwrap_or_default()
}

fn compiled(rule: &PackageRule) -> Result<Compiled, InvalidGlob> {
    let when = rule.when.iter().map(String::as_str);
    Ok(Compiled {
        when: rule.when.is_some().then(|| GlobList::new(when)).transpose()?,
        files: GlobList::new(&rule.files)?,
        rule: rule.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        let rows = toml::from_str::<Table>(TABLE).unwrap().rule;
        assert!(rows.len() > 40);
        assert!(Rules::with(&[]).is_ok());
        for row in &rows {
            assert!(!row.because.is_empty(), "{}", row.package);
            assert!(!row.files.is_empty() || !row.packages.is_empty(), "{}", row.package);
        }
    }

    #[test]
    fn a_row_speaks_of_its_package_and_its_files() {
        let rules = Rules::built_in();
        assert_eq!(rules.of("moment", "moment.js").count(), 1);
        assert_eq!(rules.of("moment", "locale/de.js").count(), 0);
        assert_eq!(rules.of("semver", "classes/range.js").count(), 1);
        assert_eq!(rules.of("mine", "index.js").count(), 0);
    }
}
