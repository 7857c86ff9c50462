//! Every path is looked at, and every file read, at most once a run, however many functions use it.

use std::path::PathBuf;
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Counting, Disk, Operation};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{fixture, install, scratch};

fn counts_of(site: &str, functions: usize) -> Vec<((Operation, PathBuf), usize)> {
    let counting = Arc::new(Counting::new(Disk));
    let store = Arc::new(Store::new(counting.clone()).keeping(Deflate));
    let out = scratch();
    let invocation =
        Invocation { cwd: fixture(site).to_path_buf(), out: Some(out.path.to_path_buf()), ..Invocation::default() };
    let settings = Settings::resolve(&invocation, &store).unwrap();
    let report = pipeline::bundle(&settings, store, &()).unwrap();
    assert!(!report.failed());
    assert_eq!(report.functions.len(), functions);
    counting.counts().into_iter().collect()
}

#[test]
fn at_most_once() {
    install(&fixture("npm-workspaces"));
    install(&fixture("site"));
    for (site, functions) in [("quickstart", 3), ("site", 31), ("npm-workspaces/apps/site", 5)] {
        let counts = counts_of(site, functions);
        let more: Vec<_> = counts.iter().filter(|(_, count)| *count > 1).collect();
        assert!(more.is_empty(), "{site}: {more:#?}");
        assert!(counts.iter().any(|((operation, _), _)| *operation == Operation::Read));
    }
}
