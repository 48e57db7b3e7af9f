//! Positions that a caller names and that this node does not have.
//!
//! On a leader such a position does not exist. On a follower it may be on the way: a caller that
//! moved here from another node has seen more of the log. So its call waits for some seconds, and
//! ends early when its caller goes. A leader that was heard meanwhile and has no such position
//! shows that nobody has it.

use std::{fmt, sync::Arc};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    call::Call,
    errors,
    leader::{Leader, not_here_yet},
    shares::Shares,
};
use crate::{
    domain::Party,
    ledger::{Durable, Ledger},
    limits::{ARRIVAL_WAIT_MAX, ARRIVALS_MAX, ARRIVALS_OF_PARTY_MAX},
};

/// The calls of a follower that wait for positions.
pub(crate) struct Arrivals {
    leader: Arc<dyn Leader>,
    waiting: Arc<Shares>,
    drain: CancellationToken,
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("leader", &self.leader).finish_non_exhaustive()
    }
}

/// A position that a caller names.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) field: &'a str,
    pub(crate) position: u64,
}

impl Named<'_> {
    /// The size of the log, which is at least this position: it may be the end of the log.
    ///
    /// # Errors
    /// See [`Named::reached`].
    pub(crate) async fn within(self, ledger: &Ledger, call: &Call) -> Result<u64, Status> {
        self.reached(ledger, call, self.position).await
    }

    /// The size of the log, in which there is an event at this position.
    ///
    /// # Errors
    /// See [`Named::reached`].
    pub(crate) async fn recorded(self, ledger: &Ledger, call: &Call) -> Result<u64, Status> {
        self.reached(ledger, call, self.position.saturating_add(1)).await
    }

    /// On a follower, waits for this position as [`Named::within`]. On a leader nothing happens:
    /// the one who asks judges it.
    ///
    /// # Errors
    /// UNAVAILABLE/NOT_HERE_YET.
    pub(crate) async fn arrived(self, ledger: &Ledger, call: &Call) -> Result<(), Status> {
        match call.arrivals {
            Some(_) => self.within(ledger, call).await.map(drop),
            None => Ok(()),
        }
    }

    /// The size of the log, once it has at least this size.
    ///
    /// # Errors
    /// OUT_OF_RANGE on a leader, and on a follower after a wait in which its leader had no such
    /// position. UNAVAILABLE/NOT_HERE_YET on a follower, after a wait.
    async fn reached(self, ledger: &Ledger, call: &Call, least: u64) -> Result<u64, Status> {
        let size = ledger.durable().size;
        if least <= size {
            return Ok(size);
        }
        match &call.arrivals {
            Some(arrivals) => arrivals.reached(ledger.watch(), call.party, self, least).await,
            None => Err(errors::beyond_log(self.field, self.position, size)),
        }
    }
}

impl Arrivals {
    pub(super) fn new(leader: Arc<dyn Leader>, drain: CancellationToken) -> Arc<Self> {
        let waiting = Shares::new(ARRIVALS_MAX, ARRIVALS_OF_PARTY_MAX);
        Arc::new(Self { leader, waiting, drain })
    }

    /// The refusal of a position that is not here, without a wait.
    pub(super) fn missed(&self, named: Named<'_>, size: u64) -> Status {
        not_here_yet(named.field, named.position, size, &self.leader.heard())
    }

    /// Waits until the log has a size.
    async fn reached(
        &self,
        mut durable: watch::Receiver<Durable>,
        party: Party,
        named: Named<'_>,
        least: u64,
    ) -> Result<u64, Status> {
        let missed = |size: u64| self.missed(named, size);
        let Ok(place) = self.waiting.take(party, 1) else {
            return Err(missed(durable.borrow().size));
        };
        let began = Instant::now();
        let until = began + ARRIVAL_WAIT_MAX;
        let reached = tokio::select! {
            reached = timeout_at(until, durable.wait_for(|durable| durable.size >= least)) => {
                reached.ok().and_then(Result::ok).map(|durable| durable.size)
            }
            () = place.must_go() => None,
            () = self.drain.cancelled() => return Err(errors::draining()),
        };
        reached.ok_or_else(|| {
            let heard = self.leader.heard();
            let was_heard = heard.age.is_some_and(|age| age < began.elapsed());
            match heard.size.filter(|size| was_heard && !heard.is_relay && *size < least) {
                Some(size) => errors::beyond_log(named.field, named.position, size),
                None => missed(durable.borrow().size),
            }
        })
    }
}
