//! Creates or changes a job's schedule.

use super::{
    Store, StoreError,
    lines::{LineKey, line_ids},
    locked_jobs::{LockedJobs, Placed, lock_jobs},
    rows::{self, JobRow, host_columns},
    waiting::{Waits, delete_waiting, insert_waiting},
};
use crate::{
    board::{LineId, Place, TurnKey},
    due_reason,
    host::{Host, HostId},
    schedule::{Job, JobState, PutSchedule, ScheduleState, StopReason},
};
use codeimport_pg::{DbError, Statement, Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::{collections::BTreeSet, time::Duration};

impl Store {
    /// Applies a schedule unless the job knows a newer one. Tells whether it was applied, and the job after that.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn put_schedule(&self, put: &PutSchedule) -> Result<(bool, Job), StoreError> {
        let applied = self.db.run_tx("queue.put_schedule", |tx| async move { apply(tx, put).await }.scope_boxed());
        let (job, applied) = applied.await?;
        if let Some(Applied { placed, host, now }) = &applied {
            self.place(std::slice::from_ref(placed), vec![host.clone()], *now);
        }
        Ok((applied.is_some(), job))
    }
}

/// What has changed, for the board.
struct Applied {
    placed: Placed,
    host: Host,
    now: Timestamp,
}

/// The job after that, and what has changed, if anything has.
async fn apply(tx: &Tx<'_>, put: &PutSchedule) -> Result<(Job, Option<Applied>), StoreError> {
    let host = find_or_make_host(tx, &put.schedule.source_host).await?;
    let LockedJobs { jobs, now, .. } = lock_jobs(tx, &[&put.job_id]).await?;
    let known = jobs.into_iter().next();
    let Some(job) = Job::after(known.as_ref().map(|row| &row.job), put, now) else {
        // Not after it: there is one that it is not after.
        return known.map(|row| (row.job, None)).ok_or_else(|| StoreError::moved(tx));
    };
    // Both at once: so a request finds its line.
    let [scheduled, requested] = both_lines(tx, host.host_id, &job).await?;
    let job_no = match &known {
        Some(row) => row.job_no,
        None => insert_job(tx, &job, host.host_id, scheduled).await?,
    };
    let mut writes = Vec::new();
    if let Some(row) = &known {
        writes.push(update_job(row, &job, host.host_id, scheduled)?);
        writes.extend(leave(row, &job));
    }
    let mut placed = Placed { job_no, place: None };
    if let JobState::Waiting { due_at } = job.state {
        let turn = turn_key(host.host_id, &job, job.request.is_some());
        let line_id = if turn.requested { requested } else { scheduled };
        let before = known.as_ref().and_then(|row| row.due_reason);
        let due_reason = due_reason::after_put(known.as_ref().map(|row| &row.job), before, put, &job);
        let (request, last_run_id) = (job.request.clone(), known.as_ref().and_then(|row| row.last_run_id));
        writes.push(insert_waiting(&[Waits { job_no, line_id, due_at, request, due_reason, last_run_id }]));
        placed.place = Some((Place { line_id, due_at }, turn));
    }
    tx.commit_with(&writes).await?;
    Ok((job, Some(Applied { placed, host, now })))
}

/// The host of this name, which is made known if it is not.
pub(super) async fn find_or_make_host(tx: &Tx<'_>, name: &str) -> Result<Host, StoreError> {
    const FIND: &str =
        concat!("-- queue.find_host\nSELECT ", host_columns!(), " FROM source_host WHERE source_host.name = $1");
    const MAKE: &str = "-- queue.make_host\nINSERT INTO source_host (name) VALUES ($1) ON CONFLICT DO NOTHING";
    if let Some(row) = tx.query_opt(FIND, &[&name]).await? {
        return Ok(rows::host(&row)?);
    }
    tx.execute(MAKE, &[&name]).await?;
    Ok(rows::host(&tx.query_one(FIND, &[&name]).await?)?)
}

/// Where the job waits by schedule, and where if somebody asks for it.
async fn both_lines(tx: &Tx<'_>, host_id: HostId, job: &Job) -> Result<[LineId; 2], StoreError> {
    let keys = [false, true].map(|requested| {
        let turn = turn_key(host_id, job, requested);
        LineKey { turn, owner: job.schedule.owner.clone() }
    });
    let lines = line_ids(tx, &BTreeSet::from(keys.clone())).await?;
    match keys.map(|key| lines.get(&key).copied()) {
        [Some(scheduled), Some(requested)] => Ok([scheduled, requested]),
        _ => Err(StoreError::moved(tx)),
    }
}

fn turn_key(host_id: HostId, job: &Job, requested: bool) -> TurnKey {
    TurnKey { host_id, rcs_type: job.schedule.rcs_type, requested }
}

/// What the job was before is undone: it leaves its line, or its run is told.
fn leave(known: &JobRow, job: &Job) -> Option<Statement> {
    match known.job.state {
        JobState::Waiting { .. } => Some(delete_waiting(vec![known.job_no])),
        JobState::Running(_) => Some(tell_run(known.job_no, job)),
        JobState::Stopped { .. } => None,
    }
}

fn tell_run(job_no: i64, job: &Job) -> Statement {
    let deleted = job.schedule.wanted == ScheduleState::Deleted;
    Statement::new(
        "-- queue.tell_run
         UPDATE lease
            SET generation = $5, rerun_requested_at = $2, rerun_requested_by = $3,
                cancel_cause = CASE WHEN $4 THEN 'deleted' ELSE nullif(lease.cancel_cause, 'deleted') END,
                cancel_reason = CASE WHEN $4 THEN 'the import was deleted'
                                     WHEN lease.cancel_cause <> 'deleted' THEN lease.cancel_reason END
          WHERE lease.job_no = $1",
    )
    .bind(job_no)
    .bind(job.request.as_ref().map(|request| request.at))
    .bind(job.request.as_ref().map(|request| request.by.clone()))
    .bind(deleted)
    .bind(job.generation)
}

/// The number of a new job. If another transaction has just made it at another host, this one begins again.
async fn insert_job(tx: &Tx<'_>, job: &Job, host_id: HostId, line_id: LineId) -> Result<i64, StoreError> {
    let columns = ScheduleColumns::of(job)?;
    let row = tx
        .query_opt(
            "-- queue.insert_job
             INSERT INTO job (job_id, generation, wanted, update_interval_ms, min_interval_ms, max_interval_ms,
                              rcs_type, host_id, owner, line_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (job_id) DO NOTHING
             RETURNING job.job_no",
            &[
                &job.job_id.as_str(),
                &job.generation,
                &columns.wanted,
                &columns.update_interval_ms,
                &columns.min_interval_ms,
                &columns.max_interval_ms,
                &columns.rcs_type,
                &host_id.0,
                &job.schedule.owner,
                &line_id.0,
            ],
        )
        .await?;
    let row = row.ok_or_else(|| StoreError::moved(tx))?;
    Ok(get(&row, "job_no")?)
}

fn update_job(known: &JobRow, job: &Job, host_id: HostId, line_id: LineId) -> Result<Statement, DbError> {
    let columns = ScheduleColumns::of(job)?;
    let reason = match job.state {
        JobState::Stopped { reason } => reason,
        JobState::Waiting { .. } | JobState::Running(_) => None,
    };
    let statement = Statement::new(
        "-- queue.update_schedule
         UPDATE job
            SET generation = $2, wanted = $3, update_interval_ms = $4, min_interval_ms = $5, max_interval_ms = $6,
                rcs_type = $7, host_id = $8, owner = $9, line_id = $10, stop_reason = $11, failure_count = $12,
                reclaim_count = $13, adapted_interval_ms = $14, last_run_id = $15
          WHERE job.job_no = $1
            AND job.generation < $2                     -- restated, though it is locked",
    )
    .bind(known.job_no)
    .bind(job.generation)
    .bind(columns.wanted)
    .bind(columns.update_interval_ms)
    .bind(columns.min_interval_ms)
    .bind(columns.max_interval_ms)
    .bind(columns.rcs_type)
    .bind(host_id.0)
    .bind(job.schedule.owner.clone())
    .bind(line_id.0)
    .bind(reason.map(StopReason::name))
    .bind(column_count("failure_count", job.failure_count)?)
    .bind(column_count("reclaim_count", job.reclaim_count)?)
    .bind(job.adapted_interval.map(column_millis).transpose()?)
    .bind(known.last_run_id.map(|run_id| run_id.0));
    Ok(statement)
}

/// A schedule as its columns have it.
struct ScheduleColumns {
    wanted: &'static str,
    update_interval_ms: i64,
    min_interval_ms: Option<i64>,
    max_interval_ms: Option<i64>,
    rcs_type: &'static str,
}

impl ScheduleColumns {
    fn of(job: &Job) -> Result<Self, DbError> {
        let bounds = job.schedule.bounds;
        Ok(Self {
            wanted: job.schedule.wanted.name(),
            update_interval_ms: column_millis(job.schedule.update_interval)?,
            min_interval_ms: bounds.map(|bounds| column_millis(bounds.shortest)).transpose()?,
            max_interval_ms: bounds.map(|bounds| column_millis(bounds.longest)).transpose()?,
            rcs_type: job.schedule.rcs_type.name(),
        })
    }
}

fn column_millis(span: Duration) -> Result<i64, DbError> {
    i64::try_from(span.as_millis()).map_err(|error| DbError::decode("update_interval_ms", &error))
}

pub(super) fn column_count(column: &'static str, count: u32) -> Result<i32, DbError> {
    i32::try_from(count).map_err(|error| DbError::decode(column, &error))
}
