//! Where a module was, told to a module that will run elsewhere: in a bundle. In: a syntax tree and the
//! path from the bundle's directory to the file. Out: the tree, in which `__dirname`, `import.meta.url`
//! and what is only asked for at run time mean what they meant. Literal requests are the bundler's.

use swc_core::common::{DUMMY_SP, SyntaxContext};
use swc_core::ecma::ast::{
    CallExpr, Callee, Expr, ExprOrSpread, Ident, Lit, MemberExpr, MemberProp, NewExpr, Program, Prop,
};
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

use super::Work;
use super::snippet::Snippet;
use super::specifiers::is_import_meta;
use crate::path::as_url;

/// Puts every mention right; `file` is as `../lib/file.js`.
pub(super) fn anchor(program: &mut Program, file: &str, work: &Work<'_>) {
    let directory = file.rsplit_once('/').map_or(".", |(directory, _)| directory);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut anchor = Anchor {
        work,
        free: work.free(),
        file: quoted(file),
        directory: quoted(directory),
        url: quoted(&as_url(file)),
    };
    program.visit_mut_with(&mut anchor);
}

struct Anchor<'a, 'b> {
    work: &'a Work<'b>,
    free: SyntaxContext,
    file: String,
    directory: String,
    url: String,
}

impl Anchor<'_, '_> {
    /// The text of what a free name means, if it depends on the place.
    fn name(&self, ident: &Ident) -> Option<String> {
        match &*ident.sym {
            _ if ident.ctxt != self.free => None,
            "__filename" => Some(format!("require(\"node:path\").join(__dirname, {})", self.file)),
            "__dirname" if self.directory != "\".\"" => {
                Some(format!("require(\"node:path\").join(__dirname, {})", self.directory))
            }
            _ => None,
        }
    }

    fn meta(&self, property: &str) -> Option<String> {
        match property {
            "url" => Some(format!("new URL({}, import.meta.url).href", self.url)),
            "filename" => Some(format!("require(\"node:path\").join(import.meta.dirname, {})", self.file)),
            "dirname" if self.directory != "\".\"" => {
                Some(format!("require(\"node:path\").join(import.meta.dirname, {})", self.directory))
            }
            _ => None,
        }
    }

    fn is_free(&self, expr: &Expr, name: &str) -> bool {
        matches!(expr, Expr::Ident(ident) if ident.sym == name && ident.ctxt == self.free)
    }

    /// A `require` that resolves from the file's own directory.
    fn own_require(&self) -> Box<Expr> {
        let text =
            format!("require(\"node:module\").createRequire(require(\"node:path\").join(__dirname, {}))", self.file);
        Box::new(Snippet::expression(&text, self.work))
    }

    /// Requests of which only the run knows what they ask for.
    fn call(&self, call: &mut CallExpr) {
        let Some(first) = call.args.first_mut().filter(|first| first.spread.is_none()) else { return };
        let is_literal = is_literal(&first.expr);
        match &mut call.callee {
            Callee::Import(_) if !is_literal => {
                let text = format!(
                    "((specifier) => /^\\.\\.?\\//.test(specifier) ? new URL(specifier, new URL({}, import.meta.url)).href : specifier)",
                    self.url
                );
                let found = Expr::Call(CallExpr {
                    callee: Callee::Expr(Box::new(Snippet::expression(&text, self.work))),
                    args: vec![ExprOrSpread { spread: None, expr: first.expr.take_out() }],
                    ..Default::default()
                });
                *first.expr = found;
            }
            Callee::Expr(callee) if !is_literal && self.is_free(callee, "require") => *callee = self.own_require(),
            Callee::Expr(callee) => {
                if let Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(property), .. }) = &mut **callee
                    && property.sym == "resolve"
                    && self.is_free(obj, "require")
                {
                    *obj = self.own_require();
                }
            }
            _ => {}
        }
    }
}

/// Leaves nothing behind.
trait TakeOut {
    fn take_out(&mut self) -> Box<Expr>;
}

impl TakeOut for Box<Expr> {
    fn take_out(&mut self) -> Self {
        std::mem::replace(self, Box::new(Expr::Ident(Ident::new("undefined".into(), DUMMY_SP, SyntaxContext::empty()))))
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(Lit::Str(_)) => true,
        Expr::Tpl(template) => template.exprs.is_empty(),
        _ => false,
    }
}

impl VisitMut for Anchor<'_, '_> {
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        let text = match expr {
            Expr::Ident(ident) => self.name(ident),
            Expr::Member(MemberExpr { obj, prop: MemberProp::Ident(property), .. }) if is_import_meta(obj) => {
                self.meta(&property.sym)
            }
            Expr::Call(call) => {
                self.call(call);
                None
            }
            _ => None,
        };
        if let Some(text) = text {
            *expr = Snippet::expression(&text, self.work);
        }
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(ident) = prop
            && let Some(text) = self.name(ident)
        {
            let key = swc_core::ecma::ast::PropName::Ident(ident.clone().into());
            let value = Box::new(Snippet::expression(&text, self.work));
            *prop = Prop::KeyValue(swc_core::ecma::ast::KeyValueProp { key, value });
            return;
        }
        prop.visit_mut_children_with(self);
    }

    fn visit_mut_new_expr(&mut self, new: &mut NewExpr) {
        new.visit_mut_children_with(self);
    }
}
