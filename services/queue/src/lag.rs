//! How long jobs were due before they were leased: a histogram of bounded size over the last minutes, in memory.
//!
//! A column would cost a write per run for a figure that is only asked for the present. Each replica tells of the leases
//! that it has granted itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Each bucket reaches to a fifth above the one before, the first to a millisecond, the last beyond a hundred days.
const BUCKETS: usize = 130;
const GROWTH: f64 = 1.2;

/// How long a window is filled. The one before it counts, too: so the figures cover one to two windows.
const WINDOW: Duration = Duration::from_secs(300);

/// Half of the jobs, and 99 of 100, waited no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quantiles {
    /// Half of them.
    pub p50: Duration,
    /// 99 of 100.
    pub p99: Duration,
}

/// The histogram. Clones share it.
#[derive(Clone, Debug)]
pub struct Lags(Arc<Mutex<Windows>>);

#[derive(Debug)]
struct Windows {
    current: [u64; BUCKETS],
    before: [u64; BUCKETS],
    since: Instant,
}

impl Lags {
    /// An empty one.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Windows { current: [0; BUCKETS], before: [0; BUCKETS], since: now })))
    }

    /// A job was leased that had been due for so long.
    pub fn record(&self, lag: Duration, now: Instant) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.turn(now);
        windows.current[bucket(lag)] += 1;
    }

    /// The figures of the last minutes; none if nothing was leased.
    #[must_use]
    pub fn quantiles(&self, now: Instant) -> Option<Quantiles> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.turn(now);
        let counts: Vec<u64> = windows.current.iter().zip(&windows.before).map(|(one, other)| one + other).collect();
        let total: u64 = counts.iter().sum();
        (total > 0)
            .then(|| Quantiles { p50: reach(&counts, total.div_ceil(2)), p99: reach(&counts, total - total / 100) })
    }
}

impl Windows {
    fn turn(&mut self, now: Instant) {
        let age = now.duration_since(self.since);
        if age < WINDOW {
            return;
        }
        let empty = [0; BUCKETS];
        let last = std::mem::replace(&mut self.current, empty);
        self.before = if age < 2 * WINDOW { last } else { empty };
        self.since = now;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and from 0 to the last bucket")]
fn bucket(lag: Duration) -> usize {
    let millis = lag.as_secs_f64() * 1000.0;
    if millis <= 1.0 { 0 } else { ((millis.ln() / GROWTH.ln()).ceil() as usize).min(BUCKETS - 1) }
}

/// The upper bound of the bucket in which the n-th of all lies.
fn reach(counts: &[u64], nth: u64) -> Duration {
    let mut seen = 0;
    let at = counts.iter().position(|count| {
        seen += count;
        seen >= nth
    });
    let exponent = i32::try_from(at.unwrap_or(BUCKETS - 1)).unwrap_or_default();
    Duration::from_secs_f64(GROWTH.powi(exponent) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(span: Duration, expected_ms: f64) -> bool {
        let millis = span.as_secs_f64() * 1000.0;
        (expected_ms..=expected_ms * GROWTH).contains(&millis)
    }

    #[test]
    fn quantiles_are_right_to_within_a_fifth() {
        let now = Instant::now();
        let lags = Lags::new(now);
        assert_eq!(lags.quantiles(now), None);
        (1..=1000).for_each(|ms| lags.record(Duration::from_millis(ms), now));
        let Quantiles { p50, p99 } = lags.quantiles(now).unwrap();
        assert!(near(p50, 500.0) && near(p99, 990.0), "{p50:?} {p99:?}");
    }

    #[test]
    fn absurd_lags_are_counted_in_the_outermost_buckets() {
        let now = Instant::now();
        let lags = Lags::new(now);
        lags.record(Duration::MAX, now);
        lags.record(Duration::ZERO, now);
        assert_eq!(lags.quantiles(now).unwrap().p50, Duration::from_millis(1));
    }

    #[test]
    fn what_is_older_than_two_windows_is_forgotten() {
        let start = Instant::now();
        let lags = Lags::new(start);
        lags.record(Duration::from_secs(9), start);
        assert!(lags.quantiles(start + WINDOW).is_some(), "one window later it still counts");
        assert_eq!(lags.quantiles(start + 2 * WINDOW), None);
        lags.record(Duration::from_secs(9), start + 2 * WINDOW);
        assert_eq!(lags.quantiles(start + 9 * WINDOW), None, "nobody looked meanwhile");
    }
}
