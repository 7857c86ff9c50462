//! What a module exports that is nothing at run time. In: TypeScript. Out: the names of types, which no
//! other module can import once it is JavaScript. Never follows `export … from`.

use std::collections::BTreeSet;

use swc_core::common::{GLOBALS, Globals};
use swc_core::ecma::ast::{
    Decl, DefaultDecl, ExportNamedSpecifier, ExportSpecifier, Expr, ImportSpecifier, ModuleDecl, ModuleExportName,
    ModuleItem, Program, Stmt,
};
use swc_core::ecma::utils::find_pat_ids;

use crate::js::parse::{is_typescript, tree};

/// The names; none for JavaScript, and for what does not parse.
pub fn exported_types(source: &str, extension: &str) -> BTreeSet<String> {
    if !is_typescript(extension) {
        return BTreeSet::new();
    }
    match GLOBALS.set(&Globals::new(), || tree(extension, source, None)) {
        Ok(Program::Module(module)) => of_items(&module.body),
        _ => BTreeSet::new(),
    }
}

/// A name may be a type and a value at once.
#[derive(Default)]
struct Names {
    types: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: impl Into<String>, is_type: bool) {
        let kind = if is_type { &mut self.types } else { &mut self.values };
        kind.insert(name.into());
    }

    fn is_type(&self, name: &str) -> bool {
        self.types.contains(name) && !self.values.contains(name)
    }

    fn declare(&mut self, decl: &Decl) {
        match decl {
            Decl::TsInterface(interface) => self.add(interface.id.sym.as_str(), true),
            Decl::TsTypeAlias(alias) => self.add(alias.id.sym.as_str(), true),
            Decl::Class(class) => self.add(class.ident.sym.as_str(), class.declare),
            // Overloads have no body; what they overload has.
            Decl::Fn(function) if function.function.body.is_some() || function.declare => {
                self.add(function.ident.sym.as_str(), function.declare);
            }
            Decl::Var(variable) => {
                let names: Vec<swc_core::ecma::ast::Id> = find_pat_ids(&variable.decls);
                names.into_iter().for_each(|(name, _)| self.add(name.as_str(), variable.declare));
            }
            Decl::Using(using) => {
                let names: Vec<swc_core::ecma::ast::Id> = find_pat_ids(&using.decls);
                names.into_iter().for_each(|(name, _)| self.add(name.as_str(), false));
            }
            Decl::TsEnum(numbers) => self.add(numbers.id.sym.as_str(), numbers.declare),
            Decl::TsModule(module) if module.declare => {
                module.id.as_ident().into_iter().for_each(|name| self.add(name.sym.as_str(), true));
            }
            // Whether there is anything in a namespace is left to who looks closer.
            Decl::TsModule(module) => {
                module.id.as_ident().into_iter().for_each(|name| self.add(name.sym.as_str(), false));
            }
            Decl::Fn(_) => {}
        }
    }
}

fn of_items(items: &[ModuleItem]) -> BTreeSet<String> {
    let mut known = Names::default();
    for item in items {
        match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => known.declare(decl),
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => known.declare(&export.decl),
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => {
                for specifier in &import.specifiers {
                    let is_type = matches!(specifier, ImportSpecifier::Named(named) if named.is_type_only);
                    known.add(specifier.local().sym.as_str(), import.type_only || is_type);
                }
            }
            _ => {}
        }
    }
    let mut exported = Names::default();
    for item in items {
        let ModuleItem::ModuleDecl(declared) = item else { continue };
        match declared {
            ModuleDecl::ExportDecl(export) => exported.declare(&export.decl),
            ModuleDecl::ExportDefaultDecl(export) => {
                exported.add("default", matches!(export.decl, DefaultDecl::TsInterfaceDecl(_)));
            }
            ModuleDecl::ExportDefaultExpr(export) => {
                let is_type = matches!(&*export.expr, Expr::Ident(name) if known.is_type(&name.sym));
                exported.add("default", is_type);
            }
            ModuleDecl::ExportNamed(export) => {
                for specifier in &export.specifiers {
                    let ExportSpecifier::Named(ExportNamedSpecifier { orig, exported: name, is_type_only, .. }) =
                        specifier
                    else {
                        continue;
                    };
                    let of_type = export.src.is_none()
                        && matches!(orig, ModuleExportName::Ident(orig) if known.is_type(&orig.sym));
                    exported.add(text(name.as_ref().unwrap_or(orig)), export.type_only || *is_type_only || of_type);
                }
            }
            _ => {}
        }
    }
    let Names { types, values } = exported;
    types.difference(&values).cloned().collect()
}

fn text(name: &ModuleExportName) -> String {
    name.atom().as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_at_run_time() {
        let source = "
            import type { A } from 'a'
            import { type B, C } from 'b'
            interface Local {}
            interface Both {}
            const Both = 1
            export interface D {}
            export type E = 1
            export declare class F {}
            export declare const g: 1, h: 2
            export { A, B, C, Local, Local as Renamed, Both }
            export type { I } from 'i'
            export { type J, K } from 'j'
            export class L {}
            export interface L {}
            export function m(a: string): void
            export function m(a: any) {}
            export declare namespace N { const a: 1 }
            export enum O {}
            export default Local
        ";
        let expected = ["A", "B", "D", "E", "F", "I", "J", "Local", "N", "Renamed", "default", "g", "h"];
        assert_eq!(exported_types(source, "ts"), expected.map(str::to_owned).into());
        assert_eq!(exported_types("export interface A {", "ts"), BTreeSet::new());
        assert_eq!(exported_types("export const a = 1", "js"), BTreeSet::new());
    }
}
