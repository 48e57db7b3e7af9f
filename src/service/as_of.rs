//! The two axes of a question to the register and of its answer: the day, and the log size.

use tonic::Status;

use super::{arrival::Named, call::Call, convert, errors};
use crate::{
    domain::CivilDate,
    ledger::{AppendError, Ledger, ReadError, place},
    protocol::{
        pb::{self, as_of::Known},
        time::{micros, pb_date, written},
    },
    register::AsOf,
};

/// Resolves the day and the log size of a request. The defaults are today and the whole log.
pub(crate) async fn resolve(
    ledger: &Ledger,
    call: &Call,
    asked: Option<pb::AsOf>,
) -> Result<AsOf, Status> {
    resolve_field(ledger, call, "as_of", asked).await
}

/// As [`resolve`], for the field `parent` of a request.
pub(crate) async fn resolve_field(
    ledger: &Ledger,
    call: &Call,
    parent: &str,
    asked: Option<pb::AsOf>,
) -> Result<AsOf, Status> {
    let at = |field: &str| format!("{parent}.{field}");
    let pb::AsOf { valid_on, known } = asked.unwrap_or_default();
    let valid_on = match valid_on {
        Some(date) => convert::civil_date(date)
            .map_err(|breach| errors::bad_field(&at("valid_on"), &written(date), breach))?,
        None => today(ledger)?,
    };
    let known_at = match known {
        None => ledger.durable().size,
        Some(Known::KnownAt(known_at)) => {
            let named = Named { field: &at("known_at"), position: known_at };
            named.within(ledger, call).await?;
            commit_end(ledger, known_at).await?
        }
        // The events known at an instant are those before the first later one.
        Some(Known::KnownAtTime(time)) => {
            ledger.position_at(micros(&time).saturating_add(1)).await?
        }
    };
    Ok(AsOf { valid_on, known_at })
}

/// States what an answer is for.
pub(crate) fn answered(ledger: &Ledger, at: AsOf) -> Option<pb::AnswerAsOf> {
    Some(pb::AnswerAsOf {
        valid_on: Some(pb_date(at.valid_on)),
        known_at: Some(at.known_at),
        rules_version: ledger.rules_at(at.known_at).number,
        redacted_positions: ledger.register().redacted_positions(at.known_at),
    })
}

/// The log size itself or, inside a commit, the size before the commit.
async fn commit_end(ledger: &Ledger, known_at: u64) -> Result<u64, Status> {
    let Some(last) = known_at.checked_sub(1) else { return Ok(0) };
    let leaf = place::envelope(&ledger.leaf(last).await?).map_err(ReadError::from)?;
    let commit = leaf.commit.unwrap_or_default();
    let first = commit.first_position.unwrap_or(last);
    Ok(if first + u64::from(commit.size) == known_at { known_at } else { first })
}

fn today(ledger: &Ledger) -> Result<CivilDate, Status> {
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros());
    now.map(CivilDate::today_in_shanghai)
        .map_err(|_| errors::refusal(AppendError::Clock("it shows no date".to_owned())))
}
