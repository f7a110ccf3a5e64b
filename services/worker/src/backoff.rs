//! How long to wait before a call is repeated.

use rand::Rng as _;
use std::time::Duration;

/// Growing, jittered delays.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Delays that begin at `first` and double up to `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// For calls that somebody waits for: 0.2 s up to 10 s.
    pub(crate) fn for_calls() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(10))
    }

    /// The next delay: between half of what is due and all of it, so that many workers do not come back at once.
    pub(crate) fn delay(&mut self) -> Duration {
        let due = self.next;
        self.next = (due * 2).min(self.longest);
        due.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
        for due in [1, 2, 4, 4, 4] {
            let delay = backoff.delay();
            assert!(delay <= Duration::from_secs(due) && delay >= Duration::from_secs(due) / 2, "{delay:?}");
        }
    }
}
