//! The walk over a file's syntax tree. In: the tree and its bindings. Out: the requests, each with
//! whether loading the file always reaches it and whether a `try` catches its failure.

use swc_core::common::Spanned;
use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AwaitExpr, BinExpr, BinaryOp, CallExpr, Callee, ClassProp, CondExpr, Constructor,
    DoWhileStmt, ExportAll, ExportSpecifier, Expr, ExprOrSpread, ForInStmt, ForOfStmt, ForStmt, Function, GetterProp,
    IfStmt, ImportDecl, ImportSpecifier, MetaPropKind, NamedExport, OptCall, PrivateProp, SetterProp, Str, SwitchCase,
    TryStmt, TsImportEqualsDecl, TsModuleRef, TsType, WhileStmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::bindings::{Bindings, Loader};
use super::{Form, Request};
use crate::js::literal::{member_name, text as literal, unwrapped};
use crate::js::parse::{Parsed, offset};

/// Every request of the file.
pub(super) fn requests(parsed: &Parsed, bindings: &Bindings<'_>) -> Vec<Request> {
    let mut walk = Walk { bindings, requests: Vec::new(), skippable: 0, tries: 0, awaited: false };
    parsed.program.visit_with(&mut walk);
    walk.requests
}

struct Walk<'a> {
    bindings: &'a Bindings<'a>,
    requests: Vec<Request>,
    /// How many functions and branches are open, that loading the file may not enter.
    skippable: u32,
    /// How many `try` blocks with a `catch` are open.
    tries: u32,
    /// Is the expression at hand the operand of an `await`?
    awaited: bool,
}

impl Walk<'_> {
    fn skippable(&mut self, visit: impl FnOnce(&mut Self)) {
        self.skippable += 1;
        visit(self);
        self.skippable -= 1;
    }

    fn request(&mut self, specifier: String, form: Form, base: Option<String>, span: swc_core::common::Span) {
        let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
        self.requests.push(Request {
            specifier,
            form,
            base,
            eager: self.skippable == 0 && (form != Form::DynamicImport || self.awaited),
            guarded: self.tries > 0,
            at: (short(offset(span.lo)), short(offset(span.hi))),
        });
    }

    fn statement(&mut self, source: &Str, form: Form) {
        self.request(source.value.to_string_lossy().into_owned(), form, None, source.span);
    }

    fn call(&mut self, callee: &Expr, arguments: &[ExprOrSpread]) {
        let Some(ExprOrSpread { spread: None, expr: argument }) = arguments.first() else { return };
        let Some(specifier) = literal(argument) else { return };
        if let Some(Loader::Require(base)) = self.bindings.loader(callee) {
            return self.request(specifier, Form::Require, base, argument.span());
        }
        let Expr::Member(member) = unwrapped(callee) else { return };
        if member_name(&member.prop).as_deref() != Some("resolve") {
            return;
        }
        if let Some(Loader::Require(base)) = self.bindings.loader(&member.obj) {
            self.request(specifier, Form::RequireResolve, base, argument.span());
        } else if matches!(&*member.obj, Expr::MetaProp(meta) if meta.kind == MetaPropKind::ImportMeta) {
            self.request(specifier, Form::ImportResolve, None, argument.span());
        }
    }

    /// Visits the callee; if it is a function written on the spot, its body runs right here.
    fn callee(&mut self, callee: &Expr) {
        match unwrapped(callee) {
            Expr::Fn(function) if !function.function.is_generator => self.body_runs_here(&function.function),
            Expr::Arrow(arrow) => {
                arrow.params.visit_with(self);
                match &*arrow.body {
                    ArrowFunctionBody::FunctionBody(body) => body.visit_with(self),
                    ArrowFunctionBody::Expr(expr) => expr.visit_with(self),
                }
            }
            Expr::Member(member)
                if matches!(member_name(&member.prop).as_deref(), Some("call" | "apply"))
                    && matches!(unwrapped(&member.obj), Expr::Fn(_) | Expr::Arrow(_)) =>
            {
                self.callee(&member.obj);
            }
            _ => callee.visit_with(self),
        }
    }

    fn body_runs_here(&mut self, function: &Function) {
        function.params.visit_with(self);
        function.body.visit_with(self);
    }
}

impl Visit for Walk<'_> {
    fn visit_import_decl(&mut self, import: &ImportDecl) {
        let is_type =
            |specifier: &ImportSpecifier| matches!(specifier, ImportSpecifier::Named(named) if named.is_type_only);
        let only_types = !import.specifiers.is_empty() && import.specifiers.iter().all(is_type);
        if !import.type_only && !only_types {
            self.statement(&import.src, Form::Import);
        }
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        let is_type =
            |specifier: &ExportSpecifier| matches!(specifier, ExportSpecifier::Named(named) if named.is_type_only);
        let only_types = !export.specifiers.is_empty() && export.specifiers.iter().all(is_type);
        if let Some(source) = &export.src
            && !export.type_only
            && !only_types
        {
            self.statement(source, Form::Import);
        }
    }

    fn visit_export_all(&mut self, export: &ExportAll) {
        if !export.type_only {
            self.statement(&export.src, Form::Import);
        }
    }

    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if let TsModuleRef::TsExternalModuleRef(module) = &import.module_ref
            && !import.is_type_only
        {
            self.statement(&module.expr, Form::Require);
        }
    }

    fn visit_ts_type(&mut self, _: &TsType) {}

    fn visit_call_expr(&mut self, call: &CallExpr) {
        let awaited = std::mem::take(&mut self.awaited);
        match &call.callee {
            Callee::Import(_) => {
                let argument = call.args.first().map(|argument| &*argument.expr);
                if let Some((specifier, span)) = argument.and_then(|a| Some((literal(a)?, a.span()))) {
                    self.awaited = awaited;
                    self.request(specifier, Form::DynamicImport, None, span);
                    self.awaited = false;
                }
            }
            Callee::Expr(callee) => {
                self.call(callee, &call.args);
                self.callee(callee);
            }
            Callee::Super(_) => {}
        }
        call.args.visit_with(self);
    }

    fn visit_opt_call(&mut self, call: &OptCall) {
        self.call(&call.callee, &call.args);
        call.visit_children_with(self);
    }

    fn visit_await_expr(&mut self, expr: &AwaitExpr) {
        self.awaited = matches!(&*expr.arg, Expr::Call(_));
        expr.visit_children_with(self);
        self.awaited = false;
    }

    // What loading the file may not enter.

    fn visit_function(&mut self, function: &Function) {
        function.decorators.visit_with(self);
        self.skippable(|walk| walk.body_runs_here(function));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.skippable(|walk| arrow.visit_children_with(walk));
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.skippable(|walk| constructor.visit_children_with(walk));
    }

    fn visit_getter_prop(&mut self, getter: &GetterProp) {
        self.skippable(|walk| getter.visit_children_with(walk));
    }

    fn visit_setter_prop(&mut self, setter: &SetterProp) {
        self.skippable(|walk| setter.visit_children_with(walk));
    }

    fn visit_class_prop(&mut self, prop: &ClassProp) {
        prop.key.visit_with(self);
        prop.decorators.visit_with(self);
        if prop.is_static { prop.value.visit_with(self) } else { self.skippable(|walk| prop.value.visit_with(walk)) }
    }

    fn visit_private_prop(&mut self, prop: &PrivateProp) {
        if prop.is_static { prop.value.visit_with(self) } else { self.skippable(|walk| prop.value.visit_with(walk)) }
    }

    fn visit_if_stmt(&mut self, branch: &IfStmt) {
        branch.test.visit_with(self);
        self.skippable(|walk| {
            branch.cons.visit_with(walk);
            branch.alt.visit_with(walk);
        });
    }

    fn visit_cond_expr(&mut self, branch: &CondExpr) {
        branch.test.visit_with(self);
        self.skippable(|walk| {
            branch.cons.visit_with(walk);
            branch.alt.visit_with(walk);
        });
    }

    fn visit_bin_expr(&mut self, expr: &BinExpr) {
        expr.left.visit_with(self);
        match expr.op {
            BinaryOp::LogicalAnd | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing => {
                self.skippable(|walk| expr.right.visit_with(walk));
            }
            _ => expr.right.visit_with(self),
        }
    }

    fn visit_switch_case(&mut self, case: &SwitchCase) {
        self.skippable(|walk| case.visit_children_with(walk));
    }

    fn visit_for_stmt(&mut self, looped: &ForStmt) {
        looped.init.visit_with(self);
        looped.test.visit_with(self);
        self.skippable(|walk| {
            looped.update.visit_with(walk);
            looped.body.visit_with(walk);
        });
    }

    fn visit_for_in_stmt(&mut self, looped: &ForInStmt) {
        looped.right.visit_with(self);
        self.skippable(|walk| looped.body.visit_with(walk));
    }

    fn visit_for_of_stmt(&mut self, looped: &ForOfStmt) {
        looped.right.visit_with(self);
        self.skippable(|walk| looped.body.visit_with(walk));
    }

    fn visit_while_stmt(&mut self, looped: &WhileStmt) {
        looped.test.visit_with(self);
        self.skippable(|walk| looped.body.visit_with(walk));
    }

    fn visit_do_while_stmt(&mut self, looped: &DoWhileStmt) {
        looped.visit_children_with(self);
    }

    fn visit_try_stmt(&mut self, stmt: &TryStmt) {
        let caught = u32::from(stmt.handler.is_some());
        self.tries += caught;
        stmt.block.visit_with(self);
        self.tries -= caught;
        self.skippable(|walk| stmt.handler.visit_with(walk));
        stmt.finalizer.visit_with(self);
    }
}
