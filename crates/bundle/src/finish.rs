//! The last touch to a file of the output: what CommonJS takes for granted and ES modules lack is put above the code,
//! where it is used, and the source map is named below. rolldown's code goes in, an [`OutputFile`] comes out.

use std::collections::BTreeSet;

use rolldown_common::OutputChunk;

use crate::ids::Ids;
use crate::inspect::{DIRNAME, FILENAME, Inspection, REQUIRE, inspect};
use crate::{Code, Failure, Format, Options, OutputFile, source_map};

/// Finishes a file. `siblings` are the names of all files of the bundle.
pub(crate) fn finish(
    chunk: &OutputChunk,
    siblings: &BTreeSet<String>,
    options: &Options,
    ids: &Ids,
) -> Result<OutputFile, Failure> {
    let found = inspect(&chunk.code, options.format);
    if let Some((message, at)) = &found.broken {
        return Err(broken(message, *at, chunk, options, ids));
    }
    let above = if options.format == Format::Esm { above(&found) } else { Vec::new() };
    // A hashbang stays where it is.
    let line = usize::from(chunk.code.starts_with("#!"));
    let mut code = insert(&chunk.code, line, &above);
    if !code.ends_with('\n') {
        code.push('\n');
    }
    let name = chunk.filename.to_string();
    let map = chunk.map.clone().map(|map| source_map::decode(map, ids, line, above.len()));
    if map.is_some() {
        code.push_str(&format!("//# sourceMappingURL={name}.map\n"));
    }
    let mut exports: Vec<_> = chunk.exports.iter().map(ToString::to_string).collect();
    exports.sort();
    let is_sibling = |specifier: &str| specifier.strip_prefix("./").is_some_and(|name| siblings.contains(name));
    let mut externals = found.specifiers;
    externals.retain(|specifier| !is_sibling(specifier));
    Ok(OutputFile { name, code, map, is_entry: chunk.is_entry, exports, externals: externals.into_iter().collect() })
}

/// Lines that declare what the code takes for granted.
fn above(found: &Inspection) -> Vec<String> {
    let mut lines = Vec::new();
    let mut declare = |name: &str, imported: &str, module: &str, value: &dyn Fn(&str) -> String| {
        let local = free_name(&format!("__{imported}"), &found.declared);
        lines.push(format!("import {{ {imported} as {local} }} from \"{module}\";"));
        lines.push(format!("const {name} = {};", value(&local)));
    };
    if found.free.contains(REQUIRE) {
        declare(REQUIRE, "createRequire", "node:module", &|it| format!("{it}(import.meta.url)"));
    }
    // `import.meta.filename` is younger than the oldest Node that this has to run on.
    if found.free.contains(FILENAME) {
        declare(FILENAME, "fileURLToPath", "node:url", &|it| format!("{it}(import.meta.url)"));
    }
    if found.free.contains(DIRNAME) {
        declare(DIRNAME, "fileURLToPath", "node:url", &|it| {
            format!("{it}(new URL(\".\", import.meta.url)).slice(0, -1)")
        });
    }
    lines
}

fn free_name(wanted: &str, declared: &BTreeSet<String>) -> String {
    let numbered = (1..).map(|number| format!("{wanted}{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !declared.contains(name)).unwrap_or_default()
}

fn insert(code: &str, at: usize, lines: &[String]) -> String {
    let mut result = String::with_capacity(code.len() + 256);
    let split = if at == 0 { 0 } else { code.find('\n').map_or(code.len(), |end| end + 1) };
    let (before, after) = code.split_at(split);
    result.push_str(before);
    for line in lines {
        result.push_str(line);
        result.push('\n');
    }
    result.push_str(after);
    result
}

/// What Node would not take, with its place in the module if there is a source map.
fn broken(message: &str, at: usize, chunk: &OutputChunk, options: &Options, ids: &Ids) -> Failure {
    let failure = match options.format {
        Format::Esm => Failure::new(Code::SloppyMode, format!("an ES module cannot hold this: {message}")),
        Format::Cjs => Failure::new(Code::Syntax, message),
    };
    let before = &chunk.code[..chunk.code.floor_char_boundary(at)];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
    let place = chunk.map.as_ref().and_then(|map| source_map::origin(map, line, column));
    match place {
        Some((source, line, column)) => {
            Failure { file: ids.path(&source), line: Some(line), column: Some(column), ..failure }
        }
        None => failure,
    }
}
