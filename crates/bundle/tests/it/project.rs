//! A project in memory, its host, and Node to run what comes out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use fnzip_bundle::{
    Bundle, Content, Dialect, Failure, Format, Host, Kind, Options, OutputFile, Resolved, Source, bundle,
};

/// A directory that no machine has.
pub(crate) const NOWHERE: &str = "/nowhere/at/all/project";

/// A project. The first file is the entry.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) directory: PathBuf,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) externals: Vec<String>,
    pub(crate) options: Options,
    /// What was asked of the host.
    pub(crate) asked: Arc<Mutex<Vec<(String, Kind)>>>,
}

pub(crate) fn project<const N: usize>(files: [(&str, &str); N]) -> Project {
    project_in(NOWHERE, files)
}

pub(crate) fn project_in<const N: usize>(directory: &str, files: [(&str, &str); N]) -> Project {
    let directory = PathBuf::from(directory);
    let options = Options {
        entry: directory.join(files[0].0),
        name: "out".into(),
        extension: "cjs".into(),
        working_directory: directory.clone(),
        format: Format::Cjs,
        source_maps: false,
        splitting: false,
        commonjs_names: Vec::new(),
    };
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    Project { directory, files, externals: Vec::new(), options, asked: Arc::default() }
}

impl Project {
    pub(crate) fn external(mut self, name: &str) -> Self {
        self.externals.push(name.to_owned());
        self
    }

    pub(crate) fn bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.insert(name.to_owned(), bytes.to_vec());
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    pub(crate) fn splitting(self) -> Self {
        self.with(|options| options.splitting = true)
    }

    pub(crate) fn try_bundle(&self, format: Format) -> Result<Bundle, Vec<Failure>> {
        let extension = if format == Format::Cjs { "cjs" } else { "mjs" }.into();
        let options = Options { format, extension, ..self.options.clone() };
        bundle(&options, Arc::new(self.clone()))
    }

    pub(crate) fn cjs(&self) -> Built {
        Built::new(self.try_bundle(Format::Cjs).unwrap())
    }

    pub(crate) fn esm(&self) -> Built {
        Built::new(self.try_bundle(Format::Esm).unwrap())
    }

    /// Both formats must give the same.
    pub(crate) fn gives(&self, expression: &str, expected: &str) {
        for built in [self.cjs(), self.esm()] {
            built.gives(expression, expected);
        }
    }

    fn find(&self, path: &Path) -> Option<PathBuf> {
        let path = normal(path);
        let text = path.to_string_lossy().into_owned();
        let tried = ["", ".js", ".json", "/index.js"].map(|end| PathBuf::from(format!("{text}{end}")));
        tried.into_iter().find(|path| self.read(path).is_some())
    }

    fn read(&self, path: &Path) -> Option<&Vec<u8>> {
        self.files.get(path.strip_prefix(&self.directory).ok()?.to_str()?)
    }

    /// The nearest package.json, as far as a test needs one: `"key": value` of simple values.
    fn package(&self, path: &Path, key: &str) -> Option<serde_json::Value> {
        let bytes = path.ancestors().skip(1).find_map(|directory| self.read(&directory.join("package.json")))?;
        let package: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        package.get(key).cloned()
    }

    fn dialect(&self, path: &Path, text: &str) -> Dialect {
        let looks = text.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
        match path.extension().and_then(|it| it.to_str()) {
            Some("mjs") => Dialect::NodeEsm,
            Some("cjs") => Dialect::CommonJs,
            _ if self.package(path, "type").is_some_and(|it| it == "module") => Dialect::NodeEsm,
            _ if looks => Dialect::CompiledEsm,
            _ => Dialect::CommonJs,
        }
    }
}

impl Host for Project {
    fn resolve(&self, specifier: &str, importer: &Path, kind: Kind) -> Resolved {
        self.asked.lock().unwrap().push((specifier.to_owned(), kind));
        assert!(self.read(importer).is_some(), "{} is a file of the project", importer.display());
        if specifier.starts_with("node:") || self.externals.iter().any(|it| it == specifier) {
            return Resolved::External(specifier.to_owned());
        }
        let found = if specifier.starts_with('.') {
            self.find(&importer.parent().unwrap().join(specifier))
        } else {
            let package = self.directory.join("node_modules").join(specifier);
            let main = self.package(&package.join("x"), "main").map(|it| it.as_str().unwrap().to_owned());
            self.find(&package.join(main.unwrap_or_else(|| "index.js".into())))
        };
        found.map_or(Resolved::Missing, Resolved::File)
    }

    fn load(&self, path: &Path) -> Result<Source, String> {
        let bytes = self.read(path).ok_or("no such file")?.clone();
        let text = || String::from_utf8(bytes.clone()).map_err(|error| error.to_string());
        let content = match path.extension().and_then(|it| it.to_str()) {
            Some("json") => Content::Json(text()?),
            Some("txt") => Content::Text(text()?),
            Some("wasm") => Content::Wasm(bytes),
            Some("bin") => Content::Bytes(bytes),
            _ => {
                let text = text()?;
                let map = self.files.get(&format!("{}.map", path.strip_prefix(&self.directory).unwrap().display()));
                let map = map.map(|bytes| String::from_utf8(bytes.clone()).unwrap());
                Content::JavaScript { dialect: self.dialect(path, &text), text, map }
            }
        };
        Ok(Source { content, side_effects: self.package(path, "sideEffects").and_then(|it| it.as_bool()) })
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.to_str().unwrap().split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    PathBuf::from(format!("/{}", parts.join("/")))
}

/// A bundle that is unpacked in a directory of its own.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) bundle: Bundle,
    pub(crate) directory: tempfile::TempDir,
}

impl Built {
    pub(crate) fn new(bundle: Bundle) -> Self {
        let built = Self { bundle, directory: tempfile::tempdir().unwrap() };
        for file in &built.bundle.files {
            built.write(&file.name, &file.code);
            if let Some(map) = &file.map {
                built.write(&format!("{}.map", file.name), map);
            }
        }
        built
    }

    /// Puts a file beside the bundle.
    pub(crate) fn beside(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn entry(&self) -> &OutputFile {
        &self.bundle.files[0]
    }

    pub(crate) fn code(&self) -> &str {
        &self.entry().code
    }

    /// Runs an expression over `m`, the module that `require` or `import` gives, and compares its JSON.
    pub(crate) fn gives(&self, expression: &str, expected: &str) {
        let name = &self.entry().name;
        let load =
            if name.ends_with(".cjs") { format!("require('./{name}')") } else { format!("await import('./{name}')") };
        let script = format!(
            "(async () => {{ const m = {load}; console.log(JSON.stringify(await ({expression}))) }})()\
             .catch(error => {{ console.log(error.stack); process.exitCode = 1 }})"
        );
        let output = self.node(&["-e", &script]);
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(printed, expected, "{expression} of\n{}\n{complaint}", self.code());
    }

    pub(crate) fn node(&self, arguments: &[&str]) -> Output {
        Command::new("node").args(arguments).current_dir(self.directory.path()).output().unwrap()
    }
}
