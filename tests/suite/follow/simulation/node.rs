//! A node: what outlives its process, and the process.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use fastrand::Rng;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use prost::Message as _;
use tempfile::TempDir;
use tidu::{
    catalogue_files::CatalogueFiles,
    cursors::Cursors,
    domain::catalogue::Catalogue,
    follow::{Follower, LeaderUrl, Leaders, Upstream},
    handover::{NodeName, Part, Pledge, Standing},
    ledger::{
        Belief, Contact, Failure, FollowState, Ledger, LedgerOptions, SnapshotSettings,
        clock::Clock,
    },
    log::{Chunk, SNAPSHOT_FILE},
    merkle::Hash,
    protocol::{event::stored_adoption, leaf::Leaf},
    register::RulesBook,
    service::{self, Api, ApiSettings, Phases, Writes},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use super::network::{Dialer, Network, Target};
use crate::support::{
    catalogues::adoption,
    options,
    simulated_disk::{Disk, Kept, Opened, Verdict},
};

/// Longest time that a disk takes for a group, while it is not held.
const SYNC_MILLISECONDS_MAX: u64 = 20;

/// Time of a drain for the last snapshot.
const DRAIN_DURATION: Duration = Duration::from_secs(60);

/// The starts of all processes.
static STARTS: AtomicI64 = AtomicI64::new(1);

/// The view of a process: a size, its root, and the bytes that were synced then.
pub type Shown = (u64, Hash, u64);

/// A machine.
pub struct Node {
    pub number: usize,
    pub disk: Arc<Disk>,
    pub dir: TempDir,
    pub process: Option<Process>,
    /// The catalogues at hand, beside the built-in ones.
    pub catalogues: Vec<Arc<Catalogue>>,
    /// The rules that its program knows.
    pub rules: RulesBook,
    /// The catalogue that a start names; if none, the one that the log has adopted last.
    pub wanted: Option<Arc<Catalogue>>,
    /// The snapshot there must not be believed.
    pub is_spoiled: bool,
    /// Microseconds that the clock of the machine has gone on.
    pub passed: Arc<AtomicI64>,
    /// The machines that had this place before.
    generation: usize,
    cursors: Arc<Cursors>,
}

/// A process of a node.
pub struct Process {
    pub ledger: Arc<Ledger>,
    pub api: Api,
    pub killed: CancellationToken,
    /// It follows these; empty if it does not follow.
    pub follows: Vec<LeaderUrl>,
    /// The catalogues that were at hand when it was started.
    pub catalogues: Vec<Arc<Catalogue>>,
    pub shown: Arc<Mutex<Vec<Shown>>>,
    /// The disk takes nothing while it is set.
    pub is_held: Arc<AtomicBool>,
    /// The disk fails, and keeps a part of what it was given.
    pub fails: Arc<AtomicBool>,
    pub failures: Arc<Mutex<Vec<String>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// The clock of a machine. It stands still unless a test moves it.
struct Watch {
    started: i64,
    passed: Arc<AtomicI64>,
}

impl Clock for Watch {
    fn now_micros(&self) -> i64 {
        self.started + self.passed.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.passed.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// The kind of a start.
pub enum Start {
    Leading,
    Following(Vec<LeaderUrl>),
}

impl Node {
    pub fn new(number: usize, disk: Disk) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        Self {
            number,
            disk: Arc::new(disk),
            dir,
            process: None,
            catalogues: Vec::new(),
            rules: RulesBook::RELEASED,
            wanted: None,
            is_spoiled: false,
            passed: Arc::default(),
            generation: 0,
            cursors,
        }
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    /// The name that a hand-over uses.
    pub fn name(&self) -> NodeName {
        format!("node-{}", self.number + 100 * self.generation).parse().unwrap()
    }

    pub fn standing(&self) -> Standing {
        Standing::of(self.dir.path()).unwrap()
    }

    /// Starts a process on a network of its own.
    pub fn start_apart(&mut self, random: &mut Rng, start: Start) -> bool {
        let network = Arc::new(Network::new(self.number + 1, random));
        self.start(&network, start, random)
    }

    /// Starts a process, as a server does. False if its files forbid it.
    pub fn start(&mut self, network: &Arc<Network>, start: Start, random: &mut Rng) -> bool {
        assert!(self.process.is_none());
        let (tell, gate) = mpsc::unbounded_channel();
        let opened = self.disk.open(move || tell.send(()).unwrap_or_default());
        let failures = Arc::<Mutex<Vec<String>>>::default();
        let Some(ledger) = self.open(opened, &failures, &start) else { return false };
        let mut settings = ApiSettings::default();
        let (mut follows, mut tasks) = (Vec::new(), Vec::new());
        if let Start::Following(urls) = start {
            follows.clone_from(&urls);
            let follower = self.follow(network, &ledger, urls, &mut settings);
            tasks.push(tokio::spawn(follower.run()));
        }
        let is_held = Arc::<AtomicBool>::default();
        let shown = Arc::<Mutex<Vec<Shown>>>::default();
        let fails = Arc::<AtomicBool>::default();
        let of_disk = (Arc::clone(&is_held), Arc::clone(&fails));
        let sync = sync(Arc::clone(&self.disk), gate, of_disk, random.fork());
        tasks.push(tokio::spawn(sync));
        let look = look(Arc::clone(&ledger), Arc::clone(&self.disk), Arc::clone(&shown));
        tasks.push(tokio::spawn(look));
        let cursors = Arc::clone(&self.cursors);
        let api = service::api(Arc::clone(&ledger), cursors, settings, &Phases::new()).unwrap();
        let killed = CancellationToken::new();
        let target = Target { api: api.clone(), killed: killed.clone() };
        network.set(self.number, Some(target));
        network.forget(self.number);
        let catalogues = self.catalogues.clone();
        self.process = Some(Process {
            ledger,
            api,
            killed,
            follows,
            catalogues,
            shown,
            is_held,
            fails,
            failures,
            tasks,
        });
        true
    }

    /// Opens the ledger, and lets it adopt its catalogue.
    fn open(
        &self,
        opened: Opened,
        failures: &Arc<Mutex<Vec<String>>>,
        start: &Start,
    ) -> Option<Arc<Ledger>> {
        let noted = Arc::clone(failures);
        let options = LedgerOptions {
            on_failure: Box::new(move |why: &Failure| noted.lock().push(why.to_string())),
            ..self.options(opened)
        };
        let snapshots = SnapshotSettings { path: self.snapshot(), events: 1 };
        let (belief, snapshots) = (Belief::StoredHashes, Some(snapshots));
        let part = self.standing().part(options.log.id(), self.disk.epoch());
        if let Start::Following(_) = start {
            return Some(Arc::new(Ledger::open_following(options, belief, snapshots).unwrap()));
        }
        if let Part::Follower(_) = part {
            return None;
        }
        let ledger = Ledger::open_with(options, belief, snapshots).unwrap();
        if let Part::Retired(receipt) = part {
            assert_eq!(ledger.root_at(receipt.size).unwrap(), receipt.root);
            ledger.retire(receipt.successor);
        } else if ledger.needs_adoption() {
            // It is in the queue before all others, and somebody else may wait for it.
            let _ = ledger.append(adoption(&ledger)).now_or_never();
        }
        Some(Arc::new(ledger))
    }

    /// The parts of a ledger of this machine.
    fn options(&self, opened: Opened) -> LedgerOptions {
        // Servers are told apart by the moment of their start.
        let started = STARTS.fetch_add(1, Ordering::SeqCst);
        let named = |files: CatalogueFiles, one: &Arc<Catalogue>| files.and(Arc::clone(one));
        let files = self.catalogues.iter().fold(CatalogueFiles::built_in(), named);
        let adopted = || files.find(&self.adopted()?).ok();
        LedgerOptions {
            expected: opened.expected,
            clock: Arc::new(Watch { started, passed: Arc::clone(&self.passed) }),
            catalogue: self
                .wanted
                .clone()
                .or_else(adopted)
                .unwrap_or_else(|| Arc::new(Catalogue::built_in())),
            catalogue_files: files,
            rules: self.rules,
            ..options(Arc::new(opened.log))
        }
    }

    /// The catalogue that the log has adopted last.
    fn adopted(&self) -> Option<Hash> {
        let chunks = self.disk.chunks(0);
        let leaves = chunks.iter().flat_map(Chunk::leaves).filter(|leaf| !leaf.withheld);
        let adopted =
            leaves.filter_map(|leaf| stored_adoption(&Leaf::decode(leaf.bytes).unwrap().event));
        adopted.last()
    }

    /// A ledger that has replayed so many events of the disk.
    pub fn replayed(&self, size: u64) -> Ledger {
        let copy = Arc::new(self.disk.copy_below(size));
        let options = self.options(copy.open(|| {}));
        Ledger::open_following(options, Belief::Nothing, None).unwrap()
    }

    /// The file of the snapshot of the register.
    pub fn snapshot(&self) -> PathBuf {
        self.dir.path().join(SNAPSHOT_FILE)
    }

    /// Another machine takes its place, with an empty directory.
    pub fn replace(&mut self) {
        assert!(self.process.is_none());
        self.generation += 1;
        let fresh = Self::new(self.number, Disk::default());
        (self.disk, self.dir, self.cursors) = (fresh.disk, fresh.dir, fresh.cursors);
    }

    /// Ends the process as a drain does. It keeps its place until somebody takes it away.
    pub async fn drain(&mut self, network: &Network) {
        let process = self.process.as_mut().unwrap();
        process.hold(false);
        process.killed.cancel();
        network.set(self.number, None);
        network.cut(self.number);
        if !process.follows.is_empty() {
            process.tasks[0].abort();
        }
        let ledger = Arc::clone(&process.ledger);
        let (tell, mut ends) = oneshot::channel();
        std::thread::spawn(move || {
            let is_closed = ledger.close();
            ledger.save_snapshot(DRAIN_DURATION);
            let _ = tell.send(is_closed);
        });
        loop {
            match ends.try_recv() {
                Ok(is_closed) => return assert!(is_closed, "it has not finished"),
                Err(oneshot::error::TryRecvError::Empty) => {
                    sleep(Duration::from_millis(1)).await;
                    std::thread::yield_now();
                }
                Err(gone) => panic!("{gone}"),
            }
        }
    }

    fn follow(
        &self,
        network: &Arc<Network>,
        ledger: &Arc<Ledger>,
        urls: Vec<LeaderUrl>,
        settings: &mut ApiSettings,
    ) -> Follower {
        let dial = Arc::new(Dialer { network: Arc::clone(network), node: self.number });
        let leaders = Leaders { urls, dial };
        let known = (ledger.log_id(), ledger.epoch());
        let pledge = Pledge::of(self.dir.path(), known, self.name()).unwrap();
        let name = pledge.name().to_string();
        ledger.hear_epoch(pledge.epoch());
        ledger.note_contact(|contact| contact.name.clone_from(&name));
        let upstream = Upstream::new(Arc::clone(ledger), leaders.clone(), name, true);
        settings.writes = Writes::There(Arc::new(upstream));
        Follower { ledger: Arc::clone(ledger), leaders, pledge: Arc::new(pledge) }
    }

    /// Ends the process as a power loss would. Of an append at the gate the disk keeps something.
    pub fn crash(&mut self, network: &Network, random: &mut Rng) {
        let Some(process) = self.process.take() else { return };
        process.killed.cancel();
        network.set(self.number, None);
        network.cut(self.number);
        process.tasks.iter().for_each(JoinHandle::abort);
        self.disk.crash(some_of(&self.disk, random));
    }
}

/// A part of the append at the gate.
fn some_of(disk: &Disk, random: &mut Rng) -> Kept {
    let lengths = disk.at_gate();
    let values = random.usize(0..=lengths.len());
    let torn = lengths.get(values).copied().filter(|_| random.bool());
    Kept { values, torn: torn.map(|length| random.usize(0..length)) }
}

impl Process {
    /// The target that others call.
    pub fn target(&self) -> Target {
        Target { api: self.api.clone(), killed: self.killed.clone() }
    }

    /// The disk has failed, so the process ends.
    pub fn has_failed(&self) -> bool {
        !self.failures.lock().is_empty()
    }

    pub fn hold(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::SeqCst);
    }

    /// Why it has stopped following.
    pub fn stopped(&self) -> Option<(&'static str, String)> {
        match self.contact().state {
            FollowState::Stopped { cause, why } => Some((cause.as_str(), why)),
            _ => None,
        }
    }

    /// The word for its state.
    pub fn state(&self) -> &'static str {
        self.contact().state.as_str()
    }

    pub fn contact(&self) -> Contact {
        let contact = self.ledger.contact();
        contact.borrow().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.killed.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The disk: syncs each group after a while, or fails.
async fn sync(
    disk: Arc<Disk>,
    mut gate: mpsc::UnboundedReceiver<()>,
    (is_held, fails): (Arc<AtomicBool>, Arc<AtomicBool>),
    mut random: Rng,
) {
    while gate.recv().await.is_some() {
        sleep(Duration::from_millis(random.u64(0..SYNC_MILLISECONDS_MAX))).await;
        while is_held.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(SYNC_MILLISECONDS_MAX)).await;
        }
        disk.decide(match fails.load(Ordering::SeqCst) {
            true => Verdict::Failed(some_of(&disk, &mut random)),
            false => Verdict::Synced,
        });
    }
}

/// Somebody who looks at each size that is shown.
async fn look(ledger: Arc<Ledger>, disk: Arc<Disk>, shown: Arc<Mutex<Vec<Shown>>>) {
    let mut durable = ledger.watch();
    loop {
        let now = *durable.borrow_and_update();
        shown.lock().push((now.size, now.root, disk.size()));
        if durable.changed().await.is_err() {
            return;
        }
    }
}
