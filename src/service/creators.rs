//! Who made how many cursors since the server started, and with how large filters: a cursor stays,
//! so nobody may use up all.
//!
//! A cursor counts from before the first thing that is awaited for it. So calls at once get no more
//! than calls in turn, and one whose caller goes is counted like any other.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    cursors::Usage,
    domain::Party,
    limits::{
        CURSOR_FILTERS_BYTES_MAX, CURSOR_FILTERS_OF_PARTY_BYTES_MAX, CURSORS_LEFT_PART,
        CURSORS_MAX, CURSORS_OF_PARTY_MAX,
    },
};

/// The cursors that were made since the server started and are still there, by who made them.
#[derive(Clone, Debug)]
pub(super) struct Creators {
    /// What callers on the server's machine may have with all others.
    of_machine: Usage,
    made: Arc<Mutex<Made>>,
}

#[derive(Debug, Default)]
struct Made {
    by: HashMap<String, (Party, Usage)>,
    /// What other machines have made, or are about to.
    of: HashMap<Party, Usage>,
    /// What is about to be made.
    reserved: Usage,
}

/// A cursor that is about to be made. Dropping it gives its part back.
#[derive(Debug)]
pub(super) struct Reservation {
    made: Arc<Mutex<Made>>,
    party: Party,
    one: Usage,
}

/// The limit that one more cursor would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// The cursors that a caller may make.
    Cursors(u64),
    /// The bytes of their filters.
    Bytes(u64),
}

impl Creators {
    /// For a server that other machines can call, or only its own.
    pub(super) fn new(others_can_call: bool) -> Self {
        let left = |all: u64| if others_can_call { all / CURSORS_LEFT_PART } else { 0 };
        let of_machine = Usage {
            cursors: CURSORS_MAX - left(CURSORS_MAX),
            filter_bytes: CURSOR_FILTERS_BYTES_MAX - left(CURSOR_FILTERS_BYTES_MAX),
        };
        Self { of_machine, made: Arc::default() }
    }

    /// Takes the part of one more cursor, with a filter of `bytes`. `kept` are those that exist.
    ///
    /// Another machine, or a principal, may make a fixed number. All other callers on the server's
    /// machine are one here, because a connection is gone sooner than a cursor.
    pub(super) fn reserve(
        &self,
        party: Party,
        bytes: u64,
        kept: Usage,
    ) -> Result<Reservation, Short> {
        let one = Usage { cursors: 1, filter_bytes: bytes };
        let mut made = self.made.lock();
        let mut all = kept;
        all += made.reserved;
        match party {
            Party::Remote(_) | Party::Principal(_) => {
                let own = made.of.get(&party).copied().unwrap_or_default();
                let most = Usage {
                    cursors: CURSORS_OF_PARTY_MAX,
                    filter_bytes: CURSOR_FILTERS_OF_PARTY_BYTES_MAX,
                };
                require_room(own, one, most)?;
            }
            Party::Local(_) | Party::User(_) => require_room(all, one, self.of_machine)?,
            Party::Server => {}
        }
        made.reserved += one;
        if party.is_bounded() {
            *made.of.entry(party).or_default() += one;
        }
        Ok(Reservation { made: Arc::clone(&self.made), party, one })
    }

    /// Forgets a cursor, once it is deleted.
    pub(super) fn deleted(&self, id: &str) {
        let mut made = self.made.lock();
        if let Some((party, one)) = made.by.remove(id) {
            made.take_off(party, one);
        }
    }
}

fn require_room(have: Usage, one: Usage, most: Usage) -> Result<(), Short> {
    if have.cursors + one.cursors > most.cursors {
        return Err(Short::Cursors(most.cursors));
    }
    if have.filter_bytes + one.filter_bytes > most.filter_bytes {
        return Err(Short::Bytes(most.filter_bytes));
    }
    Ok(())
}

impl Reservation {
    /// Counts the cursor until it is deleted.
    pub(super) fn made(self, id: &str) {
        if !self.party.is_bounded() {
            return;
        }
        let mut made = self.made.lock();
        // Beside what is reserved, which is given back at the end.
        *made.of.entry(self.party).or_default() += self.one;
        made.by.insert(id.to_owned(), (self.party, self.one));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut made = self.made.lock();
        made.reserved -= self.one;
        made.take_off(self.party, self.one);
    }
}

impl Made {
    fn take_off(&mut self, party: Party, one: Usage) {
        let Some(of) = self.of.get_mut(&party) else { return };
        *of -= one;
        if *of == Usage::default() {
            self.of.remove(&party);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn local(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn remote(host: u8) -> Party {
        Party::of(([192, 0, 2, host], 9).into())
    }

    fn kept(cursors: u64, filter_bytes: u64) -> Usage {
        Usage { cursors, filter_bytes }
    }

    const NONE: Usage = Usage { cursors: 0, filter_bytes: 0 };

    #[test]
    fn calls_at_once_get_no_more_than_calls_in_turn() {
        let creators = Creators::new(true);
        let most = CURSORS_OF_PARTY_MAX;
        let mut begun: Vec<_> =
            (0..most).map(|_| creators.reserve(remote(1), 1, NONE).unwrap()).collect();
        assert_eq!(creators.reserve(remote(1), 1, NONE).unwrap_err(), Short::Cursors(most));
        creators.reserve(remote(2), 1, NONE).unwrap();
        // One that is not made gives its part back, one that is made keeps it until it is deleted.
        drop(begun.pop());
        creators.reserve(remote(1), 1, NONE).unwrap().made("one");
        creators.reserve(remote(1), 1, NONE).unwrap_err();
        creators.deleted("one");
        creators.deleted("one");
        creators.reserve(remote(1), 1, NONE).unwrap();
        drop(begun);
        assert!(creators.made.lock().of.is_empty());
        assert_eq!(creators.made.lock().reserved, NONE);
    }

    #[test]
    fn the_filters_of_another_machine_have_their_bytes_and_no_more() {
        let creators = Creators::new(true);
        let most = CURSOR_FILTERS_OF_PARTY_BYTES_MAX;
        creators.reserve(remote(1), most + 1, NONE).unwrap_err();
        let _most = creators.reserve(remote(1), most, NONE).unwrap();
        assert_eq!(creators.reserve(remote(1), 1, NONE).unwrap_err(), Short::Bytes(most));
        creators.reserve(remote(1), 0, NONE).unwrap();
    }

    #[test]
    fn this_machine_leaves_a_part_to_others_if_they_can_call() {
        let part = CURSORS_MAX / CURSORS_LEFT_PART;
        let creators = Creators::new(true);
        let nearly = kept(CURSORS_MAX - part - 1, 0);
        let last = creators.reserve(local(1), 1, nearly).unwrap();
        // Whatever the connection.
        let limit = Short::Cursors(CURSORS_MAX - part);
        assert_eq!(creators.reserve(local(2), 1, nearly).unwrap_err(), limit);
        creators.reserve(remote(1), 1, kept(CURSORS_MAX - part, 0)).unwrap();
        drop(last);
        creators.reserve(local(2), 1, nearly).unwrap();
        let bytes = CURSOR_FILTERS_BYTES_MAX - CURSOR_FILTERS_BYTES_MAX / CURSORS_LEFT_PART;
        creators.reserve(local(1), 1, kept(1, bytes - 1)).unwrap();
        let short = creators.reserve(local(1), 1, kept(1, bytes)).unwrap_err();
        assert_eq!(short, Short::Bytes(bytes));
        // Nobody else can come: it may have all.
        let creators = Creators::new(false);
        creators.reserve(local(1), 1, kept(CURSORS_MAX - 1, 0)).unwrap();
        creators.reserve(local(1), 1, kept(CURSORS_MAX, 0)).unwrap_err();
    }
}
