//! Opens the audit trail of a server with principals.

use std::{path::PathBuf, sync::Arc};

use tokio::task::spawn_blocking;

use super::{StartError, clock::SystemClock};
use crate::{
    ledger::{Ledger, clock::Clock as _},
    service,
    trail::{Entry, FileSink, Outcome, Sink, Trail, TrailOptions},
};

/// Goes on with the trail in these files, and lets the ledger record nothing without it.
pub(super) async fn open(ledger: &Arc<Ledger>, files: Vec<PathBuf>) -> Result<(), StartError> {
    let anchor = service::last_anchor(ledger).await.map_err(StartError::AuditAnchor)?;
    let wall = Arc::new(SystemClock::new());
    let clock = Arc::clone(&wall);
    let options = TrailOptions {
        sinks: files.into_iter().map(sink).collect(),
        now_micros: Box::new(move || wall.now_micros()),
        monotonic: Box::new(move || clock.monotonic()),
        metrics: Arc::clone(ledger.metrics()),
        anchor,
    };
    // Each file is read to its end.
    let opened = spawn_blocking(move || Trail::open(options)).await;
    let trail = opened.map_err(std::io::Error::other).flatten().map_err(StartError::Audit)?;
    let target = format!("tidu {}, log {}", env!("CARGO_PKG_VERSION"), ledger.log_id());
    trail.write(&Entry { target, ..service::of_server("start", Outcome::Allowed) });
    ledger.audit_by(trail);
    Ok(())
}

fn sink(path: PathBuf) -> Box<dyn Sink> {
    Box::new(FileSink::at(path))
}
