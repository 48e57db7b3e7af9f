//! The accept loop: gives each newcomer a place, or tells it that there is none. It never stops.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tokio_util::task::TaskTracker;

use super::{
    connection::Serving,
    places::{Full, Places},
    tls::Tls,
};
use crate::{
    domain::Party,
    limits::{ACCEPT_PAUSE, ACCEPT_REPORT_INTERVAL},
    service::Peer,
};

/// Accepts connections for ever. With TLS, they speak nothing else.
pub(super) async fn run(
    listener: &TcpListener,
    places: &Arc<Places>,
    serving: &Serving,
    tls: Option<&Arc<Tls>>,
    tasks: &TaskTracker,
) {
    let (mut failed, mut refused) = (Seldom::default(), Seldom::default());
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The peer has gone already.
            Err(error) if is_of_peer(&error) => continue,
            Err(error) => {
                // Mostly no file descriptor is free: an idle connection has to give up its own.
                failed.report(|more| {
                    tracing::warn!(%error, more, "cannot accept a connection");
                });
                places.free_some();
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match places.take(Party::of(peer)) {
            Ok(place) => {
                // Small packets leave at once. The call fails only for a closed socket.
                let _ = stream.set_nodelay(true);
                let serving = serving.clone();
                match tls {
                    None => tasks.spawn(serving.serve(stream, Peer(peer), place)),
                    Some(tls) => {
                        tasks.spawn(serving.serve_tls(Arc::clone(tls), stream, Peer(peer), place))
                    }
                };
            }
            Err(full) => {
                refused.report(|more| tracing::warn!(%peer, %full, more, "refused a connection"));
                serving.metrics.connections_refused_total.with([full.cause()]).inc();
                // Only a peer without TLS could read the reason.
                if tls.is_none() {
                    refuse(stream, full);
                }
            }
        }
    }
}

fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A line that is reported once in a while only.
#[derive(Default)]
pub(super) struct Seldom {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// Reports with the number of reports that were left out since the last one.
    pub(super) fn report(&mut self, report: impl FnOnce(u64)) {
        if self.last.is_some_and(|last| last.elapsed() < ACCEPT_REPORT_INTERVAL) {
            self.left_out += 1;
            return;
        }
        report(std::mem::take(&mut self.left_out));
        self.last = Some(Instant::now());
    }
}

/// Tells a newcomer why it gets no place, as far as its socket takes that at once.
fn refuse(stream: TcpStream, full: Full) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&goodbye(&full.to_string()));
    }
}

/// The first frames of an HTTP/2 server that closes: its settings, and GOAWAY with a reason.
fn goodbye(reason: &str) -> Vec<u8> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: u8 = 7;
    const ENHANCE_YOUR_CALM: u32 = 0xb;
    let length = u8::try_from(8 + reason.len()).unwrap_or(8);
    let mut frames = SETTINGS.to_vec();
    frames.extend([0, 0, length, GOAWAY, 0, 0, 0, 0, 0]);
    frames.extend(0_u32.to_be_bytes());
    frames.extend(ENHANCE_YOUR_CALM.to_be_bytes());
    frames.extend(reason.bytes().take(usize::from(length) - 8));
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goodbye_is_two_frames_with_the_reason() {
        let frames = goodbye("all 3 places are in use");
        let (settings, goaway) = frames.split_at(9);
        assert_eq!(settings, [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(usize::from(goaway[2]), goaway.len() - 9);
        assert_eq!((goaway[3], goaway[16]), (7, 0xb));
        assert!(goaway.ends_with(b"all 3 places are in use"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_failures_is_reported_once_in_a_while() {
        let (mut seldom, mut reports) = (Seldom::default(), Vec::new());
        for _ in 0..5 {
            seldom.report(|more| reports.push(more));
        }
        tokio::time::advance(ACCEPT_REPORT_INTERVAL).await;
        seldom.report(|more| reports.push(more));
        assert_eq!(reports, [0, 4]);
    }
}
