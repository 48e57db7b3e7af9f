//! Connections whose peers have shown a certificate. A reload verifies all of these certificates
//! again and ends the connections of those that are no longer valid.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier,
};
use tokio_util::sync::CancellationToken;

/// The certificate that a peer has shown, and those of its authorities.
pub(super) type Chain = Arc<[CertificateDer<'static>]>;

/// The connections with a certificate.
#[derive(Default)]
pub(super) struct Guests {
    next_id: AtomicU64,
    open: Mutex<HashMap<u64, Guest>>,
}

struct Guest {
    chain: Chain,
    leave: CancellationToken,
}

/// Keeps a connection among the guests until dropped.
pub(in crate::server) struct Stay {
    guests: Arc<Guests>,
    id: u64,
}

impl Guests {
    /// Adds a connection, which ends when `leave` is cancelled.
    pub(super) fn add(self: &Arc<Self>, chain: Chain, leave: CancellationToken) -> Stay {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(id, Guest { chain, leave });
        Stay { guests: Arc::clone(self), id }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Ends the connections whose certificates are not valid, and tells how many they are.
    pub(super) fn end_invalid(&self, verifier: &dyn ClientCertVerifier, now: UnixTime) -> u64 {
        // Verified without the lock, because handshakes end meanwhile. They look for themselves.
        let open = self.open.lock();
        let guests = open.values().map(|guest| (Arc::clone(&guest.chain), guest.leave.clone()));
        let guests: Vec<_> = guests.collect();
        drop(open);
        // A system often has many connections with one certificate.
        let mut known = HashMap::<Chain, bool>::new();
        let mut ended = 0;
        for (chain, leave) in guests {
            let verify = || is_valid(&chain, verifier, now);
            if !*known.entry(Arc::clone(&chain)).or_insert_with(verify) {
                leave.cancel();
                ended += 1;
            }
        }
        ended
    }
}

/// True if a verifier takes a chain.
pub(super) fn is_valid(
    chain: &[CertificateDer<'static>],
    verifier: &dyn ClientCertVerifier,
    now: UnixTime,
) -> bool {
    let Some((own, of_authorities)) = chain.split_first() else { return false };
    verifier.verify_client_cert(own, of_authorities, now).is_ok()
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.guests.open.lock().remove(&self.id);
    }
}
