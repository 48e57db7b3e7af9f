//! A server that lives as long as a command, on a directory that goes with it.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::{CliError, text};
use crate::server::{Server, config::Config};

/// Starts a server on a free port of this machine, gives its address to `play`, and ends it whatever that came to.
pub(super) async fn with_server(
    play: impl AsyncFnOnce(&str) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let said = |e: &dyn std::fmt::Display| CliError::Said(e.to_string());
    let dir = TempDir::new().map_err(|e| CliError::Io("cannot make a directory".to_owned(), e))?;
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: dir.path().join("data"),
        ..Config::default()
    };
    let failed = |why: &str| text::complain(&format!("tidu: the log failed: {why}"));
    let server = Server::open(&config, failed).await.map_err(|e| said(&e))?;
    let address = format!("http://{}", server.address().map_err(|e| said(&e))?);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
    let told = play(&address).await;
    drop(stop);
    // The server ends whatever was told.
    let _ = serving.await;
    told
}
