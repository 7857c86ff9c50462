//! The last touch to a file of the output: what CommonJS takes for granted and ES modules lack is put above the code,
//! where it is used, and the source map is named below. rolldown's code goes in, an [`OutputFile`] comes out.

use std::collections::BTreeSet;
use std::ops::Range;

use rolldown_common::{OutputChunk, RUNTIME_MODULE_KEY};

use crate::edit::{Edits, move_lines};
use crate::ids::Ids;
use crate::inspect::{DIRNAME, FILENAME, Inspection, REQUIRE, WRAPPER, inspect};
use crate::plugin::{HostPlugin, Mode};
use crate::{Code, Failure, Format, Options, OutputFile, source_map};

/// Finishes a file. `siblings` are the names of all files of the bundle.
pub(crate) fn finish(
    chunk: &OutputChunk,
    siblings: &BTreeSet<String>,
    options: &Options,
    plugin: &HostPlugin,
    ids: &Ids,
) -> Result<OutputFile, Failure> {
    let found = inspect(&chunk.code, options.format);
    if let Some((message, at)) = &found.broken {
        return Err(broken(message, *at, chunk, options, ids));
    }
    let mut edits = Edits::default();
    helpers(chunk, &found, &mut edits);
    match options.format {
        Format::Esm => edits.above = missing_in_modules(&found),
        Format::Cjs => strict_mode(chunk, &found, plugin, &mut edits),
    }
    edits.gone.sort_by_key(|it| it.start);
    edits.inside.sort_by_key(|(it, _)| it.start);
    let (mut code, lines) = edits.apply(&chunk.code);
    let name = chunk.filename.to_string();
    let map = chunk.map.clone().map(|map| source_map::decode(move_lines(map, &lines), ids));
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

/// Lines that declare what the code takes for granted and ES modules lack.
fn missing_in_modules(found: &Inspection) -> Vec<String> {
    let name = |wanted: &str| free_name(wanted, &found.declared);
    let free = |name: &str| found.free.contains(name);
    let (require, filename, dirname) = (free(REQUIRE), free(FILENAME), free(DIRNAME));
    let mut lines = Vec::new();
    if require {
        let create = name("__createRequire");
        lines.push(format!("import {{ createRequire as {create} }} from \"node:module\";"));
        lines.push(format!("const {REQUIRE} = {create}(import.meta.url);"));
    }
    // `import.meta.filename` is younger than the oldest Node that this has to run on.
    if filename || dirname {
        let (to_path, file) = (name("__fileURLToPath"), name(FILENAME));
        lines.push(format!("import {{ fileURLToPath as {to_path} }} from \"node:url\";"));
        lines.push(format!("const {file} = {to_path}(import.meta.url);"));
        if dirname {
            let directory = name("__pathDirname");
            lines.push(format!("import {{ dirname as {directory} }} from \"node:path\";"));
            lines.push(format!("const {DIRNAME} = {directory}({file});"));
        }
    }
    lines
}

/// rolldown's own functions: those go that it brings along without need, and CommonJS that throws while it loads is
/// loaded again the next time, as Node does it, instead of being taken for loaded.
fn helpers(chunk: &OutputChunk, found: &Inspection, edits: &mut Edits) {
    let mut modules = chunk.modules.keys.iter().zip(&chunk.modules.values);
    let runtime = modules.find(|(id, _)| id.as_str() == RUNTIME_MODULE_KEY).and_then(|(_, module)| module.code());
    let at = |code: &str| chunk.code.find(code).map(|start| start..start + code.len());
    let Some(runtime) = runtime.and_then(|code| at(code.trim_end())) else { return };
    let is_helper = |it: &&Range<usize>| runtime.start <= it.start && it.end <= runtime.end;
    edits.gone.extend(found.unused.iter().filter(is_helper).cloned());
    if edits.gone.iter().map(|it| it.len() + 1).sum::<usize>() > runtime.len() {
        // Nothing is left, so the blank line after it goes as well.
        edits.gone.push(runtime.end + 1..runtime.end + 2);
    }
    if let Some(at) = chunk.code[runtime.clone()].find(LOAD_ONCE) {
        edits.inside.push((runtime.start + at..runtime.start + at + LOAD_ONCE.len(), LOAD_UNTIL_IT_WORKS));
    }
}

/// How rolldown loads CommonJS.
const LOAD_ONCE: &str = "(mod || (cb((mod = { exports: {} }).exports, mod), cb = null), mod.exports)";

const LOAD_UNTIL_IT_WORKS: &str = "{ if (!mod) try { cb((mod = { exports: {} }).exports, mod), cb = null; } \
    catch (e) { throw mod = 0, e; } return mod.exports; }";

/// Where `"use strict"` goes in CommonJS: once above everything, if no module is sloppy; otherwise into each strict
/// module that has a function around it. ES modules have none, and are then as sloppy as the rest.
fn strict_mode(chunk: &OutputChunk, found: &Inspection, plugin: &HostPlugin, edits: &mut Edits) {
    let rendered = || chunk.modules.keys.iter().zip(&chunk.modules.values).filter(|(_, it)| it.rendered_length() > 0);
    if !rendered().any(|(id, _)| plugin.mode(id.as_str()) == Some(Mode::Sloppy)) {
        edits.above.push(STRICT.to_owned());
        return;
    }
    let strict = rendered().filter(|(id, _)| plugin.mode(id.as_str()) == Some(Mode::Strict));
    let wrappers = strict.filter_map(|(_, module)| wrapper(&module.code()?));
    edits.inside.extend(wrappers.filter_map(|name| found.bodies.get(&name).map(|at| (*at..*at, STRICT))));
}

/// The name of the function around a module's code, which stands in its first lines.
fn wrapper(code: &str) -> Option<String> {
    let line = code.lines().find(|line| line.starts_with("var ") && line.contains(WRAPPER))?;
    line.strip_prefix("var ")?.split_once(" = ").map(|(name, _)| name.to_owned())
}

const STRICT: &str = "\"use strict\";";

fn free_name(wanted: &str, declared: &BTreeSet<String>) -> String {
    let numbered = (1..).map(|number| format!("{wanted}{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !declared.contains(name)).unwrap_or_default()
}

/// What Node would not take, with its place in the module if there is a source map.
fn broken(message: &str, at: usize, chunk: &OutputChunk, options: &Options, ids: &Ids) -> Failure {
    let failure = match options.format {
        Format::Esm => Failure::new(Code::SloppyMode, format!("an ES module cannot hold this: {message}")),
        // Every module was parsed by itself, and CommonJS takes them all: this is of rolldown's making.
        Format::Cjs => Failure::new(Code::Internal, format!("rolldown made code that cannot be parsed: {message}")),
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
