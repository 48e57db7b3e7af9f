//! A node: what outlives its process, and the process.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

use fastrand::Rng;
use parking_lot::Mutex;
use tempfile::TempDir;
use tidu::{
    cursors::Cursors,
    follow::{Follower, LeaderUrl, Leaders, Upstream},
    handover::{NodeName, Part, Pledge, Standing},
    ledger::{Belief, Contact, Failure, FollowState, Ledger, LedgerOptions},
    merkle::Hash,
    service::{self, Api, ApiSettings, Phases, Writes},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

use super::network::{Dialer, Network, Target};
use crate::support::{
    Hands, options,
    simulated_disk::{Disk, Kept, Verdict},
};

/// Longest time that a disk takes for a group, while it is not held.
const SYNC_MILLISECONDS_MAX: u64 = 20;

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
    cursors: Arc<Cursors>,
}

/// A process of a node.
pub struct Process {
    pub ledger: Arc<Ledger>,
    pub api: Api,
    pub killed: CancellationToken,
    /// It follows these; empty if it does not follow.
    pub follows: Vec<LeaderUrl>,
    pub shown: Arc<Mutex<Vec<Shown>>>,
    /// The disk takes nothing while it is set.
    pub is_held: Arc<AtomicBool>,
    pub failures: Arc<Mutex<Vec<String>>>,
    tasks: Vec<JoinHandle<()>>,
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
        Self { number, disk: Arc::new(disk), dir, process: None, cursors }
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    /// The name that a hand-over uses.
    pub fn name(&self) -> NodeName {
        format!("node-{}", self.number).parse().unwrap()
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
        // Servers are told apart by the moment of their start.
        let started = STARTS.fetch_add(1, Ordering::SeqCst);
        let failures = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&failures);
        let options = LedgerOptions {
            expected: opened.expected,
            clock: Arc::new(Hands(AtomicI64::new(started), AtomicU64::new(0))),
            on_failure: Box::new(move |why: &Failure| noted.lock().push(why.to_string())),
            ..options(Arc::new(opened.log))
        };
        let log_id = options.log.id();
        let part = self.standing().part(log_id, self.disk.epoch());
        let mut settings = ApiSettings::default();
        let (mut follows, mut tasks) = (Vec::new(), Vec::new());
        let ledger = match start {
            Start::Leading => {
                let ledger = match part {
                    Part::Follower(_) => return false,
                    Part::Leader => Ledger::open(options).unwrap(),
                    Part::Retired(receipt) => {
                        let ledger = Ledger::open(options).unwrap();
                        assert_eq!(ledger.root_at(receipt.size).unwrap(), receipt.root);
                        ledger.retire(receipt.successor);
                        ledger
                    }
                };
                Arc::new(ledger)
            }
            Start::Following(urls) => {
                let ledger = Ledger::open_following(options, Belief::StoredHashes, None).unwrap();
                let ledger = Arc::new(ledger);
                follows.clone_from(&urls);
                let follower = self.follow(network, &ledger, urls, &mut settings);
                tasks.push(tokio::spawn(follower.run()));
                ledger
            }
        };
        let is_held = Arc::<AtomicBool>::default();
        let shown = Arc::<Mutex<Vec<Shown>>>::default();
        let sync = sync(Arc::clone(&self.disk), gate, Arc::clone(&is_held), random.fork());
        tasks.push(tokio::spawn(sync));
        let look = look(Arc::clone(&ledger), Arc::clone(&self.disk), Arc::clone(&shown));
        tasks.push(tokio::spawn(look));
        let cursors = Arc::clone(&self.cursors);
        let api = service::api(Arc::clone(&ledger), cursors, settings, &Phases::new()).unwrap();
        let killed = CancellationToken::new();
        let target = Target { api: api.clone(), killed: killed.clone() };
        network.set(self.number, Some(target));
        network.forget(self.number);
        self.process =
            Some(Process { ledger, api, killed, follows, shown, is_held, failures, tasks });
        true
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
        let lengths = self.disk.at_gate();
        let values = random.usize(0..=lengths.len());
        let torn = lengths.get(values).copied().filter(|_| random.bool());
        let torn = torn.map(|length| random.usize(0..length));
        self.disk.crash(Kept { values, torn });
    }
}

impl Process {
    /// The target that others call.
    pub fn target(&self) -> Target {
        Target { api: self.api.clone(), killed: self.killed.clone() }
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

/// The disk: syncs each group after a while.
async fn sync(
    disk: Arc<Disk>,
    mut gate: mpsc::UnboundedReceiver<()>,
    is_held: Arc<AtomicBool>,
    mut random: Rng,
) {
    while gate.recv().await.is_some() {
        sleep(Duration::from_millis(random.u64(0..SYNC_MILLISECONDS_MAX))).await;
        while is_held.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(SYNC_MILLISECONDS_MAX)).await;
        }
        disk.decide(Verdict::Synced);
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
