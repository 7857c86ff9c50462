//! What bundles do: small projects that live in memory are bundled, and the output is run by Node in a directory of its
//! own. The projects' directory does not exist, so nothing can come from anywhere but the host.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod project;

mod commonjs;
mod content;
mod determinism;
mod dynamic;
mod esm;
mod failures;
mod meta;
mod outside;
mod shaking;
mod source_maps;
mod strict_mode;
