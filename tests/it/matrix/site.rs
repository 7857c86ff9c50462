//! The site of a build: its packages, the functions of its rows, and their own modules. In: rows that are
//! built at once. Out: files. What functions answer is in `rule`.

use super::rows::Row;
use super::rule::Format;
use crate::support::{Scratch, scratch};

/// Writes a site with a function for each of `rows`, which agree in what a build can have but once.
pub(super) fn site(rows: &[Row]) -> Scratch {
    let site = scratch();
    let first = rows[0];
    let package = match first.package_type() {
        "none" => r#"{ "name": "site" }"#.to_owned(),
        other => format!(r#"{{ "name": "site", "type": "{other}" }}"#),
    };
    let mut toml = "[functions]\nincluded_files = [\"data/**\"]\n".to_owned();
    if first.is_told_by_toml() && first.bundler() != "unset" {
        toml += &format!("node_bundler = \"{}\"\n", first.bundler());
    }
    site.file("package.json", package).file("netlify.toml", toml).file("data/data.txt", "data");
    for (path, text) in SHARED {
        site.file(path, text);
    }
    for row in rows {
        site.file(&format!("netlify/functions/{}.{}", row.name(), row.main_extension()), main(*row));
        if !row.is_alone() {
            own_modules(*row, &site);
        }
    }
    site
}

/// The configuration of a build on the command line.
pub(super) fn config(row: Row) -> Option<String> {
    let is_said = !row.is_told_by_toml() && row.bundler() != "unset";
    is_said.then(|| format!(r#"{{"*": {{"nodeBundler": "{}"}}}}"#, row.bundler()))
}

/// Packages, and what functions of every kind use.
const SHARED: [(&str, &str); 18] = [
    ("node_modules/common/package.json", r#"{ "name": "common", "version": "1.0.0" }"#),
    (
        "node_modules/common/index.js",
        "module.exports = function common() { return 'common' }\nmodule.exports.named = 'named'\n",
    ),
    ("node_modules/compiled/package.json", r#"{ "name": "compiled", "version": "1.0.0", "main": "lib/main" }"#),
    (
        "node_modules/compiled/lib/main.js",
        "Object.defineProperty(exports, '__esModule', { value: true })\nexports.default = require('./value')\n",
    ),
    ("node_modules/compiled/lib/value.js", "module.exports = 'compiled'\n"),
    (
        "node_modules/modern/package.json",
        r#"{ "name": "modern", "version": "1.0.0", "type": "module", "exports": "./index.js" }"#,
    ),
    (
        "node_modules/modern/index.js",
        "import common from 'common'\nimport { word } from './word.js'\nexport const modern = common() && word\n",
    ),
    ("node_modules/modern/word.js", "export const word = import.meta.url && 'modern'\n"),
    (
        "node_modules/dual/package.json",
        r#"{ "name": "dual", "version": "1.0.0", "exports": { "import": "./index.mjs", "require": "./index.cjs" } }"#,
    ),
    ("node_modules/dual/index.mjs", "export const dual = 'import'\n"),
    ("node_modules/dual/index.cjs", "exports.dual = 'require'\n"),
    ("node_modules/bridge/package.json", r#"{ "name": "bridge", "version": "1.0.0" }"#),
    ("node_modules/bridge/index.js", "exports.bridge = require('modern').modern\n"),
    ("lib/always.mjs", "export const always = import.meta.url && 'always.mjs'\n"),
    ("lib/always.cjs", "exports.always = __dirname && 'always.cjs'\n"),
    ("lib/numbers.json", r#"{ "answer": 42 }"#),
    ("lib/plugins/one.mjs", "export const plugin = 'one'\n"),
    ("lib/typed/one.ts", "export const typed: string = 'one' as const\n"),
];

/// What makes elements of JSX.
const H: &str = "/** @jsx h */\nconst h = (name, props, child) => [name, props.id, child].join(' ')\n";

impl Row {
    /// How its own modules name another: with the extension that stands for it, or without one.
    fn specifier(self, name: &str, in_full: bool) -> String {
        let extension = match self.extension() {
            "ts" | "tsx" => ".js",
            "mts" => ".mjs",
            "cts" => ".cjs",
            "js" => ".js",
            "mjs" => ".mjs",
            "cjs" => ".cjs",
            _ => ".jsx",
        };
        // Node's `require()`, and whoever compiles `.js` and `.ts`, find the extension by themselves.
        let is_found = match self.extension() {
            "ts" | "tsx" => true,
            "js" => self.called() != Some(Format::Esm),
            _ => false,
        };
        if in_full || !is_found { format!("{name}{extension}") } else { name.to_owned() }
    }

    /// Adds a type where there are types.
    fn typed(self, what: &str) -> String {
        if self.is_typescript() { format!(": {what}") } else { String::new() }
    }

    /// Does it ask for its directory as CommonJS does?
    fn has_dirname(self) -> bool {
        matches!(self.syntax(), "cjs" | "mixed" | "assigned")
    }
}

fn main(row: Row) -> String {
    let mut text = String::new();
    if row.extension() == "tsx" {
        text += &H.replace("(name, props, child)", "(name: string, props: any, child: unknown): string");
    }
    text += &builtins(row);
    if !row.is_alone() {
        text += &imports(row);
    }
    let here = if row.has_dirname() { "__dirname" } else { "dirname(fileURLToPath(import.meta.url))" };
    text += &format!("const data{} = readFileSync(join({here}, '../../data/data.txt'), 'utf8')\n", row.typed("string"));
    let mut members = vec!["data"];
    if row.syntax() == "awaiting" {
        text += "const late = await Promise.resolve('late')\n";
        members.push("late");
    }
    if row.is_typescript() {
        text += "enum Kind { One = 'enum' }\n";
        members.push("kind: Kind.One");
    }
    if row.extension() == "tsx" {
        text += "const view = <b id=\"x\">{1}</b>\n";
        members.push("view");
    }
    text += &format!("const answer = async (which{}) => ({{\n", row.typed("string"));
    if !row.is_alone() {
        members.extend([
            "common: `${common()} ${named}`",
            "compiled: typeof compiled === 'string' ? 'compiled' : 'node'",
            "modern",
            "bridge",
            "dual",
            "own",
            "other",
            "module: fromModule",
            "script: script.always",
            "numbers: numbers.answer",
            "plugin: (await import(`../../lib/plugins/${which}.mjs`)).plugin",
        ]);
        if row.is_typescript() {
            members.push("typed: (await import(`../../lib/typed/${which}.js`)).typed");
        }
    }
    for member in members {
        text += &format!("  {member},\n");
    }
    text + "})\n" + &exports(row)
}

/// Node's own modules.
fn builtins(row: Row) -> String {
    match row.syntax() {
        "cjs" => "const { readFileSync } = require('node:fs')\nconst { join } = require('node:path')\n".to_owned(),
        "mixed" | "assigned" => {
            "import { readFileSync } from 'node:fs'\nconst { join } = require('node:path')\n".to_owned()
        }
        _ => "import { readFileSync } from 'node:fs'\nimport { dirname, join } from 'node:path'\n\
              import { fileURLToPath } from 'node:url'\n"
            .to_owned(),
    }
}

/// Packages, own modules, JSON.
fn imports(row: Row) -> String {
    let lib = format!("../../{}", row.folder());
    let (own, other) = (row.specifier("own", false), row.specifier("other", true));
    // The type is none at run time, and no word says so.
    let types = if row.is_typescript() && row.exports() { ", Shape" } else { "" };
    // Node wants the attribute, and compilers do without.
    let attribute = match row.called() {
        Some(Format::Esm) if !row.is_typescript() => " with { type: 'json' }",
        _ => "",
    };
    let by_import = format!(
        "import common, {{ named }} from 'common'\nimport compiled from 'compiled'\nimport {{ dual }} from 'dual'\n\
         import {{ own{types} }} from '{lib}/{own}'\n"
    );
    let by_require = format!(
        "const {{ modern }} = require('modern')\nconst other = require('{lib}/{other}').default\n\
         const {{ always: fromModule }} = require('../../lib/always.mjs')\n\
         const script = require('../../lib/always.cjs')\nconst {{ bridge }} = require('bridge')\n\
         const numbers{} = require('../../lib/numbers.json')\n",
        row.typed("{ answer: number }")
    );
    match row.syntax() {
        "cjs" => format!(
            "const common = require('common')\nconst {{ named }} = common\n\
             const compiled = require('compiled').default\nconst {{ dual }} = require('dual')\n\
             const {{ own }} = require('{lib}/{own}')\n{by_require}"
        ),
        "mixed" | "assigned" => by_import + &by_require,
        _ => format!(
            "{by_import}import {{ modern }} from 'modern'\nimport {{ bridge }} from 'bridge'\nimport other from '{lib}/{other}'\n\
             import {{ always as fromModule }} from '../../lib/always.mjs'\n\
             import script from '../../lib/always.cjs'\n\
             import numbers from '../../lib/numbers.json'{attribute}\n"
        ),
    }
}

fn exports(row: Row) -> String {
    let argument = if row.is_version_2() { "request" } else { "event" };
    let argument = format!("{argument}{}", row.typed("any"));
    let handler = if row.is_version_2() {
        format!("async ({argument}) => Response.json(await answer(new URL(request.url).searchParams.get('which')))\n")
    } else {
        format!(
            "async ({argument}) => ({{\n  statusCode: 200,\n  \
             body: JSON.stringify(await answer(event.queryStringParameters.which)),\n}})\n"
        )
    };
    let handler = if row.is_typescript() { handler.replace("get('which')", "get('which')!") } else { handler };
    match (row.exports(), row.is_version_2()) {
        (true, true) => format!("export default {handler}"),
        (true, false) => format!("export const handler = {handler}"),
        (false, true) => format!("exports.default = {handler}"),
        (false, false) if row.syntax() == "assigned" => {
            format!("const handler = {handler}module.exports = {{ handler }}\n")
        }
        (false, false) => format!("exports.handler = {handler}"),
    }
}

/// `own` reads a file beside it, and asks for `other`.
fn own_modules(row: Row, site: &Scratch) {
    let folder = row.folder();
    let (other, is_jsx) = (row.specifier("other", false), row.extension() == "jsx");
    let word = if is_jsx { "<b id=\"x\">{1}</b>" } else { "'own'" };
    let import = match row.syntax() {
        "cjs" => format!("const {{ readFileSync }} = require('node:fs')\nconst other = require('./{other}').default\n"),
        "mixed" | "assigned" => {
            format!("import {{ readFileSync }} from 'node:fs'\nconst other = require('./{other}').default\n")
        }
        _ => format!("import {{ readFileSync }} from 'node:fs'\nimport other from './{other}'\n"),
    };
    let place = if row.has_dirname() {
        "require('node:path').join(__dirname, 'own.txt')"
    } else {
        "new URL('./own.txt', import.meta.url)"
    };
    let wait = if row.syntax() == "deep" { "await " } else { "" };
    let value = format!("{wait}(other && [{word}, readFileSync({place}, 'utf8')].join(' '))");
    let kind = row.typed("string");
    let mut text = if is_jsx { H.to_owned() } else { String::new() };
    text += &import;
    text += &match (row.exports(), row.is_typescript()) {
        (true, true) => format!("export interface Shape {{ a: string }}\nexport const own{kind} = {value}\n"),
        (true, false) => format!("export const own = {value}\n"),
        (false, _) => format!("const own{kind} = {value}\nmodule.exports = {{ own }}\n"),
    };
    let default = if row.exports() { "export default 'other'\n" } else { "module.exports = { default: 'other' }\n" };
    site.file(&format!("{folder}/own.{}", row.extension()), text)
        .file(&format!("{folder}/other.{}", row.extension()), default)
        .file(&format!("{folder}/own.txt"), "own.txt");
}
