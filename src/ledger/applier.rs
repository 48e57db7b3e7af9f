//! The applier: takes leaves from outside into a ledger that follows another one.
//!
//! It decides nothing. Somebody who follows a leader hands in leaves in the order of the log, and
//! the root that the log has with them. They take the road of commits: the queue, the writer, the
//! open group, the flusher, the publisher. So they are durable before they are visible, and a
//! commit is visible whole or not at all.
//!
//! ```text
//! Ledger::decode   any thread: hashes the bytes anew, decodes ahead of the turn
//! Applier::take    the writer: position, root, then commit after commit → stage → seal → group
//! ```
//!
//! Nothing of leaves whose root differs is applied. The end of a commit may come with later leaves;
//! until then its beginning waits here, and nobody sees it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    AppendError, Ledger,
    decoded::{self, Decoded},
    event_reader::{self, EventReader},
    place,
    state::State,
};
use crate::{
    domain::{
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    limits::{
        COMMIT_EVENTS_MAX, ENVELOPE_BYTES_MAX, LEAF_BYTES_MAX, LEAF_OVERHEAD_BYTES, LOG_EVENTS_MAX,
    },
    log::{ChunkWriter, LeafAt, LogError},
    merkle::Hash,
    protocol::{batch::Frame, event},
};

/// Consecutive leaves of another copy of the log. They may begin and end within a commit.
#[derive(Clone, Debug)]
pub struct Leaves {
    /// Position of the first.
    pub first: u64,
    /// The leaves and withheld places.
    pub frames: Vec<Frame>,
    /// The Merkle root over everything below their end.
    pub root: Hash,
}

/// Leaves that were hashed and decoded, for [`Ledger::apply`].
pub struct DecodedLeaves {
    leaves: Leaves,
    hashes: Result<Vec<Hash>, LogError>,
    /// The catalogue that they were decoded with.
    catalogue: Arc<Catalogue>,
    /// True if they adopt another one.
    adopts: bool,
    decoded: Vec<Decoded>,
    /// The first leaf that cannot be read.
    unreadable: Option<LogError>,
}

/// How far a ledger is that has applied leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Size of the log, which is durable.
    pub size: u64,
    /// Commits that were applied.
    pub commits: u64,
    /// Their events.
    pub events: u64,
}

/// Why leaves were not applied, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The ledger does not follow another one.
    #[error("this ledger takes appends; it follows no other one")]
    NotFollowing,
    /// They do not follow what is here. Nothing was applied.
    #[error("the leaves begin at position {found}, and {expected} is next")]
    Gap {
        /// The position that is next here.
        expected: u64,
        /// The position at which they begin.
        found: u64,
    },
    /// The log has another root with them. Nothing was applied.
    #[error("the log with {size} events has another Merkle root than the leader states")]
    OtherRoot {
        /// Size of the log with them.
        size: u64,
    },
    /// An event is outside its commit. The commits before it were applied.
    #[error("the event at position {position} is not the next one of its commit")]
    BrokenCommit {
        /// Position of the event.
        position: u64,
    },
    /// A leaf cannot be read by this version. The commits before it were applied.
    #[error(transparent)]
    Unreadable(LogError),
    /// Nothing can be recorded just now. Nothing was applied.
    #[error(transparent)]
    Refused(#[from] AppendError),
}

/// The outcome for leaves.
pub(super) type Outcome = Result<Applied, ApplyError>;

/// The answer to leaves, on its way to the one who handed them in.
pub(super) type PendingOutcome = (oneshot::Sender<Outcome>, Outcome);

impl Leaves {
    fn places(&self) -> impl Iterator<Item = LeafAt> {
        (self.first..).zip(&self.frames).map(|(position, frame)| LeafAt {
            position,
            withheld: frame.withheld,
            bytes: frame.bytes.clone(),
            framed: Bytes::new(),
            frame: 0..0,
        })
    }

    /// Their bytes in the log, nearly.
    fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.bytes.len()).sum()
    }
}

impl DecodedLeaves {
    fn new(leaves: Leaves, catalogue: &Arc<Catalogue>) -> Self {
        let hashes = leaves.places().map(|place| {
            if place.bytes.len() > LEAF_BYTES_MAX {
                let detail = format!("a leaf has {} bytes", place.bytes.len());
                return Err(LogError::damaged(place.position, detail));
            }
            place::leaf_hash(place.position, &place.as_frame())
        });
        let hashes: Result<Vec<_>, _> = hashes.collect();
        let mut this = Self {
            leaves,
            hashes,
            catalogue: Arc::clone(catalogue),
            adopts: false,
            decoded: Vec::new(),
            unreadable: None,
        };
        let mut adopts = false;
        this.decode(|position, body| {
            let event = event::stored_event(catalogue, body)
                .map_err(|error| event_reader::unreadable(position, error))?;
            let adopted = event.fact.adopted_catalogue();
            adopts |= adopted.is_some_and(|sha256| *sha256 != catalogue.sha256);
            Ok(event)
        });
        this.adopts = adopts;
        this
    }

    /// Decodes as many as can be read.
    fn decode(&mut self, mut read: impl FnMut(u64, &[u8]) -> Result<Event, LogError>) {
        let Ok(hashes) = &self.hashes else { return };
        self.decoded = Vec::with_capacity(hashes.len());
        self.unreadable = None;
        for (place, hash) in self.leaves.places().zip(hashes) {
            match Decoded::of(&place, *hash, &mut read) {
                Ok(decoded) => self.decoded.push(decoded),
                Err(error) => {
                    self.unreadable = Some(error);
                    return;
                }
            }
        }
    }

    /// Their bytes in the log, nearly.
    pub(super) fn bytes(&self) -> usize {
        self.leaves.bytes()
    }

    /// Most bytes that they take in the log, with their hashes.
    pub(super) fn bytes_max(&self) -> u64 {
        let overhead = self.leaves.frames.len() * LEAF_OVERHEAD_BYTES + ENVELOPE_BYTES_MAX;
        (self.leaves.bytes() + overhead) as u64
    }
}

/// Takes leaves into the state of the writer.
pub(super) struct Applier {
    reader: EventReader,
    /// The beginning of a commit whose end has not come yet, with its bytes.
    open: Vec<(Decoded, Frame)>,
    /// The leaf hashes of `open`.
    open_hashes: Vec<Hash>,
}

impl Applier {
    /// Goes on after everything that `reader` has read.
    pub(super) fn new(reader: EventReader) -> Self {
        Self { reader, open: Vec::new(), open_hashes: Vec::new() }
    }

    /// The catalogues adopted so far.
    pub(super) fn catalogues(&self) -> &Arc<Catalogues> {
        self.reader.catalogues()
    }

    /// Applies the commits that end in these leaves, and adds them to `chunks`.
    pub(super) fn take(
        &mut self,
        state: &mut State,
        chunks: &mut ChunkWriter,
        mut leaves: DecodedLeaves,
    ) -> Outcome {
        self.require_next(state, &mut leaves)?;
        self.require_root(state, &leaves)?;
        let first = leaves.leaves.first;
        self.reader.seek(first);
        if leaves.adopts || !Arc::ptr_eq(&leaves.catalogue, self.reader.current()) {
            let reader = &mut self.reader;
            leaves.decode(|position, body| reader.read(position, body));
        }
        let DecodedLeaves { leaves, hashes, decoded, unreadable, .. } = leaves;
        let hashes = hashes.unwrap_or_default();
        state.prefetch(decoded.iter().filter_map(Decoded::event));
        let before = state.size();
        let mut commits = 0;
        for ((decoded, frame), hash) in decoded.into_iter().zip(leaves.frames).zip(hashes) {
            self.require_commit(&decoded)?;
            if let Some(event) = decoded.event() {
                self.reader.require_known_rules(event).map_err(ApplyError::Unreadable)?;
            }
            let ends_commit = decoded.ends_commit;
            self.open.push((decoded, frame));
            self.open_hashes.push(hash);
            if ends_commit {
                self.seal(state, chunks)?;
                commits += 1;
            }
        }
        match unreadable {
            Some(error) => Err(ApplyError::Unreadable(error)),
            None => Ok(Applied { size: state.size(), commits, events: state.size() - before }),
        }
    }

    /// Refuses leaves that do not follow what is here. Those that begin behind the last whole
    /// commit come from a new stream: what waits of the next one is dropped.
    fn require_next(
        &mut self,
        state: &State,
        leaves: &mut DecodedLeaves,
    ) -> Result<(), ApplyError> {
        let (size, found) = (state.size(), leaves.leaves.first);
        if found == size {
            self.open.clear();
            self.open_hashes.clear();
        }
        let expected = size + self.open.len() as u64;
        if found != expected {
            return Err(ApplyError::Gap { expected, found });
        }
        if found + leaves.leaves.frames.len() as u64 > LOG_EVENTS_MAX {
            return Err(AppendError::LogFull.into());
        }
        Ok(())
    }

    /// Refuses leaves with which the log has another root.
    fn require_root(&self, state: &State, leaves: &DecodedLeaves) -> Result<(), ApplyError> {
        let hashes = match &leaves.hashes {
            Ok(hashes) => hashes,
            Err(LogError::Damaged { position, detail }) => {
                let error = LogError::damaged(*position, detail.clone());
                return Err(ApplyError::Unreadable(error));
            }
            Err(_) => return Err(ApplyError::OtherRoot { size: leaves.leaves.first }),
        };
        let mut frontier = state.frontier().clone();
        self.open_hashes.iter().chain(hashes).for_each(|hash| frontier.push(*hash));
        if frontier.root() == leaves.leaves.root {
            Ok(())
        } else {
            Err(ApplyError::OtherRoot { size: frontier.size() })
        }
    }

    /// Refuses an event that is not the next one of its commit.
    fn require_commit(&self, decoded: &Decoded) -> Result<(), ApplyError> {
        let position = decoded.position;
        let first = self.open.first().map_or(position, |(first, _)| first.position);
        let is_next = decoded.commit_first == first && self.open.len() < COMMIT_EVENTS_MAX;
        if is_next { Ok(()) } else { Err(ApplyError::BrokenCommit { position }) }
    }

    /// Applies the open commit, and adds its bytes to `chunks`.
    fn seal(&mut self, state: &mut State, chunks: &mut ChunkWriter) -> Result<(), ApplyError> {
        let (commit, frames): (Vec<_>, Vec<_>) = self.open.drain(..).unzip();
        let needs = decoded::seal_commit(state, &commit, self.reader.catalogues());
        let needs = needs.map_err(ApplyError::Unreadable)?;
        let hashes = std::mem::take(&mut self.open_hashes);
        chunks.require_format(needs);
        let last = frames.len().saturating_sub(1);
        for (at, (frame, hash)) in frames.into_iter().zip(hashes).enumerate() {
            chunks.push_frame(&frame, hash, at == last);
        }
        Ok(())
    }
}

impl Ledger {
    /// True if this ledger follows another one: it takes leaves, and no appends.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.shared.is_following
    }

    /// Hashes and decodes leaves for [`Ledger::apply`]. It takes processor time and reads nothing:
    /// any thread may do it, ahead of the turn.
    #[must_use]
    pub fn decode(&self, leaves: Leaves) -> DecodedLeaves {
        DecodedLeaves::new(leaves, self.catalogues().in_use())
    }

    /// Applies leaves; gives how far the ledger is once that is durable and visible. Calls take
    /// effect in their order.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub fn apply(
        &self,
        leaves: DecodedLeaves,
    ) -> impl Future<Output = Result<Applied, ApplyError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let pushed = match self.is_following() {
            true => self.queue.push_leaves(leaves, reply).map_err(ApplyError::from),
            false => Err(ApplyError::NotFollowing),
        };
        async move {
            pushed?;
            answer.await.unwrap_or(Err(AppendError::Unknown.into()))
        }
    }
}
