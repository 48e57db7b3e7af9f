//! Who made how many cursors since the server started: a cursor stays, so nobody may use up all.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    domain::Party,
    limits::{CURSORS_MAX, CURSORS_OF_PARTY_MAX},
};

/// The cursors that were made since the server started and are still there, by who made them.
#[derive(Clone, Debug, Default)]
pub(super) struct Creators(Arc<Mutex<Made>>);

#[derive(Debug, Default)]
struct Made {
    by: HashMap<String, Party>,
    counts: HashMap<Party, u64>,
}

impl Creators {
    /// The most cursors that a party may have made, if it has made as many; `kept` is the number of
    /// all cursors. Another machine may make a fixed number. A caller on this machine may make as
    /// many as it leaves to others.
    pub(super) fn limit_reached(&self, party: Party, kept: u64) -> Option<u64> {
        let made = self.0.lock().counts.get(&party).copied().unwrap_or(0);
        let limit = match party {
            Party::Remote(_) => CURSORS_OF_PARTY_MAX,
            Party::Local(_) => (CURSORS_MAX.saturating_sub(kept) + made) / 2,
            Party::Server => return None,
        };
        // The last one is for whoever asks.
        (made >= limit.max(1)).then_some(limit)
    }

    pub(super) fn made(&self, id: &str, party: Party) {
        let mut made = self.0.lock();
        made.by.insert(id.to_owned(), party);
        *made.counts.entry(party).or_default() += 1;
    }

    pub(super) fn deleted(&self, id: &str) {
        let mut made = self.0.lock();
        let Some(party) = made.by.remove(id) else { return };
        if let Some(count) = made.counts.get_mut(&party) {
            *count -= 1;
            if *count == 0 {
                made.counts.remove(&party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn another_machine_makes_a_fixed_number() {
        let (creators, party) = (Creators::default(), Party::of(([192, 0, 2, 1], 9).into()));
        for number in 0..CURSORS_OF_PARTY_MAX {
            assert_eq!(creators.limit_reached(party, number), None);
            creators.made(&number.to_string(), party);
        }
        let limit = Some(CURSORS_OF_PARTY_MAX);
        assert_eq!(creators.limit_reached(party, CURSORS_OF_PARTY_MAX), limit);
        creators.deleted("7");
        creators.deleted("7");
        assert_eq!(creators.limit_reached(party, CURSORS_OF_PARTY_MAX - 1), None);
    }

    #[test]
    fn a_caller_on_this_machine_leaves_as_many_as_it_makes() {
        let creators = Creators::default();
        let mut kept = 0;
        let mut fill = |party| {
            let began = kept;
            while creators.limit_reached(party, kept).is_none() && kept < CURSORS_MAX {
                creators.made(&kept.to_string(), party);
                kept += 1;
            }
            kept - began
        };
        assert_eq!(fill(local(1)), CURSORS_MAX / 2);
        assert_eq!(fill(local(2)), CURSORS_MAX / 4);
        assert!(fill(local(3)) > 0);
    }
}
