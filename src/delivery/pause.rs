//! How long to wait before something is tried again.

use std::time::Duration;

/// A pause that doubles up to a bound.
#[derive(Debug)]
pub struct Pause {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Pause {
    /// Pauses from `min` to `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// The next pause.
    pub fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    /// Begins again with the shortest one.
    pub fn reset(&mut self) {
        self.next = self.min;
    }
}
