//! What Node's own modules give where that can be told without running anything. In: the name of a
//! module, a member, a function and its arguments. Out: values. Knows the target only: POSIX, Linux.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::posix;
use super::value::{ARCHITECTURE, Anchor, Anchored, FILE_URL, PLATFORM, UNKNOWN, Value};

/// The module of a specifier, if something of it can be told. Packages that pass on Node's own count as
/// that.
pub(super) fn module(specifier: &str) -> Option<Value> {
    let name = match specifier.strip_prefix("node:").unwrap_or(specifier) {
        "path" | "path/posix" => "path",
        "fs" | "fs/promises" | "graceful-fs" | "fs-extra" => "fs",
        "bindings" => "bindings",
        "node-gyp-build" | "@aminya/node-gyp-build" => "node-gyp-build",
        "node-gyp-build-optional-packages" => "node-gyp-build-optional-packages",
        "@mapbox/node-pre-gyp" | "node-pre-gyp" => "node-pre-gyp",
        "nbind" => "nbind",
        name @ ("child_process" | "module" | "os" | "process" | "resolve-from" | "url" | "util" | "worker_threads") => {
            name
        }
        _ => return None,
    };
    Some(Value::node(name))
}

/// A member of something of Node.
pub(super) fn member(of: &str, name: &str) -> Value {
    match (of, name) {
        ("path", "sep") => Value::text("/"),
        ("path", "delimiter") => Value::text(":"),
        ("path", "posix" | "default") | ("fs", "promises" | "default") => Value::node(of),
        ("module", "Module" | "default") => Value::node("module"),
        ("bindings" | "node-gyp-build" | "node-gyp-build-optional-packages" | "node-pre-gyp" | "nbind", "default")
        | ("node-gyp-build" | "node-gyp-build-optional-packages", "path" | "resolve") => Value::node(of),
        ("child_process" | "os" | "process" | "resolve-from" | "url" | "util" | "worker_threads", "default") => {
            Value::node(of)
        }
        ("os", "EOL") => Value::text("\n"),
        ("process", "platform") => Value::text(PLATFORM.to_string()),
        ("process", "arch") => Value::text(ARCHITECTURE.to_string()),
        ("process", "cwd" | "getBuiltinModule")
        | ("module", "createRequire" | "register")
        | ("child_process", "fork")
        | ("worker_threads", "Worker")
        | ("node-pre-gyp", "find")
        | ("nbind", "init")
        | ("util", "promisify")
        | ("os", "arch" | "platform" | "type" | "endianness" | "tmpdir")
        | ("url", "URL" | "fileURLToPath" | "pathToFileURL" | "resolve")
        | ("path" | "fs", _) => Value::node(&format!("{of}.{name}")),
        _ => Value::Unknown,
    }
}

/// What a function of Node returns.
pub(super) fn call(function: &str, arguments: &[Value]) -> Value {
    let texts: Vec<String> = arguments.iter().map(path_text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let known = |index: usize| texts.get(index).copied().filter(|text| !text.contains(UNKNOWN));
    let working_directory = || Anchor::WorkingDirectory.directory();
    let result = match function {
        "path.join" if texts.is_empty() => Some(Value::text(".")),
        "path.join" => Some(Value::text(posix::join(&texts))),
        "path.resolve" => Some(Value::text(posix::resolve(&working_directory(), &texts))),
        "path.normalize" => texts.first().map(|path| Value::text(posix::join(&[path]))),
        "path.toNamespacedPath" => texts.first().map(Value::text),
        "path.dirname" => texts.first().map(|path| Value::text(posix::dirname(path))),
        "path.basename" => texts.first().map(|path| Value::text(posix::basename(path, known(1)))),
        "path.extname" => known(0).map(|path| Value::text(posix::extname(path))),
        "path.relative" => {
            known(0).zip(known(1)).map(|(from, to)| Value::text(posix::relative(&working_directory(), from, to)))
        }
        "path.isAbsolute" => known(0).map(|path| Value::Bool(path.starts_with('/'))),
        "path.parse" => known(0).map(parsed),
        "path.format" => arguments.first().and_then(formatted),
        "os.arch" => Some(Value::text(ARCHITECTURE.to_string())),
        "os.platform" => Some(Value::text(PLATFORM.to_string())),
        "os.type" => Some(Value::text("Linux")),
        "os.endianness" => Some(Value::text("LE")),
        "os.tmpdir" => Some(Value::text("/tmp")),
        "process.cwd" => Some(Value::text(working_directory())),
        "process.getBuiltinModule" => known(0).and_then(module),
        "util.promisify" => arguments.first().cloned(),
        "url.fileURLToPath" => texts.first().and_then(|url| Some(Value::text(url.strip_prefix(FILE_URL)?))),
        "url.pathToFileURL" => texts
            .first()
            .map(|path| Value::text(format!("{FILE_URL}{}", posix::resolve(&working_directory(), &[path])))),
        "url.URL" => url(&texts),
        "url.resolve" => texts.first().zip(texts.get(1)).and_then(|(base, path)| url(&[path, base])),
        "require.resolve" => known(0).map(|specifier| Value::text(Anchor::Module(specifier.into()).file(""))),
        "import.meta.resolve" => {
            known(0).map(|specifier| Value::text(format!("{FILE_URL}{}", Anchor::Module(specifier.into()).file(""))))
        }
        "resolve-from" => {
            known(0).zip(known(1)).map(|(_, specifier)| Value::text(Anchor::Module(specifier.into()).file("")))
        }
        "module.createRequire" => texts.first().and_then(|from| required_from(from)),
        _ => None,
    };
    result.unwrap_or(Value::Unknown)
}

/// Node's path functions refuse what is no text; here it is a part that is not known.
fn path_text(value: &Value) -> String {
    value.as_text().map_or_else(|| UNKNOWN.to_string(), str::to_owned)
}

fn parsed(path: &str) -> Value {
    let base = posix::basename(path, None);
    let extension = posix::extname(path);
    let directory = if path.contains('/') { posix::dirname(path) } else { String::new() };
    let name = base.strip_suffix(&extension).unwrap_or(&base).to_owned();
    let root = if path.starts_with('/') { "/" } else { "" };
    let parts = [("root", root.to_owned()), ("dir", directory), ("base", base), ("ext", extension), ("name", name)];
    let members: BTreeMap<_, _> =
        parts.into_iter().map(|(key, part)| (key.to_owned(), vec![Value::text(part)])).collect();
    Value::object(members)
}

fn formatted(parts: &Value) -> Option<Value> {
    let Value::Object(parts) = parts else { return None };
    let part = |key: &str| match parts.get(key).map(Vec::as_slice) {
        Some([value]) => Some(path_text(value)),
        Some(_) => Some(UNKNOWN.to_string()),
        None => None,
    };
    let named = || Some(format!("{}{}", part("name")?, part("ext").unwrap_or_default()));
    let base = part("base").or_else(named)?;
    Some(Value::text(match part("dir") {
        Some(directory) => format!("{directory}/{base}"),
        None => format!("{}{base}", part("root").unwrap_or_default()),
    }))
}

/// `new URL(path, base)`, for files.
fn url(arguments: &[&str]) -> Option<Value> {
    let (&input, base) = (arguments.first()?, arguments.get(1));
    if let Some(path) = input.strip_prefix(FILE_URL).or(input.strip_prefix("file:")) {
        return Some(Value::text(format!("{FILE_URL}{}", posix::join(&[path]))));
    }
    let base = base?.strip_prefix(FILE_URL)?;
    let has_scheme =
        input.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if has_scheme || input.starts_with('/') {
        return None;
    }
    let path = percent_decode_str(input.split(['?', '#']).next().unwrap_or_default()).decode_utf8_lossy();
    let directory = if base.ends_with('/') { base.to_owned() } else { posix::dirname(base) };
    let slash = if path.is_empty() || matches!(path.rsplit('/').next(), Some("." | "..")) { "/" } else { "" };
    Some(Value::text(format!("{FILE_URL}{}{slash}", posix::join(&[&directory, &path]))))
}

/// What `createRequire` gives.
fn required_from(from: &str) -> Option<Value> {
    Some(Value::Require(Anchored::of(from)?.as_base(from.ends_with('/'))?))
}

/// Functions whose first argument is the path of a file that is read: those of `fs` and of the packages
/// that stand for it.
pub(super) fn reads(function: &str) -> Option<Reads> {
    let name = function.strip_prefix("fs.")?;
    let name = name.strip_suffix("Sync").unwrap_or(name);
    match name {
        "readdir" | "opendir" => Some(Reads::Directory),
        "access" | "copy" | "copyFile" | "cp" | "createReadStream" | "exists" | "lstat" | "open" | "openAsBlob"
        | "pathExists" | "readFile" | "readJSON" | "readJson" | "readlink" | "realpath" | "stat" => Some(Reads::File),
        _ => None,
    }
}

/// What a function reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// A file, or a directory with all that is in it.
    File,
    /// A directory, be it the file's own.
    Directory,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_files() {
        let here = format!("{FILE_URL}{}", Anchor::Directory.file("js"));
        let at = |input: &str| {
            let Value::Text(text) = call("url.URL", &[Value::text(input), Value::text(&here)]) else { return None };
            Anchored::of(&text).map(|at| at.path)
        };
        assert_eq!(at("./a%20b.txt?x#y").as_deref(), Some("a b.txt"));
        assert_eq!(at("../a/").as_deref(), Some("../a"));
        assert_eq!(at(".").as_deref(), Some(""));
        assert_eq!((at("https://x.org/a"), at("/etc/passwd")), (None, None));
    }

    #[test]
    fn a_path_taken_apart_and_put_together() {
        let Value::Object(parts) = call("path.parse", &[Value::text("/a/b.txt")]) else { panic!() };
        assert_eq!((&parts["dir"], &parts["name"]), (&vec![Value::text("/a")], &vec![Value::text("b")]));
        assert_eq!(call("path.format", &[Value::Object(parts)]), Value::text("/a/b.txt"));
    }
}
