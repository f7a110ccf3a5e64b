//! How long a loop waits after a failure: twice as long each time, up to a few seconds, with jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
/// What waits here is somebody's change, or somebody's news: longer would be felt.
const LONGEST: Duration = Duration::from_secs(5);

/// The state of one loop.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure: between half of the step and the whole, so that replicas spread.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let step = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Whether the last failure was the first of a row: the one that is worth a log line of its own.
    pub(crate) fn is_first(&self) -> bool {
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_a_limit_and_start_again() {
        let mut backoff = Backoff::default();
        assert!(backoff.next_delay() <= FIRST);
        assert!(backoff.is_first());
        for _ in 0..100 {
            assert!(backoff.next_delay() <= LONGEST);
        }
        assert!(backoff.next_delay() >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }
}
