//! ES modules as entries.

use crate::project::project;

#[test]
fn exports_come_out_of_both_formats() {
    let project = project([
        (
            "main.mjs",
            "import { greet } from './greet.mjs';\nexport const handler = () => greet('you');\nexport default 7;",
        ),
        ("greet.mjs", "export const greet = name => `hello ${name}`;\nexport const unused = 1;"),
    ]);
    project.gives("[m.handler(), m.default]", r#"["hello you",7]"#);
    assert_eq!(project.cjs().entry().exports, ["default", "handler"]);
    assert_eq!(project.esm().entry().exports, ["default", "handler"]);
}

#[test]
fn commonjs_output_is_marked_as_a_module() {
    let built = project([("main.mjs", "export default 1;")]).cjs();
    built.gives("[m.__esModule, m.default, Object.keys(m)]", r#"[true,1,["default"]]"#);
    let built = project([("main.mjs", "export const handler = () => 1;")]).cjs();
    built.gives("[m.__esModule, typeof m.handler, Object.keys(m)]", r#"[true,"function",["handler"]]"#);
}

#[test]
fn star_exports_and_renamed_exports_come_out() {
    let project = project([
        ("main.mjs", "export * from './a.mjs';\nexport * as b from './b.mjs';\nexport { x as y } from './b.mjs';"),
        ("a.mjs", "export const one = 1;\nexport default 'not this';"),
        ("b.mjs", "export const x = 2;"),
    ]);
    project.gives("[Object.keys(m).sort(), m.one, m.b.x, m.y]", r#"[["b","one","y"],1,2,2]"#);
}

#[test]
fn exports_are_live() {
    let project = project([("main.mjs", "export let count = 0;\nexport const add = () => ++count;")]);
    project.gives("[m.count, m.add(), m.count]", "[0,1,1]");
}

#[test]
fn a_reexported_external_comes_out() {
    let project = project([("main.mjs", "export * from 'node:path';\nexport { sep as separator } from 'node:path';")]);
    project.gives("[typeof m.join, m.separator]", r#"["function","/"]"#);
}

#[test]
fn modules_may_be_in_a_cycle() {
    let project = project([
        ("main.mjs", "import { even } from './even.mjs';\nexport const handler = () => [even(10), even(7)];"),
        ("even.mjs", "import { odd } from './odd.mjs';\nexport const even = n => n === 0 || odd(n - 1);"),
        ("odd.mjs", "import { even } from './even.mjs';\nexport const odd = n => n !== 0 && even(n - 1);"),
    ]);
    project.gives("m.handler()", "[true,false]");
}

#[test]
fn the_same_name_in_two_modules_stays_two_things() {
    let project = project([
        (
            "main.mjs",
            "import { a } from './a.mjs';\nimport { b } from './b.mjs';\nconst name = 'main';\nexport const handler = () => [name, a(), b()];",
        ),
        ("a.mjs", "const name = 'a';\nexport const a = () => name;"),
        ("b.mjs", "const name = 'b';\nexport const b = () => name;"),
    ]);
    project.gives("m.handler()", r#"["main","a","b"]"#);
}

#[test]
fn functions_and_classes_keep_their_names() {
    let project = project([
        (
            "main.mjs",
            "import * as a from './a.mjs';\nfunction same() {}\nclass Same {}\nconst arrow = () => {};\nexport const handler = () => [same.name, Same.name, arrow.name, a.f().name, a.c().name, a.g().name];",
        ),
        (
            "a.mjs",
            "function same() {}\nclass Same {}\nconst arrow = () => {};\nexport const f = () => same;\nexport const c = () => Same;\nexport const g = () => arrow;",
        ),
    ]);
    project.gives("m.handler()", r#"["same","Same","arrow","same","Same","arrow"]"#);
}

#[test]
fn a_hashbang_stays_the_first_line() {
    for text in
        ["#!/usr/bin/env node\nexport const handler = () => 1;", "#!/usr/bin/env node\nexports.handler = () => 1;"]
    {
        let project = project([("main.js", text)]);
        project.cjs().gives("m.handler()", "1");
        assert!(project.cjs().code().starts_with("#!/usr/bin/env node\n"));
        assert!(project.esm().code().starts_with("#!/usr/bin/env node\n"));
    }
}

#[test]
fn top_level_await_works_in_module_output() {
    let project = project([
        ("main.mjs", "import { late } from './late.mjs';\nexport const handler = () => late;"),
        ("late.mjs", "export const late = await Promise.resolve(3);"),
    ]);
    project.esm().gives("m.handler()", "3");
}

#[test]
fn modules_run_in_the_order_of_their_imports() {
    let project = project([
        (
            "main.mjs",
            "import './a.mjs';\nimport './b.cjs';\nimport './c.mjs';\nexport const handler = () => globalThis.order;",
        ),
        ("a.mjs", "(globalThis.order = []).push('a');"),
        ("b.cjs", "globalThis.order.push('b');"),
        ("c.mjs", "import './d.cjs';\nglobalThis.order.push('c');"),
        ("d.cjs", "globalThis.order.push('d');"),
    ]);
    project.gives("m.handler()", r#"["a","b","d","c"]"#);
}

#[test]
fn code_may_be_nested_deeply() {
    let sum = vec!["x"; 10_000].join(" + ");
    let list = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let main =
        format!("const sum = x => {sum};\nconst list = {list};\nexport const handler = () => [sum(1), list.length];");
    project([("main.mjs", &main)]).gives("m.handler()", "[10000,1]");
}

#[test]
fn any_name_of_a_function_is_the_name_of_its_file() {
    for name in ["hello.world", "[id]", "a b", "é"] {
        let project = project([("main.mjs", "export const handler = () => 1;")]).with(|it| it.name = name.into());
        project.gives("m.handler()", "1");
        assert_eq!(project.cjs().entry().name, format!("{name}.cjs"));
    }
}

#[test]
fn small_output_has_nothing_in_it_but_the_code() {
    let built = project([("main.mjs", "export const handler = () => 1;")]).esm();
    assert_eq!(built.code(), "const handler = () => 1;\n\nexport { handler };\n");
}

#[test]
fn default_exports_without_a_name_are_called_default() {
    let project = project([
        (
            "main.mjs",
            "import a from './a.mjs';\nimport b from './b.mjs';\nimport c from './c.mjs';\nexport default () => [a.name, b.name, c.name];",
        ),
        ("a.mjs", "export default () => 1;"),
        ("b.mjs", "export default function () {}"),
        ("c.mjs", "export default class {}"),
    ]);
    project.gives("[m.default.name, ...m.default()]", r#"["default","default","default","default"]"#);
}

#[test]
fn this_is_nothing_at_the_top() {
    project([(
        "main.mjs",
        "export const handler = () => typeof (() => this)();\nconst self = this;\nexport const top = typeof self;",
    )])
    .gives("[m.handler(), m.top]", r#"["undefined","undefined"]"#);
}

#[test]
fn functions_can_be_called_before_their_module_ran() {
    let project = project([
        (
            "main.mjs",
            "import { a } from './a.mjs';\nexport function early() { return 'early' }\nexport const handler = () => a;",
        ),
        ("a.mjs", "import { early } from './main.mjs';\nexport const a = early();"),
    ]);
    project.gives("m.handler()", r#""early""#);
}

#[test]
fn paths_may_have_any_characters() {
    let project = project([
        (
            "[id] #1?.mjs",
            "import { a } from './ü/a b.mjs';\nimport c from './$&.js';\nexport const handler = () => [a, c];",
        ),
        ("ü/a b.mjs", "export const a = 1;"),
        ("$&.js", "module.exports = 2;"),
    ]);
    project.with(|it| it.source_maps = true).gives("m.handler()", "[1,2]");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_matter() {
    let project = project([
        ("main.mjs", "\u{feff}import { a } from './a.cjs';\r\nexport const handler = () => a;\r\n"),
        ("a.cjs", "\u{feff}exports.a = 1;\r\n"),
    ]);
    project.gives("m.handler()", "1");
}

#[test]
fn data_urls_work() {
    let project = project([(
        "main.mjs",
        "export const handler = async () => (await import('data:text/javascript,export default 6')).default;",
    )]);
    project.gives("m.handler()", "6");
}

#[test]
fn the_newest_syntax_is_left_to_node() {
    let project = project([(
        "main.mjs",
        "class A { static #p = 1; static { this.q = A.#p } accessor = 2 }\nconst r = /(?<y>\\d+)/v;\nexport const handler = () => [A.q, r.test('1'), 1_000, 2n ** 3n + ''];",
    )]);
    project.gives("m.handler()", r#"[1,true,1000,"8"]"#);
}
