//! Refuses questions about titles that contradict themselves: no title could answer them, and an
//! empty answer would look like news.

use tonic::Status as Refusal;

use super::errors;
use crate::{
    domain::{
        CivilDate,
        fault::{Key, RuleId},
    },
    protocol::event,
    register::{EndCause, Stage, Status, Wanted},
};

/// Refuses a filter, the request's field `field`, whose parts contradict each other, the stage of
/// the count, or the day.
///
/// # Errors
/// INVALID_ARGUMENT, with the first part that no title can match.
pub(crate) fn require_consistent(
    field: &str,
    wanted: &Wanted,
    stage: Option<Stage>,
    valid_on: CivilDate,
) -> Result<(), Refusal> {
    if let (Some(from), Some(to)) = (wanted.valid_to_from, wanted.valid_to_to)
        && to < from
    {
        let breach = RuleId::DateOrder.with(Key::From, from);
        return Err(errors::bad_field(&format!("{field}.valid_to_to"), &to.to_string(), breach));
    }
    let statuses = possible_statuses(field, wanted, stage)?;
    let causes = possible_causes(field, wanted, &statuses)?;
    let is_revoked = statuses.contains(&Status::Revoked)
        && (causes.is_empty() || causes.contains(&EndCause::Revoked));
    if let (Some(ground), false) = (wanted.grounds.first(), is_revoked) {
        let field = format!("{field}.grounds[0]");
        let name = event::pb_ground(*ground).as_str_name();
        return Err(errors::bad_field(&field, name, RuleId::GroundOutsideStatuses));
    }
    let lives = |status: &Status| matches!(status, Status::Active | Status::Pending);
    if let Some(to) = wanted.valid_to_to.filter(|to| *to < valid_on)
        && statuses.iter().all(lives)
    {
        let breach = RuleId::LastDayPast.with(Key::Day, valid_on);
        return Err(errors::bad_field(&format!("{field}.valid_to_to"), &to.to_string(), breach));
    }
    Ok(())
}

/// The statuses that the titles asked for may have.
fn possible_statuses(
    field: &str,
    wanted: &Wanted,
    stage: Option<Stage>,
) -> Result<Vec<Status>, Refusal> {
    let is_at_stage = |status: &Status| stage.is_none_or(|stage| stage.may_have(*status));
    if let Some(i) = wanted.statuses.iter().position(|status| !is_at_stage(status)) {
        let value = wanted.statuses.get(i).map_or("", |status| status.as_str());
        let breach = RuleId::StatusOutsideStage.with(Key::Stage, stage.map_or("", Stage::as_str));
        return Err(errors::bad_field(&format!("{field}.statuses[{i}]"), value, breach));
    }
    let asked = match wanted.statuses.is_empty() {
        true => Status::LISTED.to_vec(),
        false => wanted.statuses.clone(),
    };
    Ok(asked.into_iter().filter(is_at_stage).collect())
}

/// The causes asked for, each of which some of the statuses have.
fn possible_causes<'a>(
    field: &str,
    wanted: &'a Wanted,
    statuses: &[Status],
) -> Result<&'a [EndCause], Refusal> {
    let is_possible = |cause: &EndCause| statuses.iter().any(|status| cause.may_end_in(*status));
    if let Some(i) = wanted.end_causes.iter().position(|cause| !is_possible(cause)) {
        let value = wanted.end_causes.get(i).map_or("", |cause| cause.as_str());
        let field = format!("{field}.end_causes[{i}]");
        return Err(errors::bad_field(&field, value, RuleId::CauseOutsideStatuses));
    }
    Ok(&wanted.end_causes)
}

impl Stage {
    /// True if a title at the stage may have the status.
    fn may_have(self, status: Status) -> bool {
        match (self, status) {
            (Self::Any, _) => true,
            (_, Status::NotOnRecord) => false,
            (Self::Active, status) => status == Status::Active,
            (Self::EverDesignated | Self::Reviewed, status) => status != Status::NotDesignated,
            (Self::Recommended | Self::Noticed, _) => true,
        }
    }

    /// The stage in lower case with hyphens.
    fn as_str(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Noticed => "noticed",
            Self::EverDesignated => "ever-designated",
            Self::Reviewed => "reviewed",
            Self::Active => "active",
            Self::Any => "any",
        }
    }
}

impl EndCause {
    /// True if a title that ends for the cause may have the status.
    fn may_end_in(self, status: Status) -> bool {
        match self {
            Self::Lapsed => status == Status::Expired,
            // A failed review is known before the last day.
            Self::ReviewNotUpToStandard | Self::ReviewNotSubmitted | Self::ReviewFailed => {
                matches!(status, Status::Active | Status::Expired | Status::Revoked)
            }
            Self::Revoked => status == Status::Revoked,
            Self::Surrendered => status == Status::Surrendered,
            Self::SubjectDeregistered | Self::SubjectAbsorbed | Self::SubjectRestructured => {
                matches!(status, Status::Ended | Status::NotDesignated)
            }
            Self::Transferred => status == Status::Ended,
            Self::Converted => status == Status::Converted,
            Self::NoticeWithdrawn
            | Self::ObjectionUpheld
            | Self::NotOnFinalList
            | Self::CreationFailed => status == Status::NotDesignated,
        }
    }
}
