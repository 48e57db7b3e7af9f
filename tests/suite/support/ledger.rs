//! The ledger without a network: over a log in memory, with a clock that the test turns.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tidu::{
    catalogue_files::CatalogueFiles,
    domain::{
        CivilDate, DesigneeId, PartialDate, Party, Principal,
        catalogue::{Catalogue, Catalogues},
    },
    ledger::{
        AppendError, Commit, Entitlement, Failure, Ledger, LedgerOptions, Proposal, SaltSource,
        clock::Clock,
    },
    log::CommitLog,
    metrics::Metrics,
    protocol::event,
    protocol::pb,
    register::{AsOf, DesigneeIndex, DesigneeView, Register, RulesBook, Status},
};

use super::memory_log::MemoryLog;

/// A clock that the test turns: microseconds of the wall, seconds that never jump.
#[derive(Default)]
pub struct Hands(pub AtomicI64, pub AtomicU64);

impl Clock for Hands {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.1.load(Ordering::Relaxed))
    }
}

/// Salts that a test foresees: they count from 1.
pub fn salts() -> SaltSource {
    let mut last = 0_u128;
    Box::new(move || {
        last += 1;
        last.to_be_bytes()
    })
}

pub fn open(
    log: Arc<dyn CommitLog>,
    clock: Arc<Hands>,
    failures: Arc<Mutex<Vec<String>>>,
) -> Ledger {
    let on_failure = Box::new(move |why: &Failure| failures.lock().push(why.to_string()));
    Ledger::open(LedgerOptions { clock, on_failure, ..options(log) }).unwrap()
}

/// The parts of a ledger that must not fail.
pub fn options(log: Arc<dyn CommitLog>) -> LedgerOptions {
    LedgerOptions {
        log,
        expected: None,
        rules: RulesBook::RELEASED,
        catalogue: Arc::new(Catalogue::built_in()),
        catalogue_files: CatalogueFiles::built_in(),
        clock: Arc::<Hands>::default(),
        salts: salts(),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    }
}

pub fn commit(events: Vec<pb::Event>) -> Commit {
    commit_under(&Catalogue::built_in(), events)
}

/// A commit of events as a catalogue says.
pub fn commit_under(catalogue: &Catalogue, events: Vec<pb::Event>) -> Commit {
    let proposals = events.into_iter().enumerate().map(|(index, event)| {
        Proposal::new(index, event::proposal(catalogue, index, event).unwrap())
    });
    Commit {
        proposals: proposals.collect(),
        request: None,
        precondition: None,
        recorded_by: Principal::named("test").unwrap(),
        party: Party::Server,
        entitlement: Entitlement::default(),
    }
}

/// A ledger in memory.
pub struct Book {
    pub log: MemoryLog,
    pub ledger: Ledger,
}

impl Book {
    pub fn new() -> Self {
        let log = MemoryLog::default();
        let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
        Self { log, ledger }
    }

    /// Records events in one commit; gives the position of the first.
    pub async fn record(&self, events: Vec<pb::Event>) -> Result<u64, Vec<String>> {
        match self.ledger.append(commit(events)).await {
            Ok(receipt) => Ok(receipt.first),
            Err(AppendError::Rejected(faults)) => {
                Err(faults.into_iter().map(|fault| format!("{:?}", fault.reason())).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    pub fn status(&self, designee: &str, as_of: &str) -> Option<Status> {
        self.status_known(designee, as_of, u64::MAX)
    }

    pub fn status_known(&self, designee: &str, as_of: &str, known_at: u64) -> Option<Status> {
        let register = self.ledger.register();
        let known_at = known_at.min(register.size());
        let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at)?;
        let view = view(&register, index, day(as_of), known_at);
        view.titles.first().map(|title| title.status)
    }
}

pub fn view(
    register: &Register,
    index: DesigneeIndex,
    as_of: CivilDate,
    known_at: u64,
) -> DesigneeView {
    static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(Catalogues::built_in);
    register.view(&CATALOGUES, index, AsOf { valid_on: as_of, known_at })
}

pub fn day(iso: &str) -> CivilDate {
    PartialDate::parse_iso(iso).unwrap().first_day()
}
