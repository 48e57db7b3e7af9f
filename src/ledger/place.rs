//! Places of a log: an event, or what is left of one whose content is erased. Both have an envelope
//! and a leaf hash.

use bytes::Bytes;
use prost::Message as _;

use crate::{
    log::{LeafAt, LogError},
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
