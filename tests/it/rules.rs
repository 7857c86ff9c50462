//! Rules of packages: each row of the table, and rows that a site adds.

use fnzip::js::rules::built_in;

use crate::support::{Scratch, fnzip, said, scratch};

/// A path that a glob means.
fn meant(glob: &str) -> String {
    glob.replace("**/*", "deep/x").replace("/**", "/deep/x.bin").replace("**", "deep").replace('*', "x")
}

fn listed(site: &Scratch) -> Vec<String> {
    let said = said(fnzip(&site.path).args(["list", "--files"]));
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_row() {
    let rows = built_in();
    assert!(rows.len() > 40);
    for row in rows {
        let site = scratch();
        let main = row.when.as_deref().map_or_else(|| "index.js".to_owned(), meant);
        let root = format!("node_modules/{}", row.package);
        site.file("netlify/functions/hello.js", format!("exports.handler = () => require('{}')\n", row.package));
        site.file(&format!("{root}/package.json"), format!("{{\"main\": \"{main}\"}}"));
        site.file(&format!("{root}/{main}"), "exports.x = 1\n");
        site.file(&format!("{root}/of-no-use/at-all.xyz"), "");
        let mut expected = Vec::new();
        for glob in &row.files {
            let path = format!("{root}/{}", meant(glob));
            if glob != "package.json" {
                site.file(&path, "");
            }
            expected.push(path);
        }
        for name in &row.packages {
            let path = format!("node_modules/{}/index.js", meant(name));
            site.file(&path, "exports.x = 1\n");
            expected.push(path);
        }
        let files = listed(&site);
        for path in expected {
            assert!(files.contains(&path), "{}: {path} is not in {files:?}", row.package);
        }
        assert!(!files.iter().any(|file| file.ends_with(".xyz")), "{}: {files:?}", row.package);
    }
}

#[test]
fn a_site_adds_rows() {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = () => require('mine')\n");
    site.file("node_modules/mine/index.js", "exports.x = 1\n");
    site.file("node_modules/mine/data/a.bin", "");
    site.file("node_modules/driver/index.js", "exports.x = 1\n");
    let row = "[[fnzip.package_rules]]\npackage = \"mine\"\nfiles = [\"data/**\"]\npackages = [\"driver\"]\nbecause = \"of a test\"\n";
    site.file("netlify.toml", row);
    let files = listed(&site);
    for path in ["node_modules/mine/data/a.bin", "node_modules/driver/index.js"] {
        assert!(files.contains(&path.to_owned()), "{files:?}");
    }
    for (toml, message) in [
        ("[fnzip]\npackage_rules = 3\n", "netlify.toml:2:17: `fnzip.package_rules` must be an array of tables"),
        ("[[fnzip.package_rules]]\nfiles = []\n", "`fnzip.package_rules`: missing field `package`"),
        (
            "[[fnzip.package_rules]]\npackage = \"a\"\nbecause = \"b\"\nfiles = [\"[\"]\n",
            "`fnzip.package_rules`: `[` is not a valid glob",
        ),
    ] {
        site.file("netlify.toml", toml);
        let said = said(fnzip(&site.path).args(["list", "--color", "never"]));
        let message = message.strip_prefix("netlify.toml:2:17: ").unwrap_or(message);
        assert_eq!((said.status, said.err.contains(message)), (2, true), "{}", said.err);
    }
}
