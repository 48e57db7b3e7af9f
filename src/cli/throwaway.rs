//! A server that ends with its command, on a directory that may be removed with it.

use std::{net::SocketAddr, path::PathBuf};

use tempfile::TempDir;

use super::{CliError, args::ServerAddress, print::eprint_line, target::Target};
use crate::{
    lang::{say, word},
    ledger::Failure,
    register::RulesBook,
    server::{
        Server, StartError,
        config::{Config, OperationsListen},
    },
};

/// Where a server of a command listens, and where its data are.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// `None`: a free port of the loopback interface.
    pub(super) listen: Option<SocketAddr>,
    /// `None`: a temporary directory, which is removed at the end.
    pub(super) data_dir: Option<PathBuf>,
}

/// Starts a server, gives its address to `play`, and ends it in any case.
pub(super) async fn with_server(
    place: Place,
    play: impl AsyncFnOnce(&Target) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let Place { listen, data_dir } = place;
    let temporary = if data_dir.is_none() { Some(temporary()?) } else { None };
    let below = |dir: &TempDir| dir.path().join("data");
    let config = Config {
        listen: listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
        data_dir: data_dir.or_else(|| temporary.as_ref().map(below)).unwrap_or_default(),
        operations_listen: OperationsListen::Off,
        ..Config::default()
    };
    let server = open(&config).await.map_err(|e| CliError::Message(e.to_string()))?;
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

fn temporary() -> Result<TempDir, CliError> {
    let failed = |e| {
        let what = word!(en: "cannot make a temporary directory", zh: "无法创建临时目录");
        CliError::Io(what.to_owned(), e)
    };
    TempDir::with_prefix("tidu-demo-").map_err(failed)
}

/// True if nothing listens at an address, so that a server may.
pub(super) fn is_free(address: SocketAddr) -> bool {
    std::net::TcpListener::bind(address).is_ok()
}

async fn open(config: &Config) -> Result<Server, StartError> {
    let failed = |why: &Failure| {
        eprint_line(&say!(en: "tidu: the log failed: {why}", zh: "tidu：日志故障：{why}"));
    };
    Server::open(config, RulesBook::RELEASED, failed).await
}
