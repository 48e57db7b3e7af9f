//! Two sets of titles compared by their holders, answered in slices.

use std::sync::Arc;

use super::{
    query::{Matcher, Wanted},
    reading::Reading,
    view::TitleView,
};
use crate::{
    domain::{DesigneeId, catalogue::Catalogues},
    limits::{QUESTION_SLICE_FACTS, QUESTION_SLICE_TITLES},
    register::{AsOf, DesigneeIndex, Flags, Register, Sight, Status, fold::Folded},
};

/// The part of a comparison that a designee is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonPart {
    /// It has titles in both sets.
    Both,
    /// It has titles in the first set only.
    OnlyFirst,
    /// It has titles in the second set only.
    OnlySecond,
}

/// A designee with a title in one of the two sets at least.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The place after this one, from which the comparison can go on.
    pub next: usize,
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// The part it is in.
    pub part: ComparisonPart,
    /// Of each set: its first title, by programme, authority and item, and the number of its
    /// titles.
    pub sides: [(Option<TitleView>, usize); 2],
}

/// Numbers of designees in the parts of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartCounts {
    /// In both sets.
    pub both: u64,
    /// In the first set only.
    pub only_first: u64,
    /// In the second set only.
    pub only_second: u64,
}

impl PartCounts {
    fn add(&mut self, part: ComparisonPart) {
        match part {
            ComparisonPart::Both => self.both += 1,
            ComparisonPart::OnlyFirst => self.only_first += 1,
            ComparisonPart::OnlySecond => self.only_second += 1,
        }
    }
}

/// A comparison of two sets of titles under way.
#[derive(Debug)]
pub struct SetsReading {
    /// The titles of each set.
    pub wanted: [Wanted; 2],
    /// The parts to give; empty: all.
    pub parts: Vec<ComparisonPart>,
    /// The day and log size of the comparison.
    pub as_of: AsOf,
    /// The bounds of the caller, if it has any.
    pub sight: Option<Arc<Sight>>,
    counts: PartCounts,
}

impl SetsReading {
    /// A comparison that has not begun.
    #[must_use]
    pub fn new(wanted: [Wanted; 2], parts: Vec<ComparisonPart>, as_of: AsOf) -> Self {
        Self { wanted, parts, as_of, sight: None, counts: PartCounts::default() }
    }

    /// Numbers of the designees read so far, whatever their part.
    #[must_use]
    pub fn counts(&self) -> PartCounts {
        self.counts
    }

    /// Reads designees from a place on, until `most` of the parts asked for are found, `examined`
    /// are read, or [`QUESTION_SLICE_FACTS`] about them; and gives the place to go on from, if
    /// there are more. With `most` of 0 it only counts.
    pub fn advance(
        &mut self,
        register: &Register,
        catalogues: &Catalogues,
        from: usize,
        (most, examined): (usize, usize),
    ) -> (Vec<Compared>, Option<usize>) {
        let seen = register.as_seen(self.sight.as_ref());
        let mut reading = Reading::new(&seen, catalogues, self.as_of);
        let sets = self.wanted.each_ref().map(|wanted| Set::new(register, wanted));
        let mut found = Vec::new();
        let end = register.designee_count().min(from.saturating_add(examined));
        for place in from..end {
            if reading.facts_read() >= QUESTION_SLICE_FACTS {
                return (found, Some(place));
            }
            let Some(index) = reading.read(place) else { continue };
            let held = sets.each_ref().map(|set| set.titles(&reading, index));
            let part = match held.each_ref().map(|titles| !titles.is_empty()) {
                [true, true] => ComparisonPart::Both,
                [true, false] => ComparisonPart::OnlyFirst,
                [false, true] => ComparisonPart::OnlySecond,
                [false, false] => continue,
            };
            self.counts.add(part);
            if most == 0 || !(self.parts.is_empty() || self.parts.contains(&part)) {
                continue;
            }
            let sides = held.map(|titles| {
                let first = titles.first().map(|(title, status)| {
                    let flags = reading.flags(title, *status);
                    reading.title_view(title, *status, flags)
                });
                (first, titles.len())
            });
            let (id, name) = (reading.current_id(), reading.folding.subject.name);
            let name = register.text(name).to_owned();
            found.push(Compared { next: place + 1, id, name, part, sides });
            if found.len() >= most.min(QUESTION_SLICE_TITLES) {
                return (found, Some(place + 1).filter(|next| *next < register.designee_count()));
            }
        }
        (found, (end < register.designee_count()).then_some(end))
    }
}

/// One of the two sets.
struct Set<'a> {
    matcher: Matcher<'a>,
    needs_flags: bool,
}

impl<'a> Set<'a> {
    fn new(register: &'a Register, wanted: &'a Wanted) -> Self {
        let needs_flags = !wanted.flags.is_empty();
        Self { matcher: Matcher::new(&register.rows, wanted), needs_flags }
    }

    /// The titles of a designee that are in the set, with their statuses.
    fn titles<'r>(
        &self,
        reading: &'r Reading<'_>,
        index: DesigneeIndex,
    ) -> Vec<(&'r Folded, Status)> {
        if !self.matcher.name_matches(reading, index) {
            return Vec::new();
        }
        let own = reading.own_titles().map(|title| (title, reading.status(title)));
        let matching = own.filter(|(title, status)| {
            let flags = match self.needs_flags {
                true => reading.flags(title, *status),
                false => Flags::default(),
            };
            self.matcher.matches(reading, title, *status, flags)
        });
        matching.collect()
    }
}
