//! Withheld places: what a log holds where the content of an event was erased.

use bytes::Bytes;
use prost::{DecodeError, Message as _};

use super::{
    leaf::{CommitOf, Leaf, Withheld},
    pb,
};
use crate::{
    domain::{self, AuthorityCode, RegionCode, catalogue::Catalogues, kind::Kind},
    limits::{LEAF_BYTES_MAX, REDACTION_REASON_BYTES_MAX},
    merkle::Hash,
};

/// The reason in the place of an event that is recorded and withheld. The EventWithheld has the one
/// for people.
pub const UNREAD: &str = "withheld";

/// The envelope of a withheld event, as far as it is left: without a recorder and without an event.
#[must_use]
pub fn envelope(withheld: Withheld) -> Leaf {
    let commit = withheld.commit;
    Leaf {
        position: withheld.position,
        recorded_time: withheld.recorded_time,
        commit: commit.map(|c| CommitOf { first_position: c.first_position, size: c.size }),
        request_id: Bytes::from(withheld.request_id),
        request_digest: withheld.request_digest,
        ..Leaf::default()
    }
}

/// Decodes a withheld place.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(bytes: &Bytes) -> Result<Withheld, DecodeError> {
    Withheld::decode(bytes.clone())
}

/// The leaf hash of the event that is withheld.
#[must_use]
pub fn leaf_hash(withheld: &Withheld) -> Option<Hash> {
    withheld.leaf_hash.as_ref().try_into().ok()
}

/// Reads the part of a withheld place that the register keeps.
///
/// # Errors
/// The fault, in words.
pub fn stored(catalogues: &Catalogues, withheld: &Withheld) -> Result<domain::Withheld, String> {
    if leaf_hash(withheld).is_none() {
        return Err("leaf_hash: must have 32 bytes".to_owned());
    }
    if withheld.reason.is_empty() || withheld.reason.len() > REDACTION_REASON_BYTES_MAX {
        return Err(format!("reason: must have 1 to {REDACTION_REASON_BYTES_MAX} bytes"));
    }
    let position = withheld.position.unwrap_or_default();
    let derived = |derived: &pb::DerivedConcerns| {
        let at = derived.position.filter(|at| *at >= position);
        let at = at.ok_or("derived.position: must not be before the event")?;
        Ok((at, concerns(catalogues, at, derived.concerns.as_ref())?))
    };
    Ok(domain::Withheld {
        concerns: concerns(catalogues, position, withheld.concerns.as_ref())?,
        derived: withheld.derived.iter().map(derived).collect::<Result<_, String>>()?,
    })
}

fn concerns(
    catalogues: &Catalogues,
    position: u64,
    message: Option<&pb::Concerns>,
) -> Result<domain::Concerns, String> {
    let message = message.ok_or("concerns: is required")?;
    let each = |what: &str, error: &dyn std::fmt::Display| format!("concerns.{what}: {error}");
    let authorities = message.authorities.iter().map(|code| AuthorityCode::parse(code));
    let regions = message.regions.iter().map(|code| RegionCode::parse(code));
    let programmes = message.programmes.iter().map(|id| catalogues.find(id));
    let kind = Kind::from_number(message.kind);
    if message.designee_positions.iter().any(|at| *at >= position) {
        return Err("concerns.designee_positions: must name earlier events".to_owned());
    }
    Ok(domain::Concerns {
        authorities: authorities.collect::<Result<_, _>>().map_err(|e| each("authorities", &e))?,
        programmes: programmes.collect::<Result<_, _>>().map_err(|e| each("programmes", &e))?,
        regions: regions.collect::<Result<_, _>>().map_err(|e| each("regions", &e))?,
        batches: message.batches.clone(),
        kind: kind.ok_or("concerns.kind: is not known")?,
        designee_positions: message.designee_positions.clone(),
    })
}

/// The place of an event whose content is erased. `leaf` is its envelope.
#[must_use]
pub fn place(
    catalogues: &Catalogues,
    leaf: &Leaf,
    leaf_hash: &Hash,
    reason: &str,
    kept: &domain::Withheld,
) -> Withheld {
    let commit = leaf.commit;
    Withheld {
        position: leaf.position,
        leaf_hash: Bytes::copy_from_slice(leaf_hash),
        reason: reason.to_owned(),
        recorded_time: leaf.recorded_time,
        commit: commit.map(|c| pb::Commit { first_position: c.first_position, size: c.size }),
        request_id: String::from_utf8_lossy(&leaf.request_id).into_owned(),
        request_digest: leaf.request_digest.clone(),
        ..with(catalogues, Withheld::default(), kept)
    }
}

/// The place of an event that is recorded and withheld. `leaf` is its envelope.
#[must_use]
pub fn unread(leaf: &Leaf, leaf_hash: &Hash) -> Withheld {
    let commit = leaf.commit;
    Withheld {
        position: leaf.position,
        leaf_hash: Bytes::copy_from_slice(leaf_hash),
        reason: UNREAD.to_owned(),
        recorded_time: leaf.recorded_time,
        commit: commit.map(|c| pb::Commit { first_position: c.first_position, size: c.size }),
        ..Withheld::default()
    }
}

/// The same place, with other concerns.
#[must_use]
pub fn with(catalogues: &Catalogues, place: Withheld, kept: &domain::Withheld) -> Withheld {
    let derived = |(position, concerns): &(u64, domain::Concerns)| pb::DerivedConcerns {
        position: Some(*position),
        concerns: Some(message(catalogues, concerns)),
    };
    Withheld {
        concerns: Some(message(catalogues, &kept.concerns)),
        derived: kept.derived.iter().map(derived).collect(),
        ..place
    }
}

fn message(catalogues: &Catalogues, concerns: &domain::Concerns) -> pb::Concerns {
    let programme = |id: &_| catalogues.id_of(*id).to_owned();
    pb::Concerns {
        authorities: concerns.authorities.iter().map(|code| code.as_str().to_owned()).collect(),
        programmes: concerns.programmes.iter().map(programme).collect(),
        regions: concerns.regions.iter().map(ToString::to_string).collect(),
        batches: concerns.batches.clone(),
        kind: concerns.kind.number().into(),
        designee_positions: concerns.designee_positions.clone(),
    }
}

/// True if a place can be stored: it takes no more bytes than a leaf.
#[must_use]
pub fn fits(withheld: &Withheld) -> bool {
    withheld.encoded_len() <= LEAF_BYTES_MAX
}
