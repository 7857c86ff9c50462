//! What a main file says about its function. In: a syntax tree. Out: an [`Analysis`]: the kind of
//! module it is and the exports that the platform looks for. Never follows an import.

use swc_core::ecma::ast::{
    AssignTarget, Decl, ExportSpecifier, Expr, ModuleDecl, ModuleExportName, ModuleItem, Pat, Prop, PropName,
    PropOrSpread, SimpleAssignTarget, Stmt,
};

use super::parse::Parsed;

/// What can be read off a main file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Analysis {
    /// It has import or export statements.
    pub is_esm: bool,
    /// It exports `handler`.
    pub has_handler: bool,
    /// It has a default export.
    pub has_default: bool,
}

impl Analysis {
    /// The version of the platform's API that the function is written for: 2 with a default export
    /// and no `handler` (spec: functions.md section 2).
    pub fn api_version(self) -> u8 {
        if self.has_default && !self.has_handler { 2 } else { 1 }
    }
}

/// Reads the top level of a main file.
pub fn analyse(parsed: &Parsed) -> Analysis {
    let mut analysis = Analysis::default();
    match &parsed.program {
        swc_core::ecma::ast::Program::Module(module) => {
            for item in &module.body {
                match item {
                    ModuleItem::ModuleDecl(declaration) => {
                        analysis.is_esm = true;
                        analysis.export(declaration);
                    }
                    ModuleItem::Stmt(statement) => analysis.statement(statement),
                }
            }
        }
        swc_core::ecma::ast::Program::Script(script) => {
            for statement in &script.body {
                analysis.statement(statement);
            }
        }
    }
    analysis
}

impl Analysis {
    fn name(&mut self, name: &str) {
        match name {
            "handler" => self.has_handler = true,
            "default" => self.has_default = true,
            _ => {}
        }
    }

    fn export(&mut self, declaration: &ModuleDecl) {
        match declaration {
            ModuleDecl::ExportDefaultDecl(_) | ModuleDecl::ExportDefaultExpr(_) => self.has_default = true,
            ModuleDecl::ExportDecl(export) => match &export.decl {
                Decl::Fn(function) => self.name(&function.ident.sym),
                Decl::Class(class) => self.name(&class.ident.sym),
                Decl::Var(variables) => variables.decls.iter().for_each(|variable| self.pattern(&variable.name)),
                _ => {}
            },
            ModuleDecl::ExportNamed(export) if !export.type_only => {
                for specifier in &export.specifiers {
                    if let ExportSpecifier::Named(named) = specifier
                        && !named.is_type_only
                    {
                        match named.exported.as_ref().unwrap_or(&named.orig) {
                            ModuleExportName::Ident(ident) => self.name(&ident.sym),
                            ModuleExportName::Str(text) => self.name(&text.value.to_string_lossy()),
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(ident) => self.name(&ident.sym),
            Pat::Object(object) => {
                for prop in &object.props {
                    match prop {
                        swc_core::ecma::ast::ObjectPatProp::Assign(prop) => self.name(&prop.key.sym),
                        swc_core::ecma::ast::ObjectPatProp::KeyValue(prop) => self.pattern(&prop.value),
                        swc_core::ecma::ast::ObjectPatProp::Rest(_) => {}
                    }
                }
            }
            Pat::Assign(assign) => self.pattern(&assign.left),
            Pat::Array(array) => array.elems.iter().flatten().for_each(|element| self.pattern(element)),
            _ => {}
        }
    }

    /// `exports.x = …`, `module.exports.x = …`, `module.exports = { x }`.
    fn statement(&mut self, statement: &Stmt) {
        let Stmt::Expr(statement) = statement else { return };
        let mut expr = &*statement.expr;
        while let Expr::Assign(assignment) = expr {
            if let AssignTarget::Simple(SimpleAssignTarget::Member(member)) = &assignment.left {
                let object = dotted(&member.obj);
                let property = member.prop.as_ident().map(|ident| ident.sym.to_string());
                match (object.as_deref(), property.as_deref()) {
                    (Some("exports" | "module.exports"), Some(property)) => self.name(property),
                    (Some("module"), Some("exports")) => self.object(&assignment.right),
                    _ => {}
                }
            }
            expr = &assignment.right;
        }
    }

    fn object(&mut self, expr: &Expr) {
        let Expr::Object(object) = expr else { return };
        for prop in &object.props {
            let PropOrSpread::Prop(prop) = prop else { continue };
            match &**prop {
                Prop::Shorthand(ident) => self.name(&ident.sym),
                Prop::KeyValue(pair) => self.key(&pair.key),
                Prop::Method(method) => self.key(&method.key),
                _ => {}
            }
        }
    }

    fn key(&mut self, key: &PropName) {
        match key {
            PropName::Ident(ident) => self.name(&ident.sym),
            PropName::Str(text) => self.name(&text.value.to_string_lossy()),
            _ => {}
        }
    }
}

/// `a.b` as text, for plain names.
fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(ident) => Some(ident.sym.to_string()),
        Expr::Member(member) => Some(format!("{}.{}", dotted(&member.obj)?, member.prop.as_ident()?.sym)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::js::parse::parse;

    #[test]
    fn the_api_version_follows_the_exports() {
        for (source, version, esm) in [
            ("exports.handler = async () => {}", 1, false),
            ("module.exports = { handler() {} }", 1, false),
            ("module.exports.handler = exports.x = 1", 1, false),
            ("exports.default = () => {}", 2, false),
            ("export const handler = () => {}", 1, true),
            ("export async function handler() {}", 1, true),
            ("const h = 1; export { h as handler }", 1, true),
            ("export default () => {}", 2, true),
            ("const h = 1; export { h as default }", 2, true),
            ("export default () => {}; export const handler = 1", 1, true),
            ("export const { handler } = make()", 1, true),
            ("export const { a: handler = 1, b: [c] } = make(); export default 1", 1, true),
            ("export { handler } from './x'", 1, true),
            ("export default class {}", 2, true),
            ("console.log(1)", 1, false),
        ] {
            let analysis = parse("js", source, analyse).unwrap();
            assert_eq!((analysis.api_version(), analysis.is_esm), (version, esm), "{source}");
        }
    }
}
