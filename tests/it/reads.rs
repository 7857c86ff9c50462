//! Every path is looked at, and every file read, at most once a run, however many functions use it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Counting, Disk, Operation};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{Scratch, fixture, install, scratch};

type Counts = BTreeMap<(Operation, PathBuf), usize>;

/// What was asked, and how often, while `work` was done on a site; outputs, and what is remembered, are in
/// `scratch`.
fn asked(site: &str, keeping: bool, scratch: &Scratch, work: impl FnOnce(&Settings, Arc<Store>)) -> Counts {
    let counting = Arc::new(Counting::new(Disk));
    let store = Store::new(counting.clone());
    let store = Arc::new(if keeping { store.keeping(Deflate) } else { store });
    let invocation = Invocation {
        cwd: fixture(site).to_path_buf(),
        out: Some(scratch.path.join("out").to_path_buf()),
        cache_dir: Some(scratch.path.join("cache").to_path_buf()),
        ..Invocation::default()
    };
    let settings = Settings::resolve(&invocation, &store).unwrap();
    work(&settings, store);
    counting.counts()
}

fn again(counts: Counts) -> Vec<(Operation, PathBuf)> {
    assert!(counts.keys().any(|(operation, _)| *operation == Operation::Lstat));
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(asked, _)| asked).collect()
}

const SITES: [(&str, usize); 3] = [("quickstart", 3), ("site", 31), ("npm-workspaces/apps/site", 5)];

#[test]
fn a_build_reads_once() {
    install(&fixture("npm-workspaces"));
    install(&fixture("site"));
    for (site, functions) in SITES {
        let scratch = scratch();
        let build = |settings: &Settings, store: Arc<Store>| {
            let report = pipeline::bundle(settings, store, &()).unwrap();
            assert!(!report.failed());
            assert_eq!(report.functions.len(), functions);
        };
        let again = again(asked(site, true, &scratch, build));
        assert!(again.is_empty(), "{site}: {again:#?}");
        // The next run reads no module, and nothing of a package.
        let counts = asked(site, true, &scratch, build);
        let is_read = |(operation, path): &&(Operation, PathBuf)| {
            let is_told = path.ends_with("netlify.toml") || path.ends_with(".nvmrc");
            *operation == Operation::Read && !is_told && !path.starts_with(&*scratch.path)
        };
        let read: Vec<_> = counts.keys().filter(is_read).collect();
        assert!(read.is_empty(), "{site}: {read:#?}");
    }
}

#[test]
fn a_listing_of_files_reads_once() {
    // A listing keeps no bytes of packages: those that a function bundles are read once more.
    for (site, functions) in SITES.into_iter().filter(|(site, _)| *site == "quickstart") {
        let again = again(asked(site, false, &scratch(), |settings, store| {
            let found = pipeline::open(settings, &store);
            assert_eq!(pipeline::files(&found, settings).len(), functions);
        }));
        assert!(again.is_empty(), "{site}: {again:#?}");
    }
}
