//! Takes back jobs whose lease has expired.

use super::{
    LeaseName, Store, StoreError,
    end_run::{Ending, HeldRun, end_run, held_columns, held_run},
    rows::job_columns,
};
use crate::next_due::Then;
use codeimport_core::Outcome;
use codeimport_pg::Tx;
use scoped_futures::ScopedFutureExt as _;

/// Leases taken back in one transaction. Small: it holds their rows against heartbeats that come late.
const BATCH: i64 = 50;

/// A job that was taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reclaimed {
    /// The lease that ended.
    pub lease: LeaseName,
    /// What follows.
    pub then: Then,
}

impl Store {
    /// Takes back a batch of jobs whose lease has expired by the database's clock, oldest first. Empty if there is
    /// none.
    ///
    /// # Errors
    ///
    /// Only the database's; then none of the batch was taken back.
    pub async fn reclaim(&self) -> Result<Vec<Reclaimed>, StoreError> {
        let limits = &self.limits;
        self.db
            .run_tx("queue.reclaim", |tx| {
                async move {
                    let mut reclaimed = Vec::new();
                    for held in lock_expired(tx).await? {
                        let next = end_run(tx, &held, &ending(), limits, rand::random()).await?;
                        reclaimed.push(Reclaimed { lease: held.lease, then: next.then });
                    }
                    Ok(reclaimed)
                }
                .scope_boxed()
            })
            .await
    }
}

fn ending() -> Ending<'static> {
    Ending {
        outcome: Outcome::Reclaimed,
        stage: None,
        message: "The worker went silent; the queue took the job back.",
        stats: None,
        retry_after: None,
    }
}

/// A row that a heartbeat or finish holds at this moment is skipped: its holder is alive.
async fn lock_expired(tx: &Tx<'_>) -> Result<Vec<HeldRun>, StoreError> {
    let rows = tx
        .query(
            concat!(
                "-- queue.lock_expired\nSELECT ",
                held_columns!(),
                " FROM job JOIN run ON run.run_id = job.run_id
                 WHERE job.state = 'running' AND job.lease_expires_at < statement_timestamp()
                 ORDER BY job.lease_expires_at
                 LIMIT $1
                   FOR UPDATE OF job, run SKIP LOCKED"
            ),
            &[&BATCH],
        )
        .await?;
    rows.iter().map(held_run).collect()
}
