//! Answers about one designee, as of a day, as known at a log size.

pub use super::fold::Status;
use super::{DesigneeIndex, Register, fact::Stated, fold};
use crate::domain::{AuthorityCode, CivilDate, DesigneeId, catalogue::ProgrammeId, name};

/// A designee as of a day.
#[derive(Clone, Debug)]
pub struct DesigneeView {
    /// Its identifier.
    pub id: DesigneeId,
    /// One more than the position of the last event about it.
    pub version: u64,
    /// Names with their first days, oldest first; the last one is borne on the day.
    pub names: Vec<DatedName>,
    /// Titles.
    pub titles: Vec<TitleView>,
    /// Positions of all events about it, oldest first.
    pub positions: Vec<u64>,
    /// Position of the event that carries the latest profile.
    pub profile_at: Option<u64>,
}

/// A name with the first day on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedName {
    /// The name.
    pub name: String,
    /// The day.
    pub from: CivilDate,
}

/// A title as of a day.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as documented in tidu.v1.Title
pub struct TitleView {
    pub programme: ProgrammeId,
    pub authority: AuthorityCode,
    pub item: String,
    pub status: Status,
    pub valid_from: Option<CivilDate>,
    pub valid_to: Option<CivilDate>,
    pub inferred: bool,
    pub batch: String,
    pub round: String,
    pub recommended_by: Option<AuthorityCode>,
    pub ban_until: Option<CivilDate>,
    pub positions: Vec<u64>,
    pub superseded: Vec<u64>,
}

impl Register {
    /// The designee with an identifier, if anything is known about it.
    #[must_use]
    pub fn find(&self, id: &DesigneeId, known_at: u64) -> Option<DesigneeIndex> {
        self.by_id.get(id).copied().filter(|index| self.version(*index, known_at) > 0)
    }

    /// The designees that bear or bore a name; brackets, width and spaces do not matter.
    #[must_use]
    pub fn find_by_name(&self, name: &str, known_at: u64) -> Vec<DesigneeIndex> {
        let bearers = self.by_name.get(name::folded(name).as_str()).map_or(&[][..], Vec::as_slice);
        bearers.iter().copied().filter(|index| self.version(*index, known_at) > 0).collect()
    }

    /// The identifier of a designee.
    #[must_use]
    pub fn id(&self, index: DesigneeIndex) -> &DesigneeId {
        &self.designee(index).id
    }

    /// One more than the position of the last event about the designee below a log size; 0 if there is none.
    #[must_use]
    pub fn version(&self, index: DesigneeIndex, known_at: u64) -> u64 {
        let events = &self.designee(index).events;
        let known = events.partition_point(|position| *position < known_at);
        known.checked_sub(1).and_then(|last| events.get(last)).map_or(0, |position| position + 1)
    }

    /// The designee as of a day, as known at a log size.
    #[must_use]
    pub fn view(&self, index: DesigneeIndex, as_of: CivilDate, known_at: u64) -> DesigneeView {
        let facts = self.standing_facts(index, known_at, None);
        let record = self.designee(index);
        let positions = record.events.iter().copied().filter(|p| *p < known_at).collect();
        let begun = |stated: &&Stated| stated.effective <= as_of && stated.name().is_some();
        let titles = fold::fold(&facts, as_of)
            .into_iter()
            .map(|title| self.title_view(title, as_of, known_at))
            .collect();
        DesigneeView {
            id: record.id.clone(),
            version: self.version(index, known_at),
            names: self.names_of(&facts, as_of),
            titles,
            positions,
            profile_at: facts.iter().rfind(begun).map(|s| self.source_of(s.position, known_at)),
        }
    }

    /// The name that a designee bears on a day.
    pub(super) fn name_on(&self, facts: &[Stated], day: CivilDate) -> Option<&str> {
        let begun = facts.iter().filter(|stated| stated.effective <= day);
        begun.rev().find_map(Stated::name).map(|name| self.text(name))
    }

    fn names_of(&self, facts: &[Stated], as_of: CivilDate) -> Vec<DatedName> {
        let mut names: Vec<DatedName> = Vec::new();
        for stated in facts.iter().filter(|stated| stated.effective <= as_of) {
            let Some(name) = stated.name().map(|name| self.text(name)) else { continue };
            let same = |last: &DatedName| name::folded(&last.name) == name::folded(name);
            if !names.last().is_some_and(same) {
                names.push(DatedName { name: name.to_owned(), from: stated.effective });
            }
        }
        names
    }

    fn title_view(&self, title: fold::Folded, as_of: CivilDate, known_at: u64) -> TitleView {
        let sources = |places: Vec<u64>| {
            places.into_iter().map(|place| self.source_of(place, known_at)).collect()
        };
        let validity = title.current().map(|period| period.validity).unwrap_or_default();
        TitleView {
            programme: title.key.programme,
            authority: title.key.authority,
            item: self.text(title.key.item).to_owned(),
            status: title.status(self, as_of, known_at),
            valid_from: title.current().map(|period| period.from),
            valid_to: validity.to,
            inferred: validity.inferred,
            batch: self.text(title.batch).to_owned(),
            round: self.text(title.round).to_owned(),
            recommended_by: title.recommended_by,
            ban_until: title.ban_until,
            positions: sources(title.positions),
            superseded: sources(title.superseded),
        }
    }
}
