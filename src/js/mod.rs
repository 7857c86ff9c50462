//! JavaScript: from a main file to all that it needs. The order of the modules is the order of the
//! work, and none uses a later one. Never writes, and never runs the user's code.

pub mod addons;
pub mod assets;
pub mod binary;
pub mod bundle;
pub mod compile;
pub mod config;
pub mod graph;
mod literal;
pub mod newer;
pub mod outside;
pub mod package;
pub mod parse;
pub mod plugins;
pub mod pnp;
pub mod resolve;
pub mod rules;
pub mod scan;
mod store_fs;
pub mod trace;
pub mod transpile;
mod tsconfig;
pub mod why;
