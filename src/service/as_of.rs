//! The two moments of a question to the register: the day, and the log size known then.

use prost_types::Timestamp;
use tonic::Status;

use super::{convert, errors};
use crate::{
    domain::{CivilDate, fault::Reason},
    ledger::{AppendError, Ledger, ReadError},
    protocol::{leaf::Leaf, pb, time::micros},
    register::AsOf,
};

/// The moments as a request states them.
#[derive(Clone, Copy, Default)]
pub(crate) struct AsOfRequest {
    pub(crate) as_of: Option<pb::Date>,
    pub(crate) known_at: Option<u64>,
    pub(crate) known_at_time: Option<Timestamp>,
}

/// Takes the moments out of a request.
macro_rules! as_of {
    ($request:expr) => {
        AsOfRequest {
            as_of: $request.as_of,
            known_at: $request.known_at,
            known_at_time: $request.known_at_time,
        }
    };
}
pub(super) use as_of;

/// Resolves the moments of a request. The defaults are today and the whole log. A log size inside a
/// commit means the size before it.
pub(crate) async fn resolve(ledger: &Ledger, asked: AsOfRequest) -> Result<AsOf, Status> {
    let valid_on = match convert::civil_date(asked.as_of.as_ref()) {
        Some(day) => day.map_err(|error| errors::bad_field("as_of", "", &error))?,
        None => today(ledger)?,
    };
    let size = ledger.durable().size;
    let known_at = match (asked.known_at, asked.known_at_time) {
        (Some(known_at), Some(_)) => {
            let message = "known_at and known_at_time exclude each other";
            let value = known_at.to_string();
            return Err(errors::invalid("known_at_time", &value, Reason::FieldNotAllowed, message));
        }
        (Some(known_at), None) if known_at > size => {
            return Err(errors::beyond_log("known_at", known_at, size));
        }
        (Some(known_at), None) => commit_end(ledger, known_at).await?,
        (None, Some(time)) => {
            // The events known at an instant are those before the first later one.
            let after = micros(&time).saturating_add(1);
            ledger.position_at(after).await?
        }
        (None, None) => size,
    };
    Ok(AsOf { valid_on, known_at })
}

/// The log size itself or, inside a commit, the size before the commit.
async fn commit_end(ledger: &Ledger, known_at: u64) -> Result<u64, Status> {
    let Some(last) = known_at.checked_sub(1) else { return Ok(0) };
    let leaf: Leaf = prost::Message::decode(ledger.leaf(last).await?)
        .map_err(|e| ReadError::damaged(last, e.to_string()))?;
    let commit = leaf.commit.unwrap_or_default();
    let first = commit.first_position.unwrap_or(last);
    Ok(if first + u64::from(commit.size) == known_at { known_at } else { first })
}

fn today(ledger: &Ledger) -> Result<CivilDate, Status> {
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros());
    now.map(CivilDate::today_in_shanghai)
        .map_err(|_| errors::refusal(AppendError::Clock("it shows no date".to_owned())))
}
