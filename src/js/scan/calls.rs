//! Calls that load a module or read a file. In: a callee and its arguments. Out: requests and assets.

use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::{Expr, ExprOrSpread};

use super::node::{self, Reads};
use super::value::{Anchor, Anchored, Base, FILE_URL, OWN_STEM, UNKNOWN, Value};
use super::visit::{Walk, offsets};
use super::{Addon, Form, Loader, Pattern, Unclear, Unknown};
use crate::js::literal::{member_name, text, unwrapped};

impl Walk<'_> {
    /// Requests for everything that the argument may be.
    pub(super) fn request_any(&mut self, argument: &Expr, form: Form, base: Option<&Base>) {
        let values = self.scope.values(argument);
        let before = self.scan.requests.len();
        for text in values.iter().filter_map(Value::as_text) {
            self.request_text(text, form, base, argument.span());
        }
        let is_literal = text(argument).is_some();
        self.scan.requests[before..].iter_mut().for_each(|request| request.is_literal = is_literal);
    }

    /// The same for what a `require` is called with, by whatever name.
    fn require_any(&mut self, callee: &Expr, argument: &Expr, base: Option<&Base>) {
        let before = self.scan.requests.len();
        self.request_any(argument, Form::Require, base);
        let is_aliased = !self.scope.is_nodes_require(callee);
        self.scan.requests[before..].iter_mut().for_each(|request| request.is_aliased = is_aliased);
    }

    pub(super) fn request_text(&mut self, text: &str, form: Form, base: Option<&Base>, span: Span) {
        // `import('./a.mjs?time=' + now)`: what is asked does not matter.
        let unclear = text.find(UNKNOWN).unwrap_or(text.len());
        let query = text[..unclear].find('?').filter(|_| form.is_import() && unclear < text.len());
        let text = query.map_or(text, |query| &text[..query]);
        let is_relative = text.starts_with("./") || text.starts_with("../") || matches!(text, "." | "..");
        let anchored = Anchored::of(text).or_else(|| {
            let from = match base {
                None => Anchor::Directory.directory(),
                Some(Base::Beside(path)) => format!("{}/{path}", Anchor::Directory.directory()),
                Some(Base::WorkingDirectory(path)) => format!("{}/{path}", Anchor::WorkingDirectory.directory()),
            };
            Anchored::of(&format!("{from}/{text}")).filter(|_| is_relative && text.contains(UNKNOWN))
        });
        match anchored {
            Some(at) if at.path.contains(UNKNOWN) => {
                let eager = self.is_eager(form);
                self.scan.patterns.push(Pattern {
                    path: at,
                    form,
                    eager,
                    only_on: self.only_on.clone(),
                    at: offsets(span),
                });
            }
            Some(Anchored { anchor: anchor @ (Anchor::Directory | Anchor::WorkingDirectory), path })
                if !path.contains(OWN_STEM) =>
            {
                let specifier = if path.starts_with("..") { path } else { format!("./{path}") };
                let is_here = anchor == Anchor::Directory;
                let base = (!is_here).then(|| Base::WorkingDirectory("./".into()));
                self.request(specifier, form, base, span);
            }
            Some(at) => self.asset(vec![at], false, span),
            None if text.contains(UNKNOWN) => {
                let what = Unknown::Package(text.to_owned());
                self.scan.unclear.push(Unclear { what, at: offsets(span) });
            }
            None => self.request(text.to_owned(), form, base.cloned(), span),
        }
    }

    /// A call of one of Node's functions; true if the files of its arguments are told.
    pub(super) fn call(&mut self, callee: &Expr, arguments: &[ExprOrSpread]) -> bool {
        let plain = |index: usize| arguments.get(index).filter(|one| one.spread.is_none()).map(|one| &*one.expr);
        let Some(first) = plain(0) else { return false };
        if self.is_plain {
            if self.scope.is_nodes_require(callee) {
                self.require_any(callee, first, None);
            }
            return false;
        }
        match self.scope.callee(callee) {
            Value::Require(base) => self.require_any(callee, first, base.as_ref()),
            Value::Function(function) => {
                let Some(argument) = function.requires.and_then(plain) else { return false };
                if self.scope.values(argument).iter().any(|value| value.as_text().is_some()) {
                    self.require_any(callee, argument, None);
                }
            }
            Value::Node(function) => match &*function {
                "require.resolve" => {
                    let bases = self.paths_of(plain(1));
                    if bases.is_empty() {
                        self.request_any(first, Form::RequireResolve, None);
                    }
                    for base in bases {
                        self.request_any(first, Form::RequireResolve, base.as_ref());
                    }
                }
                "import.meta.resolve" => self.request_any(first, Form::ImportResolve, None),
                "module.register" => {
                    let base = plain(1).and_then(|parent| self.base(parent, false)).flatten();
                    self.request_any(first, Form::Import, base.as_ref());
                }
                "resolve-from" => {
                    if let (Some(specifier), Some(base)) = (plain(1), self.base(first, true)) {
                        self.request_any(specifier, Form::RequireResolve, base.as_ref());
                    }
                }
                "child_process.fork" => return self.program(first),
                "bindings"
                | "node-gyp-build"
                | "node-gyp-build-optional-packages"
                | "node-pre-gyp.find"
                | "nbind.init" => {
                    return self.addon(&function, first);
                }
                function => match node::reads(function) {
                    Some(reads) => return self.reads(first, function, reads),
                    None => return false,
                },
            },
            _ => {
                let Expr::Member(member) = unwrapped(callee) else { return false };
                let name = member_name(&member.prop);
                if let (Some("set"), Some(engine)) = (name.as_deref(), plain(1)) {
                    self.view_engine(first, engine);
                }
                // `createRequire(…).resolve`
                let name = name.filter(|name| matches!(name.as_str(), "resolve" | "call"));
                if name.is_none() {
                    return false;
                }
                let Value::Require(base) = self.scope.value(&member.obj) else { return false };
                match (name.as_deref(), plain(1)) {
                    (Some("resolve"), _) => self.request_any(first, Form::RequireResolve, base.as_ref()),
                    (Some("call"), Some(specifier)) => self.require_any(callee, specifier, base.as_ref()),
                    _ => return false,
                }
            }
        }
        true
    }

    /// `app.set('view engine', 'pug')`: Express requires it by that name.
    fn view_engine(&mut self, setting: &Expr, engine: &Expr) {
        if self.scope.value(setting).as_text() == Some("view engine") {
            self.optional(engine);
        }
    }

    /// A module that somebody else loads, by the name that the file says.
    pub(super) fn optional(&mut self, name: &Expr) {
        self.tries += 1;
        self.skippable(|walk| walk.request_any(name, Form::Require, None));
        self.tries -= 1;
    }

    /// A loader of native addons; true if it is known what it looks for.
    fn addon(&mut self, function: &str, argument: &Expr) -> bool {
        let value = self.scope.value(argument);
        let place = || Anchored::of(value.as_text()?);
        let loader = match function {
            "bindings" => {
                let named = match &value {
                    Value::Object(options) => options.get("bindings").and_then(|name| name[0].as_text()),
                    value => value.as_text(),
                };
                named.filter(|name| !name.contains(UNKNOWN)).map(|name| Loader::Bindings(name.to_owned()))
            }
            "node-pre-gyp.find" => place().map(Loader::PreGyp),
            "nbind.init" => place().map(Loader::Nbind),
            function => place().map(|directory| {
                let in_packages = function == "node-gyp-build-optional-packages";
                Loader::GypBuild { directory, in_packages }
            }),
        };
        let Some(loader) = loader else { return false };
        let (guarded, only_on, at) = (self.tries > 0, self.only_on.clone(), offsets(argument.span()));
        self.scan.addons.push(Addon { loader, guarded, only_on, at });
        true
    }

    /// What a directory, or a file if it is none, is as a base; none if that is not known.
    #[expect(clippy::option_option, reason = "not known, the file itself, or a base")]
    fn base(&self, expr: &Expr, is_directory: bool) -> Option<Option<Base>> {
        let value = self.scope.value(expr);
        let text = value.as_text()?;
        Anchored::of(text)?.as_base(is_directory || text.ends_with('/'))
    }

    /// The bases of `require.resolve(specifier, { paths: […] })`.
    fn paths_of(&self, options: Option<&Expr>) -> Vec<Option<Base>> {
        let Some(Value::Object(options)) = options.map(|options| self.scope.value(options)) else { return Vec::new() };
        let Some([Value::Array(paths)]) = options.get("paths").map(Vec::as_slice) else { return Vec::new() };
        let texts = paths.iter().flatten().filter_map(Value::as_text);
        texts.filter_map(|path| Anchored::of(path)?.as_base(true)).collect()
    }

    /// The program of a worker or of another process: what is relative is seen from the working
    /// directory, as Node sees it, else from the file, as many take it.
    pub(super) fn program(&mut self, argument: &Expr) -> bool {
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
}
