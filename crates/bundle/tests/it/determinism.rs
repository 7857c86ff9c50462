//! The same modules give the same bytes.

use std::thread;

use fnzip_bundle::{Bundle, Format, OutputFile};

use crate::project::{Project, project_in};

fn site(directory: &str) -> Project {
    project_in(
        directory,
        [
            ("src/main.mjs", "import lib, { a } from 'lib';\nimport { b } from '../../shared/b.mjs';\nimport './c.cjs';\nexport const handler = async () => [lib, a, b, (await import('./lazy.mjs')).lazy, require('dep'), __dirname];"),
            ("src/c.cjs", "exports.c = require('./d.cjs');\nexports.e = require('./index.js');"),
            ("src/d.cjs", "exports.d = require('./c.cjs');"),
            ("src/index.js", "module.exports = 1;"),
            ("src/lazy.mjs", "import { b } from '../../shared/b.mjs';\nexport const lazy = b + 1;"),
            ("node_modules/lib/index.js", "exports.a = eval('1');"),
        ],
    )
    .external("dep")
    .splitting()
    .with(|it| it.source_maps = true)
}

/// `b.mjs` lies outside of the working directory.
fn with_shared(project: Project) -> Project {
    let mut project = project;
    let inside = project.directory.clone();
    project.directory = inside.parent().unwrap().to_owned();
    let name = inside.file_name().unwrap().to_string_lossy().into_owned();
    project.files = project.files.into_iter().map(|(path, text)| (format!("{name}/{path}"), text)).collect();
    // The only place where packages are looked for.
    let lib = project.files.remove(&format!("{name}/node_modules/lib/index.js")).unwrap();
    project.bytes("node_modules/lib/index.js", &lib).bytes("shared/b.mjs", b"export const b = 2 + Math.max(1);")
}

fn both(project: &Project) -> Vec<OutputFile> {
    let bundles = [Format::Cjs, Format::Esm].map(|format| project.try_bundle(format).unwrap());
    bundles.into_iter().flat_map(|bundle: Bundle| bundle.files).collect()
}

#[test]
fn twice_gives_the_same() {
    let project = with_shared(site("/one/site"));
    assert_eq!(both(&project), both(&project));
}

#[test]
fn two_directories_give_the_same() {
    let (one, other) = (with_shared(site("/one/site")), with_shared(site("/somewhere/else/deeper/site")));
    assert_eq!(both(&one), both(&other));
    for file in both(&one) {
        assert!(!format!("{file:?}").contains("/one"), "{file:?}");
    }
}

#[test]
fn eight_at_once_give_the_same() {
    let expected = both(&with_shared(site("/one/site")));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| both(&with_shared(site("/one/site"))))).collect();
        for worker in workers {
            assert_eq!(worker.join().unwrap(), expected);
        }
    });
}

#[test]
fn many_from_a_small_pool_of_rayon_neither_hang_nor_differ() {
    use rayon::prelude::*;
    let expected = both(&with_shared(site("/one/site")));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let all: Vec<_> = pool.install(|| (0..24).into_par_iter().map(|_| both(&with_shared(site("/one/site")))).collect());
    assert!(all.iter().all(|files| *files == expected));
}
