//! fnzip packages serverless functions: one reproducible archive per function, and a manifest.
//!
//! The story of a run is [`pipeline::bundle`]: [`settings`] are resolved once, [`source`] finds the
//! functions, [`js`] traces what each needs, [`runtime`] plans an archive, [`archive`] writes it, and
//! [`manifest`] says what was built. Each step is a function from one noun to the next and can be
//! called alone; `ARCHITECTURE.md` has the map and the rules between the layers.

pub mod archive;
pub mod binary;
pub mod built;
pub mod cache;
pub mod cli;
pub mod diagnostic;
pub mod diff;
pub mod fs;
pub mod function;
pub mod glob;
pub mod js;
pub mod lambda;
pub mod manifest;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod runtime;
pub mod sbom;
pub mod serve;
pub mod settings;
pub mod source;
pub mod store;
pub mod verify;
