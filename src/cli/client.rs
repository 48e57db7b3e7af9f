//! Connecting to the server.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use super::{CliError, Common};
use crate::{
    delivery::innermost_cause,
    limits::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, REQUEST_BYTES_MAX},
    protocol::pb::{
        admin_service_client::AdminServiceClient, cursor_service_client::CursorServiceClient,
        ledger_service_client::LedgerServiceClient, proof_service_client::ProofServiceClient,
        register_service_client::RegisterServiceClient,
    },
};

/// How long to try to connect.
const CONNECT_DURATION_MAX: Duration = Duration::from_secs(5);

/// A connection with a client for each service.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) ledger: LedgerServiceClient<Channel>,
    pub(super) register: RegisterServiceClient<Channel>,
    pub(super) admin: AdminServiceClient<Channel>,
    pub(super) cursors: CursorServiceClient<Channel>,
    pub(super) proof: ProofServiceClient<Channel>,
}

impl Client {
    /// Connects, or says why not.
    pub(super) async fn connect(common: &Common) -> Result<Self, CliError> {
        Self::connect_to(&common.server).await
    }

    /// As [`Client::connect`].
    pub(super) async fn connect_to(server: &str) -> Result<Self, CliError> {
        let unreachable = |why: String| CliError::Unreachable { server: server.to_owned(), why };
        let endpoint = Endpoint::from_shared(server.to_owned())
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
