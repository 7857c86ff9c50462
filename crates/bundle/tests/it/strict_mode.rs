//! Strict and sloppy mode: everybody keeps the mode that they were written for, as far as the output can hold it.

use fnzip_bundle::Code;

use crate::project::project;

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
fn a_strict_entry_does_not_make_its_packages_strict() {
    let project = project([
        (
            "main.js",
            "'use strict';\nconst lib = require('lib');\nexports.handler = () => [lib(), (function () { return this === undefined })()];",
        ),
        ("node_modules/lib/index.js", "module.exports = function () { return this === undefined };"),
    ]);
    project.cjs().gives("[m.handler(), Object.keys(m)]", r#"[[false,true],["handler"]]"#);
    assert!(!project.cjs().code().starts_with("\"use strict\""));
}

#[test]
fn the_directive_moves_no_line_of_the_source_map() {
    let project = project([
        ("main.js", "exports.handler = require('./strict').handler;"),
        ("strict.js", "'use strict';\nexports.handler = function () {\n  undeclared = 1;\n};\n"),
    ])
    .with(|it| it.source_maps = true);
    let output = project.cjs().node(&["--enable-source-maps", "-e", "require('./out.cjs').handler()"]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("strict.js:3:"), "{printed}");
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
fn modules_beside_sloppy_packages_are_sloppy_in_commonjs_output() {
    let project = project([
        (
            "main.mjs",
            "import lib from 'lib';\nexport const handler = () => [lib(), (function () { return this === undefined })()];",
        ),
        ("node_modules/lib/index.js", "module.exports = function () { return this === undefined };"),
    ]);
    project.cjs().gives("m.handler()", "[false,false]");
    project.esm().gives("m.handler()", "[true,true]");
}
