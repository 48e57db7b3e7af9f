//! What an event changes in titles: the difference that it makes on the day it takes effect.

use super::{
    DesigneeIndex, NOBODY, Register,
    fold::Status,
    narrow,
    query::{Moment, Reading},
    row::{TitleKey, What},
};
use crate::domain::{
    AuthorityCode, CivilDate, DesigneeId, catalogue::Catalogue, kind::ProgrammeId,
};

/// What becomes of one title.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.TitleChange
pub struct Change {
    pub designee: DesigneeId,
    pub programme: ProgrammeId,
    pub authority: AuthorityCode,
    pub item: String,
    pub before: Option<Status>,
    pub after: Option<Status>,
    pub valid_to: Option<CivilDate>,
}

impl Register {
    /// What the event at a position changes in the titles it touches, on the day it takes effect.
    #[must_use]
    pub fn changes(&self, catalogue: &Catalogue, position: u64) -> Vec<Change> {
        let place = narrow(position);
        let Some(row) = self.row(place) else { return Vec::new() };
        let replaced = self.replacement_at(place);
        let stated = replaced.map_or(&row.stated, |(_, stated)| stated);
        let as_of = stated.effective;
        let mut touched = vec![row.designee];
        touched.extend(replaced.map(|(owner, _)| owner));
        if let What::Transferred { successor, .. } = stated.what {
            touched.push(successor);
        }
        touched.retain(|index| *index != NOBODY);
        touched.dedup();
        let compare = |index: DesigneeIndex| {
            let old = self.standings(catalogue, index, Moment { as_of, known_at: position });
            let new = self.standings(catalogue, index, Moment { as_of, known_at: position + 1 });
            self.differences(index, &old, &new)
        };
        touched.into_iter().flat_map(compare).collect()
    }

    fn standings(
        &self,
        catalogue: &Catalogue,
        index: DesigneeIndex,
        moment: Moment,
    ) -> Vec<(TitleKey, Status, Option<CivilDate>)> {
        let mut reading = Reading::new(self, catalogue, moment);
        reading.read_one(index);
        let standing = |title: &super::fold::Folded| {
            let to = title.current().and_then(|period| period.validity.to);
            (title.key, title.status(self, moment), to)
        };
        reading.own_titles().map(standing).collect()
    }

    fn differences(
        &self,
        index: DesigneeIndex,
        old: &[(TitleKey, Status, Option<CivilDate>)],
        new: &[(TitleKey, Status, Option<CivilDate>)],
    ) -> Vec<Change> {
        let gone = old.iter().filter(|(key, ..)| !new.iter().any(|(other, ..)| other == key));
        let keys = new.iter().chain(gone).map(|(key, ..)| *key);
        let find = |list: &[(TitleKey, Status, Option<CivilDate>)], key: TitleKey| {
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
