//! How long to wait before something that failed is tried again: twice as long each time, within bounds, with jitter.
//!
//! Decides and does not wait: the caller sleeps, beside whatever else may end its waiting.

use rand::Rng as _;
use std::time::Duration;

/// The delays of one caller or loop.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Delays that begin at `first` and double up to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// As after so many failures: for a caller that has written down how many they were.
    #[must_use]
    pub const fn after(failures: u32, first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures }
    }

    /// All is well again: the next delay is a first one.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The delay after one more failure: between half of what is due and all of it, so that many who failed together do
    /// not come back together.
    pub fn next_delay(&mut self) -> Duration {
        let due = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        due.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// Whether the last failure was the first of a row: the one that is worth a log line of its own.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_double_up_to_the_longest() {
        let mut backoff = Backoff::new(SECOND, 4 * SECOND);
        for due in [1, 2, 4, 4, 4] {
            let delay = backoff.next_delay();
            assert!(delay <= due * SECOND && delay >= due * SECOND / 2, "{delay:?}");
        }
    }

    #[test]
    fn after_a_reset_delays_begin_anew() {
        let mut backoff = Backoff::new(SECOND, 4 * SECOND);
        backoff.next_delay();
        assert!(backoff.is_first());
        backoff.next_delay();
        assert!(!backoff.is_first());
        backoff.reset();
        assert!(backoff.next_delay() <= SECOND && backoff.is_first());
    }

    #[test]
    fn endless_failures_do_not_overflow() {
        let mut backoff = Backoff { failures: u32::MAX, ..Backoff::new(SECOND, 4 * SECOND) };
        assert!(backoff.next_delay() <= 4 * SECOND);
    }
}
