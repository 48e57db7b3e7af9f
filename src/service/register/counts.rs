//! Counts of titles and designees, in groups.

use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::fault::RuleId,
    ledger::{Ledger, Pace as _},
    limits::{
        ANSWER_REST_BYTES, GROUP_DIMENSIONS_MAX, GROUPS_MAX, QUESTION_SLICE_DESIGNEES,
        RESPONSE_BYTES_MAX,
    },
    protocol::pb,
    register::{Counted, Counting, Group, Stage},
    service::{
        as_of::{answered, resolve},
        call::Call,
        consistent::require_consistent,
        errors::{self, Limit},
        filter,
        questions::Turn,
        room::Room,
    },
};

pub(super) async fn count(
    api: &RegisterApi,
    call: &Call,
    request: pb::CountTitlesRequest,
) -> Result<pb::CountTitlesResponse, Status> {
    let ledger = &*api.ledger;
    let wanted = filter::wanted(ledger.catalogues(), request.filter.clone())?;
    let unit = pb::CountUnit::try_from(request.unit)
        .map_err(|_| errors::unknown_enum("unit", request.unit))?;
    let stage =
        stage_from(request.stage).ok_or_else(|| errors::unknown_enum("stage", request.stage))?;
    let groups = groups(&request.group_by)?;
    let at = resolve(ledger, call, request.as_of).await?;
    require_consistent("filter", &wanted, Some(stage), at.valid_on)?;
    let mut counting = Counting::new(wanted, at, stage, groups);
    counting.sight = sight_of(ledger, call)?;
    counting.by_designee = unit == pb::CountUnit::Designees;
    let by_designee = counting.by_designee;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let catalogues = ledger.catalogues();
        while counting.advance(&ledger.register(), catalogues, QUESTION_SLICE_DESIGNEES)
            && counting.group_count() <= GROUPS_MAX
        {
            turn.step()?;
        }
        let groups = counting.groups(&ledger.register(), catalogues);
        Ok((counting, groups))
    };
    let (counting, groups) = api.ask(call, question).await?;
    if groups.len() > GROUPS_MAX {
        return Err(errors::over_limit("group_by", groups.len(), GROUPS_MAX, "groups"));
    }
    let group = |counted: Counted| pb::CountedGroup {
        keys: counted.keys,
        count: counted.count,
        region_inferred_count: counted.inferred,
    };
    let (groups, omitted) = Room::of_response().fill(GROUPS_MAX, groups.into_iter().map(group));
    if omitted > 0 {
        let text =
            "the groups have more bytes than a response; count with a filter, or by fewer keys";
        let limit = (RESPONSE_BYTES_MAX - ANSWER_REST_BYTES) as u64;
        let limit = Limit { limit, unit: "bytes", field: "group_by", ..Limit::default() };
        return Err(errors::exhausted(text, limit));
    }
    Ok(pb::CountTitlesResponse {
        groups,
        total_count: counting.total(),
        unit: if by_designee { pb::CountUnit::Designees } else { pb::CountUnit::Titles }.into(),
        stage: stage_number(stage),
        as_of: answered(ledger, at),
    })
}

/// All stages, with their numbers in the protocol.
const STAGES: [(Stage, pb::CountStage); 6] = [
    (Stage::Active, pb::CountStage::Active),
    (Stage::Recommended, pb::CountStage::Recommended),
    (Stage::Noticed, pb::CountStage::Noticed),
    (Stage::EverDesignated, pb::CountStage::EverDesignated),
    (Stage::Reviewed, pb::CountStage::Reviewed),
    (Stage::Any, pb::CountStage::Any),
];

/// The stage with a number of the protocol. The default counts the titles that are held.
fn stage_from(number: i32) -> Option<Stage> {
    if number == i32::from(pb::CountStage::Unspecified) {
        return Some(Stage::Active);
    }
    STAGES.iter().find(|(_, known)| i32::from(*known) == number).map(|(stage, _)| *stage)
}

fn stage_number(stage: Stage) -> i32 {
    let found = STAGES.iter().find(|(known, _)| *known == stage);
    found.map_or(pb::CountStage::Unspecified, |(_, number)| *number).into()
}

/// All dimensions of a count, with their numbers in the protocol.
const GROUPS: [(Group, pb::CountGroup); 13] = [
    (Group::Programme, pb::CountGroup::Programme),
    (Group::Authority, pb::CountGroup::Authority),
    (Group::Responsible, pb::CountGroup::ResponsibleAuthority),
    (Group::RecommendedBy, pb::CountGroup::RecommendedBy),
    (Group::Region, pb::CountGroup::Region),
    (Group::Status, pb::CountGroup::Status),
    (Group::Cohort, pb::CountGroup::Cohort),
    (Group::Round, pb::CountGroup::Round),
    (Group::Industry, pb::CountGroup::Industry),
    (Group::ValidToMonth, pb::CountGroup::ValidToMonth),
    (Group::ValidToYear, pb::CountGroup::ValidToYear),
    (Group::EndCause, pb::CountGroup::EndCause),
    (Group::Item, pb::CountGroup::Item),
];

fn groups(numbers: &[i32]) -> Result<Vec<Group>, Status> {
    if numbers.len() > GROUP_DIMENSIONS_MAX {
        return Err(errors::over_limit("group_by", numbers.len(), GROUP_DIMENSIONS_MAX, "entries"));
    }
    let read = |number: i32| {
        let found = GROUPS.iter().find(|(_, known)| i32::from(*known) == number);
        found.map(|(group, _)| *group)
    };
    let groups = filter::numbers("group_by", numbers, read)?;
    for (i, number) in numbers.iter().enumerate() {
        if numbers.iter().take(i).any(|other| other == number) {
            let (field, value) = (format!("group_by[{i}]"), number.to_string());
            return Err(errors::bad_field(&field, &value, RuleId::ListedTwice));
        }
    }
    Ok(groups)
}
