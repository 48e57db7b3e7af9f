//! One run: decides from its seed what happens, and asks the validators after each step.

mod checks;
mod choices;
mod counts;
mod ends;

use std::{
    collections::BTreeMap,
    future::poll_fn,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use fastrand::Rng;
use parking_lot::Mutex;
use tidu::{
    catalogue_files::CatalogueFiles,
    ledger::{Ledger, LedgerOptions, Unhurried, clock::Clock},
    metrics::Metrics,
    register::RulesBook,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

pub use self::counts::Counts;
use super::{
    guarantees::Checkpoint,
    model::{Answer, Asked, Model, SALT, World},
    subscriber::{Seen, Subscriber, WANTS, follow},
};
use crate::support::{
    PATIENCE,
    simulated_disk::{Disk, Verdict},
};

const SECOND: i64 = 1_000_000;
const SUBSCRIBERS: usize = 8;
const FREE_SUBSCRIBERS: usize = 2;
const PRINCIPALS: [&str; 3] = ["guangdong", "zhejiang", "loader"];

/// How a run ended.
pub struct Ended {
    pub counts: Counts,
    pub trace: Vec<String>,
    pub hash: u64,
}

/// The clock on the wall and the one that never jumps, in microseconds.
#[derive(Default)]
struct Clocks(AtomicI64, AtomicI64);

impl Clocks {
    fn read(&self) -> (i64, i64) {
        (self.0.load(Ordering::SeqCst), self.1.load(Ordering::SeqCst))
    }

    fn turn(&self, wall: i64, monotonic: i64) {
        self.0.fetch_add(wall, Ordering::SeqCst);
        self.1.fetch_add(monotonic, Ordering::SeqCst);
    }
}

impl Clock for Clocks {
    fn now_micros(&self) -> i64 {
        self.read().0
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.read().1).unwrap())
    }
}

/// What reaches the simulation from tasks and from the writer.
enum News {
    AtGate,
    Enqueued,
    Answered(usize, Answer),
}

/// A commit that was sent. Sent is all that is known before the writer has come to it.
struct Sent {
    number: usize,
    asked: Asked,
    caller: JoinHandle<()>,
    /// Nobody waits for its answer any more.
    gone: bool,
    /// What the model says.
    expected: Answer,
}

/// A process: a ledger and the free subscribers on it.
struct Process {
    ledger: Arc<Ledger>,
    failures: Arc<Mutex<Vec<String>>>,
    followers: Vec<JoinHandle<()>>,
}

struct Run {
    random: Rng,
    disk: Arc<Disk>,
    clocks: Arc<Clocks>,
    /// Off the true time; a clock that is wrong is set right the next time.
    clock_error: i64,
    model: Model,
    /// Everything below is acknowledged or has been shown.
    visible: u64,
    process: Process,
    tell: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    is_at_gate: bool,
    answered: BTreeMap<usize, Answer>,
    /// Decided and at the gate.
    group: Vec<Sent>,
    /// The size of the log when what is at the gate is synced.
    group_end: u64,
    /// Decided while others were at the gate.
    queue: Vec<Sent>,
    sent: usize,
    ids: usize,
    subscribers: Vec<Subscriber>,
    free: Vec<Seen>,
    checkpoints: Vec<Checkpoint>,
    trace: Vec<String>,
    counts: Counts,
}

/// Runs a simulation.
pub async fn run(seed: u64, steps: usize) -> Ended {
    let mut random = Rng::with_seed(seed);
    let model = Model::new(Arc::new(World::new(random.u64(..))));
    let (disk, clocks) = (Arc::<Disk>::default(), Arc::<Clocks>::default());
    clocks.turn(1_700_000_000 * SECOND, SECOND);
    let (tell, news) = unbounded_channel();
    let free: Vec<Seen> = (0..FREE_SUBSCRIBERS).map(|_| Seen::default()).collect();
    let (process, _) = start(&disk, &clocks, &model, &tell, &free);
    let subscribers =
        (0..SUBSCRIBERS).map(|i| Subscriber::new(WANTS[i % WANTS.len()], &mut random));
    let mut run = Run {
        subscribers: subscribers.collect(),
        random,
        disk,
        clocks,
        clock_error: 0,
        model,
        visible: 0,
        process,
        tell,
        news,
        is_at_gate: false,
        answered: BTreeMap::new(),
        group: Vec::new(),
        group_end: 0,
        queue: Vec::new(),
        sent: 0,
        ids: 0,
        free,
        checkpoints: Vec::new(),
        trace: Vec::new(),
        counts: Counts::default(),
    };
    for _ in 0..steps {
        run.step().await;
    }
    run.close().await;
    run.followers_catch_up().await;
    run.check_at_start().await;
    run.counts.times_held = run.model.times_held;
    let mut hasher = DefaultHasher::new();
    run.trace.hash(&mut hasher);
    Ended { counts: run.counts, trace: run.trace, hash: hasher.finish() }
}

/// Opens the log on the disk, as a server does, and lets the free subscribers go on. Gives the
/// number of values removed.
fn start(
    disk: &Arc<Disk>,
    clocks: &Arc<Clocks>,
    model: &Model,
    tell: &UnboundedSender<News>,
    free: &[Seen],
) -> (Process, usize) {
    let for_gate = tell.clone();
    let opened = disk.open(move || drop(for_gate.send(News::AtGate)));
    let failures = Arc::<Mutex<Vec<String>>>::default();
    let (for_failures, catalogue) = (Arc::clone(&failures), Arc::clone(&model.world.catalogue));
    let ledger = Ledger::open(LedgerOptions {
        log: Arc::new(opened.log),
        expected: opened.expected,
        rules: RulesBook::RELEASED,
        catalogue,
        catalogue_files: CatalogueFiles::built_in(),
        clock: Arc::<Clocks>::clone(clocks),
        salts: Box::new(|| SALT),
        metrics: Metrics::new(),
        on_failure: Box::new(move |why| for_failures.lock().push(why.to_string())),
    });
    let ledger = Arc::new(ledger.unwrap());
    let follow_on =
        |seen: &Seen| tokio::spawn(follow(Arc::clone(&ledger), Arc::clone(disk), Arc::clone(seen)));
    let followers = free.iter().map(follow_on).collect();
    (Process { ledger, failures, followers }, opened.removed)
}

impl Run {
    fn note(&mut self, what: String) {
        // Told where a run is replayed, and where it fails.
        println!("{}: {what}", self.trace.len());
        self.trace.push(what);
    }

    async fn step(&mut self) {
        match self.random.u8(0..100) {
            0..40 => {
                for _ in 0..self.random.usize(1..6) {
                    let asked = self.choose();
                    if asked.validate_only {
                        self.try_out(&asked);
                    } else {
                        self.send(asked).await;
                    }
                }
            }
            // An append of several values is where a crash leaves part of a commit.
            40..60 if self.is_at_gate && self.disk.at_gate().len() > 2 => self.crash().await,
            40..75 if self.is_at_gate => self.release().await,
            40..55 => self.turn_clock(),
            75..80 => self.turn_clock(),
            80..83 => self.crash().await,
            83 => self.close().await,
            84 | 85 if self.is_at_gate => self.fail().await,
            _ => {}
        }
        self.read().await;
        self.check().await;
    }

    /// Sends a commit from a task of its own. The writer decides it at once; if nothing is at the
    /// gate, it is a group alone.
    async fn send(&mut self, asked: Asked) -> usize {
        let number = self.sent;
        self.sent += 1;
        // The news that it has come to the gate may be there before the news that it was sent.
        let was_at_gate = self.is_at_gate;
        let commit = self.model.world.commit(&asked);
        let (ledger, tell) = (Arc::clone(&self.process.ledger), self.tell.clone());
        let caller = tokio::spawn(async move {
            let mut append = pin!(ledger.append(commit));
            let polled = poll_fn(|cx| Poll::Ready(append.as_mut().poll(cx))).await;
            drop(tell.send(News::Enqueued));
            let result = match polled {
                Poll::Ready(result) => result,
                Poll::Pending => append.await,
            };
            drop(tell.send(News::Answered(number, Answer::of(result))));
        });
        self.wait(|_, news| matches!(news, News::Enqueued)).await;
        let in_flight =
            |sent: &Sent| sent.asked.request.is_some() && sent.asked.request == asked.request;
        if self.group.iter().chain(&self.queue).any(in_flight) {
            self.counts.repeats_in_flight += 1;
        }
        self.note(format!("{number} sends {asked:?}"));
        let expected = self.model.decide(&asked, self.clocks.read());
        self.queue.push(Sent { number, asked, caller, gone: false, expected });
        // Decided before anything else happens.
        while self.process.ledger.waiting_bytes() > 0 {
            tokio::task::yield_now().await;
        }
        if !was_at_gate {
            self.take_group().await;
        }
        number
    }

    /// Tries a commit at the durable size, whatever the writer has decided beyond it.
    fn try_out(&mut self, asked: &Asked) {
        let size = self.process.ledger.durable().size;
        let commit = self.model.world.commit(asked);
        let answer = Answer::of(self.process.ledger.trial(&commit, &mut Unhurried).unwrap());
        let expected = self.model.try_out(asked, size);
        assert_eq!(answer, expected, "{asked:?}");
        self.counts.only_decided += usize::from(matches!(answer, Answer::Decided { .. }));
        self.counts.tried_behind += usize::from(size < self.model.size());
        self.note(format!("tries {asked:?}, gets {answer:?}"));
    }

    /// The flusher takes what was decided as one group: it comes to the gate, or is answered at
    /// once.
    async fn take_group(&mut self) {
        assert!(self.group.is_empty());
        self.group = std::mem::take(&mut self.queue);
        self.group_end = self.model.size();
        if self.group_end > self.visible {
            self.wait(|run, _| run.is_at_gate).await;
        } else {
            self.answers().await;
        }
    }

    /// Waits for all answers of the group and compares them with the model's.
    async fn answers(&mut self) {
        let group = std::mem::take(&mut self.group);
        for sent in group {
            let expected = sent.expected;
            match &expected {
                Answer::Recorded { first, next, .. } => {
                    self.counts.commits += 1;
                    self.counts.events += usize::try_from(next - first).unwrap();
                }
                Answer::Replayed { .. } => self.counts.repeats += 1,
                Answer::Rejected(_) => self.counts.rejections += 1,
                Answer::Reused { .. } => self.counts.reused_ids += 1,
                Answer::SizeMoved { .. } | Answer::VersionMoved { .. } => {
                    self.counts.moved_preconditions += 1;
                }
                Answer::Clock => self.counts.clock_refusals += 1,
                Answer::Decided { .. } | Answer::Draining | Answer::Unknown => {
                    panic!("the model knows")
                }
            }
            if !sent.gone {
                let answer = self.answer(sent.number).await;
                assert_eq!(answer, expected, "{:?}", sent.asked);
                if let Answer::Recorded { next, .. } = answer {
                    let size = self.process.ledger.durable().size;
                    assert!(size >= next, "what is acknowledged is visible: {next}, of {size}");
                }
                self.counts.comparisons += 1;
            }
            self.note(format!("{} gets {expected:?}", sent.number));
        }
    }

    async fn answer(&mut self, number: usize) -> Answer {
        self.wait(|run, _| run.answered.contains_key(&number)).await;
        self.answered.remove(&number).unwrap()
    }

    /// Takes in news until enough is known.
    async fn wait(&mut self, enough: impl Fn(&Self, &News) -> bool) {
        if enough(self, &News::AtGate) {
            return;
        }
        loop {
            let news = timeout(PATIENCE, self.news.recv()).await.expect("nothing moves").unwrap();
            match &news {
                News::AtGate => self.is_at_gate = true,
                News::Enqueued => {}
                News::Answered(number, answer) => {
                    self.answered.insert(*number, answer.clone());
                }
            }
            if enough(self, &news) {
                return;
            }
        }
    }

    /// The append at the gate is synced: all of its group are answered, and the next group is
    /// taken.
    async fn release(&mut self) {
        self.counts.appends_synced += 1;
        let recorded = |sent: &&Sent| matches!(sent.expected, Answer::Recorded { .. });
        if self.group.iter().filter(recorded).count() > 1 {
            self.counts.appends_of_several_commits += 1;
        }
        self.let_callers_go();
        self.is_at_gate = false;
        self.disk.decide(Verdict::Synced);
        self.visible = self.group_end;
        let root = self.model.root(self.visible);
        self.checkpoints.push((self.visible, root));
        self.note(format!("synced up to {}, root {root:x?}", self.visible));
        self.answers().await;
        // Where every caller has gone, no answer says when it is visible.
        let mut watch = self.process.ledger.watch();
        let visible = watch.wait_for(|durable| durable.size >= self.visible);
        timeout(PATIENCE, visible).await.expect("nothing moves").unwrap();
        if !self.queue.is_empty() {
            self.take_group().await;
        }
    }

    /// Some callers do not wait for the append at the gate.
    fn let_callers_go(&mut self) {
        for sent in &mut self.group {
            let recorded = matches!(sent.expected, Answer::Recorded { .. });
            if recorded && self.random.u8(0..12) == 0 {
                sent.caller.abort();
                sent.gone = true;
                self.counts.callers_gone += 1;
            }
        }
    }

    /// Time goes on; sometimes the clock on the wall jumps, and is set right again later.
    fn turn_clock(&mut self) {
        // Where little time has passed, a step back goes behind what was recorded. At the gate no
        // sync may seem to hang.
        let passed = match self.random.bool() || self.is_at_gate {
            true => self.random.i64(0..SECOND / 10),
            false => self.random.i64(0..100) * SECOND,
        };
        let error = match self.random.u8(0..6) {
            _ if self.clock_error != 0 => 0,
            0..3 => self.random.i64(-50..-1) * SECOND,
            3 => -self.random.i64(200..5_000) * SECOND,
            4 => self.random.i64(3_601..9_000) * SECOND,
            _ => 0,
        };
        self.clocks.turn(passed + error - self.clock_error, passed);
        self.clock_error = error;
        self.note(format!("clocks {:?}", self.clocks.read()));
    }
}
