//! Does anything in a file have to be worked out? In: a syntax tree. Out: no, if it asks for modules by literal
//! names alone and touches nothing that knows of places, files or the platform. Most files of most packages are
//! so, and looking for values in them costs more than parsing them. Never says what the file asks for.

use swc_core::ecma::ast::{
    CallExpr, Callee, ExportAll, Expr, ImportDecl, Lit, MemberExpr, MemberProp, MetaPropExpr, NamedExport, Str,
    TsExternalModuleRef, TsType,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::node;
use crate::js::parse::Parsed;

/// Modules that are told by name what to load.
const TOLD: [&str; 3] = ["fastify", "pino", "pino-http"];

/// Settings that name a module.
const SETTINGS: [&str; 1] = ["view engine"];

/// Is everything that the file asks for literal?
pub(super) fn is_plain(parsed: &Parsed) -> bool {
    let mut search = Search { parsed, is_plain: true };
    parsed.program.visit_with(&mut search);
    search.is_plain
}

struct Search<'a> {
    parsed: &'a Parsed,
    is_plain: bool,
}

impl Search<'_> {
    fn module(&mut self, specifier: &Str) {
        let specifier = specifier.value.to_string_lossy();
        self.is_plain &= node::module(&specifier).is_none() && !TOLD.contains(&&*specifier);
    }

    /// `require('literal')`, `import('literal')`
    fn is_literal_request(&mut self, call: &CallExpr) -> bool {
        let asks = match &call.callee {
            Callee::Import(_) => true,
            Callee::Expr(callee) => {
                matches!(&**callee, Expr::Ident(name) if name.sym == "require" && name.ctxt == self.parsed.unresolved)
            }
            Callee::Super(_) => false,
        };
        let specifier = call.args.first().filter(|first| first.spread.is_none()).map(|first| &*first.expr);
        if let (true, Some(Expr::Lit(Lit::Str(specifier)))) = (asks, specifier) {
            self.module(specifier);
            return true;
        }
        self.is_plain &= !matches!(call.callee, Callee::Import(_));
        false
    }
}

impl Visit for Search<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Ident(name) => {
                self.is_plain &= !matches!(&*name.sym, "__dirname" | "__filename" | "module" | "process" | "require");
            }
            Expr::Lit(Lit::Str(text)) => {
                self.is_plain &= !SETTINGS.iter().any(|setting| text.value == **setting);
            }
            _ if self.is_plain => expr.visit_children_with(self),
            _ => {}
        }
    }

    fn visit_member_expr(&mut self, member: &MemberExpr) {
        let is_harmless = match (&*member.obj, &member.prop) {
            (Expr::Ident(of), MemberProp::Ident(name)) => match &*of.sym {
                "module" => name.sym == "exports",
                "process" => !matches!(&*name.sym, "arch" | "cwd" | "default" | "getBuiltinModule" | "platform"),
                _ => false,
            },
            _ => false,
        };
        if !is_harmless {
            member.visit_children_with(self);
        }
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if self.is_literal_request(call) {
            call.args[1..].visit_with(self);
        } else {
            call.visit_children_with(self);
        }
    }

    fn visit_meta_prop_expr(&mut self, _: &MetaPropExpr) {
        self.is_plain = false;
    }

    fn visit_import_decl(&mut self, import: &ImportDecl) {
        self.module(&import.src);
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        export.src.iter().for_each(|source| self.module(source));
    }

    fn visit_export_all(&mut self, export: &ExportAll) {
        self.module(&export.src);
    }

    fn visit_ts_external_module_ref(&mut self, module: &TsExternalModuleRef) {
        self.module(&module.expr);
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use rayon::prelude::*;

    use super::*;
    use crate::js::parse::{CODE_EXTENSIONS, parse};
    use crate::js::scan::scan_as;

    #[test]
    fn what_needs_working_out_is_not_plain() {
        for (source, expected) in [
            ("require('a'); exports.b = module.exports", true),
            ("import a from 'a'; import('b'); export * from 'c'", true),
            ("process.env.NODE_ENV === 'production' && require('a')", true),
            ("function f(a) { try { return require('a')(a) } catch {} }", true),
            ("require(a)", false),
            ("require(`a`)", false),
            ("import(a)", false),
            ("const r = require; r('a')", false),
            ("(0, require)('a')", false),
            ("(function (require) { require('a') })", false),
            ("module.require('a')", false),
            ("import.meta.url", false),
            ("f(__dirname)", false),
            ("require('fs')", false),
            ("import { readFile } from 'node:fs/promises'", false),
            ("export { join } from 'path'", false),
            ("import('os')", false),
            ("process.platform === 'win32' && require('a')", false),
            ("process['cwd']()", false),
            ("const { cwd } = process", false),
            ("app.set('view engine', 'pug')", false),
            ("require('pino')({ transport: { target: 'pino-pretty' } })", false),
        ] {
            assert_eq!(parse("js", source, is_plain).unwrap(), expected, "{source}");
        }
    }

    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| CODE_EXTENSIONS.iter().any(|code| extension == *code)) {
                found.push(path);
            }
        }
    }

    /// Of every file of the packages that the other tests have installed.
    #[test]
    fn what_is_plain_is_scanned_as_if_it_were_not() {
        if std::env::var_os("FNZIP_FULL").is_none() {
            return;
        }
        let mut files = Vec::new();
        let given = std::env::var_os("FNZIP_SOURCES").map(PathBuf::from);
        sources(&given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")), &mut files);
        let pool = rayon::ThreadPoolBuilder::new().stack_size(256 << 20).build().unwrap();
        let check = |path: &PathBuf| -> Option<bool> {
            let source = fs::read_to_string(path).ok()?;
            let extension = path.extension()?.to_str()?;
            let compared = parse(extension, &source, |parsed| {
                let is_plain = is_plain(parsed);
                if is_plain {
                    assert_eq!(
                        scan_as(parsed, extension, true),
                        scan_as(parsed, extension, false),
                        "{}",
                        path.display()
                    );
                }
                is_plain
            });
            compared.ok()
        };
        let plain: Vec<bool> = pool.install(|| files.par_iter().filter_map(check).collect());
        let count = plain.iter().filter(|is_plain| **is_plain).count();
        println!("{count} of {} files are plain", plain.len());
        assert!(count > 0);
    }
}
