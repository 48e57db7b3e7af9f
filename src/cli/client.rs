//! The connection to the server.

use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use super::{CliError, args::ServerAddress};
use crate::{
    delivery::innermost_cause,
    limits::{CONNECT_DURATION_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, REQUEST_BYTES_MAX},
    protocol::pb::{
        admin_service_client::AdminServiceClient, cursor_service_client::CursorServiceClient,
        ledger_service_client::LedgerServiceClient, proof_service_client::ProofServiceClient,
        register_service_client::RegisterServiceClient,
    },
};

/// A connection with a client for each service.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) ledger: LedgerServiceClient<Channel>,
    pub(crate) register: RegisterServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) cursors: CursorServiceClient<Channel>,
    pub(crate) proof: ProofServiceClient<Channel>,
}

impl Client {
    /// Connects to a server in plaintext.
    pub(crate) async fn connect(server: &ServerAddress) -> Result<Self, CliError> {
        if server.is_empty() {
            let message = "the server's address is empty; the form is http://HOST:PORT";
            return Err(CliError::Message(message.to_owned()));
        }
        let unreachable = |why: String| CliError::Unreachable { server: server.to_string(), why };
        let endpoint = Endpoint::from_shared(server.to_string())
            .map_err(|e| unreachable(innermost_cause(&e)))?
            .connect_timeout(CONNECT_DURATION_MAX)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let channel = endpoint.connect().await.map_err(|e| unreachable(innermost_cause(&e)))?;
        Ok(Self {
            ledger: LedgerServiceClient::new(channel.clone())
                .max_encoding_message_size(REQUEST_BYTES_MAX),
            register: RegisterServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel.clone()),
            cursors: CursorServiceClient::new(channel.clone()),
            proof: ProofServiceClient::new(channel),
        })
    }
}

/// How far a server has come that is still starting, if that is why it refuses a call.
pub(crate) fn replay_progress(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.reason == "STARTING")?;
    let of = |key: &str| info.metadata.get(key)?.parse::<u64>().ok();
    Some(match (of("replayed"), of("events")) {
        (Some(replayed), Some(events)) => format!("{replayed} of {events} events are replayed"),
        _ => "it replays its log".to_owned(),
    })
}
