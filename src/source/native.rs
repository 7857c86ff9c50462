//! What makes a directory a Go or Rust function.

use crate::function::Runtime;
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
