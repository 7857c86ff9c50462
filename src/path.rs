//! The two kinds of path. In: what the user, the disk or a specifier names. Out: an [`AbsPath`] on
//! the machine that builds, or an [`ArchivePath`] in what is built. Never touches the disk, and an
//! `AbsPath` never reaches an output.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use rustc_hash::{FxHashMap, FxHasher};

/// An absolute path without `.` or `..`; cheap to clone, to compare and to look up. Links in it are not
/// resolved: see [`Store::real`](crate::store::Store::real).
#[derive(Clone)]
pub struct AbsPath {
    path: Arc<Path>,
    /// Of its bytes: maps of paths ask for it far more often than a path is made.
    hash: u64,
}

impl AbsPath {
    fn new(path: impl Into<Arc<Path>>) -> Self {
        let path = path.into();
        let mut hash = FxHasher::default();
        hash.write(path.as_os_str().as_encoded_bytes());
        Self { hash: hash.finish(), path }
    }

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
        Self::new(normal)
    }

    /// An absolute path as another crate gives it; made normal if it is not.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let is_normal = cfg!(unix) && path.as_os_str().as_encoded_bytes().strip_prefix(b"/").is_some_and(is_normal);
        if is_normal { Self::new(path) } else { Self::resolve(Path::new("/"), path) }
    }

    /// `path` below this one, or beside it by way of `..`.
    pub fn join(&self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let is_below = cfg!(unix) && is_normal(path.as_os_str().as_encoded_bytes());
        if is_below { Self::new(self.path.join(path)) } else { Self::resolve(&self.path, path) }
    }

    /// One step down, with a name that is not looked into: as the directory lists it.
    pub fn child(&self, name: impl AsRef<OsStr>) -> Self {
        Self::new(self.path.join(name.as_ref()))
    }

    /// The directory that holds this path; none for the root.
    pub fn parent(&self) -> Option<Self> {
        self.path.parent().map(Self::new)
    }

    /// This path and every directory above it, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// The last component, as text.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(OsStr::to_str).unwrap_or_default()
    }

    /// The extension without its dot; empty if there is none.
    pub fn extension(&self) -> &str {
        self.path.extension().and_then(OsStr::to_str).unwrap_or_default()
    }

    /// The extension with its dot, as Node's `path.extname` gives it.
    pub fn extension_with_dot(&self) -> String {
        if self.extension().is_empty() { String::new() } else { format!(".{}", self.extension()) }
    }

    /// Does a `node_modules` directory hold this path?
    pub fn in_node_modules(&self) -> bool {
        parts_of(self.bytes()).any(|part| part == b"node_modules")
    }

    /// Is it `directory`, or below it?
    pub fn starts_with(&self, directory: &Self) -> bool {
        self.below(directory).is_some()
    }

    /// This path as it is written from `base`, with `/` and with `..` where it lies outside.
    pub fn relative_to(&self, base: &Path) -> String {
        let below = self.bytes().strip_prefix(base.as_os_str().as_encoded_bytes());
        if let (true, Some([b'/', below @ ..])) = (cfg!(unix), below) {
            return String::from_utf8_lossy(below).into_owned();
        }
        let mut ours = self.path.components().peekable();
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

    /// What comes after `directory`, which may be this path itself; none if it is not below.
    fn below(&self, directory: &Self) -> Option<&[u8]> {
        let rest = self.bytes().strip_prefix(directory.bytes())?;
        let is_whole =
            rest.is_empty() || is_separator(rest[0]) || directory.bytes().last().copied().is_some_and(is_separator);
        is_whole.then_some(rest)
    }

    fn bytes(&self) -> &[u8] {
        self.path.as_os_str().as_encoded_bytes()
    }
}

impl AbsPath {
    /// A path from the bytes that the system uses for it; none if it uses others.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        os_string(bytes).map(Self::of)
    }
}

fn is_separator(byte: u8) -> bool {
    std::path::is_separator(char::from(byte))
}

fn parts_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| is_separator(*byte))
}

/// Has a relative path no part that means anything but a name?
fn is_normal(path: &[u8]) -> bool {
    parts_of(path).all(|part| !matches!(part, b"" | b"." | b".."))
}

impl PartialEq for AbsPath {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes() == other.bytes()
    }
}

impl Eq for AbsPath {}

impl Hash for AbsPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for AbsPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Bytes that are compared at once.
const CHUNK: usize = 16;

/// By component, as paths compare: what is in a directory stands together.
impl Ord for AbsPath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.bytes(), other.bytes());
        let rank = |byte: u8| if is_separator(byte) { 0 } else { byte };
        // Most paths of a site begin alike.
        let same = ours.chunks_exact(CHUNK).zip(theirs.chunks_exact(CHUNK)).take_while(|(one, other)| one == other);
        let same = CHUNK * same.count();
        let mut rest = ours[same..].iter().zip(&theirs[same..]);
        match rest.find(|(one, other)| one != other) {
            Some((one, other)) => rank(*one).cmp(&rank(*other)),
            None => ours.len().cmp(&theirs.len()),
        }
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

impl serde::Serialize for AbsPath {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde::Serialize::serialize(&**self, to)
    }
}

impl<'de> serde::Deserialize<'de> for AbsPath {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <PathBuf as serde::Deserialize>::deserialize(from).map(Self::of)
    }
}

impl BorshSerialize for AbsPath {
    fn serialize<W: io::Write>(&self, to: &mut W) -> io::Result<()> {
        self.bytes().serialize(to)
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
        &self.path
    }
}

impl AsRef<Path> for AbsPath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
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
    let mut first: FxHashMap<Cow<'a, str>, &str> = FxHashMap::default();
    let lower = |name: &'a str| {
        let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
    };
    let clash = |name: &'a str| Some((first.insert(lower(name), name)?, name));
    names.into_iter().filter_map(clash).collect()
}

/// The name of an entry in an archive: relative, UTF-8, with `/`, and never out of the archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ArchivePath(Arc<str>);

/// A name that must not stand in an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can not be the name of an archive entry: {1}")]
pub struct InvalidArchivePath(String, &'static str);

impl InvalidArchivePath {
    /// What is wrong with the name.
    pub fn why(&self) -> &'static str {
        self.1
    }
}

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
    pub fn below(root: &AbsPath, path: &AbsPath) -> Result<Self, InvalidArchivePath> {
        let invalid = |why| InvalidArchivePath(path.name().to_owned(), why);
        let relative = path.below(root).ok_or_else(|| invalid("it is outside the archive's root"))?;
        let relative = str::from_utf8(relative).map_err(|_| invalid("it is not UTF-8"))?;
        let relative = relative.trim_start_matches(std::path::is_separator);
        if cfg!(unix) { Self::new(relative) } else { Self::new(&relative.replace('\\', "/")) }
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn paths_compare_as_their_components_do(one in "(/[a./-]{1,9}){0,5}", other in "(/[a./-]{1,9}){0,5}") {
            let (one, other) = (abs(&one), abs(&other));
            let (ours, theirs): (&Path, &Path) = (&one, &other);
            prop_assert_eq!(one.cmp(&other), ours.cmp(theirs));
            prop_assert_eq!(one == other, ours == theirs);
            prop_assert_eq!(one.starts_with(&other), ours.starts_with(theirs));
            prop_assert_eq!(AbsPath::of(ours), one.clone());
            let way = one.relative_to(theirs);
            prop_assert_eq!(other.join(way), one);
        }
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
        assert_eq!(ArchivePath::below(&abs("/s"), &abs("/s/a/ü b.js")).unwrap().as_str(), "a/ü b.js");
        assert!(ArchivePath::below(&abs("/s/t"), &abs("/s/a.js")).is_err());
    }
}
