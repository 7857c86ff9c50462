//! `import()` of modules that are part of the bundle.

use crate::project::{Project, project};

fn two() -> Project {
    project([
        (
            "main.mjs",
            "import { shared } from './shared.mjs';\nexport const handler = async () => [shared, (await import('./lazy.mjs')).lazy];",
        ),
        (
            "lazy.mjs",
            "import { shared } from './shared.mjs';\nexport const lazy = shared + 1;\nglobalThis.lazy = true;",
        ),
        ("shared.mjs", "export const shared = 1 + Math.floor(0.5);"),
    ])
}

#[test]
fn without_splitting_there_is_one_file_and_it_stays_lazy() {
    let project = two();
    project.gives("[globalThis.lazy, await m.handler(), globalThis.lazy]", "[null,[1,2],true]");
    assert_eq!(project.cjs().bundle.files.len(), 1);
}

#[test]
fn with_splitting_the_target_is_a_file_of_its_own() {
    let project = two().splitting();
    project.gives("[globalThis.lazy, await m.handler(), globalThis.lazy]", "[null,[1,2],true]");
    for built in [project.cjs(), project.esm()] {
        let names: Vec<_> = built.bundle.files.iter().map(|file| file.name.rsplit_once('-').map(|it| it.0)).collect();
        assert_eq!(names, [None, Some("out-lazy"), Some("out-shared")]);
        assert!(built.bundle.files.iter().all(|file| file.externals.is_empty()), "{:?}", built.bundle.files);
        assert!(built.entry().is_entry && !built.bundle.files[1].is_entry);
    }
}

#[test]
fn the_import_of_commonjs_has_default_and_names() {
    let files = [
        (
            "main.mjs",
            "export const handler = async () => { const it = await import('./lib.cjs'); return [it.default.one, it.one] };",
        ),
        ("lib.cjs", "exports.one = 1;"),
    ];
    project(files).gives("m.handler()", "[1,1]");
    project(files).splitting().gives("m.handler()", "[1,1]");
}

#[test]
fn commonjs_may_import_lazily() {
    let files = [
        ("main.js", "exports.handler = async () => (await import('./lib.mjs')).one;"),
        ("lib.mjs", "export const one = 1;"),
    ];
    project(files).cjs().gives("m.handler()", "1");
    project(files).splitting().cjs().gives("m.handler()", "1");
    project(files).splitting().esm().gives("m.default.handler()", "1");
}

#[test]
fn top_level_await_in_a_lazy_module_works_in_module_output() {
    let files = [
        ("main.mjs", "export const handler = async () => (await import('./lib.mjs')).one;"),
        ("lib.mjs", "export const one = await Promise.resolve(1);"),
    ];
    project(files).splitting().esm().gives("m.handler()", "1");
    project(files).esm().gives("m.handler()", "1");
}
