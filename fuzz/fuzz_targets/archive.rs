//! See `../targets.rs`.
#![no_main]

#[path = "../run.rs"]
mod run;
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(init: run::prepare(), |input: &[u8]| run::run(|| targets::archive(input)));
