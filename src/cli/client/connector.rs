//! Connections to the server, with TLS or without. One that breaks tells why.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tower::{Service, ServiceExt as _};

use crate::{
    cli::{CliError, args::ServerAddress, target::Target},
    lang::{say, word},
    tls::{self, ClientFiles, Fault, FaultKind},
};

/// The protocol that both sides agree on in the handshake.
const HTTP_2: &[u8] = b"h2";
/// The type of a TLS record with an alert, and the first byte of every version.
const TLS_ALERT: [u8; 2] = [21, 3];
/// The beginning of an answer of HTTP/1.
const HTTP_1: &[u8] = b"HTTP/1.";

/// Why the last connection failed, if that is known better than by the error of the call: a server
/// refuses a client certificate only after the handshake.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Option<Fault>>);

impl Faults {
    fn note(&self, fault: Fault) {
        *self.0.lock() = Some(fault);
    }

    pub(super) fn take(&self) -> Option<Fault> {
        self.0.lock().take()
    }
}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    explained: Explained,
}

/// What an explanation of a fault names.
#[derive(Clone)]
struct Explained {
    host: String,
    files: ClientFiles,
    faults: Arc<Faults>,
}

impl Explained {
    /// Notes the fault behind an error.
    fn note(&self, error: &(dyn Error + 'static)) {
        if let Some(fault) = tls::explain(error, &self.host, &self.files) {
            self.faults.note(fault);
        }
    }

    fn note_server(&self, why: String) {
        self.faults.note(Fault { kind: FaultKind::Server, why });
    }
}

impl Connector {
    /// Reads the files of a target.
    pub(super) fn new(
        target: &Target,
        address: &ServerAddress,
        faults: Arc<Faults>,
    ) -> Result<Self, CliError> {
        let host = address.host();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = match address.is_secure() {
            true => {
                let mut config =
                    target.tls.read().map_err(|error| CliError::Message(error.to_string()))?;
                config.alpn_protocols = vec![HTTP_2.to_vec()];
                let name = ServerName::try_from(host.clone());
                let name = name.map_err(|_| {
                    CliError::Message(say!(
                        en: "{host:?} is a name that no certificate can have",
                        zh: "{host:?} 不是证书可用的名称"
                    ))
                })?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            false => None,
        };
        let explained = Explained { host, files: target.tls.clone(), faults };
        Ok(Self { tcp, tls, explained })
    }

    async fn open(self, uri: Uri) -> Result<TokioIo<Connection>, Box<dyn Error + Send + Sync>> {
        let tcp = self.tcp.oneshot(uri).await?.into_inner();
        let explained = self.explained;
        let is_secure = self.tls.is_some();
        let io: Pin<Box<dyn Stream>> = match self.tls {
            None => Box::pin(tcp),
            Some((tls, name)) => {
                let shaken = tls.connect(name, tcp).await;
                let stream = shaken.inspect_err(|error| {
                    if is_closed(error) {
                        let host = &explained.host;
                        explained.note_server(say!(
                            en: "{host} closed the connection in the handshake: it does not speak \
                                 TLS there, or has too many connections",
                            zh: "{host} 在握手时关闭了连接：该处不是 TLS，或连接过多"
                        ));
                    }
                    explained.note(error);
                })?;
                Box::pin(stream)
            }
        };
        Ok(TokioIo::new(Connection { io, is_secure, has_heard: false, explained }))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Connection>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().open(uri))
    }
}

/// An error without the advice for programmers that the TLS library adds to a close.
fn plain(error: io::Error) -> io::Error {
    match error.kind() {
        kind @ io::ErrorKind::UnexpectedEof => {
            io::Error::new(kind, word!(en: "the connection was closed", zh: "连接已关闭"))
        }
        _ => error,
    }
}

/// True if the other side closed the connection.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// A connection that notes why it breaks.
pub(super) struct Connection {
    io: Pin<Box<dyn Stream>>,
    is_secure: bool,
    has_heard: bool,
    explained: Explained,
}

impl Connection {
    /// Looks at the first bytes of the server: a server that expects TLS does not answer in HTTP/2.
    fn require_http2(&mut self, first: &[u8]) -> io::Result<()> {
        if first.is_empty() {
            self.note_silence();
            return Ok(());
        }
        self.has_heard = true;
        // The fault of an earlier connection is not that of this one.
        drop(self.explained.faults.take());
        if self.is_secure || !(first.starts_with(&TLS_ALERT) || first.starts_with(HTTP_1)) {
            return Ok(());
        }
        let host = &self.explained.host;
        let why = match first.starts_with(&TLS_ALERT) {
            true => say!(
                en: "{host} speaks TLS there; use https://",
                zh: "{host} 该处使用 TLS，请用 https://"
            ),
            false => say!(
                en: "{host} answers in HTTP/1: no gRPC server, or one that expects TLS (https://)",
                zh: "{host} 以 HTTP/1 答复：不是 gRPC 服务器，或要求 TLS（https://）"
            ),
        };
        self.explained.note_server(why.clone());
        Err(io::Error::other(why))
    }
}

impl Connection {
    /// Notes why the connection ends.
    fn note_end(&self, error: &io::Error) {
        self.explained.note(error);
        if is_closed(error) {
            self.note_silence();
        }
    }

    /// The same where a write failed. A server that refuses the handshake says so and closes; the
    /// write may meet the close before the alert is read.
    fn note_end_of_write(&mut self, error: &io::Error, context: &mut Context<'_>) {
        self.note_end(error);
        if !self.is_secure || self.has_heard {
            return;
        }
        let mut bytes = [0; 64];
        let read = self.io.as_mut().poll_read(context, &mut ReadBuf::new(&mut bytes));
        if let Poll::Ready(Err(error)) = read {
            self.explained.note(&error);
        }
    }

    /// A server that expects TLS closes a connection in plaintext without a word.
    fn note_silence(&self) {
        if self.is_secure || self.has_heard {
            return;
        }
        let host = &self.explained.host;
        let why = say!(
            en: "{host} closed the connection without a word; if it expects TLS, use https://",
            zh: "{host} 没有答复就关闭了连接；如果要求 TLS，请用 https://"
        );
        self.explained.faults.note(Fault { kind: FaultKind::Silent, why });
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = std::task::ready!(self.io.as_mut().poll_read(context, buffer));
        if let Err(error) = read {
            self.note_end(&error);
            return Poll::Ready(Err(plain(error)));
        }
        if !self.has_heard {
            let first = buffer.filled().get(before..).unwrap_or_default();
            self.require_http2(first)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(self.io.as_mut().poll_write(context, bytes));
        Poll::Ready(written.inspect_err(|error| self.note_end_of_write(error, context)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(self.io.as_mut().poll_write_vectored(context, slices));
        Poll::Ready(written.inspect_err(|error| self.note_end_of_write(error, context)))
    }
}
