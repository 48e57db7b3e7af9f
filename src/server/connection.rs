//! One connection: its limits, its keepalive and its end. They bound the cost of a stuck reader;
//! tonic's own accept loop has no settings for that.

use std::net::SocketAddr;

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::coalesce::CoalescingIo;
use crate::{
    limits::{
        CONNECTION_STREAMS_MAX, CONNECTION_WINDOW_BYTES, HANDSHAKE_DURATION_MAX,
        HTTP1_BUFFER_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_SEND_BYTES_MAX,
        STREAM_WINDOW_BYTES,
    },
    service::{Api, Peer},
};

/// Serves one connection until it ends. After `drain` is cancelled, it finishes its requests and
/// ends.
pub(super) fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    api: Api,
    drain: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let drain = drain.clone();
    async move {
        // Small packets leave at once. The call fails only for a closed socket.
        let _ = stream.set_nodelay(true);
        // A silent peer keeps its connection no longer than this.
        let mut first = [0];
        match timeout(HANDSHAKE_DURATION_MAX, stream.peek(&mut first)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
        let service = api.map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(Peer(peer));
            request.map(tonic::body::Body::new)
        });
        let service = TowerToHyperService::new(service);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_DURATION_MAX)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .max_send_buf_size(STREAM_SEND_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let connection = builder.serve_connection(CoalescingIo::new(TokioIo::new(stream)), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }
}
