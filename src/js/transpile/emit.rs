//! A syntax tree becomes text. In: the tree, and the comments of its source. Out: code, with the comments
//! that have to stay with it, and the source map.

use std::rc::Rc;

use swc_core::common::comments::Comment;
use swc_core::common::source_map::SourceMapGenConfig;
use swc_core::common::{FileName, SourceMap, Span};
use swc_core::ecma::ast::{Decl, ModuleDecl, ModuleItem, Program, Stmt};
use swc_core::ecma::codegen::text_writer::JsWriter;
use swc_core::ecma::codegen::{Config, Emitter};

use super::Work;

/// The code, and the map if it was asked for.
pub(super) fn emit(program: &mut Program, work: &Work<'_>, sources: &Rc<SourceMap>) -> (String, Option<String>) {
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
fn keep_legal(work: &Work<'_>, program: &mut Program) {
    let (mut leading, mut trailing) = work.comments.borrow_all_mut();
    for comments in [&mut *leading, &mut *trailing] {
        comments.retain(|_, comments| {
            comments.retain(is_legal);
            !comments.is_empty()
        });
    }
    // The file's own stand before its first token, which may be gone, or no longer the first.
    let Some(first) = work.first.filter(|first| leading.contains_key(first)) else { return };
    let mut items: Vec<&mut Span> = match program {
        Program::Module(module) => module.body.iter_mut().take(1).filter_map(item_span).collect(),
        Program::Script(script) => script.body.iter_mut().take(1).filter_map(statement_span).collect(),
    };
    if let Some(span) = items.first_mut() {
        let moved = leading.remove(&first).unwrap_or_default();
        if span.is_dummy() {
            **span = Span::new(first, first);
        }
        let at = leading.entry(span.lo).or_default();
        at.splice(0..0, moved);
    }
}

fn item_span(item: &mut ModuleItem) -> Option<&mut Span> {
    match item {
        ModuleItem::Stmt(statement) => statement_span(statement),
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => Some(&mut import.span),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => Some(&mut export.span),
        ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => Some(&mut export.span),
        ModuleItem::ModuleDecl(ModuleDecl::ExportAll(export)) => Some(&mut export.span),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => Some(&mut export.span),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => Some(&mut export.span),
        ModuleItem::ModuleDecl(_) => None,
    }
}

fn statement_span(statement: &mut Stmt) -> Option<&mut Span> {
    match statement {
        Stmt::Expr(statement) => Some(&mut statement.span),
        Stmt::Decl(Decl::Var(variable)) => Some(&mut variable.span),
        Stmt::Decl(Decl::Fn(function)) => Some(&mut function.function.span),
        Stmt::Decl(Decl::Class(class)) => Some(&mut class.class.span),
        Stmt::If(statement) => Some(&mut statement.span),
        Stmt::Try(statement) => Some(&mut statement.span),
        Stmt::Block(statement) => Some(&mut statement.span),
        _ => None,
    }
}

fn is_legal(comment: &Comment) -> bool {
    comment.text.starts_with('!') || comment.text.contains("@license") || comment.text.contains("@preserve")
}
