//! The source files of functions that are compiled. In: the function, and what its compiler says it has
//! read. Out: the files of the checkout among them, and the manifests that rule them, sorted. Never asks
//! the compiler.

use std::collections::BTreeSet;

use crate::function::Function;
use crate::path::AbsPath;
use crate::store::Store;

/// The function's own files, and `read` as far as they are in the checkout. Of each group of manifests
/// those count that stand together where the first of them is found, from each file upwards.
pub(super) fn inputs(
    function: &Function,
    store: &Store,
    root: &AbsPath,
    read: impl IntoIterator<Item = AbsPath>,
    manifests: &[&[&str]],
) -> Vec<AbsPath> {
    let is_source = |directory: &AbsPath| {
        !directory.name().starts_with('.') && !["target", "node_modules"].contains(&directory.name())
    };
    let mut inputs: BTreeSet<AbsPath> =
        store.files_below(&function.src_dir, &is_source).unwrap_or_default().into_iter().collect();
    // A function that is a link is known by its own name.
    let own = store.real(&function.src_dir).map_or_else(|_| function.src_dir.clone(), |real| real.path);
    let real_root = store.real(root).map_or_else(|_| root.clone(), |real| real.path);
    let elsewhere = |path: &AbsPath| path.starts_with(&real_root) && !path.starts_with(&own) && store.is_file(path);
    let read: Vec<AbsPath> = read.into_iter().filter(elsewhere).collect();
    let directories: BTreeSet<AbsPath> = read.iter().filter_map(AbsPath::parent).chain([own.clone()]).collect();
    for directory in directories {
        for names in manifests {
            let first = directory.ancestors().find(|above| store.is_file(&above.child(names[0])));
            let found = first.into_iter().filter(|above| above.starts_with(&real_root));
            let found = found.flat_map(|above| names.iter().map(move |name| above.child(name)));
            inputs.extend(found.filter(|path| !path.starts_with(&own) && store.is_file(path)));
        }
    }
    inputs.extend(read);
    inputs.into_iter().collect()
}
