//! What follows from an attempt: it is delivered, it is tried again at a time, or it is given up. Pure but for the jitter.

use super::Answer;
use codeimport_kit::Backoff;
use std::time::Duration;

const GONE: u16 = 410;

/// How long somebody is tried who does not take what is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// Pause after the first failure; doubles with each further one.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Attempts in all.
    pub max_attempts: i32,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// Once more after this pause.
    Retry(Duration),
    /// No more.
    GivenUp,
}

impl RetryPolicy {
    /// Decides after an attempt, the `attempt`-th from 1. Only 2xx is a yes; 410 is a no for good.
    #[must_use]
    pub fn verdict(&self, attempt: i32, answer: &Answer) -> Verdict {
        match answer.status {
            Some(200..=299) => Verdict::Delivered,
            Some(GONE) => Verdict::GivenUp,
            _ if attempt >= self.max_attempts => Verdict::GivenUp,
            _ => Verdict::Retry(self.pause(attempt).max(answer.retry_after.min(self.longest_pause))),
        }
    }

    fn pause(&self, attempt: i32) -> Duration {
        let failures = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default();
        Backoff::after(failures, self.first_pause, self.longest_pause).next_delay()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: RetryPolicy =
        RetryPolicy { first_pause: SECOND, longest_pause: Duration::from_secs(60), max_attempts: 4 };

    fn after(attempt: i32, status: Option<u16>, retry_after: Duration) -> Verdict {
        POLICY.verdict(attempt, &Answer { status, retry_after, ..Answer::default() })
    }

    #[test]
    fn only_a_yes_is_a_yes_and_gone_is_a_no_for_good() {
        assert_eq!(after(1, Some(204), Duration::ZERO), Verdict::Delivered);
        assert_eq!(after(1, Some(410), Duration::ZERO), Verdict::GivenUp);
        for status in [None, Some(302), Some(400), Some(429), Some(503)] {
            assert!(matches!(after(1, status, Duration::ZERO), Verdict::Retry(_)), "{status:?}");
            assert_eq!(after(4, status, Duration::ZERO), Verdict::GivenUp, "{status:?}");
        }
    }

    #[test]
    fn pauses_grow_and_a_receiver_may_ask_for_a_longer_one_within_bounds() {
        let pause = |attempt, retry_after| match after(attempt, Some(503), retry_after) {
            Verdict::Retry(pause) => pause,
            other => panic!("{other:?}"),
        };
        assert!((SECOND / 2..=SECOND).contains(&pause(1, Duration::ZERO)));
        assert!((2 * SECOND..=4 * SECOND).contains(&pause(3, Duration::ZERO)));
        assert_eq!(pause(1, 30 * SECOND), 30 * SECOND);
        assert_eq!(pause(1, 9_999 * SECOND), 60 * SECOND);
    }
}
