//! The nodes that a follower may follow, and the connections to them.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use futures_util::future::BoxFuture;
use http::{HeaderValue, Uri, header::AUTHORIZATION};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{BoxError, Service, ServiceExt as _, service_fn};

use crate::{
    domain::masked_url,
    files,
    lang::say,
    limits::{CONNECT_DURATION_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, TOKEN_FILE_BYTES_MAX},
    service::Way,
    tls::{ClientFiles, Flags},
};

/// The protocol that both sides agree on in the handshake.
const HTTP_2: &[u8] = b"h2";

/// The settings that name the files of a follower as a client.
pub const FLAGS: Flags =
    Flags { ca: "follow_tls_ca", certificate: "follow_tls_cert", key: "follow_tls_key" };

/// The address of a leader: `https://HOST:PORT`, or `http://HOST:PORT` in plaintext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LeaderUrl(String);

impl LeaderUrl {
    fn uri(&self) -> Uri {
        self.0.parse().unwrap_or_default()
    }

    fn host(&self) -> String {
        self.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_owned()
    }

    /// True if the connection has TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.uri().scheme_str() == Some("https")
    }

    /// True if nothing that is sent leaves this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let address = host.parse::<std::net::IpAddr>();
        address.map_or(host == "localhost", |address| address.to_canonical().is_loopback())
    }
}

impl fmt::Display for LeaderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<LeaderUrl> for String {
    fn from(url: LeaderUrl) -> Self {
        url.0
    }
}

impl TryFrom<String> for LeaderUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for LeaderUrl {
    type Err = String;

    /// No error repeats a password or a query.
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = masked_url(text);
        let refused = || {
            say!(
                en: "{shown:?} is not the address of a node; the form is https://HOST:PORT",
                zh: "{shown:?} 不是节点的地址；请写成 https://主机:端口"
            )
        };
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_bare = uri.path() == "/" && uri.query().is_none();
        let has_port = uri.port_u16().is_some_and(|port| port > 0);
        if is_known && !has_user && is_bare && has_port && uri.host().is_some_and(|h| !h.is_empty())
        {
            return Ok(Self(text.trim_end_matches('/').to_owned()));
        }
        Err(refused())
    }
}

/// The nodes to follow, in the order in which they are tried, and how they are reached.
#[derive(Clone, Debug)]
pub struct Leaders {
    /// Their addresses; at least one.
    pub urls: Vec<LeaderUrl>,
    /// The way to a node.
    pub dial: Arc<dyn Dial>,
}

/// Connects to nodes.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Connects to a node; with this node's credentials, but for the token if `is_known` is false.
    ///
    /// # Errors
    /// The reason for people.
    fn connect<'a>(
        &'a self,
        url: &'a LeaderUrl,
        is_known: bool,
    ) -> BoxFuture<'a, Result<Way, String>>;

    /// A way to a node with credentials, which is connected when it is first used.
    ///
    /// # Errors
    /// The reason for people.
    fn way(&self, url: &LeaderUrl) -> Result<Way, String>;
}

/// Connections over TCP, and the credentials for them. The files are read for each connection, so
/// that renewed ones count at once.
#[derive(Clone, Debug)]
pub struct Dialer {
    /// The files of TLS.
    pub tls: ClientFiles,
    /// The file of the token.
    pub token_file: Option<PathBuf>,
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
trait Connector:
    Service<Uri, Response = TokioIo<Box<dyn Stream>>, Error = BoxError, Future: Send> + Send
{
}

impl<S> Connector for S where
    S: Service<Uri, Response = TokioIo<Box<dyn Stream>>, Error = BoxError, Future: Send> + Send
{
}

impl Dial for Dialer {
    fn connect<'a>(
        &'a self,
        url: &'a LeaderUrl,
        is_known: bool,
    ) -> BoxFuture<'a, Result<Way, String>> {
        Box::pin(async move {
            let stripped = (!is_known).then(|| self.without_token());
            let dialer = stripped.as_ref().unwrap_or(self);
            let endpoint = endpoint(url)?;
            let channel = endpoint.connect_with_connector(dialer.connector(url)?).await;
            dialer.with_token(channel.map_err(|error| innermost(&error))?)
        })
    }

    fn way(&self, url: &LeaderUrl) -> Result<Way, String> {
        let channel = endpoint(url)?.connect_with_connector_lazy(self.connector(url)?);
        self.with_token(channel)
    }
}

fn endpoint(url: &LeaderUrl) -> Result<Endpoint, String> {
    let endpoint = Endpoint::from_shared(url.to_string()).map_err(|e| e.to_string())?;
    Ok(endpoint
        .connect_timeout(CONNECT_DURATION_MAX)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
        .keep_alive_while_idle(true))
}

impl Dialer {
    /// As it is, without what a node could use that another one names. A certificate is none of
    /// it: a handshake gives nobody the key.
    fn without_token(&self) -> Self {
        Self { token_file: None, ..self.clone() }
    }

    fn with_token(&self, channel: Channel) -> Result<Way, String> {
        let bearer = self.bearer()?;
        let with_bearer = move |mut request: http::Request<Body>| {
            if let Some(bearer) = &bearer {
                request.headers_mut().insert(AUTHORIZATION, bearer.clone());
            }
            request
        };
        let channel = channel.map_request(with_bearer);
        Ok(Way::new(channel.map_err(|error| Box::new(error) as BoxError)))
    }

    fn connector(&self, url: &LeaderUrl) -> Result<impl Connector + use<>, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = if url.is_secure() {
            let mut config = self.tls.read().map_err(|error| error.to_string())?;
            config.alpn_protocols = vec![HTTP_2.to_vec()];
            let name = ServerName::try_from(url.host()).map_err(|error| error.to_string())?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(service_fn(move |uri: Uri| {
            let (tcp, tls) = (tcp.clone(), tls.clone());
            async move {
                let tcp = tcp.oneshot(uri).await?.into_inner();
                let io: Box<dyn Stream> = match tls {
                    None => Box::new(tcp),
                    Some((tls, name)) => Box::new(tls.connect(name, tcp).await?),
                };
                Ok::<_, BoxError>(TokioIo::new(io))
            }
        }))
    }

    /// The header with the token. No debug output and no table of HTTP/2 has it.
    fn bearer(&self) -> Result<Option<HeaderValue>, String> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let of_file = |why: &str| format!("follow_token_file {}: {why}", path.display());
        let bytes = files::read_secret(path, TOKEN_FILE_BYTES_MAX)
            .map_err(|error| of_file(&error.to_string()))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let token = text.trim();
        let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| is_one);
        let mut value = value.ok_or_else(|| of_file("it must hold one token and nothing else"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// The window of a stream: a fresh copy is to come as fast as it can be applied.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// The cause that is behind the others.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_a_node_is_one() {
        for text in ["http://127.0.0.1:50051", "https://register.example:1", "http://[::1]:9/"] {
            assert!(text.parse::<LeaderUrl>().is_ok(), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:1",
            "ftp://a:1",
            "http://a",
            "http://a:0",
            "http://u:planted@a:1",
            "http://a:1/planted",
            "http://a:1?planted",
        ] {
            let refused = text.parse::<LeaderUrl>().unwrap_err();
            assert!(refused.contains("HOST:PORT") && !refused.contains("planted@"), "{refused}");
        }
        let of = |text: &str| text.parse::<LeaderUrl>().unwrap();
        assert!(of("http://[::1]:9").is_local() && !of("https://a.example:1").is_local());
        assert!(of("https://a.example:1").is_secure() && !of("http://[::1]:9").is_secure());
    }
}
