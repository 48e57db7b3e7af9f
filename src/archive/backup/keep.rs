//! Which generations are kept.

use super::Generation;
use crate::archive::ArchiveError;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// Which generations are kept, besides the newest. Without a rule, all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many, with the newest.
    pub generations: Option<u32>,
    /// Those of which an archive was written within so many days.
    pub days: Option<u32>,
}

impl Keep {
    /// The generations that no rule keeps, oldest first. `all` are in order. The newest is never
    /// among them, nor one whose age nobody knows where the age counts.
    ///
    /// # Errors
    /// As for [`super::Generation::manifest`] of the newest; an older one that is damaged has no
    /// age.
    pub fn removable(
        self,
        all: &[Generation],
        now_micros: i64,
    ) -> Result<Vec<Generation>, ArchiveError> {
        let Some((newest, older)) = all.split_last() else { return Ok(Vec::new()) };
        newest.manifest()?;
        if self == Self::default() {
            return Ok(Vec::new());
        }
        let kept = |(behind, generation): (usize, &Generation)| {
            let behind = u32::try_from(behind).unwrap_or(u32::MAX);
            let by_number = self.generations.is_some_and(|most| behind + 1 < most);
            by_number || self.days.is_some_and(|days| is_young(generation, days, now_micros))
        };
        let gone = older.iter().rev().enumerate().filter(|found| !kept(*found));
        let mut gone: Vec<_> = gone.map(|(_, generation)| generation.clone()).collect();
        gone.reverse();
        Ok(gone)
    }
}

fn is_young(generation: &Generation, days: u32, now_micros: i64) -> bool {
    let written = generation.written_micros();
    written.is_none_or(|written| {
        now_micros.saturating_sub(written) <= i64::from(days).saturating_mul(DAY_MICROS)
    })
}
