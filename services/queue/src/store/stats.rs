//! How much there is to do, host by host.

use super::{
    Store, StoreError,
    rows::{self, bounded, host_columns},
};
use crate::stats::{DueGroup, LeasedGroup, Load};
use codeimport_pg::{
    DbError, Row,
    row::{get, parsed},
};
use jiff::Timestamp;
use std::time::Duration;

/// Counts the due jobs by line, and then by what the lines belong to.
const DUE_GROUPS: &str = concat!(
    "-- queue.due_groups
WITH of_line AS MATERIALIZED (
    SELECT waiting.line_id, count(*) AS due_count, min(waiting.due_at) AS oldest_due_at
      FROM waiting
     WHERE waiting.ready_at <= statement_timestamp()
     GROUP BY waiting.line_id
), due AS (
    SELECT line.host_id, line.rcs_type, sum(of_line.due_count)::bigint AS due_count,
           min(of_line.oldest_due_at) AS oldest_due_at
      FROM of_line
      JOIN line ON line.line_id = of_line.line_id
     GROUP BY line.host_id, line.rcs_type
)
SELECT due.rcs_type, due.due_count, statement_timestamp() AS now,
       extract(epoch FROM statement_timestamp() - due.oldest_due_at)::float8 AS oldest_due_age_s, ",
    host_columns!(),
    "
  FROM due
  JOIN source_host ON source_host.host_id = due.host_id"
);

const LEASED_GROUPS: &str = "\
-- queue.leased_groups
SELECT source_host.name, leased.rcs_type, leased.leased_count
  FROM (SELECT lease.host_id, lease.rcs_type, count(*) AS leased_count FROM lease GROUP BY 1, 2) AS leased
  JOIN source_host ON source_host.host_id = leased.host_id";

impl Store {
    /// What is due, what runs, and who can do it.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn load(&self) -> Result<Load, StoreError> {
        let client = self.db.client().await?;
        let due = client.query(DUE_GROUPS, &[]).await?;
        let leased = client.query(LEASED_GROUPS, &[]).await?;
        drop(client);
        Ok(Load {
            now: due.first().map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(row, "now"))?,
            due: due.iter().map(due_group).collect::<Result<_, DbError>>()?,
            leased: leased.iter().map(leased_group).collect::<Result<_, DbError>>()?,
            workers: self.workers_by_type().await?,
            type_limits: self.policy.type_limits.clone(),
        })
    }

    /// How many jobs wait, due or not. Counts them all.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn waiting_count(&self) -> Result<u32, StoreError> {
        let sql = "-- queue.waiting_count\nSELECT count(*) AS waiting_count FROM waiting";
        Ok(bounded(&self.db.client().await?.query_one(sql, &[]).await?, "waiting_count")?)
    }
}

fn due_group(row: &Row) -> Result<DueGroup, DbError> {
    let age: f64 = get(row, "oldest_due_age_s")?;
    Ok(DueGroup {
        host: rows::host(row)?,
        rcs_type: parsed(row, "rcs_type")?,
        due_count: bounded(row, "due_count")?,
        oldest_due_age: Duration::try_from_secs_f64(age.max(0.0)).unwrap_or_default(),
    })
}

fn leased_group(row: &Row) -> Result<LeasedGroup, DbError> {
    Ok(LeasedGroup {
        host_name: get(row, "name")?,
        rcs_type: parsed(row, "rcs_type")?,
        leased_count: bounded(row, "leased_count")?,
    })
}
