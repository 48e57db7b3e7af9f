//! What the rules must say of a commit that they accept: what it changes for nothing, and what it
//! takes its effect from.

use std::collections::BTreeSet;

use jiff::civil::date;
use tidu::domain::fault::{Fault, RuleId};

use super::{
    Book,
    facts::{Model, Placed},
};
use crate::support::stories::Fact;

/// Warnings that speak of something else.
const OTHERS: [RuleId; 7] = [
    RuleId::CohortDiffers,
    RuleId::CreationMissing,
    RuleId::MeasuresMissing,
    RuleId::NoticeMissing,
    RuleId::NoticeShort,
    RuleId::PrerequisiteMissing,
    RuleId::ReportLate,
];

impl Model<'_> {
    /// The facts that change nothing, on any day.
    fn without_effect(&self) -> BTreeSet<usize> {
        let day = self.day(date(2099, 1, 1));
        let titles = || day.titles.values().map(|(_, title)| title);
        let applied: BTreeSet<usize> = titles().flat_map(|t| t.applied.clone()).collect();
        let superseded = titles().flat_map(|t| t.superseded.clone());
        superseded.filter(|place| !applied.contains(place)).collect()
    }

    /// New applications of which the first day lies in a ban of the same programme. On the day of
    /// the revocation, the application comes first.
    pub(super) fn banned(&self) -> Vec<usize> {
        let day = self.day(date(2099, 1, 1));
        let is_application = |fact: &Fact| {
            matches!(
                fact,
                Fact::Designated { .. } | Fact::Noticed { review: false, .. } | Fact::Listed { .. }
            )
        };
        let in_ban = |placed: &Placed<'_>| {
            let of = placed.said.fact.titles()[0];
            let own = day.titles.iter().filter(|((who, (programme, ..)), _)| {
                *who == self.root(placed.said.who) && *programme == of.programme.id
            });
            let mut bans = own.flat_map(|(_, (_, title))| &title.bans);
            bans.any(|(from, until)| *from < placed.said.day && placed.said.day <= *until)
        };
        let applications = self.facts().filter(|placed| is_application(&placed.said.fact));
        applications.filter(in_ban).map(|placed| placed.place).collect()
    }
}

/// Whatever a commit leaves without effect is warned of: its own facts, and earlier ones by their
/// positions.
pub(super) fn require_warnings(
    book: &Book,
    programmes: &[&str],
    before: usize,
    warnings: &[(usize, Fault)],
) -> Result<usize, String> {
    let now = Model::new(&book.said, &book.places, programmes);
    let then = Model::new(&book.said[..before], &book.places, programmes);
    let void: BTreeSet<usize> =
        now.without_effect().difference(&then.without_effect()).copied().collect();
    let speaks = |fault: &&(usize, Fault)| !OTHERS.contains(&fault.1.breach.rule());
    for place in &void {
        let source = now.source(*place);
        let told = warnings.iter().filter(speaks).any(|(at, fault)| {
            // What a repair restores is told of the repair.
            *at as u64 == source
                || fault.conflicts.contains(&source)
                || book.said[*at].fact.is_repair()
        });
        if !told {
            let said = &book.said[*place];
            return Err(format!(
                "no warning that {place} is without effect: {said:?}\n{warnings:?}"
            ));
        }
    }
    Ok(void.len())
}

/// True if nothing lifts a ban, and nobody turns out to be somebody else.
pub(super) fn bans_last(book: &Book) -> bool {
    !book.said.iter().any(|said| {
        said.fact.is_repair() || matches!(said.fact, Fact::Linked { .. } | Fact::Reinstated { .. })
    })
}
