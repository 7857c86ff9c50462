//! Why files ship, and what they cost.

use serde_json::Value;

use crate::support::{Scratch, fnzip, said, scratch};

fn site() -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello.js", "const one = require('one')\nexports.handler = () => one\n");
    site.file("node_modules/one/index.js", "exports.one = 1\nexports.two = () => require('two/lib')\n");
    site.file("node_modules/two/lib/index.js", "module.exports = require('fs').readFileSync(__dirname + '/a.txt')\n");
    site.file("node_modules/two/lib/a.txt", "a".repeat(5000));
    site.file("data/b.txt", "b\n");
    site.file("netlify.toml", "[functions]\nincluded_files = [\"data/**\"]\n");
    site
}

#[test]
fn the_shortest_way_is_shown_with_its_lines() {
    let site = site();
    let why = |wanted: &str| said(fnzip(&site.path).args(["why", "hello", wanted])).out;
    assert_eq!(
        why("two"),
        "netlify/functions/hello.js
  1:21  const one = require('one')
node_modules/one/index.js
  2:29  exports.two = () => require('two/lib')
node_modules/two/lib/index.js

two: 2 files, 89 B in the archive, 5.1 kB unpacked
"
    );
    assert!(why("node_modules/two/lib/a.txt").contains(
        "  1:45  module.exports = require('fs').readFileSync(__dirname + '/a.txt')\nnode_modules/two/lib/a.txt\n"
    ));
    assert!(why("data/b.txt").starts_with("data/b.txt\n  named by `included_files`\n"));
    assert!(why("netlify/functions/hello.js").contains("the main file"));
    let json = said(fnzip(&site.path).args(["why", "hello", "two", "--json"]));
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json["way"].as_array().unwrap().len(), &json["way"][1]["line"]), (2, &2.into()));
    let none = said(fnzip(&site.path).args(["why", "hello", "three"]));
    assert_eq!((none.status, none.out.as_str()), (1, "`three` does not ship in `hello`\n"));
    let wrong = said(fnzip(&site.path).args(["why", "helo", "three"]));
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("did you mean `hello`?"), "{}", wrong.err);
}

#[test]
fn the_largest_packages_are_shown_on_request() {
    let said = said(fnzip(&site().path).args(["bundle", "--sizes", "--color", "never"]));
    assert_eq!(said.status, 0, "{}", said.err);
    let sizes = said.err.split("\nhello\n").nth(1).unwrap();
    let names: Vec<&str> = sizes.lines().map(|line| line.trim().split("  ").nth(1).unwrap()).collect();
    assert_eq!(names.len(), 3, "{sizes}");
    assert!(sizes.contains("two  (2 files, 5.1 kB unpacked)"), "{sizes}");
}

/// 50 MB zipped and 250 MB unzipped, unless a site knows others.
#[test]
fn what_is_too_large_is_told() {
    let site = site();
    let bundle = |limits: &str| {
        site.file("netlify.toml", format!("[fnzip]\nlimits = {limits}\n"));
        let said = said(fnzip(&site.path).args(["bundle", "--color", "never"]));
        (said.status, said.err)
    };
    let (status, err) = bundle("{ unzipped = \"4kb\" }");
    assert_eq!(status, 1, "{err}");
    assert!(err.contains("error[too-large]: hello: unpacked it has"), "{err}");
    assert!(err.contains("the largest are two ("), "{err}");
    assert!(!site.path.join(".netlify/functions/hello.zip").exists());
    let (status, err) = bundle("{ zipped = 100 }");
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("warning[too-large]: hello: the archive has"), "{err}");
    let (status, err) = bundle("{ zipped = \"60mb\", unzipped = 3000000 }");
    assert_eq!((status, err.contains("too-large")), (0, false), "{err}");
    let (status, err) = bundle("{ zipped = \"lots\" }");
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("`fnzip.limits.zipped` must be a number of bytes, or text such as `60mb`"), "{err}");
}
