//! Reads runs: those under way from their leases, the others from the record.

use super::{
    Store, StoreError,
    rows::{self, lease_run_columns, run_columns},
};
use crate::run::Run;
use codeimport_core::{ImportId, RunId};

impl Store {
    /// One run as it stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::RunNotFound`].
    pub async fn get_run(&self, run_id: RunId) -> Result<Run, StoreError> {
        let sql = concat!(
            "-- queue.get_run\nSELECT ",
            lease_run_columns!(),
            " FROM lease WHERE lease.run_id = $1 UNION ALL SELECT ",
            run_columns!(),
            " FROM run JOIN job ON job.job_no = run.job_no WHERE run.run_id = $1"
        );
        let row = self.db.client().await?.query_opt(sql, &[&run_id.0]).await?;
        Ok(rows::run(&row.ok_or(StoreError::RunNotFound(run_id))?)?)
    }

    /// Runs of one job, or of all, newest first, beginning below a run id; at most `limit`.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn list_runs(
        &self,
        job_id: Option<&ImportId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        // Two statements, so that each has the index that fits.
        let of_job = concat!(
            "-- queue.list_runs_of_job
             WITH RECURSIVE history AS (
                 SELECT job.job_no, coalesce(lease.previous_run_id, waiting.last_run_id, job.last_run_id) AS run_id,
                        0::bigint AS seen_count
                   FROM job
                   LEFT JOIN lease ON lease.job_no = job.job_no
                   LEFT JOIN waiting ON waiting.job_no = job.job_no
                  WHERE job.job_id = $3
                  UNION ALL
                 SELECT run.job_no, run.previous_run_id, history.seen_count + (run.run_id < $1)::integer
                   FROM history
                   JOIN run ON run.run_id = history.run_id
                  WHERE history.seen_count < $2
             )
             (SELECT ",
            lease_run_columns!(),
            " FROM lease JOIN job ON job.job_no = lease.job_no WHERE job.job_id = $3 AND lease.run_id < $1)
             UNION ALL
             (SELECT ",
            run_columns!(),
            " FROM history JOIN run ON run.run_id = history.run_id JOIN job ON job.job_no = run.job_no
               WHERE run.run_id < $1)
             ORDER BY run_id DESC LIMIT $2"
        );
        let of_all = concat!(
            "-- queue.list_runs\n(SELECT ",
            lease_run_columns!(),
            " FROM lease WHERE lease.run_id < $1 ORDER BY lease.run_id DESC LIMIT $2)
             UNION ALL
             (SELECT ",
            run_columns!(),
            " FROM run JOIN job ON job.job_no = run.job_no WHERE run.run_id < $1 ORDER BY run.run_id DESC LIMIT $2)
             ORDER BY run_id DESC LIMIT $2"
        );
        let (before, limit) = (before.map_or(i64::MAX, |run_id| run_id.0), i64::from(limit));
        let client = self.db.client().await?;
        let rows = match job_id {
            Some(job_id) => client.query(of_job, &[&before, &limit, &job_id.as_str()]).await?,
            None => client.query(of_all, &[&before, &limit]).await?,
        };
        Ok(rows.iter().map(rows::run).collect::<Result<_, _>>()?)
    }
}
