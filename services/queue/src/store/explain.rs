//! Reads a job with all that its start depends on.

use super::{
    Store, StoreError,
    rows::{self, bounded, host_columns, job_columns, job_tables},
    workers::takes_jobs,
};
use crate::{
    explain::{Facts, TypeLoad},
    host::HostPolicy,
};
use codeimport_core::{ImportId, RcsType};
use codeimport_pg::{DbError, Row, row::get};

const EXPLAIN: &str = concat!(
    "-- queue.explain_schedule\nSELECT ",
    job_columns!(),
    ", ",
    host_columns!(),
    ", (SELECT count(*) FROM lease AS other WHERE other.rcs_type = job.rcs_type) AS rcs_running_count,
       (SELECT count(*) FROM worker WHERE job.rcs_type = ANY (worker.rcs_types) AND ",
    takes_jobs!(),
    ") AS worker_count,
       statement_timestamp() AS now
  FROM ",
    job_tables!(),
    " WHERE job.job_id = $1"
);

impl Store {
    /// A job and all that its start depends on.
    ///
    /// # Errors
    ///
    /// [`StoreError::JobNotFound`].
    pub async fn explain_schedule(&self, job_id: &ImportId) -> Result<Facts, StoreError> {
        self.sweep().await?;
        let row = self.db.client().await?.query_opt(EXPLAIN, &[&job_id.as_str()]).await?;
        let row = row.ok_or_else(|| StoreError::JobNotFound(job_id.clone()))?;
        Ok(self.facts(&row)?)
    }

    /// What the configuration says of hosts.
    #[must_use]
    pub fn host_policy(&self) -> &HostPolicy {
        self.hosts()
    }

    /// Most runs at a time of a type; any number if none.
    pub(crate) fn type_limit(&self, rcs_type: RcsType) -> Option<u32> {
        self.policy.type_limits.get(&rcs_type).copied()
    }

    fn facts(&self, row: &Row) -> Result<Facts, DbError> {
        let rows::JobRow { job_no, due_reason, job, .. } = rows::job_row(row)?;
        let load = TypeLoad {
            running_count: bounded(row, "rcs_running_count")?,
            max_running: self.type_limit(job.schedule.rcs_type),
            worker_count: bounded(row, "worker_count")?,
        };
        let position = self.lookout.seen().board.position(job_no).unwrap_or_default();
        let line_position = u32::try_from(position).unwrap_or(u32::MAX);
        Ok(Facts { job, due_reason, host: rows::host(row)?, load, line_position, now: get(row, "now")? })
    }
}
