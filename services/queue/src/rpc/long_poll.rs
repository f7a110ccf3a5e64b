//! How long a call may wait for a job.

use super::Queue;
use crate::store::{Acquire, GrantedLease, StoreError};
use codeimport_kit::Deadline;
use std::time::Duration;
use tokio::time::Instant;

/// What the answer needs to get to the caller before its deadline.
const ANSWER_TIME: Duration = Duration::from_secs(1);

impl Queue {
    /// Leases what is due; waits for it if there is nothing. Empty after the wait, or when the queue drains.
    pub(super) async fn acquire(&self, acquire: &Acquire, wait: Duration) -> Result<Vec<GrantedLease>, StoreError> {
        let wait = self.longest_wait(wait, Deadline::current().map(|deadline| deadline.remaining()));
        self.batches.acquire(acquire.clone(), Instant::now() + wait).await
    }

    fn longest_wait(&self, wanted: Duration, remaining: Option<Duration>) -> Duration {
        let until_deadline = remaining.map_or(Duration::MAX, |remaining| remaining.saturating_sub(ANSWER_TIME));
        wanted.min(self.long_poll_cap).min(until_deadline)
    }
}
