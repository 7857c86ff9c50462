//! `fnzip schema`: the contracts, made from the types that implement them.

use std::collections::BTreeMap;

use super::args::{Schema, SchemaOf};
use super::{Failure, SUCCESS, print_json};
use crate::function::FunctionConfig;
use crate::manifest::Manifest;

pub(super) fn run(args: &Schema) -> Result<u8, Failure> {
    match args.of {
        SchemaOf::Manifest => print_json(&Manifest::schema())?,
        SchemaOf::Config => print_json(&schemars::schema_for!(BTreeMap<String, FunctionConfig>))?,
    }
    Ok(SUCCESS)
}
