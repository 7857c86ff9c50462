//! `fixtures/discovery`: one folder a rule of where functions are.

use std::path::PathBuf;

use fnzip::fs::Disk;
use fnzip::function::Origin;
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{Expected, cases, report, scratch, shown};

#[test]
fn every_rule() {
    let mut failures = Vec::new();
    for case in cases("discovery") {
        let expected = Expected::read(&case);
        let mut invocation =
            Invocation { cwd: case.to_path_buf(), repository_root: Some(".".into()), ..Invocation::default() };
        let mut words = expected.options("args").first().copied().unwrap_or("functions").split(' ');
        while let Some(word) = words.next() {
            match word {
                "--internal" => invocation.internal.extend(words.next().map(PathBuf::from)),
                source => invocation.sources.push(source.into()),
            }
        }
        let store = std::sync::Arc::new(Store::new(Disk));
        let settings = Settings::resolve(&invocation, &store).unwrap();
        let pipeline::Site { functions, diagnostics, .. } = pipeline::open(&settings, &store);
        let functions = functions.iter().map(|function| {
            let background = if function.name.is_background() { " background" } else { "" };
            let internal = if function.origin == Origin::Internal { " internal" } else { "" };
            format!(
                "{} {} {}{background}{internal}",
                function.name,
                function.runtime,
                function.main_file.relative_to(&case)
            )
        });
        let diagnostics = diagnostics.iter().map(|diagnostic| shown(diagnostic, &case));
        expected.check(&functions.chain(diagnostics).collect::<Vec<_>>(), &mut failures);
    }
    report(&failures);
}

#[test]
fn names_that_differ_only_by_case_are_a_warning() {
    let site = scratch();
    site.file("functions/Hello.js", "").file("functions/hello.js", "");
    let invocation =
        Invocation { cwd: site.path.to_path_buf(), sources: vec!["functions".into()], ..Invocation::default() };
    let store = std::sync::Arc::new(Store::new(Disk));
    let settings = Settings::resolve(&invocation, &store).unwrap();
    let pipeline::Site { functions, diagnostics, .. } = pipeline::open(&settings, &store);
    assert_eq!(functions.len(), 2);
    let said: Vec<String> = diagnostics.iter().map(|diagnostic| shown(diagnostic, &site.path)).collect();
    assert_eq!(said, ["warning: functions/hello.js: the names `Hello` and `hello` differ only by case"]);
}
