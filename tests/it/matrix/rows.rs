//! The rows of the matrix. In: the dimensions. Out: every row, and small selections in which every pair of
//! values stands. The same on every machine, in every run.

use std::collections::BTreeSet;
use std::fmt;

/// What may differ between two functions, and its values.
pub(super) const DIMENSIONS: [(&str, &[&str]); 7] = [
    // `jsx` is none of a main file's: there, the function's own modules have it.
    ("extension", &["js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx"]),
    ("type", &["none", "commonjs", "module"]),
    // `mixed` exports as an ES module does, `assigned` as CommonJS does, and both import and require;
    // `awaiting` waits at the top of the main file, `deep` at the top of a module of its own.
    ("syntax", &["esm", "cjs", "mixed", "assigned", "awaiting", "deep"]),
    ("api", &["1", "2"]),
    ("bundler", &["unset", "esbuild", "nft", "zisi", "none"]),
    ("told", &["toml", "config"]),
    ("node", &["18", "20", "22", "24"]),
];

/// A function: for each dimension, which of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row([usize; DIMENSIONS.len()]);

impl Row {
    fn value(self, dimension: usize) -> &'static str {
        DIMENSIONS[dimension].1[self.0[dimension]]
    }

    pub(super) fn extension(self) -> &'static str {
        self.value(0)
    }

    pub(super) fn package_type(self) -> &'static str {
        self.value(1)
    }

    pub(super) fn syntax(self) -> &'static str {
        self.value(2)
    }

    pub(super) fn is_version_2(self) -> bool {
        self.value(3) == "2"
    }

    pub(super) fn bundler(self) -> &'static str {
        self.value(4)
    }

    pub(super) fn is_told_by_toml(self) -> bool {
        self.value(5) == "toml"
    }

    pub(super) fn node(self) -> &'static str {
        self.value(6)
    }

    /// That of the main file.
    pub(super) fn main_extension(self) -> &'static str {
        if self.extension() == "jsx" { "js" } else { self.extension() }
    }

    pub(super) fn is_typescript(self) -> bool {
        matches!(self.extension(), "ts" | "mts" | "cts" | "tsx")
    }

    /// The function's name, which no other row of the same build has.
    pub(super) fn name(self) -> String {
        [0, 2, 3].map(|dimension| self.value(dimension)).join("-")
    }

    /// Rows with the same of these are built at once.
    pub(super) fn build(self) -> [&'static str; 4] {
        [1, 4, 5, 6].map(|dimension| self.value(dimension))
    }

    /// Is it a value of the row, written as `node=24`?
    pub(super) fn has(self, word: &str) -> bool {
        let words = DIMENSIONS.iter().enumerate().map(|(at, (name, _))| format!("{name}={}", self.value(at)));
        words.into_iter().any(|own| own == word)
    }

    fn pairs(self) -> impl Iterator<Item = Pair> {
        let before = |later: usize| (0..later).map(move |earlier| (earlier, later));
        (0..self.0.len()).flat_map(before).map(move |(a, b)| (a, self.0[a], b, self.0[b]))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = (0..self.0.len()).map(|dimension| self.value(dimension)).collect();
        f.write_str(&words.join(" "))
    }
}

/// Two values, each with its dimension.
type Pair = (usize, usize, usize, usize);

/// The whole matrix.
pub(super) fn all() -> Vec<Row> {
    let count: usize = DIMENSIONS.iter().map(|(_, values)| values.len()).product();
    let row = |mut number: usize| {
        Row(DIMENSIONS.map(|(_, values)| {
            let value = number % values.len();
            number /= values.len();
            value
        }))
    };
    (0..count).map(row).collect()
}

/// Some of `rows`, in which every pair of values stands that stands in any of them: each time the first of
/// those that have most that is new.
pub(super) fn pairwise(rows: &[Row]) -> Vec<Row> {
    let mut open: BTreeSet<Pair> = rows.iter().flat_map(|row| row.pairs()).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let mut best: Option<(usize, Row)> = None;
        for row in rows {
            let new = row.pairs().filter(|pair| open.contains(pair)).count();
            if best.is_none_or(|(most, _)| new > most) {
                best = Some((new, *row));
            }
        }
        let Some((_, row)) = best else { break };
        open.retain(|pair| !row.pairs().any(|stands| stands == *pair));
        chosen.push(row);
    }
    chosen
}

#[test]
fn every_pair_of_values_is_chosen() {
    let rows = all();
    let chosen = pairwise(&rows);
    let pairs = |rows: &[Row]| rows.iter().flat_map(|row| row.pairs()).collect::<BTreeSet<_>>();
    assert_eq!(pairs(&chosen), pairs(&rows));
    assert!(chosen.len() < 70, "{} rows", chosen.len());
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len());
}
