//! The series of one metric, which differ in the values of its labels.

use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
};

use super::{Counter, Described, Gauge, Info, Kind, SecondsGauge, instruments::Instrument};
use crate::limits::METRIC_SERIES_MAX;

/// The value of each label of the one series that counts whatever has no room for its own.
const OTHER: &str = "other";

/// Series with `N` labels, in the order of their values: never more than [`METRIC_SERIES_MAX`] and
/// one. The values are words of this program. A name that callers bring goes through
/// [`PartyCounters`](super::PartyCounters).
#[derive(Debug)]
pub struct Family<const N: usize, M>(Arc<Shared<N, M>>);

#[derive(Debug)]
struct Shared<const N: usize, M> {
    row: Described,
    most: usize,
    series: RwLock<Vec<([Box<str>; N], M)>>,
}

impl<const N: usize, M> Clone for Family<N, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[allow(private_bounds)] // the types are those of the table
impl<const N: usize, M: Instrument> Family<N, M> {
    /// A family of at most so many series.
    pub(super) fn of_most(row: &Described, most: usize) -> Self {
        Self(Arc::new(Shared { row: *row, most, series: RwLock::default() }))
    }

    /// The series with these values of the labels. The first call makes it.
    #[must_use]
    pub fn with(&self, values: [&str; N]) -> M {
        let Shared { row, most, .. } = &*self.0;
        let of_all_others = || self.find_or_make([OTHER; N], most + 1);
        let found = self.find_or_make(values, *most).or_else(of_all_others);
        // There is always a room for the others, so nothing is counted apart.
        found.unwrap_or_else(|| M::new(row))
    }

    /// As [`Self::with`], but `None` if the family has `most` series already.
    pub(super) fn find_or_make(&self, values: [&str; N], most: usize) -> Option<M> {
        let (found, has_room) = {
            let series = self.0.series.read();
            let at = place(&series, values).ok();
            (at.and_then(|at| series.get(at)).map(|(_, it)| it.clone()), series.len() < most)
        };
        if found.is_some() || !has_room {
            return found;
        }
        let mut series = self.0.series.write();
        match place(&series, values) {
            Ok(at) => series.get(at).map(|(_, it)| it.clone()),
            Err(_) if series.len() >= most => None,
            Err(at) => {
                let made = M::new(&self.0.row);
                series.insert(at, (values.map(Box::from), made.clone()));
                Some(made)
            }
        }
    }

    pub(super) fn encode_into(&self, encoder: &mut MetricEncoder) -> std::fmt::Result {
        for (values, instrument) in &*self.0.series.read() {
            let names = self.0.row.labels.iter().copied();
            let labels: Vec<(&str, &str)> = names.zip(values.iter().map(|it| &**it)).collect();
            instrument.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Replaces all series at once. Those past the bound are left out.
    fn put(&self, series: impl Iterator<Item = ([Box<str>; N], M)>) {
        let mut series: Vec<_> = series.take(self.0.most).collect();
        series.sort_by(|(one, _), (other, _)| one.cmp(other));
        series.dedup_by(|(later, _), (first, _)| later == first);
        *self.0.series.write() = series;
    }
}

impl<const N: usize> Family<N, Counter> {
    /// The sum over all series.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.series.read().iter().map(|(_, counter)| counter.get()).sum()
    }
}

impl<const N: usize> Family<N, Gauge> {
    /// Replaces all series at once, for labels that come and go. Of two series with the same
    /// labels, the first stays.
    pub fn replace<'a>(&self, values: impl IntoIterator<Item = ([&'a str; N], u64)>) {
        self.put(values.into_iter().map(|(labels, value)| {
            let gauge = Gauge::default();
            gauge.set(value);
            (labels.map(Box::from), gauge)
        }));
    }
}

impl<const N: usize> Family<N, SecondsGauge> {
    /// As for a gauge of numbers.
    pub fn replace<'a>(
        &self,
        values: impl IntoIterator<Item = ([&'a str; N], std::time::Duration)>,
    ) {
        self.put(values.into_iter().map(|(labels, value)| {
            let gauge = SecondsGauge::default();
            gauge.set(value);
            (labels.map(Box::from), gauge)
        }));
    }
}

impl<const N: usize> Family<N, Info> {
    /// Replaces what is told.
    pub fn set(&self, values: [&str; N]) {
        self.put(std::iter::once((values.map(Box::from), Info)));
    }
}

/// The place of a series, or the one where it belongs.
fn place<const N: usize, M>(
    series: &[([Box<str>; N], M)],
    values: [&str; N],
) -> Result<usize, usize> {
    series.binary_search_by(|(found, _)| found.iter().map(|it| &**it).cmp(values))
}

impl<const N: usize, M: Instrument> Instrument for Family<N, M> {
    const KIND: Kind = M::KIND;

    fn new(row: &Described) -> Self {
        Self::of_most(row, METRIC_SERIES_MAX)
    }
}

impl<const N: usize, M: Instrument> EncodeMetric for Family<N, M> {
    fn encode(&self, mut encoder: MetricEncoder) -> std::fmt::Result {
        self.encode_into(&mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        M::KIND.metric_type()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Counter, Unit};

    fn row() -> Described {
        let (name, labels) = ("tidu_tries_total", &["way", "end"][..]);
        Described { name, kind: Kind::Counter, unit: Unit::None, labels, help: "Tries" }
    }

    fn labels<M: Clone>(family: &Family<2, M>) -> Vec<String> {
        let series = family.0.series.read();
        series.iter().map(|(values, _)| values.join(" ")).collect()
    }

    #[test]
    fn a_series_is_found_again_and_kept_in_order() {
        let family: Family<2, Counter> = Family::new(&row());
        for (way, end) in [("b", "y"), ("a", "z"), ("b", "x"), ("b", "y")] {
            family.with([way, end]).inc();
        }
        assert_eq!(labels(&family), ["a z", "b x", "b y"]);
        assert_eq!(family.with(["b", "y"]).get(), 2);
        assert_eq!(family.with(["a", "z"]).get(), 1);
    }

    #[test]
    fn a_full_family_counts_all_others_together() {
        let family: Family<2, Counter> = Family::of_most(&row(), 2);
        for way in ["a", "b", "c", "d", "a"] {
            family.with([way, "x"]).inc();
        }
        assert_eq!(labels(&family), ["a x", "b x", "other other"]);
        assert_eq!(family.with(["e", "x"]).get(), 2, "c and d");
        assert_eq!(family.with(["a", "x"]).get(), 2);
    }

    #[test]
    fn gauges_come_and_go_together() {
        let family: Family<2, Gauge> = Family::of_most(&row(), 2);
        family.replace([(["b", "x"], 1), (["a", "x"], 2), (["c", "x"], 3)]);
        assert_eq!(labels(&family), ["a x", "b x"], "the bound holds");
        family.replace([(["c", "x"], 3), (["c", "x"], 4)]);
        assert_eq!(labels(&family), ["c x"]);
        assert_eq!(family.with(["c", "x"]).get(), 3);
    }
}
