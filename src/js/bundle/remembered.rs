//! Bundles that were made before. In: an entry, and the graph as it would be bundled. Out: a key that says all
//! that a bundle is made of: which modules, with which contents, and where each of their requests leads. A
//! bundler that asks for more than that is not remembered.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fnzip_bundle::{Host, Kind, Resolved, Source};
use rustc_hash::FxBuildHasher;

use super::{Files, asks_around};
use crate::cache::Key;
use crate::js::compile::relative;
use crate::js::parse::{CODE_EXTENSIONS, is_typescript};
use crate::js::scan::Form;
use crate::path::AbsPath;

/// What a bundler is expected to ask for.
pub(super) struct Expected {
    /// Of all that the bundle is made of.
    key: Key,
    questions: HashSet<(PathBuf, String, Kind), FxBuildHasher>,
}

/// Everything that a bundle is made of; none if it cannot be known or is not remembered.
pub(super) fn expected(files: &Files, name: &str) -> Option<Expected> {
    let graph = &files.graph;
    if !graph.store().remembers() {
        return None;
    }
    let options = &files.options;
    let mut said = Said::default();
    said.say(name);
    said.say(format!("{:?} {:?} {}", options.format, options.node, options.source_maps));
    said.path(&options.base);
    let mut questions = HashSet::default();
    let mut seen = HashSet::from([files.entry.clone()]);
    let mut ahead = VecDeque::from([files.entry.clone()]);
    while let Some(path) = ahead.pop_front() {
        said.path(&path);
        said.bytes(&graph.store().seen(&path).ok()?.hash);
        said.say(format!("{:?}", files.side_effects(&path)));
        if !CODE_EXTENSIONS.contains(&path.extension()) && !path.extension().is_empty() {
            continue;
        }
        let module = graph.module(&path);
        let computed = graph.computed(&path, &module, &|_, _| true);
        let is_module = graph.is_called_module(&path);
        said.say(format!("{} {is_module} {}", asks_around(&module), files.imports_moved(&module)));
        said.say(relative(&files.entry, &path));
        said.say(format!("{:?} {computed:?}", graph.transpile_options(&path, options.node)));
        let scanned = graph.analysis(&path);
        // What it imports of the user's own TypeScript may be types.
        for request in scanned.iter().flat_map(|scanned| &scanned.0.requests) {
            said.say(format!("{} {:?}", request.specifier, request.form));
            said.say(graph.is_missing(&path, &request.specifier).to_string());
            let target = graph.targets_of(&path, &graph.request(&path, &request.specifier, request.form)).ok();
            let target = target.and_then(|targets| Some(targets.modules.into_iter().next()?.path));
            if let Some(target) = target.filter(|path| is_typescript(path.extension()) && !path.in_node_modules()) {
                said.bytes(&graph.store().seen(&target).ok()?.hash);
            }
        }
        // Also those that are for other platforms, or for types: a bundler asks for what it sees.
        let seen_there = scanned.iter().flat_map(|scanned| &scanned.0.requests);
        let written = module.edges.iter().map(|edge| &edge.request).chain(seen_there);
        let written: BTreeSet<_> = written.map(|request| (request.specifier.clone(), request.form)).collect();
        let imports = computed.imports.values().map(|choice| (choice.clone(), Form::DynamicImport));
        let requires = computed.requires.values().map(|choice| (choice.clone(), Form::Require));
        for (specifier, form) in written.into_iter().chain(imports).chain(requires) {
            let kind = match form {
                Form::Import => Kind::Import,
                Form::DynamicImport => Kind::DynamicImport,
                Form::Require => Kind::Require,
                Form::ImportResolve | Form::RequireResolve => continue,
            };
            let resolved = files.resolve(&specifier, &path, kind);
            said.say(format!("{specifier} {kind:?} {resolved:?}"));
            questions.insert((path.to_path_buf(), specifier, kind));
            if let Resolved::File(target) = resolved {
                let target = AbsPath::of(target);
                if seen.insert(target.clone()) {
                    ahead.push_back(target);
                }
            }
        }
    }
    Some(Expected { key: Key::of("bundle", said.0.iter().map(Vec::as_slice)), questions })
}

/// The parts that a key is made of.
#[derive(Default)]
struct Said(Vec<Vec<u8>>);

impl Said {
    fn bytes(&mut self, part: &[u8]) {
        self.0.push(part.to_vec());
    }

    fn say(&mut self, part: impl AsRef<str>) {
        self.bytes(part.as_ref().as_bytes());
    }

    fn path(&mut self, path: &AbsPath) {
        self.bytes(path.as_os_str().as_encoded_bytes());
    }
}

/// The files, with an ear for what is asked.
pub(super) struct Listening {
    files: Arc<Files>,
    expected: Option<Expected>,
    surprised: AtomicBool,
}

impl Listening {
    pub(super) fn new(files: Arc<Files>, expected: Option<Expected>) -> Self {
        Self { files, expected, surprised: AtomicBool::new(false) }
    }

    /// The key of what was made, if nothing was asked that the key does not say.
    pub(super) fn key(&self) -> Option<Key> {
        let is_surprised = self.surprised.load(Ordering::Relaxed);
        self.expected.as_ref().map(|expected| expected.key).filter(|_| !is_surprised)
    }
}

impl Host for Listening {
    fn resolve(&self, specifier: &str, importer: &Path, kind: Kind) -> Resolved {
        // What compiled code asks for besides is Node's own.
        if let Some(expected) = &self.expected
            && !specifier.starts_with("node:")
            && !expected.questions.contains(&(importer.to_owned(), specifier.to_owned(), kind))
        {
            self.surprised.store(true, Ordering::Relaxed);
        }
        self.files.resolve(specifier, importer, kind)
    }

    fn load(&self, path: &Path) -> Result<Source, String> {
        self.files.load(path)
    }
}
