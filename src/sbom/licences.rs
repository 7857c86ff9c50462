//! Licences, as package.json files say them. In: a text. Out: what CycloneDX takes: an identifier of SPDX, an expression of
//! them, or just a name.

use serde_json::{Value, json};

pub(super) fn licences(said: &str) -> Value {
    if spdx::license_id(said).is_some_and(|id| id.name == said) {
        return json!([{ "license": { "id": said } }]);
    }
    match spdx::Expression::parse(said) {
        Ok(_) => json!([{ "expression": said }]),
        Err(_) => json!([{ "license": { "name": said } }]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spdx_knows_is_told_apart() {
        assert_eq!(licences("MIT"), json!([{ "license": { "id": "MIT" } }]));
        assert_eq!(licences("MIT OR Apache-2.0"), json!([{ "expression": "MIT OR Apache-2.0" }]));
        assert_eq!(licences("SEE LICENSE IN LICENSE"), json!([{ "license": { "name": "SEE LICENSE IN LICENSE" } }]));
        assert_eq!(licences("UNLICENSED"), json!([{ "license": { "name": "UNLICENSED" } }]));
    }
}
