//! The audit trail: rows are added, never changed.

use super::Store;
use crate::audit::{EventType, FieldChange, NewEvent};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, Tx, row::get};
use jiff::Timestamp;
use serde::Serialize;

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
}

impl Store {
    /// At most `limit` entries, newest first, those before `before`; of one import, or of all if `import_id` is empty.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_events(&self, import_id: &str, before: i64, limit: u32) -> Result<Vec<StoredEvent>, DbError> {
        // Two statements and not one with an OR: each has an index that fits.
        const OF_ONE: &str = "-- registry.list_events
            SELECT event_id, import_id, type, actor, occurred_at, reason, changes
              FROM import_event WHERE import_id = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3";
        const OF_ALL: &str = "-- registry.list_all_events
            SELECT event_id, import_id, type, actor, occurred_at, reason, changes
              FROM import_event WHERE event_id < $1 ORDER BY event_id DESC LIMIT $2";
        let client = self.db.client().await?;
        let limit = i64::from(limit);
        let rows = if import_id.is_empty() {
            client.query(OF_ALL, &[&before, &limit]).await?
        } else {
            client.query(OF_ONE, &[&import_id, &before, &limit]).await?
        };
        rows.iter().map(event).collect()
    }
}

/// A row of `import_event` as JSON.
#[derive(Serialize)]
struct NewRow<'a> {
    import_id: &'a ImportId,
    r#type: &'static str,
    actor: &'a str,
    reason: &'a str,
    changes: &'a [FieldChange],
}

/// Adds entries, in the transaction of what they tell.
pub(super) async fn insert(tx: &Tx<'_>, entries: &[(&ImportId, &NewEvent)]) -> Result<(), DbError> {
    const SQL: &str = "-- registry.insert_events
        INSERT INTO import_event (import_id, type, actor, reason, changes)
        SELECT import_id, type, actor, reason, changes
          FROM jsonb_populate_recordset(NULL::import_event, $1)";
    let rows: Vec<_> = entries.iter().map(|(import_id, event)| NewRow::of(import_id, event)).collect();
    let rows = serde_json::to_value(rows).map_err(|error| DbError::decode("import_event", &error))?;
    tx.execute(SQL, &[&rows]).await.map(drop)
}

impl<'a> NewRow<'a> {
    fn of(import_id: &'a ImportId, event: &'a NewEvent) -> Self {
        let (actor, reason, changes) = (&event.actor, &event.reason, &event.changes);
        Self { import_id, r#type: event.event_type.name(), actor, reason, changes }
    }
}

fn event(row: &Row) -> Result<StoredEvent, DbError> {
    let name: String = get(row, "type")?;
    let event_type = EventType::from_name(&name).ok_or_else(|| DbError::decode("type", &name))?;
    let changes: Vec<FieldChange> =
        serde_json::from_value(get(row, "changes")?).map_err(|error| DbError::decode("changes", &error))?;
    Ok(StoredEvent {
        event_id: get(row, "event_id")?,
        import_id: get(row, "import_id")?,
        occurred_at: get(row, "occurred_at")?,
        event: NewEvent { event_type, actor: get(row, "actor")?, reason: get(row, "reason")?, changes },
    })
}
