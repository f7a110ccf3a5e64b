//! Reads jobs.

use super::{
    Store, StoreError,
    rows::{self, job_columns},
};
use crate::schedule::Job;
use codeimport_core::{ImportId, RcsType};
use codeimport_pg::row::get;
use std::time::Duration;

impl Store {
    /// The job as it stands. A deleted one is found, too: it says so itself.
    ///
    /// # Errors
    ///
    /// [`StoreError::JobNotFound`].
    pub async fn get_schedule(&self, job_id: &ImportId) -> Result<Job, StoreError> {
        let sql = concat!("-- queue.get_schedule\nSELECT ", job_columns!(), " FROM job WHERE job_id = $1");
        let row = self.db.client().await?.query_opt(sql, &[&job_id.as_str()]).await?;
        let row = row.ok_or_else(|| StoreError::JobNotFound(job_id.clone()))?;
        Ok(rows::job(&row)?)
    }

    /// How long until the next job of these types is due: zero if one is due already; none if none waits.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn next_due_in(&self, rcs_types: &[RcsType]) -> Result<Option<Duration>, StoreError> {
        let names: Vec<&str> = rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
        let row = self
            .db
            .client()
            .await?
            .query_one(
                "-- queue.next_due
                 SELECT extract(epoch FROM min(next.due_at) - statement_timestamp())::float8 AS due_in_s
                   FROM ((SELECT due_at FROM job
                           WHERE state = 'waiting' AND requested_at IS NULL AND rcs_type = ANY ($1)
                           ORDER BY due_at LIMIT 1)
                         UNION ALL
                         (SELECT due_at FROM job
                           WHERE state = 'waiting' AND requested_at IS NOT NULL AND rcs_type = ANY ($1)
                           ORDER BY due_at LIMIT 1)) AS next",
                &[&names],
            )
            .await?;
        let due_in: Option<f64> = get(&row, "due_in_s")?;
        Ok(due_in.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
    }
}
