//! Where functions are. In: source directories and single paths. Out: one [`Candidate`] a name, and
//! a diagnostic for everything that is there and is not taken (spec: functions.md section 1). Looks
//! at names and kinds of files; into a file only to know a compiled program or a container image.

mod javascript;
mod native;

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fs::FileKind;
use crate::function::{FunctionName, Origin, Platform, Runtime};
use crate::path::{AbsPath, case_clashes};
use crate::settings::Source;
use crate::store::{FileError, Store};

/// A file or directory that is a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: FunctionName,
    /// Its language.
    pub runtime: Runtime,
    /// The file that is loaded first, or the ready-made archive.
    pub main_file: AbsPath,
    /// The file or directory itself.
    pub src_path: AbsPath,
    /// The directory that holds all of it.
    pub src_dir: AbsPath,
    /// Who wrote it.
    pub origin: Origin,
    /// A ready-made archive or program.
    pub ready_made: bool,
    /// How it fares against others of its name: the highest wins.
    rank: Rank,
}

impl Candidate {
    /// How the peer lists them: by language, files before directories, by source (spec: peer-behaviour.md "Listing").
    pub fn listing_order(&self) -> impl Ord + use<> {
        (self.runtime, self.src_dir == self.src_path, self.origin, self.rank.source, self.src_path.clone())
    }
}

/// A user's function beats a generated one, a later runtime an earlier one, a directory a file, an
/// earlier extension a later one, a later source an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    origin: Origin,
    runtime: Runtime,
    shape: usize,
    source: usize,
}

/// The functions found, sorted by name.
#[derive(Debug, Default)]
pub struct Found {
    /// One a name.
    pub candidates: Vec<Candidate>,
    /// Those that others of their name hide.
    pub shadowed: Vec<Candidate>,
    /// What was not taken, and names that will not work.
    pub diagnostics: Vec<Diagnostic>,
}

/// The platform's own name in an archive.
const RESERVED: &str = "___netlify-entry-point";

/// What is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// What functions run on: programs for anything else are none.
    pub platform: Platform,
    /// Container images too.
    pub containers: bool,
}

/// Finds every function below `sources`.
pub fn scan(sources: &[Source], wanted: Wanted, store: &Store) -> Found {
    let _span = tracing::info_span!("scan").entered();
    let mut found = Found::default();
    let mut by_name: BTreeMap<FunctionName, Vec<Candidate>> = BTreeMap::new();
    let user_sources = sources.iter().filter(|source| source.origin == Origin::User).count();
    for (index, source) in sources.iter().enumerate() {
        for path in paths(source, user_sources, store, &mut found.diagnostics) {
            let before = found.diagnostics.len();
            match classify(&path, source.origin, index, wanted, store, &mut found.diagnostics) {
                Some(candidate) => by_name.entry(candidate.name.clone()).or_default().push(candidate),
                // Who names a function wants to have it.
                None if source.single && found.diagnostics.len() == before => {
                    found.diagnostics.push(Diagnostic::error(Code::NoMainFile, "not a function").at(&path));
                }
                None if source.single => {
                    found.diagnostics[before..].iter_mut().for_each(|said| said.severity = Severity::Error);
                }
                None => {}
            }
        }
    }
    for (_, mut rivals) in by_name {
        rivals.sort_by_key(|candidate| candidate.rank);
        let Some(winner) = rivals.pop() else { continue };
        found.diagnostics.extend(rivals.iter().map(|loser| shadowed(loser, &winner)));
        found.shadowed.extend(rivals);
        found.diagnostics.extend(check_name(&winner));
        if winner.name.as_str() != RESERVED {
            found.candidates.push(winner);
        }
    }
    found.diagnostics.extend(check_case(&found.candidates));
    found
}

/// The paths that may be functions: a directory's children, or the single path itself.
fn paths(source: &Source, user_sources: usize, store: &Store, diagnostics: &mut Vec<Diagnostic>) -> Vec<AbsPath> {
    if source.single {
        if store.lstat(&source.path).is_err() {
            let diagnostic = Diagnostic::error(Code::MissingSource, "there is no such function");
            diagnostics.push(diagnostic.at(&source.path));
            return Vec::new();
        }
        return vec![source.path.clone()];
    }
    match store.read_dir(&source.path) {
        Ok(names) => {
            let (text, other): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.to_str().is_some());
            diagnostics.extend(other.into_iter().map(|name| {
                let message = format!("`{}` cannot be a function: its name is not UTF-8", name.to_string_lossy());
                Diagnostic::error(Code::FunctionName, message).at(&source.path)
            }));
            text.into_iter().map(|name| source.path.child(name)).collect()
        }
        Err(_) if store.is_file(&source.path) => {
            let diagnostic = Diagnostic::error(Code::Unreadable, "the functions directory is a file");
            diagnostics.push(diagnostic.at(&source.path).hint("a single function is named with --function"));
            Vec::new()
        }
        Err(error) => {
            let code = if error.is_not_found() { Code::MissingSource } else { Code::Unreadable };
            let diagnostic = if error.is_not_found() {
                let hint = if user_sources > 1 {
                    "the other functions directories are used"
                } else if source.place.is_some() {
                    "make it, or correct the path: it is relative to the base"
                } else {
                    "set `[functions] directory` in netlify.toml, or name the directory"
                };
                Diagnostic::warning(code, "there is no such functions directory").hint(hint)
            } else {
                Diagnostic::error(code, format!("the functions directory cannot be read: {}", error.reason()))
            };
            let place = source.place.as_ref();
            diagnostics.push(diagnostic.at(&source.path).said_at(place));
            Vec::new()
        }
    }
}

/// What one path is, if it is a function. Links are followed: their own name counts, and what they
/// lead to.
fn classify(
    path: &AbsPath,
    origin: Origin,
    source: usize,
    wanted: Wanted,
    store: &Store,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Candidate> {
    // An editor's lock file is called `.#hello.js`, and leads nowhere.
    if path.name() == "node_modules" || path.name().starts_with(".#") {
        return None;
    }
    let file_rank = javascript::file_rank(path.extension());
    let kind = match store.stat(path) {
        Ok(metadata) => metadata.kind,
        Err(error) => {
            let severity = if file_rank.is_some() { Severity::Error } else { Severity::Note };
            diagnostics.push(broken_link(path, &error, severity));
            return None;
        }
    };
    let (runtime, shape, main_file, src_dir) = match kind {
        FileKind::File => {
            let (runtime, rank) = match file_rank {
                Some(rank) => (Runtime::JavaScript, rank),
                None => (native::ready_made(path, wanted, store, diagnostics)?, 0),
            };
            (runtime, rank, path.clone(), path.parent()?)
        }
        FileKind::Directory => {
            let javascript = javascript::main_file(path, store).map(|main| (Runtime::JavaScript, main));
            let Some((runtime, main)) = javascript.or_else(|| native::main_file(path, store)) else {
                let diagnostic = Diagnostic::note(Code::NoMainFile, "not a function: it has no main file").at(path);
                diagnostics.push(diagnostic.hint(native::name_of_main_file(path, store)));
                return None;
            };
            (runtime, javascript::DIRECTORY_RANK, main, path.clone())
        }
        FileKind::Link | FileKind::Other => return None,
    };
    Some(Candidate {
        name: FunctionName::of(path.name()),
        runtime,
        ready_made: kind == FileKind::File && (runtime != Runtime::JavaScript || path.extension() == "zip"),
        main_file,
        src_path: path.clone(),
        src_dir,
        origin,
        rank: Rank { origin, runtime, shape, source },
    })
}

fn broken_link(path: &AbsPath, error: &FileError, severity: Severity) -> Diagnostic {
    let message = match error {
        FileError::LinkLoop { .. } => "the link leads round in a circle".to_owned(),
        error if error.is_not_found() => "the link leads nowhere".to_owned(),
        error => format!("cannot be read: {}", error.reason()),
    };
    Diagnostic::new(severity, Code::LinkLoop, message).at(path).of(FunctionName::of(path.name()).as_str())
}

fn shadowed(loser: &Candidate, winner: &Candidate) -> Diagnostic {
    let directory = loser.src_path.parent().unwrap_or_else(|| loser.src_path.clone());
    // A program has a name like that of a directory.
    let what = match winner.runtime {
        Runtime::Go if winner.ready_made => ", a program in Go",
        Runtime::Rust if winner.ready_made => ", a program in Rust",
        _ => "",
    };
    Diagnostic::warning(Code::Shadowed, format!("shadowed by `{}`{what}", winner.main_file.relative_to(&directory)))
        .at(&loser.src_path)
        .of(winner.name.as_str())
        .hint(format!("only one function can be called `{}`: rename or remove the other", winner.name))
}

fn check_name(candidate: &Candidate) -> Option<Diagnostic> {
    let name = &candidate.name;
    let diagnostic = if name.as_str() == RESERVED {
        Diagnostic::error(
            Code::FunctionName,
            format!("`{RESERVED}` is a reserved word and cannot be used as a function name"),
        )
    } else if !name.is_addressable() {
        Diagnostic::warning(
            Code::FunctionName,
            format!("the name `{name}` has characters other than letters, digits, `-` and `_`"),
        )
        .hint("the function may have no address: rename it")
    } else {
        return None;
    };
    Some(diagnostic.at(&candidate.src_path).of(name.as_str()))
}

/// Names that a case-insensitive disk or address takes for one.
fn check_case(candidates: &[Candidate]) -> Vec<Diagnostic> {
    let clashes = case_clashes(candidates.iter().map(|candidate| candidate.name.as_str()));
    let diagnostic = |(first, second): (&str, &str)| {
        let message = format!("the names `{first}` and `{second}` differ only by case");
        let diagnostic = Diagnostic::warning(Code::CaseClash, message).hint("rename one of them");
        let candidate = candidates.iter().find(|candidate| candidate.name.as_str() == second);
        candidate.map_or(diagnostic.clone(), |candidate| diagnostic.at(&candidate.src_path))
    };
    clashes.into_iter().map(diagnostic).collect()
}
