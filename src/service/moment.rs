//! The two moments that every question of the register names.

use prost_types::Timestamp;
use tonic::Status;

use super::{convert, errors};
use crate::{
    domain::{
        CivilDate,
        fault::{ParseError, Reason},
    },
    ledger::{Ledger, Refusal},
    protocol::{leaf::Leaf, pb, time::micros},
    register::Moment,
};

/// What a request says of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) as_of: Option<pb::Date>,
    pub(crate) known_at: Option<u64>,
    pub(crate) known_at_time: Option<Timestamp>,
}

/// The moments of a request: today and everything, where it names none. A log size inside a commit is its beginning.
pub(crate) async fn moment(ledger: &Ledger, asked: Asked) -> Result<Moment, Status> {
    let as_of = match convert::civil_date(asked.as_of.as_ref()) {
        Some(day) => day.map_err(|error| errors::bad_field("as_of", "", &error))?,
        None => today(ledger)?,
    };
    let size = ledger.durable().size;
    let known_at = match (asked.known_at, asked.known_at_time) {
        (Some(known_at), Some(_)) => {
            let message = "known_at and known_at_time exclude each other";
            let error = ParseError::new(Reason::FieldNotAllowed, message, "");
            return Err(errors::bad_field("known_at_time", &known_at.to_string(), &error));
        }
        (Some(known_at), None) if known_at > size => {
            return Err(errors::beyond_log("known_at", known_at, size));
        }
        (Some(known_at), None) => commit_end(ledger, known_at).await?,
        (None, Some(time)) => {
            // What was recorded up to an instant lies before the first event after it.
            let after = micros(&time).saturating_add(1);
            ledger.position_at(after).await.map_err(|e| errors::log_error(&e))?
        }
        (None, None) => size,
    };
    Ok(Moment { as_of, known_at })
}

/// The log size, or, inside a commit, the size before it.
async fn commit_end(ledger: &Ledger, known_at: u64) -> Result<u64, Status> {
    let Some(last) = known_at.checked_sub(1) else { return Ok(0) };
    let leaf = ledger.leaf(last).await.map_err(|e| errors::log_error(&e))?;
    let leaf: Leaf = prost::Message::decode(leaf)
        .map_err(|e| errors::log_error(&crate::log::LogError::damaged(last, e.to_string())))?;
    let commit = leaf.commit.unwrap_or_default();
    let first = commit.first_position.unwrap_or(last);
    Ok(if first + u64::from(commit.size) == known_at { known_at } else { first })
}

fn today(ledger: &Ledger) -> Result<CivilDate, Status> {
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros());
    now.map(CivilDate::today_in_shanghai)
        .map_err(|_| errors::refusal(Refusal::Clock("it shows no date".to_owned())))
}
