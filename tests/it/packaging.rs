//! Which way a function is packaged, and what that means for what ships.

use crate::mistakes::{TRACED, answer, built, site};
use crate::support::{Scratch, fixture, fnzip, said, scratch};

fn listed(site: &Scratch, flags: &[&str]) -> Vec<String> {
    let said = said(fnzip(&site.path).args(["list", "--files"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.lines().map(|line| line.trim().to_owned()).filter(|line| line.starts_with("node_modules/")).collect()
}

/// A function whose package reads a file that is only known at run time.
fn site_with_a_package_that_cannot_be_told() -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = async () => require('texts')('de')\n");
    site.file("node_modules/texts/index.js", "module.exports = (at) => require('fs').readFileSync(at(__dirname))\n");
    site.file("node_modules/texts/de.txt", "");
    site.file("node_modules/texts/README.md", "");
    site.file("node_modules/texts/node_modules/other/index.js", "");
    site.file("node_modules/clear/index.js", "");
    site
}

#[test]
fn a_package_that_cannot_be_told_ships_whole() {
    let site = site_with_a_package_that_cannot_be_told();
    assert_eq!(listed(&site, &[]), ["node_modules/texts/de.txt", "node_modules/texts/index.js"]);
    assert_eq!(listed(&site, &["--no-analysis"]), ["node_modules/texts/index.js"]);
    let built = said(fnzip(&site.path).args(["bundle", "-v", "--color=never"]));
    assert!(built.err.contains("`texts` ships whole, 1 file of 0 KB more"), "{}", built.err);
    let why = said(fnzip(&site.path).args(["why", "hello", "node_modules/texts/de.txt"]));
    assert!(why.out.contains("node_modules/texts/index.js"), "{}", why.out);
}

#[test]
fn a_package_that_does_not_know_its_place_reads_no_file_of_its_own() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("node_modules/texts/index.js", "module.exports = (at) => require('fs').readFileSync(at)\n");
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
    site.file("node_modules/texts/index.js", "module.exports = () => require('fs').readdirSync(process.cwd())\n");
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
    // Any of its modules may tell the others.
    site.file(
        "node_modules/texts/index.js",
        "module.exports = (at = require('./at')) => require('fs').readFileSync(at)\n",
    );
    site.file("node_modules/texts/at.js", "module.exports = __dirname\n");
    let whole = ["node_modules/texts/at.js", "node_modules/texts/de.txt", "node_modules/texts/index.js"];
    assert_eq!(listed(&site, &[]), whole);
}

#[test]
fn a_package_that_only_asks_whether_there_is_a_file_does_not() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("node_modules/texts/index.js", "module.exports = (at) => require('fs').statSync(at)\n");
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
}

#[test]
fn node_bundler_nft_leaves_the_rest_of_the_package_out() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("netlify.toml", "[functions]\nnode_bundler = \"nft\"\n");
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
    site.file("netlify.toml", "[functions]\nnode_bundler = \"zisi\"\n");
    assert_eq!(listed(&site, &[]).len(), 2);
}

#[test]
fn packages_of_version_2_functions_are_traced() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("netlify/functions/hello.mjs", "import texts from 'texts'; export default () => texts('de')\n");
    std::fs::remove_file(site.path.join("netlify/functions/hello.js")).unwrap();
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
}

fn results(site: &Scratch, flags: &[&str]) -> serde_json::Value {
    let built = said(fnzip(&site.path).args(["bundle", "--json"]).args(flags));
    serde_json::from_str(&built.out).unwrap_or_else(|_| panic!("{}", built.err))
}

#[test]
fn packages_with_addons_stand_beside_a_bundle() {
    let site = scratch();
    site.file("netlify/functions/hello.ts", "import fast from 'fast'; export const handler = async () => fast\n");
    site.file("node_modules/fast/package.json", r#"{"version": "1.2.3", "gypfile": true}"#);
    site.file("node_modules/fast/index.js", "module.exports = require('./a.node')\n");
    let addon = fixture("trace/addon-that-fits/node_modules/pkg/a.node");
    site.file("node_modules/fast/a.node", std::fs::read(addon).unwrap());
    let row = &results(&site, &[])[0];
    assert_eq!(row["bundler"], "esbuild");
    let place = site.path.join("node_modules/fast").to_string();
    assert_eq!(row["nativeNodeModules"]["fast"][&place], "1.2.3", "{row:#}");
    assert!(site.path.join(".netlify/functions/hello.zip").is_file());
}

#[test]
fn packages_in_a_bundle_are_weighed() {
    let site = scratch();
    site.file("netlify/functions/hello.ts", "import big from 'big'; export const handler = async () => big\n");
    site.file("node_modules/big/index.js", format!("module.exports = {:?}\n", "x".repeat(5000)));
    let built = said(fnzip(&site.path).args(["bundle", "--sizes", "--color=never"]));
    let line = built.err.lines().find(|line| line.contains("  big  ")).unwrap_or_else(|| panic!("{}", built.err));
    assert!(line.contains("(in the bundle, ") && line.ends_with("kB unpacked)"), "{line}");
}

/// `export =` and `export` in one module are a mistake that no bundle can hold.
#[test]
fn what_cannot_be_bundled_is_traced_where_netlify_toml_asks_for_a_bundle() {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = async () => require('../lib')\n");
    site.file("netlify/lib.mjs", "export const wait = await 1\n");
    site.file("netlify/lib.js", "module.exports = import('./lib.mjs')\n");
    site.file("netlify.toml", "[functions]\nnode_bundler = \"esbuild\"\n");
    let row = &results(&site, &[])[0];
    assert_eq!((&row["bundler"], &row["error"]), (&"zisi".into(), &serde_json::Value::Null), "{row:#}");
    let text = row["bundlerErrors"][0]["text"].as_str().unwrap();
    assert!(text.contains("`await` at the top of a module"), "{row:#}");
    assert_eq!(row["bundlerErrors"][0]["location"]["line"], 1, "{row:#}");
    let told = results(&site, &["--config", r#"{"*": {"nodeBundler": "esbuild"}}"#]);
    assert!(told[0]["error"]["message"].as_str().unwrap().contains("`await` at the top of a module"), "{told:#}");
}

/// Each way, as CommonJS and as an ES module.
fn answers(main: &str, others: &[(&str, &str)], expected: &str) {
    for (kind, entry) in [("commonjs", "f.js"), ("module", "f.mjs")] {
        let site = site("f.ts", main, others);
        site.file("package.json", format!("{{ \"type\": \"{kind}\" }}"));
        for flags in [&[][..], TRACED] {
            let (status, said) = built(&site, flags);
            assert_eq!(status, 0, "{said}");
            assert_eq!(answer(&site, entry), expected, "{kind}, {flags:?}");
        }
    }
}

#[test]
fn what_a_require_of_another_place_asks_for_ships_though_a_bundle_has_it() {
    let main = "import { createRequire } from 'node:module'\nimport shop from '../../data/shop.json'\n\
        import { deep } from '../../lib/deep'\nconst load = createRequire(import.meta.url)\n\
        export const handler = async () => [shop.a, load('../../data/shop.json').a, deep()].join()\n";
    let deep = "import { createRequire } from 'node:module'\nimport shop from '../data/shop.json'\n\
        export const deep = (): string => shop.a + createRequire(import.meta.url)('../data/shop.json').a\n";
    answers(main, &[("data/shop.json", r#"{ "a": "b" }"#), ("lib/deep.ts", deep)], "b,b,bb");
}

#[test]
fn computed_requests_find_what_is_compiled_or_bundled() {
    let main = "import { join } from 'node:path'\nimport { state } from '../../lib/state'\n\
        const which = String(process.env.WHICH ?? 'a')\n\
        const chosen = which === 'b' ? '../../lib/b' : '../../lib/a'\n\
        export const handler = async () => [require(chosen).name, (await import(chosen)).name,\n\
        (await import(`../../lib/${which}.ts`)).name, (await import(`../../lib/${which}.js`)).name,\n\
        require(`../../lib/${which}`).name, require(join(__dirname, '../../lib', which)).name,\n\
        (await import(new URL(`../../lib/${which}.ts`, import.meta.url).href)).name, state.count].join()\n";
    let part = "import { state } from './state'\nstate.count += 1\nexport const name: string = 'a'\n";
    let others = [
        ("lib/a.ts", part),
        ("lib/b.ts", "export const name: string = 'b'\n"),
        ("lib/state.ts", "export const state: { count: number } = { count: 0 }\n"),
    ];
    answers(main, &others, "a,a,a,a,a,a,a,1");
}

/// Before Node 24 they become CommonJS, under another name than their package.json knows.
#[test]
fn es_modules_beside_a_bundle_are_asked_for_where_they_stand() {
    let package = [
        ("netlify.toml", "[functions]\nexternal_node_modules = [\"modern\"]\n"),
        ("node_modules/modern/package.json", r#"{ "type": "module", "exports": "./lib/index.js" }"#),
        ("node_modules/modern/lib/index.js", "export const named = 'named'\nexport default 'default'\n"),
        // By itself beside every bundle: it reads a file of its own.
        ("node_modules/reader/package.json", r#"{ "type": "module", "exports": "./index.js" }"#),
        (
            "node_modules/reader/index.js",
            "import { readFileSync } from 'node:fs'\n\
             export const read = () => readFileSync(new URL('./text.txt', import.meta.url), 'utf8')\n",
        ),
        ("node_modules/reader/text.txt", "text"),
    ];
    let main = "import all, { named } from 'modern'\nimport * as names from 'modern'\nimport { read } from 'reader'\n\
        export const handler = async () => [all, named, names.default, (await import('modern')).named, read()].join()\n";
    for (file, flags) in [
        ("f.ts", &[][..]),
        ("f.mts", &[]),
        ("f.mjs", &[]),
        ("f.cts", &[]),
        ("f.js", &["--config", r#"{"*":{"nodeBundler":"esbuild"}}"#]),
    ] {
        let site = site(file, main, &package);
        for node in ["18", "20", "22", "24"] {
            let (status, said) = built(&site, &[flags, &["--node-version", node]].concat());
            assert_eq!(status, 0, "{file}: {said}");
            // What is built for Node 24 may need it.
            if node != "24" {
                assert_eq!(answer(&site, "f.js"), "default,named,default,named,text", "{file} for Node {node}");
            }
        }
    }
}

#[test]
fn what_import_equals_asks_for_goes_into_the_bundle() {
    let others = [
        ("tsconfig.json", r#"{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }"#),
        ("lib/other.ts", "export import own = require('./own'); export const more: string = own.value\n"),
        ("lib/own.ts", "const own: { value: string } = { value: 'own' }; export = own;\n"),
        ("packages/plain/package.json", r#"{ "name": "plain", "main": "src/index.ts" }"#),
        ("packages/plain/src/index.ts", "const it: { kind: string } = { kind: 'plain' }; export = it;\n"),
        ("node_modules/modern/package.json", r#"{ "type": "module", "exports": "./index.js" }"#),
        ("node_modules/modern/index.js", "export const named = 'modern'\n"),
    ];
    let main = "import own = require('~/own')\nimport plain = require('plain')\nimport modern = require('modern')\n\
        import { more, own as again } from '~/other'\n\
        export const handler = async () => [own.value, plain.kind, modern.named, more, again === own].join()\n";
    for file in ["f.ts", "f.cts"] {
        let site = site(file, main, &others);
        std::os::unix::fs::symlink("../packages/plain", site.path.join("node_modules/plain")).unwrap();
        let (status, said) = built(&site, &["--node-version", "20"]);
        assert_eq!(status, 0, "{said}");
        assert_eq!(answer(&site, "f.js"), "own,plain,modern,own,true", "{file}");
    }
}
