//! How large functions may be. In: `[fnzip] limits`. Out: bytes.

use super::document::Node;

/// The platform's limits, unless a site knows others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an archive; more is a warning.
    pub zipped: u64,
    /// Bytes of what is in it; more is an error.
    pub unzipped: u64,
}

const MEGA: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self { zipped: 50 * MEGA, unzipped: 250 * MEGA }
    }
}

/// Reads a number of bytes, or `60mb`.
pub(super) fn bytes_of(node: &Node) -> Option<u64> {
    let value = node.value();
    value.as_u64().or_else(|| bytes(value.as_str().filter(|text| text.parse::<u64>().is_err())?))
}

/// `60mb`, or a number of bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let units = [("gb", 1024 * MEGA), ("mb", MEGA), ("kb", 1024), ("b", 1), ("", 1)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*unit)
}
