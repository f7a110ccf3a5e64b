//! The end of runs, whoever ends them: takes hold of the leases that they still have. What follows is in `record_end`, in
//! the same transaction.
//!
//! The lock of a lease's row guards the row of its job: whoever changes the schedule of a running job locks the lease
//! first, and tells it the new generation. So what is read here is true until the commit, without a lock of the host.

use super::{LeaseName, LogLine, StoreError, locked_hosts::column, rows};
use crate::{
    host::HostId,
    run::RunStats,
    schedule::{IntervalBounds, RunRequest, ScheduleState},
    turns::LineId,
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

/// A run whose lease is held by this transaction, and by nobody else any more.
pub(super) struct Closing {
    pub(super) at: usize,
    pub(super) run: EndingRun,
    pub(super) job: EndedJob,
    /// The database's time.
    pub(super) now: Timestamp,
}

/// What the end needs of the lease's row.
pub(super) struct EndingRun {
    pub(super) run_id: RunId,
    pub(super) fencing_token: FencingToken,
    pub(super) host_id: HostId,
    pub(super) place: Timestamp,
    pub(super) request: Option<RunRequest>,
    pub(super) rerun: Option<RunRequest>,
    pub(super) started_at: Timestamp,
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

/// Takes hold of the leases of those who still have them, in the statement that proves it.
///
/// A row that somebody has just changed is read anew when its lock is got, but the job's beside it is not: that it is
/// the right one is told by the generation.
const HOLD_LEASES: &str = "\
-- queue.hold_leases
WITH lease AS MATERIALIZED (                            -- by itself, so that it is read by its key however small it was
    SELECT lease.run_id, lease.fencing_token, lease.job_id, lease.job_no, lease.generation, lease.host_id,
           lease.due_at, lease.requested_at, lease.requested_by, lease.rerun_requested_at, lease.rerun_requested_by,
           lease.started_at, lease.cancel_cause, lease.cancel_reason
      FROM lease
     WHERE lease.run_id = ANY ($1)
       AND (NOT $4 OR lease.expires_at < statement_timestamp())     -- only its holder ends a lease that lasts
     ORDER BY lease.run_id
       FOR UPDATE
)
SELECT item.position, statement_timestamp() AS now, lease.run_id, lease.fencing_token, lease.host_id, lease.due_at,
       lease.requested_at, lease.requested_by, lease.rerun_requested_at, lease.rerun_requested_by, lease.started_at,
       CASE WHEN lease.cancel_cause IN ('deadline', 'stalled') THEN lease.cancel_reason END AS stop_cause,
       lease.generation AS told_generation, job.job_no, job.generation, job.wanted, job.update_interval_ms,
       job.min_interval_ms, job.max_interval_ms, job.adapted_interval_ms, job.rcs_type, job.host_id AS job_host_id,
       job.owner, job.line_id, job.failure_count, job.reclaim_count, job.after_reclaim
  FROM lease
  JOIN unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
       AS item (run_id, fencing_token, job_id, position)
    ON lease.run_id = item.run_id AND lease.fencing_token = item.fencing_token AND lease.job_id = item.job_id
  JOIN job ON job.job_no = lease.job_no
 ORDER BY item.position";

/// Takes hold of the leases that may be ended; those of others are left out.
pub(super) async fn hold(tx: &Tx<'_>, endings: &[Ending], which: Which) -> Result<Vec<Closing>, StoreError> {
    // In the order of their keys, as everybody does who changes several leases.
    let mut order: Vec<usize> = (0..endings.len()).collect();
    order.sort_by(|a, b| name(&endings[*a]).cmp(&name(&endings[*b])));
    // Of two ends of one lease the first one counts.
    order.dedup_by(|a, b| name(&endings[*a]) == name(&endings[*b]));
    let hold = Statement::new(HOLD_LEASES)
        .bind(column(&order, |at| endings[*at].lease.run_id.0))
        .bind(column(&order, |at| endings[*at].lease.fencing_token.0))
        .bind(column(&order, |at| endings[*at].lease.job_id.to_string()))
        .bind(which == Which::Expired);
    let read = tx.begin_with(&[hold]).await?;
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
    (ending.lease.run_id.0, ending.lease.fencing_token.0, ending.lease.job_id.as_str())
}

fn closing_run(row: &Row, order: &[usize]) -> Result<Closing, DbError> {
    let position: i64 = get(row, "position")?;
    let at = usize::try_from(position - 1).ok().and_then(|at| order.get(at).copied());
    let at = at.ok_or_else(|| DbError::decode("position", &position))?;
    Ok(Closing { at, run: ending_run(row)?, job: ended_job(row)?, now: get(row, "now")? })
}

fn ending_run(row: &Row) -> Result<EndingRun, DbError> {
    let request = |at: Option<Timestamp>, by: Option<String>| at.zip(by).map(|(at, by)| RunRequest { at, by });
    Ok(EndingRun {
        run_id: RunId(get(row, "run_id")?),
        fencing_token: FencingToken(get(row, "fencing_token")?),
        host_id: HostId(get(row, "host_id")?),
        place: get(row, "due_at")?,
        request: request(get(row, "requested_at")?, get(row, "requested_by")?),
        rerun: request(get(row, "rerun_requested_at")?, get(row, "rerun_requested_by")?),
        started_at: get(row, "started_at")?,
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
