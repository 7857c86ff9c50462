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
