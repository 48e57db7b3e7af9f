//! The positions of all cursors in memory, in order: who is behind, and by how much all are.
//!
//! A look at the slowest costs work for those alone, however many cursors there are.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use uuid::Uuid;

use super::CursorState;

/// The position of each cursor.
#[derive(Debug, Default)]
pub(super) struct Positions {
    by_id: HashMap<Arc<str>, (Uuid, u64)>,
    by_log: HashMap<Uuid, OfLog>,
}

/// The cursors whose positions belong to one log.
#[derive(Debug, Default)]
struct OfLog {
    /// The one that is farthest behind comes first.
    order: BTreeSet<(u64, Arc<str>)>,
    sum: u128,
}

/// How far the cursors are behind the end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// Number of all cursors.
    pub cursors: u64,
    /// The sum of the events that each of them has not passed.
    pub events: u128,
    /// The positions of those that are farthest behind, the last one first.
    pub slowest: Vec<(u64, Arc<str>)>,
}

impl Positions {
    /// Notes the state of a cursor after a change.
    pub(super) fn set(&mut self, id: &str, state: &CursorState) {
        self.remove(id);
        let id = Arc::<str>::from(id);
        let CursorState { next_position, log_id, .. } = *state;
        let of_log = self.by_log.entry(log_id).or_default();
        of_log.order.insert((next_position, Arc::clone(&id)));
        of_log.sum += u128::from(next_position);
        self.by_id.insert(id, (log_id, next_position));
    }

    /// Forgets a cursor.
    pub(super) fn remove(&mut self, id: &str) {
        let Some((id, (log_id, position))) = self.by_id.remove_entry(id) else { return };
        let Some(of_log) = self.by_log.get_mut(&log_id) else { return };
        if of_log.order.remove(&(position, id)) {
            of_log.sum -= u128::from(position);
        }
        if of_log.order.is_empty() {
            self.by_log.remove(&log_id);
        }
    }

    /// How far the cursors are behind the end of a log of this size, with at most so many of the
    /// slowest. The positions of cursors of other logs mean nothing here; they are only counted.
    pub(super) fn lags(&self, log_id: Uuid, size: u64, most: usize) -> Lags {
        let cursors = self.by_id.len() as u64;
        let Some(OfLog { order, sum }) = self.by_log.get(&log_id) else {
            return Lags { cursors, ..Lags::default() };
        };
        let all = u128::from(size) * order.len() as u128;
        let slowest = order.iter().take(most).cloned().collect();
        Lags { cursors, events: all.saturating_sub(*sum), slowest }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HERE: Uuid = Uuid::from_u128(7);

    fn at(next_position: u64, log_id: Uuid) -> CursorState {
        CursorState { next_position, log_id, created_micros: 1, advanced_micros: None }
    }

    #[test]
    fn positions_agree_with_a_plain_map_under_random_use() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut positions, mut plain) = (Positions::default(), BTreeMap::new());
        for _ in 0..5_000 {
            let id = format!("cursor-{}", random.u8(..40));
            if random.u8(..4) == 0 {
                positions.remove(&id);
                plain.remove(&id);
            } else {
                let log = if random.u8(..4) == 0 { Uuid::nil() } else { HERE };
                let state = at(random.u64(..1_000), log);
                positions.set(&id, &state);
                plain.insert(id, state);
            }
            let here = plain.iter().filter(|(_, state)| state.log_id == HERE);
            let mut order: Vec<_> = here.map(|(id, state)| (state.next_position, id)).collect();
            order.sort_unstable();
            let lags = positions.lags(HERE, 1_000, 5);
            let sum: u64 = order.iter().map(|(position, _)| 1_000 - position).sum();
            assert_eq!((lags.cursors, lags.events), (plain.len() as u64, u128::from(sum)));
            let slowest: Vec<_> = lags.slowest.iter().map(|(at, id)| (*at, &**id)).collect();
            let expected = order.iter().take(5).map(|(at, id)| (*at, id.as_str()));
            assert_eq!(slowest, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn cursors_of_other_logs_are_only_counted() {
        let mut positions = Positions::default();
        positions.set("a", &at(9, Uuid::nil()));
        let lags = Lags { cursors: 1, ..Lags::default() };
        assert_eq!(positions.lags(HERE, 20, 5), lags);
        positions.set("a", &at(9, HERE));
        assert_eq!(positions.lags(HERE, 20, 5).events, 11);
        assert_eq!(positions.lags(HERE, 20, 0).slowest, [], "at most none");
        assert_eq!(positions.lags(HERE, 5, 5).events, 0, "past the end of the log");
    }
}
