//! The rate of events that a party may record: a token bucket each, if the operator wants one.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Status;

use super::errors::{self, Limit};
use crate::{
    domain::Party,
    limits::{EVENT_BURST_SECONDS, RATE_BUCKETS_KEPT},
};

/// The rates of all parties. Without a rate everybody may record as fast as the log does.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventRates(Option<Arc<Rates>>);

#[derive(Debug)]
struct Rates {
    per_second: u32,
    /// When the bucket of a party is full again. One that is full has no entry that counts.
    full_at: Mutex<HashMap<Party, Instant>>,
}

impl EventRates {
    pub(crate) fn new(per_second: Option<NonZeroU32>) -> Self {
        let rates = |per_second: NonZeroU32| Rates {
            per_second: per_second.get(),
            full_at: Mutex::default(),
        };
        Self(per_second.map(rates).map(Arc::new))
    }

    /// Takes the tokens of a commit. One that is larger than the bucket takes a full one, and the
    /// next commit waits the longer.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED/QUEUE_FULL with the time to wait.
    pub(crate) fn take(&self, party: Party, events: usize) -> Result<(), Status> {
        let Some(rates) = self.0.as_ref().filter(|_| party != Party::Server) else { return Ok(()) };
        rates.take(party, events, Instant::now()).map_err(|wait| {
            let burst = u64::from(rates.per_second) * EVENT_BURST_SECONDS;
            let text = format!(
                "one caller may record {} events a second, and {burst} at once; try again in {} ms",
                rates.per_second,
                wait.as_millis()
            );
            errors::queue_full(
                text,
                Limit {
                    limit: u64::from(rates.per_second),
                    unit: "events a second",
                    value: Some(events as u64),
                    field: "events",
                    retry: Some(wait),
                },
            )
        })
    }
}

impl Rates {
    /// Takes tokens, or tells how long to wait for them.
    fn take(&self, party: Party, events: usize, now: Instant) -> Result<(), Duration> {
        let burst = Duration::from_secs(EVENT_BURST_SECONDS);
        let cost = Duration::from_secs(events as u64) / self.per_second;
        let mut full_at = self.full_at.lock();
        if full_at.len() > RATE_BUCKETS_KEPT {
            full_at.retain(|_, at| *at > now);
        }
        let at = full_at.entry(party).or_insert(now);
        let missing = at.saturating_duration_since(now);
        let wait = (missing + cost.min(burst)).saturating_sub(burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        *at = now + missing + cost;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use super::*;

    fn party(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn rates(per_second: u32) -> Rates {
        Rates { per_second, full_at: Mutex::default() }
    }

    #[test]
    fn a_burst_of_ten_seconds_passes_and_then_the_rate_holds() {
        let (rates, began) = (rates(100), Instant::now());
        let take =
            |events, millis| rates.take(party(1), events, began + Duration::from_millis(millis));
        assert_eq!(take(1_000, 0), Ok(()));
        assert_eq!(take(1, 0), Err(Duration::from_millis(10)));
        assert_eq!(take(50, 0), Err(Duration::from_millis(500)));
        assert_eq!(take(50, 500), Ok(()));
        assert_eq!(take(1, 500), Err(Duration::from_millis(10)));
        assert_eq!(rates.take(party(2), 1_000, began), Ok(()), "each party has its own");
    }

    #[test]
    fn a_commit_larger_than_the_burst_takes_a_full_bucket_and_more() {
        let (rates, began) = (rates(10), Instant::now());
        assert_eq!(rates.take(party(1), 10_000, began), Ok(()));
        assert_eq!(rates.take(party(1), 10_000, began), Err(Duration::from_secs(1_000)));
        let later = began + Duration::from_secs(1_000);
        assert_eq!(rates.take(party(1), 10_000, later), Ok(()));
    }

    #[test]
    fn buckets_that_are_full_are_forgotten() {
        let (rates, began) = (rates(10), Instant::now());
        for port in 0..=u16::try_from(RATE_BUCKETS_KEPT).unwrap() {
            rates.take(party(port), 1, began).unwrap();
        }
        rates.take(party(60_000), 1, began + Duration::from_secs(60)).unwrap();
        assert_eq!(rates.full_at.lock().len(), 1);
    }

    #[test]
    fn without_a_rate_and_for_the_server_itself_nothing_is_refused() {
        assert!((0..10).all(|_| EventRates::default().take(party(1), 1_000_000).is_ok()));
        let rates = EventRates::new(NonZeroU32::new(1));
        assert!((0..10).all(|_| rates.take(Party::Server, 1_000).is_ok()));
    }
}
