//! Runs work that may wait for the disk beside the event loop. A task can end without an answer,
//! which does not mean that the log has failed.

use tokio::task::{JoinError, spawn_blocking};

/// Why a task ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskEnded {
    /// The runtime is shutting down, and the task was cancelled.
    #[error("the server is shutting down")]
    Cancelled,
    /// The task panicked.
    #[error("a task of the server panicked")]
    Panicked,
}

impl From<JoinError> for TaskEnded {
    fn from(error: JoinError) -> Self {
        if error.is_panic() {
            tracing::error!(%error, "a task panicked");
            return Self::Panicked;
        }
        Self::Cancelled
    }
}

/// Runs work on a thread that may block.
///
/// # Errors
/// [`TaskEnded`] if the work gave no answer.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TaskEnded> {
    Ok(spawn_blocking(work).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_not_an_io_error() {
        let ended = run_blocking(|| -> u8 { panic!("injected") }).await;
        assert_eq!(ended, Err(TaskEnded::Panicked));
    }

    #[tokio::test]
    async fn a_task_that_is_cancelled_has_not_panicked() {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        let error = task.await.expect_err("it was aborted");
        assert_eq!(TaskEnded::from(error), TaskEnded::Cancelled);
    }
}
