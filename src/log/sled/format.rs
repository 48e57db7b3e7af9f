//! Keys and values of the store.
//!
//! ```text
//! key             value
//! m               format of the log (u16 LE), log id (16 bytes), CRC-32C of both (u32 LE)
//! s               start-up marker of the sync check, 8 bytes
//! e ‖ u64 BE      the chunk whose first event has that position, see chunk.rs
//! h ‖ u64 BE      the 128 leaf hashes from that position on, then their CRC-32C (u32 LE)
//! ```
//!
//! A log begins in format 1. It is raised, durably, before the first chunk that needs format 2.

use sled::IVec;
use uuid::Uuid;

use crate::{
    limits::HASHES_PER_BLOCK,
    log::{FORMAT_BEGUN, FORMAT_KNOWN, HashBlock, LogError},
};

pub(super) const META_KEY: &[u8] = b"m";
pub(super) const SYNC_KEY: &[u8] = b"s";
pub(super) const CHUNKS: u8 = b'e';
pub(super) const BLOCKS: u8 = b'h';

pub(super) type Key = [u8; 9];

pub(super) fn key(prefix: u8, position: u64) -> Key {
    let [a, b, c, d, e, f, g, h] = position.to_be_bytes();
    [prefix, a, b, c, d, e, f, g, h]
}

pub(super) fn position_of(key: &IVec) -> u64 {
    let digits = key.split_first_chunk::<1>().map_or(&[][..], |(_, digits)| digits);
    digits.try_into().map_or(u64::MAX, u64::from_be_bytes)
}

pub(super) fn encode_block(block: &HashBlock) -> Vec<u8> {
    assert_eq!(block.hashes.len(), HASHES_PER_BLOCK, "an incomplete block of hashes");
    let mut value = block.hashes.concat();
    value.extend(crc32c::crc32c(&value).to_le_bytes());
    value
}

pub(super) fn decode_block(first: u64, value: &[u8]) -> Result<HashBlock, LogError> {
    let damaged = || LogError::damaged(first, "a block of leaf hashes does not match its checksum");
    let (content, crc) = value.split_last_chunk::<4>().ok_or_else(damaged)?;
    let (hashes, rest) = content.as_chunks::<32>();
    let whole = rest.is_empty() && hashes.len() == HASHES_PER_BLOCK;
    if !whole || crc32c::crc32c(content).to_le_bytes() != *crc {
        return Err(damaged());
    }
    Ok(HashBlock { first, hashes: hashes.to_vec() })
}

pub(super) fn encode_identity(format: u16, id: Uuid) -> Vec<u8> {
    let mut value = format.to_le_bytes().to_vec();
    value.extend(id.as_bytes());
    value.extend(crc32c::crc32c(&value).to_le_bytes());
    value
}

/// The format of a log and its id.
pub(super) fn decode_identity(value: &[u8]) -> Result<(u16, Uuid), LogError> {
    let damaged = || LogError::damaged(0, "the log's identity does not match its checksum");
    let (content, crc) = value.split_last_chunk::<4>().ok_or_else(damaged)?;
    let (format, rest) = content.split_first_chunk::<2>().ok_or_else(damaged)?;
    if crc32c::crc32c(content).to_le_bytes() != *crc {
        return Err(damaged());
    }
    let found = u16::from_le_bytes(*format);
    if found > FORMAT_KNOWN {
        return Err(LogError::TooNew { found, known: FORMAT_KNOWN });
    }
    if found < FORMAT_BEGUN {
        return Err(LogError::damaged(0, "the log has a format that no version writes"));
    }
    let id = rest.try_into().map(Uuid::from_bytes).map_err(|_| damaged())?;
    Ok((found, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_keys_and_identity() {
        assert_eq!(key(CHUNKS, 258), [b'e', 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(position_of(&IVec::from(&key(BLOCKS, 258))), 258);
        for format in [1, 2, 3, 4] {
            let value = encode_identity(format, Uuid::from_u128(1));
            assert_eq!(&value[..3], [format.to_le_bytes()[0], 0, 0]);
            assert_eq!(value.len(), 22);
            assert_eq!(decode_identity(&value).unwrap(), (format, Uuid::from_u128(1)));
        }
        for (format, why) in [(0, "no version writes"), (5, "format 5, this version reads up to 4")]
        {
            let value = encode_identity(format, Uuid::from_u128(1));
            let error = decode_identity(&value).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
