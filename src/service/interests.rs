//! Interests of open streams: equal filters share one, and so its watch-list and its entries among
//! the waiting streams.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::filter::interest;
use crate::{ledger::Ledger, limits::INTERESTS_KEPT, protocol::pb, register::Interest};

/// The interests of open streams, by the digest of their filter.
#[derive(Clone, Default)]
pub(crate) struct Interests(Arc<Mutex<HashMap<[u8; 32], Weak<Interest>>>>);

impl Interests {
    /// Reads a filter, or finds the interest of a stream that has the same.
    ///
    /// # Errors
    /// As for [`interest`].
    pub(crate) async fn read(
        &self,
        ledger: &Ledger,
        filter: Option<pb::EventFilter>,
    ) -> Result<Arc<Interest>, Status> {
        let digest = filter.as_ref().map(|filter| Sha256::digest(filter.encode_to_vec()).into());
        let Some(digest) = digest else { return Ok(Arc::new(interest(ledger, filter).await?)) };
        if let Some(shared) = self.0.lock().get(&digest).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        let read = Arc::new(interest(ledger, filter).await?);
        let mut known = self.0.lock();
        // Another stream may have read the same filter meanwhile.
        if let Some(shared) = known.get(&digest).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        if known.len() >= INTERESTS_KEPT && known.len() == known.capacity() {
            known.retain(|_, interest| interest.strong_count() > 0);
        }
        known.insert(digest, Arc::downgrade(&read));
        Ok(read)
    }
}
