//! How large functions may be. In: `[fnzip] limits`. Out: bytes.

use super::document::Node;

/// The platform's limits, unless a site knows others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an archive; more is a warning.
    pub zipped: u64,
    /// Bytes of what is in it; more is an error.
    pub unzipped: u64,
    /// Bytes of all variables of a function, names and `=` included; more is an error.
    pub environment: u64,
    /// Bytes of a path on the platform; more is an error.
    pub path: u64,
    /// Bytes of a name in a path; more is an error.
    pub name: u64,
}

const MEGA: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self { zipped: 50 * MEGA, unzipped: 250 * MEGA, environment: 4096, path: 4095, name: 255 }
    }
}

impl Limits {
    /// Each, by its name in `[fnzip] limits`.
    pub(super) fn by_name(&mut self) -> [(&'static str, &mut u64); 5] {
        let Self { zipped, unzipped, environment, path, name } = self;
        [("environment", environment), ("name", name), ("path", path), ("unzipped", unzipped), ("zipped", zipped)]
    }

    /// A size as people read it.
    pub fn shown(bytes: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
        let mega = bytes as f64 / 1_048_576.0;
        if mega < 0.1 { format!("{} kB", bytes.div_ceil(1024)) } else { format!("{mega:.1} MB") }
    }

    /// A size and the limit that it exceeds: in bytes where they would read the same.
    pub fn compared(size: u64, limit: u64) -> (String, String) {
        let (one, other) = (Self::shown(size), Self::shown(limit));
        if one == other { (format!("{size} bytes"), format!("{limit} bytes")) } else { (one, other) }
    }
}

/// Reads a number of bytes, or `60mb`.
pub(super) fn bytes_of(node: &Node) -> Option<u64> {
    let value = node.value();
    value.as_u64().or_else(|| bytes(value.as_str().filter(|text| text.parse::<u64>().is_err())?))
}

/// `60mb`, or a number of bytes.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let units = [("gb", 1024 * MEGA), ("mb", MEGA), ("kb", 1024), ("b", 1), ("", 1)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_reads_differently() {
        let texts = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(Limits::compared(18, 17), texts("18 bytes", "17 bytes"));
        assert_eq!(Limits::compared(2000, 17), texts("2 kB", "1 kB"));
        assert_eq!(Limits::compared(50 * MEGA + 1, 50 * MEGA), texts("52428801 bytes", "52428800 bytes"));
        assert_eq!(Limits::compared(60 * MEGA, 50 * MEGA), texts("60.0 MB", "50.0 MB"));
    }
}
