//! Node's `path`, for POSIX, on text. In: paths, which need not exist. Out: paths. Never looks at the
//! disk. The standard library's paths are no help: they know no `.` and `..` without a disk.

/// `path.normalize`, without a final slash.
pub(super) fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// `path.normalize`, `path.join`.
pub(super) fn join(parts: &[&str]) -> String {
    let whole = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
    let normal = normal(&whole);
    let slash = if whole.ends_with('/') && !normal.ends_with('/') { "/" } else { "" };
    format!("{normal}{slash}")
}

/// `path.resolve`.
pub(super) fn resolve(working_directory: &str, parts: &[&str]) -> String {
    let from = parts.iter().rposition(|part| part.starts_with('/'));
    let start = if from.is_none() { working_directory } else { "" };
    let whole = std::iter::once(start).chain(parts[from.unwrap_or(0)..].iter().copied());
    normal(&whole.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
}

/// `path.dirname`.
pub(super) fn dirname(path: &str) -> String {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", _)) => "/".into(),
        Some((directory, _)) => directory.into(),
        None => ".".into(),
    }
}

/// `path.basename`.
pub(super) fn basename(path: &str, suffix: Option<&str>) -> String {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let short = suffix.and_then(|suffix| name.strip_suffix(suffix)).filter(|short| !short.is_empty());
    short.unwrap_or(name).into()
}

/// `path.extname`.
pub(super) fn extname(path: &str) -> String {
    let name = basename(path, None);
    name.rfind('.').filter(|at| *at > 0).map_or_else(String::new, |at| name[at..].to_owned())
}

/// `path.relative`.
pub(super) fn relative(working_directory: &str, from: &str, to: &str) -> String {
    let parts = |path: &str| {
        let whole = resolve(working_directory, &[path]);
        whole.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    up.chain(to[common..].iter().cloned()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_nodes() {
        assert_eq!(join(&["a", "", "../b/", "./c"]), "b/c");
        assert_eq!(join(&["", ""]), ".");
        assert_eq!(join(&["/a", "/b/"]), "/a/b/");
        assert_eq!(join(&["/"]), "/");
        assert_eq!(resolve("/w", &["/a", "b", "../c"]), "/a/c");
        assert_eq!(resolve("/w", &["/a", "/b"]), "/b");
        assert_eq!(resolve("/w", &["a", "", "b/"]), "/w/a/b");
        assert_eq!(resolve("/w", &[]), "/w");
        assert_eq!((dirname("/a/b/").as_str(), dirname("/a").as_str(), dirname("a").as_str()), ("/a", "/", "."));
        assert_eq!((basename("/a/b.js", Some(".js")).as_str(), extname("a/.b").as_str()), ("b", ""));
        assert_eq!(extname("a.b.c"), ".c");
        assert_eq!(relative("/w", "/a/b/c", "/a/d"), "../../d");
    }
}
