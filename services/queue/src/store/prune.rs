//! Deletes what nobody asks for any more, a bounded piece at a time.

use super::{Store, StoreError};
use codeimport_core::RunId;
use codeimport_pg::row::get;
use std::time::Duration;

/// Rows looked at or deleted in one statement. Small: it shares the disk with the leases.
const BATCH: i64 = 1_000;

/// How long what is over is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Finished runs and their logs, and workers that are gone.
    pub history: Duration,
    /// However old, so many of the newest runs of each job stay; of a deleted job none.
    pub runs_per_job: u32,
    /// Which leases a request was granted: as long as a worker may repeat it.
    pub requests: Duration,
}

/// A piece of the way along all runs, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrunedRuns {
    /// How many were deleted.
    pub deleted_count: u32,
    /// Where to go on; none at the end of those that may be old enough.
    pub next: Option<RunId>,
}

/// Runs begin in the order of their numbers: where a whole piece is too young, all after it are.
const PRUNE_RUNS: &str = "\
-- queue.prune_runs
WITH piece AS (
    SELECT run.run_id, run.job_no, run.finished_at < statement_timestamp() - make_interval(secs => $2) AS is_old
      FROM run
     WHERE run.run_id > $1
     ORDER BY run.run_id
     LIMIT $4
), pruned AS (
    DELETE FROM run
     USING piece, job
     WHERE run.run_id = piece.run_id
       AND piece.is_old
       AND job.job_no = piece.job_no
       AND (job.wanted = 'deleted'
            OR $3 <= (
                WITH RECURSIVE newer AS (
                    SELECT coalesce(lease.previous_run_id, waiting.last_run_id, job.last_run_id) AS run_id,
                           1::bigint AS number
                      FROM (SELECT) AS its
                      LEFT JOIN lease ON lease.job_no = job.job_no
                      LEFT JOIN waiting ON waiting.job_no = job.job_no
                     UNION ALL
                    SELECT run.previous_run_id, newer.number + 1
                      FROM newer
                      JOIN run ON run.run_id = newer.run_id
                     WHERE newer.run_id > piece.run_id AND newer.number < $3
                )
                SELECT count(*) FROM newer WHERE newer.run_id > piece.run_id))
 RETURNING run.run_id
), silenced AS (
    DELETE FROM run_log_line USING pruned WHERE run_log_line.run_id = pruned.run_id
)
SELECT (SELECT count(*) FROM pruned) AS deleted_count, max(piece.run_id) AS last_run_id,
       coalesce(bool_or(piece.is_old), false) AND count(*) = $4 AS goes_on
  FROM piece";

impl Store {
    /// Deletes old runs among the next piece after a number, with their logs.
    ///
    /// # Errors
    ///
    /// Only the database's; then none of the piece was deleted.
    pub async fn prune_runs(&self, after: RunId, keep: &Retention) -> Result<PrunedRuns, StoreError> {
        let (history, newest) = (keep.history.as_secs_f64(), i64::from(keep.runs_per_job));
        let row = self.db.client().await?.query_one(PRUNE_RUNS, &[&after.0, &history, &newest, &BATCH]).await?;
        let last: Option<i64> = get(&row, "last_run_id")?;
        Ok(PrunedRuns {
            deleted_count: super::rows::bounded(&row, "deleted_count")?,
            next: last.filter(|_| get(&row, "goes_on").unwrap_or(false)).map(RunId),
        })
    }

    /// Forgets a bounded number of old requests for leases. Says how many.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn forget_requests(&self, keep: &Retention) -> Result<u64, StoreError> {
        let client = self.db.client().await?;
        let forgotten = client
            .execute(
                "-- queue.forget_requests
                 DELETE FROM lease_request
                  WHERE lease_request.request_id = ANY (ARRAY(
                            SELECT old.request_id
                              FROM lease_request AS old
                             WHERE old.granted_at < statement_timestamp() - make_interval(secs => $1)
                             LIMIT $2))",
                &[&keep.requests.as_secs_f64(), &BATCH],
            )
            .await?;
        Ok(forgotten)
    }

    /// Forgets workers that have been gone for long. One that is drained stays: its next start shall not undo that.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn forget_workers(&self, keep: &Retention) -> Result<u64, StoreError> {
        let client = self.db.client().await?;
        let forgotten = client
            .execute(
                "-- queue.forget_workers
                 DELETE FROM worker
                  WHERE worker.gone_at < statement_timestamp() - make_interval(secs => $1) AND NOT worker.drained",
                &[&keep.history.as_secs_f64()],
            )
            .await?;
        Ok(forgotten)
    }
}
