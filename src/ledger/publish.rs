//! The publisher: moves the durable size and answers callers, one group at a time.
//!
//! It is a task of the runtime: waking a caller from a thread outside the runtime costs many times
//! more, and the flusher would pay that for each caller of a group. The one channel between them
//! keeps the order: the durable size moves first, then the replies of that group go out.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{AppendError, Durable, Receipt, Shared, applier::PendingOutcome};

/// The answer to one commit, on its way to the caller.
pub(super) type PendingReply =
    (oneshot::Sender<Result<Receipt, AppendError>>, Result<Receipt, AppendError>);

/// Whether a turn that records nothing could have recorded something.
pub(super) type Proven = Result<(), AppendError>;

/// The answer to such a turn, on its way to the prober.
pub(super) type PendingProof = (oneshot::Sender<Proven>, Proven);

/// A group that is durable.
pub(super) struct Published {
    pub(super) durable: Durable,
    pub(super) answers: Vec<PendingReply>,
    pub(super) proofs: Vec<PendingProof>,
    pub(super) outcomes: Vec<PendingOutcome>,
}

/// Publishes until the flusher ends.
pub(super) async fn run(shared: Arc<Shared>, mut groups: mpsc::UnboundedReceiver<Published>) {
    while let Some(published) = groups.recv().await {
        let Published { durable, answers, proofs, outcomes } = published;
        // A group without a recorded commit leaves the size as it is and wakes no stream.
        shared.durable.send_if_modified(|known| {
            let moved = known.size != durable.size;
            *known = durable;
            moved
        });
        for (caller, answer) in answers {
            // A caller that went away misses its answer; the commit is recorded all the same.
            drop(caller.send(answer));
        }
        for (prober, proven) in proofs {
            drop(prober.send(proven));
        }
        for (follower, outcome) in outcomes {
            drop(follower.send(outcome));
        }
    }
}
