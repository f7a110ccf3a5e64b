//! Finished runs in one order that never changes.
//!
//! The trap: numbers are drawn before a transaction commits, so a reader that trusts them can see 8, go on from there,
//! and miss 7, which commits a moment later. So the transaction that ends a run appends its event *without* a number.
//! [`Store::number_run_events`] gives numbers out later, to committed events only, one writer at a time: it locks the
//! counter's row first and looks for events after that. Hence whoever sees number n in a snapshot sees all lower ones:
//! they were committed in the same numbering or in one that ended before it began.
//!
//! Nothing here depends on the order in which the ends of runs commit, and none of them waits for another.

use super::{
    Store, StoreError,
    rows::{self, run_columns},
};
use crate::run::Run;
use crate::schedule::StopReason;
use codeimport_core::RunId;
use codeimport_pg::{
    DbError, Row, Tx,
    row::{count, get, parsed_opt},
};
use scoped_futures::ScopedFutureExt as _;

/// Events numbered, or read, at once.
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

/// Appends the event of a run that this transaction ends.
///
/// # Errors
///
/// Only the database's.
pub async fn append_event(
    tx: &Tx<'_>,
    run_id: RunId,
    stop_reason: Option<StopReason>,
    generation: i64,
    failure_count: u32,
) -> Result<(), StoreError> {
    let failure_count = i32::try_from(failure_count).map_err(|error| DbError::decode("failure_count", &error))?;
    tx.execute(
        "-- queue.append_run_event
         INSERT INTO run_event (run_id, stop_reason, generation, failure_count) VALUES ($1, $2, $3, $4)",
        &[&run_id.0, &stop_reason.map(StopReason::name), &generation, &failure_count],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Gives the next numbers to committed events that have none yet, a bounded batch. Tells how many.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn number_run_events(&self) -> Result<u64, StoreError> {
        if !self.has_unnumbered().await? {
            return Ok(0);
        }
        self.db.run_tx("queue.number_run_events", |tx| async move { number(tx).await }.scope_boxed()).await
    }

    /// Most of the time there is nothing to do, and then nobody should wait for the counter.
    async fn has_unnumbered(&self) -> Result<bool, StoreError> {
        let sql = "-- queue.has_unnumbered\n\
                   SELECT EXISTS (SELECT FROM run_event WHERE sequence IS NULL) AS found";
        Ok(get(&self.db.client().await?.query_one(sql, &[]).await?, "found")?)
    }

    /// Numbered events after a number, in order; a bounded batch.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn read_run_events(&self, after_sequence: i64) -> Result<Vec<RunEvent>, StoreError> {
        let sql = concat!(
            "-- queue.read_run_events\nSELECT run_event.sequence, run_event.stop_reason, run_event.generation, \
             run_event.failure_count, ",
            run_columns!(),
            " FROM run_event JOIN run ON run.run_id = run_event.run_id
             WHERE run_event.sequence > $1
             ORDER BY run_event.sequence
             LIMIT $2"
        );
        let rows = self.db.client().await?.query(sql, &[&after_sequence, &BATCH]).await?;
        Ok(rows.iter().map(run_event).collect::<Result<_, _>>()?)
    }
}

async fn number(tx: &Tx<'_>) -> Result<u64, StoreError> {
    // First the lock, then the look: under READ COMMITTED the next statement sees all that was committed until now,
    // the numbers of the writer we have waited for included.
    let locked = tx
        .query_one("-- queue.lock_run_event_counter\nSELECT last_sequence FROM run_event_counter FOR UPDATE", &[])
        .await?;
    let last: i64 = get(&locked, "last_sequence")?;
    let numbered = tx
        .execute(
            "-- queue.number_run_events
             UPDATE run_event
                SET sequence = $1 + next.place
               FROM (SELECT event_id, row_number() OVER (ORDER BY event_id) AS place
                       FROM (SELECT event_id FROM run_event WHERE sequence IS NULL ORDER BY event_id LIMIT $2)
                            AS unnumbered) AS next
              WHERE run_event.event_id = next.event_id",
            &[&last, &BATCH],
        )
        .await?;
    tx.execute(
        "-- queue.advance_run_event_counter\nUPDATE run_event_counter SET last_sequence = last_sequence + $1",
        &[&i64::try_from(numbered).map_err(|error| DbError::decode("last_sequence", &error))?],
    )
    .await?;
    Ok(numbered)
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
