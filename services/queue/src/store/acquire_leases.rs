//! Leases jobs that are due.

use super::{LeaseName, Store, StoreError};
use codeimport_core::{FencingToken, RcsType, RunId};
use codeimport_pg::{
    DbError, Row, Tx,
    row::{get, parsed},
};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use uuid::Uuid;

/// What a worker asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acquire {
    /// The worker.
    pub worker_id: String,
    /// Its software.
    pub worker_version: String,
    /// Its free slots.
    pub max_leases: u32,
    /// What it can do.
    pub rcs_types: Vec<RcsType>,
    /// The same for a repeat of the same request.
    pub request_id: Uuid,
}

/// A lease as it was granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantedLease {
    /// Its name.
    pub lease: LeaseName,
    /// By the database's clock.
    pub expires_at: Timestamp,
    /// Type of the source.
    pub rcs_type: RcsType,
    /// Whether an earlier holder may still be alive.
    pub after_reclaim: bool,
    /// Whether a person asked for it.
    pub requested: bool,
}

impl Store {
    /// Leases jobs that are due: what people asked for first, then what is due longest. Does not wait for any.
    ///
    /// A repeat of a request returns what the first one was granted and still holds, also while the first one is still
    /// under way.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn acquire_leases(&self, acquire: &Acquire) -> Result<Vec<GrantedLease>, StoreError> {
        let ttl_s = self.lease_ttl.as_secs_f64();
        self.db
            .run_tx("queue.acquire_leases", |tx| {
                async move {
                    lock_request(tx, acquire.request_id).await?;
                    if let Some(held) = held_by_request(tx, acquire).await? {
                        return Ok(held);
                    }
                    lease_due(tx, acquire, ttl_s).await
                }
                .scope_boxed()
            })
            .await
    }
}

/// Makes a repeat wait for its original: only then can it see what that was granted.
async fn lock_request(tx: &Tx<'_>, request_id: Uuid) -> Result<(), StoreError> {
    tx.query_one(
        "-- queue.lock_request\nSELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))",
        &[&request_id],
    )
    .await?;
    Ok(())
}

/// What the request was granted before and still holds; none if it was granted nothing yet.
async fn held_by_request(tx: &Tx<'_>, acquire: &Acquire) -> Result<Option<Vec<GrantedLease>>, StoreError> {
    let rows = tx
        .query(
            "-- queue.held_by_request
             SELECT run.job_id, run.run_id, run.fencing_token, run.after_reclaim, run.requested_at,
                    job.rcs_type, job.lease_expires_at
               FROM run
               LEFT JOIN job ON job.job_id = run.job_id
                            AND job.run_id = run.run_id
                            AND job.fencing_token = run.fencing_token
                            AND job.state = 'running'
              WHERE run.request_id = $1 AND run.worker_id = $2
              ORDER BY run.run_id",
            &[&acquire.request_id, &acquire.worker_id],
        )
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let held =
        rows.iter().filter(|row| get::<Option<String>>(row, "rcs_type").is_ok_and(|rcs_type| rcs_type.is_some()));
    Ok(Some(held.map(granted).collect::<Result<_, _>>()?))
}

/// Moves jobs from waiting to running and opens a run for each, in one statement.
async fn lease_due(tx: &Tx<'_>, acquire: &Acquire, ttl_s: f64) -> Result<Vec<GrantedLease>, StoreError> {
    let rcs_types: Vec<&str> = acquire.rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
    let rows = tx
        .query(
            LEASE_DUE,
            &[
                &rcs_types,
                &i64::from(acquire.max_leases),
                &acquire.worker_id,
                &acquire.worker_version,
                &acquire.request_id,
                &ttl_s,
            ],
        )
        .await?;
    Ok(rows.iter().map(granted).collect::<Result<_, _>>()?)
}

/// The statement that leases; public so that a test can ask for its plan.
///
/// Two selections and not one with `ORDER BY requested_at IS NULL, due_at`: that order has no index in which "due until
/// now" is a range, so that every idle poll would walk over all jobs.
pub const LEASE_DUE: &str = "\
-- queue.acquire_leases
WITH requested AS MATERIALIZED (
    SELECT job_id
      FROM job
     WHERE state = 'waiting' AND requested_at IS NOT NULL
       AND due_at <= statement_timestamp()
       AND rcs_type = ANY ($1)
     ORDER BY due_at, job_id                            -- total order: no ties
     LIMIT $2
       FOR UPDATE SKIP LOCKED                           -- never wait for another leaser
), scheduled AS MATERIALIZED (
    SELECT job_id
      FROM job
     WHERE state = 'waiting' AND requested_at IS NULL
       AND due_at <= statement_timestamp()
       AND rcs_type = ANY ($1)
     ORDER BY due_at, job_id
     LIMIT $2 - (SELECT count(*) FROM requested)        -- what is left of the free slots
       FOR UPDATE SKIP LOCKED
), opened AS (
    INSERT INTO run (job_id, worker_id, worker_version, request_id, due_at, requested_at, requested_by,
                     after_reclaim, started_at, heartbeat_at)
    SELECT job.job_id, $3, $4, $5, job.due_at, job.requested_at, job.requested_by,
           job.after_reclaim, statement_timestamp(), statement_timestamp()
      FROM job
     WHERE job.job_id IN (SELECT job_id FROM requested UNION ALL SELECT job_id FROM scheduled)
     ORDER BY job.requested_at IS NULL, job.due_at, job.job_id
 RETURNING job_id, run_id, fencing_token, after_reclaim, requested_at, started_at
)
   UPDATE job
      SET state = 'running', due_at = NULL,
          requested_at = NULL, requested_by = NULL,     -- this run is the answer
          run_id = opened.run_id,
          fencing_token = opened.fencing_token,
          lease_expires_at = statement_timestamp() + make_interval(secs => $6),
          last_started_at = opened.started_at
     FROM opened
    WHERE job.job_id = opened.job_id
      AND job.state = 'waiting'
RETURNING job.job_id, job.run_id, job.fencing_token, job.lease_expires_at, job.rcs_type,
          opened.after_reclaim, opened.requested_at";

fn granted(row: &Row) -> Result<GrantedLease, DbError> {
    Ok(GrantedLease {
        lease: LeaseName {
            job_id: parsed(row, "job_id")?,
            run_id: RunId(get(row, "run_id")?),
            fencing_token: FencingToken(get(row, "fencing_token")?),
        },
        expires_at: get(row, "lease_expires_at")?,
        rcs_type: parsed(row, "rcs_type")?,
        after_reclaim: get(row, "after_reclaim")?,
        requested: get::<Option<Timestamp>>(row, "requested_at")?.is_some(),
    })
}
