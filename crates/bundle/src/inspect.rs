//! Looks at finished code: whether Node can parse it, which of CommonJS's own names it takes for granted, and what it
//! asks for. Changes nothing.

use std::collections::BTreeSet;

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    Argument, CallExpression, ExportAllDeclaration, ExportFromDeclaration, Expression, ImportDeclaration,
    ImportExpression,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::diagnostics::Severity;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;

use crate::Format;

/// What finished code is like.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    /// Names that nothing in the code declares.
    pub free: BTreeSet<String>,
    /// Names that the code declares at its top.
    pub declared: BTreeSet<String>,
    /// Literal specifiers of `import`, `export … from`, `import()` and `require()`.
    pub specifiers: BTreeSet<String>,
    /// The first thing that Node would not take: what, and at which byte.
    pub broken: Option<(String, usize)>,
}

/// The names that CommonJS has and an ES module lacks.
pub(crate) const REQUIRE: &str = "require";
pub(crate) const FILENAME: &str = "__filename";
pub(crate) const DIRNAME: &str = "__dirname";

pub(crate) fn inspect(code: &str, format: Format) -> Inspection {
    let allocator = Allocator::default();
    let source_type = match format {
        Format::Cjs => SourceType::cjs(),
        Format::Esm => SourceType::mjs(),
    };
    let parsed = Parser::new(&allocator, code, source_type).parse();
    let semantic = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    let broken = parsed.diagnostics.iter().chain(semantic.diagnostics.iter()).find(|it| it.severity == Severity::Error);
    let broken = broken.map(|it| {
        let at = it.labels.first().map_or(0, |label| label.offset() as usize);
        (it.message.to_string(), at)
    });
    let scoping = semantic.semantic.scoping();
    let free = scoping.root_unresolved_references().keys().map(ToString::to_string).collect();
    let declared = scoping.get_bindings(scoping.root_scope_id()).keys().map(ToString::to_string).collect();
    let mut specifiers = Specifiers::default();
    specifiers.visit_program(&parsed.program);
    Inspection { free, declared, specifiers: specifiers.0, broken }
}

/// Collects what the code asks for.
#[derive(Debug, Default)]
struct Specifiers(BTreeSet<String>);

impl<'a> VisitJs<'a> for Specifiers {
    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        self.0.insert(it.source.value.to_string());
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        self.0.insert(it.source.value.to_string());
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        self.0.insert(it.source.value.to_string());
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        if let Expression::StringLiteral(source) = &it.source {
            self.0.insert(source.value.to_string());
        }
        walk_js::walk_import_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        // rolldown calls its own `require` of ES module output `__require`, and renames it if it must.
        if let Expression::Identifier(callee) = &it.callee
            && (callee.name == REQUIRE || callee.name.starts_with("__require"))
            && let [Argument::StringLiteral(specifier)] = it.arguments.as_slice()
        {
            self.0.insert(specifier.value.to_string());
        }
        walk_js::walk_call_expression(self, it);
    }
}
