//! Subscribers: those that the simulation moves step by step, and those that run freely beside it.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use parking_lot::Mutex;
use prost::Message as _;
use tidu::{
    domain::kind::Kind,
    ledger::Ledger,
    log::{Chunk, LeafAt},
    protocol::pb,
    register::Interest,
};

use super::model::{PROVINCES, Said, Stored, World};
use crate::support::{authority, simulated_disk::Disk};

/// What a subscriber wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Everything,
    Designations,
    Support,
    /// By its place in [`PROVINCES`].
    Province(usize),
    SupportOf(usize),
}

pub const WANTS: [Wants; 6] = [
    Wants::Everything,
    Wants::Designations,
    Wants::Support,
    Wants::Province(0),
    Wants::Province(1),
    Wants::SupportOf(1),
];

impl Wants {
    pub fn matches(self, event: &Stored) -> bool {
        let supports = matches!(event.said, Said::Supported(..));
        let of = |place| World::province(event.said.enterprise()) == place;
        match self {
            Self::Everything => true,
            Self::Designations => matches!(event.said, Said::Designated(_)),
            Self::Support => supports,
            Self::Province(place) => of(place),
            Self::SupportOf(place) => supports && of(place),
        }
    }

    pub fn interest(self) -> Interest {
        let mut interest = Interest::default();
        let kind = match self {
            Self::Designations => Some("designated"),
            Self::Support | Self::SupportOf(_) => Some("support_granted"),
            _ => None,
        };
        if let Some(kind) = kind {
            interest.kind(Kind::from_name(kind).unwrap());
        }
        if let Self::Province(place) | Self::SupportOf(place) = self {
            interest.authority(authority(PROVINCES[place]));
        }
        interest
    }
}

/// What one read gave: as one message of a stream would, with the place to go on from.
pub struct Delivery {
    pub from: u64,
    pub next: u64,
    pub leaves: Vec<LeafAt>,
}

/// One that reads when the simulation lets it, from where it had got to.
pub struct Subscriber {
    pub wants: Wants,
    pub next: u64,
    /// Positions it was given on this stream; a stream goes on over restarts.
    pub given: Vec<u64>,
    /// Every place to go on from that it was ever told.
    pub bookmarks: Vec<u64>,
    /// Reads in this many of 100 steps.
    pub zeal: u8,
}

impl Subscriber {
    pub fn new(wants: Wants, random: &mut Rng) -> Self {
        let zeal = [2, 15, 60][random.usize(0..3)];
        Self { wants, next: 0, given: Vec::new(), bookmarks: vec![0], zeal }
    }

    /// Goes back to a place that it was told.
    pub fn resume(&mut self, random: &mut Rng) {
        self.next = self.bookmarks[random.usize(0..self.bookmarks.len())];
        self.given.clear();
    }

    /// Reads once, about so many bytes, as a stream of the service does.
    pub async fn read(&mut self, ledger: &Ledger, bytes: usize) -> Delivery {
        let from = self.next;
        let (leaves, next) = if self.wants == Wants::Everything {
            let chunks = ledger.chunks(from, bytes).await.unwrap();
            let leaves = chunks.iter().flat_map(Chunk::leaves);
            let leaves = leaves.filter(|leaf| leaf.position >= from).collect();
            (leaves, chunks.last().map_or(from, Chunk::next))
        } else {
            let interest = self.wants.interest();
            let size = ledger.durable().size;
            let (positions, examined) = ledger.matching(&interest, from, size, 1 + bytes / 64);
            let leaves = ledger.pick(&positions, bytes).await.unwrap();
            let next = positions.get(leaves.len()).copied().unwrap_or(examined);
            (leaves, next)
        };
        self.next = next;
        self.given.extend(leaves.iter().map(|leaf| leaf.position));
        self.bookmarks.push(next);
        Delivery { from, next, leaves }
    }
}

/// What a free subscriber has seen: leaves from position 0 on.
pub type Seen = Arc<Mutex<Vec<Bytes>>>;

/// Follows the log as fast as it can, until it is stopped. How often it is woken is up to the
/// threads.
pub async fn follow(ledger: Arc<Ledger>, disk: Arc<Disk>, seen: Seen) {
    let mut watch = ledger.watch();
    loop {
        let from = seen.lock().len() as u64;
        let chunks = ledger.chunks(from, 1).await.unwrap();
        for leaf in chunks.iter().flat_map(Chunk::leaves).filter(|leaf| leaf.position >= from) {
            assert!(leaf.position < disk.size(), "durable before visible");
            let event = pb::RecordedEvent::decode(leaf.bytes.clone()).unwrap();
            let mut seen = seen.lock();
            assert_eq!(event.position, Some(seen.len() as u64), "contiguous");
            seen.push(leaf.bytes);
        }
        let stands_still = seen.lock().len() as u64 == from;
        assert!(chunks.is_empty() || !stands_still, "contiguous: a chunk without its events");
        if chunks.is_empty() && watch.changed().await.is_err() {
            return;
        }
    }
}
