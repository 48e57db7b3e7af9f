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

use super::{call::Call, filter, questions::Questions};
use crate::{
    ledger::{Ledger, Pace},
    limits::INTERESTS_KEPT,
    protocol::pb,
    register::Interest,
};

/// The interests of open streams, by the digest of their filter.
#[derive(Clone, Default)]
pub(crate) struct Interests(Arc<Mutex<HashMap<Digest, Weak<Interest>>>>);

type Digest = [u8; 32];

impl Interests {
    /// Reads a filter, or finds the interest of a stream that has the same. A long filter is read
    /// when it is its turn.
    ///
    /// # Errors
    /// As for [`filter::interest`].
    pub(crate) async fn read(
        &self,
        ledger: &Arc<Ledger>,
        reading: &Questions,
        call: &Call,
        filter: Option<pb::EventFilter>,
    ) -> Result<Arc<Interest>, Status> {
        let Some(filter) = filter else { return Ok(Arc::default()) };
        if filter::is_short(&filter) {
            let digest = digest(&filter);
            return match self.find(&digest) {
                Some(shared) => Ok(shared),
                None => Ok(self.keep(digest, filter::at_once(ledger, &filter).await?)),
            };
        }
        let (interests, ledger) = (self.clone(), Arc::clone(ledger));
        reading.ask(call, move |turn| interests.read_in_slices(&ledger, &filter, turn)).await
    }

    /// The same, in slices.
    ///
    /// # Errors
    /// As for [`filter::in_slices`].
    pub(crate) fn read_in_slices(
        &self,
        ledger: &Ledger,
        filter: &pb::EventFilter,
        pace: &mut dyn Pace,
    ) -> Result<Arc<Interest>, Status> {
        let digest = digest(filter);
        match self.find(&digest) {
            Some(shared) => Ok(shared),
            None => Ok(self.keep(digest, filter::in_slices(ledger, filter, pace)?)),
        }
    }

    fn find(&self, digest: &Digest) -> Option<Arc<Interest>> {
        self.0.lock().get(digest).and_then(Weak::upgrade)
    }

    /// Keeps an interest for the streams to come, unless another stream has read the same filter
    /// meanwhile.
    fn keep(&self, digest: Digest, interest: Interest) -> Arc<Interest> {
        let mut known = self.0.lock();
        if let Some(shared) = known.get(&digest).and_then(Weak::upgrade) {
            return shared;
        }
        if known.len() >= INTERESTS_KEPT && known.len() == known.capacity() {
            known.retain(|_, interest| interest.strong_count() > 0);
        }
        let interest = Arc::new(interest);
        known.insert(digest, Arc::downgrade(&interest));
        interest
    }
}

fn digest(filter: &pb::EventFilter) -> Digest {
    Sha256::digest(filter.encode_to_vec()).into()
}
