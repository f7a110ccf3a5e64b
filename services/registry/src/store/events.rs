//! The audit trail: rows are added, never changed.
//!
//! Entries become visible in the order of their ids, so that who has seen one has seen all before it: whoever adds some
//! holds the event lock from before the first id is drawn until the commit. It is the last lock that a transaction
//! takes, and it is held for one round trip.

use super::{Store, rows::json};
use crate::audit::{FieldChange, NewEvent};
use codeimport_core::ImportId;
use codeimport_pg::{
    DbError, Row, Statement, Tx,
    row::{get, parsed},
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One writer of the trail at a time.
const EVENT_LOCK_ID: i64 = 0x6576_656e_7473;

/// One entry of the trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// Position in the trail.
    pub event_id: i64,
    /// The import.
    pub import_id: String,
    /// When.
    pub occurred_at: Timestamp,
    /// What, by whom, why.
    pub event: NewEvent,
    /// Whose import it was then.
    pub owner: String,
    /// The import's labels then.
    pub labels: BTreeMap<String, String>,
}

macro_rules! columns {
    () => {
        "event_id, import_id, type, actor, occurred_at, reason, changes, omitted_change_count, run_id, owner, labels"
    };
}

impl Store {
    /// At most `limit` entries, newest first, those before `before`; of one import, or of all if `import_id` is empty.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_events(&self, import_id: &str, before: i64, limit: u32) -> Result<Vec<StoredEvent>, DbError> {
        // Two statements and not one with an OR: each has an index that fits.
        const OF_ONE: &str = concat!(
            "-- registry.list_events\nSELECT ",
            columns!(),
            " FROM import_event WHERE import_id = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3"
        );
        const OF_ALL: &str = concat!(
            "-- registry.list_all_events\nSELECT ",
            columns!(),
            " FROM import_event WHERE event_id < $1 ORDER BY event_id DESC LIMIT $2"
        );
        let client = self.db.client().await?;
        let limit = i64::from(limit);
        let rows = if import_id.is_empty() {
            client.query(OF_ALL, &[&before, &limit]).await?
        } else {
            client.query(OF_ONE, &[&import_id, &before, &limit]).await?
        };
        rows.iter().map(event).collect()
    }

    /// At most `limit` entries, oldest first, those after `after`.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn events_after(&self, after: i64, limit: i64) -> Result<Vec<StoredEvent>, DbError> {
        const SQL: &str = concat!(
            "-- registry.events_after\nSELECT ",
            columns!(),
            " FROM import_event WHERE event_id > $1 ORDER BY event_id LIMIT $2"
        );
        let rows = self.db.client().await?.query(SQL, &[&after, &limit]).await?;
        rows.iter().map(event).collect()
    }

    /// The last entry that is visible, and the last one that was pruned; 0 for none.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn event_bounds(&self) -> Result<EventBounds, DbError> {
        const SQL: &str = "-- registry.event_bounds
            SELECT pruned_up_to, greatest(pruned_up_to, (SELECT max(event_id) FROM import_event)) AS newest
              FROM import_event_horizon";
        let row = self.db.client().await?.query_one(SQL, &[]).await?;
        Ok(EventBounds { newest: get(&row, "newest")?, pruned_up_to: get(&row, "pruned_up_to")? })
    }
}

/// Between which ids the trail is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventBounds {
    /// The last entry that is visible.
    pub newest: i64,
    /// The last entry that was pruned.
    pub pruned_up_to: i64,
}

/// A row of `import_event` as JSON.
#[derive(Serialize)]
struct NewRow<'a> {
    import_id: &'a ImportId,
    r#type: &'static str,
    actor: &'a str,
    reason: &'a str,
    changes: &'a [FieldChange],
    omitted_change_count: i64,
    run_id: i64,
}

/// Adds entries in their order, in the transaction of what they tell; after all else that may wait for a lock, and
/// before the row of an import is deleted.
pub(super) async fn insert(tx: &Tx<'_>, entries: &[(&ImportId, &NewEvent)]) -> Result<(), DbError> {
    const LOCK: &str = "-- registry.lock_events\nSELECT pg_advisory_xact_lock($1)";
    const SQL: &str = "-- registry.insert_events
        INSERT INTO import_event
               (import_id, type, actor, reason, changes, omitted_change_count, run_id, owner, labels)
        SELECT new.import_id, new.type, new.actor, new.reason, new.changes, new.omitted_change_count, new.run_id,
               coalesce(import.owner, ''), coalesce(import.labels, '{}')
          FROM jsonb_populate_recordset(NULL::import_event, $1) WITH ORDINALITY AS new
          LEFT JOIN import ON import.import_id = new.import_id
         ORDER BY new.ordinality";
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries.iter().map(|(import_id, event)| NewRow::of(import_id, event)).collect();
    let rows = serde_json::to_value(rows).map_err(|error| DbError::decode("import_event", &error))?;
    tx.pipeline(&[Statement::new(LOCK).bind(EVENT_LOCK_ID), Statement::new(SQL).bind(rows)]).await.map(drop)
}

impl<'a> NewRow<'a> {
    fn of(import_id: &'a ImportId, event: &'a NewEvent) -> Self {
        let NewEvent { event_type, actor, reason, changes, run_id, omitted_change_count } = event;
        let (run_id, omitted_change_count) = (*run_id, *omitted_change_count);
        Self { import_id, r#type: event_type.name(), actor, reason, changes, omitted_change_count, run_id }
    }
}

fn event(row: &Row) -> Result<StoredEvent, DbError> {
    let changes = json(row, "changes")?;
    Ok(StoredEvent {
        event_id: get(row, "event_id")?,
        import_id: get(row, "import_id")?,
        occurred_at: get(row, "occurred_at")?,
        event: NewEvent {
            event_type: parsed(row, "type")?,
            actor: get(row, "actor")?,
            reason: get(row, "reason")?,
            changes,
            run_id: get(row, "run_id")?,
            omitted_change_count: get(row, "omitted_change_count")?,
        },
        owner: get(row, "owner")?,
        labels: json(row, "labels")?,
    })
}
