//! From the floors below to the protocol's messages.

use crate::{
    domain::{
        CivilDate, PartialDate,
        catalogue::Programme,
        fault::{Fault, ParseError, Reason},
    },
    ledger::Ledger,
    pb,
    register::{DesigneeView, Status, TitleView},
};

/// A civil date as a message.
pub(crate) fn pb_date(date: CivilDate) -> pb::Date {
    let day = |part: i8| i32::from(part);
    pb::Date { year: i32::from(date.year()), month: day(date.month()), day: day(date.day()) }
}

/// The last day of an optional date.
pub(crate) fn civil_date(date: Option<&pb::Date>) -> Option<Result<CivilDate, ParseError>> {
    let pb::Date { year, month, day } = date?;
    Some(PartialDate::parse_parts(*year, *month, *day).map(PartialDate::last_day))
}

/// Microseconds since 1970 as a message.
pub(crate) fn recorded_time(micros: i64) -> prost_types::Timestamp {
    crate::ledger::timestamp(micros)
}

/// A fault as a rejection.
pub(crate) fn rejection(fault: Fault) -> pb::Rejection {
    pb::Rejection {
        index: u32::try_from(fault.index).unwrap_or(u32::MAX),
        field: path(&fault),
        value: fault.value,
        reason: reason(fault.reason).to_owned(),
        message: fault.message,
        rule: fault.rule.to_owned(),
        conflicts: fault.conflicts,
    }
}

/// A fault as a warning.
pub(crate) fn warning(fault: Fault) -> pb::Warning {
    pb::Warning {
        index: u32::try_from(fault.index).unwrap_or(u32::MAX),
        field: path(&fault),
        value: fault.value,
        reason: reason(fault.reason).to_owned(),
        message: fault.message,
        conflicts: fault.conflicts,
    }
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
        Reason::UsccForm => E::UsccForm,
        Reason::UsccCheckCharacter => E::UsccCheckCharacter,
        Reason::AuthorityUnknown => E::AuthorityUnknown,
        Reason::ProgrammeUnknown => E::ProgrammeUnknown,
        Reason::RegionUnknown => E::RegionUnknown,
        Reason::IndustryUnknown => E::IndustryUnknown,
        Reason::DateInvalid => E::DateInvalid,
        Reason::DateOrder => E::DateOrder,
        Reason::DocumentNumberInvalid => E::DocumentNumberInvalid,
        Reason::RuleVersionUnknown => E::RuleVersionUnknown,
        Reason::EventTooLarge => E::EventTooLarge,
        Reason::FactNotAccepted => E::FactNotAccepted,
        Reason::IdentifierInvalid => E::IdentifierInvalid,
        Reason::IssuerNotEntitled => E::IssuerNotEntitled,
        Reason::TitleAlreadyHeld => E::TitleAlreadyHeld,
        Reason::TitleNotHeld => E::TitleNotHeld,
        Reason::BatchSealed => E::BatchSealed,
        Reason::BatchUnknown => E::BatchUnknown,
        Reason::Banned => E::Banned,
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
    }
}

/// A designee as a message; its profile is read from the log by the caller.
pub(crate) fn designee(view: DesigneeView, ledger: &Ledger, positions_max: usize) -> pb::Designee {
    let names: Vec<_> = view
        .names
        .into_iter()
        .map(|dated| pb::DatedName { name: dated.name, from: Some(pb_date(dated.from)) })
        .collect();
    pb::Designee {
        designee: view.id.to_string(),
        version: view.version,
        name: names.last().map(|dated| dated.name.clone()).unwrap_or_default(),
        names,
        profile: None,
        titles: view.titles.into_iter().map(|title| title_message(title, ledger)).collect(),
        positions: view.positions.into_iter().take(positions_max).collect(),
    }
}

fn title_message(title: TitleView, ledger: &Ledger) -> pb::Title {
    pb::Title {
        programme: ledger.catalogue().programme(title.programme).id.clone(),
        authority: title.authority.as_str().to_owned(),
        item: title.item,
        status: status_of(title.status).into(),
        valid_from: title.valid_from.map(pb_date),
        valid_to: title.valid_to.map(pb_date),
        valid_to_inferred: title.inferred,
        batch: title.batch,
        round: title.round,
        recommended_by: title.recommended_by.map_or("", |a| a.as_str()).to_owned(),
        ban_until: title.ban_until.map(pb_date),
        positions: title.positions,
        superseded_positions: title.superseded,
    }
}

fn status_of(status: Status) -> pb::TitleStatus {
    match status {
        Status::Pending => pb::TitleStatus::Pending,
        Status::Noticed => pb::TitleStatus::Noticed,
        Status::NotDesignated => pb::TitleStatus::NotDesignated,
        Status::Active => pb::TitleStatus::Active,
        Status::Expired => pb::TitleStatus::Expired,
        Status::Revoked => pb::TitleStatus::Revoked,
    }
}

/// A programme as a message.
pub(crate) fn programme(programme: &Programme) -> pb::Programme {
    let names = programme.names.iter().map(|name| pb::ProgrammeName {
        name: name.name.clone(),
        name_en: name.name_en.clone(),
        from: Some(pb_date(name.from)),
    });
    let rule_versions = programme.rules.iter().map(|rule| pb::RuleVersion {
        version: rule.version.clone(),
        from: Some(pb_date(rule.from)),
        document: rule.document.clone(),
        decided_by: rule.decided_by.as_str().to_owned(),
        validity_years: rule.validity_years,
    });
    pb::Programme {
        id: programme.id.clone(),
        names: names.collect(),
        rule_versions: rule_versions.collect(),
    }
}
