//! The probes: turns of the writer, and the disk. Each begins again a while after its last one has
//! ended, and one that hangs is left alone: its age tells (`readiness.rs`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use tokio::{
    pin,
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::readiness::Findings;
use crate::{
    files,
    ledger::{AppendError, Ledger},
    limits::PROBE_INTERVAL,
};

/// The scratch file in the data directory. It is written in place, so that it needs room only once.
pub const SCRATCH: &str = "PROBE";
const CONTENT: &[u8] = b"Tidu syncs this file to see whether the disk answers.\n";

/// Probes until the ledger is gone. The ledger is not kept: its last owner closes the log.
pub async fn probe(ledger: Weak<Ledger>, data_dir: PathBuf, findings: Arc<Findings>) {
    tokio::join!(turns(ledger.clone(), &findings), disk(ledger, data_dir.join(SCRATCH), &findings));
}

async fn turns(ledger: Weak<Ledger>, findings: &Findings) {
    let mut flushed = None;
    loop {
        let Some(turn) = ledger.upgrade().map(|ledger| ledger.prove_writable()) else { return };
        pin!(turn);
        let outcome = loop {
            tokio::select! {
                outcome = &mut turn => break outcome,
                // A large commit on a slow disk flushes for longer than a turn may take.
                () = sleep(PROBE_INTERVAL) => note_flush(&ledger, &mut flushed, findings),
            }
        };
        let now = Instant::now();
        match outcome {
            Ok(()) => findings.turn(now, None),
            // A node that follows is there for reads: its lag decides.
            Err(AppendError::Following) => {
                let behind = ledger.upgrade().and_then(|ledger| ledger.too_far_behind());
                findings.turn(now, behind);
            }
            // These two do not come from the writer.
            Err(refusal @ (AppendError::Draining | AppendError::Unknown)) => {
                findings.no_turn(refusal.to_string());
            }
            Err(refusal) => findings.turn(now, Some(refusal.to_string())),
        }
        sleep(PROBE_INTERVAL).await;
        note_flush(&ledger, &mut flushed, findings);
    }
}

/// Notes if a flush has got on since the last look.
fn note_flush(ledger: &Weak<Ledger>, flushed: &mut Option<u64>, findings: &Findings) {
    let Some(ledger) = ledger.upgrade() else { return };
    let progress = ledger.flush_progress();
    if flushed.replace(progress).is_some_and(|before| before != progress) {
        findings.flush(Instant::now());
    }
}

async fn disk(ledger: Weak<Ledger>, scratch: PathBuf, findings: &Findings) {
    loop {
        let (ledger, scratch) = (ledger.clone(), scratch.clone());
        let Ok(Some((low, failure))) = spawn_blocking(move || ask_disk(&ledger, &scratch)).await
        else {
            return;
        };
        findings.disk(Instant::now(), low, failure);
        sleep(PROBE_INTERVAL).await;
    }
}

/// What the disk lacks, and why the scratch file was not synced. `None` once the ledger is gone.
fn ask_disk(ledger: &Weak<Ledger>, scratch: &Path) -> Option<(Option<String>, Option<String>)> {
    let low = ledger.upgrade()?.disk_low().map(|low| low.to_string());
    let synced = files::overwrite(scratch, CONTENT);
    let failure = synced.err().map(|error| format!("cannot sync {}: {error}", scratch.display()));
    Some((low, failure))
}
