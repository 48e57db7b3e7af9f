//! Facts about designees themselves: one function a fact.

use super::{Names, id, place::end_of_move, profile, year};
use crate::{
    import::{
        choices::{self, choose},
        fields::Field,
        row::RowReader,
        values,
    },
    protocol::pb::{self, event::Fact},
};

pub(super) fn renamed(reader: &mut RowReader<'_>, names: Names) -> Fact {
    if names.new.is_empty() {
        reader.missing(Field::NewName);
    }
    if names.known.is_empty() {
        reader.missing(Field::OldName);
    }
    let (old_name, new_name) = (names.known, names.new);
    Fact::Renamed(pb::Renamed { old_name, new_name, simple: true })
}

pub(super) fn relocated(reader: &mut RowReader<'_>) -> Fact {
    let stage = |text: &str| choose(choices::STAGES, text).map(i32::from);
    if reader.text(Field::FromAuthority).is_empty() {
        reader.missing(Field::FromAuthority);
    }
    if reader.text(Field::ToAuthority).is_empty() {
        reader.missing(Field::ToAuthority);
    }
    if reader.text(Field::ToRegion).is_empty() {
        reader.missing(Field::ToRegion);
    }
    Fact::Relocated(pb::Relocated {
        from_region: end_of_move(reader, Field::FromRegion),
        to_region: end_of_move(reader, Field::ToRegion),
        from_authority: reader.authority(Field::FromAuthority).unwrap_or_default(),
        to_authority: reader.authority(Field::ToAuthority).unwrap_or_default(),
        stage: reader.required(Field::Stage, stage),
    })
}

pub(super) fn restructured(reader: &mut RowReader<'_>) -> Fact {
    let kind = |text: &str| choose(choices::RESTRUCTURINGS, text).map(i32::from);
    let successors = reader.text(Field::Successor);
    let successors = successors.split(['、', ';', '；', ',', '，']).map(str::trim);
    Fact::Restructured(pb::Restructured {
        kind: reader.required(Field::Restructuring, kind),
        successors: successors.filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        new_name: reader.text(Field::NewName),
        ends: reader.parse(Field::Ends, values::yes_or_no).unwrap_or_default(),
    })
}

pub(super) fn identifier_changed(reader: &mut RowReader<'_>) -> Fact {
    let reason = |text: &str| choose(choices::IDENTIFIER_REASONS, text).map(i32::from);
    Fact::IdentifierChanged(pb::IdentifierChanged {
        new_designee: reader.other_code(Field::NewDesignee),
        reason: reader.required(Field::Reason, reason),
    })
}

pub(super) fn ended(reader: &mut RowReader<'_>) -> Fact {
    let cause = |text: &str| choose(choices::END_CAUSES, text).map(i32::from);
    Fact::SubjectEnded(pb::SubjectEnded { cause: reader.required(Field::Reason, cause) })
}

pub(super) fn information_updated(reader: &mut RowReader<'_>) -> Fact {
    let programme = reader.parse(Field::Programme, values::programme).unwrap_or_default();
    let year = reader.required(Field::Year, year);
    Fact::InformationUpdated(pb::InformationUpdated { programme, year })
}

pub(super) fn major_change_reported(reader: &mut RowReader<'_>) -> Fact {
    let change = |text: &str| choose(choices::CHANGES, text).map(i32::from);
    let change = reader.required(Field::Change, change);
    if reader.text(Field::OccurredOn).is_empty() {
        reader.missing(Field::OccurredOn);
    }
    Fact::MajorChangeReported(pb::MajorChangeReported {
        change,
        occurred_on: reader.date(Field::OccurredOn),
        reported_on: reader.date(Field::ReportedOn),
    })
}

pub(super) fn pool_entered(reader: &mut RowReader<'_>, names: Names) -> Fact {
    let pool = reader.required(Field::Pool, id);
    let profile = Some(profile(reader, names.known));
    Fact::PoolEntered(pb::PoolEntered { pool, profile })
}

pub(super) fn pool_left(reader: &mut RowReader<'_>) -> Fact {
    let pool = reader.required(Field::Pool, id);
    Fact::PoolLeft(pb::PoolLeft { pool, reason: reader.text(Field::Reason) })
}
