//! SIGHUP, by which an operator asks that files be read again.

use std::{future::pending, io};

use tokio::signal::unix::Signal;

/// Completes at the next SIGHUP; never, if the system does not tell of them.
pub(super) async fn hangup(hangups: &mut io::Result<Signal>) {
    let heard = match hangups {
        Ok(hangups) => hangups.recv().await,
        Err(_) => None,
    };
    if heard.is_none() {
        pending::<()>().await;
    }
}
