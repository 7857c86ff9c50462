//! What is wrong with an archive. In: what was found. Out: words for it. Never decides how bad it is.

use std::fmt;

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The entry, if it is about one.
    pub entry: Option<String>,
    /// What is wrong.
    pub what: What,
}

/// The kinds of faults.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It cannot be read at all, or ends too early.
    Broken(String),
    /// A name that leads out, or is none.
    Name(String),
    /// Two entries have this name.
    Twice,
    /// Another entry differs from it only by case.
    CaseClash(String),
    /// It can only be read by who knows a password.
    Encrypted,
    /// It is packed in a way that the platform does not know.
    Method(u16),
    /// It is neither a file nor a directory nor a link.
    Special,
    /// It shares bytes with this entry.
    Overlaps(String),
    /// Its size is not what the archive says.
    Size(u64),
    /// Its checksum is not what the archive says.
    Checksum,
    /// The directory of the archive, and what stands before the entry, call it differently.
    OtherName(String),
    /// A link that leads out of the archive.
    LeadsOut(String),
    /// A link to nothing.
    Dangles(String),
    /// So many bytes are not unpacked, so nothing is known of them.
    TooLarge(u64),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => write!(f, "not a readable archive: {why}"),
            Self::Name(why) => write!(f, "not a name for an entry: {why}"),
            Self::Twice => f.write_str("is in it twice"),
            Self::CaseClash(other) => write!(f, "differs from `{other}` only by case"),
            Self::Encrypted => f.write_str("is encrypted"),
            Self::Method(method) => {
                write!(f, "is packed by method {method}, and the platform knows none but deflate")
            }
            Self::Special => f.write_str("is neither a file nor a directory nor a link"),
            Self::Overlaps(other) => write!(f, "shares its bytes with `{other}`"),
            Self::Size(says) => write!(f, "does not have the {says} bytes that the archive says"),
            Self::Checksum => f.write_str("is damaged: its checksum is not that which the archive says"),
            Self::OtherName(other) => write!(f, "is called `{other}` where its bytes are"),
            Self::LeadsOut(target) => write!(f, "is a link to `{target}`, which leads out of the archive"),
            Self::Dangles(target) => write!(f, "is a link to `{target}`, which is not there"),
            Self::TooLarge(bytes) => {
                write!(f, "has {bytes} bytes unpacked, which nobody would deploy: not looked into")
            }
        }
    }
}

pub(super) fn fault(entry: impl Into<String>, what: What) -> Fault {
    Fault { entry: Some(entry.into()), what }
}
