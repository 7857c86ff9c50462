//! swc's parser. In: source text and a file name's extension. Out: a syntax tree with scopes
//! resolved, or the first syntax error with its place. Never touches the disk; one parse a file.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::{BytePos, GLOBALS, Globals, Mark, Span, Spanned, SyntaxContext};
use swc_core::ecma::ast::{EsVersion, Ident, IdentName, Program};
use swc_core::ecma::parser::error::{Error, SyntaxError as ParserError};
use swc_core::ecma::parser::lexer::Lexer;
use swc_core::ecma::parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax};
use swc_core::ecma::transforms::base::resolver;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::diagnostic::Span as SourceSpan;

/// The extensions that hold code.
pub const CODE_EXTENSIONS: [&str; 8] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];

/// Is it TypeScript, by its extension?
pub fn is_typescript(extension: &str) -> bool {
    matches!(extension, "ts" | "mts" | "cts" | "tsx")
}

/// A parsed file. Positions are byte offsets into the source, plus one, as swc counts them.
pub struct Parsed {
    /// The tree; every identifier carries the scope that it belongs to.
    pub program: Program,
    /// The scope of identifiers that the file itself does not declare: `require`, `process` …
    pub unresolved: SyntaxContext,
}

/// Why a file does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// swc's words, as a fragment.
    pub message: String,
    /// Where it is.
    pub span: SourceSpan,
}

/// Node's three readings of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// A module if it has import or export statements, else a script.
    Detect,
    /// The body of CommonJS's function: `return` at the top, HTML-like comments.
    CommonJs,
    Module,
}

/// Parses `source`, a file with this `extension`, and hands the tree to `f` while swc's globals
/// are in place.
///
/// # Errors
/// The first syntax error of the most likely reading.
pub fn parse<T>(extension: &str, source: &str, f: impl FnOnce(&Parsed) -> T) -> Result<T, SyntaxError> {
    GLOBALS.set(&Globals::new(), || {
        let parsing = tracing::info_span!("parse").entered();
        let mut program = tree(extension, source, None)?;
        let unresolved = Mark::new();
        program.mutate(resolver(unresolved, Mark::new(), is_typescript(extension)));
        let unresolved = SyntaxContext::empty().apply_mark(unresolved);
        drop(parsing);
        Ok(f(&Parsed { program, unresolved }))
    })
}

/// The tree alone, scopes not yet resolved, and the comments. swc's globals are to be in place.
pub(super) fn tree(
    extension: &str,
    source: &str,
    comments: Option<&SingleThreadedComments>,
) -> Result<Program, SyntaxError> {
    let goals: &[(Goal, bool)] = match extension {
        "cjs" | "cts" => &[(Goal::CommonJs, false), (Goal::Module, false)],
        "mjs" | "mts" => &[(Goal::Module, false)],
        "ts" => &[(Goal::Detect, false), (Goal::CommonJs, false)],
        "tsx" => &[(Goal::Detect, true), (Goal::CommonJs, true)],
        _ => &[(Goal::Detect, true), (Goal::CommonJs, false), (Goal::Module, false)],
    };
    let mut first: Option<Error> = None;
    for (goal, jsx) in goals {
        match attempt(extension, source, *goal, *jsx, comments)
            .and_then(|program| unspoiled(program, extension, source, *goal, *jsx, comments))
        {
            Ok(program) => return Ok(program),
            Err(error) => first = first.or(Some(error)),
        }
    }
    let error = first.unwrap_or_else(|| unreachable!("every extension has a goal"));
    let span = error.span();
    Err(SyntaxError {
        message: fragment(&error.kind().msg()),
        span: SourceSpan::of(source, offset(span.lo), offset(span.hi)),
    })
}

/// A position of swc's as an offset into the source.
pub fn offset(position: BytePos) -> usize {
    (position.0 as usize).saturating_sub(1)
}

type Comments<'a> = Option<&'a SingleThreadedComments>;

fn attempt(extension: &str, source: &str, goal: Goal, jsx: bool, comments: Comments<'_>) -> Result<Program, Error> {
    let syntax = if is_typescript(extension) {
        Syntax::Typescript(TsSyntax { tsx: jsx, decorators: true, ..Default::default() })
    } else {
        Syntax::Es(EsSyntax {
            jsx,
            decorators: true,
            import_attributes: true,
            explicit_resource_management: true,
            auto_accessors: true,
            allow_return_outside_function: goal != Goal::Module,
            allow_super_outside_method: true,
            ..Default::default()
        })
    };
    let end = u32::try_from(source.len()).unwrap_or(u32::MAX - 1);
    let text = source.get(..end as usize).unwrap_or(source);
    let input = StringInput::new(text, BytePos(1), BytePos(end + 1));
    if let Some(comments) = comments {
        // What an earlier attempt has read of them.
        let (mut leading, mut trailing) = comments.borrow_all_mut();
        leading.clear();
        trailing.clear();
    }
    let comments = comments.map(|comments| comments as &dyn swc_core::common::comments::Comments);
    let read = || {
        let mut parser = Parser::new_from(Lexer::new(syntax, EsVersion::EsNext, input, comments));
        let program = match goal {
            Goal::Detect => parser.parse_program(),
            Goal::CommonJs => parser.parse_commonjs().map(Program::Script),
            Goal::Module => parser.parse_module().map(Program::Module),
        };
        // What swc forgives, Node does not: a block that is cut off at the file's end, for one.
        let forgiven = parser.take_errors();
        let first = |is_sloppy: bool| {
            let errors = forgiven.into_iter().filter(|error| !(is_sloppy && is_branch_function(error, text)));
            errors.min_by_key(Spanned::span_lo)
        };
        match program {
            Ok(program) => first(program.is_script()).map_or(Ok(program), Err),
            // Of what is wrong, the rest may only follow from the first.
            Err(error) => Err(first(true).filter(|first| first.span_lo() < error.span_lo()).unwrap_or(error)),
        }
    };
    let whole = Span::new(BytePos(1), BytePos(1));
    guarded(read).unwrap_or_else(|| {
        Err(Error::new(whole, ParserError::Unexpected { got: "input".into(), expected: "JavaScript" }))
    })
}

thread_local! {
    static PARSING: Cell<bool> = const { Cell::new(false) };
}

/// What swc's code gives; none if it panics.
pub(super) fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    let outer = PARSING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    PARSING.set(outer);
    result.ok()
}

/// Is this thread in swc's code? A panic there is caught, and told as an error of the file.
pub fn is_parsing() -> bool {
    PARSING.get()
}

/// `if (x) function f() {}`, which scripts may have (ECMAScript: B.3.3) and swc 83 complains of.
fn is_branch_function(error: &Error, text: &str) -> bool {
    let at = offset(error.span_lo());
    matches!(error.kind(), ParserError::DeclNotAllowed)
        && text.get(at..).is_some_and(|rest| rest.starts_with("function"))
}

/// swc 83 takes an HTML-like comment for the beginning of the identifier after it. Such a tree is
/// made again from a source in which the comments are of the usual kind.
fn unspoiled(
    program: Program,
    extension: &str,
    source: &str,
    goal: Goal,
    jsx: bool,
    comments: Comments<'_>,
) -> Result<Program, Error> {
    /// Where such comments and the names after them stand.
    struct Spoiled(Vec<Range<usize>>);
    impl Visit for Spoiled {
        fn visit_ident(&mut self, ident: &Ident) {
            self.name(&ident.sym, ident.span);
        }

        fn visit_ident_name(&mut self, name: &IdentName) {
            self.name(&name.sym, name.span);
        }
    }
    impl Spoiled {
        fn name(&mut self, name: &str, span: Span) {
            if name.starts_with("<!--") || name.starts_with("-->") {
                self.0.push(offset(span.lo)..offset(span.hi));
            }
        }
    }
    let mut spoiled = Spoiled(Vec::new());
    if program.is_script() && (source.contains("<!--") || source.contains("-->")) {
        program.visit_with(&mut spoiled);
    }
    if spoiled.0.is_empty() {
        return Ok(program);
    }
    let mut usual = source.as_bytes().to_vec();
    for range in spoiled.0 {
        for at in range {
            if usual[at..].starts_with(b"<!--") || usual[at..].starts_with(b"-->") {
                usual[at..at + 2].copy_from_slice(b"//");
            }
        }
    }
    attempt(extension, &String::from_utf8_lossy(&usual), goal, jsx, comments)
}

/// swc speaks in sentences, diagnostics in fragments.
pub(super) fn fragment(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.').replace(". Expected", ": expected");
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(extension: &str, source: &str) -> Result<(), SyntaxError> {
        parse(extension, source, |_| ())
    }

    #[test]
    fn of_what_is_wrong_the_first_is_told() {
        for (source, line) in [
            ("export const handler ==: number = async () => {\n  return 1\n\n};\n", 1),
            ("const a = 1\nconst b;\nexport const c = (;\n", 2),
            // This is nothing wrong, in a script.
            ("if (x) function f() {}\nf(;\n", 2),
        ] {
            let told = parses("ts", source).map_err(|error| error.span.line);
            assert_eq!(told, Err(line), "{source}");
        }
    }

    #[test]
    fn whatever_node_accepts_parses() {
        for (extension, source) in [
            ("js", "#!/usr/bin/env node\nreturn require('x')"),
            ("js", "<!-- an HTML-like comment\nrequire('x')"),
            ("js", "await import('x')"),
            ("js", "import data from './d.json' with { type: 'json' }"),
            ("mjs", "import data from './d.json' assert { type: 'json' }"),
            ("js", "class A { static { require('x') } #p = 1; has(o) { return #p in o } }"),
            ("js", "export default () => <b>hi</b>"),
            ("cjs", "with (o) { f() }; return"),
            ("cjs", "if (x) function f() {} else function g() {}"),
            ("js", "\u{feff}import 'x'"),
            ("ts", "import type { A } from 'a'; export const x: A = <A>{}"),
            ("tsx", "export default () => <b>hi</b>"),
        ] {
            assert_eq!(parses(extension, source), Ok(()), "{extension}: {source}");
        }
    }

    #[test]
    fn what_node_refuses_does_not_parse() {
        for source in [
            "exports.handler = async () => {\n  return { statusCode: 200 }\n",
            "function f() {",
            "if (x) {",
            "export const handler = async () => {",
            "exports.handler = 1 /* unterminated",
            "exports.handler = \"abc",
            "class A { static",
            "const a = `",
            "if (x) class A {}",
            "export {}; if (x) function f() {}",
        ] {
            assert!(parses("js", source).is_err(), "{source}");
        }
    }

    #[test]
    fn html_like_comments_are_part_of_no_name() {
        for source in [
            "<!-- a\nb",
            "--> a\nb",
            "b <!-- a\nb",
            "/*\n*/ --> a\nb",
            "b.c\n  --> a\nb",
            "b.\n--> a\nb",
            "<!-- a\n\n<!-- a\n// a\n/* --> a */\n--> a\nb",
        ] {
            let found = parse("cjs", source, |parsed| {
                struct Names(Vec<String>);
                impl Visit for Names {
                    fn visit_ident(&mut self, ident: &Ident) {
                        self.0.push(ident.sym.to_string());
                    }
                }
                let mut names = Names(Vec::new());
                parsed.program.visit_with(&mut names);
                names.0
            });
            assert!(found.unwrap().iter().all(|name| name == "b"), "{source}");
        }
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parses("js", "const a = 1\nconst b = = 2\n").unwrap_err();
        assert_eq!((error.span.line, error.span.column), (2, 11));
        assert_eq!(error.span.text, "const b = = 2");
    }
}
