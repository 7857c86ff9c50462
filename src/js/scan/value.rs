//! Values that can be worked out without running anything. In: parts. Out: text, with marks for what is
//! known only where the file stands: its directory, the working directory, a module that
//! `require.resolve` names. So what a file says depends on its bytes alone. Never looks at the disk.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use borsh::{BorshDeserialize, BorshSerialize};

use super::posix::normal;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text; may hold [`UNKNOWN`] parts and begin with an [`Anchor`]'s directory. URLs of files are text
    /// that begins with [`FILE_URL`].
    Text(Rc<str>),
    Number(f64),
    Bool(bool),
    Null,
    Undefined,
    Array(Rc<Weighed<Vec<Values>>>),
    Object(Rc<Weighed<BTreeMap<String, Values>>>),
    /// Something of Node: `path`, `path.join`, `fs.readFileSync`, `process.env`.
    Node(Rc<str>),
    /// A `require`, and where it resolves from, if not from the file itself.
    Require(Option<Base>),
    /// A function that the file declares.
    Function(Rc<Weighed<Returned>>),
    /// Anything.
    Unknown,
}

/// What a function is seen to return.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Returned {
    /// The value, whatever it is called with.
    pub(super) values: Values,
    /// Texts that it may return, with marks for its parameters.
    pub(super) texts: Vec<Rc<str>>,
    /// It is how a compiler imports: what it is given it returns, or something like it.
    pub(super) imports: bool,
    /// `require(parameter)`, and which parameter that is.
    pub(super) requires: Option<usize>,
    /// It calls a parameter, with these.
    pub(super) calls: Vec<(usize, Vec<Values>)>,
}

/// What holds other values, and how many: each as often as it stands in it.
#[derive(Debug, Clone)]
pub(super) struct Weighed<T> {
    of: T,
    size: Size,
}

/// How many values, and how deep they stand in one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Size {
    weight: u32,
    depth: u32,
}

impl<T> Weighed<T> {
    /// None if it is too large.
    fn new(of: T, within: impl FnOnce(&T) -> Size) -> Option<Rc<Self>> {
        let within = within(&of);
        let size = Size { weight: within.weight.saturating_add(1), depth: within.depth + 1 };
        (size.weight <= HEAVIEST && size.depth <= DEEPEST).then(|| Rc::new(Self { of, size }))
    }
}

impl<T> Deref for Weighed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.of
    }
}

impl<T: PartialEq> PartialEq for Weighed<T> {
    /// Most are equal because they are the same: then nothing within is looked at.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.size == other.size && self.of == other.of
    }
}

/// Where a request is resolved from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Base {
    /// A path relative to the file, with a final `/` if it is a directory.
    Beside(String),
    /// The same relative to the working directory.
    WorkingDirectory(String),
}

/// What an expression may be: one of these.
pub(super) type Values = Vec<Value>;

/// Stands for a part of a text that cannot be worked out.
pub const UNKNOWN: char = '\u{1a}';

/// What URLs of files begin with.
pub(super) const FILE_URL: &str = "file://";

/// The longest text that is worked out, in bytes.
const LONGEST: usize = 4096;

/// The most values that one may hold. Without a limit, a few lines that each name the line before twice
/// would make more than any memory holds.
pub(super) const HEAVIEST: u32 = 1 << 14;

/// How deep values may stand in one another.
const DEEPEST: u32 = 64;

/// How deep a marked directory is, so that `..` leads out of it and can be counted.
const DEPTH: usize = 24;

/// Stands for the name of the file itself, without its extension.
pub const OWN_STEM: char = '\u{2}';

/// Stands for the platform that is built for, as Node calls it.
pub(super) const PLATFORM: char = '\u{7}';

/// Stands for the architecture that is built for.
pub(super) const ARCHITECTURE: char = '\u{6}';

/// Stands for a function's first parameter; the others follow.
const PARAMETER: u8 = 0x10;

/// How many parameters of a function have a mark.
pub(super) const PARAMETERS: usize = 8;

/// Marks of anchors, and what stands for a slash within one.
const MARKS: [char; 4] = ['\u{1}', '\u{3}', '\u{4}', '\u{5}'];

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Anchor {
    /// The directory of the file.
    Directory,
    /// The working directory.
    WorkingDirectory,
    /// The directory of the module that `require.resolve` finds for this specifier.
    Module(String),
}

/// A path from an anchor on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Anchored {
    /// Where it begins.
    pub anchor: Anchor,
    /// Relative to it, in normal form, without a final slash; empty for the anchor itself. May hold
    /// [`UNKNOWN`] parts, [`OWN_STEM`], and marks of the platform and the architecture.
    pub path: String,
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        if text.as_ref().len() > LONGEST { Self::Unknown } else { Self::Text(text.as_ref().into()) }
    }

    pub(super) fn array(items: Vec<Values>) -> Self {
        Weighed::new(items, |items| size(items.iter().flatten())).map_or(Self::Unknown, Self::Array)
    }

    pub(super) fn object(members: BTreeMap<String, Values>) -> Self {
        Weighed::new(members, |members| size(members.values().flatten())).map_or(Self::Unknown, Self::Object)
    }

    pub(super) fn function(returned: Returned) -> Self {
        let within = |returned: &Returned| {
            let calls = returned.calls.iter().flat_map(|(_, arguments)| arguments.iter().flatten());
            let size = size(returned.values.iter().chain(calls));
            let texts = u32::try_from(returned.texts.len()).unwrap_or(u32::MAX);
            Size { weight: size.weight.saturating_add(texts), ..size }
        };
        Weighed::new(returned, within).map_or(Self::Unknown, Self::Function)
    }

    /// What tells one list of values from every other, as long as there is one.
    pub(super) fn address(&self) -> Option<usize> {
        match self {
            Self::Array(items) => Some(Rc::as_ptr(items).addr()),
            Self::Object(members) => Some(Rc::as_ptr(members).addr()),
            _ => None,
        }
    }

    fn size(&self) -> Size {
        match self {
            Self::Array(items) => items.size,
            Self::Object(members) => members.size,
            Self::Function(returned) => returned.size,
            _ => Size { weight: 1, depth: 0 },
        }
    }

    pub(super) fn node(name: &str) -> Self {
        Self::Node(name.into())
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As it stands in a text; what is not known is a mark.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => (*number as i64).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Null => "null".into(),
            Self::Undefined => "undefined".into(),
            _ => UNKNOWN.to_string(),
        }
    }

    /// Whether it counts as true; none if that is not known.
    pub(super) fn is_true(&self) -> Option<bool> {
        match self {
            Self::Text(text) if text.contains(UNKNOWN) => None,
            Self::Text(text) => Some(!text.is_empty()),
            Self::Number(number) => Some(*number != 0.0 && !number.is_nan()),
            Self::Bool(flag) => Some(*flag),
            Self::Null | Self::Undefined => Some(false),
            Self::Unknown => None,
            _ => Some(true),
        }
    }
}

/// How many values these hold, themselves included.
pub(super) fn weight<'v>(values: impl IntoIterator<Item = &'v Value>) -> u32 {
    size(values).weight
}

fn size<'v>(values: impl IntoIterator<Item = &'v Value>) -> Size {
    values.into_iter().map(Value::size).fold(Size::default(), |all, one| Size {
        weight: all.weight.saturating_add(one.weight),
        depth: all.depth.max(one.depth),
    })
}

/// What stands for a parameter of a function.
pub(super) fn parameter(index: usize) -> Option<char> {
    let index = u8::try_from(index).ok().filter(|index| usize::from(*index) < PARAMETERS)?;
    Some(char::from(PARAMETER + index))
}

/// Is it the mark of one?
pub(super) fn is_parameter(letter: char) -> bool {
    ('\u{10}'..'\u{18}').contains(&letter)
}

impl Anchor {
    fn mark(&self) -> String {
        match self {
            Self::Directory => "\u{1}".into(),
            Self::WorkingDirectory => "\u{3}".into(),
            Self::Module(specifier) => format!("\u{4}{}", specifier.replace('/', "\u{5}")),
        }
    }

    fn of_mark(mark: &str) -> Option<Self> {
        match mark {
            "\u{1}" => Some(Self::Directory),
            "\u{3}" => Some(Self::WorkingDirectory),
            _ => Some(Self::Module(mark.strip_prefix('\u{4}')?.replace('\u{5}', "/"))),
        }
    }

    /// The anchor as a path.
    pub(super) fn directory(&self) -> String {
        format!("/{}", vec![self.mark(); DEPTH].join("/"))
    }

    /// The file in it that the anchor is named after; the own file's extension is known.
    pub(super) fn file(&self, extension: &str) -> String {
        let dot = if extension.is_empty() { "" } else { "." };
        format!("{}/{OWN_STEM}{dot}{extension}", self.directory())
    }
}

impl Anchored {
    /// Reads an absolute path, or a URL of one; none if it begins nowhere that is known.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix(FILE_URL).unwrap_or(path);
        if !path.starts_with('/') {
            return None;
        }
        let whole = normal(path);
        let mut parts = whole.trim_start_matches('/').split('/').peekable();
        let mark = (*parts.peek()?).to_owned();
        let anchor = Anchor::of_mark(&mark)?;
        let mut left = 0;
        while parts.next_if(|part| *part == mark).is_some() {
            left += 1;
        }
        let rest: Vec<&str> = parts.collect();
        let up = DEPTH.checked_sub(left)?;
        // Another path's marks make no path.
        if rest.iter().any(|part| part.contains(MARKS)) {
            return None;
        }
        let path = std::iter::repeat_n("..", up).chain(rest).filter(|part| !part.is_empty()).collect::<Vec<_>>();
        Some(Self { anchor, path: path.join("/") })
    }

    /// Is it the file, or the module, itself?
    pub(super) fn is_own_file(&self) -> bool {
        let after = self.path.strip_prefix(OWN_STEM);
        after.is_some_and(|extension| {
            extension.is_empty()
                || extension.starts_with('.') && !extension.contains('/') && !extension[1..].contains('.')
        })
    }

    /// Where a request is resolved from that is given this path; `is_directory` of whatever is written
    /// with a final slash.
    pub(super) fn as_base(&self, is_directory: bool) -> Option<Option<Base>> {
        let slash = if is_directory { "/" } else { "" };
        match self.anchor {
            _ if self.path.contains(UNKNOWN) => None,
            Anchor::Directory if self.is_own_file() => Some(None),
            Anchor::Directory => Some(Some(Base::Beside(format!("./{}{slash}", self.path)))),
            Anchor::WorkingDirectory => Some(Some(Base::WorkingDirectory(format!("./{}{slash}", self.path)))),
            Anchor::Module(_) => None,
        }
    }

    /// The same, of a path that is relative to the working directory if it is relative.
    pub(super) fn from_working_directory(path: &str) -> Option<Self> {
        if path.is_empty() || path.starts_with(UNKNOWN) || path.starts_with('/') || path.starts_with(FILE_URL) {
            return Self::of(path);
        }
        Self::of(&format!("{}/{path}", Anchor::WorkingDirectory.directory()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::posix::{basename, dirname};
    use super::*;

    #[test]
    fn paths_begin_somewhere() {
        let anchored = |path: &str| Anchored::of(path).map(|found| (found.anchor, found.path));
        let here = Anchor::Directory.directory();
        assert_eq!(anchored(&here), Some((Anchor::Directory, String::new())));
        assert_eq!(anchored(&format!("{here}/a/../b")), Some((Anchor::Directory, "b".into())));
        assert_eq!(anchored(&format!("{FILE_URL}{here}/a")), Some((Anchor::Directory, "a".into())));
        assert_eq!(anchored(&format!("{here}/../../b/")), Some((Anchor::Directory, "../../b".into())));
        let module = Anchor::Module("@a/b/c".into());
        assert_eq!(anchored(&dirname(&module.file(""))), Some((module, String::new())));
        assert!(Anchored::of(&Anchor::Directory.file("js")).unwrap().is_own_file());
        for nowhere in
            ["/etc/passwd", "a/b", "", "/", &format!("{UNKNOWN}/a"), &format!("{here}{here}"), &basename(&here, None)]
        {
            assert_eq!(anchored(nowhere), None, "{nowhere:?}");
        }
        let from_here = Anchored::from_working_directory("./a").unwrap();
        assert_eq!((from_here.anchor, from_here.path.as_str()), (Anchor::WorkingDirectory, "a"));
        assert_eq!(Anchored::from_working_directory(&format!("{UNKNOWN}/a")), None);
    }
}
