//! How much there is to do, for the gauges.

use super::{Store, StoreError};
use codeimport_pg::row::get;

/// The queue's depth at one moment.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct QueueDepth {
    /// Jobs that wait for a worker.
    pub due_count: i64,
    /// Jobs that run.
    pub running_count: i64,
    /// How long the oldest of those that wait has been due, in seconds; 0 if none waits.
    pub oldest_due_age_s: f64,
}

impl Store {
    /// Counts what is due and what runs.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn queue_depth(&self) -> Result<QueueDepth, StoreError> {
        let row = self
            .db
            .client()
            .await?
            .query_one(
                "-- queue.queue_depth
                 SELECT count(waiting.due_at) AS due_count,
                        (SELECT count(*) FROM lease) AS running_count,
                        coalesce(extract(epoch FROM statement_timestamp() - min(waiting.due_at)), 0)::float8
                            AS oldest_due_age_s
                   FROM line
                   JOIN waiting ON waiting.line_id = line.line_id
                               AND waiting.due_at >= line.head_due_at
                               AND waiting.due_at <= statement_timestamp()
                  WHERE line.turn_at <= statement_timestamp()",
                &[],
            )
            .await?;
        Ok(QueueDepth {
            due_count: get(&row, "due_count")?,
            running_count: get(&row, "running_count")?,
            oldest_due_age_s: get(&row, "oldest_due_age_s")?,
        })
    }
}
