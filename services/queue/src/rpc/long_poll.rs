//! Waits for a job that can be leased.

use super::Queue;
use crate::store::{Acquire, GrantedLease, StoreError};
use codeimport_kit::Deadline;
use std::time::Duration;
use tokio::time::Instant;

/// Longest pause between two looks: another replica may have made a job due, which wakes nobody here.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Shortest pause: a job that is due but held by another leaser's transaction must not make us spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// What the answer needs to get to the caller before its deadline.
const ANSWER_TIME: Duration = Duration::from_secs(1);

impl Queue {
    /// Leases what is due; waits for it if there is nothing. Empty after the wait, or when the queue drains.
    pub(super) async fn acquire(&self, acquire: &Acquire, wait: Duration) -> Result<Vec<GrantedLease>, StoreError> {
        let end = Instant::now() + self.longest_wait(wait, Deadline::current().map(|deadline| deadline.remaining()));
        loop {
            // Before the look: what becomes due between look and wait must not be missed.
            let woken = self.wakeups.job_due();
            let granted = self.batches.acquire(acquire.clone()).await?;
            let left = end.saturating_duration_since(Instant::now());
            if !granted.is_empty() || left.is_zero() || self.shutdown.is_draining() {
                return Ok(granted);
            }
            let turn_in = self.store.next_turn_in(&acquire.rcs_types).await?;
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause(turn_in).min(left)) => {}
                () = self.shutdown.drained() => return Ok(Vec::new()),
            }
        }
    }

    fn longest_wait(&self, wanted: Duration, remaining: Option<Duration>) -> Duration {
        let until_deadline = remaining.map_or(Duration::MAX, |remaining| remaining.saturating_sub(ANSWER_TIME));
        wanted.min(self.long_poll_cap).min(until_deadline)
    }
}

fn pause(turn_in: Option<Duration>) -> Duration {
    turn_in.unwrap_or(LONGEST_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_look_is_when_the_next_job_is_due_or_after_a_second() {
        assert_eq!(pause(None), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::from_millis(300))), Duration::from_millis(300));
        assert_eq!(pause(Some(Duration::from_secs(3600))), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::ZERO)), SHORTEST_PAUSE);
    }
}
