//! A start: the state of the log, from a snapshot of the register and the log after it, or from the
//! whole log.

use std::{fmt::Display, path::Path};

use super::{
    Belief, LedgerOptions, SnapshotSettings,
    rebuild::{self, Begun, Claims},
    snapshot::{self, Believed},
    state::State,
};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::catalogue::Catalogues,
    limits::REBUILD_BATCH_BYTES,
    log::{Chunk, CommitLog, LogError, SNAPSHOT_FILE},
    merkle::Hash,
    register::RulesBook,
};

/// The first erased event in the log of a directory that no later event annuls: no leader starts
/// with it. A snapshot is believed as by a start, and spares the reading of the log. `expected` is
/// a size and the root that the log must have there.
///
/// # Errors
/// As for a start.
pub fn first_erased_in_force(
    directory: &Path,
    log: &dyn CommitLog,
    expected: Option<(u64, Hash)>,
) -> Result<Option<u64>, LogError> {
    let rules = RulesBook::RELEASED;
    let files = CatalogueFiles::built_in().beside(directory);
    let claims = Claims { expected, belief: Belief::StoredHashes, may_end_early: true };
    let first_after = |begun: Begun| -> Result<Option<u64>, LogError> {
        let (state, _) = rebuild::rebuild_telling(log, begun, claims, &mut |_, _| {})?;
        Ok(state.reader().read().first_withheld_in_force())
    };
    let path = directory.join(SNAPSHOT_FILE);
    if let Ok(Some((believed, _))) = snapshot::believe(&path, log, &files, rules, expected)
        && let Ok(found) = first_after(believed.begun)
    {
        return Ok(found);
    }
    match has_erased(log)? {
        true => first_after(Begun::new(&files, rules)),
        false => Ok(None),
    }
}

/// True if a place of the log is erased. Nothing is decoded.
fn has_erased(log: &dyn CommitLog) -> Result<bool, LogError> {
    let mut position = 0;
    while position < log.size() {
        let chunks = log.read(position, REBUILD_BATCH_BYTES)?;
        if chunks.iter().any(Chunk::has_withheld) {
            return Ok(true);
        }
        position = chunks
            .last()
            .map(Chunk::next)
            .ok_or_else(|| LogError::damaged(position, "the log ends before its size"))?;
    }
    Ok(false)
}

/// The parts that a start gets from the log.
pub(super) struct Start {
    pub(super) state: State,
    pub(super) catalogues: Catalogues,
    /// See [`super::Ledger::trusted`].
    pub(super) trusted: Option<(u64, Hash)>,
    /// Bytes of the chunks of the log.
    pub(super) stored_bytes: u64,
}

impl Start {
    /// The state of the log. If a snapshot fits, nothing below it is read. Whoever believes nothing
    /// looks at no snapshot.
    pub(super) fn of(
        parts: &LedgerOptions,
        (belief, is_following): (Belief, bool),
        snapshots: Option<&SnapshotSettings>,
    ) -> Result<Self, LogError> {
        let claims = Claims { expected: parts.expected, belief, may_end_early: is_following };
        let believable = snapshots.filter(|_| belief == Belief::StoredHashes);
        if let Some(SnapshotSettings { path, .. }) = believable {
            let ignored = |why: &dyn Display| {
                let path = path.display();
                tracing::warn!(%path, %why, "the snapshot is not believed; the log is replayed");
            };
            let (log, files) = (&*parts.log, &parts.catalogue_files);
            let began = parts.clock.monotonic();
            let believed = snapshot::believe(path, log, files, parts.rules, parts.expected);
            let took = parts.clock.monotonic().saturating_sub(began);
            parts.metrics.start_part_duration_seconds.with(["snapshot"]).set(took);
            match believed {
                Ok(None) => {}
                Err(why) => ignored(&why),
                // The log after it must lead to the root of the mark, or it is of another log.
                Ok(Some((believed, written))) => match Self::replay(parts, claims, believed) {
                    Ok(start) => {
                        let size = start.trusted.map_or(0, |(size, _)| size);
                        parts.metrics.register_snapshot_events.set(size);
                        parts.metrics.register_snapshot_timestamp_seconds.set(written);
                        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                        tracing::info!(events = size, duration_ms, "a snapshot was read");
                        return Ok(start);
                    }
                    Err(why) => ignored(&why),
                },
            }
        }
        let begun = Begun::new(&parts.catalogue_files, parts.rules);
        Self::replay(parts, claims, Believed { begun, stored_bytes: 0 })
    }

    fn replay(parts: &LedgerOptions, claims: Claims, believed: Believed) -> Result<Self, LogError> {
        let began = parts.clock.monotonic();
        let Believed { begun, mut stored_bytes } = believed;
        let frontier = begun.state.frontier();
        let trusted = Some((frontier.size(), frontier.root())).filter(|(size, _)| *size > 0);
        let (first, metrics) = (frontier.size(), &parts.metrics);
        metrics.replay_events.set(parts.log.size() - first);
        metrics.log_stored_bytes.set(stored_bytes);
        let mut tell = |replayed, bytes| {
            metrics.replayed_events.set(replayed - first);
            metrics.log_stored_bytes.add(bytes);
            stored_bytes += bytes;
        };
        let (state, catalogues) = rebuild::rebuild_telling(&*parts.log, begun, claims, &mut tell)?;
        let took = parts.clock.monotonic().saturating_sub(began);
        metrics.start_part_duration_seconds.with(["replay"]).set(took);
        Ok(Self { state, catalogues, trusted, stored_bytes })
    }
}
