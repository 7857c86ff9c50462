//! Every path is looked at, and every file read, at most once a run, however many functions use it.

use std::path::PathBuf;
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Counting, Disk, Operation};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{fixture, install, scratch};

/// What was asked more than once while `work` was done on a site.
fn asked_again(site: &str, keeping: bool, work: impl FnOnce(&Settings, Arc<Store>)) -> Vec<(Operation, PathBuf)> {
    let counting = Arc::new(Counting::new(Disk));
    let store = Store::new(counting.clone());
    let store = Arc::new(if keeping { store.keeping(Deflate) } else { store });
    let out = scratch();
    let invocation =
        Invocation { cwd: fixture(site).to_path_buf(), out: Some(out.path.to_path_buf()), ..Invocation::default() };
    let settings = Settings::resolve(&invocation, &store).unwrap();
    work(&settings, store);
    let counts = counting.counts();
    assert!(counts.keys().any(|(operation, _)| *operation == Operation::Read));
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(asked, _)| asked).collect()
}

const SITES: [(&str, usize); 3] = [("quickstart", 3), ("site", 31), ("npm-workspaces/apps/site", 5)];

#[test]
fn a_build_reads_once() {
    install(&fixture("npm-workspaces"));
    install(&fixture("site"));
    for (site, functions) in SITES {
        let again = asked_again(site, true, |settings, store| {
            let report = pipeline::bundle(settings, store, &()).unwrap();
            assert!(!report.failed());
            assert_eq!(report.functions.len(), functions);
        });
        assert!(again.is_empty(), "{site}: {again:#?}");
    }
}

#[test]
fn a_listing_of_files_reads_once() {
    // A listing keeps no bytes of packages: those that a function bundles are read once more.
    for (site, functions) in SITES.into_iter().filter(|(site, _)| *site == "quickstart") {
        let again = asked_again(site, false, |settings, store| {
            let found = pipeline::open(settings, &store);
            assert_eq!(pipeline::files(&found, settings).len(), functions);
        });
        assert!(again.is_empty(), "{site}: {again:#?}");
    }
}
