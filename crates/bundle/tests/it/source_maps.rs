//! Source maps lead to what people wrote.

use serde_json::Value;

use crate::project::{Project, project, project_in};

fn mapped(project: Project) -> Project {
    project.with(|it| it.source_maps = true)
}

fn thrower() -> Project {
    mapped(project([
        ("src/main.mjs", "import { fail } from './lib/fail.mjs';\nexport const handler = () => fail();\n"),
        ("src/lib/fail.mjs", "// a line\nexport function fail() {\n  throw new Error('here');\n}\n"),
    ]))
}

#[test]
fn sources_are_relative_to_the_working_directory() {
    for built in [thrower().cjs(), thrower().esm()] {
        let map: Value = serde_json::from_str(built.entry().map.as_ref().unwrap()).unwrap();
        assert_eq!(map["sources"], serde_json::json!(["src/lib/fail.mjs", "src/main.mjs"]));
        assert_eq!(map["sourcesContent"][0], "// a line\nexport function fail() {\n  throw new Error('here');\n}\n");
        assert!(built.code().ends_with(&format!("\n//# sourceMappingURL={}.map\n", built.entry().name)));
    }
}

#[test]
fn a_thrown_error_shows_the_file_and_line() {
    let output = thrower().cjs().node(&["--enable-source-maps", "-e", "require('./out.cjs').handler()"]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("src/lib/fail.mjs:3:9"), "{printed}");
}

#[test]
fn maps_of_the_host_are_followed() {
    // As a compiler would write it: line 2 of the code is line 5 of what was written.
    let map = r#"{ "version": 3, "sources": ["lib.ts"], "sourcesContent": ["the\ntext\nof\nlib\n  throw"], "names": [], "mappings": ";EAIE" }"#;
    let project = mapped(project([
        ("src/main.mjs", "import { fail } from './lib.js';\nexport const handler = () => fail();\n"),
        ("src/lib.js", "export function fail() {\n  throw new Error('here');\n}\n"),
        ("src/lib.js.map", map),
    ]));
    let built = project.cjs();
    let map: Value = serde_json::from_str(built.entry().map.as_ref().unwrap()).unwrap();
    assert_eq!(map["sources"], serde_json::json!(["src/lib.ts", "src/main.mjs"]));
    assert_eq!(map["sourcesContent"][0], "the\ntext\nof\nlib\n  throw");
    let output = built.node(&["--enable-source-maps", "-e", "require('./out.cjs').handler()"]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("src/lib.ts:5:3"), "{printed}");
}

#[test]
fn sources_above_the_working_directory_and_urls_are_kept() {
    let map = r#"{ "version": 3, "sources": ["../../gen/a.ts", "https://example.com/b.ts"], "names": [], "mappings": "AAAA,OCAA" }"#;
    let project =
        mapped(project_in("/nowhere", [("site/src/main.mjs", "export default 1;"), ("site/src/main.mjs.map", map)]));
    let project = project.with(|it| it.working_directory = "/nowhere/site".into());
    let map: Value = serde_json::from_str(project.cjs().entry().map.as_ref().unwrap()).unwrap();
    assert_eq!(map["sources"][0], "../gen/a.ts", "{map}");
}

#[test]
fn without_source_maps_none_is_named() {
    let built = project([("main.mjs", "export default 1;\n//# sourceMappingURL=main.mjs.map\n")]).cjs();
    assert!(!built.code().contains("sourceMappingURL"), "{}", built.code());
    assert_eq!(built.entry().map, None);
}

#[test]
fn a_map_that_cannot_be_read_is_a_failure() {
    let project = mapped(project([("main.mjs", "export default 1;"), ("main.mjs.map", "{}")]));
    let failures = project.try_bundle(fnzip_bundle::Format::Cjs).unwrap_err();
    assert!(failures[0].message.starts_with("the source map of `main.mjs` cannot be read: "), "{failures:?}");
}

#[test]
fn a_place_of_the_hosts_code_leads_to_what_was_written() {
    let map = r#"{ "version": 3, "sources": ["lib.ts"], "names": [], "mappings": ";EAIE" }"#;
    assert_eq!(fnzip_bundle::original_place(map, 2, 3), Some((5, 3)));
    assert_eq!(fnzip_bundle::original_place(map, 1, 1), None);
    assert_eq!(fnzip_bundle::original_place("{}", 0, 0), None);
}
