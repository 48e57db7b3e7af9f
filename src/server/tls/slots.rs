//! Places for handshakes: how many there may be at once, and who gives way when all are taken.
//!
//! A handshake of an honest peer lasts for a few exchanges. So whoever has been at it for the
//! longest is the least likely to be one.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::domain::{Claim, Holdings, Party};

/// The places.
pub(super) struct Slots {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next_id: u64,
    held: Holdings,
    /// In the order in which they came.
    open: BTreeMap<u64, (Party, CancellationToken)>,
}

/// A place, until dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    id: u64,
    /// Cancelled when the handshake must give way.
    pub(super) leave: CancellationToken,
}

impl Slots {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// Gives a place to a newcomer. If all are taken, the newest handshake of the party that has
    /// the most gives way. If nobody has more than the newcomer's, its own oldest one does, or the
    /// oldest of all if it has none.
    pub(super) fn take(self: &Arc<Self>, party: Party) -> Slot {
        let mut taken = self.taken.lock();
        if taken.open.len() >= self.most {
            let limit = u64::try_from(self.most).unwrap_or(u64::MAX);
            let victims = taken.held.victims(party, 1, limit);
            let victim = victims.and_then(|victims| victims.first().map(|claim| claim.id));
            if let Some(id) = victim.or_else(|| taken.oldest_for(party))
                && let Some(leave) = taken.remove(id)
            {
                leave.cancel();
            }
        }
        let (id, leave) = (taken.next_id, CancellationToken::new());
        taken.next_id += 1;
        taken.held.set(Claim { party, id }, 1, true);
        taken.open.insert(id, (party, leave.clone()));
        Slot { slots: Arc::clone(self), id, leave }
    }
}

impl Taken {
    /// The oldest handshake of a party, or of all if it has none.
    fn oldest_for(&self, party: Party) -> Option<u64> {
        let is_own = |(_, (of, _)): &(&u64, &(Party, CancellationToken))| *of == party;
        let own = (self.held.of(party) > 0).then(|| self.open.iter().find(is_own)).flatten();
        own.or_else(|| self.open.iter().next()).map(|(id, _)| *id)
    }

    fn remove(&mut self, id: u64) -> Option<CancellationToken> {
        let (party, leave) = self.open.remove(&id)?;
        self.held.remove(Claim { party, id });
        Some(leave)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.taken.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn remote(host: u8) -> Party {
        Party::of(([192, 0, 2, host], 9).into())
    }

    fn local(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn left(slots: &[Slot]) -> Vec<usize> {
        (0..slots.len()).filter(|at| slots[*at].leave.is_cancelled()).collect()
    }

    #[test]
    fn whoever_has_the_most_gives_way_first() {
        let slots = Slots::new(4);
        let mut taken: Vec<_> = [8, 7, 7, 7].map(|host| slots.take(remote(host))).into();
        assert_eq!(left(&taken), [0; 0], "there is room for four");
        taken.push(slots.take(remote(9)));
        assert_eq!(left(&taken), [3], "the newest of the one that has three");
        assert!(!taken.pop().unwrap().leave.is_cancelled());
        taken.push(slots.take(remote(9)));
        assert_eq!(left(&taken), [3], "a place that was given back is free");
        taken.push(slots.take(remote(7)));
        assert_eq!(left(&taken), [1, 3], "its own oldest, for the one that has the most");
    }

    #[test]
    fn among_equals_the_oldest_gives_way() {
        let slots = Slots::new(3);
        let taken: Vec<_> = (1..=5).map(|port| slots.take(local(port))).collect();
        assert_eq!(left(&taken), [0, 1]);
        assert_eq!(slots.taken.lock().open.len(), 3);
    }
}
