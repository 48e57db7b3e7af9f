//! A probe asks whether an append would be acknowledged now.

use tokio::sync::oneshot;

use super::{AppendError, Ledger};

impl Ledger {
    /// Sends a turn through the queue, the writer, the group, the flusher and the publisher, as a
    /// commit takes it. It records nothing, takes no room of the queue, and writes nothing to the
    /// disk. The future does not keep the ledger.
    ///
    /// # Errors
    /// The reason why an append would be refused now, as far as it does not depend on its events.
    pub fn prove_writable(&self) -> impl Future<Output = Result<(), AppendError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let pushed = self.queue.push_proof(reply);
        async move {
            pushed?;
            answer.await.unwrap_or(Err(AppendError::Unknown))
        }
    }

    /// A number that moves whenever a running flush gets on.
    #[must_use]
    pub fn flush_progress(&self) -> u64 {
        self.shared.log.progress()
    }
}
