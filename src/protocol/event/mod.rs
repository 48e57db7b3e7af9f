//! From the protocol's messages to the events that the rules understand. Every value is parsed
//! here, once; the floors below hold only proven values.

mod common;
mod fields;
mod framework;
mod newer;
mod subject;
#[cfg(test)]
mod tests;
mod texts;
mod title;
mod words;

use bytes::Bytes;
use prost::Message as _;

pub use self::words::pb_ground;
pub(crate) use self::{
    common::{designee_kind, kind_of},
    fields::{Fields, Source},
    words::ground,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        event::Event,
        fault::{Fault, Faults, Key, RuleId},
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
    pub warnings: Faults,
}

/// Reads one proposed event, brings it into its normal form and encodes it.
///
/// # Errors
/// The faults found in it.
pub fn proposal(
    catalogue: &Catalogue,
    index: usize,
    mut event: pb::Event,
) -> Result<Proposed, Faults> {
    let mut fields = Fields::new(catalogue, Source::Caller, index);
    let parsed = fields.event(&mut event);
    let (faults, warnings) = fields.finish();
    let Some(parsed) = parsed.filter(|_| faults.total() == 0) else { return Err(faults) };
    let body = Bytes::from(event.encode_to_vec());
    if body.len() > EVENT_BYTES_MAX {
        let breach = RuleId::EventTooLarge.with(Key::Count, body.len());
        let breach = breach.with(Key::Limit, EVENT_BYTES_MAX);
        let fault = Fault::new(index, String::new(), &body.len().to_string(), breach);
        return Err(vec![fault].into());
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

/// A fault for a proposed event whose fact a newer version has brought. `bytes` is its encoding.
#[must_use]
pub fn newer_fact(index: usize, event: &pb::Event, bytes: &[u8]) -> Option<Fault> {
    if !newer::lacks_fact(event) {
        return None;
    }
    let number = newer::unknown_fact(bytes)?.to_string();
    let breach = RuleId::FactUnknown.with(Key::Found, &number);
    Some(Fault::new(index, "fact".to_owned(), &number, breach))
}

/// A stored event that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer version has brought its fact.
    #[error("the fact with the number {0} is not known to this version")]
    NewerFact(u32),
    /// The code cannot go on without a value that is missing or wrong.
    #[error("{0}")]
    Damaged(String),
}

/// Reads the body of a stored leaf with the catalogue that counts at its position. What was
/// accepted once is read for ever: only the values that the code cannot go on without are checked.
///
/// # Errors
/// [`Unreadable`]
pub fn stored_event(catalogue: &Catalogue, body: &[u8]) -> Result<Event, Unreadable> {
    let damaged = |detail: String| Unreadable::Damaged(detail);
    let mut event = pb::Event::decode(body).map_err(|e| damaged(e.to_string()))?;
    let mut fields = Fields::new(catalogue, Source::Stored, 0);
    let parsed = fields.event(&mut event);
    let (faults, _) = fields.finish();
    if let Some(parsed) = parsed.filter(|_| faults.is_empty()) {
        return Ok(parsed);
    }
    if newer::lacks_fact(&event)
        && let Some(number) = newer::unknown_fact(body)
    {
        return Err(Unreadable::NewerFact(number));
    }
    let why = faults.first().map(|fault| format!("{}: {}", fault.field, fault.breach));
    Err(damaged(why.unwrap_or_else(|| "a value that the register needs is missing".to_owned())))
}
