//! A sink that keeps its lines in memory, fails on command, and waits at a gate.

use std::{io, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};
use tidu::{
    ledger::clock::Clock as _,
    metrics::Metrics,
    trail::{Anchor, Batch, Found, Sink, Trail, TrailOptions},
};

use crate::support::Hands;

/// Handles of one tape have one content.
#[derive(Clone, Default)]
pub struct Tape(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    text: String,
    fails: bool,
    shut: bool,
    waiting: bool,
}

impl Tape {
    /// From now on each try fails, as on a full disk, or none does.
    pub fn fail(&self, fails: bool) {
        self.0.0.lock().fails = fails;
    }

    /// From now on each try waits until the gate is open, or none does.
    pub fn shut(&self, shut: bool) {
        self.0.0.lock().shut = shut;
        self.0.1.notify_all();
    }

    /// Waits until a try waits at the gate.
    pub fn wait_for_a_try(&self) {
        let mut state = self.0.0.lock();
        while !state.waiting {
            let waited = self.0.1.wait_for(&mut state, Duration::from_secs(60));
            assert!(!waited.timed_out(), "no line has come");
        }
    }

    pub fn text(&self) -> String {
        self.0.0.lock().text.clone()
    }

    /// The lines as JSON.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Sink for Tape {
    fn name(&self) -> String {
        "tape".to_owned()
    }

    fn open(&mut self, _anchor: Option<&Anchor>) -> io::Result<Found> {
        Ok(Found::default())
    }

    fn append(&mut self, batch: &Batch) -> io::Result<bool> {
        let (state, changed) = &*self.0;
        let mut state = state.lock();
        while state.shut {
            state.waiting = true;
            changed.notify_all();
            changed.wait(&mut state);
        }
        state.waiting = false;
        if state.fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.text.push_str(std::str::from_utf8(&batch.bytes).unwrap());
        Ok(false)
    }
}

/// A trail with these sinks, by a clock that the test turns.
pub fn trail(
    sinks: Vec<Box<dyn Sink>>,
    hands: &Arc<Hands>,
    anchor: Option<Anchor>,
) -> io::Result<Arc<Trail>> {
    counted_by(Metrics::new(), sinks, hands, anchor)
}

/// As [`trail`], with metrics of its server.
pub fn counted_by(
    metrics: Arc<Metrics>,
    sinks: Vec<Box<dyn Sink>>,
    hands: &Arc<Hands>,
    anchor: Option<Anchor>,
) -> io::Result<Arc<Trail>> {
    let (wall, steady) = (Arc::clone(hands), Arc::clone(hands));
    Trail::open(TrailOptions {
        sinks,
        now_micros: Box::new(move || wall.now_micros()),
        monotonic: Box::new(move || steady.monotonic()),
        metrics,
        anchor,
    })
}
