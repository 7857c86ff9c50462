//! Decorators are applied. In: a tree with types, because `emitDecoratorMetadata` tells them. Out: the
//! same without decorators and `accessor` fields. swc applies them; what it does otherwise than
//! TypeScript is put right here.

use swc_core::common::{DUMMY_SP, Mark, Span, SyntaxContext};
use swc_core::ecma::ast::{
    AssignExpr, AssignOp, AutoAccessor, BindingIdent, BlockStmt, CallExpr, Callee, Class, ClassMember, Decl, Decorator,
    DefaultDecl, Expr, ExprStmt, Id, Ident, KeyValueProp, ModuleDecl, ModuleItem, Param, Pat, Program, Prop, PropName,
    StaticBlock, Stmt, ThisExpr, TsParamProp, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_core::ecma::transforms::proposal::decorator_2023_11::decorator_2023_11;
use swc_core::ecma::transforms::proposal::decorators as legacy;
use swc_core::ecma::visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::specifiers::is_named;
use super::{Decorators, Module, Work, accessors, metadata};
use crate::diagnostic::Code;

/// Applies all decorators of the file.
pub(super) fn apply(program: &mut Program, work: &Work<'_>, module: Module) {
    let mut found = Found::default();
    program.visit_with(&mut found);
    if found.accessor {
        accessors::drop_abstract(program);
    }
    let Decorators::Legacy { metadata: tell } = work.options.decorators else {
        if let Some(span) = found.parameter {
            let message = "decorators of parameters are TypeScript's own";
            let hint = "set `experimentalDecorators` in tsconfig.json";
            work.said.error(Code::Syntax, Some(span), message, hint);
        } else if found.decorator {
            program.mutate(decorator_2023_11());
        } else if found.accessor {
            lower_accessors(program);
        }
        return;
    };
    if found.accessor {
        lower_accessors(program);
    }
    if found.decorator {
        if tell {
            metadata::prepare(program, work, module);
        }
        program.mutate(legacy::decorators(legacy::Config {
            legacy: true,
            emit_metadata: tell,
            use_define_for_class_fields: work.options.use_define_for_class_fields,
        }));
        if tell {
            metadata::restore(program);
        }
        program.visit_mut_with(&mut Settler);
    }
}

fn lower_accessors(program: &mut Program) {
    accessors::lower(program);
    let mut found = Found::default();
    program.visit_with(&mut found);
    if found.accessor && !found.decorator {
        program.mutate(decorator_2023_11());
    }
}

/// What there is to do.
#[derive(Default)]
struct Found {
    decorator: bool,
    accessor: bool,
    parameter: Option<Span>,
}

impl Visit for Found {
    fn visit_decorator(&mut self, decorator: &Decorator) {
        self.decorator = true;
        decorator.visit_children_with(self);
    }

    fn visit_auto_accessor(&mut self, accessor: &AutoAccessor) {
        self.accessor = true;
        accessor.visit_children_with(self);
    }

    fn visit_param(&mut self, parameter: &Param) {
        self.parameter = self.parameter.or(parameter.decorators.first().map(|decorator| decorator.span));
        parameter.visit_children_with(self);
    }

    fn visit_ts_param_prop(&mut self, parameter: &TsParamProp) {
        self.parameter = self.parameter.or(parameter.decorators.first().map(|decorator| decorator.span));
        parameter.visit_children_with(self);
    }
}

/// Inside of a class its name is the class as it is written; TypeScript means the one that its
/// decorators give. And instance members are decorated before static ones.
struct Settler;

impl VisitMut for Settler {
    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        settle(items);
    }

    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.visit_mut_children_with(self);
        settle(statements);
    }
}

fn settle<T: Item>(items: &mut Vec<T>) {
    let mut at = 0;
    while at < items.len() {
        let is_member = |item: &&T| item.expression().and_then(decorated_member).is_some();
        let run = items[at..].iter().take_while(is_member).count();
        items[at..at + run].sort_by_key(Item::is_static_decoration);
        at += run.max(1);
    }
    let mut aliases = Vec::new();
    for at in 0..items.len() {
        let Some(id) = items[at].expression().and_then(decorated_class) else { continue };
        let Some(class) = items[..at].iter_mut().find_map(|item| item.class(&id)) else { continue };
        let scope = SyntaxContext::empty().apply_mark(Mark::new());
        let alias = Ident::new(format!("{}_1", id.0).into(), DUMMY_SP, scope);
        let mut renamer = Alias { id: &id, alias: &alias, used: false };
        class.body.visit_mut_with(&mut renamer);
        if !renamer.used {
            continue;
        }
        let this = Box::new(Expr::This(ThisExpr { span: DUMMY_SP }));
        let statement = Stmt::Expr(ExprStmt { span: DUMMY_SP, expr: assign(&alias, this) });
        let body = BlockStmt { stmts: vec![statement], ..Default::default() };
        class.body.insert(0, ClassMember::StaticBlock(StaticBlock { span: DUMMY_SP, body }));
        if let Some(Expr::Assign(assignment)) = items[at].expression_mut() {
            let decorated = std::mem::replace(&mut assignment.right, Box::new(Expr::default()));
            assignment.right = assign(&alias, decorated);
        }
        aliases.push(alias);
    }
    if !aliases.is_empty() {
        let first = items.iter().position(|item| !item.is_directive()).unwrap_or(0);
        items.insert(first, T::of(declaration(aliases)));
    }
}

fn assign(to: &Ident, right: Box<Expr>) -> Box<Expr> {
    let left = BindingIdent::from(to.clone()).into();
    Box::new(Expr::Assign(AssignExpr { span: DUMMY_SP, op: AssignOp::Assign, left, right }))
}

fn declaration(names: Vec<Ident>) -> Stmt {
    let declarator =
        |name: Ident| VarDeclarator { span: DUMMY_SP, name: Pat::Ident(name.into()), init: None, definite: false };
    let decls = names.into_iter().map(declarator).collect();
    Stmt::Decl(Decl::Var(Box::new(VarDecl { kind: VarDeclKind::Let, decls, ..Default::default() })))
}

/// The target of `_ts_decorate([…], target, "name", …)`.
fn decorated_member(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Call(CallExpr { callee: Callee::Expr(callee), args, .. })
            if args.len() > 2 && is_named(callee, "_ts_decorate") =>
        {
            Some(&args[1].expr)
        }
        _ => None,
    }
}

/// The class of `Name = _ts_decorate([…], Name)`.
fn decorated_class(expr: &Expr) -> Option<Id> {
    let Expr::Assign(AssignExpr { right, .. }) = expr else { return None };
    match &**right {
        Expr::Call(CallExpr { callee: Callee::Expr(callee), args, .. }) if is_named(callee, "_ts_decorate") => {
            args.get(1)?.expr.as_ident().map(Ident::to_id)
        }
        _ => None,
    }
}

struct Alias<'a> {
    id: &'a Id,
    alias: &'a Ident,
    used: bool,
}

impl VisitMut for Alias<'_> {
    fn visit_mut_ident(&mut self, ident: &mut Ident) {
        if ident.sym == self.id.0 && ident.ctxt == self.id.1 {
            *ident = Ident { span: ident.span, ..self.alias.clone() };
            self.used = true;
        }
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(name) = prop
            && name.to_id() == *self.id
        {
            let key = PropName::Ident(name.clone().into());
            *prop = Prop::KeyValue(KeyValueProp { key, value: name.clone().into() });
        }
        prop.visit_mut_children_with(self);
    }
}

/// Statements, or what stands at the top of a module.
trait Item: Sized {
    fn of(statement: Stmt) -> Self;
    fn expression(&self) -> Option<&Expr>;
    fn expression_mut(&mut self) -> Option<&mut Expr>;
    /// The class that it declares, if it has this name.
    fn class(&mut self, id: &Id) -> Option<&mut Class>;

    fn is_directive(&self) -> bool {
        matches!(self.expression(), Some(Expr::Lit(_)))
    }

    fn is_static_decoration(&self) -> bool {
        self.expression().and_then(decorated_member).is_some_and(Expr::is_ident)
    }
}

impl Item for Stmt {
    fn of(statement: Stmt) -> Self {
        statement
    }

    fn expression(&self) -> Option<&Expr> {
        match self {
            Self::Expr(statement) => Some(&statement.expr),
            _ => None,
        }
    }

    fn expression_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Self::Expr(statement) => Some(&mut statement.expr),
            _ => None,
        }
    }

    fn class(&mut self, id: &Id) -> Option<&mut Class> {
        match self {
            Self::Decl(Decl::Class(class)) if class.ident.to_id() == *id => Some(&mut class.class),
            _ => None,
        }
    }
}

impl Item for ModuleItem {
    fn of(statement: Stmt) -> Self {
        Self::Stmt(statement)
    }

    fn expression(&self) -> Option<&Expr> {
        match self {
            Self::Stmt(statement) => statement.expression(),
            Self::ModuleDecl(_) => None,
        }
    }

    fn expression_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Self::Stmt(statement) => statement.expression_mut(),
            Self::ModuleDecl(_) => None,
        }
    }

    fn class(&mut self, id: &Id) -> Option<&mut Class> {
        match self {
            Self::Stmt(statement) => statement.class(id),
            Self::ModuleDecl(ModuleDecl::ExportDecl(export)) => match &mut export.decl {
                Decl::Class(class) if class.ident.to_id() == *id => Some(&mut class.class),
                _ => None,
            },
            Self::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => match &mut export.decl {
                DefaultDecl::Class(class) if class.ident.as_ref().map(Ident::to_id).as_ref() == Some(id) => {
                    Some(&mut class.class)
                }
                _ => None,
            },
            Self::ModuleDecl(_) => None,
        }
    }
}
