//! Back-off: the pause before another attempt, growing and random.

use std::time::Duration;

/// A random pause whose range doubles up to a bound. The random part keeps the clients of a
/// restarted server from coming back all at once.
pub struct Pause {
    min: Duration,
    max: Duration,
    /// The upper end of the next range; the lower end is half of it.
    next: Duration,
    random: fastrand::Rng,
}

impl Pause {
    /// The first pause is `min` to twice as long; none is longer than `max` or shorter than `min`.
    pub fn new(min: Duration, max: Duration, random: fastrand::Rng) -> Self {
        Self { min, max, next: Self::first(min, max), random }
    }

    fn first(min: Duration, max: Duration) -> Duration {
        min.saturating_mul(2).min(max)
    }

    /// The next pause.
    pub fn take(&mut self) -> Duration {
        let longest = self.next;
        self.next = longest.saturating_mul(2).min(self.max);
        let shortest = (longest / 2).max(self.min);
        let range = longest.saturating_sub(shortest);
        shortest + range.mul_f64(self.random.f64())
    }

    /// Starts again with the shortest range.
    pub fn reset(&mut self) {
        self.next = Self::first(self.min, self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_stay_in_their_ranges_and_begin_again() {
        for seed in 0..100 {
            let mut pause = Pause::new(SECOND, 10 * SECOND, fastrand::Rng::with_seed(seed));
            for _ in 0..2 {
                for (shortest, longest) in [(1, 2), (2, 4), (4, 8), (5, 10), (5, 10)] {
                    let taken = pause.take();
                    assert!(taken >= shortest * SECOND && taken <= longest * SECOND, "{taken:?}");
                }
                pause.reset();
            }
        }
    }

    #[test]
    fn two_clients_differ_and_equal_bounds_give_one_length() {
        let taken = |seed, max| Pause::new(SECOND, max, fastrand::Rng::with_seed(seed)).take();
        assert_ne!(taken(1, 10 * SECOND), taken(2, 10 * SECOND));
        assert_eq!(taken(1, SECOND), SECOND);
        assert_eq!(taken(1, SECOND / 2), SECOND, "the shorter bound gives way");
    }
}
