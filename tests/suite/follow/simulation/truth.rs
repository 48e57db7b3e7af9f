//! The plain model: the leaves of the one history, in their order, and nothing else.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tidu::{
    ledger::place,
    log::{Chunk, LeafAt},
    merkle::Hash,
    protocol::{
        leaf::Withheld,
        pb::{self, event::Fact},
    },
};

use crate::support::simulated_disk::Disk;

/// The record of the leaders of the history.
#[derive(Default)]
pub struct Truth {
    hashes: Vec<Hash>,
    /// Where commits end.
    ends: HashSet<u64>,
    subtrees: HashMap<(usize, usize), Hash>,
    /// The withheld places that were ever made, as they are stored.
    pub places: HashSet<(u64, Bytes)>,
    /// Adoptions of catalogues, and of rules.
    pub adoptions: [usize; 2],
}

fn hash_of(leaf: &LeafAt) -> Hash {
    if leaf.withheld {
        let place = Withheld::decode(leaf.bytes.clone()).unwrap();
        return place.leaf_hash.as_ref().try_into().unwrap();
    }
    Sha256::new().chain_update([0]).chain_update(&leaf.bytes).finalize().into()
}

impl Truth {
    pub fn size(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// Learns what a leader has synced.
    pub fn learn(&mut self, disk: &Disk) {
        let from = self.size();
        for leaf in disk.chunks(from).iter().flat_map(Chunk::leaves) {
            if leaf.position < from {
                continue;
            }
            assert_eq!(leaf.position, self.size(), "the leader has left a position out");
            self.hashes.push(hash_of(&leaf));
            let envelope = place::envelope(&leaf).unwrap();
            self.note_adoption(&envelope.event);
            let part = envelope.commit.unwrap();
            let first = part.first_position.unwrap();
            if self.size() == first + u64::from(part.size) {
                self.ends.insert(self.size());
            }
        }
    }

    fn note_adoption(&mut self, body: &[u8]) {
        let fact = pb::Event::decode(body).ok().and_then(|event| event.fact);
        match fact {
            Some(Fact::CatalogueAdopted(_)) => self.adoptions[0] += 1,
            Some(Fact::RulesAdopted(_)) => self.adoptions[1] += 1,
            _ => {}
        }
    }

    /// What a log has from one position to another is the history.
    pub fn require_beginning(&self, who: &str, disk: &Disk, (from, size): (u64, u64)) {
        let mut next = from;
        for leaf in disk.chunks(from).iter().flat_map(Chunk::leaves) {
            if leaf.position < from || leaf.position >= size {
                continue;
            }
            let position = usize::try_from(leaf.position).unwrap();
            assert_eq!(leaf.position, next, "{who} has left a position out");
            assert_eq!(hash_of(&leaf), self.hashes[position], "{who} has another event {position}");
            // A place tells its hash by itself: it must be one that somebody has made.
            let place = (leaf.position, leaf.bytes.clone());
            let is_made = !leaf.withheld || self.places.contains(&place);
            assert!(is_made, "{who} has made up the withheld place {position}");
            next += 1;
        }
        assert_eq!(next.max(from), size.max(from), "{who} lacks events below its size");
    }

    /// True if a commit ends at a size.
    pub fn is_end(&self, size: u64) -> bool {
        size == 0 || self.ends.contains(&size)
    }

    /// The Merkle tree hash of the first events, by the recursion of RFC 6962, section 2.1.
    pub fn root(&mut self, size: u64) -> Hash {
        match usize::try_from(size).unwrap() {
            0 => Sha256::digest([]).into(),
            size => self.subtree(0, size),
        }
    }

    fn subtree(&mut self, start: usize, count: usize) -> Hash {
        if count == 1 {
            return self.hashes[start];
        }
        if let Some(known) = self.subtrees.get(&(start, count)) {
            return *known;
        }
        let left_count = count.next_power_of_two() / 2;
        let left = self.subtree(start, left_count);
        let right = self.subtree(start + left_count, count - left_count);
        let node = Sha256::new().chain_update([1]).chain_update(left).chain_update(right);
        let root = node.finalize().into();
        self.subtrees.insert((start, count), root);
        root
    }
}
