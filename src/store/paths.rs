//! Many paths in few bytes. In: sorted paths. Out: of each what it does not share with the one before. And back.

use crate::path::AbsPath;

/// Writes paths, which are sorted, in few bytes.
pub fn write(sorted: &[AbsPath]) -> Vec<u8> {
    let mut paths = Paths::default();
    let rows: Vec<Compact> = sorted.iter().map(|path| paths.compact(path)).collect();
    borsh::to_vec(&rows).unwrap_or_default()
}

/// Reads what [`write()`] wrote.
pub fn read(bytes: &[u8]) -> Option<Vec<AbsPath>> {
    let mut paths = Paths::default();
    borsh::from_slice::<Vec<Compact>>(bytes).ok()?.iter().map(|row| paths.expand(row)).collect()
}

/// How many bytes are those of the path before, and the others.
pub(super) type Compact = (u32, Vec<u8>);

/// Makes paths small, one after another.
#[derive(Default)]
pub(super) struct Paths(Vec<u8>);

impl Paths {
    pub(super) fn compact(&mut self, path: &AbsPath) -> Compact {
        let path = path.as_os_str().as_encoded_bytes();
        let shared = self.0.iter().zip(path).take_while(|(one, other)| one == other).count();
        self.0.truncate(shared);
        self.0.extend(&path[shared..]);
        (u32::try_from(shared).unwrap_or(0), path[shared..].to_vec())
    }

    /// The path again; none if it is none.
    pub(super) fn expand(&mut self, (shared, rest): &Compact) -> Option<AbsPath> {
        self.0.truncate(*shared as usize);
        self.0.extend(rest);
        AbsPath::from_bytes(self.0.clone())
    }
}
