//! The publisher: moves the durable size and answers callers, one group at a time.
//!
//! It is a task of the runtime because the writer is not: waking a caller from another thread costs many times what it
//! costs from within, and the writer would pay it for each caller of a group. Order is kept by the one channel between
//! them: the durable size moves first, then the replies of that group go out.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Durable, Receipt, Refusal, Shared};

/// The answer to one commit, on its way to the caller.
pub(super) type Answer = (oneshot::Sender<Result<Receipt, Refusal>>, Result<Receipt, Refusal>);

/// A group that is durable.
pub(super) struct Published {
    pub(super) durable: Durable,
    pub(super) answers: Vec<Answer>,
}

/// Publishes until the writer ends.
pub(super) async fn run(shared: Arc<Shared>, mut groups: mpsc::UnboundedReceiver<Published>) {
    while let Some(Published { durable, answers }) = groups.recv().await {
        // A group of nothing but refusals moves nothing and wakes no stream.
        shared.durable.send_if_modified(|known| {
            let moved = known.size != durable.size;
            *known = durable;
            moved
        });
        for (caller, answer) in answers {
            // A caller that went away misses its answer; the commit stands.
            drop(caller.send(answer));
        }
    }
}
