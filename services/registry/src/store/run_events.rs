//! Applies run events: effect and cursor in one transaction, so that each takes effect once however often it is told.
//!
//! The cursor's row is locked first: several replicas that follow the queue take turns, and who comes second finds the
//! work done.

use super::{Store, change_import, events};
use crate::{
    audit::NewEvent,
    import::{Import, RunHistory},
    run_effect::RunEffect,
    workflow::{self, StopVerdict},
};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx};
use scoped_futures::ScopedFutureExt as _;

impl Store {
    /// Sequence number of the last event applied.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn run_event_cursor(&self) -> Result<i64, DbError> {
        const SQL: &str = "-- registry.run_event_cursor\nSELECT sequence FROM run_event_cursor";
        Ok(self.db.client().await?.query_one(SQL, &[]).await?.get(0))
    }

    /// Applies events, in rising order of their sequence numbers; those up to the cursor have been applied, and are
    /// skipped. An event without effect only moves the cursor.
    ///
    /// # Errors
    ///
    /// Only of the database; then none of them was applied.
    pub async fn apply_run_events(&self, batch: &[(i64, Option<RunEffect>)]) -> Result<(), DbError> {
        let applied = self.db.run_tx("registry.apply_run_events", |tx| {
            async move {
                let mut cursor = lock_cursor(tx).await?;
                let (mut wished, mut entries) = (false, Vec::new());
                for (sequence, effect) in batch {
                    if *sequence <= cursor {
                        continue;
                    }
                    cursor = *sequence;
                    if let Some(effect) = effect {
                        wished |= apply(tx, effect, &mut entries).await?;
                    }
                }
                move_cursor(tx, cursor).await?;
                let entries: Vec<_> = entries.iter().map(|(import_id, entry)| (*import_id, entry)).collect();
                events::insert(tx, &entries).await?;
                Ok::<_, DbError>(wished)
            }
            .scope_boxed()
        });
        if applied.await? {
            self.outbox_filled.notify_one();
        }
        self.events_added.notify_waiters();
        Ok(())
    }
}

async fn lock_cursor(tx: &Tx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "-- registry.lock_cursor\nSELECT sequence FROM run_event_cursor FOR UPDATE";
    Ok(tx.query_one(SQL, &[]).await?.get(0))
}

async fn move_cursor(tx: &Tx<'_>, sequence: i64) -> Result<(), DbError> {
    const SQL: &str = "-- registry.move_cursor\nUPDATE run_event_cursor SET sequence = $1 WHERE sequence < $1";
    tx.execute(SQL, &[&sequence]).await.map(drop)
}

/// What the audit trail is to say about imports, in the order in which it happened.
type Entries<'a> = Vec<(&'a ImportId, NewEvent)>;

/// Returns whether there is a wish for the queue now. An import that is gone is no trouble: neither is its run.
async fn apply<'a>(tx: &Tx<'_>, effect: &'a RunEffect, entries: &mut Entries<'a>) -> Result<bool, DbError> {
    let import = change_import::lock_import(tx, &effect.import_id).await?;
    let Some(import) = import.filter(|import| effect.is_about(import)) else { return Ok(false) };
    write_history(tx, &import.import_id, &effect.history_after(&import)).await?;
    entries.extend(effect.events(&import.history).into_iter().map(|entry| (&effect.import_id, entry)));
    apply_stop(tx, &import, effect, entries).await
}

async fn apply_stop<'a>(
    tx: &Tx<'_>,
    import: &Import,
    effect: &'a RunEffect,
    entries: &mut Entries<'a>,
) -> Result<bool, DbError> {
    let Some(stop) = effect.stop() else { return Ok(false) };
    match workflow::stop(import, &stop) {
        StopVerdict::Stale => Ok(false),
        StopVerdict::Noted => note_stop(tx, &import.import_id).await.map(|()| false),
        StopVerdict::Failing(decision) => {
            change_import::write_intent(tx, &import.import_id, &decision).await?;
            entries.push((&effect.import_id, decision.event));
            Ok(true)
        }
    }
}

async fn write_history(tx: &Tx<'_>, import_id: &ImportId, history: &RunHistory) -> Result<(), DbError> {
    const SQL: &str = "-- registry.write_history
        UPDATE import
           SET last_run_id = $2, last_outcome = $3, last_message = $4, last_success_at = $5,
               consecutive_failure_count = $6, failing_since = $7
         WHERE import_id = $1";
    let values: [&(dyn codeimport_pg::ToSql + Sync); 7] = [
        &import_id.as_str(),
        &history.last_run_id,
        &history.last_outcome.map(codeimport_core::Outcome::name),
        &history.last_message,
        &history.last_success_at,
        &history.consecutive_failure_count,
        &history.failing_since,
    ];
    tx.execute(SQL, &values).await.map(drop)
}

async fn note_stop(tx: &Tx<'_>, import_id: &ImportId) -> Result<(), DbError> {
    const SQL: &str = "-- registry.note_stop\nUPDATE import SET stopped_by_queue = true WHERE import_id = $1";
    tx.execute(SQL, &[&import_id.as_str()]).await.map(drop)
}
