//! What a main file says about its function. In: a syntax tree. Out: an [`Analysis`]: the exports that
//! the platform looks for, the helpers that the handler is wrapped in, and the literals of `config`.
//! Never follows an import, and never evaluates anything.

mod borrowed;
mod exports;
mod helpers;
mod hidden;
mod values;
mod waits;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use serde_json::{Map, Value};
use swc_core::common::Spanned;
use swc_core::ecma::ast::{Expr, ObjectLit, Prop, PropOrSpread};

use self::exports::{Exported, Exports};
pub use self::hidden::hides_exports;
pub use self::waits::top_level_await;
use super::literal::unwrapped;
use super::parse::{Parsed, offset};
use crate::diagnostic::Span;

/// What can be read off a main file.
#[derive(Debug, Clone, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Analysis {
    /// It has import or export statements.
    pub is_esm: bool,
    /// The first `await` at its top.
    pub waits: Option<Span>,
    /// It assigns to `exports` or `module.exports`, outside of functions and branches.
    pub assigns_exports: bool,
    /// The names of CommonJS that it uses and does not declare: `require`, `__dirname` …
    pub borrowed: BTreeSet<Cow<'static, str>>,
    /// It exports `handler`.
    pub has_handler: bool,
    /// And what that is can be seen: it is no declaration, and not of another file or a pattern.
    pub has_handler_value: bool,
    /// It has a default export.
    pub has_default: bool,
    /// The names that it exports, in the order of the alphabet.
    pub exported: Vec<String>,
    /// The modules all of whose exports it passes on: `export * from`, `module.exports = require()`.
    pub passed_on: Vec<String>,
    /// It may export more than can be seen: `module.exports` is what a call returns.
    pub is_open: bool,
    /// The handler is wrapped in `schedule()` of `@netlify/functions`.
    pub schedule: Option<Schedule<Span>>,
    /// The handler is wrapped in `stream()` of `@netlify/functions`.
    pub streams: bool,
    /// The `config` object, exported or in the default export; if it is none, it is unread as a whole,
    /// at the empty path.
    pub config: Option<Literals>,
    /// The members of a default-exported object, in the order of the source.
    pub default_members: Vec<String>,
}

/// What `schedule()` was called with.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Schedule<S> {
    /// This expression, here.
    Cron(String, S),
    /// Something that cannot be read, here.
    Unreadable(S),
    /// Nothing: it was imported, here, and does not wrap the handler.
    Unused(S),
}

/// An object of literals, with the place of each part by its path: `path.1`, `rateLimit.action`.
#[derive(Debug, Clone, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Literals {
    /// What could be read.
    #[borsh(serialize_with = "write_object", deserialize_with = "read_object")]
    pub value: Map<String, Value>,
    /// Where it stands.
    pub places: BTreeMap<String, Span>,
    /// Where its keys stand.
    pub keys: BTreeMap<String, Span>,
    /// What could not be read, and where it stands.
    pub unread: BTreeMap<String, Span>,
}

/// JSON is what tells itself: its own words are as good as any.
fn write_object(object: &Map<String, Value>, to: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_string(object)?.serialize(to)
}

fn read_object(from: &mut impl io::Read) -> io::Result<Map<String, Value>> {
    Ok(serde_json::from_str(&String::deserialize_reader(from)?)?)
}

impl Analysis {
    /// The version of the platform's API that the function is written for: 2 with a default export
    /// and no `handler` (spec: functions.md section 2). Beside a default export the real packager
    /// overlooks a `handler` that is no plain value, and such functions run as version 2 today.
    pub fn api_version(&self) -> u8 {
        if self.has_default && !self.has_handler_value { 2 } else { 1 }
    }
}

/// Reads a main file.
pub fn analyse(parsed: &Parsed, source: &str) -> Analysis {
    let place = |span: swc_core::common::Span| Span::of(source, offset(span.lo), offset(span.hi));
    let exports = exports::collect(&parsed.program);
    let wrapped = helpers::find(&parsed.program, &exports);
    let schedule = wrapped.schedule.map(|schedule| match schedule {
        Schedule::Cron(cron, at) => Schedule::Cron(cron, place(at)),
        Schedule::Unreadable(at) => Schedule::Unreadable(place(at)),
        Schedule::Unused(at) => Schedule::Unused(place(at)),
    });
    let placed = |spans: BTreeMap<String, swc_core::common::Span>| {
        spans.into_iter().map(|(path, span)| (path, place(span))).collect()
    };
    let config = config(&exports).map(|found| match found {
        Ok(object) => values::object(object, &exports),
        Err(at) => values::Literals { unread: BTreeMap::from([(String::new(), at)]), ..values::Literals::default() },
    });
    Analysis {
        is_esm: exports.is_esm,
        waits: may_wait(source).then(|| top_level_await(&parsed.program)).flatten().map(place),
        assigns_exports: exports.assigned,
        borrowed: borrowed::borrowed(parsed).into_iter().map(Cow::Borrowed).collect(),
        has_handler: exports.named.contains_key("handler"),
        has_handler_value: exports.has_value("handler"),
        has_default: exports.named.contains_key("default"),
        exported: exports.named.keys().cloned().collect(),
        is_open: exports.open,
        passed_on: exports.passed_on.clone(),
        schedule,
        streams: wrapped.stream,
        config: config.map(|read| Literals {
            value: read.value,
            places: placed(read.places),
            keys: placed(read.keys),
            unread: placed(read.unread),
        }),
        default_members: default_members(&exports),
    }
}

/// Nothing waits without one of these words, however it is written: keywords have no escapes.
fn may_wait(source: &str) -> bool {
    ["await", "using"].iter().any(|word| memchr::memmem::find(source.as_bytes(), word.as_bytes()).is_some())
}

/// The exported `config`, be it empty, else the `config` of a default-exported object; if that is no
/// object, where it stands.
fn config<'a>(exports: &Exports<'a>) -> Option<Result<&'a ObjectLit, swc_core::common::Span>> {
    let object = |expr: &'a Expr| exports.followed(expr).as_object().ok_or(expr.span());
    let named = match exports.named.get("config") {
        Some(Exported::Value(expr)) => Some(object(expr)),
        Some(Exported::Elsewhere(at)) => Some(Err(*at)),
        Some(Exported::Declaration) | None => None,
    };
    if let Some(Ok(_)) = named {
        return named;
    }
    let default = exports.value("default").and_then(Expr::as_object).into_iter().flat_map(|default| &default.props);
    let mut members = default.filter_map(|prop| match &**prop.as_prop()? {
        Prop::KeyValue(pair) if values::key(&pair.key).as_deref() == Some("config") => Some(object(&pair.value)),
        Prop::Shorthand(ident) if ident.sym == "config" => {
            Some(exports.bindings.get(&ident.to_id()).map_or(Err(ident.span), |bound| object(bound)))
        }
        _ => None,
    });
    members.next().or(named)
}

fn default_members(exports: &Exports<'_>) -> Vec<String> {
    let Some(Expr::Object(object)) = exports.value("default").map(unwrapped) else { return Vec::new() };
    let name = |prop: &PropOrSpread| match prop {
        PropOrSpread::Prop(prop) => match &**prop {
            Prop::KeyValue(pair) => values::key(&pair.key),
            Prop::Method(method) => values::key(&method.key),
            Prop::Shorthand(ident) => Some(ident.sym.to_string()),
            _ => None,
        },
        PropOrSpread::Spread(_) => None,
    };
    object.props.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::js::parse::parse;

    fn read(extension: &str, source: &str) -> Analysis {
        parse(extension, source, |parsed| analyse(parsed, source)).unwrap()
    }

    #[test]
    fn the_api_version_follows_the_exports() {
        for (source, version, esm) in [
            ("exports.handler = async () => {}", 1, false),
            ("module.exports = { handler() {} }", 1, false),
            ("module.exports = { handler }; function handler() {}", 1, false),
            ("const all = { handler: 1 }; module.exports = all", 1, false),
            ("module.exports.handler = exports.x = 1", 1, false),
            ("exports.default = exports.handler = 1", 1, false),
            ("exports['default'] = () => {}", 2, false),
            ("exports.default = () => {}", 2, false),
            ("module.exports.default = () => {}", 2, false),
            ("module.exports = { default: () => {} }", 2, false),
            ("Object.defineProperty(exports, 'default', { get: f })", 2, false),
            ("export const handler = () => {}", 1, true),
            ("export async function handler() {}", 1, true),
            ("const h = 1; export { h as handler }", 1, true),
            ("export default () => {}", 2, true),
            ("const h = 1; export { h as default }", 2, true),
            ("export default () => {}; export const handler = 1", 1, true),
            ("export const { handler } = make()", 1, true),
            ("export const { a: handler = 1, b: [c] } = make(); export default 1", 2, true),
            ("export function handler() {} export default 1", 2, true),
            ("let handler; handler = () => {}; export { handler }; export default 1", 1, true),
            ("export { handler } from './x'", 1, true),
            ("export { default } from './x'", 2, true),
            ("export * as handler from './x'; export default 1", 2, true),
            ("export default class {}", 2, true),
            ("console.log(1)", 1, false),
            ("var all = {}; __export(all, { default: () => d }); module.exports = __toCommonJS(all)", 2, false),
            ("var all = {}; __export(all, { handler: () => h }); module.exports = __toCommonJS(all)", 1, false),
            ("_export(exports, { get default() { return d } })", 2, false),
            ("_export(exports, { default: function () { return d } })", 2, false),
            ("const all = {}; all.default = 1; module.exports = all", 2, false),
        ] {
            let analysis = read("js", source);
            assert_eq!((analysis.api_version(), analysis.is_esm), (version, esm), "{source}");
        }
        assert_eq!(read("ts", "export = { handler: () => 1 }").api_version(), 1);
        assert_eq!(read("ts", "export default interface A {}").api_version(), 1);
        assert_eq!(read("ts", "export default (() => 1) satisfies Handler").api_version(), 2);
    }

    /// Compilers declare all exports in one chain.
    #[test]
    fn a_long_chain_of_assignments_is_read_in_no_time() {
        let chain: String = (0..300).map(|index| format!("exports.a{index} = ")).collect();
        assert!(read("js", &format!("{chain}exports.handler = void 0")).has_handler);
    }

    #[test]
    fn what_cannot_be_seen_is_open() {
        for source in ["module.exports = make()", "Object.assign(exports, other)", "module.exports = { ...other }"] {
            assert!(read("js", source).is_open, "{source}");
        }
        for source in [
            "exports.a = 1",
            "const all = {}; all.a = 1; module.exports = all",
            "var all = {}; __export(all, { a: () => a }); module.exports = __toCommonJS(all)",
        ] {
            assert_eq!(
                (read("js", source).is_open, read("js", source).exported),
                (false, vec!["a".into()]),
                "{source}"
            );
        }
    }

    #[test]
    fn exports_may_be_those_of_another_module() {
        for source in
            ["module.exports = require('./x')", "export * from './x'", "__exportStar(require('./x'), exports)"]
        {
            let read = read("js", source);
            assert_eq!((read.passed_on, read.is_open), (vec!["./x".to_owned()], false), "{source}");
        }
    }

    #[test]
    fn exports_may_be_hidden_from_a_look_at_the_statements() {
        let hides = |source: &str| parse("js", source, hides_exports).unwrap();
        for source in [
            "(function () { exports.handler = f })()",
            "if (x) exports.handler = f",
            "(function (root, make) { module.exports = make() })(this, make)",
            "this.handler = f",
            "const { exports: e } = module",
            "exports.a = () => { exports.handler = f }",
            "eval(text)",
            "exports[name] = f",
            "exports.handler ??= f",
            "mixin(module, 'x')",
            "define(this, 'handler', f)",
            "const all = {}; module.exports = all; function add() { all.handler = f }",
            "const all = {}; mixin(all); module.exports = all",
        ] {
            assert!(hides(source), "{source}");
        }
        for source in [
            "exports.a = 1",
            "Object.defineProperty(exports, '__esModule', { value: true })",
            "module.exports.a = exports.b = 1",
            "module.exports = { a() { return this.b } }",
            "const all = {}; all.a = 1; module.exports = all",
            "_export(exports, { a: () => a })",
            "f()",
        ] {
            assert!(!hides(source), "{source}");
        }
    }

    #[test]
    fn schedules_are_found() {
        for source in [
            "import { schedule } from '@netlify/functions'; export const handler = schedule('@daily', () => {})",
            "import { schedule as s } from '@netlify/functions'; const h = s(`@daily`, f); export { h as handler }",
            "import * as n from '@netlify/functions'; export const handler = n.schedule('@daily', f)",
            "const { schedule } = require('@netlify/functions'); exports.handler = schedule('@daily', f)",
            "const { schedule: s } = require('@netlify/functions'); const h = s('@daily', f); exports.handler = h",
            "const n = require('@netlify/functions'); module.exports = { handler: n.schedule('@daily', f) }",
            "const cron = '@daily'; exports.handler = require('@netlify/functions').schedule(cron, f); const n = require('@netlify/functions')",
        ] {
            let found = read("js", source).schedule;
            assert!(matches!(&found, Some(Schedule::Cron(cron, _)) if cron == "@daily"), "{source}: {found:?}");
        }
        let unused = "import { schedule } from '@netlify/functions'; export const handler = f";
        assert!(matches!(read("js", unused).schedule, Some(Schedule::Unused(_))));
        let unreadable = "import { schedule } from '@netlify/functions'; export const handler = schedule(cron(), f)";
        let Some(Schedule::Unreadable(at)) = read("js", unreadable).schedule else { panic!("it is unreadable") };
        assert_eq!(&at.text[at.column - 1..at.column - 1 + at.length], "cron()");
        for source in [
            "export const handler = schedule('@daily', f)",
            "import { schedule } from './mine'; export const handler = schedule('@daily', f)",
        ] {
            assert_eq!(read("js", source).schedule, None, "{source}");
        }
    }

    #[test]
    fn streams_are_found() {
        assert!(read("js", "const { stream } = require('@netlify/functions'); exports.handler = stream(f)").streams);
        assert!(!read("js", "const { stream } = require('stream'); exports.handler = stream(f)").streams);
    }

    #[test]
    fn only_literals_are_read() {
        let expected = json!({"path": ["/a", "/b"], "n": -1, "yes": true, "no": false, "deep": {"x": null}, "t": "x"});
        for source in [
            "export const config = { path: ['/a', '/b'], n: -1, yes: !0, no: !1, deep: { x: null }, 't': `x` }",
            "const config = { path: ['/a', '/b'], n: -1, yes: !0, no: !1, deep: { x: null }, t: 'x' }; export { config }",
            "const c = { path: ['/a', '/b'], n: -1, yes: !0, no: !1, deep: { x: null }, t: 'x' }; export { c as config }",
            "exports.config = { path: ['/a', '/b'], n: -1, yes: !0, no: !1, deep: { x: null }, t: 'x' }",
            "export default { config: { path: ['/a', '/b'], n: -1, yes: !0, no: !1, deep: { x: null }, t: 'x' }, fetch() {} }",
        ] {
            assert_eq!(Value::Object(read("js", source).config.unwrap().value), expected, "{source}");
        }
        assert_eq!(
            read("ts", "export const config = { n: 1 } as const satisfies Config").config.unwrap().value["n"],
            1
        );
        let unread = read("js", "export const config = { a: 1, b: f(), c: [1, x], ...rest, d() {} }").config.unwrap();
        assert_eq!(Value::Object(unread.value), json!({"a": 1, "c": [1]}));
        assert_eq!(unread.unread.keys().collect::<Vec<_>>(), ["...", "b", "c.1", "d"]);
        let twice = read("js", "export const config = { a: 1, a: f(), b: f(), b: 1 }").config.unwrap();
        assert_eq!(
            (Value::Object(twice.value), twice.unread.into_keys().collect()),
            (json!({"b": 1}), vec!["a".to_owned()])
        );
        for source in [
            "export const config = make()",
            "export { config } from './config.js'",
            "export const { config } = all",
            "export default { config: Object.freeze({}) }",
        ] {
            assert_eq!(read("js", source).config.unwrap().unread.into_keys().collect::<Vec<_>>(), [""], "{source}");
        }
        assert_eq!((unread.unread["b"].column, unread.unread["b"].length), (34, 3));
        assert_eq!(
            read("js", "export const config = {}; export default { config: { a: 1 } }").config.unwrap().value.len(),
            0
        );
    }

    #[test]
    fn event_handlers_keep_their_order() {
        let source = "export default { fetch() {}, deploySucceeded: f, 'userLogin': g, config: {} }";
        assert_eq!(read("js", source).default_members, ["fetch", "deploySucceeded", "userLogin", "config"]);
    }
}
