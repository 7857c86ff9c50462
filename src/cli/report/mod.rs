//! What came of a command, for people and for tools.

pub(super) mod json;
pub(super) mod junit;
pub(super) mod people;
mod progress;
