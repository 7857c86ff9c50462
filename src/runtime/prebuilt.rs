//! Functions that come ready-made. In: a `.zip`, a program in Go or Rust, or a container image in the
//! functions directory. Out: a plan to ship it, and what looks wrong with it. Never changes it.

use std::io::Cursor;

use zip::ZipArchive;

use super::program;
use crate::binary;
use crate::diagnostic::{Code, Diagnostic};
use crate::function::Function;
use crate::path::ArchivePath;
use crate::plan::{BuildFacts, Content, Output, Plan};
use crate::settings::{Limits, Settings};
use crate::store::{FileError, Store};

fn unreadable(function: &Function, error: &FileError) -> Vec<Diagnostic> {
    vec![Diagnostic::error(Code::Unreadable, format!("cannot be read: {}", error.reason())).at(&function.main_file)]
}

/// Plans a ready-made archive.
pub(super) fn archive(function: &Function, store: &Store, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let main = &function.main_file;
    let bytes = store.read_apart(main).map_err(|error| unreadable(function, &error))?;
    let bad = |error: zip::result::ZipError| {
        vec![Diagnostic::error(Code::BadArchive, format!("not a readable zip archive: {error}")).at(main)]
    };
    let mut archive = ZipArchive::new(Cursor::new(&*bytes)).map_err(bad)?;
    let contents = Contents::read(&mut archive).map_err(bad)?;
    let diagnostics = contents.doubts(function, settings).into_iter().map(|said| said.at(main)).collect();
    Ok(Plan {
        output: Output::Verbatim {
            name: format!("{}.zip", function.name),
            content: Content::Bytes(bytes.clone()),
            executable: false,
            entries: archive.len(),
            unzipped: Some(contents.unzipped),
        },
        facts: BuildFacts { inputs: vec![main.clone()], ..BuildFacts::default() },
        diagnostics,
    })
}

/// What is in an archive.
#[derive(Default)]
struct Contents {
    names: Vec<String>,
    unzipped: u64,
    encrypted: Option<String>,
    /// The mode of `bootstrap`, where the archive has modes.
    bootstrap_mode: Option<u32>,
}

impl Contents {
    fn read(archive: &mut ZipArchive<Cursor<&[u8]>>) -> zip::result::ZipResult<Self> {
        let mut contents = Self::default();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            contents.unzipped = contents.unzipped.saturating_add(entry.size());
            if entry.encrypted() && contents.encrypted.is_none() {
                contents.encrypted = Some(name.clone());
            }
            if name == "bootstrap" {
                contents.bootstrap_mode = entry.unix_mode();
            }
            contents.names.push(name);
        }
        Ok(contents)
    }

    fn doubts(&self, function: &Function, settings: &Settings) -> Vec<Diagnostic> {
        let warning = |message: String| Diagnostic::warning(Code::BadArchive, message);
        let mut said = Vec::new();
        if let Some(name) = &self.encrypted {
            let hint = "pack it again without a password: the platform knows none";
            said.push(warning(format!("`{name}` in it is encrypted")).hint(hint));
        }
        let is_bad = |name: &&String| ArchivePath::new(name.trim_end_matches('/')).is_err();
        if let Some(name) = self.names.iter().find(is_bad) {
            let message =
                format!("`{name}` in it is no name for an entry: it must be relative, with `/` and without `..`");
            said.push(warning(message));
        }
        let has = |wanted: &str| self.names.iter().any(|name| name == wanted);
        let handlers = ["js", "mjs", "cjs"].map(|extension| format!("{}.{extension}", function.name));
        let is_program = has("bootstrap");
        if !is_program && !has("___netlify-entry-point.mjs") && !handlers.iter().any(|name| has(name)) {
            let message = format!("the platform finds no handler in it: neither `{}` nor `bootstrap`", handlers[0]);
            let hint = "it must stand at the top of the archive, and not in a folder";
            said.push(Diagnostic::warning(Code::NoHandler, message).hint(hint));
        }
        if let Some(mode) = self.bootstrap_mode.filter(|mode| mode & 0o111 == 0) {
            let message = format!("`bootstrap` in it cannot be executed: its mode is {:03o}", mode & 0o777);
            said.push(warning(message).hint("`chmod 755 bootstrap` before packing"));
        }
        let most = settings.limits.unzipped;
        if self.unzipped > most {
            let (size, most) = Limits::compared(self.unzipped, most);
            let message = format!("unpacked it has {size}, and the platform takes {most}");
            said.push(Diagnostic::warning(Code::TooLarge, message));
        }
        said
    }
}

/// Plans a program in Go or Rust that somebody has built.
pub(super) fn program(function: &Function, store: &Store, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let main = &function.main_file;
    let bytes = store.read(main).map_err(|error| unreadable(function, &error))?;
    let metadata = store.stat(main).map_err(|error| unreadable(function, &error))?;
    let mut plan = program::plan(function, Content::File(main.clone()), bytes.len(), vec![main.clone()], settings)?;
    if let Some(misfit) = binary::read(&bytes).and_then(|read| program::misfit(&read, settings.platform)) {
        let arch = settings.platform.arch.in_rust();
        let hint = format!("link it statically: build it for `{arch}-unknown-linux-musl`, or Go with CGO_ENABLED=0");
        plan.diagnostics.push(Diagnostic::warning(Code::ForeignBinary, misfit).at(main).hint(hint));
    }
    if !metadata.executable {
        let note = Diagnostic::note(
            Code::ForeignBinary,
            "its mode says that it cannot be executed: it is shipped as one that can",
        );
        plan.diagnostics.push(note.at(main));
    }
    Ok(plan)
}

/// Plans a container image.
pub(super) fn image(function: &Function, store: &Store) -> Result<Plan, Vec<Diagnostic>> {
    let main = &function.main_file;
    let real = store.real(main).map_err(|error| unreadable(function, &error))?.path;
    Ok(Plan {
        output: Output::Verbatim {
            name: format!("{}.tar", function.name),
            content: Content::File(real),
            executable: false,
            entries: 1,
            unzipped: None,
        },
        facts: BuildFacts { inputs: vec![main.clone()], ..BuildFacts::default() },
        diagnostics: Vec::new(),
    })
}
