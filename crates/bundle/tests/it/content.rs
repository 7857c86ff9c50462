//! Files that are no JavaScript.

use fnzip_bundle::{Code, Format};

use crate::project::project;

/// `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))`
const ADD: &[u8] = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";

/// `(module (import "./host.mjs" "base" (func (result i32))) (export "twice" (func 0)))`
const IMPORTS: &[u8] =
    b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x02\x13\x01\x0a./host.mjs\x04base\0\0\x07\x09\x01\x05twice\0\0";

const JSON: (&str, &str) = ("data.json", r#"{ "one": 1, "two": { "deep": [2] }, "not a name": 3 }"#);

#[test]
fn json_is_its_value() {
    let project = project([("main.mjs", "import data from './data.json';\nexport const handler = () => data;"), JSON]);
    project.gives("m.handler()", r#"{"one":1,"two":{"deep":[2]},"not a name":3}"#);
}

#[test]
fn json_has_named_exports_and_only_the_used_ones_stay() {
    let project =
        project([("main.mjs", "import { two } from './data.json';\nexport const handler = () => two.deep;"), JSON]);
    project.gives("m.handler()", "[2]");
    assert!(!project.cjs().code().contains("not a name"), "{}", project.cjs().code());
}

#[test]
fn json_may_be_asked_for_as_json() {
    let project = project([
        (
            "main.mjs",
            "import data from './data.json' with { type: 'json' };\nexport const handler = async () => [data.one, (await import('./data.json', { with: { type: 'json' } })).default.one];",
        ),
        JSON,
    ]);
    project.gives("m.handler()", "[1,1]");
}

#[test]
fn json_may_be_required_and_is_one_object() {
    let project = project([
        (
            "main.js",
            "exports.handler = () => [require('./data.json').one, require('./data.json') === require('./data')];",
        ),
        JSON,
    ]);
    project.cjs().gives("m.handler()", "[1,true]");
}

#[test]
fn broken_json_has_its_place() {
    let project = project([
        ("main.mjs", "import data from './data.json';\nexport default data;"),
        ("data.json", "{\n  \"a\": 1,\n}"),
    ]);
    let failures = project.try_bundle(Format::Cjs).unwrap_err();
    assert_eq!((failures[0].code, failures[0].line), (Code::Syntax, Some(3)), "{failures:?}");
    assert_eq!(failures[0].file, Some(project.directory.join("data.json")));
}

#[test]
fn text_is_a_string() {
    let project = project([
        ("main.mjs", "import text from './a.txt';\nexport const handler = () => text;"),
        ("a.txt", "line 1\n\"quoted\" `${x}` \u{2028} \\ é\n"),
    ]);
    project.gives("m.handler()", "\"line 1\\n\\\"quoted\\\" `${x}` \u{2028} \\\\ é\\n\"");
}

#[test]
fn wasm_exports_what_its_instance_does() {
    let project = project([("main.mjs", "import { add } from './add.wasm';\nexport const handler = () => add(2, 3);")]);
    project.bytes("add.wasm", ADD).gives("m.handler()", "5");
}

#[test]
fn wasm_without_a_default_export_has_the_module_there() {
    let project = project([
        ("main.mjs", "import module from './uses.wasm';\nexport const handler = () => new WebAssembly.Instance(module, { './host.mjs': { base: () => 7 } }).exports.twice();"),
    ]).bytes("uses.wasm", IMPORTS);
    project.gives("m.handler()", "7");
    // Nobody instantiates it, so what it imports is not wanted either.
    assert_eq!(project.cjs().entry().externals, [""; 0]);
}

#[test]
fn the_source_phase_gives_the_module_of_wasm() {
    let project = project([(
        "main.mjs",
        "import source module from './uses.wasm';\nexport const handler = () => module instanceof WebAssembly.Module;",
    )])
    .bytes("uses.wasm", IMPORTS);
    project.gives("m.handler()", "true");
}

#[test]
fn wasm_imports_modules() {
    let project = project([
        ("main.mjs", "import * as wasm from './uses.wasm';\nexport const handler = () => wasm.twice();"),
        ("host.mjs", "export const base = () => 21;"),
    ]);
    project.bytes("uses.wasm", IMPORTS).gives("m.handler()", "21");
}

#[test]
fn what_is_no_wasm_is_a_failure() {
    let project =
        project([("main.mjs", "import wasm from './a.wasm';\nexport default wasm;")]).bytes("a.wasm", b"\0asm");
    let failures = project.try_bundle(Format::Cjs).unwrap_err();
    assert_eq!(failures[0].file, Some(project.directory.join("a.wasm")), "{failures:?}");
}

#[test]
fn other_bytes_are_an_array_of_them() {
    let project = project([(
        "main.mjs",
        "import bytes from './a.bin';\nexport const handler = () => [...bytes, bytes.constructor.name];",
    )]);
    project.bytes("a.bin", &[0, 255, 7]).gives("m.handler()", r#"[0,255,7,"Uint8Array"]"#);
}
