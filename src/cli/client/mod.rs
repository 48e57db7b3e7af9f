//! The connection to the server.

mod connector;
mod transport;

use std::sync::Arc;

use http::HeaderValue;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use self::{
    connector::{Connector, Faults},
    transport::{Node, Transport},
};
use super::{
    CliError,
    args::{ServerAddress, ServerArgs},
    print::{awaited, cause_in_words},
    target::{Target, Turn},
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
    transport: Transport,
}

impl Client {
    /// After the error of a node that takes no writes: leaves it for the next one. False if there
    /// is no other, or if the error is another one.
    pub(crate) fn move_on(&self, status: &Status) -> bool {
        takes_no_writes(status) && self.transport.move_on()
    }

    /// True if it has several nodes: it leaves one that does not answer for the next one.
    pub(crate) fn has_others(&self) -> bool {
        self.transport.has_others()
    }

    /// Connects to the server that the arguments name.
    pub(crate) async fn to(server: &ServerArgs) -> Result<Self, CliError> {
        Self::connect(&server.target()?).await
    }

    /// Connects to a server: with TLS to `https`, in plaintext to `http`. The files of the target
    /// are read anew. Of several nodes, the next one whose turn it is and that can be reached.
    pub(crate) async fn connect(target: &Target) -> Result<Self, CliError> {
        if target.addresses.is_empty() {
            return Err(CliError::Message(say!(
                en: "the server's address is empty; the form is https://HOST:PORT",
                zh: "服务器地址为空；请写成 https://主机:端口"
            )));
        }
        let bearer = target.token()?.map(|token| bearer(&token)).transpose()?;
        let all = target.addresses.iter().map(|address| Address::of(target, address));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let (reached, channel) = reach(&all, &target.turn).await?;
        let nodes = all.into_iter().enumerate().map(|(i, address)| Node {
            channel: if i == reached { channel.clone() } else { address.lazily() },
            faults: address.faults,
        });
        let turn = Arc::clone(&target.turn);
        let transport = Transport { nodes: nodes.collect::<Vec<_>>().into(), turn, bearer };
        Ok(Self {
            ledger: LedgerServiceClient::new(transport.clone())
                .max_encoding_message_size(REQUEST_BYTES_MAX),
            register: RegisterServiceClient::new(transport.clone()),
            admin: AdminServiceClient::new(transport.clone()),
            cursors: CursorServiceClient::new(transport.clone()),
            proof: ProofServiceClient::new(transport.clone()),
            access: AccessServiceClient::new(transport.clone()),
            transport,
        })
    }
}

/// One of the servers, before it is connected to.
struct Address {
    server: String,
    endpoint: Endpoint,
    connector: Connector,
    faults: Arc<Faults>,
}

impl Address {
    fn of(target: &Target, address: &ServerAddress) -> Result<Self, CliError> {
        let server = address.to_string();
        let faults = Arc::new(Faults::default());
        let connector = Connector::new(target, address, faults.clone())?;
        let endpoint = Endpoint::from_shared(server.clone()).map_err(|error| {
            CliError::Unreachable { server: server.clone(), why: cause_in_words(&error) }
        })?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_DURATION_MAX)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        Ok(Self { server, endpoint, connector, faults })
    }

    async fn connect(&self) -> Result<Channel, CliError> {
        let unreachable = |why: String| CliError::Unreachable { server: self.server.clone(), why };
        let connector = self.connector.clone();
        let channel = awaited(self.endpoint.connect_with_connector(connector)).await;
        channel.map_err(|error| match self.faults.take() {
            Some(Fault { kind: FaultKind::Silent, why }) => unreachable(why),
            Some(fault) => CliError::Untrusted { server: self.server.clone(), why: fault.why },
            None => unreachable(cause_in_words(&error)),
        })
    }

    /// A connection that is made once it is needed.
    fn lazily(&self) -> Channel {
        self.endpoint.connect_with_connector_lazy(self.connector.clone())
    }
}

/// Connects to the node whose turn it is, or else to the next one that can be reached. Gives its
/// place in the list.
async fn reach(all: &[Address], turn: &Turn) -> Result<(usize, Channel), CliError> {
    let begin = turn.next();
    let mut failed = None;
    for at in (0..all.len()).map(|i| begin.wrapping_add(i)) {
        let place = at % all.len();
        let Some(address) = all.get(place) else { break };
        match address.connect().await {
            Ok(channel) => {
                turn.take(at);
                return Ok((place, channel));
            }
            Err(error) => {
                turn.leave(at);
                failed = Some(error);
            }
        }
    }
    let nobody = || CliError::Unreachable { server: String::new(), why: String::new() };
    Err(failed.unwrap_or_else(nobody))
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

/// True for the error of a node that takes no writes itself. Another one does.
pub(crate) fn takes_no_writes(status: &Status) -> bool {
    const REASONS: [&str; 4] = ["FOLLOWER", "LOOPED", "RETIRED", "STALE_EPOCH"];
    let info = status.get_details_error_info();
    status.code() == Code::FailedPrecondition
        && info.is_some_and(|info| REASONS.contains(&info.reason.as_str()))
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
        _ => match (info.metadata.get("leader"), info.metadata.get("detail")) {
            (Some(leader), Some(why)) => say!(
                en: "it waits for an answer of {leader}: {why}",
                zh: "正在等待 {leader} 的答复：{why}"
            ),
            _ => say!(en: "it replays its log", zh: "正在重放日志"),
        },
    })
}
