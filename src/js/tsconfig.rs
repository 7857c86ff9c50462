//! The tsconfig.json that rules a file of the user's, with what it extends and refers to. In: a file and
//! a resolver that reads them. Out: its options, what it maps specifiers to, or what is wrong with it.
//! Never says what is there.

use std::path::PathBuf;
use std::sync::Arc;

use oxc_resolver::{FileSystem, JSONError, ResolveError, ResolverGeneric, TsConfig};

use crate::diagnostic::Span;
use crate::path::AbsPath;
use crate::store::Store;

/// A tsconfig.json that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which one.
    pub path: AbsPath,
    /// Why.
    pub why: String,
    /// What it extends, and is not there.
    pub extends: Option<PathBuf>,
}

impl Refusal {
    fn new(path: AbsPath, why: impl Into<String>) -> Self {
        Self { path, why: why.into(), extends: None }
    }

    /// The place of what is not there, in the text.
    pub fn span(&self, source: &str) -> Option<Span> {
        let name = self.extends.as_ref()?.file_stem()?.to_str()?;
        let key = source.find("\"extends\"")? + "\"extends\"".len();
        let at = key + source[key..].find(name)?;
        let start = source[..at].rfind('"')?;
        let end = source[at..].find('"').map_or(at, |end| at + end + 1);
        Some(Span::of(source, start, end))
    }
}

/// The nearest that includes the file, else the nearest, not above `top`, else that of the first of
/// `directories` that has one; packages have none.
///
/// # Errors
/// It, or one that it extends, cannot be read: which one, and why.
pub(super) fn ruling<F: FileSystem>(
    resolver: &ResolverGeneric<F>,
    file: &AbsPath,
    top: &AbsPath,
    directories: &[AbsPath],
    store: &Store,
) -> Result<Option<Arc<TsConfig>>, Refusal> {
    if file.in_node_modules() {
        return Ok(None);
    }
    let found = resolver.find_tsconfig(&**file).map_err(|error| refused(&error, file, store))?;
    let found = found.filter(|found| found.path.starts_with(top));
    let upwards = file.ancestors().skip(1).take_while(|directory| directory.starts_with(top));
    let mut places = upwards.chain(directories.iter().cloned()).map(|directory| directory.child("tsconfig.json"));
    let nearest = places.find(|place| store.is_file(place));
    let Some(nearest) = nearest.filter(|nearest| found.as_ref().is_none_or(|found| found.path != **nearest)) else {
        return Ok(found);
    };
    let near = resolver.resolve_tsconfig(&*nearest).map_err(|error| refused(&error, &nearest, store))?;
    Ok(Some(found.filter(|found| !has_its_files_from(&near, found)).unwrap_or(near)))
}

/// Does it take over what another says of files? To TypeScript these patterns begin at the other's place,
/// to oxc_resolver at that of who takes them over, so that it finds this one to include nothing.
fn has_its_files_from(near: &TsConfig, other: &TsConfig) -> bool {
    let files = |tsconfig: &TsConfig| {
        [&tsconfig.include, &tsconfig.files, &tsconfig.exclude].map(|list| {
            let from_there = |path: &PathBuf| path.strip_prefix(tsconfig.directory()).unwrap_or(path).to_owned();
            list.as_ref().map(|list| list.iter().map(from_there).collect::<Vec<_>>())
        })
    };
    near.extends.is_some() && files(near) == files(other)
}

/// What `paths` and `baseUrl` make of a specifier; only bare ones are mapped. To TypeScript these go
/// before the `imports` of a package.json.
pub(super) fn mapped(tsconfig: &TsConfig, specifier: &str) -> Vec<String> {
    if specifier.starts_with(['.', '/']) {
        return Vec::new();
    }
    let targets = tsconfig.resolve_path_alias_or_base_url(specifier);
    let targets = targets.into_iter().filter_map(|target| target.into_os_string().into_string().ok());
    // Declarations are for the compiler alone.
    let is_declaration = |target: &str| [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| target.ends_with(end));
    targets.filter(|target| !is_declaration(target)).collect()
}

/// What is wrong with a tsconfig.json, and which one it is.
fn refused(error: &ResolveError, file: &AbsPath, store: &Store) -> Refusal {
    let nearest = || {
        let mut candidates = file.ancestors().skip(1).map(|above| above.child("tsconfig.json"));
        candidates.find(|path| store.is_file(path)).unwrap_or_else(|| file.clone())
    };
    match error {
        ResolveError::TsconfigLoadFailed { source, .. } => refused(source, file, store),
        ResolveError::TsconfigNotFound(missing) => {
            let by = nearest();
            let shown = if missing.is_absolute() {
                AbsPath::of(missing.clone()).relative_to(&by.join(".."))
            } else {
                missing.display().to_string()
            };
            let refusal = Refusal::new(by, format!("it extends `{shown}`, which is not there"));
            Refusal { extends: Some(missing.clone()), ..refusal }
        }
        ResolveError::Json(error) => {
            Refusal::new(AbsPath::of(error.path.clone()), format!("not valid JSON: {}", in_short(error)))
        }
        ResolveError::TsconfigCircularExtend(_) => Refusal::new(nearest(), "it extends itself, or one that extends it"),
        ResolveError::TsconfigSelfReference(path) => Refusal::new(AbsPath::of(path.clone()), "it refers to itself"),
        _ => Refusal::new(nearest(), "it cannot be read"),
    }
}

fn in_short(error: &JSONError) -> &str {
    error.message.split(" at line ").next().unwrap_or_default()
}
