//! The titles that other rules would show otherwise, answered in slices.

use super::{reading::Reading, view::TitleView};
use crate::{
    domain::{DesigneeId, catalogue::Catalogues},
    limits::{QUESTION_SLICE_FACTS, QUESTION_SLICE_TITLES},
    register::{AsOf, DesigneeIndex, FoldRules, Register, fold::Folded},
};

/// A designee whose titles differ under other rules.
#[derive(Clone, Debug)]
pub struct RulesDifference {
    /// The place after this one, from which the comparison can go on.
    pub next: usize,
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// Each title that differs, by the rules in force and by the other ones. One that only some
    /// rules know has one side.
    pub titles: Vec<(Option<TitleView>, Option<TitleView>)>,
}

impl Register {
    /// Designees with a title that `rules` show otherwise than those in force at the log size, from
    /// a place on, until `most` are found or `examined` are read; and the place to go on from, if
    /// there are more.
    #[must_use]
    pub fn compare_rules(
        &self,
        catalogues: &Catalogues,
        rules: FoldRules,
        as_of: AsOf,
        from: usize,
        (most, examined): (usize, usize),
    ) -> (Vec<RulesDifference>, Option<usize>) {
        let mut old = Reading::new(self, catalogues, as_of);
        if old.rules == rules {
            return (Vec::new(), None);
        }
        let mut new = Reading::under(self, catalogues, as_of, rules);
        let (mut found, mut kept) = (Vec::new(), 0);
        let end = self.designee_count().min(from.saturating_add(examined));
        for place in from..end {
            if old.facts_read() >= QUESTION_SLICE_FACTS {
                return (found, Some(place));
            }
            let Some(index) = old.read(place) else { continue };
            let titles = differences(&old, &mut new, index);
            kept += titles.len();
            if !titles.is_empty() {
                found.push(RulesDifference {
                    next: place + 1,
                    id: old.current_id(),
                    name: self.text(old.folding.subject.name).to_owned(),
                    titles,
                });
            }
            if found.len() >= most || kept >= QUESTION_SLICE_TITLES {
                return (found, Some(place + 1));
            }
        }
        (found, (end < self.designee_count()).then_some(end))
    }
}

/// The titles of a designee that the two readings show otherwise, by programme, authority and item.
fn differences(
    old: &Reading<'_>,
    new: &mut Reading<'_>,
    index: DesigneeIndex,
) -> Vec<(Option<TitleView>, Option<TitleView>)> {
    new.read_one(index);
    let view = |reading: &Reading<'_>, title: &Folded| {
        let status = reading.status(title);
        reading.title_view(title, status, reading.flags(title, status))
    };
    let mut keys: Vec<_> =
        old.own_titles().chain(new.own_titles()).map(|title| title.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let sides = keys.into_iter().map(|key| {
        let find = |reading: &Reading<'_>| {
            let title = reading.own_titles().find(|title| title.key == key)?;
            Some(view(reading, title))
        };
        (find(old), find(new))
    });
    sides.filter(|(old, new)| old != new).collect()
}
