//! How long tests wait for what must come.

use std::time::Duration;

/// Whatever takes longer hangs. Longer than the server's own patience with a flush, also on a busy
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what must come.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("{what} has not come in {PATIENCE:?}"))
}
