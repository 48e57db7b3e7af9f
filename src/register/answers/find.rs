//! Who bears or bore a name that holds a text. The index of the parts of names leads to the events,
//! and the names of events that it does not cover yet are read one by one.

use super::reading::Reading;
use crate::{
    domain::{AuthorityCode, DesigneeId, RegionCode, catalogue::Catalogues},
    limits::{NAME_SLICE_EVENTS, QUESTION_SLICE_DESIGNEES, QUESTION_SLICE_FACTS},
    register::{
        AsOf, DesigneeIndex, NameParts, Register, Seen, Status,
        identity::{Named, Subjects},
    },
};

/// A name to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameWanted {
    /// A text in its folded form, at least two characters of it.
    pub part: String,
    /// The text is the whole name.
    pub is_whole: bool,
}

impl NameWanted {
    fn fits(&self, key: &str) -> bool {
        if self.is_whole { key == self.part } else { key.contains(&self.part) }
    }
}

/// A subject that bears or bore a name that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFound {
    /// Where the search found it. That is the position below, or an earlier one that the caller may
    /// not read.
    pub place: u64,
    /// The first event that gives it such a name, of those that the caller may read.
    pub position: u64,
    /// That name.
    pub matched: String,
    /// The subject.
    pub bearer: Bearer,
}

/// A subject as of a day, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// Region on the day: the registered one or, if none is stated, the responsible authority's.
    pub region: Option<RegionCode>,
    /// True if the region is the responsible authority's.
    pub region_inferred: bool,
    /// The responsible authority.
    pub responsible: Option<AuthorityCode>,
    /// Number of its titles in force on the day.
    pub titles_in_force: usize,
}

/// A slice of a search.
#[derive(Debug, Default)]
pub struct NamesRead {
    /// What it found, in the order of the events.
    pub found: Vec<NameFound>,
    /// The position to go on from, if there are more events.
    pub next: Option<u64>,
}

impl Register {
    /// Subjects with a name that fits, by the first event that gives it one, from a position on.
    /// Reads until `most` are found, or the slice is full. All of one event are in one slice.
    #[must_use]
    pub fn find_names(
        &self,
        catalogues: &Catalogues,
        parts: &NameParts,
        wanted: &NameWanted,
        as_of: AsOf,
        from: u64,
        most: usize,
    ) -> NamesRead {
        self.as_seen(None).find_names(catalogues, parts, wanted, as_of, from, most)
    }
}

impl Seen<'_> {
    /// As [`Register::find_names`], of the subjects that the caller may know, by the events that it
    /// may read.
    #[must_use]
    pub fn find_names(
        &self,
        catalogues: &Catalogues,
        parts: &NameParts,
        wanted: &NameWanted,
        as_of: AsOf,
        from: u64,
        most: usize,
    ) -> NamesRead {
        let mut reading = Reading::new(self, catalogues, as_of);
        let mut read = NamesRead::default();
        let (candidates, end) = match parts.candidates(&wanted.part, from) {
            Some((candidates, end)) => (candidates, end),
            None => self.register.fitting(wanted, from, as_of.known_at),
        };
        let end = end.min(as_of.known_at);
        let candidates = candidates.into_iter().filter(|at| u64::from(*at) < end);
        for (count, position) in candidates.enumerate() {
            let is_full = read.found.len() >= most
                || reading.facts_read() >= QUESTION_SLICE_FACTS
                || count >= QUESTION_SLICE_DESIGNEES;
            if is_full {
                read.next = Some(position.into());
                return read;
            }
            reading.find_at(wanted, position, &mut read.found);
        }
        read.next = Some(end).filter(|end| *end < as_of.known_at);
        read
    }
}

impl Register {
    /// The next events, not covered by the index, that give a name that fits; and the position
    /// after those that were read.
    fn fitting(&self, wanted: &NameWanted, from: u64, known_at: u64) -> (Vec<u32>, u64) {
        let end = known_at.min(from.saturating_add(NAME_SLICE_EVENTS.into()));
        let subjects = self.subjects(known_at);
        let positions = (from..end).filter_map(|position| u32::try_from(position).ok());
        let fitting = positions.filter(|position| {
            let mut fits = false;
            subjects.each_new_name_at(*position, |_, key| fits |= wanted.fits(key));
            fits
        });
        (fitting.collect(), end)
    }
}

impl Reading<'_> {
    /// Adds the subjects that get a name that fits by the event at a position, and got none before.
    fn find_at(&mut self, wanted: &NameWanted, position: u32, found: &mut Vec<NameFound>) {
        let mut named: Vec<DesigneeIndex> = Vec::new();
        self.subjects().each_name_at(position, |index, key| {
            if wanted.fits(key) && !named.contains(&index) {
                named.push(index);
            }
        });
        let mut subjects: Vec<DesigneeIndex> = Vec::new();
        for index in named {
            self.read_one(index);
            self.count(self.cluster.facts_read());
            let Some(subject) = self.cluster.same_subject().min() else { continue };
            if subjects.contains(&subject) || !self.is_shown() {
                continue;
            }
            // The index leads to the first event of all, whatever the caller may read.
            let every = self.register.without_bounds().subjects(self.as_of.known_at);
            let first = self.first_named(every, wanted);
            let Some(first) = first.filter(|first| first.position == position) else { continue };
            let first = match self.subjects().facts().sieve() {
                None => Some(first),
                Some(_) => self.first_named(self.subjects(), wanted),
            };
            if let Some(Named { name, position: at }) = first {
                subjects.push(subject);
                let (place, bearer) = (position.into(), self.bearer());
                found.push(NameFound { place, position: at.into(), matched: name, bearer });
            }
        }
    }

    /// The first event that gives the subject a name that fits, under any of its identifiers.
    fn first_named(&self, subjects: Subjects<'_>, wanted: &NameWanted) -> Option<Named> {
        let mut read = 0;
        let members = self.cluster.same_subject();
        let named = members
            .filter_map(|member| subjects.first_named(member, |key| wanted.fits(key), &mut read));
        let first = named.min_by_key(|named| named.position);
        self.count(read);
        first
    }

    /// The subject that was read, in short.
    pub(super) fn bearer(&self) -> Bearer {
        let (subject, located) = (&self.folding.subject, self.located());
        let in_force = self.own_titles().filter(|title| self.status(title) == Status::Active);
        Bearer {
            id: self.current_id(),
            name: self.register.text(subject.name).to_owned(),
            region: located.map(|located| located.region),
            region_inferred: located.is_some_and(|located| located.inferred),
            responsible: subject.responsible,
            titles_in_force: in_force.count(),
        }
    }
}
