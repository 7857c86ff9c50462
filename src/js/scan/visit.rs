//! The walk over a file's syntax tree. In: the tree and its names. Out: the requests, each with whether
//! loading the file always reaches it and whether a `try` catches its failure; the files that it names;
//! and what of both could not be told.

use std::collections::BTreeSet;

use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AwaitExpr, BinExpr, BinaryOp, CallExpr, Callee, ClassProp, CondExpr,
    Constructor, DoWhileStmt, ExportAll, ExportSpecifier, Expr, ExprOrSpread, ForInStmt, ForOfStmt, ForStmt, Function,
    GetterProp, IfStmt, ImportDecl, ImportSpecifier, KeyValueProp, MemberExpr, NamedExport, NewExpr, OptCall,
    PrivateProp, SetterProp, Str, SwitchCase, TryStmt, TsImportEqualsDecl, TsModuleRef, TsType, VarDeclarator,
    WhileStmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::Scope;
use super::node::{self, Reads};
use super::value::{Anchor, Anchored, FILE_URL, UNKNOWN, Value};
use super::{Asset, Form, Pattern, Request, Scan, Unclear, Unknown};
use crate::js::literal::{member_name, unwrapped};
use crate::js::parse::{Parsed, offset};

/// What the file asks for.
pub(super) fn look(parsed: &Parsed, scope: &Scope<'_>) -> Scan {
    let mut walk = Walk { scope, scan: Scan::default(), skippable: 0, tries: 0, awaited: false, bound: 0, told: 0 };
    parsed.program.visit_with(&mut walk);
    walk.scan
}

struct Walk<'a> {
    scope: &'a Scope<'a>,
    scan: Scan,
    /// How many functions and branches are open, that loading the file may not enter.
    skippable: u32,
    /// How many `try` blocks with a `catch` are open.
    tries: u32,
    /// Is the expression at hand the operand of an `await`?
    awaited: bool,
    /// How many expressions are open that a name is given to.
    bound: u32,
    /// How many expressions are open whose files have been told.
    told: u32,
}

/// Byte offsets.
fn offsets(span: Span) -> (u32, u32) {
    let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
    (short(offset(span.lo)), short(offset(span.hi)))
}

impl Walk<'_> {
    fn skippable(&mut self, visit: impl FnOnce(&mut Self)) {
        self.skippable += 1;
        visit(self);
        self.skippable -= 1;
    }

    /// Visits what is below an expression whose files are known.
    fn told(&mut self, visit: impl FnOnce(&mut Self)) {
        self.told += 1;
        visit(self);
        self.told -= 1;
    }

    fn is_eager(&self, form: Form) -> bool {
        self.skippable == 0 && (form != Form::DynamicImport || self.awaited)
    }

    fn request(&mut self, specifier: String, form: Form, base: Option<String>, span: Span) {
        let (eager, guarded) = (self.is_eager(form), self.tries > 0);
        self.scan.requests.push(Request { specifier, form, base, eager, guarded, at: offsets(span) });
    }

    fn statement(&mut self, source: &Str, form: Form) {
        self.request(source.value.to_string_lossy().into_owned(), form, None, source.span);
    }

    /// Requests for everything that the argument may be.
    fn request_any(&mut self, argument: &Expr, form: Form, base: Option<&str>) {
        let values = self.scope.values(argument);
        for text in values.iter().filter_map(Value::as_text) {
            self.request_text(text, form, base, argument.span());
        }
    }

    fn request_text(&mut self, text: &str, form: Form, base: Option<&str>, span: Span) {
        let is_relative = text.starts_with("./") || text.starts_with("../") || matches!(text, "." | "..");
        let anchored = Anchored::of(text).or_else(|| {
            let directory = Anchor::Directory.directory();
            let from = is_relative && text.contains(UNKNOWN);
            Anchored::of(&format!("{directory}/{}{text}", base.unwrap_or_default())).filter(|_| from)
        });
        match anchored {
            Some(at) if at.is_own_file => {}
            Some(at) if at.path.contains(UNKNOWN) => {
                let eager = self.is_eager(form);
                self.scan.patterns.push(Pattern { path: at, form, eager, at: offsets(span) });
            }
            Some(Anchored { anchor: Anchor::Directory, path, .. }) => {
                let specifier = if path.starts_with("..") { path } else { format!("./{path}") };
                self.request(specifier, form, None, span);
            }
            Some(at) => self.asset(vec![at], false, span),
            None if text.contains(UNKNOWN) => {
                let what = Unknown::Package(text.to_owned());
                self.scan.unclear.push(Unclear { what, at: offsets(span) });
            }
            None => self.request(text.to_owned(), form, base.map(str::to_owned), span),
        }
    }

    fn asset(&mut self, paths: Vec<Anchored>, lists: bool, span: Span) {
        let asset = Asset { paths, lists, is_bound: self.bound > 0, at: offsets(span) };
        self.scan.assets.push(asset);
    }

    /// A call of one of Node's functions; true if the files of its arguments are told.
    fn call(&mut self, callee: &Expr, arguments: &[ExprOrSpread]) -> bool {
        let plain = |index: usize| arguments.get(index).filter(|one| one.spread.is_none()).map(|one| &*one.expr);
        let Some(first) = plain(0) else { return false };
        match self.scope.value(callee) {
            Value::Require(base) => self.request_any(first, Form::Require, base.as_deref()),
            Value::Function(function) => {
                let Some(argument) = function.requires.and_then(plain) else { return false };
                if self.scope.values(argument).iter().any(|value| value.as_text().is_some()) {
                    self.request_any(argument, Form::Require, None);
                }
            }
            Value::Node(function) => match &*function {
                "require.resolve" => self.request_any(first, Form::RequireResolve, None),
                "import.meta.resolve" => self.request_any(first, Form::ImportResolve, None),
                "module.register" => self.request_any(first, Form::Import, None),
                "resolve-from" => {
                    if let Some(specifier) = plain(1) {
                        self.request_any(specifier, Form::RequireResolve, None);
                    }
                }
                "child_process.fork" => return self.program(first),
                function => match node::reads(function) {
                    Some(reads) => return self.reads(first, function, reads),
                    None => return false,
                },
            },
            _ => {
                // `createRequire(…).resolve`
                let Expr::Member(member) = unwrapped(callee) else { return false };
                let is_resolve = member_name(&member.prop).as_deref() == Some("resolve");
                let Value::Require(base) = self.scope.value(&member.obj) else { return false };
                if !is_resolve {
                    return false;
                }
                self.request_any(first, Form::RequireResolve, base.as_deref());
            }
        }
        true
    }

    /// The program of a worker or of another process: what is relative is seen from the working
    /// directory, as Node sees it, else from the file, as many take it.
    fn program(&mut self, argument: &Expr) -> bool {
        let mut is_told = false;
        for text in self.scope.values(argument).iter().filter_map(Value::as_text) {
            let here = format!("{}/{text}", Anchor::Directory.directory());
            let is_relative = !text.starts_with('/') && !text.starts_with(FILE_URL);
            let places = [Anchored::from_working_directory(text), Anchored::of(&here).filter(|_| is_relative)];
            let places: Vec<Anchored> = places.into_iter().flatten().collect();
            if !places.is_empty() {
                self.asset(places, false, argument.span());
                is_told = true;
            }
        }
        is_told
    }

    /// The path that a function of `fs` is called with.
    fn reads(&mut self, argument: &Expr, function: &str, reads: Reads) -> bool {
        let values = self.scope.values(argument);
        let places: Vec<Anchored> =
            values.iter().filter_map(Value::as_text).filter_map(Anchored::from_working_directory).collect();
        let is_told = !places.is_empty();
        for place in places {
            self.asset(vec![place], reads == Reads::Directory, argument.span());
        }
        let is_unclear = |value: &Value| match value {
            Value::Unknown => true,
            Value::Text(text) => text.starts_with(UNKNOWN),
            _ => false,
        };
        if !is_told && values.iter().any(is_unclear) {
            let name = function.trim_start_matches("fs.").to_owned();
            let is_tree = reads == Reads::Directory || matches!(&*name, "cp" | "cpSync");
            let what = if is_tree { Unknown::Directory(name) } else { Unknown::File(name) };
            self.scan.unclear.push(Unclear { what, at: offsets(argument.span()) });
        }
        is_told
    }

    /// Tells the files that an expression names; true if there is nothing else in it.
    fn names_files(&mut self, expr: &Expr) -> bool {
        let values = self.scope.values(expr);
        let mut places = BTreeSet::new();
        values.iter().for_each(|value| anchored(value, &mut places));
        let all = !places.is_empty() && !values.contains(&Value::Unknown);
        places.into_iter().for_each(|place| self.asset(vec![place], false, expr.span()));
        all
    }

    /// Visits arguments; the first may have been told.
    fn arguments(&mut self, arguments: &[ExprOrSpread], is_told: bool) {
        for (index, argument) in arguments.iter().enumerate() {
            if index == 0 && is_told {
                self.told(|walk| argument.visit_with(walk));
            } else {
                argument.visit_with(self);
            }
        }
    }

    fn given_a_name(&mut self, visit: impl FnOnce(&mut Self)) {
        self.bound += 1;
        visit(self);
        self.bound -= 1;
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
        let bound = std::mem::take(&mut self.bound);
        function.params.visit_with(self);
        function.body.visit_with(self);
        self.bound = bound;
    }
}

/// The places that a value names, also those in it.
fn anchored(value: &Value, places: &mut BTreeSet<Anchored>) {
    match value {
        Value::Text(text) => places.extend(Anchored::of(text)),
        Value::Array(items) => items.iter().flatten().for_each(|value| anchored(value, places)),
        Value::Object(members) => members.values().flatten().for_each(|value| anchored(value, places)),
        _ => {}
    }
}

impl Visit for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        let may_be_a_path = matches!(
            expr,
            Expr::Ident(_)
                | Expr::Member(_)
                | Expr::OptChain(_)
                | Expr::Call(_)
                | Expr::New(_)
                | Expr::Tpl(_)
                | Expr::Bin(_)
                | Expr::Cond(_)
        );
        if may_be_a_path && self.told == 0 && self.names_files(expr) {
            self.told(|walk| expr.visit_children_with(walk));
        } else {
            expr.visit_children_with(self);
        }
    }

    /// What a member is taken of is no use of it.
    fn visit_member_expr(&mut self, member: &MemberExpr) {
        if !matches!(&*member.obj, Expr::Ident(_) | Expr::MetaProp(_)) {
            member.obj.visit_with(self);
        }
        member.prop.visit_with(self);
    }

    fn visit_var_declarator(&mut self, variable: &VarDeclarator) {
        variable.name.visit_with(self);
        self.given_a_name(|walk| variable.init.visit_with(walk));
    }

    fn visit_assign_expr(&mut self, assignment: &AssignExpr) {
        assignment.left.visit_with(self);
        self.given_a_name(|walk| assignment.right.visit_with(walk));
    }

    fn visit_key_value_prop(&mut self, pair: &KeyValueProp) {
        pair.key.visit_with(self);
        self.given_a_name(|walk| pair.value.visit_with(walk));
    }

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
                if let Some(argument) = call.args.first() {
                    self.awaited = awaited;
                    self.request_any(&argument.expr, Form::DynamicImport, None);
                    self.awaited = false;
                }
                self.told(|walk| call.args.visit_with(walk));
            }
            Callee::Expr(callee) => {
                let is_told = self.call(callee, &call.args);
                self.callee(callee);
                self.arguments(&call.args, is_told);
            }
            Callee::Super(_) => call.args.visit_with(self),
        }
    }

    fn visit_opt_call(&mut self, call: &OptCall) {
        let is_told = self.call(&call.callee, &call.args);
        call.callee.visit_with(self);
        self.arguments(&call.args, is_told);
    }

    fn visit_new_expr(&mut self, new: &NewExpr) {
        let arguments = new.args.as_deref().unwrap_or_default();
        let is_worker = matches!(self.scope.value(&new.callee), Value::Node(name) if &*name == "worker_threads.Worker");
        let is_told = is_worker && arguments.first().is_some_and(|program| self.program(&program.expr));
        new.callee.visit_with(self);
        self.arguments(arguments, is_told);
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
