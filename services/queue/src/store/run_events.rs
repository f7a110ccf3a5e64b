//! Finished runs in one order that never changes.
//!
//! The trap: a number that is drawn before a transaction commits may become visible after a higher one, and a reader
//! that has gone on never looks back. So the number comes from a row that stays locked until the commit: whoever draws
//! the next one has waited for this one to be visible.

use super::{
    Store, StoreError,
    rows::{self, run_columns},
};
use crate::run::Run;
use crate::schedule::StopReason;
use codeimport_pg::{
    DbError, Row,
    row::{count, get, parsed_opt},
};

/// Events read at once.
const BATCH: i64 = 200;

/// A finished run with its place in the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEvent {
    /// Dense, from 1.
    pub sequence: i64,
    /// The run.
    pub run: Run,
    /// Set if the queue stopped the job with this run.
    pub stop_reason: Option<StopReason>,
    /// The schedule in force when the run ended.
    pub generation: i64,
    /// Counted failures in a row, with this run.
    pub failure_count: u32,
}

impl Store {
    /// Events after a number, in order; a bounded batch.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn read_run_events(&self, after_sequence: i64) -> Result<Vec<RunEvent>, StoreError> {
        let sql = concat!(
            "-- queue.read_run_events\nSELECT run.sequence, run.stop_reason, run.generation, run.failure_count, ",
            run_columns!(),
            " FROM run JOIN job ON job.job_no = run.job_no
             WHERE run.sequence > $1
             ORDER BY run.sequence
             LIMIT $2"
        );
        let rows = self.db.client().await?.query(sql, &[&after_sequence, &BATCH]).await?;
        Ok(rows.iter().map(run_event).collect::<Result<_, _>>()?)
    }
}

fn run_event(row: &Row) -> Result<RunEvent, DbError> {
    Ok(RunEvent {
        sequence: get(row, "sequence")?,
        run: rows::run(row)?,
        stop_reason: parsed_opt(row, "stop_reason")?,
        generation: get(row, "generation")?,
        failure_count: count(row, "failure_count")?,
    })
}
