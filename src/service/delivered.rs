//! Counts what streams deliver.

use crate::metrics::{Counter, Metrics};

/// Where delivered events are counted: once for each message.
#[derive(Clone)]
pub(crate) struct Delivered {
    events: Counter,
    bytes: Counter,
}

impl Delivered {
    pub(crate) fn of(metrics: &Metrics) -> Self {
        let events = metrics.delivered_events_total.clone();
        Self { events, bytes: metrics.delivered_bytes_total.clone() }
    }

    pub(crate) fn add(&self, events: u64, bytes: usize) {
        self.events.add(events);
        self.bytes.add(bytes as u64);
    }
}
