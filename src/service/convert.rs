//! Converts faults and answers of the register to messages of the protocol.

use crate::{
    domain::{
        AuthorityCode, CivilDate, IndustryCode, PartialDate,
        catalogue::{Catalogues, Programme, RuleVersion},
        event::Declared,
        fault::{Breach, Fault, Reason},
        kind::HolderKind,
    },
    limits::{
        DESIGNEE_LIST_BYTES_MAX, DESIGNEE_POSITIONS_MAX, DESIGNEE_TITLES_BYTES_MAX,
        EXPLAINED_STEPS_BYTES_MAX, EXPLAINED_STEPS_MAX, EXPLAINED_TITLES_BYTES_MAX,
        EXPLANATIONS_MAX, TITLE_POSITIONS_MAX, TITLE_SUPPORTS_BYTES_MAX,
    },
    protocol::{event, pb, time::pb_date},
    register::{
        BatchCounts, BatchState, BatchView, Change, DatedId, DatedName, DesigneeView, Effect,
        EndCause, Explanation, Membership, Status, Step, SublistView, SupportView, TitleView,
    },
    service::room::{Room, first},
};

/// The last day that a date covers.
pub(crate) fn civil_date(date: pb::Date) -> Result<CivilDate, Breach> {
    let pb::Date { year, month, day } = date;
    PartialDate::parse_parts(year, month, day).map(PartialDate::last_day)
}

/// A fault as a rejection.
pub(crate) fn rejection(fault: Fault) -> pb::Rejection {
    pb::Rejection {
        conflicts_not_shown: u32::try_from(fault.not_shown).unwrap_or(u32::MAX),
        index: u32::try_from(fault.index).unwrap_or(u32::MAX),
        field: path(&fault),
        reason: reason(fault.reason()).to_owned(),
        message: fault.breach.message(),
        rule: fault.breach.rule_text(),
        value: fault.value,
        conflicts: fault.conflicts,
        rule_id: fault.breach.rule().as_str().to_owned(),
        metadata: fault.breach.metadata().map(owned).collect(),
    }
}

/// A fault as a warning.
pub(crate) fn warning(fault: Fault) -> pb::Warning {
    pb::Warning {
        conflicts_not_shown: u32::try_from(fault.not_shown).unwrap_or(u32::MAX),
        index: u32::try_from(fault.index).unwrap_or(u32::MAX),
        field: path(&fault),
        reason: reason(fault.reason()).to_owned(),
        message: fault.breach.message(),
        rule: fault.breach.rule_text(),
        value: fault.value,
        conflicts: fault.conflicts,
        rule_id: fault.breach.rule().as_str().to_owned(),
        metadata: fault.breach.metadata().map(owned).collect(),
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The path of a fault's field in the request.
pub(crate) fn path(fault: &Fault) -> String {
    let Fault { index, field, .. } = fault;
    if field.is_empty() { format!("events[{index}]") } else { format!("events[{index}].{field}") }
}

/// The name of a reason in the protocol, without its prefix.
pub(crate) fn reason(reason: Reason) -> &'static str {
    let name = protocol_reason(reason).as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

fn protocol_reason(reason: Reason) -> pb::ErrorReason {
    use pb::ErrorReason as E;
    match reason {
        Reason::FieldRequired => E::FieldRequired,
        Reason::FieldNotAllowed => E::FieldNotAllowed,
        Reason::FieldInvalid => E::FieldInvalid,
        Reason::EnumUnknown => E::EnumUnknown,
        Reason::KindUnknown => E::KindUnknown,
        Reason::UsccForm => E::UsccForm,
        Reason::UsccCheckCharacter => E::UsccCheckCharacter,
        Reason::AuthorityUnknown => E::AuthorityUnknown,
        Reason::ProgrammeUnknown => E::ProgrammeUnknown,
        Reason::RegionUnknown => E::RegionUnknown,
        Reason::IndustryUnknown => E::IndustryUnknown,
        Reason::DateInvalid => E::DateInvalid,
        Reason::DateOrder => E::DateOrder,
        Reason::DocumentNumberInvalid => E::DocumentNumberInvalid,
        Reason::RulesUnknown => E::RulesUnknown,
        Reason::RuleVersionUnknown => E::RuleVersionUnknown,
        Reason::EventTooLarge => E::EventTooLarge,
        Reason::IdentifierInvalid => E::IdentifierInvalid,
        Reason::IssuerNotEntitled => E::IssuerNotEntitled,
        Reason::TitleAlreadyHeld => E::TitleAlreadyHeld,
        Reason::TitleNotHeld => E::TitleNotHeld,
        Reason::BatchSealed => E::BatchSealed,
        Reason::BatchUnknown => E::BatchUnknown,
        Reason::Banned => E::Banned,
        Reason::BannedElsewhere => E::BannedElsewhere,
        Reason::RepairNotAllowed => E::RepairNotAllowed,
        Reason::DuplicateInList => E::DuplicateInList,
        Reason::CountMismatch => E::CountMismatch,
        Reason::RenameNotSimple => E::RenameNotSimple,
        Reason::BanTooShort => E::BanTooShort,
        Reason::OrganisationCodeCheck => E::OrganisationCodeCheck,
        Reason::NoticeShort => E::NoticeShort,
        Reason::NameDiffers => E::NameDiffers,
        Reason::Conflicts => E::Conflicts,
        Reason::TitleNotOnRecord => E::TitleNotOnRecord,
        Reason::HolderNotEligible => E::HolderNotEligible,
        Reason::PrerequisiteMissing => E::PrerequisiteMissing,
        Reason::ExcludedByTitle => E::ExcludedByTitle,
        Reason::MeasuresMissing => E::MeasuresMissing,
        Reason::NoticeMissing => E::NoticeMissing,
        Reason::InformationUpdateMissing => E::InformationUpdateMissing,
        Reason::SubjectEnded => E::SubjectEnded,
        Reason::IdentifierLinkInvalid => E::IdentifierLinkInvalid,
        Reason::ConversionNotForeseen => E::ConversionNotForeseen,
        Reason::CreationNotPassed => E::CreationNotPassed,
        Reason::AlreadyRecorded => E::AlreadyRecorded,
        Reason::ObjectionLate => E::ObjectionLate,
        Reason::NoticeNotOpen => E::NoticeNotOpen,
        Reason::RelocationInvalid => E::RelocationInvalid,
        Reason::ReferenceInvalid => E::ReferenceInvalid,
        Reason::DigestMismatch => E::DigestMismatch,
        Reason::PoolMembership => E::PoolMembership,
        Reason::ReportLate => E::ReportLate,
        Reason::IdentityCollision => E::IdentityCollision,
        Reason::CohortDiffers => E::CohortDiffers,
        Reason::FactsExceeded => E::FactsExceeded,
        Reason::PersonalData => E::PersonalData,
        Reason::UsccKnownException => E::UsccKnownException,
        Reason::DesigneeNameMissing => E::DesigneeNameMissing,
        Reason::RegionNotListed => E::RegionNotListed,
        Reason::UsccSuspect => E::UsccSuspect,
    }
}

/// A designee as a message. The caller adds its profile, which is in the log.
pub(crate) fn designee(
    view: DesigneeView,
    catalogues: &Catalogues,
    has_positions: bool,
) -> pb::Designee {
    let dated =
        |dated: DatedName| pb::DatedName { name: dated.name, from_date: Some(pb_date(dated.from)) };
    let name = view.names.last().map(|dated| dated.name.clone()).unwrap_or_default();
    let (names, omitted_name_count) =
        Room::of(DESIGNEE_LIST_BYTES_MAX).fill(usize::MAX, view.names.into_iter().map(dated));
    let identifier = |dated: DatedId| pb::DatedIdentifier {
        designee: dated.id.to_string(),
        from_date: dated.from.map(pb_date),
        position: dated.position,
    };
    let pool = |member: Membership| pb::PoolMembership {
        authority: code(Some(member.authority)),
        pool: member.pool,
        entered_on: Some(pb_date(member.entered_on)),
    };
    let (identifiers, omitted_identifier_count) =
        Room::of(DESIGNEE_LIST_BYTES_MAX).fill(usize::MAX, view.ids.into_iter().map(identifier));
    let (pools, omitted_pool_count) =
        Room::of(DESIGNEE_LIST_BYTES_MAX).fill(usize::MAX, view.pools.into_iter().map(pool));
    let titles = view.titles.into_iter().map(|view| title(view, catalogues));
    let (titles, omitted_title_count) =
        Room::of(DESIGNEE_TITLES_BYTES_MAX).fill(usize::MAX, titles);
    let positions = if has_positions { view.positions } else { Vec::new() };
    let (positions, omitted_position_count) = first(positions, DESIGNEE_POSITIONS_MAX);
    pb::Designee {
        designee: view.id.to_string(),
        version: view.version,
        name,
        names,
        profile: None,
        titles,
        positions,
        identifiers,
        region: view.region.map(|region| region.to_string()).unwrap_or_default(),
        industry: view.industry.map_or("", IndustryCode::as_str).to_owned(),
        responsible_authority: code(view.responsible),
        ended_on: view.ended_on.map(pb_date),
        pools,
        omitted_title_count,
        omitted_name_count,
        omitted_identifier_count,
        omitted_pool_count,
        omitted_position_count,
        region_inferred: view.region_inferred,
    }
}

/// A title as a message.
pub(crate) fn title(title: TitleView, catalogues: &Catalogues) -> pb::Title {
    let support = |support: SupportView| pb::Support {
        scheme: support.scheme,
        round: support.round,
        position: support.position,
    };
    let id = |programme| catalogues.id_of(programme).to_owned();
    let (positions, omitted_position_count) = first(title.positions, TITLE_POSITIONS_MAX);
    let (superseded_positions, omitted_superseded_position_count) =
        first(title.superseded, TITLE_POSITIONS_MAX);
    let (supports, omitted_support_count) = Room::of(TITLE_SUPPORTS_BYTES_MAX)
        .fill(usize::MAX, title.supports.into_iter().map(support));
    pb::Title {
        programme: id(title.programme),
        authority: code(Some(title.authority)),
        item: title.item,
        status: status_of(title.status).into(),
        valid_from: title.valid_from.map(pb_date),
        valid_to: title.valid_to.map(pb_date),
        valid_to_inferred: title.inferred,
        batch: title.batch,
        round: title.round,
        recommended_by: code(title.recommended_by),
        ban_until: title.ban_until.map(pb_date),
        positions,
        superseded_positions,
        flags: title.flags.numbers().map(i32::from).collect(),
        supports,
        responsible_authority: code(title.responsible),
        rule_version: title.rule_version,
        sublist: code(title.sublist),
        ended_on: title.ended_on.map(pb_date),
        successor: title.successor.map(|id| id.to_string()).unwrap_or_default(),
        converted_to: title.converted_to.map(id).unwrap_or_default(),
        rectify_by: title.rectify_by.map(pb_date),
        omitted_position_count,
        omitted_superseded_position_count,
        omitted_support_count,
        region_inferred: title.region_inferred,
        end_cause: title.end_cause.map_or(0, EndCause::number),
        ground: title.ground.map_or(pb::RevocationGround::Unspecified, event::pb_ground).into(),
        ban_until_inferred: title.ban_inferred,
        ended_position: title.ended_at,
    }
}

/// The six digits of an authority; an empty text for `None`.
pub(crate) fn code(authority: Option<AuthorityCode>) -> String {
    authority.map_or("", AuthorityCode::as_str).to_owned()
}

/// The change that an event would cause.
pub(crate) fn change(index: usize, change: Change, catalogues: &Catalogues) -> pb::TitleChange {
    let status = |status: Option<Status>| status.map_or(pb::TitleStatus::Unspecified, status_of);
    pb::TitleChange {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        designee: change.designee.to_string(),
        programme: catalogues.id_of(change.programme).to_owned(),
        authority: code(Some(change.authority)),
        item: change.item,
        before: status(change.before).into(),
        after: status(change.after).into(),
        valid_to: change.valid_to.map(pb_date),
    }
}

/// All statuses, with their numbers in the protocol.
const STATUSES: [(Status, pb::TitleStatus); 10] = [
    (Status::Pending, pb::TitleStatus::Pending),
    (Status::Noticed, pb::TitleStatus::Noticed),
    (Status::NotDesignated, pb::TitleStatus::NotDesignated),
    (Status::Active, pb::TitleStatus::Active),
    (Status::Expired, pb::TitleStatus::Expired),
    (Status::Revoked, pb::TitleStatus::Revoked),
    (Status::Surrendered, pb::TitleStatus::Surrendered),
    (Status::Ended, pb::TitleStatus::Ended),
    (Status::Converted, pb::TitleStatus::Converted),
    (Status::NotOnRecord, pb::TitleStatus::NotOnRecord),
];

pub(crate) fn status_of(status: Status) -> pb::TitleStatus {
    let found = STATUSES.iter().find(|(known, _)| *known == status);
    found.map_or(pb::TitleStatus::Unspecified, |(_, number)| *number)
}

/// The status with a number of the protocol.
pub(crate) fn status_from(number: i32) -> Option<Status> {
    STATUSES.iter().find(|(_, known)| i32::from(*known) == number).map(|(status, _)| *status)
}

/// A batch as a message.
pub(crate) fn batch(view: &BatchView, catalogues: &Catalogues) -> pb::Batch {
    let (positions, omitted_position_count) = first(view.positions.clone(), TITLE_POSITIONS_MAX);
    pb::Batch {
        programme: catalogues.id_of(view.programme).to_owned(),
        authority: code(Some(view.authority)),
        batch: view.batch.clone(),
        state: batch_state(view.state).into(),
        counts: Some(batch_counts(view.counts)),
        declared: declared(view.declared),
        opened_on: view.opened_on.map(pb_date),
        sealed_on: view.sealed_on.map(pb_date),
        document_number: view.document.clone(),
        digest: view.digest.map(|digest| digest.to_vec().into()).unwrap_or_default(),
        positions,
        omitted_position_count,
    }
}

/// A sub-list as a message.
pub(crate) fn sublist(view: &SublistView) -> pb::Sublist {
    pb::Sublist {
        sublist: code(Some(view.sublist)),
        state: batch_state(view.state).into(),
        counts: Some(batch_counts(view.counts)),
        declared: declared(view.declared),
        sealed_on: view.sealed_on.map(pb_date),
        digest: view.digest.map(|digest| digest.to_vec().into()).unwrap_or_default(),
    }
}

/// The state of a batch as a message.
pub(crate) fn batch_state(state: BatchState) -> pb::BatchState {
    match state {
        BatchState::Missing => pb::BatchState::Missing,
        BatchState::Open => pb::BatchState::Open,
        BatchState::Sealed => pb::BatchState::Sealed,
        BatchState::SealedEmpty => pb::BatchState::SealedEmpty,
    }
}

fn batch_counts(counts: BatchCounts) -> pb::BatchCounts {
    pb::BatchCounts {
        noticed: counts.noticed,
        designated: counts.designated,
        supplements: counts.supplements,
        reviewed: counts.reviewed,
        not_designated: counts.not_designated,
        reviewed_supplements: counts.reviewed_supplements,
        recommended: counts.recommended,
        reviews_noticed: counts.reviews_noticed,
    }
}

fn declared(declared: Declared) -> Option<pb::DeclaredCounts> {
    let Declared { designated, reviewed } = declared;
    (declared != Declared::default()).then_some(pb::DeclaredCounts { designated, reviewed })
}

/// Explanations as messages: as many as there is room for, with as many steps as fit an equal share
/// of the rest.
pub(crate) fn explanations(
    explanations: Vec<Explanation>,
    catalogues: &Catalogues,
) -> Vec<pb::TitleExplanation> {
    let (mut shown, mut room) = (Vec::new(), Room::of(EXPLAINED_TITLES_BYTES_MAX));
    for Explanation { title: view, steps, conclusion } in
        explanations.into_iter().take(EXPLANATIONS_MAX)
    {
        let title = Some(title(view, catalogues));
        let head = pb::TitleExplanation { title, conclusion, ..Default::default() };
        if !room.takes(&head) {
            break;
        }
        shown.push((head, steps));
    }
    let share = EXPLAINED_STEPS_BYTES_MAX / shown.len().max(1);
    let whole = |(head, steps): (pb::TitleExplanation, Vec<Step>)| {
        let steps = steps.into_iter().map(explained_step);
        let (steps, omitted_step_count) = Room::of(share).fill(EXPLAINED_STEPS_MAX, steps);
        pb::TitleExplanation { steps, omitted_step_count, ..head }
    };
    shown.into_iter().map(whole).collect()
}

fn explained_step(step: Step) -> pb::ExplainedStep {
    pb::ExplainedStep {
        position: step.position,
        corrected_position: step.corrected_position,
        kind: step.kind.into(),
        effective_date: Some(pb_date(step.effective)),
        authority: code(step.authority),
        effect: match step.effect {
            Effect::Applied => pb::StepEffect::Applied,
            Effect::Superseded => pb::StepEffect::Superseded,
            Effect::Later => pb::StepEffect::Later,
        }
        .into(),
        obstacle: step.obstacle.map_or(0, |why| i32::from(why as u8)),
        message: step.message,
        document_number: step.document,
        rule_version: step.rule_version,
        rule: step.rule,
        precedence: step.precedence.into(),
    }
}

/// A programme as a message.
pub(crate) fn programme(programme: &Programme) -> pb::Programme {
    let names = programme.names.iter().map(|name| pb::ProgrammeName {
        name: name.name.clone(),
        name_en: name.name_en.clone(),
        from_date: Some(pb_date(name.from)),
    });
    pb::Programme {
        id: programme.id.clone(),
        names: names.collect(),
        rule_versions: programme.rules.iter().map(rule_version).collect(),
    }
}

fn rule_version(rule: &RuleVersion) -> pb::RuleVersion {
    let holder = |kind: &HolderKind| event::designee_kind(*kind).into();
    pb::RuleVersion {
        version: rule.version.clone(),
        from_date: Some(pb_date(rule.from)),
        document: rule.document.clone(),
        decided_by: rule.decided_by.as_str().to_owned(),
        validity_years: rule.validity_years,
        recommended_by: rule.recommended_by.as_str().to_owned(),
        holders: rule.holders.iter().map(holder).collect(),
        prerequisites: rule.prerequisite_names().cloned().collect(),
        excludes: rule.excludes.names().to_vec(),
        succeeds: rule.succeeds.names().to_vec(),
        unrenewed: rule.unrenewed.as_str().to_owned(),
        renewal: rule.renewal.as_str().to_owned(),
        ban_years: rule.ban_years,
        creation_task: rule.creation_task,
        ban_covers: rule.ban_covers.names().to_vec(),
    }
}
