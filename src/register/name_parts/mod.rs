//! Which events give a name that holds a text: an index of the pairs of neighbouring characters in
//! the keys of names.
//!
//! The index is made from recorded events when somebody asks for it, and costs the writer nothing.
//! It covers the events below a position. Those after it are few, or are being indexed: a question
//! reads them one by one, so no answer depends on how far the index reaches.
//!
//! It consists of segments. Each covers neighbouring events and never changes. Small segments keep
//! the part that is not covered short; as soon as the events of a large one are there, it takes
//! their place. A segment gives candidates only: whoever asks compares the names.

mod segment;

use std::{ops::Range, sync::Arc};

use self::segment::{Segment, Unsorted};
use super::Register;
use crate::limits::{
    NAME_INDEX_BYTES_MAX, NAME_PART_CHARS_MIN, NAME_SEGMENT_EVENTS, NAME_SEGMENT_SMALL_EVENTS,
};

const _: () = assert!(NAME_PART_CHARS_MIN == 2, "a pair of characters is the least to look for");

/// An index of the parts of names.
#[derive(Clone, Debug)]
pub struct NameParts {
    /// Without gaps, from the first event on; the large ones first.
    segments: Vec<Arc<Segment>>,
    /// Events in a small segment, and in a large one.
    sizes: (u32, u32),
}

impl Default for NameParts {
    fn default() -> Self {
        Self::of_sizes(NAME_SEGMENT_SMALL_EVENTS, NAME_SEGMENT_EVENTS)
    }
}

/// A segment that is being made.
#[derive(Debug)]
pub struct NameSegment {
    range: Range<u32>,
    /// The next event to read.
    next: u32,
    unsorted: Unsorted,
}

impl NameParts {
    /// An index without segments, with these numbers of events in a small one and in a large one.
    #[must_use]
    pub fn of_sizes(small: u32, large: u32) -> Self {
        assert!(0 < small && small <= large && large <= NAME_SEGMENT_EVENTS);
        Self { segments: Vec::new(), sizes: (small, large) }
    }

    /// The position up to which all events are covered.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.end().into()
    }

    /// Number of names: each counts once for an event that gives it to a designee anew.
    #[must_use]
    pub fn names(&self) -> usize {
        self.segments.iter().map(|segment| segment.names()).sum()
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes()).sum()
    }

    /// The segment to make next for a log of this durable size, if there is one. Events that are
    /// not durable may be taken back, so none of them is indexed.
    #[must_use]
    pub fn next_segment(&self, durable: u64) -> Option<NameSegment> {
        if self.bytes() >= NAME_INDEX_BYTES_MAX {
            return None;
        }
        let durable = u32::try_from(durable).unwrap_or(u32::MAX);
        let range = |first: u32, events: u32| {
            let end = first.checked_add(events).filter(|end| *end <= durable)?;
            Some(first..end)
        };
        let (small, large) = self.sizes;
        let range = range(self.large_end(), large).or_else(|| range(self.end(), small))?;
        Some(NameSegment { next: range.start, range, unsorted: Unsorted::default() })
    }

    /// The index with one more segment, which [`NameSegment::advance`] has read to its end.
    #[must_use]
    pub fn with(&self, made: NameSegment) -> Self {
        let before = |segment: &&Arc<Segment>| segment.range().end <= made.range.start;
        let mut segments: Vec<_> = self.segments.iter().take_while(before).cloned().collect();
        segments.push(Arc::new(made.unsorted.sorted(made.range)));
        Self { segments, sizes: self.sizes }
    }

    /// The covered events from `from` on, of the next segment that has some, that may give a name
    /// with a part; and the position after that segment. `None` past the covered events.
    pub(super) fn candidates(&self, part: &str, from: u64) -> Option<(Vec<u32>, u64)> {
        let from = u32::try_from(from).ok()?;
        let segment = self.segments.iter().find(|segment| from < segment.range().end)?;
        Some((segment.candidates(part, from), segment.range().end.into()))
    }

    fn end(&self) -> u32 {
        self.segments.last().map_or(0, |segment| segment.range().end)
    }

    /// The end of the large segments.
    fn large_end(&self) -> u32 {
        let large = self.sizes.1 as usize;
        let is_large = |segment: &&Arc<Segment>| segment.range().len() >= large;
        self.segments.iter().take_while(is_large).last().map_or(0, |segment| segment.range().end)
    }
}

impl NameSegment {
    /// Reads the names of at most this many next events. True while there are more.
    pub fn advance(&mut self, register: &Register, events: u32) -> bool {
        let subjects = register.subjects(self.range.end.into());
        let end = self.range.end.min(self.next.saturating_add(events));
        for position in self.next..end {
            let (unsorted, offset) = (&mut self.unsorted, position - self.range.start);
            subjects.each_new_name_at(position, |_, key| unsorted.add(offset, key));
        }
        self.next = end;
        self.next < self.range.end
    }
}
