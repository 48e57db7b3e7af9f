//! Counters, gauges and histograms. Each is a number, or a few, that threads change without a lock.
//! A clone counts for the same series.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::Described;
use crate::limits::{
    METRIC_BYTES_BOUNDS, METRIC_COUNT_BOUNDS, METRIC_SECONDS_BOUNDS_NANOS as NANOS_BOUNDS,
};

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Has a value now.
    Gauge,
    /// Counts values by size.
    Histogram,
    /// Tells something in its labels.
    Info,
}

impl Kind {
    /// Its word in the formats and in the documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    pub(super) fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }

    /// What the formats add to the name of such a metric.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Counter => "total",
            Self::Info => "info",
            Self::Gauge | Self::Histogram => "",
        }
    }
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Events of the log.
    Events,
    /// Commits.
    Commits,
}

impl Unit {
    /// Its name in the formats; empty for a plain number.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Events => "events",
            Self::Commits => "commits",
        }
    }
}

/// A type that a row of the table can have.
pub(super) trait Instrument: EncodeMetric + Clone {
    const KIND: Kind;

    fn new(row: &Described) -> Self;
}

/// A count that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts so many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// Brings the count to a total that somebody else keeps. It never falls.
    pub fn reach(&self, total: u64) {
        self.0.fetch_max(total, Relaxed);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Seconds that only grow.
#[derive(Clone, Debug, Default)]
pub struct SecondsCounter(Arc<AtomicU64>);

impl SecondsCounter {
    /// Brings the seconds to a total that somebody else keeps. It never falls.
    pub fn reach(&self, total: Duration) {
        self.0.fetch_max(nanos(total), Relaxed);
    }
}

/// A value that moves up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Adds to the value.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// Takes from the value what was added to it before.
    pub fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Relaxed);
    }

    /// The value. Threads add and take in any order, so it can be below nothing for a moment: that
    /// is nothing.
    #[must_use]
    pub fn get(&self) -> u64 {
        let value = self.0.load(Relaxed);
        if value > u64::MAX / 2 { 0 } else { value }
    }
}

/// A duration, or a time since 1970, that moves up and down.
#[derive(Clone, Debug, Default)]
pub struct SecondsGauge(Arc<AtomicU64>);

impl SecondsGauge {
    /// Sets the duration.
    pub fn set(&self, value: Duration) {
        self.0.store(nanos(value), Relaxed);
    }

    /// The duration.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

/// A value that is in the labels.
#[derive(Clone, Debug, Default)]
pub struct Info;

/// Counts durations by length.
#[derive(Clone, Debug)]
pub struct DurationHistogram(Arc<Buckets>);

impl DurationHistogram {
    /// Counts a duration.
    pub fn observe(&self, duration: Duration) {
        self.0.add(nanos(duration));
    }

    /// The number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.sum.load(Relaxed))
    }
}

/// Counts numbers of bytes, events or commits by size.
#[derive(Clone, Debug)]
pub struct SizeHistogram(Arc<Buckets>);

impl SizeHistogram {
    /// Counts a number.
    pub fn observe(&self, size: u64) {
        self.0.add(size);
    }

    /// The number of numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.sum.load(Relaxed)
    }
}

/// Values by size. They are whole numbers, so that a sum is exact: nanoseconds for durations.
#[derive(Debug)]
struct Buckets {
    /// The largest value of each bucket but the last, in order.
    bounds: &'static [u64],
    /// Values in each bucket, each value in one of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Buckets {
    fn new(bounds: &'static [u64]) -> Arc<Self> {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { bounds, counts, sum: AtomicU64::new(0) })
    }

    fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
    }

    fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Encodes the values, of which `one` are one of the unit. The counts are read once, so the
    /// last bucket agrees with the count.
    fn encode(&self, one: f64, mut encoder: MetricEncoder) -> std::fmt::Result {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / one).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.sum.load(Relaxed) as f64 / one;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

const NANOS: f64 = 1e9;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: &AtomicU64) -> f64 {
    nanos.load(Relaxed) as f64 / NANOS
}

/// Implements the traits of an instrument.
macro_rules! instrument {
    ($type:ident, $kind:ident, $new:expr, $encode:expr) => {
        impl Instrument for $type {
            const KIND: Kind = Kind::$kind;

            fn new(row: &Described) -> Self {
                let new: fn(&Described) -> Self = $new;
                new(row)
            }
        }

        impl EncodeMetric for $type {
            fn encode(&self, encoder: MetricEncoder) -> std::fmt::Result {
                let encode: fn(&Self, MetricEncoder) -> std::fmt::Result = $encode;
                encode(self, encoder)
            }

            fn metric_type(&self) -> MetricType {
                MetricType::$kind
            }
        }
    };
}

instrument!(Counter, Counter, |_| Self::default(), |counter, mut encoder| {
    encoder.encode_counter::<NoLabelSet, _, u64>(&counter.get(), None)
});
instrument!(SecondsCounter, Counter, |_| Self::default(), |counter, mut encoder| {
    encoder.encode_counter::<NoLabelSet, _, u64>(&seconds(&counter.0), None)
});
instrument!(Gauge, Gauge, |_| Self::default(), |gauge, mut encoder| {
    encoder.encode_gauge(&gauge.get())
});
instrument!(SecondsGauge, Gauge, |_| Self::default(), |gauge, mut encoder| {
    encoder.encode_gauge(&seconds(&gauge.0))
});
instrument!(Info, Info, |_| Self, |_, mut encoder| {
    let in_family: [(&str, &str); 0] = [];
    encoder.encode_info(&in_family)
});
instrument!(
    DurationHistogram,
    Histogram,
    |_| Self(Buckets::new(&NANOS_BOUNDS)),
    |histogram, encoder| histogram.0.encode(NANOS, encoder)
);
instrument!(
    SizeHistogram,
    Histogram,
    |row| Self(Buckets::new(match row.unit {
        Unit::Bytes => &METRIC_BYTES_BOUNDS,
        Unit::None | Unit::Seconds | Unit::Events | Unit::Commits => &METRIC_COUNT_BOUNDS,
    })),
    |histogram, encoder| histogram.0.encode(1.0, encoder)
);
