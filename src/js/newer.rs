//! Syntax that not every Node has. In: a source. Out: what it uses that came with which version, and where. Says nothing
//! of functions and objects that came later: whether they are used is known when the code runs.

use swc_core::common::{Span as Place, Spanned};
use swc_core::ecma::ast::{ClassMember, Decorator, ImportDecl, ImportPhase, JSXElement, JSXFragment, Regex, UsingDecl};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::parse::{offset, parse};
use crate::diagnostic::Span;

/// Something that not every Node can parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// What it is, in words.
    pub what: &'static str,
    /// The first major version that has it; none, if none has.
    pub since: Option<u32>,
    /// Where it stands.
    pub span: Span,
}

/// What a source uses that Node of this major version lacks, the first of each kind; nothing, if it does not parse.
pub fn newer(extension: &str, source: &str, node: u32) -> Vec<Newer> {
    if !may_be_newer(source) {
        return Vec::new();
    }
    let find = |parsed: &super::parse::Parsed| {
        let mut search = Search::default();
        parsed.program.visit_with(&mut search);
        search.0
    };
    let found = parse(extension, source, find).unwrap_or_default();
    let lacking = found.into_iter().filter(|(_, since, _)| since.is_none_or(|since| node < since));
    let span = |place: Place| Span::of(source, offset(place.lo), offset(place.hi));
    lacking.map(|(what, since, place)| Newer { what, since, span: span(place) }).collect()
}

/// Hardly any file uses any of it, and most say so without being parsed.
fn may_be_newer(source: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(source.as_bytes(), word.as_bytes()).is_some();
    ["using ", "(?", "import defer", "</", "/>", "\n@", " @"].iter().any(|word| has(word))
        || source.starts_with('@')
        || has_flag(source.as_bytes())
}

/// A slash and flags with a `v` among them.
fn has_flag(source: &[u8]) -> bool {
    memchr::memchr_iter(b'/', source).any(|at| {
        let flags = source[at + 1..].iter().take_while(|byte| byte.is_ascii_lowercase());
        let flags: Vec<u8> = flags.copied().collect();
        flags.contains(&b'v') && flags.iter().all(|flag| b"dgimsuvy".contains(flag))
    })
}

#[derive(Default)]
struct Search(Vec<(&'static str, Option<u32>, Place)>);

impl Search {
    fn add(&mut self, what: &'static str, since: Option<u32>, place: Place) {
        if !self.0.iter().any(|known| known.0 == what) {
            self.0.push((what, since, place));
        }
    }
}

impl Visit for Search {
    fn visit_using_decl(&mut self, it: &UsingDecl) {
        self.add("`using`", Some(24), it.span);
        it.visit_children_with(self);
    }

    fn visit_regex(&mut self, it: &Regex) {
        if it.flags.contains('v') {
            self.add("the flag `v` of regular expressions", Some(20), it.span);
        }
        if has_modifiers(&it.exp) {
            self.add("modifiers within regular expressions", Some(24), it.span);
        }
    }

    fn visit_import_decl(&mut self, it: &ImportDecl) {
        if it.phase == ImportPhase::Defer {
            self.add("`import defer`", None, it.span);
        }
    }

    fn visit_decorator(&mut self, it: &Decorator) {
        self.add("decorators", None, it.span);
    }

    fn visit_class_member(&mut self, it: &ClassMember) {
        if let ClassMember::AutoAccessor(accessor) = it {
            self.add("`accessor`", None, accessor.span);
        }
        it.visit_children_with(self);
    }

    fn visit_jsx_element(&mut self, it: &JSXElement) {
        self.add("JSX", None, it.span());
    }

    fn visit_jsx_fragment(&mut self, it: &JSXFragment) {
        self.add("JSX", None, it.span());
    }
}

/// `(?i:…)`, `(?-s:…)`.
fn has_modifiers(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let rest = pattern[at + 2..].trim_start_matches(['i', 'm', 's', '-']);
        rest.len() < pattern.len() - at - 2 && rest.starts_with(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_the_first_node_that_has_it() {
        let found = |source: &str, node: u32| -> Vec<&str> {
            newer("js", source, node).into_iter().map(|newer| newer.what).collect()
        };
        for (source, what, since) in [
            ("using file = open(); export {}", "`using`", 24),
            ("await using file = open(); export {}", "`using`", 24),
            ("export const r = /[\\p{L}--[a-z]]/v", "the flag `v` of regular expressions", 20),
            ("export const r = /a(?i:b)/", "modifiers within regular expressions", 24),
        ] {
            assert_eq!(found(source, since - 2), [what], "{source}");
            assert!(found(source, since).is_empty(), "{source}");
        }
        for (source, what) in [
            ("@sealed class A {}", "decorators"),
            ("class A { accessor b = 1 } // @", "`accessor`"),
            ("export const a = <b></b>", "JSX"),
        ] {
            assert_eq!(found(source, 24), [what], "{source}");
        }
        for source in [
            "const using = 1; using /1/ 2",
            "/(?:a)(?=b)(?<c>d)/u",
            "a / b / v",
            "import a from './a.json' with { type: 'json' }",
        ] {
            assert!(found(source, 18).is_empty(), "{source}");
        }
    }
}
