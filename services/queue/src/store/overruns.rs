//! Tells runs to stop: because a person wants it, because they take too long, or because they get nowhere.
//!
//! The run hears it with the answer to its next heartbeat. One that the queue stops has a while to clean up; after that no
//! heartbeat extends its lease any more, and it is taken back like one whose worker is dead.

use super::{Store, StoreError};
use codeimport_core::{ImportId, RunId, Stage};
use codeimport_pg::{
    DbError, Row,
    row::{get, parsed},
};
use std::{collections::BTreeMap, time::Duration};

/// How long runs may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunBounds {
    /// From start to end.
    pub deadline: Duration,
    /// In each stage that has a limit, how long without any progress.
    pub stall: BTreeMap<Stage, Duration>,
    /// For cleaning up once it was told to stop.
    pub grace: Duration,
}

/// A run that was told to stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stopped {
    /// Its job.
    pub job_id: ImportId,
    /// The run.
    pub run_id: RunId,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Tells runs to stop that take too long, or that have made no progress for too long. Says which.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn stop_overruns(&self) -> Result<Vec<Stopped>, StoreError> {
        let bounds = &self.policy.runs;
        let stages: Vec<&str> = bounds.stall.keys().map(|stage| stage.name()).collect();
        let stalls: Vec<f64> = bounds.stall.values().map(Duration::as_secs_f64).collect();
        let (deadline, grace) = (bounds.deadline.as_secs_f64(), bounds.grace.as_secs_f64());
        let client = self.db.client().await?;
        let rows = client.query(STOP_OVERRUNS, &[&deadline, &stages, &stalls, &grace]).await?;
        Ok(rows.iter().map(stopped).collect::<Result<_, _>>()?)
    }

    /// Tells one run to stop. Whether it is under way: false if it is over.
    ///
    /// # Errors
    ///
    /// [`StoreError::RunNotFound`].
    pub async fn cancel_run(&self, run_id: RunId, reason: &str) -> Result<bool, StoreError> {
        let told = self
            .db
            .client()
            .await?
            .execute(
                "-- queue.cancel_run
                 UPDATE lease
                    SET cancel_cause = coalesce(lease.cancel_cause, 'requested'),
                        cancel_reason = coalesce(lease.cancel_reason, $2)
                  WHERE lease.run_id = $1",
                &[&run_id.0, &reason],
            )
            .await?;
        if told > 0 {
            return Ok(true);
        }
        self.get_run(run_id).await.map(|_| false)
    }
}

/// Skips leases that a heartbeat or an end holds at this moment: they are looked at again soon. One that was told to stop
/// for another reason is bound by its time all the same.
const STOP_OVERRUNS: &str = "\
-- queue.stop_overruns
WITH late AS MATERIALIZED (
    SELECT lease.run_id, stall.seconds,
           CASE WHEN lease.started_at < statement_timestamp() - make_interval(secs => $1) THEN 'deadline'
                ELSE 'stalled' END AS cause
      FROM lease
      LEFT JOIN unnest($2::text[], $3::float8[]) AS stall (stage, seconds) ON stall.stage = lease.stage
     WHERE lease.ends_by IS NULL
       AND (lease.started_at < statement_timestamp() - make_interval(secs => $1)
            OR lease.progress_at < statement_timestamp() - make_interval(secs => stall.seconds))
     ORDER BY lease.run_id
     LIMIT 100
       FOR NO KEY UPDATE OF lease SKIP LOCKED
)
UPDATE lease
   SET cancel_cause = late.cause,
       cancel_reason = CASE late.cause
           WHEN 'deadline' THEN format('The run took longer than %s seconds.', $1)
           ELSE format('The run made no progress in stage %s for %s seconds.', lease.stage, late.seconds) END,
       ends_by = statement_timestamp() + make_interval(secs => $4)
  FROM late
 WHERE lease.run_id = late.run_id
RETURNING lease.job_id, lease.run_id, lease.cancel_reason";

fn stopped(row: &Row) -> Result<Stopped, DbError> {
    Ok(Stopped {
        job_id: parsed(row, "job_id")?,
        run_id: RunId(get(row, "run_id")?),
        reason: get(row, "cancel_reason")?,
    })
}
