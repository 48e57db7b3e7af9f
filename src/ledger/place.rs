//! Places of a log: an event, or what is left of one whose content is erased. Both have an envelope
//! and a leaf hash.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;

use crate::{
    log::{Chunk, ChunkWriter, LeafAt, LogError},
    merkle::{self, Hash},
    protocol::{
        batch::Frame,
        leaf::{Leaf, Withheld},
        withheld,
    },
};

/// The envelope of a place.
///
/// # Errors
/// [`LogError::Damaged`] if it cannot be decoded.
pub fn envelope(place: &LeafAt) -> Result<Leaf, LogError> {
    if place.withheld {
        return Ok(withheld::envelope(withheld_at(place)?));
    }
    let leaf = Leaf::decode(place.bytes.clone());
    leaf.map_err(|error| LogError::damaged(place.position, error.to_string()))
}

/// The leaf hash of the frame at a position.
///
/// # Errors
/// As for [`envelope`].
pub fn leaf_hash(position: u64, frame: &Frame) -> Result<Hash, LogError> {
    if !frame.withheld {
        return Ok(merkle::leaf_hash(&frame.bytes));
    }
    let place = withheld::decode(&frame.bytes);
    let place = place.map_err(|error| LogError::damaged(position, error.to_string()))?;
    let hash = withheld::leaf_hash(&place);
    hash.ok_or_else(|| LogError::damaged(position, "a withheld place has no leaf hash"))
}

/// A place as a caller gets it who may not read its event: it tells the leaf hash alone.
///
/// # Errors
/// As for [`envelope`].
pub fn unseen_at(place: &LeafAt) -> Result<Withheld, LogError> {
    let hash = leaf_hash(place.position, &place.as_frame())?;
    let leaf_hash = Bytes::copy_from_slice(&hash);
    Ok(Withheld { position: Some(place.position), leaf_hash, ..Withheld::default() })
}

/// The content of a withheld place.
///
/// # Errors
/// As for [`envelope`].
pub fn withheld_at(place: &LeafAt) -> Result<Withheld, LogError> {
    let decoded = withheld::decode(&place.bytes);
    decoded.map_err(|error| LogError::damaged(place.position, error.to_string()))
}

/// The place that readers get for an event that is recorded and withheld, with its leaf hash.
///
/// # Errors
/// As for [`envelope`].
pub fn withholding(place: &LeafAt) -> Result<(Bytes, Hash), LogError> {
    let hash = leaf_hash(place.position, &place.as_frame())?;
    let withheld = withheld::unread(&envelope(place)?, &hash);
    Ok((withheld.encode_to_vec().into(), hash))
}

/// A chunk with withheld places in the place of some of its events. Longer places may take more
/// than one chunk.
///
/// # Errors
/// As for [`envelope`], and those of `replaced`.
pub fn rewritten(
    chunk: &Chunk,
    replaced: impl Fn(&LeafAt) -> Result<Option<(Bytes, Hash)>, LogError>,
) -> Result<Vec<Chunk>, LogError> {
    let mut writer = ChunkWriter::new(chunk.first(), Vec::new());
    for leaf in chunk.leaves() {
        let commit = envelope(&leaf)?.commit.unwrap_or_default();
        let end = commit.first_position.unwrap_or_default() + u64::from(commit.size);
        let ends_commit = end == leaf.position + 1;
        match replaced(&leaf)? {
            Some((bytes, hash)) => writer.push_withheld(&bytes, hash, ends_commit),
            None if leaf.withheld => {
                let hash = leaf_hash(leaf.position, &leaf.as_frame())?;
                writer.push_withheld(&leaf.bytes, hash, ends_commit);
            }
            None => {
                let write = |buffer: &mut BytesMut| buffer.put_slice(&leaf.bytes);
                writer.push(leaf.bytes.len(), ends_commit, write);
            }
        }
    }
    Ok(writer.finish().chunks)
}
