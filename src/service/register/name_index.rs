//! The index of names, which searches share. It is made beside the writer, from what is durable,
//! the first time that somebody searches; and goes on when somebody searches again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::RegisterApi;
use crate::{
    ledger::{Ledger, Pace},
    limits::NAME_SLICE_EVENTS,
    metrics::{Gauge, Metrics},
    register::NameParts,
    service::call::Call,
};

/// The index, as far as it was made.
pub(crate) struct NameIndex {
    /// Replaced as a whole: a search goes on with the one that it began with.
    parts: Mutex<Arc<NameParts>>,
    /// True while somebody makes more of it.
    grows: AtomicBool,
    drain: CancellationToken,
    bytes: Gauge,
    names: Gauge,
}

/// The right to make more of the index.
struct Growing(Arc<NameIndex>);

impl Drop for Growing {
    fn drop(&mut self) {
        self.0.grows.store(false, Ordering::SeqCst);
    }
}

impl NameIndex {
    /// An index of nothing. It grows until the drain begins.
    pub(crate) fn new(metrics: &Metrics, drain: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            parts: Mutex::default(),
            grows: AtomicBool::new(false),
            drain,
            bytes: metrics.name_index_bytes.clone(),
            names: metrics.name_index_names.clone(),
        })
    }

    /// The index as it is.
    pub(super) fn parts(&self) -> Arc<NameParts> {
        Arc::clone(&self.parts.lock())
    }

    /// Begins to index what is not covered, if that is more than a search reads by itself. It is a
    /// question of the server's own, and waits for its turn as others do.
    pub(super) fn grow(self: &Arc<Self>, api: &RegisterApi) {
        if self.parts().next_segment(api.ledger.durable().size).is_none()
            || self.drain.is_cancelled()
            || self.grows.swap(true, Ordering::SeqCst)
        {
            return;
        }
        let (growing, api) = (Growing(Arc::clone(self)), api.clone());
        tokio::spawn(async move {
            let question = move |ledger: &Ledger, turn: &mut _| growing.0.make(ledger, turn);
            // If it is refused or ends early, the next search begins it again.
            drop(api.ask(&Call::of_server(), question).await);
        });
    }

    /// Makes segments until all that is durable is covered.
    fn make(&self, ledger: &Ledger, pace: &mut impl Pace) -> Result<(), Status> {
        while let Some(mut segment) = self.parts().next_segment(ledger.durable().size) {
            while segment.advance(&ledger.register(), NAME_SLICE_EVENTS) {
                if self.drain.is_cancelled() {
                    return Ok(());
                }
                pace.step()?;
            }
            let parts = self.parts().with(segment);
            self.bytes.set(parts.bytes() as u64);
            self.names.set(parts.names() as u64);
            *self.parts.lock() = Arc::new(parts);
            pace.step()?;
        }
        Ok(())
    }
}
