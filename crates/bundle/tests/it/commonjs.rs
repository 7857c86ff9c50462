//! CommonJS: as an entry, beside ES modules, and with everything that only CommonJS has.

use fnzip_bundle::Code;

use crate::project::project;

#[test]
fn an_entry_keeps_its_exports_in_commonjs_output() {
    let built = project([("main.js", "exports.handler = async () => 1;\nexports.config = { a: 1 };")]).cjs();
    built.gives(
        "[await m.handler(), m.config, Object.keys(m), m.__esModule]",
        r#"[1,{"a":1},["handler","config"],null]"#,
    );
    assert!(built.bundle.commonjs_entry);
    assert_eq!(built.entry().exports, [""; 0]);
}

#[test]
fn an_entry_that_replaces_its_exports_is_what_require_gives() {
    let built =
        project([("main.js", "module.exports = function main() { return 2 };\nmodule.exports.handler = () => 3;")]);
    built.cjs().gives("[typeof m, m(), m.handler(), m.name]", r#"["function",2,3,"main"]"#);
}

#[test]
fn an_entry_is_the_default_export_of_a_module() {
    let project = project([("main.js", "exports.handler = () => 1;")]);
    let built = project.esm();
    built.gives("[Object.keys(m), m.default.handler()]", r#"[["default"],1]"#);
    assert!(built.bundle.commonjs_entry);
    assert_eq!(built.entry().exports, ["default"]);
}

#[test]
fn an_entry_gets_the_names_that_are_asked_for_in_a_module() {
    let names = || vec!["handler".to_owned(), "config".to_owned()];
    let project =
        project([("main.js", "module.exports = { handler: () => 1 };")]).with(|it| it.commonjs_names = names());
    project
        .esm()
        .gives("[Object.keys(m).sort(), m.handler(), m.default.handler()]", r#"[["config","default","handler"],1,1]"#);
    project.cjs().gives("[Object.keys(m), m.handler()]", r#"[["handler"],1]"#);
    assert_eq!(project.esm().entry().exports, ["config", "default", "handler"]);
}

#[test]
fn names_are_not_given_to_an_entry_that_is_a_module() {
    let project =
        project([("main.mjs", "export const handler = () => 1;")]).with(|it| it.commonjs_names = vec!["config".into()]);
    project.esm().gives("Object.keys(m)", r#"["handler"]"#);
}

#[test]
fn a_module_imports_a_package_in_commonjs() {
    let project = project([
        (
            "main.mjs",
            "import lib, { one } from 'lib';\nimport * as all from 'lib';\nexport const handler = () => [lib.one, one, all.one];",
        ),
        ("node_modules/lib/index.js", "exports.one = 1;"),
    ]);
    project.gives("m.handler()", "[1,1,1]");
}

#[test]
fn a_default_import_is_what_node_gives_or_what_compilers_mean() {
    let lib = "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'inner';";
    let main = "import lib from 'lib';\nexport const handler = () => typeof lib;";
    let of_node = project([("main.mjs", main), ("node_modules/lib/index.js", lib)]);
    of_node.gives("m.handler()", r#""object""#);
    let compiled = project([("main.ts", main), ("node_modules/lib/index.js", lib)]);
    compiled.gives("m.handler()", r#""string""#);
}

#[test]
fn one_bundle_may_have_both_readings() {
    let lib = "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'inner';";
    let project = project([
        (
            "main.mjs",
            "import lib from 'lib';\nimport { compiled } from './compiled.ts';\nexport const handler = () => [typeof lib, typeof compiled];",
        ),
        ("compiled.ts", "import lib from 'lib';\nexport const compiled = lib;"),
        ("node_modules/lib/index.js", lib),
    ]);
    project.gives("m.handler()", r#"["object","string"]"#);
}

#[test]
fn the_package_type_says_how_a_js_file_is_read() {
    let lib = "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'inner';";
    let project = project([
        ("main.js", "import lib from 'lib';\nexport const handler = () => typeof lib;"),
        ("package.json", r#"{ "type": "module" }"#),
        ("node_modules/lib/index.js", lib),
        ("node_modules/lib/package.json", "{}"),
    ]);
    project.gives("m.handler()", r#""object""#);
}

#[test]
fn files_that_differ_only_by_extension_stay_apart() {
    let project = project([
        (
            "main.mjs",
            "import a from './a.cjs';\nimport { b } from './a.js';\nimport { c } from './a.mjs';\nexport const handler = () => [a, b, c];",
        ),
        ("a.cjs", "module.exports = 'cjs';"),
        ("a.js", "exports.b = 'js';"),
        ("a.mjs", "export const c = 'mjs';"),
    ]);
    project.gives("m.handler()", r#"["cjs","js","mjs"]"#);
}

#[test]
fn commonjs_requires_an_es_module() {
    let project = project([
        (
            "main.js",
            "const lib = require('./lib.mjs');\nexports.handler = () => [lib.one, lib.default, lib.__esModule];",
        ),
        ("lib.mjs", "export const one = 1;\nexport default 2;"),
    ]);
    project.cjs().gives("m.handler()", "[1,2,true]");
    project.esm().gives("m.default.handler()", "[1,2,true]");
}

#[test]
fn what_a_module_calls_module_exports_is_what_require_gives() {
    let project = project([
        ("main.js", "exports.handler = () => require('./lib.mjs')();"),
        ("lib.mjs", "const call = () => 5;\nexport { call as 'module.exports' };\nexport default 1;"),
    ]);
    project.cjs().gives("m.handler()", "5");
}

#[test]
fn commonjs_is_loaded_once_and_in_cycles() {
    let project = project([
        (
            "main.js",
            "globalThis.count = 0;\nconst a = require('./a');\nconst b = require('./b');\nexports.handler = () => [a.name, b.name, b.early, globalThis.count];",
        ),
        ("a.js", "globalThis.count++;\nexports.name = 'a';\nconst b = require('./b');\nexports.late = b.name;"),
        (
            "b.js",
            "globalThis.count++;\nconst a = require('./a');\nexports.early = a.name;\nexports.late = a.late;\nexports.name = 'b';",
        ),
    ]);
    project.cjs().gives("m.handler()", r#"["a","b","a",2]"#);
}

#[test]
fn a_module_that_throws_is_tried_again() {
    let project = project([
        (
            "main.js",
            "let thrown = 0;\nfor (let i = 0; i < 2; i++) try { require('./bad') } catch { thrown++ }\nexports.handler = () => [thrown, globalThis.tries];",
        ),
        ("bad.js", "globalThis.tries = (globalThis.tries ?? 0) + 1;\nthrow new Error('bad');"),
    ]);
    let built = project.cjs();
    let output = built.node(&["-p", "JSON.stringify(require('./out.cjs').handler())"]);
    println!("{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn sloppy_code_stays_sloppy_in_commonjs_output() {
    let project = project([(
        "main.js",
        "var public = 010;\nfunction self() { return this === globalThis }\nundeclared = 1;\nwith ({ x: 4 }) { var y = x }\nexports.handler = () => [public, self(), undeclared, y, delete public];",
    )]);
    project.cjs().gives("m.handler()", "[8,true,1,4,false]");
}

#[test]
fn sloppy_packages_stay_sloppy_beside_modules() {
    let project = project([
        ("main.mjs", "import lib from 'lib';\nexport const handler = () => lib();"),
        ("node_modules/lib/index.js", "module.exports = function () { return this === globalThis };"),
    ]);
    project.cjs().gives("m.handler()", "true");
}

#[test]
fn strict_code_stays_strict() {
    let strict = "function self() { return this === undefined }\nexports.handler = () => self();";
    project([("main.js", &format!("'use strict';\n{strict}"))]).cjs().gives("m.handler()", "true");
    let project = project([
        (
            "main.js",
            "exports.handler = () => [require('./strict').handler(), (function () { return this === globalThis })()];",
        ),
        ("strict.js", &format!("'use strict';\n{strict}")),
    ]);
    project.cjs().gives("m.handler()", "[true,true]");
}

#[test]
fn modules_stay_strict_in_commonjs_output() {
    let project =
        project([("main.mjs", "function self() { return this === undefined }\nexport const handler = () => self();")]);
    project.gives("m.handler()", "true");
}

#[test]
fn what_only_sloppy_mode_allows_is_a_failure_in_module_output() {
    let project = project([
        ("main.mjs", "import lib from 'lib';\nexport const handler = () => lib;"),
        ("node_modules/lib/index.js", "// first\nvar o = { a: 1 };\nwith (o) { exports.a = a }\n"),
    ]);
    let failures = project.try_bundle(fnzip_bundle::Format::Esm).unwrap_err();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].code, Code::SloppyMode);
    assert_eq!(failures[0].file.as_deref(), Some(project.directory.join("node_modules/lib/index.js").as_path()));
    assert_eq!(failures[0].line, Some(3));
    project.cjs().gives("m.handler()", r#"{"a":1}"#);
}

#[test]
fn top_level_return_and_this_are_those_of_commonjs() {
    let project =
        project([("main.js", "this.handler = () => 1;\nif (exports.handler) return;\nexports.handler = () => 2;")]);
    project.cjs().gives("m.handler()", "1");
}

#[test]
fn module_is_there() {
    let project = project([
        ("main.js", "exports.handler = () => [require('./lib').loaded, typeof module.exports];"),
        ("lib.js", "exports.loaded = typeof module;"),
    ]);
    project.cjs().gives("m.handler()", r#"["object","object"]"#);
}
