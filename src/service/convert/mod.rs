//! From the protocol's messages to what the rules understand, and back. Everything is parsed here, once; the floors
//! below hold only what was proven.

mod answer;
mod event;
mod fields;
mod frame;
mod subject;
mod title;

use bytes::Bytes;
use prost::Message as _;

pub(crate) use self::{
    answer::{
        batch, batch_state, change, civil_date, code, designee, explanation, path, pb_date,
        programme, reason, recorded_time, rejection, status_from, sublist, title, warning,
    },
    fields::{Fields, Need, Source},
};
use crate::{
    domain::{
        catalogue::Catalogue,
        event::Event,
        fault::{Fault, Reason},
        limits::{ENVELOPE_BYTES_MAX, LEAF_BYTES_MAX},
    },
    ledger::Proposal,
    pb,
};

/// Reads one proposed event, brings it into its normal form and encodes it.
///
/// # Errors
/// Every fault found in it. On success: warnings that follow from the event alone.
pub fn proposal(
    catalogue: &Catalogue,
    index: usize,
    mut event: pb::Event,
) -> Result<(Proposal, Vec<Fault>), Vec<Fault>> {
    let mut fields = Fields::new(catalogue, Source::Caller, index);
    let parsed = fields.event(&mut event);
    let (faults, warnings) = fields.finish();
    let Some(parsed) = parsed.filter(|_| faults.is_empty()) else { return Err(faults) };
    let body = Bytes::from(event.encode_to_vec());
    let most = LEAF_BYTES_MAX - ENVELOPE_BYTES_MAX;
    if body.len() > most {
        return Err(vec![Fault {
            index,
            field: String::new(),
            value: body.len().to_string(),
            reason: Reason::EventTooLarge,
            message: format!("the event has {} bytes when encoded; {most} are allowed", body.len()),
            rule: "a recorded event has at most 6 KiB".to_owned(),
            conflicts: Vec::new(),
        }]);
    }
    Ok((Proposal { index, event: parsed, body }, warnings))
}

/// Reads the body of a stored leaf.
///
/// # Errors
/// What is wrong with it, in words: the log is damaged, or another catalogue was in use when it was written.
pub fn stored_event(catalogue: &Catalogue, body: &[u8]) -> Result<Event, String> {
    let mut event = pb::Event::decode(body).map_err(|e| e.to_string())?;
    let mut fields = Fields::new(catalogue, Source::Stored, 0);
    let parsed = fields.event(&mut event);
    let (faults, _) = fields.finish();
    let why = || faults.first().map_or_else(String::new, |f| format!("{}: {}", f.field, f.message));
    parsed.filter(|_| faults.is_empty()).ok_or_else(why)
}
