//! The loop that takes back jobs whose worker has gone silent.
//!
//! Every replica runs it, without a leader: the write restates expiry, state and token, and rows that another one holds
//! are skipped. Expiry is decided by the database's clock.
//!
//! The loop only trusts silence that it could have heard. [`Watchfulness`] says since when that is: not right after
//! a start, after a database error, or after this process was itself suspended, because then heartbeats could not be
//! stored, and every worker alive would look dead. It waits one full lease then: long enough for every living worker
//! to be heard again.

use crate::{
    outages::Outages,
    store::{Reclaimed, Store, StoreError},
    wakeups::Wakeups,
};
use codeimport_kit::Shutdown;
use std::time::Duration;
use tokio::time::Instant;

/// How late a look may come before it says that this process was suspended.
const LATE: Duration = Duration::from_secs(2);

/// Since when heartbeats can be heard. Pure: time is an argument.
#[derive(Debug)]
pub struct Watchfulness {
    lease_ttl: Duration,
    look_interval: Duration,
    hearing_since: Instant,
    last_look: Instant,
}

impl Watchfulness {
    /// Begins to listen now.
    #[must_use]
    pub fn begin(lease_ttl: Duration, look_interval: Duration, now: Instant) -> Self {
        Self { lease_ttl, look_interval, hearing_since: now, last_look: now }
    }

    /// Whether silence means something now: whether every living worker has had the time to be heard since the last
    /// trouble.
    pub fn may_reclaim(&mut self, now: Instant, last_outage: Option<Instant>) -> bool {
        let suspended = now.duration_since(self.last_look) > self.look_interval + LATE;
        self.last_look = now;
        if suspended {
            self.hearing_since = now;
        }
        if let Some(outage) = last_outage {
            self.hearing_since = self.hearing_since.max(outage);
        }
        now.duration_since(self.hearing_since) >= self.lease_ttl
    }
}

/// Looks for expired leases until the shutdown begins. Goes on after any error: that is its task.
pub(crate) async fn run(
    store: Store,
    wakeups: Wakeups,
    outages: Outages,
    interval: Duration,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut watch = Watchfulness::begin(store.lease_ttl, interval, Instant::now());
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = shutdown.drained() => return Ok(()),
        }
        if !watch.may_reclaim(Instant::now(), outages.last()) {
            continue;
        }
        if let Err(error) = run_once(&store, &wakeups).await {
            outages.note();
            tracing::warn!(error = &error as &dyn std::error::Error, "the reclaim loop could not use the database");
        }
    }
}

/// Takes back all jobs whose lease has expired, batch by batch.
///
/// # Errors
///
/// Only the database's; what was taken back before stays so.
pub async fn run_once(store: &Store, wakeups: &Wakeups) -> Result<Vec<Reclaimed>, StoreError> {
    let mut all = Vec::new();
    loop {
        let batch = store.reclaim().await?;
        if batch.is_empty() {
            return Ok(all);
        }
        batch.iter().for_each(report);
        wakeups.wake_for_job();
        wakeups.wake_for_run();
        all.extend(batch);
    }
}

fn report(reclaimed: &Reclaimed) {
    metrics::counter!("codeimport_queue_reclaims_total").increment(1);
    tracing::warn!(
        job.id = %reclaimed.lease.job_id,
        run.id = %reclaimed.lease.run_id,
        job.stop_reason = reclaimed.then.stop_reason().map(crate::schedule::StopReason::name),
        "took a job back from a worker that went silent"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);
    const LOOK: Duration = Duration::from_secs(1);

    /// Looks every second; tells after how many seconds of a span silence counted.
    fn looks(watch: &mut Watchfulness, start: Instant, seconds: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        seconds.filter(|s| watch.may_reclaim(start + Duration::from_secs(*s), None)).collect()
    }

    #[test]
    fn reclaim_waits_one_ttl_after_a_restart() {
        let start = Instant::now();
        let mut watch = Watchfulness::begin(TTL, LOOK, start);
        assert_eq!(looks(&mut watch, start, 1..=31), [30, 31]);
    }

    #[test]
    fn reclaim_waits_one_ttl_after_the_database_was_away() {
        let start = Instant::now();
        let mut watch = Watchfulness::begin(TTL, LOOK, start);
        looks(&mut watch, start, 1..=40);
        assert!(!watch.may_reclaim(start + Duration::from_secs(41), Some(start + Duration::from_secs(40))));
        assert_eq!(looks(&mut watch, start, 42..=70), [70]);
    }

    #[test]
    fn reclaim_waits_one_ttl_after_this_process_was_suspended() {
        let start = Instant::now();
        let mut watch = Watchfulness::begin(TTL, LOOK, start);
        looks(&mut watch, start, 1..=40);
        assert_eq!(looks(&mut watch, start, 100..=130), [130], "sixty seconds without a look");
    }
}
