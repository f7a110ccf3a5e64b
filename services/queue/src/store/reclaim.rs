//! Takes back jobs whose lease has expired.

use super::{
    LeaseName, Store, StoreError,
    end_run::{Ending, Which, take},
    record_end::{EndedRuns, record},
};
use crate::next_due::Then;
use codeimport_core::{FencingToken, Outcome, RunId};
use codeimport_pg::{
    DbError, Row, Tx,
    row::{get, parsed},
};
use scoped_futures::ScopedFutureExt as _;

/// Leases taken back in one transaction.
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
        let reclaimed = self.db.run_tx("queue.reclaim", |tx| async move { take_back(tx, self).await }.scope_boxed());
        let (reclaimed, ended) = reclaimed.await?;
        self.take_back(&self.learn_ends(ended));
        Ok(reclaimed)
    }
}

async fn take_back(tx: &Tx<'_>, store: &Store) -> Result<(Vec<Reclaimed>, EndedRuns), StoreError> {
    let endings = expired(tx).await?;
    if endings.is_empty() {
        return Ok(Default::default());
    }
    let closing = take(tx, &endings, Which::Expired).await?;
    let ended = record(tx, store, &endings, &closing).await?;
    let lease = |at: usize| endings[at].lease.clone();
    let reclaimed = ended.ended.iter().map(|one| Reclaimed { lease: lease(one.at), then: one.then }).collect();
    Ok((reclaimed, ended))
}

/// Leases that have expired at this moment. A heartbeat may still come in between: who takes back asks again.
///
/// Reads all leases: an index on the expiry would make every heartbeat write it.
async fn expired(tx: &Tx<'_>) -> Result<Vec<Ending>, StoreError> {
    let rows = tx
        .query(
            "-- queue.expired
             SELECT lease.job_id, lease.run_id, lease.fencing_token
               FROM lease
              WHERE lease.expires_at < statement_timestamp()
              ORDER BY lease.expires_at
              LIMIT $1",
            &[&BATCH],
        )
        .await?;
    Ok(rows.iter().map(ending).collect::<Result<_, _>>()?)
}

fn ending(row: &Row) -> Result<Ending, DbError> {
    Ok(Ending {
        lease: LeaseName {
            job_id: parsed(row, "job_id")?,
            run_id: RunId(get(row, "run_id")?),
            fencing_token: FencingToken(get(row, "fencing_token")?),
        },
        outcome: Outcome::Reclaimed,
        stage: None,
        message: "The worker went silent; the queue took the job back.".to_owned(),
        stats: None,
        log_lines: Vec::new(),
        retry_after: None,
    })
}
