//! Creates or changes a job's schedule.

use super::{
    Store, StoreError,
    rows::{self, job_columns},
};
use crate::schedule::{Job, JobState, LeaseRow, PutSchedule, StopReason};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;

impl Store {
    /// Applies a schedule unless the job knows a newer one. Tells whether it was applied, and the job after that.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn put_schedule(&self, put: &PutSchedule) -> Result<(bool, Job), StoreError> {
        self.db
            .run_tx("queue.put_schedule", |tx| {
                async move {
                    // Insert first: of two that arrive together, one finds the other's row and waits for it.
                    if let Some(job) = insert_job(tx, put).await? {
                        return Ok((true, job));
                    }
                    let (known, now) = lock_job(tx, &put.job_id).await?;
                    match Job::after(Some(&known), put, now) {
                        Some(job) => update_job(tx, &job).await.map(|()| (true, job)),
                        None => Ok((false, known)),
                    }
                }
                .scope_boxed()
            })
            .await
    }
}

/// The job's row as it would be if it were new; none if there is one already.
async fn insert_job(tx: &Tx<'_>, put: &PutSchedule) -> Result<Option<Job>, StoreError> {
    let now: Timestamp =
        get(&tx.query_one("-- queue.put_schedule_now\nSELECT statement_timestamp() AS now", &[]).await?, "now")?;
    let Some(job) = Job::after(None, put, now) else { return Ok(None) };
    let columns = JobColumns::of(&job)?;
    let inserted = tx
        .execute(
            "-- queue.insert_job
             INSERT INTO job (job_id, generation, wanted, update_interval_ms, rcs_type, source_host, state, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (job_id) DO NOTHING",
            &[
                &job.job_id.as_str(),
                &job.generation,
                &columns.wanted,
                &columns.update_interval_ms,
                &columns.rcs_type,
                &job.schedule.source_host,
                &columns.state,
                &columns.due_at,
            ],
        )
        .await?;
    Ok((inserted == 1).then_some(job))
}

async fn lock_job(tx: &Tx<'_>, job_id: &ImportId) -> Result<(Job, Timestamp), StoreError> {
    let row = tx
        .query_one(
            concat!(
                "-- queue.lock_job_for_schedule\nSELECT ",
                job_columns!(),
                ", statement_timestamp() AS now FROM job WHERE job_id = $1 FOR UPDATE"
            ),
            &[&job_id.as_str()],
        )
        .await?;
    Ok((rows::job(&row)?, get(&row, "now")?))
}

/// Writes the whole row: it is locked, and a schedule touches nearly all of it. A lease stays what it is.
async fn update_job(tx: &Tx<'_>, job: &Job) -> Result<(), StoreError> {
    let columns = JobColumns::of(job)?;
    tx.execute(
        "-- queue.update_job_schedule
         UPDATE job
            SET generation = $2, wanted = $3, update_interval_ms = $4, rcs_type = $5, source_host = $6,
                state = $7, due_at = $8, stop_reason = $9, run_id = $10, fencing_token = $11, lease_expires_at = $12,
                requested_at = $13, requested_by = $14, failure_count = $15, reclaim_count = $16
          WHERE job_id = $1
            AND generation < $2                           -- restated, though the row is locked",
        &[
            &job.job_id.as_str(),
            &job.generation,
            &columns.wanted,
            &columns.update_interval_ms,
            &columns.rcs_type,
            &job.schedule.source_host,
            &columns.state,
            &columns.due_at,
            &columns.stop_reason.map(StopReason::name),
            &columns.lease.map(|lease| lease.run_id.0),
            &columns.lease.map(|lease| lease.fencing_token.0),
            &columns.lease.map(|lease| lease.expires_at),
            &job.request.as_ref().map(|request| request.at),
            &job.request.as_ref().map(|request| request.by.as_str()),
            &column_count("failure_count", job.failure_count)?,
            &column_count("reclaim_count", job.reclaim_count)?,
        ],
    )
    .await?;
    Ok(())
}

/// A job's state as its columns have it.
struct JobColumns {
    wanted: &'static str,
    update_interval_ms: i64,
    rcs_type: &'static str,
    state: &'static str,
    due_at: Option<Timestamp>,
    stop_reason: Option<StopReason>,
    lease: Option<LeaseRow>,
}

impl JobColumns {
    fn of(job: &Job) -> Result<Self, DbError> {
        let (state, due_at, stop_reason, lease) = match &job.state {
            JobState::Waiting { due_at } => ("waiting", Some(*due_at), None, None),
            JobState::Running(lease) => ("running", None, None, Some(*lease)),
            JobState::Stopped { reason } => ("stopped", None, *reason, None),
        };
        let update_interval_ms = i64::try_from(job.schedule.update_interval.as_millis())
            .map_err(|error| DbError::decode("update_interval_ms", &error))?;
        let wanted = job.schedule.wanted.name();
        Ok(Self {
            wanted,
            update_interval_ms,
            rcs_type: job.schedule.rcs_type.name(),
            state,
            due_at,
            stop_reason,
            lease,
        })
    }
}

pub(super) fn column_count(column: &'static str, count: u32) -> Result<i32, DbError> {
    i32::try_from(count).map_err(|error| DbError::decode(column, &error))
}
