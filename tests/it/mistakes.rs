//! What is wrong with functions in TypeScript, as people read it: with its place, and what to do.

use std::process::Command;

use crate::support::{Scratch, fnzip, said, scratch, unpack_all};

pub(crate) const TRACED: &[&str] = &["--config", r#"{"*":{"nodeBundler":"nft"}}"#];

/// A site with a function and other files.
pub(crate) fn site(main: &str, text: &str, others: &[(&str, &str)]) -> Scratch {
    let site = scratch();
    site.file(&format!("netlify/functions/{main}"), text).file("package.json", "{}");
    for (path, text) in others {
        site.file(path, text);
    }
    site
}

/// The exit status, and what was said of the site.
pub(crate) fn built(site: &Scratch, flags: &[&str]) -> (i32, String) {
    let said = said(fnzip(&site.path).args(["bundle", "--color=never"]).args(flags));
    (said.status, said.err)
}

/// Fails, and says all of this, each way.
fn fails(site: &Scratch, words: &[&str]) {
    for flags in [&[][..], TRACED] {
        let (status, said) = built(site, flags);
        assert_eq!(status, 1, "{flags:?}: {said}");
        words.iter().for_each(|words| assert!(said.contains(words), "{flags:?}: no {words:?} in {said}"));
    }
}

/// What the function answers when it is called by the Node on the PATH.
pub(crate) fn answer(site: &Scratch, entry: &str) -> String {
    let unpacked = scratch();
    unpack_all(&site.path.join(".netlify/functions"), &unpacked.path);
    let call = format!("import('./f/{entry}').then((it) => it.handler()).then(console.log)");
    let output = Command::new("node").args(["-e", &call]).current_dir(&unpacked.path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_syntax_error_shows_the_line() {
    let other = [("lib/x.ts", "type A = 1\nexport const b: A = 1 +;\n")];
    let site = site("f.ts", "import { b } from '../../lib/x'\nexport const handler = () => b\n", &other);
    fails(&site, &["lib/x.ts:2:24", "2 | export const b: A = 1 +;"]);
}

#[test]
fn what_the_transpiler_refuses_shows_the_line_and_what_to_do() {
    let text = "const d = () => {}\nclass A {\n  constructor(@d a: string) {}\n}\nexport const handler = () => A\n";
    let hint = "set `experimentalDecorators` in tsconfig.json";
    fails(&site("f.ts", text, &[]), &["error[syntax]", "f.ts:3:15", "constructor(@d a: string)", hint]);
}

#[test]
fn top_level_await_needs_es_modules() {
    let other = [("lib/x.ts", "interface A { x: 1 }\n\nexport const a = await Promise.resolve('waited')\n")];
    let site = site("f.ts", "import { a } from '../../lib/x'\nexport const handler = async () => a\n", &other);
    let fix = "set `\"type\": \"module\"` in the function's package.json";
    fails(&site, &["lib/x.ts:3:18", "3 | export const a = await", fix]);
    site.file("package.json", r#"{ "type": "module" }"#);
    for flags in [&[][..], TRACED] {
        let (status, said) = built(&site, flags);
        assert_eq!(status, 0, "{said}");
        assert_eq!(answer(&site, "f.mjs"), "waited");
    }
}

#[test]
fn export_assignments_are_for_commonjs() {
    let main = "import helper = require('../../lib/x')\nexport = { handler: async () => helper.a }\n";
    let site = site("f.ts", main, &[("lib/x.ts", "const x = { a: 'equal' as string }\nexport = x\n")]);
    for flags in [&[][..], TRACED] {
        assert_eq!(built(&site, flags).0, 0);
        assert_eq!(answer(&site, "f.js"), "equal");
    }
    site.file("package.json", r#"{ "type": "module" }"#);
    assert_eq!(built(&site, &[]).0, 0, "a bundle can hold both");
    assert_eq!(answer(&site, "f.mjs"), "equal");
    let (status, said) = built(&site, TRACED);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("f.ts:2:1") && said.contains("`export =` cannot be expressed in an ES module"), "{said}");
}

#[test]
fn a_package_of_types_has_no_values() {
    let types = [
        ("node_modules/only-types/package.json", r#"{ "name": "only-types", "types": "index.d.ts" }"#),
        ("node_modules/only-types/index.d.ts", "export declare const value: 1\nexport interface Type {}\n"),
    ];
    let by_type = "import { Type } from 'only-types'\nexport const handler = async () => 'none' as Type\n";
    let site = site("f.ts", by_type, &types);
    assert_eq!(built(&site, &[]).0, 0);
    let by_value = "import { value } from 'only-types'\nexport const handler = async () => value\n";
    site.file("netlify/functions/f.ts", by_value);
    fails(
        &site,
        &["Cannot find package 'only-types'", "f.ts:1:23", "import { value } from 'only-types'", "import type"],
    );
}

#[test]
fn decorators_are_told_of_types_that_are_nowhere() {
    let text = "import { Context } from 'aws-lambda'\nimport { Here } from './here'\n\
        const told: string[] = []\n\
        Object.assign(Reflect, { metadata: (key: string, types: Function[]) => () => {\n\
        if (key.endsWith('paramtypes')) told.push(...types.map((type) => type.name)) } })\n\
        const d = (..._: unknown[]) => {}\n\
        class A { @d go(context: Context, here: Here) {} }\n\
        export const handler = async () => told.join() + typeof A\n";
    let tsconfig = r#"{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }"#;
    let here = ("netlify/functions/f/here.ts", "export class Here {}\n");
    let site = site("f/f.ts", text, &[("tsconfig.json", tsconfig), here]);
    for flags in [&[][..], TRACED] {
        let (status, said) = built(&site, flags);
        assert_eq!(status, 0, "{said}");
        assert_eq!(answer(&site, "f.js"), "Object,Herefunction");
    }
}

#[test]
fn a_name_that_is_not_exported_shows_who_asks() {
    let main =
        "interface A { a: 1 }\n\nimport { b, type A as C } from '../../lib/x'\nexport const handler = () => b as C\n";
    let (status, said) = built(&site("f.ts", main, &[("lib/x.ts", "export type A = 1\n")]), &[]);
    assert_eq!(status, 1);
    assert!(said.contains("f.ts:3:10") && said.contains("`b` is not exported by `lib/x.ts`"), "{said}");
}

#[test]
fn a_tsconfig_that_extends_nothing_is_a_warning() {
    let tsconfig = "{\n  // As everybody has it.\n  \"extends\": [\"@tsconfig/node22/tsconfig.json\"],\n}\n";
    let site = site("f.ts", "export const handler = async () => 1\n", &[("tsconfig.json", tsconfig)]);
    let (status, said) = built(&site, &[]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("warning[configuration]") && said.contains("tsconfig.json:3:15"), "{said}");
    assert!(said.contains("it extends `@tsconfig/node22/tsconfig.json`, which is not there"), "{said}");
}

#[test]
fn what_only_bundlers_import_is_no_module() {
    let main = "import text from '../../lib/text.md'\nexport const handler = async () => text.trim()\n";
    let site = site("f.ts", main, &[("lib/text.md", "# Text\n")]);
    assert_eq!(built(&site, &[]).0, 0);
    assert_eq!(answer(&site, "f.js"), "# Text");
    let (status, said) = built(&site, TRACED);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("f.ts:1:18") && said.contains("Node cannot import '../../lib/text.md'"), "{said}");
    assert!(said.contains("`node_bundler = \"esbuild\"`"), "{said}");
}

/// What an ES module cannot hold: whoever asks for a bundle by netlify.toml gets the files.
#[test]
fn a_bundle_that_cannot_be_is_traced_if_netlify_toml_asks_for_it() {
    let main = "import lib from '../../lib/x.cjs'\nexport const handler = async () => lib()\n";
    let sloppy = "module.exports = () => { with ({ a: 'with' }) { return a } }\n";
    let site = site("f.js", main, &[("lib/x.cjs", sloppy), ("package.json", r#"{ "type": "module" }"#)]);
    let (status, said) = built(&site, &["--config", r#"{"*":{"nodeBundler":"esbuild"}}"#]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("error[syntax]") && said.contains("lib/x.cjs:1:26"), "{said}");
    site.file("netlify.toml", "[functions]\nnode_bundler = \"esbuild\"\n");
    let (status, said) = built(&site, &[]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("warning[syntax]") && said.contains("not bundled but traced: an ES module cannot"), "{said}");
    assert_eq!(answer(&site, "f.mjs"), "with");
}
