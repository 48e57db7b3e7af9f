//! The read side, up to the durable size. New events come from memory, older ones from the log.
//! Here alone a withheld event gets its place, so every reader gets that.

use std::sync::Arc;

use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Durable, GivenUp, Ledger, MeasuredGuard, Shared, audit::Verification,
    event_reader::EventReader, place, run_blocking, task::TaskEnded,
};
use crate::{
    log::{Chunk, FORMAT_WITHHOLDING, LeafAt, LogError},
    protocol::time,
    register::{FoldRules, Interest, RulesBook, Sight},
};

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log cannot be read; the ledger has failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The task that read the log ended early.
    #[error(transparent)]
    Ended(#[from] TaskEnded),
    /// Nobody waits for the answer any more.
    #[error(transparent)]
    GivenUp(#[from] GivenUp),
}

impl ReadError {
    pub(crate) fn damaged(position: u64, detail: impl Into<String>) -> Self {
        LogError::damaged(position, detail).into()
    }
}

impl Ledger {
    /// The log id, which names the history.
    #[must_use]
    pub fn log_id(&self) -> Uuid {
        self.shared.log.id()
    }

    /// Size and root of the durable log.
    #[must_use]
    pub fn durable(&self) -> Durable {
        *self.shared.durable.borrow()
    }

    /// Watches the durable size.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Durable> {
        self.shared.durable.subscribe()
    }

    /// Microseconds since 1970 by the server's clock.
    #[must_use]
    pub fn now_micros(&self) -> i64 {
        self.shared.clock.now_micros()
    }

    /// Locks the register for reading. Name a size at or below the durable one in every question,
    /// and do not hold the guard across an await.
    pub fn register(&self) -> MeasuredGuard<'_> {
        self.shared.read_register()
    }

    /// The versions of the rules that the register may use.
    #[must_use]
    pub fn rules_book(&self) -> RulesBook {
        self.register().rules_book()
    }

    /// The rules in force at a log size.
    #[must_use]
    pub fn rules_at(&self, known_at: u64) -> FoldRules {
        self.register().rules_at(known_at)
    }

    /// Matching positions in `from..to`, at most `most`, and the position up to which all events
    /// were examined.
    #[must_use]
    pub fn matching(
        &self,
        interest: &Interest,
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        self.register().matching(interest, from, to, most)
    }

    /// As [`Ledger::matching`], for a caller from whom what it does not see may be hidden.
    #[must_use]
    pub fn matching_for(
        &self,
        wanted: (&Interest, &Sight),
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        self.register().matching_for(wanted, from, to, most)
    }

    /// The first position of `from..to` whose event a caller may not read.
    #[must_use]
    pub fn first_unseen(&self, sight: &Sight, from: u64, to: u64) -> Option<u64> {
        if sight.sees_all() { None } else { self.register().first_unseen(sight, from, to) }
    }

    /// True for each of these positions whose event a caller may read.
    #[must_use]
    pub fn seen(&self, sight: &Sight, positions: &[u64]) -> Vec<bool> {
        if sight.sees_all() {
            return vec![true; positions.len()];
        }
        let register = self.register();
        positions.iter().map(|position| register.sees(sight, *position)).collect()
    }

    /// Chunks from the one with `from` on, until their bytes reach `bytes`. They may reach past the
    /// durable size that the caller knows, but never past the current one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn chunks(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, ReadError> {
        let chunks = self.stored_chunks(from, bytes).await?;
        self.shown(from, chunks)
    }

    /// As [`Ledger::chunks`], with the events that are withheld: for a node that follows, whose log
    /// must hold them. It withholds them from its own readers.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn stored_chunks(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, ReadError> {
        if from >= self.durable().size {
            return Ok(Vec::new());
        }
        if let Some(chunks) = self.shared.tail.read(from, bytes) {
            return Ok(chunks);
        }
        let shared = Arc::clone(&self.shared);
        Ok(run_blocking(move || shared.read_log(from, bytes)).await??)
    }

    /// Chunks as readers get them: from `from` on, with places for withheld events.
    fn shown(&self, from: u64, chunks: Vec<Chunk>) -> Result<Vec<Chunk>, ReadError> {
        // Nothing is withheld in a log of an older format, which needs no look at the register.
        if self.durable().format < FORMAT_WITHHOLDING {
            return Ok(chunks);
        }
        let mut shown = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let withheld = self.register().withheld_within(chunk.first(), chunk.next());
            if withheld.is_empty() {
                shown.push(chunk);
                continue;
            }
            shown.extend(place::rewritten(&chunk, |leaf| {
                let unread = !leaf.withheld && withheld.contains(&leaf.position);
                unread.then(|| place::withholding(leaf)).transpose()
            })?);
        }
        shown.retain(|chunk| chunk.next() > from);
        Ok(shown)
    }

    /// The stored bytes of one event below the durable size, or of its withheld place.
    ///
    /// # Errors
    /// As for [`Ledger::chunks`].
    pub async fn leaf(&self, position: u64) -> Result<LeafAt, ReadError> {
        let picked = self.pick(&[position], 1).await?;
        let missing = || ReadError::damaged(position, "an event is missing from the log");
        picked.into_iter().next().ok_or_else(missing)
    }

    /// As [`Ledger::leaf`]. It may read the disk: call it on a thread that may block.
    ///
    /// # Errors
    /// [`ReadError::Log`].
    pub fn leaf_here(&self, position: u64) -> Result<LeafAt, ReadError> {
        let chunks = match self.shared.tail.read(position, 1) {
            Some(chunks) => chunks,
            None => self.shared.read_log(position, 1)?,
        };
        let chunks = self.shown(position, chunks)?;
        let leaf = chunks.iter().flat_map(Chunk::leaves).find(|leaf| leaf.position == position);
        leaf.ok_or_else(|| ReadError::damaged(position, "an event is missing from the log"))
    }

    /// The leaves at these positions below the durable size, in this order, until their bytes reach
    /// `bytes`.
    ///
    /// # Errors
    /// As for [`Ledger::chunks`].
    pub async fn pick(&self, positions: &[u64], bytes: usize) -> Result<Vec<LeafAt>, ReadError> {
        let (mut picked, mut taken) = (Vec::with_capacity(positions.len()), 0);
        // Neighbours share a chunk, which is read once.
        let mut chunk: Option<Chunk> = None;
        for &position in positions {
            if taken >= bytes {
                break;
            }
            let holds = |chunk: &Chunk| (chunk.first()..chunk.next()).contains(&position);
            if !chunk.as_ref().is_some_and(holds) {
                chunk = self.chunks(position, 1).await?.into_iter().next();
            }
            let leaf = chunk.iter().flat_map(Chunk::leaves).find(|leaf| leaf.position == position);
            let missing = || ReadError::damaged(position, "an event is missing from its chunk");
            let leaf = leaf.ok_or_else(missing)?;
            taken += leaf.framed.len();
            picked.push(leaf);
        }
        Ok(picked)
    }

    /// Begins to verify the stored log from a position on, up to the durable size. Its steps read
    /// the disk: run them on a thread that may block.
    ///
    /// # Errors
    /// [`LogError`]; the ledger has failed then.
    pub fn verification(&self, from: u64) -> Result<Verification, LogError> {
        let Durable { size, root, .. } = self.durable();
        let log = Arc::clone(&self.shared.log);
        let reader = EventReader::knowing(Arc::clone(self.catalogues()), self.rules_book());
        let begun = Verification::begin(log, reader, from, vec![(size, root)]);
        begun.inspect_err(|error| self.found_damage(error))
    }

    /// Fails the ledger over damage that a verification has found.
    pub fn found_damage(&self, error: &LogError) {
        self.shared.fail(&super::Failure::of(error));
    }

    /// Recorded time of an event below the durable size, in microseconds since 1970.
    ///
    /// # Errors
    /// As for [`Ledger::chunks`].
    pub async fn recorded_micros(&self, position: u64) -> Result<i64, ReadError> {
        let envelope = place::envelope(&self.leaf(position).await?)?;
        let recorded = envelope.recorded_time.as_ref().map(time::micros);
        recorded.ok_or_else(|| ReadError::damaged(position, "an event cannot be read"))
    }

    /// The first position recorded at or after an instant; the durable size if no event is that
    /// late.
    ///
    /// # Errors
    /// As for [`Ledger::chunks`].
    pub async fn position_at(&self, micros: i64) -> Result<u64, ReadError> {
        // Recorded time never decreases, so a binary search finds the position.
        let (mut low, mut high) = (0, self.durable().size);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.recorded_micros(middle).await? < micros {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Shared {
    pub(super) fn read_register(&self) -> MeasuredGuard<'_> {
        MeasuredGuard::new(self.register.read(), &self.holds)
    }

    /// Reads the log; an error fails the ledger.
    pub(super) fn read_log(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        self.log.read(from, bytes).inspect_err(|error| self.fail(&super::Failure::of(error)))
    }
}
