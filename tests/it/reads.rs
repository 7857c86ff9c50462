//! Every path is looked at, and every file read, at most once a run, however many functions use it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Counting, Disk, FileSystem, Metadata, Operation};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{fixture, install, scratch};

/// The same counts for the store and for the test.
struct Shared(Arc<Counting<Disk>>);

impl FileSystem for Shared {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        self.0.lstat(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.read_link(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        self.0.read_dir(path)
    }
}

fn counts_of(site: &str, functions: usize) -> Vec<((Operation, PathBuf), usize)> {
    let counting = Arc::new(Counting::new(Disk));
    let store = Arc::new(Store::new(Shared(counting.clone())).keeping(Deflate));
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
