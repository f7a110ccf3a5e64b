//! How far away a server is: whether revisions are asked for one by one, or left to `svnrdump`, which has fifty questions under
//! way on one connection and so hardly waits for a far server, but takes its time to start.

use super::replay::AT_A_TIME;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest time that is spent waiting for answers to travel.
const MOST_WAITING: Duration = Duration::from_secs(2);

/// The shortest time in which a small question was answered, as far as one was.
#[derive(Clone, Debug)]
pub(super) struct Distance {
    micros: Arc<AtomicU64>,
}

impl Default for Distance {
    fn default() -> Self {
        Self { micros: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

impl Distance {
    /// Notes how long an answer took. The first one has a connection to make, later ones are nearer the truth.
    pub(super) fn note(&self, time: Duration) {
        self.micros.fetch_min(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether that many revisions are asked for one by one. Not of a server that was never asked anything.
    pub(super) fn allows(&self, revisions: u64) -> bool {
        let waiting = self.micros.load(Ordering::Relaxed).saturating_mul(revisions) / AT_A_TIME as u64;
        Duration::from_micros(waiting) <= MOST_WAITING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_server_is_asked_for_all_of_a_chunk_and_a_far_one_for_what_is_new() {
        let distance = Distance::default();
        assert!(!distance.allows(1), "nothing is known of it");
        for (millis, few, many) in [(300, 10, 50), (100, 50, 100), (20, 300, 1_000)] {
            distance.note(Duration::from_millis(millis));
            assert!(distance.allows(few) && !distance.allows(many), "{millis} ms");
        }
        distance.note(Duration::from_millis(2));
        distance.note(Duration::from_millis(300));
        assert!(distance.allows(1_000), "the shortest time counts");
    }
}
