//! A host on the disk, as small as it can be, and a bundle of an entry with it:
//! `cargo run -p fnzip-bundle --example disk -- ENTRY cjs|esm OUTPUT_DIRECTORY`.
//!
//! For comparing with other bundlers, and for trying things. It takes JavaScript only.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "an example prints, and gives up where it cannot go on"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, process};

use fnzip_bundle::{Content, Dialect, Format, Host, Kind, Options, Resolved, Source, bundle};
use oxc_resolver::{ModuleType, ResolveError, ResolveOptions, Resolver};

struct Disk {
    import: Resolver,
    require: Resolver,
}

impl Disk {
    fn new() -> Self {
        let with = |kind: &str| ResolveOptions {
            builtin_modules: true,
            condition_names: ["node", kind, "module-sync"].map(String::from).to_vec(),
            extensions: [".js", ".json", ".node"].map(String::from).to_vec(),
            main_fields: if kind == "import" { vec!["module".into(), "main".into()] } else { vec!["main".into()] },
            module_type: true,
            ..ResolveOptions::default()
        };
        let import = Resolver::new(with("import"));
        Self { require: import.clone_with_options(with("require")), import }
    }
}

impl Host for Disk {
    fn resolve(&self, specifier: &str, importer: &Path, kind: Kind) -> Resolved {
        let resolver = if kind == Kind::Require { &self.require } else { &self.import };
        match resolver.resolve_file(importer, specifier) {
            Ok(found) if found.path().extension().is_some_and(|it| it == "node") => {
                Resolved::External(specifier.to_owned())
            }
            Ok(found) => Resolved::File(found.into_path_buf()),
            Err(ResolveError::Builtin { .. }) => Resolved::External(specifier.to_owned()),
            Err(_) => Resolved::Missing,
        }
    }

    fn load(&self, path: &Path) -> Result<Source, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let found = self.import.resolve_file(path, &path.to_string_lossy()).map_err(|error| error.to_string())?;
        let package = found.package_json();
        let side_effects =
            package.filter(|it| matches!(it.side_effects(), Some(oxc_resolver::SideEffects::Bool(false))));
        let looks = || text.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
        let dialect = match found.module_type() {
            Some(ModuleType::Module) => Dialect::NodeEsm,
            Some(ModuleType::CommonJs) if path.extension().is_some_and(|it| it == "cjs") || !looks() => {
                Dialect::CommonJs
            }
            _ if looks() => Dialect::CompiledEsm,
            _ => Dialect::CommonJs,
        };
        let content = match path.extension().and_then(|it| it.to_str()) {
            Some("json") => Content::Json(text),
            _ => Content::JavaScript { text, dialect, map: None },
        };
        Ok(Source { content, side_effects: side_effects.map(|_| false) })
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, entry, format, output] = arguments.as_slice() else {
        eprintln!("disk ENTRY cjs|esm OUTPUT_DIRECTORY");
        process::exit(2);
    };
    let entry = fs::canonicalize(entry).unwrap();
    let (format, extension) = if format == "cjs" { (Format::Cjs, "cjs") } else { (Format::Esm, "mjs") };
    let options = Options {
        working_directory: entry.parent().unwrap().to_owned(),
        name: entry.file_stem().unwrap().to_string_lossy().into_owned(),
        entry,
        extension: extension.into(),
        format,
        source_maps: env::var_os("MAPS").is_some(),
        splitting: env::var_os("SPLIT").is_some(),
        commonjs_names: vec!["handler".into()],
    };
    let start = Instant::now();
    match bundle(&options, Arc::new(Disk::new())) {
        Ok(bundle) => {
            println!("{:?}, {} modules of {}", start.elapsed(), bundle.modules.len(), bundle.inputs.len());
            for warning in &bundle.warnings {
                println!("warning {warning:?}");
            }
            for file in &bundle.files {
                println!(
                    "{} {} bytes, exports {:?}, externals {:?}",
                    file.name,
                    file.code.len(),
                    file.exports,
                    file.externals
                );
                let path = PathBuf::from(output).join(&file.name);
                fs::write(&path, &file.code).unwrap();
                if let Some(map) = &file.map {
                    fs::write(format!("{}.map", path.display()), map).unwrap();
                }
            }
        }
        Err(failures) => {
            failures.iter().for_each(|failure| println!("error {failure:?}"));
            process::exit(1);
        }
    }
}
