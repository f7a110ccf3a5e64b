//! Rows to values: one function per row type.

use crate::{
    breaker::{Breaker, Position},
    due_reason::DueReason,
    host::{Host, HostId, HostLimits},
    run::{Progress, Run, RunEnd, RunStats},
    schedule::{IntervalBounds, Job, JobState, LeaseRow, RunRequest, Schedule},
};
use codeimport_core::{FencingToken, ImportId, RunId};
use codeimport_pg::{
    DbError, Row,
    row::{count, get, millis, millis_opt, parsed, parsed_opt},
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// What [`job`] reads.
macro_rules! job_columns {
    () => {
        "job.job_no, job.job_id, job.generation, job.wanted, job.update_interval_ms, job.min_interval_ms, \
         job.max_interval_ms, job.adapted_interval_ms, job.rcs_type, job.host_id, source_host.name AS source_host, \
         job.owner, job.stop_reason, job.failure_count, job.reclaim_count, job.after_reclaim, \
         lease.run_id, lease.fencing_token, lease.expires_at, waiting.due_at, waiting.due_reason, \
         coalesce(lease.rerun_requested_at, waiting.requested_at) AS requested_at, \
         coalesce(lease.rerun_requested_by, waiting.requested_by) AS requested_by, \
         coalesce(lease.started_at, last_run.started_at) AS last_started_at, last_run.run_id AS last_run_id"
    };
}
pub(crate) use job_columns;

/// Where [`job_columns`] are: what a job does now is told by where else it is.
macro_rules! job_tables {
    () => {
        "job JOIN source_host ON source_host.host_id = job.host_id \
             LEFT JOIN lease ON lease.job_no = job.job_no \
             LEFT JOIN waiting ON waiting.job_no = job.job_no \
             LEFT JOIN run AS last_run \
                    ON last_run.run_id = coalesce(lease.previous_run_id, waiting.last_run_id, job.last_run_id)"
    };
}
pub(crate) use job_tables;

/// What [`host`] reads.
macro_rules! host_columns {
    () => {
        "source_host.host_id, source_host.name, source_host.open_at, source_host.breaker, source_host.trouble_count, \
         source_host.opened_count, source_host.max_running, source_host.starts_per_minute, \
         (SELECT count(*) FROM lease AS of_host WHERE of_host.host_id = source_host.host_id) AS running_count"
    };
}
pub(crate) use host_columns;

/// What [`run`] reads of runs that are over.
macro_rules! run_columns {
    () => {
        "run.run_id, job.job_id, run.fencing_token, run.worker_id, run.requested_by, run.started_at, \
         run.heartbeat_at, run.finished_at, run.stage, run.progress_done, run.progress_total, run.progress_unit, \
         run.progress_received_bytes, run.outcome, run.message, run.refs_changed_count, run.new_revision_count, \
         run.received_bytes, extract(epoch FROM run.finished_at - run.started_at)::float8 AS elapsed_s"
    };
}
pub(crate) use run_columns;

/// What [`run`] reads of runs under way: the same columns, in the same order.
macro_rules! lease_run_columns {
    () => {
        "lease.run_id, lease.job_id, lease.fencing_token, lease.worker_id, lease.requested_by, lease.started_at, \
         lease.heartbeat_at, NULL::timestamptz AS finished_at, lease.stage, lease.progress_done, \
         lease.progress_total, lease.progress_unit, lease.progress_received_bytes, NULL::text AS outcome, \
         ''::text AS message, NULL::bigint AS refs_changed_count, NULL::bigint AS new_revision_count, \
         NULL::bigint AS received_bytes, \
         extract(epoch FROM statement_timestamp() - lease.started_at)::float8 AS elapsed_s"
    };
}
pub(crate) use lease_run_columns;

/// A job with what only the store needs to know of it.
pub(super) struct JobRow {
    pub(super) job_no: i64,
    pub(super) host_id: HostId,
    /// Its newest run that is over.
    pub(super) last_run_id: Option<RunId>,
    /// Why it is due when it is; none unless it waits.
    pub(super) due_reason: Option<DueReason>,
    pub(super) job: Job,
}

impl JobRow {
    /// Under way, or over.
    pub(super) fn newest_run_id(&self) -> Option<RunId> {
        match &self.job.state {
            JobState::Running(lease) => Some(lease.run_id),
            JobState::Waiting { .. } | JobState::Stopped { .. } => self.last_run_id,
        }
    }
}

pub(super) fn job_row(row: &Row) -> Result<JobRow, DbError> {
    Ok(JobRow {
        job_no: get(row, "job_no")?,
        host_id: HostId(get(row, "host_id")?),
        last_run_id: get::<Option<i64>>(row, "last_run_id")?.map(RunId),
        due_reason: parsed_opt(row, "due_reason")?,
        job: job(row)?,
    })
}

pub(super) fn job(row: &Row) -> Result<Job, DbError> {
    Ok(Job {
        job_id: parsed(row, "job_id")?,
        generation: get(row, "generation")?,
        schedule: Schedule {
            wanted: parsed(row, "wanted")?,
            update_interval: millis(row, "update_interval_ms")?,
            bounds: bounds(row)?,
            rcs_type: parsed(row, "rcs_type")?,
            source_host: get(row, "source_host")?,
            owner: get(row, "owner")?,
        },
        state: job_state(row)?,
        request: request(row)?,
        failure_count: count(row, "failure_count")?,
        reclaim_count: count(row, "reclaim_count")?,
        after_reclaim: get(row, "after_reclaim")?,
        adapted_interval: millis_opt(row, "adapted_interval_ms")?,
        last_started_at: get(row, "last_started_at")?,
    })
}

pub(super) fn bounds(row: &Row) -> Result<Option<IntervalBounds>, DbError> {
    let (shortest, longest) = (millis_opt(row, "min_interval_ms")?, millis_opt(row, "max_interval_ms")?);
    Ok(shortest.zip(longest).map(|(shortest, longest)| IntervalBounds { shortest, longest }))
}

fn job_state(row: &Row) -> Result<JobState, DbError> {
    if let Some(run_id) = get::<Option<i64>>(row, "run_id")? {
        return Ok(JobState::Running(LeaseRow {
            run_id: RunId(run_id),
            fencing_token: FencingToken(get(row, "fencing_token")?),
            expires_at: get(row, "expires_at")?,
        }));
    }
    match get(row, "due_at")? {
        Some(due_at) => Ok(JobState::Waiting { due_at }),
        None => Ok(JobState::Stopped { reason: parsed_opt(row, "stop_reason")? }),
    }
}

fn request(row: &Row) -> Result<Option<RunRequest>, DbError> {
    let at: Option<Timestamp> = get(row, "requested_at")?;
    let by: Option<String> = get(row, "requested_by")?;
    Ok(at.zip(by).map(|(at, by)| RunRequest { at, by }))
}

/// What `count(*)` gives.
pub(super) fn bounded(row: &Row, column: &'static str) -> Result<u32, DbError> {
    Ok(u32::try_from(get::<i64>(row, column)?).unwrap_or(u32::MAX))
}

pub(super) fn host(row: &Row) -> Result<Host, DbError> {
    let limit = |column| get::<Option<i32>>(row, column).map(|limit| limit.and_then(|limit| u32::try_from(limit).ok()));
    Ok(Host {
        host_id: HostId(get(row, "host_id")?),
        name: get(row, "name")?,
        running_count: bounded(row, "running_count")?,
        open_at: get(row, "open_at")?,
        breaker: Breaker {
            position: position(&get::<String>(row, "breaker")?)?,
            trouble_count: count(row, "trouble_count")?,
            opened_count: count(row, "opened_count")?,
        },
        own_limits: HostLimits { max_running: limit("max_running")?, starts_per_minute: limit("starts_per_minute")? },
    })
}

fn position(name: &str) -> Result<Position, DbError> {
    match name {
        "closed" => Ok(Position::Closed),
        "open" => Ok(Position::Open),
        "half_open" => Ok(Position::HalfOpen),
        other => Err(DbError::decode("breaker", &other)),
    }
}

pub(super) fn position_name(position: Position) -> &'static str {
    match position {
        Position::Closed => "closed",
        Position::Open => "open",
        Position::HalfOpen => "half_open",
    }
}

pub(super) fn run(row: &Row) -> Result<Run, DbError> {
    let elapsed: f64 = get(row, "elapsed_s")?;
    Ok(Run {
        run_id: RunId(get(row, "run_id")?),
        job_id: parsed::<ImportId>(row, "job_id")?,
        fencing_token: FencingToken(get(row, "fencing_token")?),
        worker_id: get(row, "worker_id")?,
        requested_by: get(row, "requested_by")?,
        started_at: get(row, "started_at")?,
        heartbeat_at: get(row, "heartbeat_at")?,
        progress: progress(row)?,
        end: run_end(row)?,
        elapsed: Duration::try_from(SignedDuration::from_secs_f64(elapsed)).unwrap_or_default(),
    })
}

pub(super) fn progress(row: &Row) -> Result<Progress, DbError> {
    Ok(Progress {
        stage: parsed_opt(row, "stage")?,
        done_count: get(row, "progress_done")?,
        total_count: get(row, "progress_total")?,
        unit: get(row, "progress_unit")?,
        received_bytes: get(row, "progress_received_bytes")?,
    })
}

fn run_end(row: &Row) -> Result<Option<RunEnd>, DbError> {
    let finished_at: Option<Timestamp> = get(row, "finished_at")?;
    let Some(finished_at) = finished_at else { return Ok(None) };
    let end =
        RunEnd { finished_at, outcome: parsed(row, "outcome")?, message: get(row, "message")?, stats: stats(row)? };
    Ok(Some(end))
}

fn stats(row: &Row) -> Result<Option<RunStats>, DbError> {
    let refs_changed_count: Option<i64> = get(row, "refs_changed_count")?;
    let Some(refs_changed_count) = refs_changed_count else { return Ok(None) };
    let stats = RunStats {
        refs_changed_count,
        new_revision_count: get(row, "new_revision_count")?,
        received_bytes: get(row, "received_bytes")?,
    };
    Ok(Some(stats))
}
