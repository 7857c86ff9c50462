//! `schedule()` and `stream()` of `@netlify/functions`. In: a file's exports and imports. Out: what
//! the handler is wrapped in, and the cron expression. Renamed, namespace and destructured imports
//! are followed, and bindings of the same file.

use rustc_hash::FxHashMap;
use swc_core::common::Spanned;
use swc_core::ecma::ast::{
    CallExpr, Callee, Decl, Expr, Id, ImportSpecifier, ModuleDecl, ModuleExportName, ModuleItem, ObjectPatProp, Pat,
    Program, PropName, Stmt, VarDecl,
};

use super::Schedule;
use super::exports::Exports;
use crate::js::literal::{member_name, text, unwrapped};

/// The package that the helpers come from.
const PACKAGE: &str = "@netlify/functions";

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Helper {
    Schedule,
    Stream,
    /// The whole package.
    Package,
}

/// What the handler is wrapped in.
#[derive(Default)]
pub(super) struct Wrapped {
    pub(super) schedule: Option<Schedule<swc_core::common::Span>>,
    pub(super) stream: bool,
}

/// Looks at the exported `handler`.
pub(super) fn find(program: &Program, exports: &Exports<'_>) -> Wrapped {
    let mut helpers = Helpers::default();
    helpers.collect(program);
    let call = match exports.value("handler") {
        Some(Expr::Call(call)) => helpers.called(call).map(|helper| (helper, call)),
        _ => None,
    };
    match call {
        Some((Helper::Schedule, call)) => {
            let cron = call.args.first().map(|argument| exports.followed(&argument.expr));
            let schedule = match cron.and_then(text) {
                Some(cron) => Schedule::Cron(cron, call.args[0].span()),
                None => Schedule::Unreadable(cron.map_or(call.span, Spanned::span)),
            };
            Wrapped { schedule: Some(schedule), stream: false }
        }
        Some((Helper::Stream, _)) => Wrapped { schedule: None, stream: true },
        _ => Wrapped { schedule: helpers.imported.map(Schedule::Unused), stream: false },
    }
}

#[derive(Default)]
struct Helpers {
    known: FxHashMap<Id, Helper>,
    /// Where `schedule` itself is imported.
    imported: Option<swc_core::common::Span>,
}

impl Helpers {
    fn collect(&mut self, program: &Program) {
        let statements: Vec<&Stmt> = match program {
            Program::Script(script) => script.body.iter().collect(),
            Program::Module(module) => {
                for item in &module.body {
                    if let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item
                        && import.src.value.to_string_lossy() == PACKAGE
                        && !import.type_only
                    {
                        import.specifiers.iter().for_each(|specifier| self.import(specifier));
                    }
                }
                module.body.iter().filter_map(|item| item.as_stmt()).collect()
            }
        };
        for statement in statements {
            if let Stmt::Decl(Decl::Var(variables)) = statement {
                self.require(variables);
            }
        }
    }

    fn import(&mut self, specifier: &ImportSpecifier) {
        match specifier {
            ImportSpecifier::Named(named) if !named.is_type_only => {
                let imported = match &named.imported {
                    None => named.local.sym.to_string(),
                    Some(ModuleExportName::Ident(ident)) => ident.sym.to_string(),
                    Some(ModuleExportName::Str(text)) => text.value.to_string_lossy().into_owned(),
                };
                self.learn(&imported, named.local.to_id(), named.span);
            }
            ImportSpecifier::Named(_) => {}
            ImportSpecifier::Default(default) => {
                self.known.insert(default.local.to_id(), Helper::Package);
            }
            ImportSpecifier::Namespace(namespace) => {
                self.known.insert(namespace.local.to_id(), Helper::Package);
            }
        }
    }

    /// `const { schedule } = require('@netlify/functions')`, or the whole of it.
    fn require(&mut self, variables: &VarDecl) {
        for variable in &variables.decls {
            let Some(Expr::Call(call)) = variable.init.as_ref().map(|init| unwrapped(init)) else { continue };
            if !is_require_of_package(call) {
                continue;
            }
            match &variable.name {
                Pat::Ident(name) => {
                    self.known.insert(name.to_id(), Helper::Package);
                }
                Pat::Object(object) => {
                    for prop in &object.props {
                        match prop {
                            ObjectPatProp::Assign(prop) => self.learn(&prop.key.sym, prop.key.to_id(), prop.span),
                            ObjectPatProp::KeyValue(prop) => {
                                if let (PropName::Ident(key), Pat::Ident(local)) = (&prop.key, &*prop.value) {
                                    self.learn(&key.sym, local.to_id(), key.span);
                                }
                            }
                            ObjectPatProp::Rest(_) => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn learn(&mut self, imported: &str, local: Id, at: swc_core::common::Span) {
        match imported {
            "schedule" => {
                self.known.insert(local, Helper::Schedule);
                self.imported = Some(at);
            }
            "stream" => {
                self.known.insert(local, Helper::Stream);
            }
            _ => {}
        }
    }

    /// The helper that is called, if it is one.
    fn called(&self, call: &CallExpr) -> Option<Helper> {
        let Callee::Expr(callee) = &call.callee else { return None };
        match unwrapped(callee) {
            Expr::Ident(ident) => self.known.get(&ident.to_id()).copied().filter(|helper| *helper != Helper::Package),
            Expr::Member(member) => {
                let from_package = match unwrapped(&member.obj) {
                    Expr::Ident(ident) => self.known.get(&ident.to_id()) == Some(&Helper::Package),
                    Expr::Call(call) => is_require_of_package(call),
                    _ => false,
                };
                match member_name(&member.prop)?.as_str() {
                    _ if !from_package => None,
                    "schedule" => Some(Helper::Schedule),
                    "stream" => Some(Helper::Stream),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn is_require_of_package(call: &CallExpr) -> bool {
    let callee = match &call.callee {
        Callee::Expr(callee) => unwrapped(callee),
        _ => return false,
    };
    matches!(callee, Expr::Ident(ident) if &*ident.sym == "require")
        && call.args.first().and_then(|argument| text(&argument.expr)).as_deref() == Some(PACKAGE)
}
