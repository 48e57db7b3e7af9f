//! Laws, regulations, guidelines and measures, and an assessment.

use super::{Chapter, day};
use crate::{
    domain::{self, AuthorityCode},
    protocol::pb::{self, event::Fact},
};

const INSTRUMENTS: &str = include_str!("../../../data/history-instruments.csv");

/// Laws, regulations, guidelines and measures of the centre.
pub(super) fn all() -> (Chapter, Vec<pb::Event>) {
    let events: Vec<_> =
        domain::table::<9>(INSTRUMENTS).into_iter().filter_map(instrument).collect();
    let first = events.first().and_then(|event| event.effective_date).unwrap_or_default();
    (Chapter::apart("instruments", events.len(), first, ["published", "已公布"]), events)
}

/// The first yearly assessment of 36 cities by a third party (2020年度中小企业发展环境评估报告),
/// published on 30 March 2021: the rank of the first one.
pub(super) fn assessment() -> (Chapter, Vec<pb::Event>) {
    let indicator = |name: &str, value: &str, unit: &str| pb::Indicator {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
    };
    let fact = pb::EnvironmentAssessed {
        region: "310000".to_owned(),
        year: 2020,
        assessor: "中国中小企业发展促进中心".to_owned(),
        indicators: vec![indicator("综合排名", "1", "位"), indicator("参评城市", "36", "个")],
    };
    let on = pb::Date { year: 2021, month: 3, day: 30 };
    let event = of_ministry("", Some(on), Fact::EnvironmentAssessed(fact));
    (Chapter::apart("assessment", 1, on, ["published", "已公布"]), vec![event])
}

/// A row of `history-instruments.csv`.
fn instrument(row: [&str; 9]) -> Option<pb::Event> {
    let [kind, title, document, issued, from, to, issuer, bodies, amends] = row;
    let instrument = match kind {
        "law" => pb::Instrument::Law,
        "regulation" => pb::Instrument::Regulation,
        "guideline" => pb::Instrument::Guideline,
        "measures" => pb::Instrument::Measures,
        _ => return None,
    };
    let fact = pb::MeasuresIssued {
        instrument: instrument.into(),
        issuer_name: issuer.to_owned(),
        title: title.to_owned(),
        in_force_from: day(from),
        in_force_to: day(to),
        issuing_bodies: bodies.split_whitespace().map(str::to_owned).collect(),
        amends: amends.to_owned(),
        ..Default::default()
    };
    Some(of_ministry(document, day(issued), Fact::MeasuresIssued(fact)))
}

fn of_ministry(document: &str, on: Option<pb::Date>, fact: Fact) -> pb::Event {
    let evidence = pb::Evidence { document_number: document.to_owned(), ..Default::default() };
    pb::Event {
        authority: AuthorityCode::ministry().as_str().to_owned(),
        effective_date: on,
        evidence: (!document.is_empty()).then_some(evidence),
        fact: Some(fact),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_is_read() {
        assert_eq!(all().1.len(), INSTRUMENTS.lines().count() - 1);
    }
}
