//! The published history of the gradient as events. Its enterprises are made up.
//!
//! Counts and days in `data/history.csv` and `data/history-instruments.csv` were published, or are
//! marked as derived or assumed. No complete list of the real enterprises is public, so as many
//! made-up ones belong to each authority as was published; otherwise they are spread evenly:
//!
//! - The ministry's bureau for small and medium enterprises published on 11 June 2021 how many of
//!   the 1,832 little giants of batches 1 and 2 each of the 37 authorities has
//!   (专精特新“小巨人”企业分布情况). Batch 1 has its share of each number here.
//! - With batch 3 the ministry published how many lie in the east, the middle and the west: 1,773,
//!   746 and 411. It did not list the provinces of each; here they are those of the National Bureau
//!   of Statistics.

mod cast;
mod events;
mod instruments;

use self::cast::Cast;
use crate::{
    domain::{self, PartialDate},
    protocol::pb,
};

const HISTORY: &str = include_str!("../../../data/history.csv");
const BY_AUTHORITY: &str = include_str!("../../../data/little-giants-by-authority.csv");
/// Little giants of batch 3 by part of the country.
pub const PARTS_OF_BATCH_3: [(&str, usize); 3] = [("east", 1_773), ("central", 746), ("west", 411)];
/// The programme whose batches are sealed.
const LITTLE_GIANT: &str = "little-giant";

/// A row of `history.csv`, and what is not in it: a part of the history.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Titles, measures, pools, instruments or assessments.
    pub what: &'static str,
    /// The id of the programme; empty if there is none.
    pub programme: &'static str,
    /// The batch, the round of a review, or the year of a pool.
    pub batch: &'static str,
    /// The fact: `noticed`, `designated`, `reviewed:1`.
    pub stage: &'static str,
    /// The enterprises or measures that it is about.
    pub count: usize,
    /// What was published, derived or assumed: in English and in Chinese.
    pub basis: [&'static str; 2],
    from: pb::Date,
    to: Option<pb::Date>,
    document: &'static str,
}

impl Chapter {
    /// Its day.
    #[must_use]
    pub fn day(&self) -> pb::Date {
        self.from
    }

    fn of([what, programme, batch, stage, count, from, to, document, en, zh]: Row) -> Option<Self> {
        let (count, from, to) = (count.parse().ok()?, day(from)?, day(to));
        Some(Self { what, programme, batch, stage, count, basis: [en, zh], from, to, document })
    }

    /// A part that is about no list.
    fn apart(what: &'static str, count: usize, from: pb::Date, basis: [&'static str; 2]) -> Self {
        let (programme, batch, stage, to, document) = ("", "", "", None, "");
        Self { what, programme, batch, stage, count, basis, from, to, document }
    }

    fn is_of_same_batch(&self, other: &Self) -> bool {
        (self.what, self.programme, self.batch) == (other.what, other.programme, other.batch)
    }
}

type Row = [&'static str; 10];

/// The history in its order: each part with its events.
pub fn chapters() -> impl Iterator<Item = (Chapter, Vec<pb::Event>)> + Send {
    let mut cast = Cast::new();
    let rows = rows();
    let lists = (0..rows.len()).filter_map(move |at| {
        let row = rows.get(at)?;
        let mut events = cast.events(row);
        // The last row of a batch is followed by the seals of its sub-lists and its own.
        let goes_on = rows.get(at + 1).is_some_and(|next| next.is_of_same_batch(row));
        if row.programme == LITTLE_GIANT && !goes_on {
            let days = rows.iter().filter(|other| other.is_of_same_batch(row)).map(|row| row.from);
            let last = days.max_by_key(|date| (date.year, date.month, date.day));
            events.extend(cast.seals(row, last.unwrap_or(row.from)));
        }
        Some((row.clone(), events))
    });
    lists.chain([instruments::all(), instruments::assessment()])
}

/// The events of all parts.
#[must_use]
pub fn size() -> usize {
    let rows = rows();
    let lists: usize = rows.iter().map(|row| row.count).sum();
    let mut batches: Vec<_> = rows.iter().filter(|row| row.programme == LITTLE_GIANT).collect();
    batches.dedup_by(|row, other| row.is_of_same_batch(other));
    let apart = instruments::all().1.len() + instruments::assessment().1.len();
    lists + batches.len() * (little_giants_by_authority().len() + 1) + apart
}

/// Little giants of batches 1 and 2, and the part of the country, by authority.
#[must_use]
pub fn little_giants_by_authority() -> Vec<(&'static str, usize, &'static str)> {
    let row = |[authority, count, part]: [&'static str; 3]| {
        count.parse().ok().map(|count| (authority, count, part))
    };
    domain::table(BY_AUTHORITY).into_iter().filter_map(row).collect()
}

fn rows() -> Vec<Chapter> {
    domain::table(HISTORY).into_iter().filter_map(Chapter::of).collect()
}

/// A day or a month. `None` for an empty text.
fn day(text: &str) -> Option<pb::Date> {
    let (year, month, day) = PartialDate::parse_iso(text).ok()?.parts();
    Some(pb::Date { year, month, day })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_the_size_is_that_of_the_events() {
        assert_eq!(rows().len(), HISTORY.lines().count() - 1);
        assert_eq!(little_giants_by_authority().len(), 37);
        let events: usize = chapters().map(|(_, events)| events.len()).sum();
        assert_eq!(events, size());
        for (chapter, _) in chapters() {
            assert!(chapter.basis.iter().all(|basis| !basis.is_empty()), "{chapter:?}");
        }
    }
}
