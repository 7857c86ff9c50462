//! Looks at finished code: whether Node can parse it, which of CommonJS's own names it takes for granted, and what it
//! asks for. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    Argument, CallExpression, ExportAllDeclaration, ExportFromDeclaration, Expression, IdentifierReference,
    ImportDeclaration, ImportExpression, Program, Statement,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::diagnostics::Severity;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};

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
    /// Where the bodies of wrapped CommonJS modules begin, as bytes, by the names of the wrappers.
    pub bodies: BTreeMap<String, usize>,
    /// Variables at the top, named as helpers are, that nothing uses, or only others of these: their declarations.
    pub unused: Vec<Range<usize>>,
    /// The first thing that Node would not take: what, and at which byte.
    pub broken: Option<(String, usize)>,
}

/// The names that CommonJS has and an ES module lacks.
pub(crate) const REQUIRE: &str = "require";
pub(crate) const FILENAME: &str = "__filename";
pub(crate) const DIRNAME: &str = "__dirname";

pub(crate) fn inspect(code: &str, format: Format) -> Inspection {
    let _span = tracing::info_span!("check").entered();
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
    let mut uses = Uses::default();
    uses.visit_program(&parsed.program);
    let unused = unused(&parsed.program, &uses.helpers);
    let bodies = parsed.program.body.iter().filter_map(body).collect();
    Inspection { free, declared, specifiers: uses.specifiers, bodies, unused, broken }
}

/// The declarations, one variable each, whose variables are only used within others that are unused.
fn unused(program: &Program, uses: &[(String, Span)]) -> Vec<Range<usize>> {
    let single = program.body.iter().filter_map(|statement| match statement {
        Statement::VariableDeclaration(it) if it.declarations.len() == 1 => Some(it),
        _ => None,
    });
    let named = single.filter_map(|it| Some((it.span, it.declarations.first()?.id.get_identifier_name()?.to_string())));
    let mut left: Vec<_> = named.filter(|(_, name)| is_helper(name)).collect();
    let mut unused: Vec<Span> = Vec::new();
    loop {
        let within = |at: Span| unused.iter().any(|it| it.start <= at.start && at.end <= it.end);
        let is_used = |name: &str| uses.iter().any(|(used, at)| used == name && !within(*at));
        let (used, more): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, name)| is_used(name));
        if more.is_empty() {
            return unused.into_iter().map(|span| span.start as usize..span.end as usize).collect();
        }
        unused.extend(more.into_iter().map(|(span, _)| span));
        left = used;
    }
}

/// Whether a name may be that of one of rolldown's own functions.
fn is_helper(name: &str) -> bool {
    name.starts_with("__")
}

/// What rolldown wraps CommonJS in: `var require_a = __commonJSMin(((exports, module) => {`.
pub(crate) const WRAPPER: &str = "__commonJSMin";

fn body(statement: &Statement) -> Option<(String, usize)> {
    let Statement::VariableDeclaration(declaration) = statement else { return None };
    let declarator = declaration.declarations.first()?;
    let Expression::CallExpression(call) = declarator.init.as_ref()? else { return None };
    let Expression::Identifier(callee) = &call.callee else { return None };
    let name = declarator.id.get_identifier_name()?.to_string();
    match call.arguments.first()?.as_expression()?.without_parentheses() {
        Expression::ArrowFunctionExpression(function) if callee.name.starts_with(WRAPPER) => {
            Some((name, function.body.span().start as usize + 1))
        }
        _ => None,
    }
}

/// Collects what the code asks for, and where it uses helpers.
#[derive(Debug, Default)]
struct Uses {
    specifiers: BTreeSet<String>,
    helpers: Vec<(String, Span)>,
}

impl<'a> VisitJs<'a> for Uses {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        if is_helper(&it.name) {
            self.helpers.push((it.name.to_string(), it.span));
        }
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        self.specifiers.insert(it.source.value.to_string());
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        self.specifiers.insert(it.source.value.to_string());
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        self.specifiers.insert(it.source.value.to_string());
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        if let Expression::StringLiteral(source) = &it.source {
            self.specifiers.insert(source.value.to_string());
        }
        walk_js::walk_import_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        // rolldown calls its own `require` of ES module output `__require`, and renames it if it must.
        if let Expression::Identifier(callee) = &it.callee
            && (callee.name == REQUIRE || callee.name.starts_with("__require"))
            && let [Argument::StringLiteral(specifier)] = it.arguments.as_slice()
        {
            self.specifiers.insert(specifier.value.to_string());
        }
        walk_js::walk_call_expression(self, it);
    }
}
