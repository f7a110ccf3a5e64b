//! Takes old entries out of the audit trail, a bounded number at a time.

use super::Store;
use codeimport_pg::DbError;
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;

/// So many entries are looked at by one statement: far below its time-out, on any machine.
const BATCH: i64 = 10_000;

/// One replica at a time; the others find the work done.
const LOCK_ID: i64 = 0x7265_7465_6e74;

/// How far pruning has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pruned {
    /// Entries that are gone now.
    pub deleted: u64,
    /// The last entry that was looked at; none if there are no more, or if another replica is at it.
    pub last_event_id: Option<i64>,
}

impl Store {
    /// Looks at the next entries behind `after` that are older than `before`, and deletes them but for the newest
    /// `kept_results` results of runs of each import.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_events(&self, after: i64, before: Timestamp, kept_results: i64) -> Result<Pruned, DbError> {
        const TAKE_TURN: &str = "-- registry.take_turn_to_prune\nSELECT pg_try_advisory_xact_lock($1) AS mine";
        // The index of an import's entries tells the newest results without the table of all.
        const SQL: &str = "-- registry.prune_events
            WITH old AS (
                SELECT event_id, import_id, type, occurred_at FROM import_event
                 WHERE event_id > $1 ORDER BY event_id LIMIT $4
            ), gone AS (
                DELETE FROM import_event USING old
                 WHERE import_event.event_id = old.event_id
                   AND old.occurred_at < $2
                   AND (old.type <> 'run_finished'
                        OR (SELECT count(*) FROM (SELECT FROM import_event newer
                                                   WHERE newer.import_id = old.import_id
                                                     AND newer.event_id > old.event_id
                                                     AND newer.type = 'run_finished'
                                                   LIMIT $3) AS newer_results) >= $3)
                RETURNING import_event.event_id
            ), horizon AS (
                UPDATE import_event_horizon SET pruned_up_to = greatest(pruned_up_to, (SELECT max(event_id) FROM gone))
                 WHERE EXISTS (SELECT FROM gone)
            )
            SELECT (SELECT count(*) FROM gone) AS deleted,
                   (SELECT max(event_id) FROM old WHERE occurred_at < $2) AS last_event_id";
        let pruned = self.db.run_tx("registry.prune_events", |tx| {
            async move {
                let mine: bool = tx.query_one(TAKE_TURN, &[&LOCK_ID]).await?.get("mine");
                if !mine {
                    return Ok(Pruned { deleted: 0, last_event_id: None });
                }
                let row = tx.query_one(SQL, &[&after, &before, &kept_results, &BATCH]).await?;
                let deleted: i64 = row.get("deleted");
                Ok::<_, DbError>(Pruned { deleted: deleted.unsigned_abs(), last_event_id: row.get("last_event_id") })
            }
            .scope_boxed()
        });
        pruned.await
    }
}
