//! Which tsconfig.json rules a file (spec: functions.md section 4). In: the file and its site. Out: the
//! path, or none. Never reads it.

use crate::path::AbsPath;
use crate::settings::Settings;
use crate::store::Store;

const NAME: &str = "tsconfig.json";

/// The nearest one upwards from the file, as far as the repository's root; else, for files from
/// elsewhere, that of a functions directory, of the base, of the repository's root.
pub fn tsconfig(file: &AbsPath, settings: &Settings, store: &Store) -> Option<AbsPath> {
    let root = &settings.repository_root;
    let upwards = file.ancestors().skip(1).take_while(|directory| directory.starts_with(root));
    let functions = settings.sources.iter().filter(|source| !source.single).map(|source| source.path.clone());
    let fallbacks = functions.chain([settings.base.clone(), root.clone()]);
    let mut candidates = upwards.chain(fallbacks).map(|directory| directory.child(NAME));
    candidates.find(|candidate| store.is_file(candidate))
}
