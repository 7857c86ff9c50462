//! `import.meta` in CommonJS output, and what CommonJS takes for granted in module output.

use fnzip_bundle::Code;

use crate::project::project;

#[test]
fn import_meta_knows_the_output_in_both_formats() {
    let project = project([(
        "main.mjs",
        "import { fileURLToPath } from 'node:url';\nexport const handler = () => [fileURLToPath(import.meta.url) === import.meta.filename, import.meta.filename.startsWith(import.meta.dirname + '/out.'), new URL('./x', import.meta.url).pathname.endsWith('/x')];",
    )]);
    project.gives("m.handler()", "[true,true,true]");
}

#[test]
fn import_meta_url_is_a_url_where_paths_have_odd_characters() {
    let built = project([("main.mjs", "export const handler = () => import.meta.url;")]).cjs();
    let built = built.beside("odd #name/package.json", "{}");
    std::fs::copy(built.directory.path().join("out.cjs"), built.directory.path().join("odd #name/out.cjs")).unwrap();
    let output = built.node(&["-p", "require('./odd #name/out.cjs').handler().endsWith('/odd%20%23name/out.cjs')"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "true");
}

#[test]
fn create_require_on_import_meta_url_works() {
    let project = project([(
        "main.mjs",
        "import { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);\nexport const handler = () => load('./beside.json').one;",
    )]);
    for built in [project.cjs(), project.esm()] {
        built.beside("beside.json", r#"{ "one": 1 }"#).gives("m.handler()", "1");
    }
}

#[test]
fn what_import_meta_has_no_counterpart_for_is_a_warning() {
    let built = project([(
        "main.mjs",
        "export const handler = () => 1;\nexport const other = () => import.meta.resolve('x');",
    )])
    .cjs();
    let warnings = &built.bundle.warnings;
    assert_eq!((warnings[0].code, warnings[0].line), (Code::ImportMeta, Some(2)), "{warnings:?}");
}

#[test]
fn dirname_and_filename_work_in_module_output() {
    let project = project([(
        "main.js",
        "const path = require('path');\nexports.handler = () => [path.basename(__filename), path.dirname(__filename) === __dirname, typeof require, typeof module];",
    )]);
    project.cjs().gives("m.handler()", r#"["out.cjs",true,"function","object"]"#);
    project.esm().gives("m.default.handler()", r#"["out.mjs",true,"function","object"]"#);
}

#[test]
fn dirname_works_in_modules_too() {
    let project =
        project([("main.mjs", "export const handler = () => require('path').join(__dirname, 'x').endsWith('/x');")]);
    project.gives("m.handler()", "true");
}

#[test]
fn what_is_put_above_the_code_moves_the_source_map() {
    let project = project([(
        "main.mjs",
        "export const at = __dirname;\nexport function handler() {\n  throw new Error('here');\n}\n",
    )])
    .with(|it| it.source_maps = true);
    let output = project.esm().node(&["--enable-source-maps", "-e", "import('./out.mjs').then(m => m.handler())"]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("main.mjs:3:9"), "{printed}");
}
