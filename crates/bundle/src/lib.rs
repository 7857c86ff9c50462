//! Turns an entry module into one file, or several where `import()` asks for them, with rolldown as a library.
//!
//! In go [`Options`] and a [`Host`], who finds modules and hands out their text; out comes a [`Bundle`], or every
//! [`Failure`] with its place. The same modules give the same bytes, wherever they lie and however many bundles are
//! made at once.
//!
//! Nothing here reads the disk, looks for a tsconfig or a package.json, writes a file, or prints.
//!
//! # How it works
//!
//! ```text
//! Options, Host -> configure, plugin -> rolldown -> inspect -> finish -> Bundle
//! ```
//!
//! - `ids` gives modules names that do not depend on the machine, and that tell rolldown how each is to be read;
//!   `plugin` answers all of rolldown's questions from the host.
//! - `inspect` parses the finished code once more: it must be something that Node takes, and it shows what it asks for.
//! - `finish` and `edit` put in what rolldown leaves out: `"use strict"`, and `__dirname`, `__filename` and `require` in
//!   ES modules; and take out what it adds without need.
//!
//! # What the output keeps, and what it cannot
//!
//! - Modules run once, in Node's order. CommonJS that throws while it is loaded is tried again, as in Node.
//! - The default import of CommonJS is what Node gives, or what compilers mean, for each importer by itself.
//! - CommonJS stays strict or sloppy. In ES module output all is strict: syntax that strict mode forbids is a failure
//!   with its place; what behaves otherwise (`this` in plain calls, assignments to undeclared names) is not seen. In
//!   CommonJS output ES modules are strict unless sloppy CommonJS is in the same file.
//! - An entry in CommonJS has only `default` in ES module output, but for [`Options::commonjs_names`].
//! - `import.meta.url`, `dirname` and `filename`, and `__dirname` and `__filename`, are those of the output file.
//!   `module` of a bundled CommonJS module has `exports` and nothing else.
//! - Computed `import()` and `require()`, `require.resolve()` and `new URL(…, import.meta.url)` stay as they are and lead
//!   from where the output lies.
//! - An import of a name that a module does not export is a failure, as in Node, if both are ES modules. `import defer`
//!   is a plain import.

#![forbid(unsafe_code)]

mod bundle;
mod configure;
mod directive;
mod edit;
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
pub use source_map::original_place;
