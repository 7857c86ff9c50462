//! The one integration-test binary: a module a topic. What the tests need from npm they install by
//! themselves, once. `FNZIP_FULL=1` adds the long ones.

mod support;

mod cli;
mod determinism;
mod discovery;
mod formats;
mod input;
mod layers;
mod manifest;
mod nft;
mod reads;
mod sites;
mod trace;
