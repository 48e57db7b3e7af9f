//! The lines that wait for one sink, and how long they do.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::Batch;
use crate::{
    limits::{TRAIL_BATCH_BYTES, TRAIL_STALL_MAX, TRAIL_WAITING_BYTES_MAX},
    merkle::Hash,
};

/// The lines that wait for one sink.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) lines: VecDeque<Sealed>,
    pub(super) bytes: usize,
    /// Since when it has not got on, if lines wait.
    pub(super) since: Option<Duration>,
    pub(super) failure: Option<String>,
}

#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) number: u64,
    pub(super) previous: Hash,
    pub(super) hash: Hash,
    pub(super) bytes: Arc<str>,
}

impl Waiting {
    /// A sink that has lost its place misses the oldest lines: the other one has them.
    pub(super) fn push(&mut self, line: Sealed, now: Duration) {
        self.since.get_or_insert(now);
        self.bytes += line.bytes.len();
        self.lines.push_back(line);
        while self.bytes > TRAIL_WAITING_BYTES_MAX
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.bytes.len();
        }
    }

    /// The next lines to write; they stay until they are synced.
    pub(super) fn batch(&self) -> Option<Batch> {
        let first = self.lines.front()?;
        let (mut bytes, mut last) = (Vec::new(), first);
        for line in &self.lines {
            if !bytes.is_empty() && bytes.len() + line.bytes.len() > TRAIL_BATCH_BYTES {
                break;
            }
            bytes.extend_from_slice(line.bytes.as_bytes());
            last = line;
        }
        let (first, previous) = (first.number, first.previous);
        Some(Batch { bytes, first, last: last.number, previous, head: last.hash })
    }

    /// Forgets the lines that were written.
    pub(super) fn written(&mut self, last: u64, now: Duration) {
        while let Some(line) = self.lines.pop_front_if(|line| line.number <= last) {
            self.bytes -= line.bytes.len();
        }
        self.since = (!self.lines.is_empty()).then_some(now);
    }

    /// Why it takes no lines, if so.
    pub(super) fn problem(&self, now: Duration) -> Option<String> {
        if let Some(failure) = &self.failure {
            return Some(failure.clone());
        }
        let waited = now.saturating_sub(self.since?);
        let hangs = waited >= TRAIL_STALL_MAX;
        hangs.then(|| format!("a line is not synced since {} s", waited.as_secs()))
    }
}
