//! The changes that an event makes in titles, on the day it takes effect.

use super::reading::Reading;
use crate::{
    domain::{AuthorityCode, CivilDate, DesigneeId, catalogue::Catalogues, kind::ProgrammeId},
    register::{
        AsOf, DesigneeIndex, Layers, Status,
        fold::Folded,
        rows::{FactKindRow, NOBODY, TitleKey, position32},
    },
};

/// The change of one title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The holder.
    pub designee: DesigneeId,
    /// The programme.
    pub programme: ProgrammeId,
    /// The authority that decides on the title.
    pub authority: AuthorityCode,
    /// Type, site or product; empty if there is only one.
    pub item: String,
    /// Status before the event.
    pub before: Option<Status>,
    /// Status after it.
    pub after: Option<Status>,
    /// Last day after it.
    pub valid_to: Option<CivilDate>,
}

/// The status of a title, with its last day.
type TitleStatus = (TitleKey, Status, Option<CivilDate>);

impl Layers<'_> {
    /// The changes that the event at a position makes in titles, on the day it takes effect.
    #[must_use]
    pub fn changes(self, catalogues: &Catalogues, position: u64) -> Vec<Change> {
        let at = position32(position);
        let facts = self.facts(self.size());
        let Some(row) = facts.row(at) else { return Vec::new() };
        let replaced = facts.replacement_at(at);
        let fact = replaced.map_or(&row.fact, |(_, fact)| fact);
        let valid_on = fact.effective;
        let mut touched = vec![row.designee];
        touched.extend(replaced.map(|(owner, _)| owner));
        if let FactKindRow::Transferred { successor, .. } = fact.kind {
            touched.push(successor);
        }
        touched.retain(|index| *index != NOBODY);
        touched.dedup();
        let compare = |index: DesigneeIndex| {
            let old = self.statuses(catalogues, index, AsOf { valid_on, known_at: position });
            let new = self.statuses(catalogues, index, AsOf { valid_on, known_at: position + 1 });
            self.differences(index, &old, &new)
        };
        touched.into_iter().flat_map(compare).collect()
    }

    fn statuses(
        self,
        catalogues: &Catalogues,
        index: DesigneeIndex,
        as_of: AsOf,
    ) -> Vec<TitleStatus> {
        let mut reading = Reading::new(self, catalogues, as_of);
        reading.read_one(index);
        let status = |title: &Folded| {
            let to = title.current().and_then(|period| period.validity.to);
            (title.key, reading.status(title), to)
        };
        reading.own_titles().map(status).collect()
    }

    fn differences(
        self,
        index: DesigneeIndex,
        old: &[TitleStatus],
        new: &[TitleStatus],
    ) -> Vec<Change> {
        let gone = old.iter().filter(|(key, ..)| !new.iter().any(|(other, ..)| other == key));
        let keys = new.iter().chain(gone).map(|(key, ..)| *key);
        let find = |list: &[TitleStatus], key: TitleKey| {
            list.iter().find(|(other, ..)| *other == key).copied()
        };
        keys.map(|key| (key, find(old, key), find(new, key)))
            .filter(|(_, old, new)| old != new)
            .map(|(key, old, new)| Change {
                designee: self.id(index).clone(),
                programme: key.programme,
                authority: key.authority,
                item: self.text(key.item).to_owned(),
                before: old.map(|(_, status, _)| status),
                after: new.map(|(_, status, _)| status),
                valid_to: new.and_then(|(.., to)| to),
            })
            .collect()
    }
}
