//! Looks at the files of TLS again and again. Files that changed are read; if they can be used, new
//! handshakes use them, and connections whose certificate is no longer valid end. If not, those in
//! use stay, and the log, a metric and GetStatus say so.

use std::{sync::Arc, time::Duration};

use rustls::pki_types::UnixTime;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};

use super::{
    Tls,
    files::{Stamp, TlsFileError},
    loaded::{Ends, Loaded},
};
use crate::{
    ledger::clock::Clock,
    limits::{TLS_POLL, TLS_PROBLEM_BYTES_MAX},
    server::hangups::hangup,
};

/// The files as they were last looked at.
pub(super) struct Seen {
    stamps: Vec<Stamp>,
    /// The digest of those in use.
    used: [u8; 32],
    /// Why the files as they are cannot be used.
    broken: Option<TlsFileError>,
}

impl Seen {
    pub(super) fn new(stamps: Vec<Stamp>, used: [u8; 32]) -> Self {
        Self { stamps, used, broken: None }
    }
}

/// The seconds since 1970.
pub(super) fn seconds(clock: &dyn Clock) -> i64 {
    clock.now_micros().div_euclid(1_000_000)
}

impl Tls {
    /// Looks at the files from time to time, and at each SIGHUP, for ever.
    pub(in crate::server) async fn watch(self: Arc<Self>) {
        let mut hangups = signal(SignalKind::hangup());
        if let Err(error) = &hangups {
            tracing::warn!(%error, "a SIGHUP does not reload the files of TLS");
        }
        loop {
            let is_asked = tokio::select! {
                () = sleep(TLS_POLL) => false,
                () = hangup(&mut hangups) => true,
            };
            let tls = Arc::clone(&self);
            // It reads files. A panic in it leaves those in use.
            let _ = spawn_blocking(move || tls.look(is_asked)).await;
        }
    }

    /// Reads the files again if they changed, or if somebody asks for it.
    pub(super) fn look(&self, is_asked: bool) {
        let mut seen = self.seen.lock();
        let stamps = self.files.stamps();
        if is_asked || stamps != seen.stamps {
            seen.stamps = stamps;
            self.reload(&mut seen, is_asked);
        }
        drop(seen);
        self.tell();
    }

    fn reload(&self, seen: &mut Seen, is_asked: bool) {
        let now = seconds(&self.clock);
        let read = self.files.read().and_then(|contents| {
            let digest = contents.digest();
            // Files that were only touched are not used anew.
            let is_new = digest != seen.used || is_asked;
            let loaded = is_new.then(|| Loaded::of(&contents, &self.others, now)).transpose()?;
            Ok((digest, loaded))
        });
        match read {
            Err(broken) => {
                self.metrics.tls_reload_failures_total.inc();
                if is_asked || seen.broken.as_ref() != Some(&broken) {
                    tracing::warn!(%broken, "the files of TLS cannot be used; those in use stay");
                }
                seen.broken = Some(broken);
            }
            Ok((digest, loaded)) => {
                (seen.used, seen.broken) = (digest, None);
                if let Some(loaded) = loaded {
                    self.take(loaded);
                }
            }
        }
    }

    /// Uses other files from now on.
    fn take(&self, loaded: Loaded) {
        let verifier = loaded.verifier.clone();
        // First this, then the guests: a handshake that ends in between sees the new files.
        *self.loaded.write() = Arc::new(loaded);
        let ended = verifier.map_or(0, |verifier| {
            self.guests.end_invalid(&*verifier, UnixTime::since_unix_epoch(self.now()))
        });
        self.metrics.tls_reloads_total.inc();
        self.metrics.tls_connections_ended_total.add(ended);
        tracing::info!(
            connections_ended = ended,
            "new handshakes use the files of TLS as they are"
        );
    }

    /// The time since 1970.
    pub(super) fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.clock.now_micros()).unwrap_or(0))
    }

    /// Tells the metrics when the files end, and GetStatus of a problem.
    pub(super) fn tell(&self) {
        let ends = self.loaded().ends;
        for (of, end) in ends.all() {
            let since_1970 = Duration::from_secs(u64::try_from(end).unwrap_or(0));
            self.metrics.tls_certificate_expiry_timestamp_seconds.with([of]).set(since_1970);
        }
        let broken = self.seen.lock().broken.as_ref().map(ToString::to_string);
        let ended = || ends.ended(seconds(&self.clock));
        let mut problem = broken.or_else(ended).unwrap_or_default();
        problem.truncate(problem.floor_char_boundary(TLS_PROBLEM_BYTES_MAX));
        self.problem.set(problem);
    }
}

impl Ends {
    pub(super) fn all(self) -> impl Iterator<Item = (&'static str, i64)> {
        let server = Some(("server", self.certificate));
        let ca = self.client_ca.map(|end| ("client_ca", end));
        let crl = self.client_crl.map(|end| ("client_crl", end));
        [server, ca, crl].into_iter().flatten()
    }

    /// A sentence on the first kind that has ended.
    fn ended(self, now: i64) -> Option<String> {
        let (of, _) = self.all().find(|(_, end)| *end <= now)?;
        let text = match of {
            "server" => "tls_cert: a certificate of the server has ended; clients refuse it",
            "client_ca" => "tls_client_ca: the certificate of an authority has ended",
            _ => "tls_client_crl: a newer revocation list is due; the old one is still used",
        };
        Some(text.to_owned())
    }
}
