//! The two kinds of path. In: what the user, the disk or a specifier names. Out: an [`AbsPath`] on
//! the machine that builds, or an [`ArchivePath`] in what is built. Never touches the disk, and an
//! `AbsPath` never reaches an output.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

/// An absolute path without `.` or `..`; cheap to clone. Links in it are not resolved: see
/// [`Store::real`](crate::store::Store::real).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(Arc<Path>);

impl AbsPath {
    /// `path` as seen from `base`; an absolute `path` stands for itself.
    pub fn resolve(base: &Path, path: impl AsRef<Path>) -> Self {
        let mut normal = PathBuf::new();
        for component in base.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    normal.pop();
                }
                other => normal.push(other),
            }
        }
        Self(normal.into())
    }

    /// An absolute path as another crate gives it; made normal if it is not.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let normal = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
        if normal { Self(path.into()) } else { Self::resolve(Path::new("/"), path) }
    }

    /// `path` below this one, or beside it by way of `..`.
    pub fn join(&self, path: impl AsRef<Path>) -> Self {
        Self::resolve(&self.0, path)
    }

    /// One step down, with a name that is not looked into: as the directory lists it.
    pub fn child(&self, name: impl AsRef<OsStr>) -> Self {
        Self(self.0.join(name.as_ref()).into())
    }

    /// The directory that holds this path; none for the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.into()))
    }

    /// This path and every directory above it, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// The last component, as text.
    pub fn name(&self) -> &str {
        self.0.file_name().and_then(OsStr::to_str).unwrap_or_default()
    }

    /// The extension without its dot; empty if there is none.
    pub fn extension(&self) -> &str {
        self.0.extension().and_then(OsStr::to_str).unwrap_or_default()
    }

    /// The extension with its dot, as Node's `path.extname` gives it.
    pub fn extension_with_dot(&self) -> String {
        if self.extension().is_empty() { String::new() } else { format!(".{}", self.extension()) }
    }

    /// Does a `node_modules` directory hold this path?
    pub fn in_node_modules(&self) -> bool {
        self.0.components().any(|component| component.as_os_str() == "node_modules")
    }

    /// This path as it is written from `base`, with `/` and with `..` where it lies outside.
    pub fn relative_to(&self, base: &Path) -> String {
        let mut ours = self.0.components().peekable();
        let mut theirs = base.components().peekable();
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek())
            && a == b
        {
            ours.next();
            theirs.next();
        }
        let up = theirs.map(|_| "..".into());
        let down = ours.map(|component| component.as_os_str().to_string_lossy());
        let relative: Vec<_> = up.chain(down).collect();
        if relative.is_empty() { ".".into() } else { relative.join("/") }
    }
}

impl AbsPath {
    /// A path from the bytes that the system uses for it; none if it uses others.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        os_string(bytes).map(Self::of)
    }
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

impl BorshSerialize for AbsPath {
    fn serialize<W: io::Write>(&self, to: &mut W) -> io::Result<()> {
        self.0.as_os_str().as_encoded_bytes().serialize(to)
    }
}

impl BorshDeserialize for AbsPath {
    fn deserialize_reader<R: io::Read>(from: &mut R) -> io::Result<Self> {
        let bytes = Vec::deserialize_reader(from)?;
        Self::from_bytes(bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Deref for AbsPath {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Borrow<Path> for AbsPath {
    fn borrow(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for AbsPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Debug for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A relative path as a relative URL, which `import` takes.
pub fn as_url(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

/// The longest directory that holds every one of `paths`; none if there is no path.
pub fn common_directory<'a>(paths: impl IntoIterator<Item = &'a AbsPath>) -> Option<AbsPath> {
    let mut common: Option<AbsPath> = None;
    for path in paths {
        let directory = path.parent().unwrap_or_else(|| path.clone());
        common = Some(match common {
            None => directory,
            Some(common) => common.ancestors().find(|a| directory.starts_with(a))?,
        });
    }
    common
}

/// Names that a case-insensitive disk or address takes for one, in pairs.
pub fn case_clashes<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let clash = |name: &'a str| Some((first.insert(name.to_lowercase(), name)?, name));
    names.into_iter().filter_map(clash).collect()
}

/// The name of an entry in an archive: relative, UTF-8, with `/`, and never out of the archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ArchivePath(Arc<str>);

/// A name that must not stand in an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can not be the name of an archive entry: {1}")]
pub struct InvalidArchivePath(String, &'static str);

impl ArchivePath {
    /// Checks `name`.
    ///
    /// # Errors
    /// An empty or absolute name, one with an empty, `.` or `..` part, or with a NUL or a backslash.
    pub fn new(name: &str) -> Result<Self, InvalidArchivePath> {
        let invalid = |why| Err(InvalidArchivePath(name.into(), why));
        if name.contains('\0') || name.contains('\\') {
            return invalid("it has a character that unpackers disagree about");
        }
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return invalid("it is empty, absolute or leads out of the archive");
        }
        Ok(Self(name.into()))
    }

    /// Where `path` stands in an archive whose root is `root`.
    ///
    /// # Errors
    /// `path` is outside `root`, or its name is not one an archive can hold.
    pub fn below(root: &Path, path: &Path) -> Result<Self, InvalidArchivePath> {
        let shown = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let relative =
            path.strip_prefix(root).map_err(|_| InvalidArchivePath(shown(), "it is outside the archive's root"))?;
        let parts: Option<Vec<&str>> = relative.iter().map(OsStr::to_str).collect();
        let parts = parts.ok_or_else(|| InvalidArchivePath(shown(), "it is not UTF-8"))?;
        Self::new(&parts.join("/"))
    }

    /// The same entry below `directory`.
    pub fn under(&self, directory: &str) -> Self {
        Self(format!("{directory}/{}", self.0).into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abs(path: &str) -> AbsPath {
        AbsPath::resolve(Path::new("/"), path)
    }

    #[test]
    fn paths_are_normal() {
        assert_eq!(AbsPath::of("/a/../b"), abs("/b"));
        assert_eq!(AbsPath::of(""), abs("/"));
        assert_eq!(abs("/a/./b/../c"), abs("/a/c"));
        assert_eq!(abs("/a").join("../../.."), abs("/"));
        assert_eq!(abs("/a/b").join("/c"), abs("/c"));
    }

    #[test]
    fn relative_paths_go_up_and_down() {
        assert_eq!(abs("/a/b/c").relative_to(&abs("/a/x/y")), "../../b/c");
        assert_eq!(abs("/a").relative_to(&abs("/a")), ".");
    }

    #[test]
    fn the_common_directory_is_by_component() {
        let paths = [abs("/s/ab/x.js"), abs("/s/a/y.js")];
        assert_eq!(common_directory(&paths), Some(abs("/s")));
        assert_eq!(common_directory(&paths[..1]), Some(abs("/s/ab")));
        assert_eq!(common_directory(&[]), None);
    }

    #[test]
    fn names_clash_by_case() {
        assert_eq!(case_clashes(["A", "b", "a", "É", "é"]), [("A", "a"), ("É", "é")]);
    }

    #[test]
    fn an_archive_path_stays_inside() {
        for bad in ["", "/a", "a//b", "a/../b", "./a", "a\\b", "a\0", "a/"] {
            assert!(ArchivePath::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ArchivePath::below(Path::new("/s"), Path::new("/s/a/ü b.js")).unwrap().as_str(), "a/ü b.js");
        assert!(ArchivePath::below(Path::new("/s/t"), Path::new("/s/a.js")).is_err());
    }
}
