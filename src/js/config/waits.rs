//! Does a module wait while it is loaded? In: a syntax tree. Out: the first `await` at its top. Never asks
//! who loads it.

use swc_core::common::Span;
use swc_core::ecma::ast::{
    ArrowExpr, AwaitExpr, ClassMember, Constructor, ForOfStmt, Function, GetterProp, Program, SetterProp, StaticBlock,
    UsingDecl,
};
use swc_core::ecma::visit::{Visit, VisitWith};

/// The first `await` that no function is around.
pub fn top_level_await(program: &Program) -> Option<Span> {
    struct Await(Option<Span>);
    impl Await {
        fn at(&mut self, span: Span) {
            self.0 = Some(self.0.map_or(span, |first| if first.lo < span.lo { first } else { span }));
        }
    }
    impl Visit for Await {
        fn visit_await_expr(&mut self, expr: &AwaitExpr) {
            self.at(expr.span);
            expr.visit_children_with(self);
        }

        fn visit_for_of_stmt(&mut self, statement: &ForOfStmt) {
            if statement.is_await {
                self.at(statement.span);
            }
            statement.visit_children_with(self);
        }

        fn visit_using_decl(&mut self, using: &UsingDecl) {
            if using.is_await {
                self.at(using.span);
            }
            using.visit_children_with(self);
        }

        fn visit_class_member(&mut self, member: &ClassMember) {
            // Keys and decorators are worked out where the class is.
            match member {
                ClassMember::ClassProp(field) => field.key.visit_with(self),
                ClassMember::Method(method) => method.key.visit_with(self),
                _ => {}
            }
        }

        fn visit_getter_prop(&mut self, getter: &GetterProp) {
            getter.key.visit_with(self);
        }

        fn visit_setter_prop(&mut self, setter: &SetterProp) {
            setter.key.visit_with(self);
        }

        fn visit_function(&mut self, _: &Function) {}
        fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
        fn visit_constructor(&mut self, _: &Constructor) {}
        fn visit_static_block(&mut self, _: &StaticBlock) {}
    }
    let mut found = Await(None);
    program.visit_with(&mut found);
    found.0
}
