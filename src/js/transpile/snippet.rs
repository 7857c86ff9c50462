//! Code of ours that goes into the user's. In: its text. Out: a tree with no places, whose own names
//! meet none of the user's.

use std::rc::Rc;

use swc_core::common::{FileName, Mark, SourceMap, SyntaxContext};
use swc_core::ecma::ast::{EsVersion, Expr, Ident, ModuleItem, Program, Stmt};
use swc_core::ecma::parser::{Syntax, parse_file_as_module};
use swc_core::ecma::transforms::base::resolver;
use swc_core::ecma::utils::{DropSpan, prepend_stmts};
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

use super::Work;

/// Statements, and the scope of the names they declare.
pub(super) struct Snippet {
    pub(super) items: Vec<ModuleItem>,
    pub(super) scope: SyntaxContext,
}

impl Snippet {
    /// Reads statements of ours.
    pub(super) fn new(text: &str, work: &Work<'_>) -> Self {
        let sources = SourceMap::default();
        let file = sources.new_source_file(Rc::new(FileName::Anon), text.to_owned());
        let module = parse_file_as_module(&file, Syntax::default(), EsVersion::EsNext, None, &mut Vec::new());
        let mut program = Program::Module(module.unwrap_or_else(|_| unreachable!("our own code parses")));
        let own = Mark::new();
        program.mutate(resolver(work.unresolved, own, false));
        program.visit_mut_with(&mut DropSpan);
        let Program::Module(module) = program else { unreachable!("a module stays one") };
        Self { items: module.body, scope: SyntaxContext::empty().apply_mark(own) }
    }

    /// Reads an expression of ours.
    pub(super) fn expression(text: &str, work: &Work<'_>) -> Expr {
        match Self::new(text, work).items.pop() {
            Some(ModuleItem::Stmt(Stmt::Expr(statement))) => *statement.expr,
            _ => unreachable!("our own code is what we say"),
        }
    }

    /// The same, but this name that it declares is the one that the user's code does not.
    pub(super) fn declaring(mut self, name: &str, work: &Work<'_>) -> Self {
        struct Declaring<'a>(&'a str, SyntaxContext);
        impl VisitMut for Declaring<'_> {
            fn visit_mut_ident(&mut self, ident: &mut Ident) {
                if ident.sym == self.0 {
                    ident.ctxt = self.1;
                }
            }
        }
        self.items.visit_mut_with(&mut Declaring(name, work.free()));
        self
    }

    /// Puts it before a module's other statements, and after its directives.
    pub(super) fn put_first(self, body: &mut Vec<ModuleItem>) {
        prepend_stmts(body, self.items.into_iter());
    }
}
