//! One handshake: it has a place, its turns and a time, and it is counted by how it ended.

use std::{io, sync::Arc};

use rustls::{Error, ServerConnection, pki_types::UnixTime};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{
    Tls,
    guests::{Chain, Stay, is_valid},
    loaded::Loaded,
};
use crate::{
    access::{Channel, PeerCertificate},
    domain::Party,
    limits::{CLOSE_DURATION_MAX, REFUSED_DRAIN_BYTES_MAX},
    metrics::Metrics,
    service::Peer,
};

/// The first byte of every TLS connection: a record of a handshake.
pub(in crate::server) const HANDSHAKE_RECORD: u8 = 0x16;
/// The outcome of a handshake that a peer begins on a port without TLS.
pub(in crate::server) const PLAIN_PORT: &str = "plain_port";

/// A peer after its handshake.
pub(in crate::server) struct Met<I> {
    pub(in crate::server) io: TlsStream<I>,
    pub(in crate::server) channel: Arc<Channel>,
    /// Kept as long as the connection.
    pub(in crate::server) stay: Option<Stay>,
}

/// How a handshake ended, as the metric names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The connection is open.
    Done,
    /// The peer has gone.
    Left,
    /// The peer did not finish in time.
    Late,
    /// It gave way to another one.
    Crowded,
    /// The peer has no certificate and needs one.
    NoCertificate,
    /// The certificate of the peer is not accepted.
    Certificate,
    /// The peer does not accept the server.
    RefusedByPeer,
    /// The peer broke the protocol, or knows no version or cipher that the server knows.
    Protocol,
    /// The peer does not speak TLS.
    Plaintext,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Left => "left",
            Self::Late => "late",
            Self::Crowded => "crowded",
            Self::NoCertificate => "no_certificate",
            Self::Certificate => "certificate",
            Self::RefusedByPeer => "refused_by_peer",
            Self::Protocol => "protocol",
            Self::Plaintext => "plaintext",
        }
    }

    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None => Self::Left,
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_)) => {
                Self::Certificate
            }
            Some(Error::AlertReceived(_)) => Self::RefusedByPeer,
            Some(_) => Self::Protocol,
        }
    }

    pub(super) fn count(self, metrics: &Metrics) {
        metrics.tls_handshakes_total.with([self.as_str()]).inc();
    }
}

/// Counts a handshake. One that is dropped before it has ended has left: its place was given up, or
/// the server drains.
struct Counting<'a> {
    metrics: &'a Metrics,
    outcome: Outcome,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.outcome.count(self.metrics);
    }
}

/// True if a peer begins with TLS; `None` if it closes first. Nothing is taken from the socket.
pub(in crate::server) async fn is_tls(io: &TcpStream) -> io::Result<Option<bool>> {
    let mut first = [0];
    let read = io.peek(&mut first).await?;
    Ok((read > 0).then(|| first == [HANDSHAKE_RECORD]))
}

/// Closes the connection of a peer without TLS.
pub(in crate::server) async fn close_plaintext(io: TcpStream, peer: Peer, metrics: &Metrics) {
    Outcome::Plaintext.count(metrics);
    tracing::info!(peer = %peer.0, "a peer without TLS was refused: this port speaks TLS alone");
    close(io).await;
}

/// Closes a connection so that its peer can read what was said last. Bytes that were not read would
/// turn the close into a reset, which takes that away from the peer.
async fn close<I: AsyncRead + AsyncWrite + Unpin>(mut io: I) {
    let read_to_end = async {
        let _ = io.shutdown().await;
        let (mut bytes, mut left) = ([0; 1024], REFUSED_DRAIN_BYTES_MAX);
        while left > 0 {
            match io.read(&mut bytes).await {
                Ok(read @ 1..) => left = left.saturating_sub(read),
                _ => return,
            }
        }
    };
    // A peer that does not close has had its time.
    let _ = timeout(CLOSE_DURATION_MAX, read_to_end).await;
}

impl Tls {
    /// Meets a peer: completes its handshake until an instant. `leave` ends the connection later,
    /// if its certificate is no longer valid. `None` if there is no connection; the reason is
    /// counted.
    pub(in crate::server) async fn meet<I>(
        &self,
        io: I,
        peer: Peer,
        party: Party,
        leave: &CancellationToken,
        until: Instant,
    ) -> Option<Met<I>>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut counting = Counting { metrics: &self.metrics, outcome: Outcome::Left };
        let (slot, loaded) = (self.slots.take(party), self.loaded());
        let accepted = TlsAcceptor::from(Arc::clone(&loaded.config)).accept(io).into_fallible();
        let accepted = tokio::select! {
            accepted = self.turns.run(party, accepted) => accepted,
            () = slot.leave.cancelled() => {
                counting.outcome = Outcome::Crowded;
                return None;
            }
            () = sleep_until(until) => {
                counting.outcome = Outcome::Late;
                return None;
            }
        };
        let (met, rest) = match accepted {
            Some(Ok(io)) => (self.admit(io, &loaded, leave), None),
            Some(Err((error, io))) => (Err((Outcome::of(&error), error.to_string())), Some(io)),
            None => (Err((Outcome::Protocol, "the server failed in the handshake".into())), None),
        };
        let (outcome, why) = match met {
            Ok(met) => {
                counting.outcome = Outcome::Done;
                return Some(met);
            }
            Err(refused) => refused,
        };
        counting.outcome = outcome;
        drop((counting, slot));
        match outcome {
            Outcome::Left => tracing::debug!(peer = %peer.0, why, "a TLS handshake ended"),
            _ => tracing::info!(peer = %peer.0, why, "a TLS handshake failed"),
        }
        if let Some(io) = rest {
            // The peer learns from an alert why it is refused.
            close(io).await;
        }
        None
    }

    /// Reads the certificate of a peer that TLS has verified.
    fn admit<I>(
        &self,
        io: TlsStream<I>,
        loaded: &Arc<Loaded>,
        leave: &CancellationToken,
    ) -> Result<Met<I>, (Outcome, String)> {
        let refused = |why: &dyn ToString| (Outcome::Certificate, why.to_string());
        let Some(chain) = chain_of(io.get_ref().1) else {
            return Ok(Met { io, channel: Channel::tls(None), stay: None });
        };
        let own = chain.first().map(AsRef::as_ref).unwrap_or_default();
        let certificate = PeerCertificate::of_verified(own).map_err(|error| refused(&error))?;
        let stay = self.guests.add(Arc::clone(&chain), leave.clone());
        // The files may have changed meanwhile: a reload looks at its guests after the change.
        let now = self.loaded();
        if !Arc::ptr_eq(&now, loaded)
            && let Some(verifier) = &now.verifier
            && !is_valid(&chain, &**verifier, UnixTime::since_unix_epoch(self.now()))
        {
            return Err(refused(&"the certificate was revoked during the handshake"));
        }
        Ok(Met { io, channel: Channel::tls(Some(certificate)), stay: Some(stay) })
    }
}

/// The certificates that a peer has shown; `None` if it has shown none.
fn chain_of(connection: &ServerConnection) -> Option<Chain> {
    let chain = connection.peer_certificates().filter(|chain| !chain.is_empty())?;
    Some(chain.iter().map(|certificate| certificate.clone().into_owned()).collect())
}
