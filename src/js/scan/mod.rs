//! One file, and what it asks for. In: a syntax tree. Out: a [`Scan`], which depends on the file's
//! bytes alone: which specifiers it asks for, how, and whether it can do without; which files it names.
//! Never resolves.

mod bindings;
mod calls;
mod evaluate;
mod functions;
#[cfg(test)]
mod growth;
mod node;
mod operators;
mod places;
mod plain;
mod platform;
mod posix;
mod results;
mod types;
mod value;
mod visit;

use borsh::{BorshDeserialize, BorshSerialize};

use self::evaluate::Scope;
use self::plain::is_plain;
pub use self::platform::{Condition, written_for};
pub(super) use self::types::used as values_used;
pub use self::value::{Anchor, Anchored, Base, OWN_STEM, UNKNOWN};
use crate::js::parse::Parsed;

/// What one file asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Scan {
    /// In the order of the source.
    pub requests: Vec<Request>,
    /// Requests of which a part is not known.
    pub patterns: Vec<Pattern>,
    /// Files and directories that it names.
    pub assets: Vec<Asset>,
    /// Native addons that a loader looks for.
    pub addons: Vec<Addon>,
    /// What could not be told.
    pub unclear: Vec<Unclear>,
    /// It has JSX, which calls functions that nobody has written.
    pub has_jsx: bool,
    /// It may ask where it stands itself.
    pub knows_its_place: bool,
}

/// A call of a loader of native addons.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Addon {
    /// Which one, and with what.
    pub loader: Loader,
    /// As of [`Request`].
    pub guarded: bool,
    /// As of [`Request`].
    pub only_on: Vec<Condition>,
    /// Byte offsets in the source.
    pub at: (u32, u32),
}

/// The loaders of native addons.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Loader {
    /// `bindings('name')`
    Bindings(String),
    /// `require('node-gyp-build')(directory)`
    GypBuild {
        /// The package's.
        directory: Anchored,
        /// The binaries may be packages of their own.
        in_packages: bool,
    },
    /// `require('node-pre-gyp').find(package.json)`
    PreGyp(Anchored),
    /// `require('nbind').init(directory)`
    Nbind(Anchored),
}

/// A request for whatever fits.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pattern {
    /// With [`UNKNOWN`] parts.
    pub path: Anchored,
    /// How it is asked for.
    pub form: Form,
    /// As of [`Request`].
    pub eager: bool,
    /// As of [`Request`].
    pub only_on: Vec<Condition>,
    /// Byte offsets in the source.
    pub at: (u32, u32),
}

/// A path that the file names.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Asset {
    /// The first of these that there is.
    pub paths: Vec<Anchored>,
    /// The directory is listed, and may be the file's own.
    pub lists: bool,
    /// It is only given a name here: what is done with it stands elsewhere.
    pub is_bound: bool,
    /// As of [`Request`].
    pub only_on: Vec<Condition>,
    /// Byte offsets in the source.
    pub at: (u32, u32),
}

/// Something that is asked for, and could not be told.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unclear {
    /// What it is.
    pub what: Unknown,
    /// Byte offsets in the source.
    pub at: (u32, u32),
}

/// What cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Unknown {
    /// Which package is asked for; with [`UNKNOWN`] parts.
    Package(String),
    /// Which file this function reads.
    File(String),
    /// Which directory.
    Directory(String),
}

/// One specifier in one place.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// As written.
    pub specifier: String,
    /// How it is asked for.
    pub form: Form,
    /// Where it is resolved from, if not from the file itself.
    pub base: Option<Base>,
    /// Does loading the file always come to this place? Not so inside a function or a branch.
    pub eager: bool,
    /// Is a failure caught, by a `try` around it?
    pub guarded: bool,
    /// It imports nothing but types: compilers leave it out, unless they are told to keep what is
    /// written (`verbatimModuleSyntax`).
    pub only_types: bool,
    /// They are of a decorated class: with `emitDecoratorMetadata` they are asked for when it is loaded.
    pub is_told: bool,
    /// It stands there as it is, and was not worked out.
    pub is_literal: bool,
    /// It is asked for by a `require` of another name, or from another place: bundlers do not see it.
    pub is_aliased: bool,
    /// What the platform must be for this place to be come to.
    pub only_on: Vec<Condition>,
    /// Byte offsets of the specifier in the source.
    pub at: (u32, u32),
}

/// The ways to ask for a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Form {
    /// `import … from`, `export … from`.
    Import,
    /// `import()`.
    DynamicImport,
    /// `import.meta.resolve()`.
    ImportResolve,
    /// `require()`, by whatever name, and `import x = require()`.
    Require,
    /// `require.resolve()`.
    RequireResolve,
}

impl Form {
    /// Does Node resolve it with the `import` condition, rather than with `require`?
    pub fn is_import(self) -> bool {
        matches!(self, Self::Import | Self::DynamicImport | Self::ImportResolve)
    }
}

impl Request {
    /// A request that no source makes.
    pub fn plain(specifier: &str, form: Form) -> Self {
        Self {
            specifier: specifier.to_owned(),
            form,
            base: None,
            eager: true,
            guarded: false,
            only_types: false,
            is_told: false,
            is_literal: true,
            is_aliased: false,
            only_on: Vec::new(),
            at: (0, 0),
        }
    }
}

/// Scans one file, with this extension.
pub fn scan(parsed: &Parsed, extension: &str) -> Scan {
    scan_as(parsed, extension, is_plain(parsed))
}

fn scan_as(parsed: &Parsed, extension: &str, is_plain: bool) -> Scan {
    let scope = if is_plain { Scope::new(parsed, extension) } else { bindings::collect(parsed, extension) };
    let scan = visit::look(parsed, &scope, extension, is_plain);
    Scan { has_jsx: matches!(extension, "jsx" | "tsx") && types::used(&parsed.program).has_jsx, ..scan }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::js::parse::parse;

    /// `specifier form base flags`, a line each.
    fn scanned(extension: &str, source: &str) -> Vec<String> {
        let scan = parse(extension, source, |parsed| scan(parsed, extension)).unwrap();
        let show = |request: &Request| {
            let Request {
                specifier,
                form,
                base,
                eager,
                guarded,
                only_types,
                is_told,
                is_literal: _,
                is_aliased: _,
                only_on,
                at,
            } = request;
            assert!(source[at.0 as usize..at.1 as usize].contains(specifier.as_str()), "{request:?}");
            let base = match base {
                None => String::new(),
                Some(Base::Beside(path)) => format!(" from {path}"),
                Some(Base::WorkingDirectory(path)) => format!(" from the working directory's {path}"),
            };
            let eager = if *eager { "" } else { " lazy" };
            let guarded = if *guarded { " guarded" } else { "" };
            let types = if *only_types { " types" } else { "" };
            let told = if *is_told { " told" } else { "" };
            let platform = if only_on.is_empty() { "" } else { " on some" };
            format!("{specifier} {form:?}{base}{eager}{guarded}{types}{told}{platform}")
        };
        scan.requests.iter().map(show).collect()
    }

    /// One row a rule: a source, and what it asks for.
    const RULES: &[(&str, &[&str])] = &[
        ("import 'a'; import b from 'b'; import * as c from 'c'", &["a Import", "b Import", "c Import"]),
        ("export { x } from 'a'; export * from 'b'; export * as c from 'c'", &["a Import", "b Import", "c Import"]),
        ("import('a'); import(`b`)", &["a DynamicImport lazy", "b DynamicImport lazy"]),
        ("const a = await import('a'); export {}", &["a DynamicImport"]),
        ("require('a'); require.resolve('b'); module.require('c')", &["a Require", "b RequireResolve", "c Require"]),
        ("(0, require)('a'); require?.('b')", &["a Require", "b Require"]),
        ("import.meta.resolve('a')", &["a ImportResolve"]),
        ("const f = () => require('a'); function g() { require('b') }", &["a Require lazy", "b Require lazy"]),
        ("(function () { require('a') })(); (() => { require('b') })()", &["a Require", "b Require"]),
        ("(function () { require('a') }).call(this)", &["a Require"]),
        (
            "class A { static x = require('a'); y = require('b'); static { require('c') } m() { require('d') } }",
            &["a Require", "b Require lazy", "c Require", "d Require lazy"],
        ),
        (
            "if (x) require('a'); x && require('b'); x ? require('c') : 0; for (;;) require('d')",
            &["a Require lazy", "b Require lazy", "c Require lazy", "d Require lazy"],
        ),
        ("if (require('a')) {} ; require('b') || 1", &["a Require", "b Require"]),
        ("switch (require('a')) { case 1: require('b') }", &["a Require", "b Require lazy"]),
        ("try { require('a') } catch { require('b') }", &["a Require guarded", "b Require lazy"]),
        ("try { require('a') } finally { require('b') }", &["a Require", "b Require"]),
        ("function f(require) { require('a') }", &[]),
        ("import require from 'x'; require('a')", &["x Import"]),
        ("const require = id => id; require('a')", &[]),
        ("const module = {}; module.require('a')", &[]),
        ("require(a); require('a' + b); require(`${a}`); require(); require(1)", &[]),
        (
            "import { createRequire } from 'module'; const r = createRequire(import.meta.url); r('a'); r.resolve('b')",
            &["module Import", "a Require", "b RequireResolve"],
        ),
        (
            "import { createRequire as c } from 'node:module'; const require = c(import.meta.url); require('a')",
            &["node:module Import", "a Require"],
        ),
        ("import m from 'module'; m.createRequire(import.meta.url)('a')", &["module Import", "a Require"]),
        (
            "import * as m from 'module'; const r = m.createRequire(import.meta.filename); r('a')",
            &["module Import", "a Require"],
        ),
        (
            "const { createRequire } = require('module'); createRequire(__filename)('a')",
            &["module Require", "a Require"],
        ),
        (
            "const r = require('module').createRequire(new URL('./sub/', import.meta.url)); r('a')",
            &["module Require", "a Require from ./sub/"],
        ),
        ("import { createRequire } from 'module'; const r = createRequire(somewhere); r('a')", &["module Import"]),
        ("import { createRequire } from './mine'; createRequire(import.meta.url)('a')", &["./mine Import"]),
        (
            "if (process.platform === 'win32') require('a'); else require('b')",
            &["a Require lazy on some", "b Require lazy on some"],
        ),
        (
            "process.platform !== 'win32' && require('a'); if (x) require('b')",
            &["a Require lazy on some", "b Require lazy"],
        ),
        (
            "switch (`${process.platform}-${process.arch}`) { case 'linux-x64': require('a'); break; default: require('b') }",
            &["a Require lazy on some", "b Require lazy"],
        ),
        ("const r = require; r('a')", &["a Require"]),
    ];

    #[test]
    fn every_rule() {
        for (source, expected) in RULES {
            assert_eq!(scanned("js", source), *expected, "{source}");
        }
    }

    #[test]
    fn types_ask_for_nothing() {
        let source = "import type { A } from 'a'; import { type B } from 'b'; export type { C } from 'c';
            import x = require('d'); import type y = require('e'); let t: typeof import('f'); x()";
        assert_eq!(scanned("ts", source), ["b Import types", "d Require"]);
        let source =
            "import a from 'a'; import { b } from 'b'; import * as c from 'c'; import 'd'; import e = require('e');
            import f, { g } from 'f'; let x: a | c.T | typeof e; console.log(b, g); class I implements a {}";
        assert_eq!(
            scanned("ts", source),
            ["a Import types", "b Import", "c Import types", "d Import", "e Require types", "f Import"]
        );
    }
}
