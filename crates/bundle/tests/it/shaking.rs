//! What is not used is not in the output.

use crate::project::project;

#[test]
fn an_unused_export_is_gone() {
    let project = project([
        ("main.mjs", "import { used } from './lib.mjs';\nexport const handler = () => used();"),
        ("lib.mjs", "export const used = () => 'wanted';\nexport const unused = () => 'unwanted';"),
    ]);
    for built in [project.cjs(), project.esm()] {
        assert!(built.code().contains("wanted") && !built.code().contains("unwanted"), "{}", built.code());
    }
}

#[test]
fn a_package_without_side_effects_is_gone_whole() {
    let files = [
        ("main.mjs", "import { a } from 'lib';\nimport 'lib';\nexport const handler = () => 1;"),
        ("node_modules/lib/package.json", r#"{ "sideEffects": false, "main": "index.mjs" }"#),
        ("node_modules/lib/index.mjs", "import './deep.mjs';\nglobalThis.touched = 1;\nexport const a = 1;"),
        ("node_modules/lib/deep.mjs", "globalThis.deep = 1;"),
    ];
    let built = project(files).cjs();
    assert!(!built.code().contains("globalThis"), "{}", built.code());
    let modules: Vec<_> = built.bundle.modules.keys().cloned().collect();
    assert_eq!(modules, [project(files).directory.join("main.mjs")]);
    assert_eq!(built.bundle.inputs.len(), 3);
}

#[test]
fn without_that_word_side_effects_stay() {
    let project = project([
        ("main.mjs", "import { a } from 'lib';\nexport const handler = () => globalThis.touched;"),
        ("node_modules/lib/index.mjs", "globalThis.touched = 1;\nexport const a = 1;"),
        ("node_modules/lib/package.json", r#"{ "main": "index.mjs" }"#),
    ]);
    project.gives("m.handler()", "1");
}

#[test]
fn nodes_own_modules_go_when_nothing_uses_them() {
    let built = project([("main.mjs", "import fs from 'node:fs';\nexport const handler = () => 1;")]).esm();
    assert!(!built.code().contains("fs"), "{}", built.code());
}

#[test]
fn comments_and_regions_are_gone_but_licenses_stay() {
    let built = project([("main.mjs", "/*! license */\n// note\n/** doc */\nexport const handler = () => 1;")]).cjs();
    assert!(built.code().contains("/*! license */"), "{}", built.code());
    for gone in ["note", "doc", "region"] {
        assert!(!built.code().contains(gone), "{gone}: {}", built.code());
    }
}
