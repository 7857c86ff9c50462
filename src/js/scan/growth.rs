//! How the work on a file grows with it. In: one shape of source at two sizes. Out: nothing; the steps of
//! the larger may not outgrow its size, and what stands after the shape is still found. Never looks at a
//! clock: steps are counted.

use super::*;
use crate::js::parse::parse;

/// How much larger the second is.
const FACTOR: usize = 8;

/// A shape, and how large its smaller source is.
type Shape = (&'static str, usize, fn(usize) -> String);

fn nested(before: &str, inner: &str, after: &str, times: usize) -> String {
    format!("{}{inner}{}", before.repeat(times), after.repeat(times))
}

/// A line for each number.
fn lines(times: usize, line: impl Fn(usize) -> String) -> String {
    (1..=times).map(line).collect()
}

/// `x0` is the first, and each is made of the one before.
fn names(times: usize, first: &str, next: impl Fn(&str) -> String) -> String {
    let rest = lines(times, |index| format!("var x{index} = {};\n", next(&format!("x{}", index - 1))));
    format!("var x0 = {first};\n{rest}f(x{times}); require(x{times}); f(x{times} + '');\n")
}

const SHAPES: &[Shape] = &[
    ("a chain of +", 2500, |n| format!("f(__dirname{})", " + 'a'".repeat(n))),
    ("a chain of + with a name", 2500, |n| format!("var a = {}", vec!["b"; n].join(" + "))),
    ("a chain of ||", 2500, |n| format!("f({})", vec!["a"; n].join(" || "))),
    ("a chain of members", 1000, |n| format!("f(a{})", ".b".repeat(n))),
    ("a chain of calls", 1000, |n| format!("f(a{})", ".b('c')".repeat(n))),
    ("a chain of concat", 250, |n| format!("f(a{})", ".concat('c')".repeat(n))),
    ("a chain of toString", 250, |n| format!("f(a{})", ".toString()".repeat(n))),
    ("a chain of then", 250, |n| format!("Promise.resolve('./a'){}", ".then((a) => require(a))".repeat(n))),
    ("a chain of commas", 2500, |n| format!("f(({}))", vec!["a + 'b'"; n].join(", "))),
    ("a chain of assignments", 1000, |n| format!("{}'b'", lines(n, |index| format!("a{index} = ")))),
    ("arrays in arrays", 250, |n| format!("var a = {}", nested("[", "'b'", "]", n))),
    ("objects in objects", 250, |n| format!("var a = {}", nested("{ b: ", "'c'", " }", n))),
    ("calls in calls", 250, |n| format!("var a = {}", nested("b(", "'c'", ")", n))),
    ("path.join in path.join", 250, |n| {
        format!("var path = require('path'), a = {}", nested("path.join(", "__dirname", ", 'c')", n))
    }),
    ("require in require", 250, |n| format!("var a = {}", nested("require(", "'path'", ")", n))),
    ("arrows in arrows", 250, |n| format!("var a = {}", nested("(b) => ", "require(b)", "", n))),
    ("arrows that call what they are given", 250, |n| format!("var a = {}", nested("(b) => b(", "'c'", ")", n))),
    ("functions called with their parameter", 250, |n| {
        format!("var a = {}", nested("((b) => (function (c) { return ", "'c'", " })(b))", n))
    }),
    ("functions that return functions", 250, |n| {
        format!("var a = {}", nested("function () { return ", "'c'", " }", n))
    }),
    ("functions called where they are written", 250, |n| {
        format!("var a = {}", nested("(function (b) { return ", "require(b)", " })('c')", n))
    }),
    ("functions that put their parameter into text", 250, |n| {
        format!("var a = {}", nested("((b) => './' + b + ", "'c'", ")('d')", n))
    }),
    ("functions that give functions that put their parameter into text", 250, |n| {
        format!("var a = {}", nested("(b) => './' + b + (", "'c'", ")(b)", n))
    }),
    ("a helper called with what it returns", 250, |n| {
        let helper = "function h(b) { return c ? b + '/a' : './' + b + b }\n";
        format!("{helper}var a = {}", nested("h(", "'c'", ")", n))
    }),
    ("an import helper called with what it returns", 250, |n| {
        let helper = "function __importDefault(b) { return b && b.__esModule ? b : './' + b }\n";
        format!("{helper}var a = {}", nested("__importDefault(", "'c'", ")", n))
    }),
    ("each name called with the one before", 625, |n| {
        names(n, "(a) => './' + a", |before| format!("(a) => {before}(a) + {before}(a)"))
    }),
    ("templates in templates", 125, |n| format!("var a = {}", nested("`a${", "b", "}`", n))),
    ("wrappers in wrappers", 250, |n| format!("var a = {}", nested("__importDefault(", "b", ")", n))),
    ("choices in choices", 375, |n| format!("var a = {}", nested("b ? 'c' : ", "'d'", "", n))),
    ("choices in what chooses", 375, |n| format!("var a = {}", nested("(", "b", " ? 'c' : 'd')", n))),
    ("a choice of many", 375, |n| {
        format!("var a = {} 'b'", lines(n, |index| format!("b === {index} ? './{index}' : ")))
    }),
    ("blocks in blocks", 250, |n| nested("{ if (a) ", "b", " }", n)),
    ("each name with more text", 625, |n| names(n, "__dirname", |before| format!("{before} + '/a'"))),
    ("each name twice the text", 625, |n| names(n, "'ab'", |before| format!("{before} + {before}"))),
    ("each name in an array", 625, |n| names(n, "__dirname", |before| format!("[{before}]"))),
    ("each name twice in an array", 625, |n| names(n, "__dirname", |before| format!("[{before}, {before}]"))),
    ("each name twice the array", 625, |n| names(n, "[__dirname]", |before| format!("[...{before}, ...{before}]"))),
    ("each name joined to itself", 625, |n| names(n, "[__dirname]", |before| format!("{before}.concat({before})"))),
    ("each name twice in an object", 625, |n| {
        names(n, "__dirname", |before| format!("{{ a: {before}, b: {before} }}"))
    }),
    ("each name twice in a function", 625, |n| names(n, "__dirname", |before| format!("() => [{before}, {before}]"))),
    ("each name given to a callback twice", 625, |n| {
        names(n, "__dirname", |before| format!("(a) => a({before}, {before})"))
    }),
    ("each name one of two", 625, |n| names(n, "'b'", |before| format!("a ? {before} : {before} + 'c'"))),
    ("one name changed often", 2500, |n| format!("var a = 'b', c = 'd';\n{}", "a = a + c;\n".repeat(n))),
    ("one name with many values", 2500, |n| {
        format!("var a;\n{}require(a);", lines(n, |index| format!("a = './{index}';\n")))
    }),
    ("one name added to often", 2500, |n| format!("var a = 'b';\n{}", "a += 'c';\n".repeat(n))),
    ("one list of files used often", 250, |n| {
        let list = lines(n, |index| format!("__dirname + '/{index}',"));
        format!("var a = [{list}];\n{}", "f(a);\n".repeat(n))
    }),
    ("many arguments", 625, |n| format!("require('path').join({})", vec!["'a'"; n].join(", "))),
    ("many long arguments", 625, |n| {
        format!("var b = '{}'; require('path').join({})", "a".repeat(4000), vec!["b"; n].join(", "))
    }),
    ("many arguments of concat", 625, |n| format!("f('a'.concat({}))", vec!["'a'"; n].join(", "))),
    ("many parts of a template", 625, |n| format!("var b = '{}'; f(`{}`)", "a".repeat(4000), "${b}/".repeat(n))),
    ("many statements before a return", 2500, |n| {
        format!("(function (a) {{ {} return b }})()", lines(n, |index| format!("var b{index} = a;\n")))
    }),
    ("a minified file", 2500, |n| {
        let piece =
            "function e(t,n){return t?r(n)+'a':n.concat(t).concat([1,{a:t,b:n}]).map(function(i){return i*2})}\n";
        piece.repeat(n)
    }),
];

/// Steps, and whether what stands after the shape is found.
fn measure(source: &str) -> (u32, bool) {
    let source = format!("{source};\nrequire('./' + 'found')");
    let measured = parse("js", &source, |parsed| {
        let scope = bindings::collect(parsed, "js");
        let scan = visit::look(parsed, &scope, "js", false);
        (scope.steps(), scan.requests.iter().any(|request| request.specifier == "./found"))
    });
    measured.unwrap_or_else(|error| panic!("{error:?}: {}", &source[..source.len().min(200)]))
}

/// Syntax trees are deep, and a debug build's frames are large.
fn with_room(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(work).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn no_shape_outgrows_its_size() {
    with_room(|| {
        let mut failures = Vec::new();
        for (name, size, shape) in SHAPES {
            let (small, _) = measure(&shape(*size));
            let (large, found) = measure(&shape(*size * FACTOR));
            // What is quadratic needs 64 times as many.
            let most = small * 16 + 1000;
            if large > most || !found {
                failures.push(format!("{name}: {small} steps, then {large}; the rest of the file is found: {found}"));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}
