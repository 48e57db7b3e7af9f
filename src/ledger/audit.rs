//! The audit: checks a log without trusting any hash that was stored beside the events.
//!
//! A start trusts the stored leaf hashes: it has checksums and compares their root with the
//! high-water mark. The audit hashes every leaf again and checks each envelope. It serves to verify
//! a data directory or a serving log, to check an archive, and to build a log from one.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::{
    event_reader::EventReader,
    format,
    withheld::{NOT_ANNULLED, WithheldPlaces},
};
use crate::{
    domain::event::Fact,
    limits::{
        ALGORITHM_BYTES_MAX, HASHES_PER_BLOCK, ID_BYTES_MAX, KEY_ID_BYTES_MAX, SALT_BYTES,
        SIGNATURE_BYTES_MAX, SIGNATURES_MAX,
    },
    log::{CommitLog, FORMAT_SECOND, HashBlock, LogError},
    merkle::{self, Frontier, Hash},
    protocol::{
        batch::Frame,
        leaf::{CommitOf, Leaf, Signature},
        time::micros,
        withheld,
    },
};

/// The detail of damage to an event or to its stored hash.
pub(super) const UNLIKE_STORED: &str = "an event does not match its stored hash";

/// Checks leaves one after the other.
pub struct Audit {
    reader: EventReader,
    frontier: Frontier,
    /// The commit of the last leaf; `None` before the first leaf.
    commit: Option<CommitOf>,
    recorded_micros: Option<i64>,
    /// Room for a leaf or a withheld place that is encoded again.
    again: Vec<u8>,
    withheld: WithheldPlaces,
}

/// A leaf or withheld place as the audit found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Its hash.
    pub hash: Hash,
    /// The format that a log must have to hold it.
    pub needs: u16,
}

impl Audit {
    /// An audit from the first event on.
    #[must_use]
    pub fn new(reader: EventReader) -> Self {
        Self::after(reader, Frontier::default())
    }

    /// Goes on where another audit ended. `reader` knows every adoption below that place; the last
    /// event there was recorded at this time.
    #[must_use]
    pub fn resume(reader: EventReader, frontier: Frontier, recorded_micros: Option<i64>) -> Self {
        Self { recorded_micros, ..Self::after(reader, frontier) }
    }

    /// `reader` knows every adoption below the size of the frontier.
    fn after(mut reader: EventReader, frontier: Frontier) -> Self {
        reader.seek(frontier.size());
        Self {
            reader,
            frontier,
            commit: None,
            recorded_micros: None,
            again: Vec::new(),
            withheld: WithheldPlaces::default(),
        }
    }

    /// The reader of the events, which knows the catalogues adopted so far.
    #[must_use]
    pub fn reader(&self) -> &EventReader {
        &self.reader
    }

    /// The right frontier of the leaves so far.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// When the last leaf was recorded, in microseconds since 1970.
    #[must_use]
    pub fn recorded_micros(&self) -> Option<i64> {
        self.recorded_micros
    }

    /// Number of leaves so far: the position of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The Merkle root of the leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// True if the last leaf ends its commit.
    #[must_use]
    pub fn ends_commit(&self) -> bool {
        self.commit.as_ref().is_none_or(|commit| end_of(commit) == self.size())
    }

    /// Checks the next leaf or withheld place.
    ///
    /// # Errors
    /// [`LogError::Damaged`] at its position, with the reason.
    pub fn frame(&mut self, frame: &Frame) -> Result<Audited, LogError> {
        if frame.withheld { self.withheld_place(&frame.bytes) } else { self.leaf(&frame.bytes) }
    }

    /// Checks a withheld place. Its leaf hash is believed here: the root shows whether it is right.
    fn withheld_place(&mut self, bytes: &Bytes) -> Result<Audited, LogError> {
        let position = self.size();
        let damaged = |detail: String| LogError::damaged(position, detail);
        let place = withheld::decode(bytes).map_err(|e| damaged(e.to_string()))?;
        self.require_one_encoding(&place, bytes).map_err(|detail| damaged(detail.to_owned()))?;
        withheld::stored(self.reader.catalogues(), &place).map_err(damaged)?;
        let hash = withheld::leaf_hash(&place).unwrap_or_default();
        let envelope = withheld::envelope(place);
        self.check(&envelope).map_err(|detail| damaged(detail.to_owned()))?;
        self.withheld.add(position);
        self.advance(&envelope, hash);
        Ok(Audited { hash, needs: FORMAT_SECOND })
    }

    /// Checks that later events annul every withheld place.
    ///
    /// # Errors
    /// [`LogError::Damaged`] at the first place that is not annulled.
    pub fn require_annulled(&self) -> Result<(), LogError> {
        match self.withheld.first_in_force() {
            Some(position) => Err(LogError::damaged(position, NOT_ANNULLED)),
            None => Ok(()),
        }
    }

    fn advance(&mut self, leaf: &Leaf, hash: Hash) {
        self.frontier.push(hash);
        self.commit = leaf.commit;
        self.recorded_micros = leaf.recorded_time.as_ref().map(micros);
    }

    /// Checks the next leaf.
    ///
    /// # Errors
    /// [`LogError::Damaged`] at its position, with the reason. [`LogError::NewerFact`];
    /// [`LogError::NewerRules`]; [`LogError::Catalogue`].
    pub fn leaf(&mut self, bytes: &Bytes) -> Result<Audited, LogError> {
        let position = self.size();
        let damaged = |detail: String| LogError::damaged(position, detail);
        let leaf = Leaf::decode(bytes.clone()).map_err(|e| damaged(e.to_string()))?;
        self.check(&leaf).map_err(|detail| damaged(detail.to_owned()))?;
        self.require_one_encoding(&leaf, bytes).map_err(|detail| damaged(detail.to_owned()))?;
        let event = self.reader.read(position, &leaf.event)?;
        let needs = format::needed(&leaf, &event);
        if let Fact::Repair { position: target, replacement } = &event.fact {
            self.withheld.repaired(position, *target, replacement.is_none());
        }
        let hash = merkle::leaf_hash(bytes);
        self.advance(&leaf, hash);
        Ok(Audited { hash, needs })
    }

    /// An envelope and a withheld place have one encoding: each field at most once, in the order of
    /// the numbers, and no other field. Otherwise one event could have two leaf hashes, and a
    /// withheld place would be sent in other bytes than it is stored in.
    fn require_one_encoding(
        &mut self,
        message: &impl prost::Message,
        bytes: &Bytes,
    ) -> Result<(), &'static str> {
        self.again.clear();
        message.encode_raw(&mut self.again);
        if self.again != bytes.as_ref() {
            return Err("an event with a field twice, out of order or unknown beside it");
        }
        Ok(())
    }

    fn check(&self, leaf: &Leaf) -> Result<(), &'static str> {
        let position = self.size();
        let Leaf { commit: Some(commit), recorded_time: Some(recorded), .. } = leaf else {
            return Err("an event without a commit or a time");
        };
        if leaf.position != Some(position) {
            return Err("an event has the position of another one");
        }
        let begins = commit.first_position == Some(position);
        let fits = match &self.commit {
            Some(open) if !self.ends_commit() => commit == open,
            Some(_) => begins,
            // An audit that begins inside a log may begin inside a commit.
            None => commit.first_position.is_some_and(|first| first <= position),
        };
        if !fits || end_of(commit) <= position {
            return Err("an event does not fit into its commit");
        }
        let is_named = !leaf.request_id.is_empty() || !leaf.request_digest.is_empty();
        if !begins && is_named {
            return Err("a request id inside a commit");
        }
        require_proofs(leaf, begins)?;
        let at = micros(recorded);
        match self.recorded_micros {
            Some(before) if at < before => Err("recorded before the event ahead of it"),
            Some(before) if !begins && at != before => Err("a commit with two times"),
            _ => Ok(()),
        }
    }
}

/// Checks the approval, the signatures and the salt of a leaf.
fn require_proofs(leaf: &Leaf, begins: bool) -> Result<(), &'static str> {
    let Leaf { approved_by, signatures, salt, .. } = leaf;
    let is_proven = !approved_by.is_empty() || !signatures.is_empty();
    if !begins && is_proven {
        return Err("an approval or a signature inside a commit");
    }
    if !approved_by.is_empty() && !is_word(approved_by, ID_BYTES_MAX) {
        return Err("an approval by something that is not a principal");
    }
    if signatures.len() > SIGNATURES_MAX {
        return Err("a commit with more than 4 signatures");
    }
    if !signatures.iter().all(is_signature) {
        return Err("a signature with a part that is missing, too long or not printable");
    }
    if !salt.is_empty() && salt.len() != SALT_BYTES {
        return Err("a salt that does not have 16 bytes");
    }
    Ok(())
}

fn is_signature(signature: &Signature) -> bool {
    is_word(&signature.algorithm, ALGORITHM_BYTES_MAX)
        && is_word(&signature.key_id, KEY_ID_BYTES_MAX)
        && (1..=SIGNATURE_BYTES_MAX).contains(&signature.signature.len())
}

/// True for 1 to `most` bytes of printable ASCII without spaces.
fn is_word(bytes: &[u8], most: usize) -> bool {
    (1..=most).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn end_of(commit: &CommitOf) -> u64 {
    commit.first_position.unwrap_or(0).saturating_add(u64::from(commit.size))
}

/// The detail of the error for a log without the root that it must have at a size.
pub const OTHER_ROOT: &str = "the Merkle root of the events below differs from the recorded one";

/// Verifies a log from its store, step by step: leaves, stored leaf hashes, ends of commits, root.
pub struct Verification {
    log: Arc<dyn CommitLog>,
    audit: Audit,
    /// The size up to which the log is verified.
    size: u64,
    /// The stored leaf hashes around the last event.
    block: Option<HashBlock>,
    /// Sizes with the roots that they must have.
    expected: Vec<(u64, Hash)>,
    /// It ends where the log does. Otherwise a later event may annul a withheld place.
    is_whole: bool,
}

/// The progress of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Every event below this position is as it was recorded; a verification can resume from here.
    pub position: u64,
    /// The size up to which the log is verified.
    pub size: u64,
    /// Bytes read by this step.
    pub bytes: u64,
}

impl Verification {
    /// Begins at a position, or at the start of its hash block. Below it the stored leaf hashes are
    /// trusted; the root at the end shows whether that was right. `reader` knows every adoption
    /// below it. `expected` holds sizes with the roots that they must have.
    ///
    /// # Errors
    /// [`LogError`] if the stored hashes cannot be read.
    pub fn begin(
        log: Arc<dyn CommitLog>,
        reader: EventReader,
        from: u64,
        expected: Vec<(u64, Hash)>,
    ) -> Result<Self, LogError> {
        let size = expected.iter().map(|(size, _)| *size).max().unwrap_or(0).max(log.size());
        let mut frontier = Frontier::default();
        let step = HASHES_PER_BLOCK as u64;
        while frontier.size() + step <= from.min(size) {
            let Some(block) = log.hashes(frontier.size())? else { break };
            block.hashes.into_iter().for_each(|hash| frontier.push(hash));
        }
        let audit = Audit::after(reader, frontier);
        let verification = Self { log, audit, size, block: None, expected, is_whole: true };
        verification.check_root()?;
        Ok(verification)
    }

    /// Begins at the first event, and ends at a size, which must have this root. `reader` knows
    /// every adoption below it.
    #[must_use]
    pub fn below(log: Arc<dyn CommitLog>, reader: EventReader, (size, root): (u64, Hash)) -> Self {
        let (audit, expected) = (Audit::new(reader), vec![(size, root)]);
        Self { log, audit, size, block: None, expected, is_whole: false }
    }

    /// The progress so far.
    #[must_use]
    pub fn so_far(&self) -> Verified {
        Verified { position: self.audit.size(), size: self.size, bytes: 0 }
    }

    /// The Merkle root at the position reached.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.audit.root()
    }

    /// Verifies roughly `bytes` more; returns `None` at the end.
    ///
    /// # Errors
    /// [`LogError::Damaged`] at the first position that differs from what was recorded.
    pub fn step(&mut self, bytes: usize) -> Result<Option<Verified>, LogError> {
        let from = self.audit.size();
        if from >= self.size {
            return Ok(None);
        }
        let mut read = 0;
        for chunk in self.log.read(from, bytes)? {
            for leaf in chunk.leaves().filter(|leaf| leaf.position >= from) {
                let Audited { hash, .. } = self.audit.frame(&leaf.as_frame())?;
                read += leaf.bytes.len() as u64;
                self.check_stored(leaf.position, &hash)?;
                self.check_root()?;
            }
            if self.audit.size() != chunk.next() {
                let detail = "a chunk holds fewer events than its header states";
                return Err(LogError::damaged(self.audit.size(), detail));
            }
            if chunk.ends_commit() != self.audit.ends_commit() {
                let detail = "the end mark of a chunk does not match its last event";
                return Err(LogError::damaged(chunk.first(), detail));
            }
        }
        if self.audit.size() == from {
            return Err(LogError::damaged(from, "the log ends before its size"));
        }
        if self.is_whole && self.audit.size() >= self.size {
            self.audit.require_annulled()?;
        }
        // The last chunk may reach past the size to verify.
        let position = self.audit.size().min(self.size);
        Ok(Some(Verified { position, size: self.size, bytes: read }))
    }

    /// Compares a leaf hash with the one stored, if its block is complete.
    fn check_stored(&mut self, position: u64, hash: &Hash) -> Result<(), LogError> {
        let place = position % HASHES_PER_BLOCK as u64;
        let first = position - place;
        if self.block.as_ref().is_none_or(|block| block.first != first) {
            self.block = self.log.hashes(first)?;
        }
        let Some(block) = &self.block else { return Ok(()) };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if block.hashes.get(place) != Some(hash) {
            return Err(LogError::damaged(position, UNLIKE_STORED));
        }
        Ok(())
    }

    fn check_root(&self) -> Result<(), LogError> {
        let here = |(size, root): &&(u64, Hash)| *size == self.audit.size() && *root != self.root();
        match self.expected.iter().find(here) {
            Some((size, _)) => Err(LogError::damaged(*size, OTHER_ROOT)),
            None => Ok(()),
        }
    }
}
