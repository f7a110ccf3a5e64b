//! Records that a person wants a run now.

use super::{
    Store, StoreError,
    rows::{self, job_columns},
};
use crate::schedule::{Job, JobState, ScheduleState};
use codeimport_core::{ImportId, RunId};
use codeimport_pg::{Tx, row::get};
use scoped_futures::ScopedFutureExt as _;

/// A request as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requested {
    /// The job after that.
    pub job: Job,
    /// The job's newest run until now. The run that answers the request has a higher number.
    pub after_run_id: Option<RunId>,
}

impl Store {
    /// Makes the job due now unless it is overdue already, and lets it go first. While it runs: one more run follows.
    ///
    /// # Errors
    ///
    /// [`StoreError::JobNotFound`] (also for a deleted job) and [`StoreError::JobStopped`].
    pub async fn request_run(&self, job_id: &ImportId, requested_by: &str) -> Result<Requested, StoreError> {
        self.db
            .run_tx("queue.request_run", |tx| {
                async move {
                    let Some(job) = record(tx, job_id, requested_by).await? else {
                        return Err(refusal(tx, job_id).await);
                    };
                    Ok(Requested { job, after_run_id: newest_run(tx, job_id).await? })
                }
                .scope_boxed()
            })
            .await
    }
}

async fn record(tx: &Tx<'_>, job_id: &ImportId, requested_by: &str) -> Result<Option<Job>, StoreError> {
    let row = tx
        .query_opt(
            concat!(
                "-- queue.request_run
                 UPDATE job
                    SET requested_at = coalesce(requested_at, statement_timestamp()),
                        requested_by = coalesce(requested_by, $2),
                        -- least() ignores a NULL: a running job must not get a due time
                        due_at = CASE state WHEN 'waiting' THEN least(due_at, statement_timestamp()) END
                  WHERE job_id = $1 AND wanted = 'active' AND state IN ('waiting', 'running')
              RETURNING ",
                job_columns!()
            ),
            &[&job_id.as_str(), &requested_by],
        )
        .await?;
    Ok(row.map(|row| rows::job(&row)).transpose()?)
}

/// Read after the job's row was locked by [`record`]: a lease of it cannot begin in between.
async fn newest_run(tx: &Tx<'_>, job_id: &ImportId) -> Result<Option<RunId>, StoreError> {
    let row = tx
        .query_one("-- queue.newest_run\nSELECT max(run_id) AS run_id FROM run WHERE job_id = $1", &[&job_id.as_str()])
        .await?;
    Ok(get::<Option<i64>>(&row, "run_id")?.map(RunId))
}

async fn refusal(tx: &Tx<'_>, job_id: &ImportId) -> StoreError {
    let sql = concat!("-- queue.why_not_requested\nSELECT ", job_columns!(), " FROM job WHERE job_id = $1");
    let job = match tx.query_opt(sql, &[&job_id.as_str()]).await {
        Ok(row) => row.map(|row| rows::job(&row)).transpose(),
        Err(error) => Err(error),
    };
    match job {
        Err(error) => error.into(),
        Ok(Some(Job { schedule, state, .. }))
            if schedule.wanted != ScheduleState::Deleted || matches!(state, JobState::Running(_)) =>
        {
            StoreError::JobStopped(job_id.clone())
        }
        Ok(_) => StoreError::JobNotFound(job_id.clone()),
    }
}
