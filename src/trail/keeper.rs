//! The trail of a server: the chain, what waits for each sink, and a thread for each.
//!
//! A line gets its number and its hash at once, under the lock. A thread for each sink writes what
//! waits and syncs it, so a sink that hangs keeps nobody waiting but its own thread. A line is kept
//! as soon as one sink has synced it.
//!
//! Lock order: the state is the innermost lock; nothing is called while it is held.

use std::{collections::VecDeque, fmt, io, sync::Arc, thread, time::Duration};

use parking_lot::{Condvar, Mutex};
use tokio::{sync::watch, time::timeout};

use super::{
    Anchor, Batch, Entry, Found, Outcome, Sink,
    denials::Denials,
    line,
    waiting::{Sealed, Waiting},
};
use crate::{
    limits::{
        ANCHOR_INTERVAL, ANCHORS_WAITING_MAX, TRAIL_END_DURATION_MAX, TRAIL_RETRY_INTERVAL,
        TRAIL_TICK_INTERVAL, TRAIL_WAITING_BYTES_MAX,
    },
    merkle::Hash,
    metrics::Metrics,
};

/// The parts that a trail is opened with.
pub struct TrailOptions {
    /// Where lines go.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Microseconds since 1970 by the machine's clock.
    pub now_micros: Box<dyn Fn() -> i64 + Send + Sync>,
    /// Time since some fixed moment.
    pub monotonic: Box<dyn Fn() -> Duration + Send + Sync>,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// The last anchor on the log.
    pub anchor: Option<Anchor>,
}

/// The state of a trail, for those who watch over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailState {
    /// Why a sink takes no lines, or the trail was changed; empty if all is well.
    pub problem: String,
    /// Lines so far.
    pub lines: u64,
    /// Lines that the last anchor covers.
    pub anchored: u64,
    /// Sinks that take no lines.
    pub failing: u64,
    /// Age of the oldest line that no sink has synced.
    pub unsynced: Duration,
}

/// The trail of a server.
pub struct Trail {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Lines wait, or the trail ends.
    changed: Condvar,
    /// The number of the last line that a sink has synced. Moves too when a sink fails.
    synced: watch::Sender<u64>,
    now_micros: Box<dyn Fn() -> i64 + Send + Sync>,
    monotonic: Box<dyn Fn() -> Duration + Send + Sync>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    /// The number and the hash of the last line.
    last: (u64, Hash),
    /// The last line that a sink has synced.
    synced: (u64, Hash),
    denials: Denials,
    /// Lines that were not taken since the last that says so.
    lost: u64,
    sinks: Vec<Waiting>,
    /// Heads of files that were set aside, without an anchor.
    rotated: VecDeque<(u64, Hash)>,
    /// Lines that the last anchor covers, and when it was recorded.
    anchored: (u64, Duration),
    /// Why the trail that was found does not hold.
    broken: Option<String>,
    closed: bool,
    running: usize,
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").finish_non_exhaustive()
    }
}

impl Trail {
    /// Goes on with the trail that the sinks have, and starts their threads. A sink that cannot be
    /// opened is tried again.
    ///
    /// # Errors
    /// The first error, if no sink can be opened; or if the system has no thread.
    pub fn open(options: TrailOptions) -> io::Result<Arc<Self>> {
        let TrailOptions { mut sinks, now_micros, monotonic, metrics, anchor } = options;
        let mut opened = Vec::new();
        for sink in &mut sinks {
            opened.push(sink.open(anchor.as_ref()));
        }
        let (mut state, said) = State::of(&sinks, opened, anchor.as_ref())?;
        state.anchored = (anchor.map_or(0, |anchor| anchor.lines), monotonic());
        state.running = sinks.len();
        let synced = watch::Sender::new(state.last.0);
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { state, changed, synced, now_micros, monotonic, metrics });
        for (index, sink) in sinks.into_iter().enumerate() {
            let of_sink = Arc::clone(&shared);
            let run = move || of_sink.run(index, sink);
            thread::Builder::new().name("tidu-trail".into()).spawn(run)?;
        }
        let trail = Arc::new(Self { shared });
        for entry in &said {
            trail.write(entry);
        }
        Ok(trail)
    }

    /// Adds a line. Gives its number, with which [`Trail::kept`] waits for it; `None` if too many
    /// wait already, so that it is only counted.
    pub fn write(&self, entry: &Entry) -> Option<u64> {
        let now = (self.shared.now_micros)();
        let mut state = self.shared.state.lock();
        let number = state.add(entry, now, (self.shared.monotonic)());
        self.shared.added(state, number.map_or(0, |_| 1));
        number
    }

    /// Notes that a caller was denied something; `party` is its principal, or its address. It gets
    /// a line, or is counted: see `denials.rs`.
    pub fn deny(&self, party: &str, entry: Entry) {
        self.shared.metrics.audit_denials_total.inc();
        let now = (self.shared.now_micros)();
        let mut state = self.shared.state.lock();
        let mut lines = state.denials.turn(now);
        match state.denials.note(party, entry) {
            Some(entry) => lines.push(entry),
            None => self.shared.metrics.audit_denials_counted_total.inc(),
        }
        self.shared.add_all(state, &lines, now);
    }

    /// Writes what is due by the clock: the counts of a minute that has ended, and how many lines
    /// were lost. It is called about once a second.
    pub fn tick(&self) {
        let now = (self.shared.now_micros)();
        let mut state = self.shared.state.lock();
        let mut lines = state.denials.turn(now);
        if state.lost > 0 {
            let count = std::mem::take(&mut state.lost);
            let detail = "lines were not written, because no sink took them".to_owned();
            lines.push(Entry { count, detail, ..of_server("trail.lost", Outcome::Failed) });
        }
        self.shared.add_all(state, &lines, now);
    }

    /// Waits until a sink has synced the line with this number.
    ///
    /// # Errors
    /// Why not, if no sink takes lines.
    pub async fn kept(&self, number: u64) -> Result<(), String> {
        let mut synced = self.shared.synced.subscribe();
        loop {
            if *synced.borrow_and_update() >= number {
                return Ok(());
            }
            if let Some(why) = self.refusal() {
                return Err(why);
            }
            // A sink that hangs says nothing, so the clock is looked at now and then.
            let _ = timeout(TRAIL_TICK_INTERVAL, synced.changed()).await;
        }
    }

    /// Why nothing may be recorded or administered: no sink takes lines. Waits for no disk.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let state = self.shared.state.lock();
        let now = (self.shared.monotonic)();
        let problems: Option<Vec<_>> = state.sinks.iter().map(|sink| sink.problem(now)).collect();
        problems.map(|problems| problems.join("; "))
    }

    /// The state of the trail.
    #[must_use]
    pub fn state(&self) -> TrailState {
        let state = self.shared.state.lock();
        let now = (self.shared.monotonic)();
        let problems: Vec<_> = state.sinks.iter().filter_map(|sink| sink.problem(now)).collect();
        let failing = problems.len() as u64;
        let problem = problems.into_iter().chain(state.broken.clone()).collect::<Vec<_>>();
        // The sink that is ahead tells.
        let waited = |sink: &Waiting| sink.since.map_or(Duration::ZERO, |s| now.saturating_sub(s));
        TrailState {
            problem: problem.join("; "),
            lines: state.last.0,
            anchored: state.anchored.0,
            failing,
            unsynced: state.sinks.iter().map(waited).min().unwrap_or_default(),
        }
    }

    /// The head to anchor now: of a file that was set aside, or, from time to time, of the last
    /// line that is on a disk. `None` if no lines were added since the last anchor.
    #[must_use]
    pub fn due_anchor(&self) -> Option<(u64, Hash)> {
        let state = self.shared.state.lock();
        let (lines, at) = state.anchored;
        let is_time = || (self.shared.monotonic)().saturating_sub(at) >= ANCHOR_INTERVAL;
        let due = state.rotated.front().filter(|(rotated, _)| *rotated > lines).copied();
        due.or_else(|| state.unanchored().filter(|_| is_time()))
    }

    /// The head to anchor at the end. `None` if no lines were added since the last anchor.
    #[must_use]
    pub fn last_anchor(&self) -> Option<(u64, Hash)> {
        self.shared.state.lock().unanchored()
    }

    /// Notes that a head is anchored on the log.
    pub fn anchored(&self, lines: u64) {
        let now = (self.shared.monotonic)();
        let mut state = self.shared.state.lock();
        state.rotated.retain(|(rotated, _)| *rotated > lines);
        state.anchored = (state.anchored.0.max(lines), now);
    }

    /// Time since some fixed moment, by the clock of the trail.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        (self.shared.monotonic)()
    }

    /// Ends the minute of the denials, and the threads once they have written what waits. Waits a
    /// moment for them, and no longer: a sink may hang.
    pub fn close(&self) {
        let now = (self.shared.now_micros)();
        let mut state = self.shared.state.lock();
        let lines = state.denials.end();
        for entry in &lines {
            state.add(entry, now, (self.shared.monotonic)());
        }
        state.closed = true;
        self.shared.changed.notify_all();
        while state.running > 0 {
            let waited = self.shared.changed.wait_for(&mut state, TRAIL_END_DURATION_MAX);
            if waited.timed_out() {
                return;
            }
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

/// A line about the server itself.
pub(super) fn of_server(method: &str, outcome: Outcome) -> Entry {
    let (principal, method) = ("server".to_owned(), method.to_owned());
    Entry { principal, method, outcome, ..Entry::default() }
}

impl State {
    /// The state that goes on from what the sinks have, and the lines that say what was wrong.
    fn of(
        sinks: &[Box<dyn Sink>],
        opened: Vec<io::Result<Found>>,
        anchor: Option<&Anchor>,
    ) -> io::Result<(Self, Vec<Entry>)> {
        let mut state = Self::default();
        let (mut said, mut broken) = (Vec::new(), None);
        let is_open = opened.iter().any(Result::is_ok);
        for (sink, found) in sinks.iter().zip(opened) {
            let mut waiting = Waiting::default();
            match found {
                Ok(Found { last, torn_bytes, problem }) => {
                    let last = last.unwrap_or_default();
                    if last.0 == state.last.0 && last.1 != state.last.1 {
                        let text = format!("the sinks differ in line {}", last.0);
                        broken.get_or_insert(text);
                    }
                    state.last = if last.0 > state.last.0 { last } else { state.last };
                    if torn_bytes > 0 {
                        let detail = format!("{torn_bytes} bytes of a line that was not whole");
                        said.push(Entry { detail, ..of_server("trail.cut", Outcome::Allowed) });
                    }
                    if let Some(problem) = problem {
                        broken.get_or_insert(problem);
                    }
                }
                Err(error) if is_open => {
                    tracing::error!(sink = sink.name(), %error, "a sink of the trail is not open");
                    waiting.failure = Some(error.to_string());
                }
                Err(error) => {
                    return Err(io::Error::new(error.kind(), format!("{}: {error}", sink.name())));
                }
            }
            state.sinks.push(waiting);
        }
        if let Some(Anchor { position, lines, head }) = anchor
            && *lines > state.last.0
        {
            if state.last.0 > 0 {
                let text = format!(
                    "line {} is the last, and the log anchors {lines} lines at position \
                     {position}: the end is gone",
                    state.last.0
                );
                broken.get_or_insert(text);
            }
            state.last = (*lines, *head);
        }
        if let Some(detail) = broken {
            tracing::error!(%detail, "the audit trail was changed; see tidu audit verify");
            let said_of = of_server("trail.broken", Outcome::Failed);
            said.push(Entry { detail: detail.clone(), ..said_of });
            state.broken = Some(detail);
        }
        state.synced = state.last;
        Ok((state, said))
    }

    /// Adds a line to those that wait. Gives its number, or counts it as lost.
    fn add(&mut self, entry: &Entry, now_micros: i64, now: Duration) -> Option<u64> {
        let (number, previous) = (self.last.0 + 1, self.last.1);
        let (line, hash) = line::sealed(entry, number, now_micros, &previous);
        let is_full = |sink: &Waiting| sink.bytes + line.len() > TRAIL_WAITING_BYTES_MAX;
        if self.closed || self.sinks.iter().all(is_full) {
            self.lost += 1;
            return None;
        }
        let sealed = Sealed { number, previous, hash, bytes: line.into() };
        for sink in &mut self.sinks {
            sink.push(sealed.clone(), now);
        }
        self.last = (number, hash);
        Some(number)
    }

    /// The last line on a disk, if no anchor covers it.
    fn unanchored(&self) -> Option<(u64, Hash)> {
        Some(self.synced).filter(|(synced, _)| *synced > self.anchored.0)
    }
}

impl Shared {
    fn add_all(&self, mut state: parking_lot::MutexGuard<'_, State>, entries: &[Entry], now: i64) {
        let monotonic = (self.monotonic)();
        let added = entries.iter().filter_map(|entry| state.add(entry, now, monotonic)).count();
        self.added(state, added);
    }

    fn added(&self, state: parking_lot::MutexGuard<'_, State>, count: usize) {
        drop(state);
        if count > 0 {
            self.metrics.audit_lines_total.add(count as u64);
            self.changed.notify_all();
        }
    }

    /// The thread of a sink.
    fn run(&self, index: usize, mut sink: Box<dyn Sink>) {
        let mut failed = false;
        while let Some(batch) = self.next(index, failed) {
            let appended = sink.append(&batch);
            let now = (self.monotonic)();
            failed = appended.is_err();
            let told = self.note(index, &batch, appended, now);
            match told {
                Some(Err(error)) => {
                    tracing::error!(sink = sink.name(), error, "a sink of the trail failed");
                }
                Some(Ok(())) => tracing::info!(sink = sink.name(), "a sink works again"),
                None => {}
            }
            let reached = self.state.lock().synced.0;
            self.synced.send_modify(|synced| *synced = reached.max(*synced));
        }
        self.state.lock().running -= 1;
        self.changed.notify_all();
    }

    /// Waits for lines. After a failure it waits a moment before the same ones come again. `None`
    /// at the end: all are written, or the sink failed.
    fn next(&self, index: usize, failed: bool) -> Option<Batch> {
        let mut state = self.state.lock();
        if failed {
            if state.closed {
                return None;
            }
            // Lines that are added do not shorten the pause.
            drop(state);
            thread::sleep(TRAIL_RETRY_INTERVAL);
            state = self.state.lock();
        }
        loop {
            if let Some(batch) = state.sinks.get(index).and_then(Waiting::batch) {
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Notes how a batch was taken. Gives the change of the sink's state, to be told.
    fn note(
        &self,
        index: usize,
        batch: &Batch,
        appended: io::Result<bool>,
        now: Duration,
    ) -> Option<Result<(), String>> {
        let mut state = self.state.lock();
        let failing = state.sinks.get_mut(index)?;
        match appended {
            Ok(rotated) => {
                let told = failing.failure.take().map(|_| Ok(()));
                failing.written(batch.last, now);
                if batch.last > state.synced.0 {
                    state.synced = (batch.last, batch.head);
                }
                let before = batch.first.saturating_sub(1);
                if rotated && before > 0 && state.rotated.len() < ANCHORS_WAITING_MAX {
                    state.rotated.push_back((before, batch.previous));
                }
                told
            }
            Err(error) => {
                self.metrics.audit_sink_failures_total.inc();
                let text = error.to_string();
                let before = failing.failure.replace(text.clone());
                before.is_none().then_some(Err(text))
            }
        }
    }
}
