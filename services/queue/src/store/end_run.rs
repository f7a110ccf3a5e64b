//! The end of runs, whoever ends them: locks their hosts, and takes the leases away from whoever still holds them. What
//! follows is in `record_end`, in the same transaction.

use super::{
    LeaseName, LogLine, Store, StoreError,
    locked_hosts::{LockedHosts, column},
    rows::{self, host_columns, line_columns, turn_columns},
};
use crate::{
    host::HostId,
    run::{Progress, RunStats},
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

/// A run that has lost its lease row just now.
pub(super) struct Closed {
    pub(super) at: usize,
    pub(super) run: RunRow,
    pub(super) job: EndedJob,
}

/// The lease's row.
pub(super) struct RunRow {
    pub(super) job_no: i64,
    pub(super) run_id: RunId,
    pub(super) fencing_token: FencingToken,
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
    pub(super) generation: i64,
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

macro_rules! hosts_of_runs {
    () => {
        "(SELECT lease.host_id FROM lease WHERE lease.run_id = ANY ($1) \
          UNION \
          SELECT job.host_id FROM lease JOIN job ON job.job_no = lease.job_no WHERE lease.run_id = ANY ($1))"
    };
}

const LOCK_HOSTS_OF_RUNS: &str = concat!(
    "-- queue.lock_hosts_of_runs\nSELECT ",
    host_columns!(),
    " FROM source_host WHERE source_host.host_id IN ",
    hosts_of_runs!(),
    " ORDER BY source_host.host_id FOR NO KEY UPDATE"
);

const TURNS_OF_RUNS: &str = concat!(
    "-- queue.turns_of_runs\nSELECT ",
    turn_columns!(),
    ", statement_timestamp() AS now FROM host_turn WHERE host_turn.host_id IN ",
    hosts_of_runs!()
);

const LINES_OF_RUNS: &str = concat!(
    "-- queue.lines_of_runs\nSELECT ",
    line_columns!(),
    " FROM line WHERE line.line_id IN (SELECT job.line_id FROM lease JOIN job ON job.job_no = lease.job_no \
                                        WHERE lease.run_id = ANY ($1))"
);

/// Takes the leases away from whoever still holds them, in the statement that proves it. It travels with the `BEGIN`: so it
/// does nothing outside of the transaction that has locked the hosts, which has a number by that.
const CLOSE_LEASES: &str = "\
-- queue.close_leases
DELETE FROM lease
 USING unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
       AS item (run_id, fencing_token, job_id, position), job
 WHERE lease.run_id = item.run_id
   AND lease.fencing_token = item.fencing_token
   AND lease.job_id = item.job_id
   AND pg_current_xact_id_if_assigned() IS NOT NULL
   AND (NOT $4 OR lease.expires_at < statement_timestamp())     -- only its holder ends a lease that lasts
   AND job.job_no = lease.job_no
RETURNING item.position, lease.job_no, lease.run_id, lease.fencing_token, lease.host_id, lease.worker_id,
          lease.worker_version, lease.due_at, lease.requested_at, lease.requested_by, lease.rerun_requested_at,
          lease.rerun_requested_by, lease.started_at, lease.heartbeat_at, lease.stage, lease.progress_done,
          lease.progress_total, lease.progress_unit, lease.progress_received_bytes,
          CASE WHEN lease.cancel_cause IN ('deadline', 'stalled') THEN lease.cancel_reason END AS stop_cause,
          job.generation, job.wanted, job.update_interval_ms, job.min_interval_ms, job.max_interval_ms,
          job.adapted_interval_ms, job.rcs_type, job.host_id AS job_host_id, job.owner, job.line_id,
          job.failure_count, job.reclaim_count, job.after_reclaim";

/// Locks the hosts of the runs, and takes away the leases that are still held; the others are left out.
pub(super) async fn close<'s>(
    tx: &Tx<'_>,
    store: &'s Store,
    endings: &[Ending],
    which: Which,
) -> Result<(LockedHosts<'s>, Vec<Closed>), StoreError> {
    // In the order of their keys, as everybody does who changes several leases.
    let mut order: Vec<usize> = (0..endings.len()).collect();
    order.sort_by_key(|at| endings[*at].lease.run_id);
    let run_ids = column(&order, |at| endings[*at].lease.run_id.0);
    let close = Statement::new(CLOSE_LEASES)
        .bind(run_ids.clone())
        .bind(column(&order, |at| endings[*at].lease.fencing_token.0))
        .bind(column(&order, |at| endings[*at].lease.job_id.to_string()))
        .bind(which == Which::Expired);
    let [hosts, turns, lines] =
        [LOCK_HOSTS_OF_RUNS, TURNS_OF_RUNS, LINES_OF_RUNS].map(|sql| Statement::new(sql).bind(run_ids.clone()));
    let read = tx.begin_with(&[hosts, turns, lines, close]).await?;
    let now = read[1].first().map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(row, "now"))?;
    let mut locked = LockedHosts::new(store.hosts(), now).with_hosts(&read[0])?;
    locked.add_turns(&read[1])?;
    locked.add_lines(&read[2])?;
    let closed: Vec<Closed> = read[3].iter().map(|row| closed(row, &order)).collect::<Result<_, _>>()?;
    // Its schedule moved to another host while we waited for the lock.
    if closed.iter().any(|one| !locked.holds(one.run.host_id) || !locked.holds(one.job.host_id)) {
        return Err(StoreError::moved(tx));
    }
    Ok((locked, closed))
}

fn closed(row: &Row, order: &[usize]) -> Result<Closed, DbError> {
    let position: i64 = get(row, "position")?;
    let at = usize::try_from(position - 1).ok().and_then(|at| order.get(at).copied());
    let at = at.ok_or_else(|| DbError::decode("position", &position))?;
    Ok(Closed { at, run: run_row(row)?, job: ended_job(row)? })
}

fn run_row(row: &Row) -> Result<RunRow, DbError> {
    let request = |at: Option<Timestamp>, by: Option<String>| at.zip(by).map(|(at, by)| RunRequest { at, by });
    Ok(RunRow {
        job_no: get(row, "job_no")?,
        run_id: RunId(get(row, "run_id")?),
        fencing_token: FencingToken(get(row, "fencing_token")?),
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
        generation: get(row, "generation")?,
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
