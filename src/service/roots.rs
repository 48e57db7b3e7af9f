//! The Merkle roots that a stream tells a node that follows: at the end of the log as it was when
//! the last one was told, and often enough before.
//!
//! A stream that is never quite at the end of a growing log would tell none, so it goes to one end
//! after the other.

use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;

use crate::{
    ledger::{Durable, Ledger, run_blocking},
    limits::{ROOT_INTERVAL_BYTES, ROOT_INTERVAL_EVENTS},
    merkle::Hash,
};

/// The roots of one stream.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The position of the root that was told last, and that root.
    told: Option<(u64, Hash)>,
    /// Bytes that were delivered since.
    bytes: usize,
    /// The end to go to, with its root.
    end: Option<(u64, Hash)>,
}

impl Roots {
    /// The position up to which the stream goes next, if the log has the size `size`.
    pub(super) fn upto(&self, size: u64) -> u64 {
        self.end.map_or(size, |(end, _)| end.min(size))
    }

    /// Notes that leaves were delivered.
    pub(super) fn delivered(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// True if the root at a position is to be told now.
    pub(super) fn is_due(&self, next: u64) -> bool {
        let Some((told, _)) = self.told else { return true };
        let is_end = self.end.is_some_and(|(end, _)| next >= end);
        let is_long = next - told >= ROOT_INTERVAL_EVENTS || self.bytes >= ROOT_INTERVAL_BYTES;
        next > told && (is_end || is_long)
    }

    /// Finds the root at a position, and the end to go to from there.
    pub(super) async fn find(
        &mut self,
        ledger: &Arc<Ledger>,
        next: u64,
        durable: Durable,
    ) -> Result<(), Status> {
        let root = match self.end.filter(|(end, _)| *end == next) {
            Some((_, root)) => root,
            None if durable.size == next => durable.root,
            None => {
                let ledger = Arc::clone(ledger);
                let read = run_blocking(move || ledger.root_at(next)).await;
                read.map_err(|_| super::errors::draining())??
            }
        };
        (self.told, self.bytes) = (Some((next, root)), 0);
        self.end = Some((durable.size, durable.root)).filter(|(size, _)| *size > next);
        Ok(())
    }

    /// The end to go to, if the log has grown since there was none.
    pub(super) fn grow(&mut self, durable: Durable) {
        self.end.get_or_insert((durable.size, durable.root));
    }

    /// The root that was told at a position, in an answer; empty if none was.
    pub(super) fn at(&self, next: u64) -> Bytes {
        match self.told {
            Some((told, root)) if told == next => Bytes::copy_from_slice(&root),
            _ => Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_due_at_the_end_and_often_enough_before() {
        let mut roots = Roots::default();
        assert!(roots.is_due(7), "at the beginning");
        roots.told = Some((7, [0; 32]));
        roots.end = Some((20_000, [1; 32]));
        assert!(!roots.is_due(7) && !roots.is_due(8) && roots.is_due(20_000));
        assert!(!roots.is_due(6 + ROOT_INTERVAL_EVENTS) && roots.is_due(7 + ROOT_INTERVAL_EVENTS));
        roots.delivered(ROOT_INTERVAL_BYTES);
        assert!(roots.is_due(8));
        assert_eq!((roots.upto(30_000), roots.upto(9)), (20_000, 9));
        assert_eq!((roots.at(7).len(), roots.at(8).len()), (32, 0));
    }
}
