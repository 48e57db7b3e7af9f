//! Facts about titles: one function a fact.

use super::{Parts, id, profile};
use crate::{
    import::{
        choices::{self, choose},
        fields::Field,
        row::RowReader,
        values,
    },
    lang::Both,
    protocol::pb::{self, event::Fact},
};

/// The programme and the item of a row's title.
fn title(reader: &mut RowReader<'_>) -> (String, String) {
    (reader.required(Field::Programme, values::programme), reader.text(Field::Item))
}

/// As [`title`], with the batch.
fn entry(reader: &mut RowReader<'_>) -> (String, String, String) {
    let (programme, item) = title(reader);
    (programme, item, reader.required(Field::Batch, values::batch))
}

/// As [`title`], with the cohort and the round of a review. The server takes the cohort from the
/// title if the list does not state it.
fn review(reader: &mut RowReader<'_>) -> (String, String, String, String) {
    let (programme, item) = title(reader);
    let batch = reader.parse(Field::Batch, values::batch).unwrap_or_default();
    (programme, item, batch, reader.required(Field::Round, id))
}

fn scope(reader: &mut RowReader<'_>) -> pb::NoticeScope {
    let scope = reader.parse(Field::Scope, |text| choose(choices::SCOPES, text));
    scope.unwrap_or(pb::NoticeScope::Unspecified)
}

/// Whether the row is published after its batch or round was sealed.
fn is_supplement(reader: &mut RowReader<'_>) -> bool {
    reader.parse(Field::Supplement, values::yes_or_no).unwrap_or_default()
}

pub(super) fn designated(reader: &mut RowReader<'_>, parts: Parts) -> Fact {
    let (programme, item, batch) = entry(reader);
    Fact::Designated(pb::Designated {
        programme,
        item,
        batch,
        sublist: reader.authority(Field::Sublist).unwrap_or_default(),
        valid_to: parts.dates.valid_to,
        recommended_by: parts.recommended_by,
        recommended_on: reader.date(Field::RecommendedOn),
        profile: Some(profile(reader, parts.names.known)),
        supplement: is_supplement(reader),
        ..Default::default()
    })
}

pub(super) fn notice(reader: &mut RowReader<'_>, parts: Parts) -> Fact {
    let (programme, item, batch) = entry(reader);
    let purpose = reader.parse(Field::Purpose, |text| choose(choices::PURPOSES, text));
    let scope = match scope(reader) {
        pb::NoticeScope::Unspecified => pb::NoticeScope::Decision,
        scope => scope,
    };
    Fact::NoticeOpened(pb::NoticeOpened {
        programme,
        item,
        batch,
        sublist: reader.authority(Field::Sublist).unwrap_or_default(),
        purpose: purpose.unwrap_or(pb::NoticePurpose::New).into(),
        scope: scope.into(),
        notice_from: parts.dates.notice_from,
        notice_to: parts.dates.notice_to,
        recommended_by: parts.recommended_by,
        profile: Some(profile(reader, parts.names.known)),
        supplement: is_supplement(reader),
    })
}

pub(super) fn objection_raised(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch) = entry(reader);
    let scope = scope(reader).into();
    Fact::ObjectionRaised(pb::ObjectionRaised { programme, item, batch, scope })
}

pub(super) fn objection_resolved(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch) = entry(reader);
    let outcome = |text: &str| choose(choices::OBJECTION_OUTCOMES, text).map(i32::from);
    Fact::ObjectionResolved(pb::ObjectionResolved {
        programme,
        item,
        batch,
        outcome: reader.required(Field::Outcome, outcome),
        scope: scope(reader).into(),
        ..Default::default()
    })
}

pub(super) fn notice_withdrawn(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch) = entry(reader);
    let reason = reader.text(Field::Reason);
    let scope = scope(reader).into();
    Fact::NoticeWithdrawn(pb::NoticeWithdrawn { programme, item, batch, reason, scope })
}

pub(super) fn review_opened(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch, round) = review(reader);
    Fact::ReviewOpened(pb::ReviewOpened { programme, item, batch, round })
}

pub(super) fn review_passed(reader: &mut RowReader<'_>, parts: &Parts) -> Fact {
    let (programme, item, batch, round) = review(reader);
    Fact::ReviewPassed(pb::ReviewPassed {
        programme,
        item,
        batch,
        round,
        valid_to: parts.dates.valid_to,
        supplement: is_supplement(reader),
        ..Default::default()
    })
}

pub(super) fn review_failed(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch, round) = review(reader);
    let cause = |text: &str| {
        let cause = values::reason(text)?.cause.map(i32::from);
        cause.ok_or(Both::word(
            "a review fails as 未达到标准 or 未提交复核; this is neither",
            "复核未通过的原因只有 未达到标准 和 未提交复核，这里两者都不是",
        ))
    };
    let cause = reader.required(Field::Reason, cause);
    let supplement = is_supplement(reader);
    Fact::ReviewFailed(pb::ReviewFailed { programme, item, batch, round, cause, supplement })
}

fn ground(reader: &mut RowReader<'_>) -> i32 {
    reader.required(Field::Reason, |text| Ok(values::reason(text)?.ground.into()))
}

pub(super) fn revocation_proposed(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    let ground = ground(reader);
    Fact::RevocationProposed(pb::RevocationProposed { programme, item, ground })
}

pub(super) fn revoked(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    let (ground, ban_until) = (ground(reader), reader.date(Field::BanUntil));
    Fact::Revoked(pb::Revoked { programme, item, ground, ban_until, ..Default::default() })
}

pub(super) fn surrendered(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    Fact::Surrendered(pb::Surrendered { programme, item })
}

pub(super) fn reinstated(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    Fact::Reinstated(pb::Reinstated { programme, item, position: None })
}

pub(super) fn transferred(reader: &mut RowReader<'_>, parts: &Parts) -> Fact {
    let (programme, item) = title(reader);
    Fact::TitleTransferred(pb::TitleTransferred {
        programme,
        item,
        successor: reader.other_code(Field::Successor),
        valid_to: parts.dates.valid_to,
    })
}

pub(super) fn converted(reader: &mut RowReader<'_>, parts: &Parts) -> Fact {
    let (from_programme, from_item) = title(reader);
    Fact::TitleConverted(pb::TitleConverted {
        from_programme,
        to_programme: reader.required(Field::ToProgramme, values::programme),
        from_item,
        to_item: reader.text(Field::ToItem),
        valid_to: parts.dates.valid_to,
    })
}

pub(super) fn creation_listed(reader: &mut RowReader<'_>, parts: Parts) -> Fact {
    let (programme, item, batch) = entry(reader);
    let profile = Some(profile(reader, parts.names.known));
    Fact::CreationListed(pb::CreationListed { programme, item, batch, profile })
}

pub(super) fn creation_assessed(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item, batch) = entry(reader);
    let outcome = |text: &str| choose(choices::TASK_OUTCOMES, text);
    let passed = reader.required(Field::Outcome, outcome);
    Fact::CreationAssessed(pb::CreationAssessed { programme, item, batch, passed })
}

pub(super) fn rectification_ordered(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    let due = reader.date(Field::Due);
    Fact::RectificationOrdered(pb::RectificationOrdered { programme, item, due })
}

pub(super) fn support_granted(reader: &mut RowReader<'_>) -> Fact {
    let (programme, item) = title(reader);
    let scheme = reader.required(Field::Scheme, id);
    let round = reader.text(Field::Round);
    Fact::SupportGranted(pb::SupportGranted { programme, item, scheme, round })
}
