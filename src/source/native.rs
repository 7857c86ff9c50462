//! What makes a directory or file a function in Go or Rust, or a container image.

use super::Wanted;
use crate::binary::{self, Binary, Language};
use crate::diagnostic::{Code, Diagnostic};
use crate::fs::ReadSeek;
use crate::function::{FunctionName, Runtime};
use crate::path::AbsPath;
use crate::store::Store;

/// The main file of a directory of Go (`{dir}.go` or `main.go`) or Rust (`Cargo.toml` and
/// `src/main.rs`).
pub(super) fn main_file(directory: &AbsPath, store: &Store) -> Option<(Runtime, AbsPath)> {
    let go = [format!("{}.go", directory.name()), "main.go".to_owned()];
    if let Some(main) = go.iter().map(|name| directory.child(name)).find(|path| store.is_file(path)) {
        return Some((Runtime::Go, main));
    }
    let main = directory.join("src/main.rs");
    (store.is_file(&directory.child("Cargo.toml")) && store.is_file(&main)).then_some((Runtime::Rust, main))
}

/// What the main file of a directory should be called, by what there is in it.
pub(super) fn name_of_main_file(directory: &AbsPath, store: &Store) -> String {
    let names = store.read_dir(directory).unwrap_or_default();
    if names.iter().any(|name| name == "Cargo.toml") {
        return "call the main file `src/main.rs`".to_owned();
    }
    let (name, is_go) = (directory.name(), names.iter().any(|name| directory.child(name).extension() == "go"));
    let (one, other) = if is_go { (format!("{name}.go"), "main.go") } else { (format!("{name}.js"), "index.js") };
    format!("call the main file `{one}` or `{other}`")
}

/// What a file is that is no JavaScript: a program in Go or Rust for the platform, or a container image.
/// What comes near to that is told.
pub(super) fn ready_made(
    path: &AbsPath,
    wanted: Wanted,
    store: &Store,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Runtime> {
    let mut tell = |diagnostic: Diagnostic| {
        diagnostics.push(diagnostic.at(path).of(FunctionName::of(path.name()).as_str()));
        None
    };
    if path.extension() == "tar" {
        let is_image = store.open(path).is_ok_and(|file| is_image(file).unwrap_or(false));
        return match (is_image, wanted.containers) {
            (true, true) => Some(Runtime::Container),
            (true, false) => {
                let note =
                    Diagnostic::note(Code::NoMainFile, "not a function: a container image is one if it is asked for");
                tell(note.hint("it is taken with --containers"))
            }
            (false, _) => tell(Diagnostic::note(Code::NoMainFile, "not a function: it is no container image")),
        };
    }
    // Libraries and addons are called so. What cannot be read is nobody's function.
    if is_library(path) || !store.head(path, binary::MAGIC).is_ok_and(|head| binary::may_be(&head)) {
        return None;
    }
    let bytes = store.read(path).ok()?;
    let program = binary::read_program(&bytes);
    let Some((language, program)) = program.and_then(|program| Some((program.language?, program))) else {
        let message = "not a function: an ELF file of neither Go nor Rust";
        return if binary::is_elf(&bytes) { tell(Diagnostic::note(Code::NoMainFile, message)) } else { None };
    };
    if let Some(foreign) = foreign(language, &program, wanted) {
        return tell(foreign);
    }
    Some(match language {
        Language::Go => Runtime::Go,
        Language::Rust => Runtime::Rust,
    })
}

/// What to say of a program for another system or processor; nothing if it is for ours.
fn foreign(language: Language, program: &Binary, wanted: Wanted) -> Option<Diagnostic> {
    let platform = wanted.platform;
    if program.system.fits(&platform.system) && program.arch.fits(&platform.arch.as_str()) {
        return None;
    }
    let (name, how) = match language {
        Language::Go => ("Go", format!("GOOS={} GOARCH={}", platform.system.in_go(), platform.arch.in_go())),
        Language::Rust => ("Rust", format!("--target {}-unknown-linux-musl", platform.arch.in_rust())),
    };
    let found = format!("{} {}", program.system.name(), program.arch.name());
    let needed = format!("{} {}", platform.system.name(), platform.arch.as_str());
    let message = format!("not taken: a {name} program for {found}, and functions run on {needed}");
    Some(Diagnostic::warning(Code::ForeignBinary, message).hint(format!("build it with `{how}`")))
}

fn is_library(path: &AbsPath) -> bool {
    matches!(path.extension(), "node" | "so" | "dylib" | "dll" | "a" | "o") || path.name().contains(".so.")
}

/// So many entries are looked at.
const MOST_ENTRIES: usize = 4096;

/// Is it an image in one of its two forms? Only the headers are read.
fn is_image(file: Box<dyn ReadSeek>) -> std::io::Result<bool> {
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()?.take(MOST_ENTRIES) {
        let entry = entry?;
        let name = entry.path_bytes();
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        if name == b"oci-layout" || name == b"manifest.json" {
            return Ok(true);
        }
    }
    Ok(false)
}
