//! The end of runs, whoever ends them: takes away the leases that they still have, in the statement that proves it. What
//! follows is in `record_end`, in the same transaction.
//!
//! The lock of a lease's row guards the row of its job: whoever changes the schedule of a running job locks the lease
//! first, and tells it the new generation. So what is read here is true until the commit, without a lock of the host.

use super::{LeaseName, LogLine, StoreError, column, paired::named_leases, rows};
use crate::{
    board::LineId,
    host::HostId,
    run::{Progress, RunStats},
    schedule::{IntervalBounds, RunRequest, ScheduleState},
};
use codeimport_core::{FencingToken, Outcome, RcsType, RunId, Stage};
use codeimport_pg::{
    DbError, Row, Statement, Tx,
    row::{count, get, millis, millis_opt, parsed},
};
use jiff::Timestamp;
use std::time::Duration;

/// How a run ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ending {
    pub(super) lease: LeaseName,
    pub(super) outcome: Outcome,
    pub(super) stage: Option<Stage>,
    pub(super) message: String,
    pub(super) stats: Option<RunStats>,
    pub(super) log_lines: Vec<LogLine>,
    pub(super) retry_after: Option<Duration>,
}

/// Which leases may be ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    /// Those that are held: their holders end them.
    Held,
    /// Those that have expired: the queue takes them back.
    Expired,
}

/// A run whose lease this transaction has taken away.
pub(super) struct Closing {
    pub(super) at: usize,
    pub(super) run: EndingRun,
    pub(super) job: EndedJob,
    /// The database's time.
    pub(super) now: Timestamp,
}

/// What the lease's row said.
pub(super) struct EndingRun {
    pub(super) run_id: RunId,
    pub(super) previous_run_id: Option<i64>,
    pub(super) fencing_token: FencingToken,
    pub(super) generation: i64,
    pub(super) host_id: HostId,
    pub(super) worker_id: String,
    pub(super) worker_version: String,
    pub(super) place: Timestamp,
    pub(super) request: Option<RunRequest>,
    pub(super) rerun: Option<RunRequest>,
    pub(super) started_at: Timestamp,
    pub(super) heartbeat_at: Timestamp,
    pub(super) progress: Progress,
    pub(super) stop_cause: Option<String>,
}

/// What the job's row says at the end of a run.
pub(super) struct EndedJob {
    pub(super) job_no: i64,
    pub(super) wanted: ScheduleState,
    /// The wanted one, and what it has come to.
    pub(super) update_interval: Duration,
    pub(super) adapted_interval: Option<Duration>,
    pub(super) bounds: Option<IntervalBounds>,
    pub(super) rcs_type: RcsType,
    pub(super) host_id: HostId,
    pub(super) owner: String,
    pub(super) line_id: LineId,
    pub(super) failure_count: u32,
    pub(super) reclaim_count: u32,
    pub(super) after_reclaim: bool,
}

/// Takes the leases of those who still have them, in the order of their keys: so they lie in the index, by which they are
/// read.
///
/// A row that somebody has just changed is read anew when its lock is got, but the job's beside it is not: that it is
/// the right one is told by the generation.
const TAKE_LEASES: &str = concat!(
    "-- queue.take_leases
WITH lease AS (
    DELETE FROM lease
     WHERE ",
    named_leases!(),
    "
       AND (NOT $4 OR lease.expires_at < statement_timestamp())     -- only its holder ends a lease that lasts
 RETURNING lease.run_id, lease.previous_run_id, lease.fencing_token, lease.job_no, lease.generation, lease.host_id,
           lease.worker_id, lease.worker_version, lease.due_at, lease.requested_at, lease.requested_by,
           lease.rerun_requested_at, lease.rerun_requested_by, lease.started_at, lease.heartbeat_at, lease.stage,
           lease.progress_done, lease.progress_total, lease.progress_unit, lease.progress_received_bytes,
           CASE WHEN lease.cancel_cause IN ('deadline', 'stalled') THEN lease.cancel_reason END AS stop_cause
)
SELECT width_bucket(lease.fencing_token, $2::bigint[]) AS position, statement_timestamp() AS now, lease.run_id,
       lease.previous_run_id, lease.fencing_token, lease.generation AS told_generation, lease.host_id, lease.worker_id,
       lease.worker_version, lease.due_at, lease.requested_at, lease.requested_by, lease.rerun_requested_at,
       lease.rerun_requested_by, lease.started_at, lease.heartbeat_at, lease.stage, lease.progress_done,
       lease.progress_total, lease.progress_unit, lease.progress_received_bytes, lease.stop_cause, job.job_no,
       job.generation, job.wanted, job.update_interval_ms, job.min_interval_ms, job.max_interval_ms,
       job.adapted_interval_ms, job.rcs_type, job.job_host_id, job.owner, job.line_id, job.failure_count,
       job.reclaim_count, job.after_reclaim
  FROM lease
 CROSS JOIN LATERAL (                                   -- by its key, however few jobs there were lately
     SELECT job.job_no, job.generation, job.wanted, job.update_interval_ms, job.min_interval_ms, job.max_interval_ms,
            job.adapted_interval_ms, job.rcs_type, job.host_id AS job_host_id, job.owner, job.line_id,
            job.failure_count, job.reclaim_count, job.after_reclaim
       FROM job
      WHERE job.job_no = lease.job_no
     OFFSET 0) AS job"
);

/// Takes the leases that may be ended; those of others are left out, and stay.
pub(super) async fn take(tx: &Tx<'_>, endings: &[Ending], which: Which) -> Result<Vec<Closing>, StoreError> {
    // In the order of their tokens, by which a lease finds its end.
    let mut order: Vec<usize> = (0..endings.len()).collect();
    order.sort_by(|a, b| name(&endings[*a]).cmp(&name(&endings[*b])));
    // Of two ends of one lease the first one counts.
    order.dedup_by(|a, b| name(&endings[*a]) == name(&endings[*b]));
    let take = Statement::new(TAKE_LEASES)
        .bind(column(&order, |at| endings[*at].lease.run_id.0))
        .bind(column(&order, |at| endings[*at].lease.fencing_token.0))
        .bind(column(&order, |at| endings[*at].lease.job_id.to_string()))
        .bind(which == Which::Expired);
    // Not sent with the `BEGIN`: should the server refuse that, what takes leases away must not stay done by itself.
    let read = tx.pipeline(&[take]).await?;
    let mut closing = Vec::with_capacity(order.len());
    for row in &read[0] {
        if get::<i64>(row, "told_generation")? != get::<i64>(row, "generation")? {
            return Err(StoreError::moved(tx));
        }
        closing.push(closing_run(row, &order)?);
    }
    Ok(closing)
}

fn name(ending: &Ending) -> (i64, i64, &str) {
    (ending.lease.fencing_token.0, ending.lease.run_id.0, ending.lease.job_id.as_str())
}

fn closing_run(row: &Row, order: &[usize]) -> Result<Closing, DbError> {
    let position: i32 = get(row, "position")?;
    let at = usize::try_from(position - 1).ok().and_then(|at| order.get(at).copied());
    let at = at.ok_or_else(|| DbError::decode("position", &position))?;
    Ok(Closing { at, run: ending_run(row)?, job: ended_job(row)?, now: get(row, "now")? })
}

fn ending_run(row: &Row) -> Result<EndingRun, DbError> {
    let request = |at: Option<Timestamp>, by: Option<String>| at.zip(by).map(|(at, by)| RunRequest { at, by });
    Ok(EndingRun {
        run_id: RunId(get(row, "run_id")?),
        previous_run_id: get(row, "previous_run_id")?,
        fencing_token: FencingToken(get(row, "fencing_token")?),
        generation: get(row, "told_generation")?,
        host_id: HostId(get(row, "host_id")?),
        worker_id: get(row, "worker_id")?,
        worker_version: get(row, "worker_version")?,
        place: get(row, "due_at")?,
        request: request(get(row, "requested_at")?, get(row, "requested_by")?),
        rerun: request(get(row, "rerun_requested_at")?, get(row, "rerun_requested_by")?),
        started_at: get(row, "started_at")?,
        heartbeat_at: get(row, "heartbeat_at")?,
        progress: rows::progress(row)?,
        stop_cause: get(row, "stop_cause")?,
    })
}

fn ended_job(row: &Row) -> Result<EndedJob, DbError> {
    Ok(EndedJob {
        job_no: get(row, "job_no")?,
        wanted: parsed(row, "wanted")?,
        update_interval: millis(row, "update_interval_ms")?,
        adapted_interval: millis_opt(row, "adapted_interval_ms")?,
        bounds: rows::bounds(row)?,
        rcs_type: parsed(row, "rcs_type")?,
        host_id: HostId(get(row, "job_host_id")?),
        owner: get(row, "owner")?,
        line_id: LineId(get(row, "line_id")?),
        failure_count: count(row, "failure_count")?,
        reclaim_count: count(row, "reclaim_count")?,
        after_reclaim: get(row, "after_reclaim")?,
    })
}
