//! Opens the ledger of a server.

use std::sync::Arc;

use uuid::Uuid;

use super::{StartError, clock::SystemClock, config::Config, failures::Failures};
use crate::{
    catalogue_files::CatalogueFiles,
    ledger::{Belief, Ledger, LedgerOptions, OnFailure, Salt, SnapshotSettings, clock::Clock as _},
    limits::SALT_BYTES,
    log,
    metrics::Metrics,
    register::RulesBook,
};

/// Opens the ledger, and keeps the catalogue files of all adoptions: those of the log, which an
/// earlier version may not have kept, and that of the adoption to come.
pub(super) fn open_ledger(
    config: &Config,
    fresh_id: Uuid,
    rules: RulesBook,
    on_failure: OnFailure,
    metrics: Arc<Metrics>,
) -> Result<Ledger, StartError> {
    let catalogue = Arc::new(config.read_catalogue()?);
    let named = Arc::clone(&catalogue);
    let files = CatalogueFiles::built_in().and(Arc::clone(&catalogue)).beside(&config.data_dir);
    let (directory, reserve) = (&config.data_dir, config.disk_reserve_bytes);
    let clock = Arc::new(SystemClock::new());
    let (of_log, counted) = (Arc::clone(&clock), Arc::clone(&metrics));
    let monotonic = Box::new(move || of_log.monotonic());
    let (log, found) = log::open_reserving(directory, fresh_id, reserve, counted, monotonic)?;
    let expected = found.map(|mark| (mark.size, mark.root));
    let snapshots = SnapshotSettings::within(directory, config.snapshot_events);
    // A process that the log failed leaves doubts about all that is stored beside the events.
    let is_doubtful = !Failures::of(directory).noted().is_empty();
    let belief = if is_doubtful { Belief::Nothing } else { Belief::StoredHashes };
    let options = LedgerOptions {
        log,
        expected,
        catalogue,
        catalogue_files: files.clone(),
        rules,
        clock,
        salts: Box::new(random_salt),
        metrics,
        on_failure,
    };
    if config.leaders().is_some() {
        let ledger = Ledger::open_following(options, belief, snapshots)?;
        // The leader may adopt the one that is named here: its file must be here by then.
        files.keep(&config.data_dir, ledger.catalogues().iter().chain([&named]))?;
        return Ok(ledger);
    }
    let ledger = Ledger::open_with(options, belief, snapshots)?;
    files.keep(&config.data_dir, ledger.catalogues().iter())?;
    Ok(ledger)
}

/// Random bytes from the system. Without them nothing may be recorded that somebody could guess.
fn random_salt() -> Salt {
    let mut salt = [0; SALT_BYTES];
    let filled = getrandom::fill(&mut salt);
    assert!(filled.is_ok(), "the system gives no random bytes: {filled:?}");
    salt
}
