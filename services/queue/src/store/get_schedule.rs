//! Reads jobs.

use super::{
    Store, StoreError,
    rows::{self, job_columns, job_tables},
};
use crate::schedule::Job;
use codeimport_core::ImportId;

impl Store {
    /// The job as it stands. A deleted one is found, too: it says so itself.
    ///
    /// # Errors
    ///
    /// [`StoreError::JobNotFound`].
    pub async fn get_schedule(&self, job_id: &ImportId) -> Result<Job, StoreError> {
        let sql = concat!(
            "-- queue.get_schedule\nSELECT ",
            job_columns!(),
            " FROM ",
            job_tables!(),
            " WHERE job.job_id = $1"
        );
        let row = self.db.client().await?.query_opt(sql, &[&job_id.as_str()]).await?;
        let row = row.ok_or_else(|| StoreError::JobNotFound(job_id.clone()))?;
        Ok(rows::job(&row)?)
    }
}
