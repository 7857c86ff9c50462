//! A compiled program as a function. In: the program and what made it. Out: the plan of an archive in
//! which the platform finds it, or of the bare program (spec: functions.md section 7). Never compiles.

use super::fail;
use crate::binary::{self, Binary, Libc, System};
use crate::diagnostic::{Code, Diagnostic};
use crate::function::{Function, Platform, Runtime};
use crate::path::{AbsPath, ArchivePath};
use crate::plan::{BuildFacts, Content, Entries, Output, Plan};
use crate::settings::{Limits, Settings};

/// What the platform starts.
pub const PROGRAM: &str = "bootstrap";

/// What tells the platform the language.
const TOOLCHAIN: &str = "netlify-toolchain";

/// The glibc of Amazon Linux 2023, on which programs run.
const GLIBC: binary::Version = (2, 34, 0);

/// Plans an archive of the program; of Go the bare program, where that is wanted.
pub(super) fn plan(
    function: &Function,
    program: Content,
    size: usize,
    inputs: Vec<AbsPath>,
    settings: &Settings,
) -> Result<Plan, Vec<Diagnostic>> {
    let is_bare = function.runtime == Runtime::Go && !function.config.zip_go.unwrap_or(settings.zip_go);
    let name = function.name.to_string();
    let most = settings.limits.unzipped;
    if is_bare && size as u64 > most {
        let (size, most) = Limits::compared(size as u64, most);
        return Err(fail(Code::TooLarge, format!("the program has {size}, and the platform takes {most}")));
    }
    let (output, entry) = if is_bare {
        let unzipped = Some(size as u64);
        let output = Output::Verbatim { name: name.clone(), content: program, executable: true, entries: 1, unzipped };
        (output, name)
    } else {
        let toolchain = format!("{{\"runtime\":\"{}\"}}", function.runtime);
        let mut entries = Entries::default();
        for (name, content, executable) in
            [(PROGRAM, program, true), (TOOLCHAIN, Content::Bytes(toolchain.into_bytes().into()), false)]
        {
            let at = ArchivePath::new(name).map_err(|error| fail(Code::BadArchive, error))?;
            entries.add(at, content, executable);
        }
        (Output::Archive(entries.into_sorted()), PROGRAM.to_owned())
    };
    let facts = BuildFacts { inputs, entry_filename: Some(entry), ..BuildFacts::default() };
    Ok(Plan { output, facts, diagnostics: Vec::new() })
}

/// Why the platform cannot start a program of its own system and processor; none if it can.
pub fn misfit(program: &Binary, platform: Platform) -> Option<String> {
    if platform.is_host || platform.system != System::Linux {
        return None;
    }
    if program.libc == Some(Libc::Musl) {
        return Some("it needs musl as a shared library, and functions run on Amazon Linux 2023".to_owned());
    }
    let needed = program.needs.glibc.filter(|needed| *needed > GLIBC)?;
    let (needed, has) = (binary::shown(needed), binary::shown(GLIBC));
    Some(format!("it needs GLIBC_{needed}, and functions run on Amazon Linux 2023, which has glibc {has}"))
}
