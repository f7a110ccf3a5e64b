//! A request for a job that waits, while a worker waits too: one statement records the request and leases the job to that
//! worker. So it has the job after one round trip to the database, where a request that goes into a line takes two.
//!
//! Only where the job's host may start a run: else the same statement puts the job into its line of requested jobs, as
//! `request_waiting` does. The limit of a host is counted under the lock that lease rounds take, in the same transaction.
//! Hosts with evenly spaced starts, hosts in trouble and types with a limit are left to the lease rounds.

use super::{
    Store, StoreError,
    acquire_leases::{Acquire, GrantedLease},
    column,
    grants::{Grant, steady_interval},
    guarded_hosts::lock_host_of_job,
    locked_jobs::Placed,
    repeats::granted_lease,
    request_run::{Requested, RunWish},
    request_waiting::Moved,
};
use codeimport_core::RcsType;
use codeimport_pg::{Row, Statement, row::get};
use scoped_futures::ScopedFutureExt as _;

/// As [`open_leases`](super::open_leases) for one job, whose place is known here and need not be restated: nobody gets
/// between the row's lock and what follows.
///
/// Public so that a test can ask for its plan.
pub const HAND_OVER: &str = concat!(
    "-- queue.hand_over
WITH wish AS MATERIALIZED (
    SELECT job.job_no, job.job_id, job.generation, job.host_id, job.rcs_type, job.after_reclaim, job.line_id,
           ",
    steady_interval!(),
    ", line.line_id AS requested_line_id
      FROM job
      JOIN line ON line.host_id = job.host_id AND line.rcs_type = job.rcs_type AND line.requested
               AND line.owner = job.owner
     WHERE job.job_id = $1
), taken AS MATERIALIZED (
    SELECT waiting.ctid AS at
      FROM waiting
     WHERE waiting.job_no = (SELECT wish.job_no FROM wish) AND waiting.requested_at IS NULL
       FOR UPDATE SKIP LOCKED
), gone AS (                                            -- read by what follows: so it is gone before it is placed anew
    DELETE FROM waiting
     WHERE waiting.ctid = ANY (ARRAY(SELECT taken.at FROM taken))
 RETURNING waiting.due_at, waiting.last_run_id
), moved AS MATERIALIZED (
    SELECT wish.job_no, wish.job_id, wish.generation, wish.host_id, wish.rcs_type, wish.after_reclaim, wish.line_id,
           wish.steady_interval_ms, wish.requested_line_id, least(gone.due_at, statement_timestamp()) AS due_at,
           gone.last_run_id,
           wish.rcs_type = ANY ($3::text[]) AND EXISTS (
               SELECT FROM source_host
                WHERE source_host.host_id = wish.host_id
                  AND (source_host.name = ''
                       OR source_host.breaker = 'closed' AND source_host.starts_per_minute IS NULL
                          AND (source_host.open_at IS NULL OR source_host.open_at <= statement_timestamp())
                          AND CASE WHEN coalesce(source_host.max_running, $8::integer) IS NULL THEN true
                                   ELSE source_host.host_id = ANY (
                                            nullif(current_setting('queue.locked_hosts', true), '')::bigint[])
                                        AND (SELECT count(*) FROM lease WHERE lease.host_id = source_host.host_id)
                                            < coalesce(source_host.max_running, $8::integer) END)) AS is_free
      FROM gone, wish
), placed AS (
    INSERT INTO waiting (job_no, line_id, due_at, ready_at, requested_at, requested_by, due_reason, last_run_id)
    SELECT moved.job_no, moved.requested_line_id, moved.due_at, statement_timestamp(), statement_timestamp(), $2,
           'requested', moved.last_run_id
      FROM moved
     WHERE NOT moved.is_free
), remembered AS (
    INSERT INTO lease_request (request_id, worker_id, job_nos, granted_at)
    SELECT $4, $5, ARRAY[moved.job_no], statement_timestamp()
      FROM moved
     WHERE moved.is_free
), leased AS (
    INSERT INTO lease (job_no, job_id, generation, host_id, rcs_type, worker_id, worker_version, request_id, due_at,
                       requested_at, requested_by, previous_run_id, after_reclaim, started_at, heartbeat_at, progress_at,
                       expires_at)
    SELECT moved.job_no, moved.job_id, moved.generation, moved.host_id, moved.rcs_type, $5, $6, $4, moved.due_at,
           statement_timestamp(), $2, moved.last_run_id, moved.after_reclaim, statement_timestamp(),
           statement_timestamp(), statement_timestamp(), statement_timestamp() + make_interval(secs => $7)
      FROM moved
     WHERE moved.is_free
 RETURNING lease.run_id, lease.fencing_token, lease.expires_at
)
SELECT moved.job_no, moved.job_id, moved.generation, moved.host_id, moved.rcs_type, moved.after_reclaim,
       moved.steady_interval_ms, moved.is_free, moved.due_at, moved.last_run_id,
       CASE WHEN moved.is_free THEN moved.line_id ELSE moved.requested_line_id END AS line_id,
       statement_timestamp() AS now, statement_timestamp() AS requested_at,
       statement_timestamp() AS started_at, leased.run_id, leased.fencing_token, leased.expires_at
  FROM moved
  LEFT JOIN leased ON true"
);

/// A request that was recorded.
#[derive(Debug)]
pub struct HandedOver {
    moved: Moved,
    /// What the worker got; nothing if the job waits in its line of requested jobs.
    pub granted: Option<GrantedLease>,
}

impl Store {
    /// Which of the types a worker asks for may be handed over.
    #[must_use]
    pub fn handed_over(&self, rcs_types: &[RcsType]) -> Vec<RcsType> {
        if self.hosts().limits.starts_per_minute.is_some() {
            return Vec::new();
        }
        let limited = &self.policy.type_limits;
        rcs_types.iter().copied().filter(|rcs_type| !limited.contains_key(rcs_type)).collect()
    }

    /// Records a request, and leases the job to a worker that waits, if both is possible at once. None if the job does not
    /// wait without a request, or somebody has its lock: nothing was recorded then.
    ///
    /// # Errors
    ///
    /// The database's, also if the worker's own request has been granted something before.
    pub async fn hand_over(&self, wish: &RunWish, taker: &Acquire) -> Result<Option<HandedOver>, StoreError> {
        let rows = self.request_and_lease(wish, taker).await?;
        rows.first().map(|row| self.settle_hand_over(row)).transpose()
    }

    async fn request_and_lease(&self, wish: &RunWish, taker: &Acquire) -> Result<Vec<Row>, StoreError> {
        if self.hosts().limits.max_running.is_none() {
            return Ok(self.db.run_one("queue.hand_over", &self.statement(wish, taker)).await?);
        }
        let whole = self.db.run_tx("queue.hand_over", |tx| {
            async move {
                // Should the server refuse the `BEGIN`, the host is not locked for long enough, which the second one sees.
                let mut read = tx.run_whole(&[lock_host_of_job(&wish.job_id), self.statement(wish, taker)]).await?;
                Ok::<_, StoreError>(std::mem::take(&mut read[1]))
            }
            .scope_boxed()
        });
        whole.await
    }

    fn statement(&self, wish: &RunWish, taker: &Acquire) -> Statement {
        Statement::new(HAND_OVER)
            .bind(wish.job_id.to_string())
            .bind(wish.by.clone())
            .bind(column(&self.handed_over(&taker.rcs_types), |rcs_type| rcs_type.name()))
            .bind(taker.request_id)
            .bind(taker.worker_id.clone())
            .bind(taker.worker_version.clone())
            .bind(self.lease_ttl.as_secs_f64())
            .bind(self.hosts().limits.max_running.map(|most| i32::try_from(most).unwrap_or(i32::MAX)))
    }

    fn settle_hand_over(&self, row: &Row) -> Result<HandedOver, StoreError> {
        let moved = Moved::read(row)?;
        if !get::<bool>(row, "is_free")? {
            return Ok(HandedOver { moved, granted: None });
        }
        let granted = granted_lease(row)?;
        let grant = Grant::read(row, &granted, moved.key.host_id, moved.place.due_at)?;
        self.grants.keep(grant.map(|grant| (granted.lease.run_id, grant)).into_iter());
        self.place(&[Placed { job_no: moved.job_no, place: None }], Vec::new(), moved.now);
        self.lookout.seen().board.takes_room(moved.key.host_id, moved.now);
        Ok(HandedOver { moved, granted: Some(granted) })
    }

    /// What the person who asked is told, once all of it is on the disk. A job that was not leased goes onto the board
    /// before, and then `moved` is called.
    ///
    /// # Errors
    ///
    /// Only the database's; then the same wish may be made again.
    pub async fn requested(
        &self,
        handed: HandedOver,
        moved: &(dyn Fn() + Sync),
    ) -> Result<Option<Requested>, StoreError> {
        let jobs = [handed.moved];
        match handed.granted {
            Some(_) => self.learn_hosts(self.unknown_hosts(&jobs).await?),
            None => {
                self.put_on_board(&jobs).await?;
                moved();
            }
        }
        Ok(self.recorded(&jobs).await?.pop_first().map(|(_, requested)| requested))
    }
}
