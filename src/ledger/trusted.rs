//! The part of the log that a start has not read, because a snapshot of the register covers it, and
//! its verification in the background.
//!
//! A thread of the lowest priority reads that part from the store while the ledger serves: chunks,
//! checksums, leaf hashes, hash blocks, envelopes, and the root that the snapshot names. Damage
//! fails the ledger, as any other damage does. The next start believes no snapshot then.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Failure, Ledger, Shared, audit::Verification, event_reader::EventReader};
use crate::{
    limits::{VERIFY_RATE_DEFAULT, VERIFY_STEP_BYTES, VERIFY_TOLD_INTERVAL},
    log::LogError,
    merkle::Hash,
    threads,
};

/// The events below a size that a start has taken from a snapshot.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    /// Their number, and the root over them; `None` if the start has read the whole log.
    snapshot: Option<(u64, Hash)>,
    /// How many of them are verified by now.
    verified: AtomicU64,
}

/// How far the verification of those events is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Events that the start has not read.
    pub trusted: u64,
    /// Those of them that were read since, and are as they were recorded. Equal once all are.
    pub verified: u64,
}

/// A verification that runs in the background. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Verifier {
    thread: JoinHandle<()>,
    go_on: mpsc::Sender<Infallible>,
}

impl Trusted {
    pub(super) fn new(snapshot: Option<(u64, Hash)>) -> Self {
        Self { snapshot: snapshot.filter(|(size, _)| *size > 0), verified: AtomicU64::new(0) }
    }

    pub(super) fn unread(&self) -> Unread {
        let trusted = self.snapshot.map_or(0, |(size, _)| size);
        Unread { trusted, verified: self.verified.load(Ordering::Acquire) }
    }
}

impl Unread {
    /// Events below a position that nothing has read since the start.
    #[must_use]
    pub fn below(&self, position: u64) -> u64 {
        position.min(self.trusted).saturating_sub(self.verified)
    }
}

impl Verifier {
    /// Ends it after its step.
    pub(super) fn end(self) -> thread::Result<()> {
        drop(self.go_on);
        self.thread.join()
    }
}

impl Ledger {
    /// The size below which this start has not read the log, because it believes a snapshot of the
    /// register, and the root that the log must have there. `None` if it has read all of it.
    #[must_use]
    pub fn trusted(&self) -> Option<(u64, Hash)> {
        self.shared.trusted.snapshot
    }

    /// How much of the log nobody has read since the start.
    #[must_use]
    pub fn unread(&self) -> Unread {
        self.shared.trusted.unread()
    }

    /// Begins to verify what the start has not read, if there is anything.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn verify_unread(&self) -> io::Result<()> {
        self.shared.trusted.snapshot.map_or(Ok(()), |claim| self.verify_below(claim))
    }

    /// Begins to verify the events below a size, which must have this root.
    fn verify_below(&self, claim: (u64, Hash)) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let (go_on, goes_on) = mpsc::channel();
        let reader = EventReader::knowing(Arc::clone(self.catalogues()), self.rules_book());
        let log = Arc::clone(&shared.log);
        let verification = Verification::below(log, reader, claim);
        let thread = thread::Builder::new().name("tidu-verifier".into()).spawn(move || {
            // Without it the thread takes its turn like any other.
            let _ = threads::yield_to_others();
            if let Err(error) = shared.verify(verification, &goes_on) {
                shared.fail(&Failure::of(&error));
            }
        })?;
        *self.verifier.lock() = Some(Verifier { thread, go_on });
        Ok(())
    }
}

impl Shared {
    /// Verifies step by step, until all is verified or the ledger ends.
    fn verify(
        &self,
        mut verification: Verification,
        goes_on: &mpsc::Receiver<Infallible>,
    ) -> Result<(), LogError> {
        let size = verification.so_far().size;
        tracing::info!(events = size, "the log below the snapshot is being verified");
        self.metrics.trusted_events.set(size);
        let began = self.clock.monotonic();
        let (mut due, mut told) = (began, began);
        while let Some(so_far) = verification.step(VERIFY_STEP_BYTES)? {
            self.trusted.verified.store(so_far.position, Ordering::Release);
            self.metrics.verified_events.set(so_far.position);
            let now = self.clock.monotonic();
            if now.saturating_sub(told) >= VERIFY_TOLD_INTERVAL {
                told = now;
                tracing::info!(
                    verified = so_far.position,
                    events = size,
                    "the log below the snapshot is being verified"
                );
            }
            // A disk that was slow gets no credit for that time.
            let pause = so_far.bytes as f64 / VERIFY_RATE_DEFAULT as f64;
            due = due.max(now) + Duration::from_secs_f64(pause);
            match goes_on.recv_timeout(due.saturating_sub(now)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
        let seconds = self.clock.monotonic().saturating_sub(began).as_secs();
        tracing::info!(events = size, seconds, "the log below the snapshot is verified");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use uuid::Uuid;

    use super::*;
    use crate::{
        catalogue_files::CatalogueFiles,
        domain::{Party, Principal, catalogue::Catalogue},
        ledger::{Commit, Entitlement, LedgerOptions, Proposal, clock::Clock},
        log,
        metrics::Metrics,
        protocol::{
            event,
            pb::{self, event::Fact},
        },
        register::RulesBook,
    };

    const EVENTS: u64 = 300;

    /// A clock that shows no time going by, so that nothing waits for its rate.
    struct Stopped;

    impl Clock for Stopped {
        fn now_micros(&self) -> i64 {
            1_700_000_000_000_000
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn update(designee: u64) -> pb::Event {
        pb::Event {
            authority: "330000".to_owned(),
            designee: format!("local:330000/{designee}"),
            effective_date: Some(pb::Date { year: 2023, month: 4, day: 1 }),
            fact: Some(Fact::InformationUpdated(pb::InformationUpdated {
                year: 2022,
                ..Default::default()
            })),
            ..Default::default()
        }
    }

    /// Runs a verification of so many events to its end: how many are verified, and why it failed.
    fn verify(size: u64, root: impl FnOnce(Hash) -> Hash) -> (u64, u64, Vec<String>) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _entered = runtime.enter();
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = log::open(dir.path(), Uuid::from_u128(1)).unwrap();
        let failures = Arc::<Mutex<Vec<String>>>::default();
        let failed = Arc::clone(&failures);
        let catalogue = Arc::new(Catalogue::built_in());
        let ledger = Ledger::open(LedgerOptions {
            log,
            expected: None,
            catalogue: Arc::clone(&catalogue),
            catalogue_files: CatalogueFiles::built_in(),
            rules: RulesBook::RELEASED,
            clock: Arc::new(Stopped),
            salts: Box::new(|| [7; 16]),
            metrics: Metrics::new(),
            on_failure: Box::new(move |why| failed.lock().push(why.to_string())),
        })
        .unwrap();
        let proposal = |at: u64| {
            let index = usize::try_from(at).unwrap();
            Proposal::new(index, event::proposal(&catalogue, index, update(at)).unwrap())
        };
        let commit = Commit {
            proposals: (0..EVENTS).map(proposal).collect(),
            request: None,
            precondition: None,
            recorded_by: Principal::ANONYMOUS,
            party: Party::Server,
            entitlement: Entitlement::default(),
        };
        runtime.block_on(ledger.append(commit)).unwrap();
        assert_eq!(ledger.unread(), Unread::default(), "this start has read everything");
        ledger.verify_below((size, root(ledger.durable().root))).unwrap();
        let Verifier { thread, go_on } = ledger.verifier.lock().take().unwrap();
        thread.join().unwrap();
        drop(go_on);
        let (verified, metrics) = (ledger.unread().verified, ledger.metrics());
        assert_eq!(metrics.verified_events.get(), verified);
        let trusted = metrics.trusted_events.get();
        assert_eq!(ledger.close(), failures.lock().is_empty());
        let failures = failures.lock().clone();
        (trusted, verified, failures)
    }

    #[test]
    fn everything_below_the_size_is_read_and_counted() {
        assert_eq!(verify(EVENTS, |root| root), (EVENTS, EVENTS, Vec::new()));
    }

    #[test]
    fn damage_found_in_the_background_fails_the_ledger() {
        let (_, verified, failures) = verify(EVENTS, |_| [9; 32]);
        assert_eq!((verified, failures.len()), (0, 1));
        assert!(failures[0].contains("the Merkle root"), "{failures:?}");
    }

    #[test]
    fn events_below_a_position_are_unread_until_they_are_verified() {
        let unread = |verified| Unread { trusted: 100, verified };
        assert_eq!([0, 40, 100, 500].map(|position| unread(0).below(position)), [0, 40, 100, 100]);
        assert_eq!([0, 40, 100, 500].map(|position| unread(60).below(position)), [0, 0, 40, 40]);
        assert_eq!(unread(100).below(500), 0);
    }
}
