//! The connection to the server.

mod connector;
mod transport;

use std::sync::Arc;

use http::HeaderValue;
use tonic::{Status, transport::Endpoint};
use tonic_types::StatusExt as _;

use self::{
    connector::{Connector, Faults},
    transport::Transport,
};
use super::{
    CliError,
    args::ServerArgs,
    print::{awaited, cause_in_words},
    target::Target,
};
use crate::{
    lang::say,
    limits::{CONNECT_DURATION_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, REQUEST_BYTES_MAX},
    protocol::pb::{
        access_service_client::AccessServiceClient, admin_service_client::AdminServiceClient,
        cursor_service_client::CursorServiceClient, ledger_service_client::LedgerServiceClient,
        proof_service_client::ProofServiceClient, register_service_client::RegisterServiceClient,
    },
    tls::{Fault, FaultKind},
};

/// A connection with a client for each service.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) ledger: LedgerServiceClient<Transport>,
    pub(crate) register: RegisterServiceClient<Transport>,
    pub(crate) admin: AdminServiceClient<Transport>,
    pub(crate) cursors: CursorServiceClient<Transport>,
    pub(crate) proof: ProofServiceClient<Transport>,
    pub(crate) access: AccessServiceClient<Transport>,
}

impl Client {
    /// Connects to the server that the arguments name.
    pub(crate) async fn to(server: &ServerArgs) -> Result<Self, CliError> {
        Self::connect(&server.target()?).await
    }

    /// Connects to a server: with TLS to `https`, in plaintext to `http`. The files of the target
    /// are read anew.
    pub(crate) async fn connect(target: &Target) -> Result<Self, CliError> {
        if target.address.is_empty() {
            return Err(CliError::Message(say!(
                en: "the server's address is empty; the form is https://HOST:PORT",
                zh: "服务器地址为空；请写成 https://主机:端口"
            )));
        }
        let server = target.to_string();
        let unreachable = |why: String| CliError::Unreachable { server: server.clone(), why };
        let bearer = target.token()?.map(|token| bearer(&token)).transpose()?;
        let faults = Arc::new(Faults::default());
        let connector = Connector::new(target, faults.clone())?;
        let endpoint = Endpoint::from_shared(server.clone())
            .map_err(|e| unreachable(cause_in_words(&e)))?
            .connect_timeout(CONNECT_DURATION_MAX)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let channel = awaited(endpoint.connect_with_connector(connector)).await;
        let channel = channel.map_err(|error| match faults.take() {
            Some(Fault { kind: FaultKind::Silent, why }) => unreachable(why),
            Some(fault) => CliError::Untrusted { server: server.clone(), why: fault.why },
            None => unreachable(cause_in_words(&error)),
        })?;
        let transport = Transport { channel, bearer, faults };
        Ok(Self {
            ledger: LedgerServiceClient::new(transport.clone())
                .max_encoding_message_size(REQUEST_BYTES_MAX),
            register: RegisterServiceClient::new(transport.clone()),
            admin: AdminServiceClient::new(transport.clone()),
            cursors: CursorServiceClient::new(transport.clone()),
            proof: ProofServiceClient::new(transport.clone()),
            access: AccessServiceClient::new(transport),
        })
    }
}

/// The header with a token. It is marked as sensitive: no debug output and no table of HTTP/2 has
/// it.
fn bearer(token: &str) -> Result<HeaderValue, CliError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        CliError::Message(say!(
            en: "the token does not fit into a header", zh: "令牌含有不能发送的字符"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// How far a server has come that is still starting, if that is why it refuses a call.
pub(crate) fn replay_progress(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.reason == "STARTING")?;
    let of = |key: &str| info.metadata.get(key)?.parse::<u64>().ok();
    Some(match (of("replayed"), of("events")) {
        (Some(replayed), Some(events)) => say!(
            en: "{replayed} of {events} events are replayed",
            zh: "已重放 {replayed}/{events} 个事件"
        ),
        _ => say!(en: "it replays its log", zh: "正在重放日志"),
    })
}
