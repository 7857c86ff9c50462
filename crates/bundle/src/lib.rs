//! Turns an entry module into one file, or several where `import()` asks for them, with rolldown as a library.
//!
//! In go [`Options`] and a [`Host`], who finds modules and hands out their text; out comes a [`Bundle`], or every
//! [`Failure`] with its place. The same modules give the same bytes, wherever they lie and however many bundles are
//! made at once.
//!
//! Nothing here reads the disk, looks for a tsconfig or a package.json, writes a file, or prints.

#![forbid(unsafe_code)]

mod bundle;
mod configure;
mod failure;
mod finish;
mod host;
mod ids;
mod inspect;
mod options;
mod output;
mod plugin;
mod source_map;
mod wasm;

pub use bundle::bundle;
pub use failure::{Code, Failure};
pub use host::{Content, Dialect, Host, Kind, Resolved, Source};
pub use options::{Format, Options};
pub use output::{Bundle, OutputFile};
