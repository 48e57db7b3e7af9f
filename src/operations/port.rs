//! The listener: takes connections, and bounds what each may cost.
//!
//! A connection serves one request. Whoever asks for more opens another one, so no connection stays
//! for long, and the oldest can give up its place to a newcomer.

use std::{collections::VecDeque, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{State, answers::answer};
use crate::limits::{
    ACCEPT_PAUSE, OPERATIONS_CONNECTIONS_MAX, OPERATIONS_EXCHANGE_DURATION_MAX,
    OPERATIONS_HEAD_BYTES, OPERATIONS_HEAD_DURATION_MAX,
};

/// Accepts connections for ever.
pub(super) async fn run(listener: TcpListener, state: Arc<State>) {
    let mut connections = Connections::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The peer has gone, or no descriptor is free.
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let serving = tokio::spawn(serve(stream, Arc::clone(&state)));
        connections.add(serving.abort_handle());
    }
}

/// The connections that are open, in the order in which they came.
#[derive(Default)]
struct Connections(VecDeque<AbortHandle>);

impl Connections {
    fn add(&mut self, newcomer: AbortHandle) {
        self.0.retain(|connection| !connection.is_finished());
        if self.0.len() >= OPERATIONS_CONNECTIONS_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back(newcomer);
    }
}

/// Serves a connection until its request is answered or its time is up.
async fn serve<I>(io: I, state: Arc<State>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .keep_alive(false)
        .half_close(true)
        .header_read_timeout(OPERATIONS_HEAD_DURATION_MAX)
        .max_buf_size(OPERATIONS_HEAD_BYTES);
    let answers = service_fn(move |request| answer(Arc::clone(&state), request));
    let exchange = builder.serve_connection(TokioIo::new(io), answers);
    // Whatever a connection ends with concerns its peer alone.
    let _ = timeout(OPERATIONS_EXCHANGE_DURATION_MAX, exchange).await;
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        runtime::Handle,
        task::JoinHandle,
        time::Instant,
    };

    use super::*;
    use crate::{
        ledger::clock::Clock, limits::SCRAPE_DURATION_MAX, metrics::Metrics,
        operations::OperationsOptions, service::Phases,
    };

    const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

    struct Stopped;

    impl Clock for Stopped {
        fn now_micros(&self) -> i64 {
            0
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn state() -> Arc<State> {
        let options = OperationsOptions {
            phases: Phases::new(),
            metrics: Metrics::new(),
            clock: Arc::new(Stopped),
            telemetry: |_| {},
            runtime: Handle::current(),
            data_dir: "nowhere".into(),
            hosts: Vec::new(),
        };
        Arc::new(State::of(([127, 0, 0, 1], 9_464).into(), options).unwrap())
    }

    /// A connection with this room on the way, and the time that it lasts.
    fn connect(room: usize, state: &Arc<State>) -> (DuplexStream, JoinHandle<Duration>) {
        let (peer, io) = duplex(room);
        let (state, began) = (Arc::clone(state), Instant::now());
        let served = tokio::spawn(async move {
            serve(io, state).await;
            began.elapsed()
        });
        (peer, served)
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_in_time_ends_its_connection() {
        let state = state();
        let soon = OPERATIONS_HEAD_DURATION_MAX + Duration::from_millis(100);
        let (_silent, served) = connect(1_024, &state);
        assert!(served.await.is_ok_and(|lasted| lasted <= OPERATIONS_EXCHANGE_DURATION_MAX));
        let (mut half, served) = connect(1_024, &state);
        half.write_all(b"GET /metrics HTTP/1.1\r\nHost:").await.expect("room");
        assert!(served.await.is_ok_and(|lasted| lasted <= soon));
        let (mut slow, served) = connect(1_024, &state);
        let drip = tokio::spawn(async move {
            for byte in REQUEST {
                sleep(Duration::from_secs(1)).await;
                if slow.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            pending::<()>().await;
        });
        assert!(served.await.is_ok_and(|lasted| lasted <= soon + Duration::from_secs(1)));
        drip.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_ends_with_its_connection() {
        let (mut peer, served) = connect(256, &state());
        peer.write_all(REQUEST).await.expect("room");
        let lasted = served.await.expect("no panic");
        assert_eq!(lasted.as_secs(), OPERATIONS_EXCHANGE_DURATION_MAX.as_secs());
        let mut taken = Vec::new();
        peer.read_to_end(&mut taken).await.expect("what was on the way");
        assert!(taken.len() <= 256);
    }

    #[tokio::test(start_paused = true)]
    async fn values_that_a_thread_holds_are_not_waited_for() {
        let state = state();
        let ask = async || {
            let (mut peer, served) = connect(1 << 20, &state);
            peer.write_all(REQUEST).await.expect("room");
            let mut answer = String::new();
            peer.read_to_string(&mut answer).await.expect("text");
            (answer, served.await.expect("no panic"))
        };
        let held = Arc::clone(&state.scrapes).lock_owned().await;
        let (answer, lasted) = ask().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("within 5 s"), "{answer}");
        assert_eq!(lasted.as_secs(), SCRAPE_DURATION_MAX.as_secs());
        drop(held);
        let (answer, _) = ask().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
