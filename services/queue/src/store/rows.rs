//! Rows to values: one function per row type.

use crate::run::{Progress, Run, RunEnd, RunStats};
use crate::schedule::{Job, JobState, LeaseRow, RunRequest, Schedule};
use codeimport_core::{FencingToken, ImportId, RunId};
use codeimport_pg::{
    DbError, Row,
    row::{count, get, millis, parsed, parsed_opt},
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// What [`job`] reads, of a table called `job`.
macro_rules! job_columns {
    () => {
        "job.job_id, job.generation, job.wanted, job.update_interval_ms, job.rcs_type, job.source_host, job.state, \
         job.due_at, job.stop_reason, job.run_id, job.fencing_token, job.lease_expires_at, job.requested_at, \
         job.requested_by, job.failure_count, job.reclaim_count, job.after_reclaim, job.last_started_at"
    };
}
pub(crate) use job_columns;

/// What [`run`] reads, of a table called `run`.
macro_rules! run_columns {
    () => {
        "run.run_id, run.job_id, run.fencing_token, run.worker_id, run.requested_by, run.started_at, \
         run.heartbeat_at, run.finished_at, run.stage, run.progress_done, run.progress_total, run.progress_unit, \
         run.progress_received_bytes, run.outcome, run.message, run.refs_changed_count, run.new_revision_count, \
         run.received_bytes, \
         extract(epoch FROM coalesce(run.finished_at, statement_timestamp()) - run.started_at)::float8 AS elapsed_s"
    };
}
pub(crate) use run_columns;

pub(super) fn job(row: &Row) -> Result<Job, DbError> {
    Ok(Job {
        job_id: parsed(row, "job_id")?,
        generation: get(row, "generation")?,
        schedule: Schedule {
            wanted: parsed(row, "wanted")?,
            update_interval: millis(row, "update_interval_ms")?,
            rcs_type: parsed(row, "rcs_type")?,
            source_host: get(row, "source_host")?,
        },
        state: job_state(row)?,
        request: request(row)?,
        failure_count: count(row, "failure_count")?,
        reclaim_count: count(row, "reclaim_count")?,
        after_reclaim: get(row, "after_reclaim")?,
        last_started_at: get(row, "last_started_at")?,
    })
}

fn job_state(row: &Row) -> Result<JobState, DbError> {
    match get::<String>(row, "state")?.as_str() {
        "waiting" => Ok(JobState::Waiting { due_at: get(row, "due_at")? }),
        "running" => Ok(JobState::Running(LeaseRow {
            run_id: RunId(get(row, "run_id")?),
            fencing_token: FencingToken(get(row, "fencing_token")?),
            expires_at: get(row, "lease_expires_at")?,
        })),
        "stopped" => Ok(JobState::Stopped { reason: parsed_opt(row, "stop_reason")? }),
        other => Err(DbError::decode("state", &other)),
    }
}

fn request(row: &Row) -> Result<Option<RunRequest>, DbError> {
    let at: Option<Timestamp> = get(row, "requested_at")?;
    let by: Option<String> = get(row, "requested_by")?;
    Ok(at.zip(by).map(|(at, by)| RunRequest { at, by }))
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
        progress: Progress {
            stage: parsed_opt(row, "stage")?,
            done_count: get(row, "progress_done")?,
            total_count: get(row, "progress_total")?,
            unit: get(row, "progress_unit")?,
            received_bytes: get(row, "progress_received_bytes")?,
        },
        end: run_end(row)?,
        elapsed: Duration::try_from(SignedDuration::from_secs_f64(elapsed)).unwrap_or_default(),
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
