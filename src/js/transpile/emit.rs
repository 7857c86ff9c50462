//! A syntax tree becomes text. In: the tree, and the comments of its source. Out: code, with the comments
//! that have to stay with it, and the source map.

use std::rc::Rc;

use swc_core::common::comments::Comment;
use swc_core::common::source_map::SourceMapGenConfig;
use swc_core::common::{BytePos, FileName, SourceMap, Spanned};
use swc_core::ecma::ast::Program;
use swc_core::ecma::codegen::text_writer::JsWriter;
use swc_core::ecma::codegen::{Config, Emitter};

use super::Work;

/// The code, and the map if it was asked for.
pub(super) fn emit(program: &Program, work: &Work<'_>, sources: &Rc<SourceMap>) -> (String, Option<String>) {
    keep_legal(work, program);
    let options = work.options;
    let mut code = Vec::with_capacity(work.source.len());
    let mut mappings = Vec::new();
    let wanted = options.source_map.is_some();
    let mut emitter = Emitter {
        cfg: Config::default().with_emit_assert_for_import_attributes(!options.has_import_attributes()),
        cm: Rc::clone(sources),
        comments: Some(&work.comments),
        wr: JsWriter::new(Rc::clone(sources), "\n", &mut code, wanted.then_some(&mut mappings)),
    };
    emitter.emit_program(program).unwrap_or_else(|_| unreachable!("memory takes whatever is written"));
    let map = wanted.then(|| {
        let mut json = Vec::new();
        let map = sources.build_source_map(&mappings, None, WithContents);
        map.to_writer(&mut json).unwrap_or_else(|_| unreachable!("memory takes whatever is written"));
        String::from_utf8_lossy(&json).into_owned()
    });
    (String::from_utf8_lossy(&code).into_owned(), map)
}

struct WithContents;

impl SourceMapGenConfig for WithContents {
    fn file_name_to_source(&self, name: &FileName) -> String {
        match name {
            FileName::Custom(name) => name.clone(),
            other => other.to_string(),
        }
    }

    fn inline_sources_content(&self, _: &FileName) -> bool {
        true
    }
}

/// Licences stay, as they have to; whatever else is said is for who reads the source.
fn keep_legal(work: &Work<'_>, program: &Program) {
    let (mut leading, mut trailing) = work.comments.borrow_all_mut();
    for comments in [&mut *leading, &mut *trailing] {
        comments.retain(|_, comments| {
            comments.retain(is_legal);
            !comments.is_empty()
        });
    }
    // The file's own stand before its first token, which may be gone.
    let Some(first) = leading.keys().min().copied() else { return };
    let starts: Vec<BytePos> = match program {
        Program::Module(module) => module.body.iter().map(Spanned::span_lo).collect(),
        Program::Script(script) => script.body.iter().map(Spanned::span_lo).collect(),
    };
    let printed = starts.contains(&first) || program.span_lo() == first;
    let Some(next) = starts.into_iter().filter(|start| *start > first).min().filter(|_| !printed) else { return };
    let mut moved = leading.remove(&first).unwrap_or_default();
    let after = leading.entry(next).or_default();
    moved.append(after);
    *after = moved;
}

fn is_legal(comment: &Comment) -> bool {
    comment.text.starts_with('!') || comment.text.contains("@license") || comment.text.contains("@preserve")
}
