//! Compression, once a file. In: bytes. Out: the deflated bytes with what a zip entry must say of
//! them, in one piece that the store can keep. The level is fixed: it is part of the output.

use std::cell::RefCell;

use libdeflater::{CompressionLvl, Compressor, Decompressor};

use crate::store::Keep;

/// zlib's default; measured, level 9 costs three times the time for one per cent.
const LEVEL: i32 = 6;

/// What is kept of a file: its header and its deflated bytes.
#[derive(Debug, Clone, Copy)]
pub struct Deflate;

/// A file's bytes as a zip entry holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deflated<'a> {
    /// Of the bytes before compression.
    pub crc32: u32,
    /// Bytes before compression.
    pub len: u64,
    /// Is `data` deflated? Small and random files are stored.
    pub compressed: bool,
    /// The bytes of the entry.
    pub data: &'a [u8],
}

const HEADER: usize = 13;

thread_local! {
    static COMPRESSOR: RefCell<Compressor> =
        RefCell::new(Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()));
}

impl Keep for Deflate {
    fn name(&self) -> &'static str {
        "deflate"
    }

    fn keep(&self, bytes: &[u8]) -> Vec<u8> {
        let _span = tracing::info_span!("compress").entered();
        let mut kept = Vec::with_capacity(HEADER + bytes.len() / 2);
        kept.extend(crc32fast::hash(bytes).to_le_bytes());
        kept.extend((bytes.len() as u64).to_le_bytes());
        kept.push(1);
        // Room for less than the original: what does not fit is better stored.
        kept.resize(HEADER + bytes.len(), 0);
        let written = COMPRESSOR.with_borrow_mut(|compressor| compressor.deflate_compress(bytes, &mut kept[HEADER..]));
        match written {
            Ok(len) if len < bytes.len() => kept.truncate(HEADER + len),
            _ => {
                kept[HEADER - 1] = 0;
                kept[HEADER..].copy_from_slice(bytes);
            }
        }
        kept.shrink_to_fit();
        kept
    }

    fn restore(&self, kept: &[u8]) -> Vec<u8> {
        let deflated = Deflated::read(kept);
        if !deflated.compressed {
            return deflated.data.to_vec();
        }
        let mut bytes = vec![0; usize::try_from(deflated.len).unwrap_or(0)];
        let restored = Decompressor::new().deflate_decompress(deflated.data, &mut bytes);
        debug_assert_eq!(restored, Ok(bytes.len()), "what `keep` made");
        bytes
    }
}

impl<'a> Deflated<'a> {
    /// Reads what [`Deflate`] keeps.
    pub fn read(kept: &'a [u8]) -> Self {
        let (header, data) = kept.split_at(HEADER);
        let number = |range: std::ops::Range<usize>| {
            header[range].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Self {
            crc32: u32::try_from(number(0..4)).unwrap_or_default(),
            len: number(4..12),
            compressed: header[HEADER - 1] == 1,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_given(bytes: Vec<u8>, times in 1usize..50) {
            let bytes = bytes.repeat(times);
            let kept = Deflate.keep(&bytes);
            let deflated = Deflated::read(&kept);
            prop_assert_eq!(deflated.len, bytes.len() as u64);
            prop_assert!(deflated.data.len() <= bytes.len());
            prop_assert_eq!(Deflate.restore(&kept), bytes);
        }
    }
}
