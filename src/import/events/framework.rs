//! Facts that are about no designee: batches, instruments, assessments, declarations. One function
//! a fact.

use super::{count, id, place, year};
use crate::{
    import::{
        choices::{self, choose},
        error::echo_on_one_line,
        fields::Field,
        row::RowReader,
        values,
    },
    lang::{Both, both},
    protocol::pb::{self, event::Fact},
};

pub(super) fn batch_opened(reader: &mut RowReader<'_>) -> Fact {
    let (programme, batch, sublist, declared) = batch(reader);
    Fact::BatchOpened(pb::BatchOpened { programme, batch, sublist, declared })
}

pub(super) fn batch_sealed(reader: &mut RowReader<'_>) -> Fact {
    let (programme, batch, sublist, declared) = batch(reader);
    Fact::BatchSealed(pb::BatchSealed { programme, batch, sublist, declared, ..Default::default() })
}

fn batch(reader: &mut RowReader<'_>) -> (String, String, String, Option<pb::DeclaredCounts>) {
    let programme = reader.required(Field::Programme, values::programme);
    let batch = reader.required(Field::Batch, values::batch);
    let sublist = reader.authority(Field::Sublist).unwrap_or_default();
    let declared = pb::DeclaredCounts {
        designated: reader.parse(Field::DesignatedCount, count),
        reviewed: reader.parse(Field::ReviewedCount, count),
    };
    let declared = (declared != pb::DeclaredCounts::default()).then_some(declared);
    (programme, batch, sublist, declared)
}

pub(super) fn measures_issued(reader: &mut RowReader<'_>) -> Fact {
    let instrument = |text: &str| choose(choices::INSTRUMENTS, text).map(i32::from);
    let bodies = reader.text(Field::IssuingBodies);
    let bodies = bodies.split(['、', ';', '；', ',', '，', ' ']).map(str::trim);
    Fact::MeasuresIssued(pb::MeasuresIssued {
        programme: reader.parse(Field::Programme, values::programme).unwrap_or_default(),
        instrument: reader.required(Field::Instrument, instrument),
        issuer_name: reader.text(Field::IssuerName),
        title: reader.required(Field::Title, id),
        in_force_from: reader.date(Field::InForceFrom),
        in_force_to: reader.date(Field::InForceTo),
        issuing_bodies: bodies.filter(|code| !code.is_empty()).map(str::to_owned).collect(),
        amends: reader.text(Field::Amends),
    })
}

pub(super) fn measures_repealed(reader: &mut RowReader<'_>) -> Fact {
    let document_number = reader.required(Field::Repealed, id);
    Fact::MeasuresRepealed(pb::MeasuresRepealed { position: None, document_number })
}

pub(super) fn environment_assessed(reader: &mut RowReader<'_>) -> Fact {
    let region = place::region(reader);
    let has_place = [Field::Region, Field::City, Field::County].map(|field| reader.text(field));
    if has_place.iter().all(String::is_empty) {
        reader.missing(Field::Region);
    }
    Fact::EnvironmentAssessed(pb::EnvironmentAssessed {
        region,
        year: reader.required(Field::Year, year),
        assessor: reader.required(Field::Assessor, id),
        indicators: reader.parse(Field::Indicators, indicators).unwrap_or_default(),
    })
}

/// `综合得分=87.04分；市场环境=80.1`: name, value and unit of each.
fn indicators(text: &str) -> Result<Vec<pb::Indicator>, Both> {
    let parts = text.split([';', '；', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(indicator).collect()
}

fn indicator(text: &str) -> Result<pb::Indicator, Both> {
    let refuse = || {
        let found = echo_on_one_line(text);
        both!(
            en: "{found} is not an indicator with its value; write 综合得分=87.04分；…",
            zh: "“{found}”不是带数值的指标；请写成 综合得分=87.04分；…"
        )
    };
    let (name, measured) = text.split_once(['=', '＝', ':', '：']).ok_or_else(refuse)?;
    let measured = measured.trim();
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    let end = measured.find(|c| !is_digit(c)).unwrap_or(measured.len());
    let (value, unit) = measured.split_at(end);
    if name.trim().is_empty() || value.is_empty() {
        return Err(refuse());
    }
    let (name, value, unit) = (name.trim(), value, unit.trim());
    Ok(pb::Indicator { name: name.to_owned(), value: value.to_owned(), unit: unit.to_owned() })
}

pub(super) fn completeness_declared(reader: &mut RowReader<'_>) -> Fact {
    let part = |text: &str| choose(choices::PARTS, text).map(i32::from);
    Fact::CompletenessDeclared(pb::CompletenessDeclared {
        programme: reader.parse(Field::Programme, values::programme).unwrap_or_default(),
        part: reader.required(Field::Part, part),
    })
}
