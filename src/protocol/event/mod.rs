//! From the protocol's messages to the events that the rules understand. Every value is parsed
//! here, once; the floors below hold only proven values.

mod common;
mod fields;
mod framework;
mod subject;
mod title;

use bytes::Bytes;
use prost::Message as _;

pub(crate) use self::{
    common::{designee_kind, kind_of},
    fields::{Fields, Source},
};
use crate::{
    domain::{
        catalogue::Catalogue,
        event::Event,
        fault::{Fault, Key, RuleId},
    },
    limits::EVENT_BYTES_MAX,
    protocol::pb,
};

/// A proposed event that was read.
#[derive(Debug)]
pub struct Proposed {
    /// For the rules.
    pub event: Event,
    /// Its normal form, encoded: the part of the leaf that a caller states.
    pub body: Bytes,
    /// Warnings that follow from the event alone.
    pub warnings: Vec<Fault>,
}

/// Reads one proposed event, brings it into its normal form and encodes it.
///
/// # Errors
/// Every fault found in it.
pub fn proposal(
    catalogue: &Catalogue,
    index: usize,
    mut event: pb::Event,
) -> Result<Proposed, Vec<Fault>> {
    let mut fields = Fields::new(catalogue, Source::Caller, index);
    let parsed = fields.event(&mut event);
    let (faults, warnings) = fields.finish();
    let Some(parsed) = parsed.filter(|_| faults.is_empty()) else { return Err(faults) };
    let body = Bytes::from(event.encode_to_vec());
    if body.len() > EVENT_BYTES_MAX {
        let breach = RuleId::EventTooLarge.with(Key::Count, body.len());
        let breach = breach.with(Key::Limit, EVENT_BYTES_MAX);
        return Err(vec![Fault::new(index, String::new(), &body.len().to_string(), breach)]);
    }
    Ok(Proposed { event: parsed, body, warnings })
}

/// The part of an event that adopts a catalogue.
#[derive(prost::Message)]
struct AdoptionOnly {
    #[prost(message, optional, tag = "20")]
    catalogue_adopted: Option<pb::CatalogueAdopted>,
}

/// Digest of the catalogue that a stored event adopts, found without reading the rest of it.
#[must_use]
pub fn stored_adoption(body: &[u8]) -> Option<[u8; 32]> {
    let adopted = AdoptionOnly::decode(body).ok()?.catalogue_adopted?;
    adopted.sha256.as_ref().try_into().ok()
}

/// Reads the body of a stored leaf with the catalogue that counts at its position.
///
/// # Errors
/// The first fault, in words: the log is damaged.
pub fn stored_event(catalogue: &Catalogue, body: &[u8]) -> Result<Event, String> {
    let mut event = pb::Event::decode(body).map_err(|e| e.to_string())?;
    let mut fields = Fields::new(catalogue, Source::Stored, 0);
    let parsed = fields.event(&mut event);
    let (faults, _) = fields.finish();
    let why = || faults.first().map_or_else(String::new, |f| format!("{}: {}", f.field, f.breach));
    parsed.filter(|_| faults.is_empty()).ok_or_else(why)
}
