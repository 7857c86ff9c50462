//! What is remembered between runs, and where. In: flags, `[fnzip] cache`. Out: a directory and its size.

use super::limits::bytes;
use super::{Invocation, SettingsError};
use crate::path::AbsPath;

/// A cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Where it is.
    pub directory: AbsPath,
    /// How large it may become, in bytes.
    pub size: u64,
}

/// What netlify.toml says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// `cache = false`
    pub(super) off: bool,
    /// `cache.directory`, relative to the base.
    pub(super) directory: Option<String>,
    /// `cache.size`, in bytes.
    pub(super) size: Option<u64>,
}

/// Below the base.
const DIRECTORY: &str = ".netlify/cache/fnzip";

const SIZE: u64 = 1024 * 1024 * 1024;

/// The cache of a run; none if nothing is to be remembered.
pub(super) fn choose(
    invocation: &Invocation,
    said: Said,
    base: &AbsPath,
) -> Result<Option<CacheSettings>, SettingsError> {
    let size = invocation.cache_size.as_deref().map(|text| {
        let refused = || format!("`{text}` is no size: a number of bytes, or text such as 500mb");
        bytes(text).ok_or_else(|| SettingsError::Flag { flag: "--cache-size", reason: refused() })
    });
    let size = size.transpose()?.or(said.size).unwrap_or(SIZE);
    if invocation.no_cache || said.off && invocation.cache_dir.is_none() {
        return Ok(None);
    }
    let directory = match &invocation.cache_dir {
        Some(directory) => AbsPath::resolve(&invocation.cwd, directory),
        None => base.join(said.directory.as_deref().unwrap_or(DIRECTORY)),
    };
    Ok(Some(CacheSettings { directory, size }))
}
