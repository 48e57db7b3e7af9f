//! TLS on the port for callers: the files, their reload, and handshakes.
//!
//! ```text
//! files        reads the files; each fault has its setting, file and line
//! loaded       checks them and makes the settings of a handshake
//! reload       looks at the files again and again; a broken one changes nothing
//! slots        the handshakes that may be open at once
//! turns        one thread on which all of them compute
//! handshake    one handshake, and how it ended
//! outlook      the files as a start would find them
//! guests       connections with a certificate, which a reload verifies again
//! ```
//!
//! A handshake uses the files as they are when it begins. Connections go on when the files change;
//! only those end whose certificate is no longer valid.

mod files;
mod guests;
mod handshake;
mod loaded;
mod outlook;
mod reload;
mod slots;
mod turns;

use std::{io, sync::Arc};

use parking_lot::{Mutex, RwLock};

pub use self::{files::TlsFileError, outlook::TlsOutlook};
pub(super) use self::{
    files::TlsFiles,
    handshake::{HANDSHAKE_RECORD, Met, PLAIN_PORT, close_plaintext, is_tls},
    loaded::OtherCredentials,
};
use self::{guests::Guests, loaded::Loaded, reload::Seen, slots::Slots, turns::Turns};
use super::clock::SystemClock;
use crate::{access::ReloadProblem, limits::HANDSHAKES_MAX, metrics::Metrics};

/// TLS of one server.
pub(super) struct Tls {
    files: TlsFiles,
    others: OtherCredentials,
    /// The files in use.
    loaded: RwLock<Arc<Loaded>>,
    /// The files as they were last looked at. Whoever looks holds this.
    seen: Mutex<Seen>,
    guests: Arc<Guests>,
    slots: Arc<Slots>,
    turns: Turns,
    clock: SystemClock,
    problem: Arc<ReloadProblem>,
    metrics: Arc<Metrics>,
}

/// Why a server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] TlsFileError),
    /// The thread of handshakes cannot be started.
    #[error("the system gives no thread for TLS handshakes: {0}")]
    Thread(#[source] io::Error),
}

impl Tls {
    /// Reads the files, and starts the thread of handshakes. `others` tells whether callers may
    /// prove who they are without a certificate.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(super) fn start(
        files: TlsFiles,
        others: OtherCredentials,
        problem: Arc<ReloadProblem>,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, TlsError> {
        let clock = SystemClock::new();
        let stamps = files.stamps();
        let contents = files.read()?;
        let loaded = Loaded::of(&contents, &others, reload::seconds(&clock))?;
        let tls = Self {
            files,
            others,
            seen: Mutex::new(Seen::new(stamps, contents.digest())),
            loaded: RwLock::new(Arc::new(loaded)),
            guests: Arc::default(),
            slots: Slots::new(HANDSHAKES_MAX),
            turns: Turns::start().map_err(TlsError::Thread)?,
            clock,
            problem,
            metrics,
        };
        tls.tell();
        Ok(Arc::new(tls))
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read())
    }
}

#[cfg(test)]
mod tests;
