//! CommonJS: as an entry, beside ES modules, and with everything that only CommonJS has.

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
fn any_names_may_be_asked_for() {
    let names = ["default", "delete", "a-b", "handler", "handler"].map(String::from).to_vec();
    let project = project([("main.js", "module.exports = null;")]).with(|it| it.commonjs_names = names);
    project.esm().gives("[Object.keys(m).sort(), m.default]", r#"[["a-b","default","delete","handler"],null]"#);
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
    project.cjs().gives("m.handler()", "[2,2]");
    project.esm().gives("m.default.handler()", "[2,2]");
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

#[test]
fn old_syntax_is_taken_as_node_takes_it() {
    let project = project([
        ("main.js", "exports.handler = () => require('./old');"),
        (
            "old.js",
            "var await = 1, let = 2, yield = 3;\nfunction twice(a, a) { return a }\nmodule.exports = [await, let, yield, '\\033', twice(1, 2), 010]; <!-- note\n--> note",
        ),
    ]);
    project.cjs().gives("m.handler()", r#"[1,2,3,"\u001b",2,8]"#);
}

#[test]
fn umd_takes_the_branch_of_commonjs() {
    let umd = "(function (root, factory) { if (typeof define === 'function' && define.amd) define([], factory); else if (typeof module === 'object' && module.exports) module.exports = factory(); else root.lib = factory() })(this, function () { return { umd: 1 } });";
    let project = project([
        ("main.mjs", "import lib from 'lib';\nexport const handler = () => lib.umd;"),
        ("node_modules/lib/index.js", umd),
    ]);
    project.gives("m.handler()", "1");
}

#[test]
fn reexports_of_compilers_come_through() {
    let project = project([
        ("main.mjs", "import { a } from 'lib';\nexport const handler = () => a;"),
        (
            "node_modules/lib/index.js",
            "'use strict';\nvar __exportStar = function (m, exports) { for (var p in m) exports[p] = m[p] };\nObject.defineProperty(exports, '__esModule', { value: true });\n__exportStar(require('./a'), exports);",
        ),
        ("node_modules/lib/a.js", "exports.a = 1;"),
    ]);
    project.gives("m.handler()", "1");
}

#[test]
fn an_entry_may_import_and_still_use_exports() {
    let project = project([("main.ts", "import path from 'node:path';\nexports.handler = () => path.sep;")]);
    project.cjs().gives("[m.handler(), Object.keys(m)]", r#"["/",["handler"]]"#);
    project.esm().gives("m.default.handler()", r#""/""#);
    assert!(project.cjs().bundle.commonjs_entry);
}

#[test]
fn packages_that_rolldown_made_can_be_bundled_again() {
    let project = project([
        ("main.cjs", "exports.handler = () => require('./helpers.cjs').values;"),
        (
            "helpers.cjs",
            "const require_context = require('./a/context.cjs');\nconst require_context$1 = require('./b/context.cjs');\nconst require_index = require('./c/index.cjs');\nconst require_c = require_index;\nconst require_c$1 = 3;\nexports.values = [require_context, require_context$1, require_c, require_c$1];",
        ),
        ("a/context.cjs", "module.exports = 'a';"),
        ("b/context.cjs", "module.exports = 'b';"),
        ("c/index.cjs", "module.exports = 'c';"),
    ]);
    project.cjs().gives("m.handler()", r#"["a","b","c",3]"#);
    project.esm().gives("m.default.handler()", r#"["a","b","c",3]"#);
}
