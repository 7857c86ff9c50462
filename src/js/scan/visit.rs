//! The walk over a file's syntax tree. In: the tree and its names. Out: the requests, each with whether
//! loading the file always reaches it and whether a `try` catches its failure; the files that it names;
//! and what of both could not be told.

use rustc_hash::FxHashMap;
use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{
    ArrayLit, ArrowExpr, ArrowFunctionBody, AssignExpr, AwaitExpr, BinExpr, BinaryOp, CallExpr, Callee, ClassProp,
    CondExpr, Constructor, DoWhileStmt, ExportAll, ExportSpecifier, Expr, ExprOrSpread, ForInStmt, ForOfStmt, ForStmt,
    Function, GetterProp, Ident, IfStmt, ImportDecl, ImportSpecifier, KeyValueProp, MemberExpr, NamedExport, NewExpr,
    OptCall, PrivateProp, SetterProp, Str, SwitchStmt, TryStmt, TsImportEqualsDecl, TsModuleDecl, TsModuleRef, TsType,
    VarDeclarator, WhileStmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::evaluate::Scope;
use super::platform::{Branches, Condition};
use super::types::{self, Used};
use super::value::{Base, Value};
use super::{Form, Request, Scan};
use crate::js::literal::{member_name, unwrapped};
use crate::js::parse::{Parsed, is_typescript, offset};

/// What the file asks for.
pub(super) fn look(parsed: &Parsed, scope: &Scope<'_>, extension: &str, is_plain: bool) -> Scan {
    let used = is_typescript(extension).then(|| types::used(&parsed.program));
    let (scan, lists, only_on) = Default::default();
    let mut walk = Walk {
        used,
        only_on,
        scope,
        scan,
        is_plain,
        skippable: 0,
        tries: 0,
        awaited: false,
        bound: None,
        told: 0,
        lists,
    };
    parsed.program.visit_with(&mut walk);
    walk.scan
}

pub(super) struct Walk<'a> {
    /// What is used as a value, where there are types.
    used: Option<Used>,
    pub(super) scope: &'a Scope<'a>,
    pub(super) scan: Scan,
    /// Nothing has to be worked out.
    pub(super) is_plain: bool,
    /// How many functions and branches are open, that loading the file may not enter.
    skippable: u32,
    /// How many `try` blocks with a `catch` are open.
    pub(super) tries: u32,
    /// Is the expression at hand the operand of an `await`?
    awaited: bool,
    /// The expression that a name is given to.
    pub(super) bound: Option<Span>,
    /// What holds of the platform here.
    pub(super) only_on: Vec<Condition>,
    /// How many expressions are open whose files have been told.
    told: u32,
    /// Lists whose files need not be told again, and whether they name nothing else.
    pub(super) lists: FxHashMap<usize, (Value, bool)>,
}

/// Byte offsets.
pub(super) fn offsets(span: Span) -> (u32, u32) {
    let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
    (short(offset(span.lo)), short(offset(span.hi)))
}

impl Walk<'_> {
    pub(super) fn skippable(&mut self, visit: impl FnOnce(&mut Self)) {
        self.skippable += 1;
        visit(self);
        self.skippable -= 1;
    }

    /// Visits what may be skipped, and what only some platforms come to.
    fn on(&mut self, conditions: Vec<Condition>, visit: impl FnOnce(&mut Self)) {
        let around = self.only_on.len();
        self.only_on.extend(conditions);
        self.skippable(visit);
        self.only_on.truncate(around);
    }

    /// What a test says of the platform.
    fn branches(&self, test: &Expr) -> Branches {
        if self.is_plain { Branches::default() } else { self.scope.branches(test) }
    }

    /// Visits what is below an expression whose files are known.
    fn told(&mut self, visit: impl FnOnce(&mut Self)) {
        self.told += 1;
        visit(self);
        self.told -= 1;
    }

    pub(super) fn is_eager(&self, form: Form) -> bool {
        self.skippable == 0 && (form != Form::DynamicImport || self.awaited)
    }

    pub(super) fn request(&mut self, specifier: String, form: Form, base: Option<Base>, span: Span) {
        let (eager, guarded) = (self.is_eager(form), self.tries > 0);
        let at = offsets(span);
        self.scan.requests.push(Request {
            specifier,
            base,
            eager,
            guarded,
            is_literal: false,
            only_on: self.only_on.clone(),
            at,
            ..Request::plain("", form)
        });
    }

    fn statement(&mut self, source: &Str, form: Form, only_types: bool) {
        self.request(source.value.to_string_lossy().into_owned(), form, None, source.span);
        if let Some(request) = self.scan.requests.last_mut() {
            request.only_types = only_types;
            request.is_literal = true;
        }
    }

    /// Is the import of these names used by no value?
    fn is_unused(&self, local: &Ident) -> bool {
        self.used.as_ref().is_some_and(|used| !used.contains(local))
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

    fn given_a_name(&mut self, named: Span, visit: impl FnOnce(&mut Self)) {
        let around = self.bound.replace(named);
        visit(self);
        self.bound = around;
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

fn without_parens(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => without_parens(&paren.expr),
        expr => expr,
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
        if may_be_a_path && !self.is_plain && self.told == 0 && self.names_files(expr) {
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
        if let Some(init) = &variable.init {
            self.given_a_name(init.span(), |walk| init.visit_with(walk));
        }
    }

    fn visit_assign_expr(&mut self, assignment: &AssignExpr) {
        assignment.left.visit_with(self);
        self.given_a_name(assignment.right.span(), |walk| assignment.right.visit_with(walk));
    }

    fn visit_key_value_prop(&mut self, pair: &KeyValueProp) {
        pair.key.visit_with(self);
        // A transport is loaded in a worker, by its name: `pino({ transport: { target: 'pino-pretty' } })`.
        let logs = |request: &Request| matches!(request.specifier.as_str(), "pino" | "fastify" | "pino-http");
        if self.scope.key(&pair.key).as_deref() == Some("target") && self.scan.requests.iter().any(logs) {
            self.optional(&pair.value);
        }
        self.given_a_name(pair.value.span(), |walk| pair.value.visit_with(walk));
    }

    fn visit_import_decl(&mut self, import: &ImportDecl) {
        let is_type = |specifier: &ImportSpecifier| match specifier {
            ImportSpecifier::Named(named) => named.is_type_only || self.is_unused(&named.local),
            ImportSpecifier::Default(default) => self.is_unused(&default.local),
            ImportSpecifier::Namespace(namespace) => self.is_unused(&namespace.local),
        };
        let only_types = !import.specifiers.is_empty() && import.specifiers.iter().all(is_type);
        if !import.type_only {
            self.statement(&import.src, Form::Import, only_types);
            let is_told =
                |specifier: &ImportSpecifier| self.used.as_ref().is_some_and(|used| used.is_told(specifier.local()));
            let is_told = only_types && import.specifiers.iter().any(is_told);
            self.scan.requests.iter_mut().last().into_iter().for_each(|request| request.is_told = is_told);
        }
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        let is_type =
            |specifier: &ExportSpecifier| matches!(specifier, ExportSpecifier::Named(named) if named.is_type_only);
        let only_types = !export.specifiers.is_empty() && export.specifiers.iter().all(is_type);
        if let (Some(source), false) = (&export.src, export.type_only) {
            self.statement(source, Form::Import, only_types);
        }
    }

    fn visit_export_all(&mut self, export: &ExportAll) {
        if !export.type_only {
            self.statement(&export.src, Form::Import, false);
        }
    }

    fn visit_ts_import_equals_decl(&mut self, import: &TsImportEqualsDecl) {
        if let TsModuleRef::TsExternalModuleRef(module) = &import.module_ref
            && !import.is_type_only
        {
            self.statement(&module.expr, Form::Require, !import.is_export && self.is_unused(&import.id));
        }
    }

    /// `declare module './a' { … }` loads nothing.
    fn visit_ts_module_decl(&mut self, module: &TsModuleDecl) {
        if !module.declare && !module.global {
            module.visit_children_with(self);
        }
    }

    /// Browserify's `[function (require, module, exports) { … }, { pkg: undefined }]`: what has no number
    /// is left to Node.
    fn visit_array_lit(&mut self, array: &ArrayLit) {
        if let [Some(function), Some(map)] = array.elems.as_slice()
            && let (Expr::Fn(function), Expr::Object(map)) = (unwrapped(&function.expr), unwrapped(&map.expr))
            && function
                .function
                .params
                .first()
                .and_then(|first| first.pat.as_ident())
                .is_some_and(|name| name.sym == "require")
        {
            for pair in map.props.iter().filter_map(|prop| prop.as_prop()?.as_key_value()) {
                let is_left = self.scope.value(&pair.value) == Value::Undefined;
                if let Some(specifier) = self.scope.key(&pair.key).filter(|_| is_left) {
                    self.skippable(|walk| walk.request_text(&specifier, Form::Require, None, pair.key.span()));
                }
            }
        }
        array.visit_children_with(self);
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
        let is_worker = !self.is_plain
            && matches!(self.scope.value(&new.callee), Value::Node(name) if &*name == "worker_threads.Worker");
        let is_text = arguments.get(1).is_some_and(|options| match self.scope.value(&options.expr) {
            Value::Object(options) => options.get("eval").is_some_and(|eval| eval[0].is_true() != Some(false)),
            _ => false,
        });
        let is_told = is_worker && !is_text && arguments.first().is_some_and(|program| self.program(&program.expr));
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
        let Branches { taken, other } = self.branches(&branch.test);
        self.on(taken, |walk| branch.cons.visit_with(walk));
        self.on(other, |walk| branch.alt.visit_with(walk));
    }

    fn visit_cond_expr(&mut self, branch: &CondExpr) {
        branch.test.visit_with(self);
        let Branches { taken, other } = self.branches(&branch.test);
        self.on(taken, |walk| branch.cons.visit_with(walk));
        self.on(other, |walk| branch.alt.visit_with(walk));
    }

    /// A long chain has been looked at as a whole: not once more for each part that it begins with.
    fn visit_bin_expr(&mut self, expr: &BinExpr) {
        let (mut first, mut rest) = (&*expr.left, vec![&*expr.right]);
        while let Some(before) = without_parens(first).as_bin().filter(|before| before.op == expr.op) {
            rest.push(&before.right);
            first = &before.left;
        }
        first.visit_with(self);
        let is_skippable = matches!(expr.op, BinaryOp::LogicalAnd | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing);
        let around = self.only_on.len();
        let mut before = first;
        for right in rest.into_iter().rev() {
            if is_skippable {
                let Branches { taken, other } = self.branches(before);
                self.only_on.extend(if expr.op == BinaryOp::LogicalAnd { taken } else { other });
                self.skippable(|walk| right.visit_with(walk));
            } else {
                right.visit_with(self);
            }
            before = right;
        }
        self.only_on.truncate(around);
    }

    fn visit_switch_stmt(&mut self, switch: &SwitchStmt) {
        switch.discriminant.visit_with(self);
        let conditions = if self.is_plain {
            vec![Vec::new(); switch.cases.len()]
        } else {
            self.scope.cases(&switch.discriminant, &switch.cases)
        };
        for (case, conditions) in switch.cases.iter().zip(conditions) {
            self.on(conditions, |walk| case.visit_children_with(walk));
        }
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
