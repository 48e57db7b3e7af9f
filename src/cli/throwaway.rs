//! A temporary server that ends with its command, on a directory that is removed with it.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::{CliError, args::ServerAddress, print::eprint_line, target::Target};
use crate::{
    ledger::Failure,
    register::RulesBook,
    server::{
        Server,
        config::{Config, OperationsListen},
    },
};

/// Starts a server on a free port of the loopback interface, gives its address to `play`, and
/// ends it in any case.
pub(super) async fn with_server(
    play: impl AsyncFnOnce(&Target) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let message = |e: &dyn std::fmt::Display| CliError::Message(e.to_string());
    let dir = TempDir::new().map_err(|e| CliError::Io("cannot make a directory".to_owned(), e))?;
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: dir.path().join("data"),
        operations_listen: OperationsListen::Off,
        ..Config::default()
    };
    let failed = |why: &Failure| eprint_line(&format!("tidu: the log failed: {why}"));
    let server =
        Server::open(&config, RulesBook::RELEASED, failed).await.map_err(|e| message(&e))?;
    let address = format!("http://{}", server.address());
    let address: ServerAddress = address.parse().map_err(CliError::Message)?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
    let outcome = play(&Target::from(address)).await;
    drop(stop);
    // The end of the server does not change the outcome.
    let _ = serving.await;
    outcome
}
