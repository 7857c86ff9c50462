//! What is wrong is told with its place, in words without absolute paths.

use fnzip_bundle::{Code, Failure, Format};

use crate::project::{NOWHERE, Project, project};

fn failures(project: &Project, format: Format) -> Vec<Failure> {
    let failures = project.try_bundle(format).unwrap_err();
    for failure in &failures {
        assert!(!failure.message.contains(NOWHERE) && !failure.message.contains('\u{1b}'), "{failure:?}");
        assert!(!failure.message.contains("/-/") && !failure.message.ends_with('.'), "{failure:?}");
    }
    failures
}

fn place(failure: &Failure) -> (Code, String, Option<u32>, Option<u32>) {
    let file = failure.file.as_ref().map(|file| file.strip_prefix(NOWHERE).unwrap().display().to_string());
    (failure.code, file.unwrap_or_default(), failure.line, failure.column)
}

#[test]
fn a_syntax_error_has_a_place() {
    let project =
        project([("main.mjs", "import './lib/bad.mjs';"), ("lib/bad.mjs", "const a = 1;\nlet é = 'é', b = ;\n")]);
    let failures = failures(&project, Format::Cjs);
    assert_eq!(place(&failures[0]), (Code::Syntax, "lib/bad.mjs".into(), Some(2), Some(18)));
    assert_eq!(failures[0].message, "unexpected token");
}

#[test]
fn an_import_of_what_is_not_exported_has_a_place() {
    let project = project([
        (
            "src/main.mjs",
            "import { a } from './lib.mjs';\nimport { one, two } from './lib.mjs';\nexport const handler = () => [a, one, two];",
        ),
        ("src/lib.mjs", "export const a = 1, one = 2;"),
    ]);
    let failures = failures(&project, Format::Cjs);
    assert_eq!(place(&failures[0]), (Code::MissingExport, "src/main.mjs".into(), Some(2), Some(15)));
    assert_eq!(failures[0].message, "`two` is not exported by `src/lib.mjs`");
}

#[test]
fn top_level_await_is_a_failure_in_commonjs_output() {
    let project = project([
        ("main.mjs", "import { late } from './late.mjs';\nexport const handler = () => late;"),
        ("late.mjs", "const wait = () => 1;\nexport const late = await wait();"),
    ]);
    let failures = failures(&project, Format::Cjs);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(place(&failures[0]), (Code::TopLevelAwait, "late.mjs".into(), Some(2), Some(21)));
    assert_eq!(failures[0].message, "CommonJS cannot hold top-level `await`");
}

#[test]
fn top_level_await_below_a_require_is_a_failure_in_module_output() {
    let project = project([
        ("main.mjs", "import lib from './lib.cjs';\nexport const handler = () => lib;"),
        ("lib.cjs", "exports.a = 1;\nexports.late = require('./late.mjs');"),
        ("late.mjs", "export const late = await 1;"),
    ]);
    let failures = failures(&project, Format::Esm);
    assert_eq!(place(&failures[0]), (Code::TopLevelAwait, "lib.cjs".into(), Some(2), Some(16)), "{failures:?}");
    assert!(failures[0].message.contains("the imported file `late.mjs` contains a top-level await"), "{failures:?}");
}

#[test]
fn a_file_that_cannot_be_loaded_is_named() {
    let mut project = project([("main.mjs", "import './lib/text.txt';\nexport default 1;")]);
    project.files.insert("lib/text.txt".into(), vec![0xff]);
    let failures = failures(&project, Format::Cjs);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(place(&failures[0]), (Code::Load, "lib/text.txt".into(), None, None));
    assert!(failures[0].message.starts_with("could not load `lib/text.txt`: "), "{failures:?}");
}

#[test]
fn an_entry_that_is_not_there_is_named() {
    let project = project([("main.mjs", "")]).with(|it| it.entry = it.working_directory.join("other.mjs"));
    let failures = failures(&project, Format::Cjs);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].message, "could not load `other.mjs`: no such file");
}

#[test]
fn an_assignment_to_an_import_has_a_place() {
    let project = project([
        ("main.mjs", "import { a } from './a.mjs';\na = 2;\nexport default a;"),
        ("a.mjs", "export let a = 1;"),
    ]);
    let failures = failures(&project, Format::Cjs);
    assert_eq!(place(&failures[0]), (Code::Assignment, "main.mjs".into(), Some(2), Some(1)), "{failures:?}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_in_order() {
    let project =
        project([("main.mjs", "import './b.mjs';\nimport './a.mjs';"), ("b.mjs", "let = ;"), ("a.mjs", "var 1;")]);
    let failures = failures(&project, Format::Cjs);
    let files: Vec<_> = failures.iter().map(|it| place(it).1).collect();
    assert_eq!(files, ["a.mjs", "b.mjs"], "{failures:?}");
}

#[test]
fn eval_is_a_warning() {
    let built = project([("main.mjs", "export const handler = text => eval(text);")]).cjs();
    let warnings = &built.bundle.warnings;
    assert_eq!(place(&warnings[0]), (Code::Eval, "main.mjs".into(), Some(1), Some(32)), "{warnings:?}");
}

#[test]
fn messages_are_fragments_in_our_words() {
    let eval =
        project([("main.mjs", "export const handler = text => eval(text);\nexport const meta = () => import.meta;")])
            .cjs();
    let messages: Vec<_> = eval.bundle.warnings.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`eval` sees the names of the bundle, which need not be those of the file",
            "`import.meta` is an empty object in CommonJS, apart from `url`, `dirname` and `filename`",
        ]
    );
}
