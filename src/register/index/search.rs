//! Finding the events that a reader wants. Postings skip to the next candidate; from there, rows
//! are examined one by one as long as matches are near.

use std::cell::Cell;

use roaring::RoaringBitmap;

use super::{Interest, Sight, interest::Watch, postings::Index};
use crate::{
    domain::DesigneeId,
    limits::{INTEREST_WINDOW_EVENTS, SEARCH_FACTS_MAX},
    register::{
        identity::Subjects,
        rows::{Row, position32},
    },
};

/// Facts that take as long to read as a step to the next position of every set.
const SKIP_FACTS: usize = 8;

/// Sets of which any may contain a matching event.
type AnyOf<'a> = Vec<&'a RoaringBitmap>;

/// One search through the events.
pub(in crate::register) struct Search<'a> {
    index: &'a Index,
    subjects: Subjects<'a>,
    interest: &'a Interest,
    /// If only what is seen matches.
    sight: Option<&'a Sight>,
    /// For each field that narrows the search: its sets.
    fields: Vec<AnyOf<'a>>,
    region: Option<&'a RoaringBitmap>,
    batches: AnyOf<'a>,
    /// Number of facts read to find the identifiers of linked designees.
    facts_read: Cell<usize>,
}

impl<'a> Search<'a> {
    /// Begins a search over `span` positions. A short one examines rows without their postings.
    /// With a sight, nothing matches but what is seen.
    pub(in crate::register) fn new(
        index: &'a Index,
        subjects: Subjects<'a>,
        interest: &'a Interest,
        sight: Option<&'a Sight>,
        span: u64,
    ) -> Self {
        let (rows, terms) = (subjects.facts().rows(), &interest.terms);
        let region = terms.region.and_then(|region| index.of_region(region));
        let words = terms.batches.iter().filter_map(|batch| rows.find_word(batch));
        let batches: AnyOf<'a> = words.filter_map(|word| index.of_batch(word)).collect();
        let mut fields = Vec::new();
        if terms.region.is_some() {
            fields.push(region.into_iter().collect());
        }
        if !terms.batches.is_empty() {
            fields.push(batches.clone());
        }
        if terms.narrows_scope() && span > INTEREST_WINDOW_EVENTS {
            fields.extend(index.of_terms(terms));
        }
        if span > INTEREST_WINDOW_EVENTS {
            fields.extend(sight.and_then(|sight| sight.sets(index)));
        }
        let facts_read = Cell::new(0);
        Self { index, subjects, interest, sight, fields, region, batches, facts_read }
    }

    /// Positions in `from..to` that match, at most `most`, and the position up to which all were
    /// examined. It ends early if it must read many facts.
    pub(in crate::register) fn forward(&self, from: u64, to: u64, most: usize) -> (Vec<u64>, u64) {
        let (mut found, mut at) = (Vec::new(), from);
        while at < to {
            let Some(candidate) = self.next_from(at, to) else { return (found, to) };
            at = candidate;
            let mut window = at + INTEREST_WINDOW_EVENTS;
            while at < to.min(window) {
                if self.matches(at) {
                    found.push(at);
                    if found.len() >= most {
                        return (found, at + 1);
                    }
                    window = at + INTEREST_WINDOW_EVENTS;
                }
                at += 1;
                if self.is_long() {
                    return (found, at);
                }
            }
        }
        (found, to)
    }

    /// Positions below `before` that match, newest first, at most `most`; and where to go on from,
    /// exclusive, if there are more.
    pub(in crate::register) fn backward(
        &self,
        before: u64,
        most: usize,
    ) -> (Vec<u64>, Option<u64>) {
        let (mut found, mut at) = (Vec::new(), before);
        while let Some(candidate) = self.next_before(at) {
            at = candidate + 1;
            let mut window = at.saturating_sub(INTEREST_WINDOW_EVENTS);
            while at > window {
                if found.len() == most || self.is_long() {
                    return (found, Some(at));
                }
                at -= 1;
                if self.matches(at) {
                    found.push(at);
                    window = at.saturating_sub(INTEREST_WINDOW_EVENTS);
                }
            }
        }
        (found, None)
    }

    /// The first position at or after `at` that every field may contain; after many steps, one that
    /// none is known to lack before.
    fn next_from(&self, at: u64, to: u64) -> Option<u64> {
        let mut at = at;
        for step in 0.. {
            let mut next = at;
            for sets in &self.fields {
                let first = |set: &&RoaringBitmap| set.range(position32(next)..).next();
                let first = sets.iter().filter_map(first).min()?;
                next = next.max(u64::from(first));
            }
            if let Some(watch) = &self.interest.watch {
                next = watch.next_from(next);
            }
            if next >= to {
                return None;
            }
            if next == at || self.ends_skipping(step) {
                return Some(next);
            }
            at = next;
        }
        Some(at)
    }

    /// Counts a step from set to set. True if it is time to look at rows: sets without a common
    /// position would lead through all of both.
    fn ends_skipping(&self, step: u64) -> bool {
        self.facts_read.set(self.facts_read.get() + SKIP_FACTS);
        step >= INTEREST_WINDOW_EVENTS
    }

    /// The last position before `before` that every field may contain; after many steps, one that
    /// none is known to lack after.
    fn next_before(&self, before: u64) -> Option<u64> {
        let mut at = before.checked_sub(1)?;
        for step in 0.. {
            let mut next = at;
            for sets in &self.fields {
                let last = |set: &&RoaringBitmap| set.range(..=position32(next)).next_back();
                next = u64::from(sets.iter().filter_map(last).max()?);
            }
            if let Some(watch) = &self.interest.watch {
                next = watch.last_to(next)?;
            }
            if next == at || self.ends_skipping(step) {
                return Some(next);
            }
            at = next;
        }
        Some(at)
    }

    fn matches(&self, position: u64) -> bool {
        let at = position32(position);
        let Some(row) = self.subjects.facts().row(at) else { return false };
        let (interest, terms) = (self.interest, &self.interest.terms);
        terms.wants_scope(&self.index.scope(row.scope))
            && (terms.region.is_none() || self.region.is_some_and(|set| set.contains(at)))
            && (terms.batches.is_empty() || self.batches.iter().any(|set| set.contains(at)))
            && interest.watch.as_ref().is_none_or(|watch| self.is_watched(watch, row, at))
            && self.sight.is_none_or(|sight| sight.sees(self.index, self.subjects.facts(), at, row))
    }

    /// True if the event is about a watched designee, or concerns it, under an identifier that was
    /// its own by then.
    fn is_watched(&self, watch: &Watch, row: &Row, position: u32) -> bool {
        let mut read = 0;
        let is_watched = |id: &DesigneeId| watch.contains(id);
        let found = any_identifier(self.subjects, row, position, &mut read, is_watched);
        self.facts_read.set(self.facts_read.get() + read);
        found
    }

    /// True if it has read so many facts that others should have their turn.
    fn is_long(&self) -> bool {
        self.facts_read.get() > SEARCH_FACTS_MAX
    }
}

/// True if `is` holds for an identifier under which the event can be followed: that of a designee
/// it concerns, or another one that a link has given to that subject by then. Counts the facts that
/// it reads for that.
pub(in crate::register) fn any_identifier(
    subjects: Subjects<'_>,
    row: &Row,
    position: u32,
    read: &mut usize,
    mut is: impl FnMut(&DesigneeId) -> bool,
) -> bool {
    let followed = subjects.followed_at(position).iter();
    followed.copied().any(|index| is(subjects.id(index)))
        || subjects.concerned_by(row.designee, position).any(|index| {
            is(subjects.id(index))
                || subjects.may_be_tied(index) && {
                    let then = subjects.known_at(u64::from(position) + 1);
                    let cluster = then.cluster(index, None);
                    *read += cluster.facts_read();
                    cluster.same_subject().any(|member| is(subjects.id(member)))
                }
        })
}
