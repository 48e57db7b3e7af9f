//! The changes that an event makes in titles, on the day it takes effect.

use super::reading::Reading;
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, access::Matter, catalogue::Catalogues,
        kind::ProgrammeId,
    },
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
    /// What rights to read look at. Facts of the class `own` count in a status.
    pub matter: Matter,
}

/// A title before or after an event.
#[derive(Clone, PartialEq)]
struct TitleStatus {
    key: TitleKey,
    status: Status,
    valid_to: Option<CivilDate>,
    matter: Matter,
}

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
            let valid_to = title.current().and_then(|period| period.validity.to);
            let (key, status) = (title.key, reading.status(title));
            TitleStatus { key, status, valid_to, matter: reading.matter_of(title) }
        };
        reading.own_titles().map(status).collect()
    }

    fn differences(
        self,
        index: DesigneeIndex,
        old: &[TitleStatus],
        new: &[TitleStatus],
    ) -> Vec<Change> {
        let gone = old.iter().filter(|title| !new.iter().any(|other| other.key == title.key));
        let keys = new.iter().chain(gone).map(|title| title.key);
        let find = |list: &[TitleStatus], key: TitleKey| {
            list.iter().find(|title| title.key == key).cloned()
        };
        let what = |title: &Option<TitleStatus>| {
            title.as_ref().map(|title| (title.status, title.valid_to))
        };
        keys.map(|key| (key, find(old, key), find(new, key)))
            .filter(|(_, old, new)| what(old) != what(new))
            .filter_map(|(key, old, new)| {
                let matter = new.as_ref().or(old.as_ref())?.matter.clone();
                Some(Change {
                    designee: self.id(index).clone(),
                    programme: key.programme,
                    authority: key.authority,
                    item: self.text(key.item).to_owned(),
                    before: old.map(|title| title.status),
                    after: new.as_ref().map(|title| title.status),
                    valid_to: new.and_then(|title| title.valid_to),
                    matter,
                })
            })
            .collect()
    }
}

impl Reading<'_> {
    fn matter_of(&self, title: &Folded) -> Matter {
        let responsible = self.folding.subject.responsible;
        let authorities = [Some(title.key.authority), title.recommended_by, responsible];
        Matter {
            authorities: authorities.into_iter().flatten().collect(),
            regions: self.located().map(|located| located.region).into_iter().collect(),
            programmes: [title.key.programme].into_iter().collect(),
            kind: None,
            own: true,
        }
    }
}
