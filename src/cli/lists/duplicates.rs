//! Facts that the lists of one run state twice. The server finds those of one commit. Those of
//! several commits it would find after the first of them is recorded, so they are found here.
//!
//! Two events are the same if the rules of the register reject the second whatever else is on
//! record: one fact about one designee, in one batch, in one round, or from one day.

use std::collections::HashMap;

use super::{
    groups::print_more,
    parts::{Part, Place},
    tell::Teller,
};
use crate::{
    cli::{
        CliError,
        print::{Heading, kind_alone, print_table, table},
    },
    domain::{DesigneeId, kind::Kind},
    lang::{Both, Lang, both, say, word},
    limits::SHOWN_FAULTS_MAX,
    protocol::{
        event::kind_of,
        pb::{self, event::Fact},
    },
};

/// A row that states again what an earlier row of the run states.
#[derive(Debug, PartialEq)]
pub(crate) struct Duplicate<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) earlier: Place<'a>,
    pub(crate) designee: &'a str,
    key: Key,
    /// The two rows are in different commits.
    is_across: bool,
}

impl Duplicate<'_> {
    /// The fact in words: `designated: little-giant, 2026-04-01`.
    pub(super) fn fact(&self) -> String {
        self.key.fact()
    }
}

/// The rows of a run that state again what an earlier row states.
pub(crate) fn duplicates<'a>(commits: &[Part<'a>]) -> Vec<Duplicate<'a>> {
    let mut first: HashMap<Key, (usize, Place<'a>)> = HashMap::new();
    let mut found = Vec::new();
    for (number, part) in commits.iter().enumerate() {
        for row in part.rows {
            let Some(key) = Key::of(&row.event) else { continue };
            let place = part.place(row);
            if let Some((commit, earlier)) = first.get(&key) {
                found.push(Duplicate {
                    place,
                    earlier: *earlier,
                    designee: &row.event.designee,
                    key,
                    is_across: *commit != number,
                });
            } else {
                first.insert(key, (number, place));
            }
        }
    }
    found
}

/// The earlier row of each row of one request that states the same, by its index.
pub(super) fn earlier_places<'a>(parts: &[Part<'a>]) -> HashMap<u32, Place<'a>> {
    let mut found = duplicates(parts).into_iter().peekable();
    let mut earlier = HashMap::new();
    let rows = parts.iter().flat_map(|part| part.rows.iter().map(|row| part.place(row)));
    for (index, place) in (0..).zip(rows) {
        if let Some(duplicate) = found.next_if(|duplicate| duplicate.place == place) {
            earlier.insert(index, duplicate.earlier);
        }
    }
    earlier
}

/// Those of which the earlier row is in another commit.
pub(crate) fn duplicates_across<'a>(commits: &[Part<'a>]) -> Vec<Duplicate<'a>> {
    duplicates(commits).into_iter().filter(|found| found.is_across).collect()
}

/// Prints rows that state a fact again.
pub(crate) fn print_duplicates(
    found: &[Duplicate<'_>],
    teller: &mut Teller,
) -> Result<(), CliError> {
    if !teller.is_for_people() {
        return teller.duplicates(found);
    }
    let mut table = table([
        Heading::new("row", "row", "行"),
        Heading::new("earlier", "states again what is in", "与之重复的行"),
        Heading::new("designee", "designee", "认定对象"),
        Heading::new("fact", "fact", "事项"),
    ]);
    for duplicate in found.iter().take(SHOWN_FAULTS_MAX) {
        let Duplicate { place, earlier, designee, .. } = duplicate;
        let (place, earlier) = (place.to_string(), earlier.to_string());
        table.add_row([&place, &earlier, *designee, &duplicate.fact()]);
    }
    print_table(&table)?;
    let shown = found.len().min(SHOWN_FAULTS_MAX);
    print_more(shown, u32::try_from(found.len()).unwrap_or(u32::MAX))
}

/// The parts of an event that make it the same as another.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    authority: String,
    designee: Designee,
    programme: String,
    item: String,
    /// A batch, a round, a pool, a year or a day.
    place: Both,
}

/// A designee; as it is written, if that is no identifier.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Designee {
    Known(DesigneeId),
    Written(String),
}

impl Key {
    /// `None` for an event of which the register takes several.
    fn of(event: &pb::Event) -> Option<Self> {
        let fact = event.fact.as_ref()?;
        let (programme, item, place) = title(event, fact)?;
        let designee = match DesigneeId::parse(&event.designee) {
            Ok(id) => Designee::Known(id),
            Err(_) => Designee::Written(event.designee.trim().to_owned()),
        };
        Some(Self {
            kind: kind_of(fact),
            authority: event.authority.trim().to_owned(),
            designee,
            programme: programme.trim().to_owned(),
            item: item.trim().to_owned(),
            place,
        })
    }

    fn fact(&self) -> String {
        let parts = [&self.programme, &self.item, self.place.said()];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts = parts.collect::<Vec<_>>().join(word!(en: ", ", zh: "，"));
        let kind = kind_alone(self.kind.number().into());
        say!(en: "{kind}: {parts}", zh: "{kind}：{parts}")
    }
}

/// The programme, the item, and the batch, round or day that tell a fact from others of its kind.
fn title<'a>(event: &pb::Event, fact: &'a Fact) -> Option<(&'a str, &'a str, Both)> {
    let day = || {
        let day = event.effective_date.unwrap_or_default();
        Both::same(&format!("{:04}-{:02}-{:02}", day.year, day.month, day.day))
    };
    let round = |round: &str| both!(en: "round {round}", zh: "{round} 轮复核");
    Some(match fact {
        Fact::NoticeOpened(f) => {
            let of = (f.purpose().as_str_name(), f.scope() == pb::NoticeScope::Recommendation);
            let step = if of.1 { [" of recommendation", "推荐"] } else { ["", ""] };
            let purpose =
                if of.0.ends_with("REVIEW") { ["review of ", "复核"] } else { ["", ""] };
            let batch = &f.batch;
            let place = || match (Lang::current(), purpose, step) {
                (Lang::En, [purpose, _], [step, _]) => format!("{purpose}batch {batch}{step}"),
                (Lang::Zh, [_, purpose], [_, step]) => format!("批次 {batch} {purpose}{step}公示"),
            };
            (&f.programme, &f.item, Both::made(place))
        }
        Fact::Designated(f) => (&f.programme, &f.item, day()),
        Fact::ReviewOpened(f) => (&f.programme, &f.item, round(&f.round)),
        Fact::ReviewPassed(f) => (&f.programme, &f.item, round(&f.round)),
        Fact::ReviewFailed(f) => (&f.programme, &f.item, round(&f.round)),
        Fact::SupportGranted(f) => {
            let (scheme, round) = (&f.scheme, &f.round);
            let place = both!(en: "{scheme}, round {round}", zh: "{scheme}，{round} 轮");
            (&f.programme, &f.item, place)
        }
        Fact::RevocationProposed(f) => (&f.programme, &f.item, day()),
        Fact::RectificationOrdered(f) => (&f.programme, &f.item, day()),
        Fact::CreationAssessed(f) => (&f.programme, &f.item, day()),
        Fact::InformationUpdated(f) => (&f.programme, "", Both::same(&f.year.to_string())),
        Fact::PoolEntered(f) => (&f.pool, "", day()),
        Fact::PoolLeft(f) => (&f.pool, "", day()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::ImportedRow;

    const CODE: &str = "91110000MA00000152";

    fn row(row: u32, designee: &str, fact: Fact) -> ImportedRow {
        let event = pb::Event {
            authority: "440000".to_owned(),
            designee: designee.to_owned(),
            effective_date: Some(pb::Date { year: 2026, month: 4, day: 1 }),
            fact: Some(fact),
            ..Default::default()
        };
        ImportedRow { sheet: "名单".to_owned(), row, event }
    }

    fn designated(item: &str) -> Fact {
        let (programme, item) = ("little-giant".to_owned(), item.to_owned());
        Fact::Designated(pb::Designated { programme, item, ..Default::default() })
    }

    fn passed(round: &str) -> Fact {
        let (programme, round) = ("little-giant".to_owned(), round.to_owned());
        Fact::ReviewPassed(pb::ReviewPassed { programme, round, ..Default::default() })
    }

    #[test]
    fn a_fact_that_two_files_state_is_found_with_both_places() {
        let name = "provisional:440000/甲（中国）";
        let first = [row(2, CODE, designated("")), row(3, name, passed("2025"))];
        let second = [
            row(5, CODE, designated("轴承")),
            row(6, CODE, passed("2025")),
            row(7, "9111 0000 ma00000152", designated("")),
            row(8, "provisional:440000/甲(中国)", passed("2025")),
            row(9, name, passed("2026")),
        ];
        let part = |file, rows| Part { file, report: None, rows };
        let found = duplicates(&[part("a.xlsx", &first), part("b.xlsx", &second)]);
        let places: Vec<_> =
            found.iter().map(|d| (d.place.to_string(), d.earlier.to_string())).collect();
        let of = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            places,
            [
                of("b.xlsx, 名单, row 7", "a.xlsx, 名单, row 2"),
                of("b.xlsx, 名单, row 8", "a.xlsx, 名单, row 3")
            ]
        );
        assert_eq!(found[0].fact(), "designated: little-giant, 2026-04-01");
        assert_eq!(found[1].fact(), "review-passed: little-giant, round 2025");
    }

    #[test]
    fn a_third_row_is_a_duplicate_of_the_first() {
        let rows = [2, 3, 4].map(|number| row(number, CODE, designated("")));
        let found = duplicates(&[Part { file: "a", report: None, rows: &rows }]);
        assert_eq!(
            found.iter().map(|d| (d.place.row, d.earlier.row)).collect::<Vec<_>>(),
            [(3, 2), (4, 2)]
        );
    }
}
