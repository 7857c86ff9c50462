//! What stays outside of the bundle: externals, what is missing, and what only the run can tell.

use fnzip_bundle::Kind;

use crate::project::project;

#[test]
fn an_external_is_asked_for_by_its_specifier() {
    let project = project([(
        "main.mjs",
        "import dep from 'dep';\nimport { one } from 'dep';\nexport const handler = () => [dep.one, one];",
    )])
    .external("dep");
    let (cjs, esm) = (project.cjs(), project.esm());
    assert!(cjs.code().contains(r#"require("dep")"#), "{}", cjs.code());
    assert!(esm.code().contains(r#"from "dep""#), "{}", esm.code());
    for built in [cjs, esm] {
        assert_eq!(built.entry().externals, ["dep"]);
        built.beside("node_modules/dep/index.js", "exports.one = 1;").gives("m.handler()", "[1,1]");
    }
}

#[test]
fn an_external_is_loaded_for_its_side_effects() {
    let project =
        project([("main.mjs", "import 'dep';\nexport const handler = () => globalThis.dep;")]).external("dep");
    for built in [project.cjs(), project.esm()] {
        built.beside("node_modules/dep/index.js", "globalThis.dep = 1;").gives("m.handler()", "1");
    }
}

#[test]
fn a_required_external_works_in_both_formats() {
    let project =
        project([("main.js", "const dep = require('dep');\nexports.handler = () => dep.one;")]).external("dep");
    let dep = ("node_modules/dep/index.js", "exports.one = 1;");
    project.cjs().beside(dep.0, dep.1).gives("m.handler()", "1");
    let esm = project.esm().beside(dep.0, dep.1);
    esm.gives("m.default.handler()", "1");
    assert_eq!(esm.entry().externals, ["dep", "node:module"]);
}

#[test]
fn a_relative_external_stays_as_the_host_says_it() {
    let project =
        project([("main.js", "exports.handler = () => require('./native.node').one;")]).external("./native.node");
    let built = project.cjs();
    assert_eq!(built.entry().externals, ["./native.node"]);
    assert!(built.code().contains(r#"require("./native.node")"#), "{}", built.code());
}

#[test]
fn an_optional_require_that_is_missing_throws_when_it_runs() {
    let project = project([(
        "main.js",
        "let code;\ntry { require('missing') } catch (error) { code = error.code }\nexports.handler = () => code;",
    )]);
    project.cjs().gives("m.handler()", r#""MODULE_NOT_FOUND""#);
    project.esm().gives("m.default.handler()", r#""MODULE_NOT_FOUND""#);
    assert!(project.cjs().bundle.warnings.is_empty());
    assert_eq!(project.cjs().entry().externals, ["missing"]);
}

#[test]
fn a_missing_relative_file_is_left_as_it_is() {
    let project = project([(
        "main.js",
        "exports.handler = () => { try { require('./later') } catch (error) { return error.code } };",
    )]);
    project.cjs().gives("m.handler()", r#""MODULE_NOT_FOUND""#);
}

#[test]
fn the_import_of_an_external_stays_an_import() {
    let project =
        project([("main.mjs", "export const handler = async () => (await import('dep')).default;")]).external("dep");
    for built in [project.cjs(), project.esm()] {
        assert!(built.code().contains(r#"import("dep")"#), "{}", built.code());
        let built = built.beside("node_modules/dep/index.mjs", "export default await 4;");
        built.beside("node_modules/dep/package.json", r#"{ "exports": "./index.mjs" }"#).gives("m.handler()", "4");
    }
    let asked = project.asked.lock().unwrap().clone();
    assert!(asked.contains(&("dep".to_owned(), Kind::DynamicImport)), "{asked:?}");
}

#[test]
fn the_import_of_an_external_with_attributes_keeps_them() {
    let project = project([(
        "main.mjs",
        "import data from './data.json' with { type: 'json' };\nexport const handler = () => data.one;",
    )])
    .external("./data.json");
    project.esm().beside("data.json", r#"{ "one": 1 }"#).gives("m.handler()", "1");
}

#[test]
fn computed_imports_and_requires_stay_and_work() {
    let project = project([(
        "main.js",
        "exports.handler = async name => [require('./' + name + '.cjs').one, (await import('./' + name + '.mjs')).two];",
    )]);
    let beside = [("dep.cjs", "exports.one = 1;"), ("dep.mjs", "export const two = 2;")];
    let unpack =
        |built: crate::project::Built| beside.iter().fold(built, |built, (name, text)| built.beside(name, text));
    unpack(project.cjs()).gives("m.handler('dep')", "[1,2]");
    unpack(project.esm()).gives("m.default.handler('dep')", "[1,2]");
}

#[test]
fn computed_requires_work_from_es_modules() {
    let project = project([(
        "main.mjs",
        "export const handler = async name => [require(name).sep, (await import(name)).sep, typeof require.resolve];",
    )]);
    project.gives("m.handler('path')", r#"["/","/","function"]"#);
}

#[test]
fn require_of_ones_own_making_is_left_alone() {
    let project = project([(
        "main.mjs",
        "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nexport const handler = name => [require(name).sep, require('path').sep];",
    )]);
    project.gives("m.handler('path')", r#"["/","/"]"#);
}

#[test]
fn no_require_is_made_where_none_is_used() {
    let built = project([
        ("main.mjs", "import { a } from './a.cjs';\nexport const handler = () => a;"),
        ("a.cjs", "exports.a = 1;"),
    ]);
    assert!(!built.esm().code().contains("createRequire"), "{}", built.esm().code());
}
