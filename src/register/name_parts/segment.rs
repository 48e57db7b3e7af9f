//! The pairs of characters in the names of neighbouring events: for each pair the events, as
//! differences of their offsets, in one block of memory.

use std::{mem::size_of_val, ops::Range};

use crate::limits::NAME_SEGMENT_EVENTS;

/// A segment, which never changes.
#[derive(Debug)]
pub(super) struct Segment {
    /// Positions of its events.
    range: Range<u32>,
    names: usize,
    /// The pairs, in order.
    pairs: Box<[Pair]>,
    /// Where the events of each pair end; those of the first begin at 0.
    ends: Box<[u32]>,
    /// Differences of offsets, in seven bits a byte, the low ones first.
    events: Box<[u8]>,
}

/// Two neighbouring characters, hashed. Different ones may have the same hash: candidates are
/// compared with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair(u32);

/// Lists of events to intersect. More of them leave hardly fewer candidates.
const LISTS_READ: usize = 4;

impl Pair {
    fn of(first: char, second: char) -> Self {
        let both = u64::from(u32::from(first)) << 21 | u64::from(u32::from(second));
        #[allow(clippy::cast_possible_truncation)] // the upper half, which depends on all bits
        let hash = (both.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32;
        Self(hash)
    }

    /// The pairs in a text.
    fn all(text: &str) -> impl Iterator<Item = Self> {
        text.chars().zip(text.chars().skip(1)).map(|(first, second)| Self::of(first, second))
    }
}

/// Pairs with the offsets of their events, in the order of the events.
#[derive(Debug, Default)]
pub(super) struct Unsorted {
    names: usize,
    /// The pair in the upper half, the offset in the lower.
    places: Vec<u64>,
}

const _: () = assert!(NAME_SEGMENT_EVENTS <= 1 << 16);

impl Unsorted {
    /// Adds a name that the event at an offset gives.
    pub(super) fn add(&mut self, offset: u32, key: &str) {
        self.names += 1;
        let places = Pair::all(key).map(|Pair(pair)| u64::from(pair) << 32 | u64::from(offset));
        self.places.extend(places);
    }

    /// The segment of the events in this range.
    pub(super) fn sorted(mut self, range: Range<u32>) -> Segment {
        self.places.sort_unstable();
        self.places.dedup();
        let (mut pairs, mut ends, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for list in self.places.chunk_by(|one, next| one >> 32 == next >> 32) {
            let Some(first) = list.first() else { continue };
            let mut before = 0;
            for place in list {
                #[allow(clippy::cast_possible_truncation)] // the lower half
                let offset = *place as u32;
                write(&mut events, offset - before);
                before = offset;
            }
            pairs.push(Pair(u32::try_from(first >> 32).unwrap_or(u32::MAX)));
            ends.push(u32::try_from(events.len()).unwrap_or(u32::MAX));
        }
        let names = self.names;
        Segment { range, names, pairs: pairs.into(), ends: ends.into(), events: events.into() }
    }
}

impl Segment {
    pub(super) fn range(&self) -> Range<u32> {
        self.range.clone()
    }

    pub(super) fn names(&self) -> usize {
        self.names
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self)
            + size_of_val(&*self.pairs)
            + size_of_val(&*self.ends)
            + size_of_val(&*self.events)
    }

    /// Positions from `from` on of the events that may give a name with a part, in order.
    pub(super) fn candidates(&self, part: &str, from: u32) -> Vec<u32> {
        let mut lists = Vec::new();
        for pair in Pair::all(part) {
            let Some(list) = self.list(pair) else { return Vec::new() };
            lists.push(list);
        }
        // The shortest one first: the others only thin it out.
        lists.sort_unstable_by_key(|list| list.len());
        let mut lists = lists.into_iter().take(LISTS_READ);
        let Some(shortest) = lists.next() else { return Vec::new() };
        let mut left: Vec<u32> = offsets(shortest).collect();
        for list in lists {
            let mut others = offsets(list).peekable();
            left.retain(|offset| {
                while others.next_if(|other| other < offset).is_some() {}
                others.peek() == Some(offset)
            });
        }
        let positions = left.into_iter().map(|offset| self.range.start + offset);
        positions.filter(|position| *position >= from).collect()
    }

    fn list(&self, pair: Pair) -> Option<&[u8]> {
        let place = self.pairs.binary_search(&pair).ok()?;
        let end = |place: usize| self.ends.get(place).map(|end| *end as usize);
        let start = place.checked_sub(1).map_or(Some(0), end)?;
        self.events.get(start..end(place)?)
    }
}

/// Appends a number in seven bits a byte; the last byte has no high bit.
fn write(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7F) as u8);
}

/// The offsets in a list.
fn offsets(list: &[u8]) -> impl Iterator<Item = u32> {
    let (mut bytes, mut last) = (list.iter(), 0_u32);
    std::iter::from_fn(move || {
        let (mut difference, mut shift) = (0, 0);
        loop {
            let byte = u32::from(*bytes.next()?);
            difference |= (byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        last += difference;
        Some(last)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(range: Range<u32>, names: &[(u32, &str)]) -> Segment {
        let mut unsorted = Unsorted::default();
        names.iter().for_each(|(position, key)| unsorted.add(position - range.start, key));
        unsorted.sorted(range)
    }

    #[test]
    fn a_part_of_two_characters_is_found_where_it_is_and_nowhere_else() {
        let names = [(10, "甲乙丙"), (11, "乙丙"), (12, "丙乙"), (12, "甲乙"), (15, "甲")];
        let segment = segment(10..16, &names);
        assert_eq!((segment.range(), segment.names()), (10..16, 5));
        assert_eq!(segment.candidates("甲乙", 0), [10, 12]);
        assert_eq!(segment.candidates("甲乙", 10), [10, 12]);
        assert_eq!(segment.candidates("甲乙", 11), [12]);
        assert!(segment.candidates("甲乙", 13).is_empty());
        assert_eq!(segment.candidates("乙丙", 0), [10, 11]);
        assert_eq!(segment.candidates("甲乙丙", 0), [10]);
        assert!(segment.candidates("丙甲", 0).is_empty());
        assert!(segment.candidates("甲", 0).is_empty(), "one character is no pair");
        assert!(segment.candidates("", 0).is_empty());
    }

    #[test]
    fn an_event_counts_once_for_a_pair_that_it_has_twice() {
        let segment = segment(0..1, &[(0, "甲乙甲乙"), (0, "甲乙")]);
        assert_eq!(segment.candidates("甲乙", 0), [0]);
        // Two pairs of four bytes, two ends of four, an event in a byte each.
        assert_eq!(segment.bytes(), size_of::<Segment>() + 2 * (4 + 4 + 1));
    }

    #[test]
    fn an_empty_segment_has_no_candidates() {
        let segment = segment(0..8, &[]);
        assert_eq!((segment.candidates("甲乙", 0), segment.names()), (Vec::new(), 0));
    }

    #[test]
    fn offsets_of_any_distance_come_back() {
        let numbers = [0, 1, 126, 127, 128, 129, 16_383, 16_384, 65_535, 2_097_151, 2_097_152];
        let mut bytes = Vec::new();
        let mut before = 0;
        for number in numbers {
            write(&mut bytes, number - before);
            before = number;
        }
        assert_eq!(offsets(&bytes).collect::<Vec<_>>(), numbers);
        let length = |number: u32| {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            bytes.len()
        };
        assert_eq!([0, 127, 128, 16_383, 16_384].map(length), [1, 1, 2, 2, 3]);
        assert_eq!(offsets(&[0x80]).count(), 0, "an offset that is cut off");
    }

    proptest! {
        /// Every event with the part is a candidate, and every candidate has its pairs.
        #[test]
        fn candidates_are_those_with_all_pairs(
            names in proptest::collection::vec("[甲乙丙A]{0,6}", 0..40),
            part in "[甲乙丙A]{2,4}",
            from in 0..45_u32,
        ) {
            let named: Vec<_> = (3..).zip(names.iter().map(String::as_str)).collect();
            let segment = segment(3..50, &named);
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let has_pairs = |name: &str| {
                let name = chars(name);
                chars(&part).windows(2).all(|pair| name.windows(2).any(|own| own == pair))
            };
            let expected = named.iter().filter(|(at, name)| *at >= from && has_pairs(name));
            let expected: Vec<u32> = expected.map(|(at, _)| *at).collect();
            prop_assert_eq!(segment.candidates(&part, from), expected);
        }
    }
}
