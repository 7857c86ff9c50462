//! What is fuzzed, for the fuzzer and for the test that replays its corpus: a site in memory whose files
//! are the fuzzer's, looked at as `fnzip list --files` does; what one file of code asks for; and an archive,
//! verified. Nothing may panic or hang.

mod grammar;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use fnzip::built::Place;
use fnzip::fs::{FileKind, FileSystem, Metadata, Stamp};
use fnzip::function::{NodeVersion, Platform};
use fnzip::js::config::analyse;
use fnzip::js::parse::{CODE_EXTENSIONS, parse};
use fnzip::js::scan;
use fnzip::path::AbsPath;
use fnzip::pipeline;
use fnzip::settings::{Invocation, Limits, Settings};
use fnzip::store::Store;
use fnzip::verify::{Demands, verify};

/// Files by their paths.
struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl FileSystem for Memory {
    fn lstat(&self, path: &Path) -> io::Result<Metadata> {
        if let Some(bytes) = self.0.get(path) {
            return Ok(Metadata {
                kind: FileKind::File,
                len: bytes.len() as u64,
                executable: false,
                stamp: Stamp::default(),
            });
        }
        let is_directory = self.0.keys().any(|file| file.starts_with(path));
        let metadata = Metadata { kind: FileKind::Directory, len: 0, executable: false, stamp: Stamp::default() };
        is_directory.then_some(metadata).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_link(&self, _: &Path) -> io::Result<PathBuf> {
        Err(io::ErrorKind::InvalidInput.into())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let below = self.0.keys().filter_map(|file| file.strip_prefix(path).ok()?.iter().next());
        Ok(below.map(ToOwned::to_owned).collect::<BTreeSet<_>>().into_iter().collect())
    }
}

/// The first byte says what kind of file it is.
pub(crate) fn main_file(input: &[u8]) {
    let Some((kind, source)) = input.split_first() else { return };
    let extension = ["js", "mjs", "cjs", "ts", "mts", "cts", "tsx"][usize::from(*kind) % 7];
    look_at(&[(&format!("hello.{extension}"), source)], None);
}

/// netlify.toml, and after a NUL byte what `--config` says.
pub(crate) fn netlify_toml(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let toml = parts.next().unwrap_or_default();
    let config = parts.next().map(|json| String::from_utf8_lossy(json).into_owned());
    // A name would be that of a file.
    let config =
        config.filter(|config| !config.starts_with('@') && !config.contains(".json") && !config.contains(".toml"));
    look_at(&[("../../netlify.toml", toml), ("hello.js", b"exports.handler = 1")], config);
}

/// One file. The first byte says what kind of file it is; if it is above 127, the others are choices of a
/// source's parts, and not the source itself.
pub(crate) fn scan(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let extension = CODE_EXTENSIONS[usize::from(*kind) % CODE_EXTENSIONS.len()];
    let source = if *kind > 127 { grammar::source(rest) } else { String::from_utf8_lossy(rest).into_owned() };
    let _ = parse(extension, &source, |parsed| (scan::scan(parsed, extension), analyse(parsed, &source)));
}

/// A zip archive, and what would be a tar archive, if it were not packed again.
pub(crate) fn archive(input: &[u8]) {
    let out = AbsPath::of("/site/out");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    let packed = gzip.write_all(input).and_then(|()| gzip.finish()).unwrap_or_default();
    let files = [("/site/out/hello.zip", input.to_vec()), ("/site/out/other.tgz", packed)];
    let store = Store::new(Memory(files.map(|(path, bytes)| (path.into(), bytes)).into()));
    let demands = Demands {
        place: Place::of_directory(out),
        node: None,
        default_node: NodeVersion::DEFAULT,
        platform: Platform::default(),
        limits: Limits::default(),
        load: None,
        places: vec![AbsPath::of("/site/source")],
    };
    verify(&demands, &store);
}

fn look_at(files: &[(&str, &[u8])], config: Option<String>) {
    let functions = Path::new("/site/netlify/functions");
    let file = |(name, bytes): &(&str, &[u8])| match name.strip_prefix("../../") {
        Some(above) => (Path::new("/site").join(above), bytes.to_vec()),
        None => (functions.join(name), bytes.to_vec()),
    };
    let store = Arc::new(Store::new(Memory(files.iter().map(file).collect())));
    let invocation = Invocation { cwd: "/site".into(), config, ..Invocation::default() };
    if let Ok(settings) = Settings::resolve(&invocation, &store) {
        let site = pipeline::open(&settings, &store);
        pipeline::files(&site, &settings);
    }
}
