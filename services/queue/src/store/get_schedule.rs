//! Reads jobs.

use super::{
    Store, StoreError,
    rows::{self, job_columns, job_tables},
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

    /// How long until the next host with jobs of these types has its turn: zero if one has it already; none if none
    /// ever will as things are.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn next_turn_in(&self, rcs_types: &[RcsType]) -> Result<Option<Duration>, StoreError> {
        let names: Vec<&str> = rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
        let row = self
            .db
            .client()
            .await?
            .query_one(
                "-- queue.next_turn
                 SELECT extract(epoch FROM min(next.turn_at) - statement_timestamp())::float8 AS turn_in_s
                   FROM unnest($1::text[]) AS kind (rcs_type)
                  CROSS JOIN (VALUES (true), (false)) AS class (requested)
                  CROSS JOIN LATERAL (
                      SELECT host_turn.turn_at
                        FROM host_turn
                       WHERE host_turn.rcs_type = kind.rcs_type AND host_turn.requested = class.requested
                         AND host_turn.turn_at IS NOT NULL
                       ORDER BY host_turn.turn_at
                       LIMIT 1) AS next",
                &[&names],
            )
            .await?;
        let turn_in: Option<f64> = get(&row, "turn_in_s")?;
        Ok(turn_in.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
    }
}
