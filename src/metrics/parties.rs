//! Counts by party. Anybody can come with a new address, so the number of names has a bound.

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
};

use super::{Counter, Described, Family, Kind, instruments::Instrument};
use crate::limits::{METRIC_PARTIES_MAX, METRIC_PARTY_HASHES};

/// A counter for each party. The first [`METRIC_PARTIES_MAX`] have their names in the label; all
/// others share [`METRIC_PARTY_HASHES`] counters, `hash-00` and so on, and a party always the same.
#[derive(Clone, Debug)]
pub struct PartyCounters {
    named: Family<1, Counter>,
    hashed: Family<1, Counter>,
}

impl PartyCounters {
    /// The counter of a party.
    #[must_use]
    pub fn with(&self, party: &str) -> Counter {
        let named = self.named.find_or_make([party], METRIC_PARTIES_MAX);
        named.unwrap_or_else(|| {
            let hash = fnv_1a(party.as_bytes()) % METRIC_PARTY_HASHES as u64;
            self.hashed.with([&format!("hash-{hash:02x}")])
        })
    }
}

/// The hash FNV-1a, which is the same in every process, so that a series means the same parties
/// after a restart.
fn fnv_1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

impl Instrument for PartyCounters {
    const KIND: Kind = Kind::Counter;

    fn new(row: &Described) -> Self {
        Self {
            named: Family::of_most(row, METRIC_PARTIES_MAX),
            hashed: Family::of_most(row, METRIC_PARTY_HASHES),
        }
    }
}

impl EncodeMetric for PartyCounters {
    fn encode(&self, mut encoder: MetricEncoder) -> std::fmt::Result {
        self.named.encode_into(&mut encoder)?;
        self.hashed.encode_into(&mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::metrics::{Format, Metrics};

    /// The values of the label `party` in the output, with their counts.
    fn parties(metrics: &Metrics) -> Vec<(String, u64)> {
        let text = metrics.encode(Format::Text);
        let samples =
            text.lines().filter_map(|line| line.strip_prefix("tidu_party_refusals_total{party=\""));
        let read = |sample: &str| {
            let (party, count) = sample.split_once("\"} ").unwrap();
            (party.to_owned(), count.parse().unwrap())
        };
        samples.map(read).collect()
    }

    #[test]
    fn the_first_parties_keep_their_names_and_all_others_share() {
        let metrics = Metrics::new();
        let name = |number: usize| format!("192.0.{}.{}", number / 250, number % 250);
        let count = |numbers: std::ops::Range<usize>| {
            numbers.for_each(|number| metrics.party_refusals_total.with(&name(number)).inc());
        };
        count(0..METRIC_PARTIES_MAX);
        let all = parties(&metrics);
        assert_eq!(all.len(), METRIC_PARTIES_MAX);
        assert!(all.iter().all(|(party, _)| !party.starts_with("hash-")));
        count(METRIC_PARTIES_MAX..METRIC_PARTIES_MAX + 1);
        let all = parties(&metrics);
        assert_eq!(all.len(), METRIC_PARTIES_MAX + 1);
        assert_eq!(all.iter().filter(|(party, _)| party.starts_with("hash-")).count(), 1);
        // Those with a name keep it, and no number of others adds more than the shared ones.
        count(0..10_000);
        let all = parties(&metrics);
        assert_eq!(all.len(), METRIC_PARTIES_MAX + METRIC_PARTY_HASHES);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 10_257);
        let names: BTreeSet<_> = all.iter().map(|(party, _)| party).collect();
        assert_eq!(names.len(), all.len(), "each series is there once");
        let first = all.iter().find(|(party, _)| *party == name(0)).unwrap();
        assert_eq!(first.1, 2);
    }

    #[test]
    fn a_party_always_shares_the_same_counter() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
