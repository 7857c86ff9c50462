//! Makes JavaScript of bytes. In: the fuzzer's bytes, each a choice. Out: a source that mostly parses, rich
//! in what the scanner understands; the same bytes make the same source. Never makes much more than 12 KB.

mod words;

use self::words::{ASSIGN, BINARY, GLOBALS, MEMBERS, MODULES, NAMES, TEXTS};

/// How deep expressions and statements stand in one another.
const DEEPEST: u32 = 40;

/// How many times a repeated piece is written, at most.
const REPEATS: usize = 40;

/// No byte is left for more choices, or there is enough: the rest is leaves.
const LONGEST: usize = 12 << 10;

/// A source.
pub(crate) fn source(bytes: &[u8]) -> String {
    let mut maker = Maker { bytes, text: String::new(), depth: 0 };
    while !maker.is_done() {
        maker.statement();
    }
    maker.text
}

struct Maker<'a> {
    bytes: &'a [u8],
    text: String,
    depth: u32,
}

impl Maker<'_> {
    fn is_done(&self) -> bool {
        self.bytes.is_empty() || self.text.len() > LONGEST
    }

    /// The next choice of so many; the first if none is left.
    fn choice(&mut self, of: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % of
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn one_of(&mut self, texts: &[&str]) {
        let text = texts[self.choice(texts.len())];
        self.put(text);
    }

    fn name(&mut self) {
        self.one_of(&NAMES);
    }

    fn quoted(&mut self, texts: &[&str]) {
        self.put("'");
        self.one_of(texts);
        self.put("'");
    }

    /// Up to so many, with something between.
    fn some(&mut self, most: usize, between: &str, make: fn(&mut Self)) {
        for index in 0..self.choice(most + 1) {
            if index > 0 {
                self.put(between);
            }
            make(self);
        }
    }

    fn around(&mut self, before: &str, make: fn(&mut Self), after: &str) {
        self.put(before);
        make(self);
        self.put(after);
    }

    fn statement(&mut self) {
        self.depth += 1;
        let choices = if self.depth > DEEPEST { 8 } else { 28 };
        match self.choice(choices) {
            0 => self.around("", Self::expression, ";"),
            1 | 2 => self.variable(),
            3 => self.import(),
            4 => {
                self.name();
                self.put(" ");
                self.one_of(&ASSIGN);
                self.around(" ", Self::expression, ";");
            }
            5 => {
                self.around("var ", Self::name, " = require(");
                self.quoted(&MODULES);
                self.put(");");
            }
            6 => {
                self.name();
                self.put(".");
                self.one_of(&MEMBERS);
                self.around(" = ", Self::expression, ";");
            }
            7 => self.around("export const ", Self::name, " = 1;"),
            8 => {
                self.around("if (", Self::expression, ") ");
                self.block();
                self.put(" else ");
                self.block();
            }
            9 => {
                self.put("try ");
                self.block();
                self.one_of(&["catch (e) ", "catch ", "finally "]);
                self.block();
            }
            10 | 11 => {
                self.one_of(&["function ", "async function ", "function* "]);
                self.name();
                self.function_rest();
            }
            12 => {
                self.one_of(&[
                    "for (;;) ",
                    "while (x) ",
                    "for (const a of b) ",
                    "for (x in y) ",
                    "for (var i = 0;;i++) ",
                ]);
                self.block();
            }
            13 => self.class(),
            14 => {
                self.around("switch (", Self::expression, ") { case ");
                self.around("", Self::expression, ": ");
                self.some(3, "", Self::statement);
                self.put(" default: }");
            }
            15 => self.around("return ", Self::expression, ";"),
            16 => self.bundle(),
            17 => self.umd(),
            18 => self.repeated(),
            19 => self.around("export default ", Self::expression, ";"),
            20 => {
                self.put("export const config = { ");
                self.one_of(&["path", "schedule", "method", "rateLimit", "includedFiles"]);
                self.around(": ", Self::expression, " };");
            }
            21 => self.around("import t = require('", |maker| maker.one_of(&MODULES), "');"),
            22 => self.around("enum E { A = ", Self::expression, " }"),
            23 => self.around("namespace N { ", |maker| maker.some(3, "", Self::statement), " }"),
            24 => self.around("let ", Self::pattern, ": any = 1;"),
            25 => self.around("do { ", |maker| maker.some(3, "", Self::statement), " } while (0);"),
            26 => self.around("label: { ", |maker| maker.some(3, "", Self::statement), " }"),
            _ => self.around("exports.handler = ", Self::expression, ";"),
        }
        self.put("\n");
        self.depth -= 1;
    }

    fn block(&mut self) {
        self.around("{ ", |maker| maker.some(4, "", Self::statement), "}");
    }

    fn variable(&mut self) {
        self.one_of(&["const ", "let ", "var "]);
        self.pattern();
        self.around(" = ", Self::expression, ";");
    }

    fn pattern(&mut self) {
        self.depth += 1;
        let choices = if self.depth > DEEPEST { 1 } else { 6 };
        match self.choice(choices) {
            0..=2 => self.name(),
            3 => self.around("{ ", |maker| maker.some(3, ", ", Self::pattern_member), " }"),
            4 => self.around("[", |maker| maker.some(3, ", ", Self::pattern), "]"),
            _ => self.around("{ ...", Self::name, " }"),
        }
        self.depth -= 1;
    }

    fn pattern_member(&mut self) {
        match self.choice(4) {
            0 => self.one_of(&MEMBERS[..12]),
            1 => {
                self.name();
                self.around(" = ", Self::expression, "");
            }
            2 => {
                self.one_of(&MEMBERS);
                self.around(": ", Self::pattern, "");
            }
            _ => {
                self.around("[", Self::expression, "]: ");
                self.pattern();
            }
        }
    }

    fn import(&mut self) {
        match self.choice(6) {
            0 => self.around("import ", Self::name, " from "),
            1 => self.around("import * as ", Self::name, " from "),
            2 => {
                self.put("import { ");
                self.one_of(&MEMBERS);
                self.around(" as ", Self::name, " } from ");
            }
            3 => self.put("import "),
            4 => self.put("export * from "),
            _ => self.around("export { ", Self::name, " } from "),
        }
        self.quoted(&MODULES);
        self.put(";");
    }

    fn class(&mut self) {
        self.around("class ", Self::name, " { ");
        match self.choice(5) {
            0 => self.around("static a = ", Self::expression, ";"),
            1 => self.around("b = ", Self::expression, ";"),
            2 => self.around("static ", Self::block, ""),
            3 => self.around("m() ", Self::block, ""),
            _ => self.around("get [", Self::expression, "]() { return 1 }"),
        }
        self.put(" }");
    }

    fn function_rest(&mut self) {
        self.around("(", |maker| maker.some(3, ", ", Self::pattern), ") { ");
        self.some(3, "", Self::statement);
        if self.choice(2) == 1 {
            self.around("return ", Self::expression, "");
        }
        self.put(" }");
    }

    /// The modules of webpack, browserify and ncc.
    fn bundle(&mut self) {
        match self.choice(4) {
            0 => {
                self.put("var m = { 1: (module) => { module.exports = require('");
                self.one_of(&MODULES);
                self.around("') }, 2: (module, exports, __webpack_require__) => { ", Self::statement, " } };");
            }
            1 => {
                self.put("(function e(t, n, r) {})({ 1: [function (require, module, exports) { ");
                self.around("", Self::statement, "}, { '");
                self.one_of(&MODULES);
                self.put("': undefined, './a': 2 }] }, {}, [1]);");
            }
            2 => {
                self.around("(() => { var m = { 5: ", Self::expression, " }; ");
                self.put("if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + '/'; ");
                self.around("", Self::statement, " })();");
            }
            _ => {
                self.around("(function (t) { return t[0] })([", |maker| maker.some(6, ", ", Self::expression), "]);");
            }
        }
    }

    fn umd(&mut self) {
        self.put("(function (root, factory) { ");
        self.put("if (typeof define === 'function' && define.amd) define(['a'], factory); ");
        self.put("else if (typeof exports === 'object') module.exports = factory(require('");
        self.one_of(&MODULES);
        self.around("')); else root.x = factory(root.y) }(this, function (", Self::name, ") { ");
        self.some(3, "", Self::statement);
        self.put("}));");
    }

    /// One piece many times over: what is small once may not be so then.
    fn repeated(&mut self) {
        let start = self.text.len();
        self.statement();
        let piece = self.text[start..].to_owned();
        for _ in 0..self.choice(REPEATS) {
            if self.text.len() > LONGEST {
                break;
            }
            self.put(&piece);
        }
    }

    fn expression(&mut self) {
        self.depth += 1;
        let choices = if self.depth > DEEPEST || self.is_done() { 5 } else { 34 };
        match self.choice(choices) {
            0 => self.name(),
            1 | 2 => self.quoted(&TEXTS),
            3 => self.one_of(&GLOBALS),
            4 => self.one_of(&[
                "0",
                "1",
                "-1",
                "1e9",
                "true",
                "null",
                "void 0",
                "import.meta.url",
                "import.meta.dirname",
            ]),
            5 | 6 => {
                self.expression();
                self.put(" ");
                self.one_of(&BINARY);
                self.around(" (", Self::expression, ")");
            }
            7 | 8 => {
                self.one_of(&["path", "fs", "url", "require", "module", "os", "a", "process"]);
                self.put(".");
                self.one_of(&MEMBERS);
                self.arguments();
            }
            9 => {
                self.one_of(&["require", "(0, require)", "require?.", "module.require", "require.resolve", "import"]);
                self.around("(", Self::expression, ")");
            }
            10 => {
                self.around("(", Self::expression, ")");
                self.one_of(&[".", "?."]);
                self.one_of(&MEMBERS);
            }
            11 => {
                self.around("(", Self::expression, ")[");
                self.around("", Self::expression, "]");
            }
            12 => {
                self.around("(", Self::expression, ")");
                self.arguments();
            }
            13 => {
                self.around("(", Self::expression, " ? ");
                self.around("", Self::expression, " : ");
                self.around("", Self::expression, ")");
            }
            14 => self.template(),
            15 => self.around("[", |maker| maker.some(5, ", ", Self::element), "]"),
            16 => self.around("({ ", |maker| maker.some(5, ", ", Self::property), " })"),
            17 | 18 => self.arrow(),
            19 => {
                self.put("(function ");
                self.function_rest();
                self.put(")");
            }
            20 => self.around("new URL(", |maker| maker.some(2, ", ", Self::expression), ", import.meta.url)"),
            21 => {
                self.around("new Worker(", Self::expression, ", { eval: ");
                self.around("", Self::expression, " })");
            }
            22 => self.around("Promise.resolve(", Self::expression, ").then("),
            23 => {
                self.one_of(&["!", "-", "+", "~", "typeof ", "void ", "await "]);
                self.around("(", Self::expression, ")");
            }
            24 => {
                self.around("(", Self::name, " ");
                self.one_of(&ASSIGN);
                self.around(" ", Self::expression, ")");
            }
            25 => {
                self.around("(", Self::expression, ").");
                self.one_of(&["concat", "join", "toString"]);
                self.arguments();
            }
            26 => {
                self.one_of(&["__importDefault", "_interopRequireWildcard", "a.n", "__toESM", "tslib.__importStar"]);
                self.around("(", Self::expression, ")");
            }
            27 => self.wrapped_many(),
            28 => self.chained_many(),
            29 => self.around("createRequire(", Self::expression, ")"),
            30 => self.around("(", Self::expression, " as any)"),
            31 => self.around("<A b={", Self::expression, "}>t</A>"),
            32 => self.around("(", |maker| maker.some(3, ", ", Self::expression), ", 1)"),
            _ => self.around("a`", |maker| maker.around("${", Self::expression, "}"), "`"),
        }
        // `Promise.resolve(…).then(` is still open.
        if self.text.ends_with(".then(") {
            self.around("", Self::arrow, ")");
        }
        self.depth -= 1;
    }

    fn arguments(&mut self) {
        self.around("(", |maker| maker.some(4, ", ", Self::element), ")");
    }

    fn element(&mut self) {
        if self.choice(5) == 4 {
            self.put("...");
        }
        self.expression();
    }

    fn property(&mut self) {
        match self.choice(6) {
            0 => self.one_of(&NAMES),
            1 => self.around("...", Self::expression, ""),
            2 => {
                self.around("[", Self::expression, "]: ");
                self.expression();
            }
            3 => {
                self.name();
                self.function_rest();
            }
            4 => self.around("get ", Self::name, "() { return 1 }"),
            _ => {
                self.one_of(&["a", "b", "1", "'./a'", "paths", "dir", "base", "eval"]);
                self.around(": ", Self::expression, "");
            }
        }
    }

    fn template(&mut self) {
        self.put("`");
        for _ in 0..self.choice(5) {
            self.one_of(&TEXTS);
            self.around("${", Self::expression, "}");
        }
        self.one_of(&TEXTS);
        self.put("`");
    }

    fn arrow(&mut self) {
        self.around("((", |maker| maker.some(3, ", ", Self::pattern), ") => ");
        match self.choice(3) {
            0 => self.around("(", Self::expression, ")"),
            1 => self.block(),
            _ => {
                self.around("{ ", |maker| maker.some(2, "", Self::statement), "return ");
                self.around("", Self::expression, " }");
            }
        }
        self.put(")");
    }

    /// The same around the same, many times over.
    fn wrapped_many(&mut self) {
        const WRAPPERS: [(&str, &str); 18] = [
            ("[", "]"),
            ("({ a: ", " })"),
            ("(() => ", ")"),
            ("((p) => p(", "))"),
            ("((p) => ((q) => ", ")(p))"),
            ("require(", ")"),
            ("path.join(", ", 'a')"),
            ("`a${", "}`"),
            ("(x ? ", " : 'b')"),
            ("(x ? 'b' : ", ")"),
            ("(", ").toString()"),
            ("(", ").concat('a')"),
            ("(function (p) { return ", " })(x)"),
            ("[...[", "], ...[1]]"),
            ("__importDefault(", ")"),
            ("new URL(", ", import.meta.url)"),
            ("(", ").a"),
            ("(a = ", ")"),
        ];
        let (before, after) = WRAPPERS[self.choice(WRAPPERS.len())];
        let times = self.choice(REPEATS);
        self.put(&before.repeat(times));
        self.expression();
        self.put(&after.repeat(times));
    }

    /// The same after the same, many times over.
    fn chained_many(&mut self) {
        self.put("(");
        self.expression();
        let start = self.text.len();
        match self.choice(8) {
            0 => self.around(" + (", Self::expression, ")"),
            1 => self.around(" || (", Self::expression, ")"),
            2 => self.around(" ?? (", Self::expression, ")"),
            3 => self.around(".concat(", Self::expression, ")"),
            4 => self.around(".join(", Self::expression, ")"),
            5 => self.around("[", Self::expression, "]"),
            6 => self.around(", ", Self::expression, ""),
            _ => self.around("(", Self::expression, ")"),
        }
        let piece = self.text[start..].to_owned();
        for _ in 0..self.choice(REPEATS) {
            if self.text.len() > LONGEST {
                break;
            }
            self.put(&piece);
        }
        self.put(")");
    }
}
