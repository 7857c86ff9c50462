//! Source maps on their way in and out: a source is a module's name inside rolldown, and outside a path relative to the
//! working directory.

use std::path::Path;

use rolldown_sourcemap::{JSONSourceMap, SourceMap};

use crate::ids::Ids;

/// A map of the host's, whose sources are relative to the directory of `path`.
pub(crate) fn encode(json: &str, path: &Path, ids: &Ids) -> Result<SourceMap, String> {
    let broken = |error| format!("the source map of `{}` cannot be read: {error}", ids.relative(path));
    let parsed: JSONSourceMap = serde_json::from_str(json).map_err(|error| broken(error.to_string()))?;
    let root = parsed.source_root.clone().filter(|root| !root.is_empty());
    let mut map = SourceMap::from_json(parsed).map_err(|error| broken(error.to_string()))?;
    let directory = path.parent().unwrap_or(path);
    let names: Vec<_> = map
        .get_sources()
        .map(|source| match &root {
            Some(root) => format!("{}/{source}", root.trim_end_matches('/')),
            None => source.to_owned(),
        })
        .map(|source| if source.contains("://") { source } else { ids.relative(&directory.join(source)) })
        .map(|shown| ids.name_source(&shown))
        .collect();
    map.set_sources(names);
    Ok(map)
}

/// rolldown's map as the output has it.
pub(crate) fn decode(mut map: SourceMap, ids: &Ids) -> String {
    let shown: Vec<_> =
        map.get_sources().map(|source| ids.source(source).unwrap_or_else(|| source.to_owned())).collect();
    map.set_sources(shown);
    map.to_json_string()
}

/// Where a place in code (line and column from 1) comes from, by the map that was made with the code: a [`Failure`]
/// has places of the code that the host gave.
///
/// [`Failure`]: crate::Failure
pub fn original_place(map: &str, line: u32, column: u32) -> Option<(u32, u32)> {
    let map = SourceMap::from_json(serde_json::from_str(map).ok()?).ok()?;
    let (_, line, column) = origin(&map, line.checked_sub(1)? as usize, column.checked_sub(1)? as usize)?;
    Some((line, column))
}

/// Where a place in the output (from 0) comes from: rolldown's name of the source, line and column (from 1).
pub(crate) fn origin(map: &SourceMap, line: usize, column: usize) -> Option<(String, u32, u32)> {
    let table = map.generate_lookup_table();
    let token = map.lookup_token(&table, u32::try_from(line).ok()?, u32::try_from(column).ok()?)?;
    let source = map.get_source(token.get_source_id()?)?;
    Some((source.to_owned(), token.get_src_line() + 1, token.get_src_col() + 1))
}
