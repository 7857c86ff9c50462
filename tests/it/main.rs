//! The one integration-test binary: a module a topic. What the tests need from npm they install by
//! themselves, once. `FNZIP_FULL=1` adds the long ones.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails where it stands, and says what it does"
)]

mod support;

mod bootstrap;
mod cache;
mod cli;
mod clients;
mod config;
mod determinism;
mod diff;
mod discovery;
mod formats;
mod fuzz;
mod input;
mod lambda;
mod layers;
mod manifest;
mod matrix;
mod memory;
mod mistakes;
mod native;
mod netlify_config;
mod nft;
mod npm;
mod packages;
mod packaging;
mod peer;
mod pnp;
mod processes;
mod projects;
mod readme;
mod reads;
mod ready_made;
mod rows;
mod rules;
mod sbom;
mod serve;
mod sites;
mod sizes;
mod syntax;
mod target;
mod tiny;
mod toolchains;
mod trace;
mod transpile;
mod verify;
mod verify_call;
mod verify_forms;
mod verify_load;
mod verify_peer;
mod watch;
mod why;
