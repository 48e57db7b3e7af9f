//! One run: decides from its seed what happens, and asks the validators after each step.

use std::{
    collections::{BTreeMap, HashSet},
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

use bytes::Bytes;
use fastrand::Rng;
use parking_lot::Mutex;
use tidu::ledger::{Ledger, LedgerOptions, Precondition, clock::Clock};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

use super::{
    disk::{Disk, Kept, Verdict},
    guarantees::{self, Checkpoint},
    model::{Answer, Asked, Model, Said, World, digest},
    subscriber::{Seen, Subscriber, WANTS, follow},
};

const PATIENCE: Duration = Duration::from_secs(30);
const SECOND: i64 = 1_000_000;
const SUBSCRIBERS: usize = 8;
const FREE_SUBSCRIBERS: usize = 2;
const PRINCIPALS: [&str; 3] = ["guangdong", "zhejiang", "loader"];

/// What really happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub commits: usize,
    pub events: usize,
    pub appends_synced: usize,
    pub appends_of_several_commits: usize,
    pub crashes: usize,
    pub crashes_at_the_gate: usize,
    pub survivors_of_crashes: usize,
    pub torn_writes: usize,
    pub incomplete_commits_removed: usize,
    pub failed_appends: usize,
    pub clean_closes: usize,
    pub repeats: usize,
    pub repeats_in_flight: usize,
    pub reused_ids: usize,
    pub moved_preconditions: usize,
    pub only_decided: usize,
    pub rejections: usize,
    pub clock_refusals: usize,
    pub times_held: usize,
    pub unknown_outcomes: usize,
    pub callers_gone: usize,
    pub reads: usize,
    pub reads_at_the_gate: usize,
    pub events_read: usize,
    pub resumptions: usize,
    pub free_events_read: usize,
    pub comparisons: usize,
}

impl Counts {
    fn fields(&mut self) -> [(&'static str, &mut usize, usize); 27] {
        // With each the least that a run must have had on average.
        [
            ("commits", &mut self.commits, 60),
            ("events", &mut self.events, 200),
            ("appends synced", &mut self.appends_synced, 30),
            ("appends of several commits", &mut self.appends_of_several_commits, 10),
            ("crashes", &mut self.crashes, 4),
            ("crashes at the gate", &mut self.crashes_at_the_gate, 1),
            ("commits that survived unanswered", &mut self.survivors_of_crashes, 0),
            ("torn writes", &mut self.torn_writes, 1),
            ("values removed at a start", &mut self.incomplete_commits_removed, 3),
            ("failed appends", &mut self.failed_appends, 1),
            ("clean closes", &mut self.clean_closes, 1),
            ("repeats", &mut self.repeats, 10),
            ("repeats in flight", &mut self.repeats_in_flight, 1),
            ("reused ids", &mut self.reused_ids, 5),
            ("moved preconditions", &mut self.moved_preconditions, 5),
            ("only decided", &mut self.only_decided, 5),
            ("rejections", &mut self.rejections, 10),
            ("clock refusals", &mut self.clock_refusals, 1),
            ("recorded times held against the clock", &mut self.times_held, 2),
            ("unknown outcomes", &mut self.unknown_outcomes, 5),
            ("callers gone", &mut self.callers_gone, 1),
            ("reads", &mut self.reads, 200),
            ("reads at the gate", &mut self.reads_at_the_gate, 50),
            ("events read", &mut self.events_read, 500),
            ("resumptions", &mut self.resumptions, 2),
            ("events read freely", &mut self.free_events_read, 50),
            ("comparisons", &mut self.comparisons, 5_000),
        ]
    }

    pub fn add(&mut self, mut other: Self) {
        for ((_, sum, _), (_, more, _)) in self.fields().into_iter().zip(other.fields()) {
            *sum += *more;
        }
    }

    /// The gates: what has happened too seldom in so many runs, if anything.
    pub fn too_few(&mut self, runs: usize) -> Option<String> {
        let (what, count, least) =
            self.fields().into_iter().find(|(_, count, least)| **count < least * runs)?;
        Some(format!("{what}: only {count}, not {least} a run"))
    }
}

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
    run.check_at_start().await;
    run.counts.times_held = run.model.times_held;
    let mut hasher = DefaultHasher::new();
    run.trace.hash(&mut hasher);
    Ended { counts: run.counts, trace: run.trace, hash: hasher.finish() }
}

/// Opens the log on the disk, as a server does, and lets the free subscribers go on. Gives the number of values removed.
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
        catalogue,
        clock: Arc::<Clocks>::clone(clocks),
        on_failure: Box::new(move |why| for_failures.lock().push(why.to_owned())),
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
                    self.send(asked).await;
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

    /// What is sent next: new, a repeat, or something to refuse.
    fn choose(&mut self) -> Asked {
        let random = &mut self.random;
        let size = match random.u8(0..40) {
            0..3 => random.usize(80..260),
            3..6 => random.usize(10..40),
            _ => random.usize(1..5),
        };
        let mut said: Vec<Said> = Vec::with_capacity(size);
        let mut taken = HashSet::new();
        while said.len() < size {
            let who = random.usize(0..2_000);
            if !taken.insert(who) {
                continue;
            }
            let known = self.model.version(who) > 0;
            said.push(if known || random.u8(0..5) == 0 {
                Said::Supported(who, random.u16(..))
            } else {
                Said::Designated(who)
            });
        }
        let place = random.usize(0..size);
        match random.u8(0..12) {
            0 => said[place] = Said::NotEntitled(said[place].enterprise()),
            1 => said.push(said[place]),
            _ => {}
        }
        let by = PRINCIPALS[random.usize(0..PRINCIPALS.len())];
        let mut asked = Asked { said, request: None, precondition: None, validate_only: false, by };
        if random.bool() {
            self.ids += 1;
            let id = Bytes::from(format!("request-{}", self.ids));
            asked.request = Some((id, digest(&asked.said)));
        }
        asked.precondition = self.precondition(&asked.said);
        asked.validate_only = self.random.u8(0..12) == 0;
        self.repeat(asked)
    }

    /// Now and then a condition, about as often true as moved.
    fn precondition(&mut self, said: &[Said]) -> Option<Precondition> {
        let off = u64::from(self.random.bool());
        match self.random.u8(0..10) {
            0 => Some(Precondition::LogSize(self.model.size() + off)),
            1 => {
                let versions = said.iter().take(3).map(|said| {
                    let who = said.enterprise();
                    (self.model.world.id(who), self.model.version(who) + off)
                });
                Some(Precondition::Versions(versions.collect()))
            }
            _ => None,
        }
    }

    /// Now and then the request id of an earlier commit: recorded, in flight, or refused.
    fn repeat(&mut self, asked: Asked) -> Asked {
        let earlier: Option<Asked> = match self.random.u8(0..10) {
            0 if !self.model.commits.is_empty() => {
                let place = self.random.usize(0..self.model.commits.len());
                Some(self.model.commits[place].asked.clone())
            }
            1 => {
                let flying: Vec<&Sent> = self.group.iter().chain(&self.queue).collect();
                self.random.choice(flying).map(|sent| sent.asked.clone())
            }
            _ => None,
        };
        let Some((earlier, Some((id, was)))) = earlier.map(|asked| (asked.clone(), asked.request))
        else {
            return asked;
        };
        if self.random.u8(0..3) == 0 {
            // Other content under the same id.
            return Asked { request: Some((id, digest(&asked.said))), ..asked };
        }
        // A true repeat wins over a precondition that has moved.
        let precondition = asked.precondition.or(earlier.precondition);
        Asked { request: Some((id, was)), precondition, ..earlier }
    }

    /// Sends a commit from a task of its own. The writer decides it at once; if nothing is at the gate, it is a group alone.
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

    /// The flusher takes what was decided as one group: it comes to the gate, or is answered at once.
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
                Answer::Decided { .. } => self.counts.only_decided += 1,
                Answer::Rejected(_) => self.counts.rejections += 1,
                Answer::Reused { .. } => self.counts.reused_ids += 1,
                Answer::SizeMoved { .. } | Answer::VersionMoved { .. } => {
                    self.counts.moved_preconditions += 1;
                }
                Answer::Clock => self.counts.clock_refusals += 1,
                Answer::Draining | Answer::Unknown => panic!("the model knows"),
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

    /// The append at the gate is synced: all of its group are answered, and the next group is taken.
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
        // Where little time has passed, a step back goes behind what was recorded. At the gate no sync may seem to hang.
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

    /// Ends the process without closing anything. Of an append at the gate the disk keeps what it likes.
    async fn crash(&mut self) {
        self.counts.crashes += 1;
        let kept = self.kept();
        self.counts.crashes_at_the_gate += usize::from(self.is_at_gate);
        self.note(format!("crash, of the append {kept:?} is kept"));
        self.disk.crash(kept);
        self.unknown_outcomes().await;
        self.start_again().await;
    }

    fn kept(&mut self) -> Kept {
        let lengths = self.disk.at_gate();
        let values = self.random.usize(0..=lengths.len());
        let torn = lengths.get(values).copied().filter(|_| self.random.bool());
        let torn = torn.map(|length| self.random.usize(0..length));
        self.counts.torn_writes += usize::from(torn.is_some());
        Kept { values, torn }
    }

    /// Nothing that was in flight is acknowledged.
    async fn unknown_outcomes(&mut self) {
        let group = std::mem::take(&mut self.group);
        let queue = std::mem::take(&mut self.queue);
        for sent in group.into_iter().chain(queue).filter(|sent| !sent.gone) {
            let answer = self.answer(sent.number).await;
            assert_eq!(answer, Answer::Unknown, "it was acknowledged: {:?}", sent.asked);
            self.counts.unknown_outcomes += 1;
        }
        self.is_at_gate = false;
    }

    /// The append at the gate fails: nothing is acknowledged from then on, what was stays readable, and the ledger says so
    /// once.
    async fn fail(&mut self) {
        self.counts.failed_appends += 1;
        let moves = self.random.u8(0..4) == 0;
        let verdict = if moves { Verdict::MovedOn } else { Verdict::Failed(self.kept()) };
        self.note(format!("the append fails: {verdict:?}"));
        self.disk.decide(verdict);
        self.unknown_outcomes().await;
        let asked = self.choose();
        let commit = self.model.world.commit(&asked);
        let answer = Answer::of(self.process.ledger.append(commit).await);
        assert_eq!(answer, Answer::Unknown, "it goes on after a failure");
        assert_eq!(self.process.failures.lock().len(), 1, "{:?}", self.process.failures.lock());
        self.check_visible().await;
        self.read().await;
        self.disk.crash(Kept::default());
        self.start_again().await;
    }

    /// A drain: all that was taken is finished, and the high-water mark is exact.
    async fn close(&mut self) {
        self.counts.clean_closes += 1;
        self.note("close".to_owned());
        let ledger = Arc::clone(&self.process.ledger);
        let closing = tokio::task::spawn_blocking(move || ledger.close());
        while self.is_at_gate {
            self.release().await;
        }
        closing.await.unwrap();
        let asked = self.choose();
        let commit = self.model.world.commit(&asked);
        let answer = Answer::of(self.process.ledger.append(commit).await);
        assert_eq!(answer, Answer::Draining);
        if self.visible > 0 {
            let root = self.model.root(self.visible);
            assert_eq!(self.disk.mark(), Some((self.visible, root)), "the high-water mark");
        }
        assert!(self.process.failures.lock().is_empty(), "{:?}", self.process.failures.lock());
        self.disk.crash(Kept::default());
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        for follower in self.process.followers.drain(..) {
            follower.abort();
            if let Err(ended) = follower.await
                && ended.is_panic()
            {
                std::panic::resume_unwind(ended.into_panic());
            }
        }
        let (process, removed) =
            start(&self.disk, &self.clocks, &self.model, &self.tell, &self.free);
        self.process = process;
        self.counts.incomplete_commits_removed += removed;
        let size = self.disk.size();
        assert!(self.model.is_commit_end(size), "atomic: a crash has left part of a commit");
        assert!((self.visible..=self.group_end).contains(&size), "durable: {size}");
        let survived = self
            .model
            .commits
            .iter()
            .filter(|commit| commit.first >= self.visible && commit.next <= size);
        self.counts.survivors_of_crashes += survived.count();
        self.note(format!("started with {size} events, {removed} values removed"));
        self.model.restart(size);
        (self.visible, self.group_end) = (size, size);
        self.check_at_start().await;
    }

    /// Subscribers read, each at its own speed.
    async fn read(&mut self) {
        let log_id = self.process.ledger.log_id().to_string();
        let wall = self.clocks.read().0;
        for place in 0..self.subscribers.len() {
            let subscriber = &mut self.subscribers[place];
            if self.random.u8(0..100) >= subscriber.zeal {
                continue;
            }
            if self.random.u8(0..30) == 0 {
                subscriber.resume(&mut self.random);
                self.counts.resumptions += 1;
            }
            let bytes = [1, 2_000, 50_000][self.random.usize(0..3)];
            let delivery = subscriber.read(&self.process.ledger, bytes).await;
            let mut compared = 0;
            if subscriber.wants == super::subscriber::Wants::Everything {
                compared += guarantees::contiguous(subscriber, &delivery);
            }
            compared += guarantees::ordered(&self.model, &delivery);
            compared += guarantees::unique(subscriber);
            compared += guarantees::reliable_under_filter(&self.model, subscriber, &delivery);
            let ledger = &self.process.ledger;
            compared += guarantees::bookmarkable(ledger, &delivery, &log_id, wall);
            assert!(delivery.next <= self.visible, "durable before visible: a subscriber");
            self.counts.comparisons += compared;
            self.counts.reads += 1;
            self.counts.reads_at_the_gate += usize::from(self.is_at_gate);
            self.counts.events_read += delivery.leaves.len();
            let (from, next) = (delivery.from, delivery.next);
            self.note(format!("{place} reads {from}..{next}: {}", delivery.leaves.len()));
        }
    }

    async fn check(&mut self) {
        self.check_visible().await;
        assert!(self.process.failures.lock().is_empty(), "{:?}", self.process.failures.lock());
    }

    async fn check_visible(&mut self) {
        let Self { process, disk, model, visible, .. } = self;
        let ledger = &process.ledger;
        let mut compared = guarantees::durable_before_visible(ledger, disk, model, *visible).await;
        compared += guarantees::atomic(ledger, model);
        self.counts.comparisons += compared;
    }

    /// After a start everything is looked at again, from the beginning.
    async fn check_at_start(&mut self) {
        let ledger = Arc::clone(&self.process.ledger);
        let mut compared = guarantees::durable(&ledger, &self.model, self.visible).await;
        compared += guarantees::reliable_under_filter_for_ever(&ledger, &self.model);
        for subscriber in &self.subscribers {
            compared += guarantees::resumable(&ledger, subscriber);
            compared += guarantees::unique(subscriber);
        }
        let some: Vec<Checkpoint> =
            self.random.choose_multiple(self.checkpoints.iter().copied(), 2);
        compared += guarantees::verifiable(&ledger, &some).await;
        if let Some(event) = self.random.choice(&self.model.events) {
            compared += guarantees::ordered_in_time(&ledger, &self.model, event.micros).await;
            compared += guarantees::register_agrees(&ledger, &self.model, &[event.said]);
        }
        for seen in &self.free {
            let seen = seen.lock();
            assert!(seen.len() as u64 <= self.visible, "durable: what was seen is gone");
            let same =
                seen.iter().zip(&self.model.events).all(|(seen, event)| *seen == event.bytes);
            assert!(same, "ordered: a free subscriber saw something else");
            compared += seen.len();
        }
        self.counts.free_events_read = self.free.iter().map(|seen| seen.lock().len()).sum();
        self.counts.comparisons += compared;
        self.repeat_some().await;
        self.check().await;
    }

    /// Old request ids, with conditions that have moved.
    async fn repeat_some(&mut self) {
        for _ in 0..3 {
            let with_id = (0..self.model.commits.len())
                .filter(|place| self.model.commits[*place].asked.request.is_some());
            let with_id: Vec<usize> = with_id.collect();
            let Some(place) = self.random.choice(with_id) else { return };
            let mut asked = self.model.commits[place].asked.clone();
            asked.precondition = Some(Precondition::LogSize(self.model.size() + 1));
            let commit = self.model.world.commit(&asked);
            let same = Answer::of(self.process.ledger.append(commit).await);
            asked.said.push(Said::Supported(0, 0));
            asked.request = asked.request.map(|(id, _)| (id, digest(&asked.said)));
            let commit = self.model.world.commit(&asked);
            let other = Answer::of(self.process.ledger.append(commit).await);
            self.counts.comparisons +=
                guarantees::idempotent_for_ever(&self.model, place, &same, &other);
            self.counts.repeats += 1;
            self.counts.reused_ids += 1;
        }
    }
}
