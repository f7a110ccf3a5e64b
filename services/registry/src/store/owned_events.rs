//! What was done to credentials and webhooks: rows are added, and deleted once they are old.

use super::{Store, rows::json};
use crate::owned::{Kind, NewOwnedEvent, OwnedEvent};
use codeimport_pg::{
    DbError, Row, ToSql, Tx,
    row::{get, parsed},
};
use jiff::Timestamp;

/// So many are deleted by one statement.
const PRUNED: i64 = 10_000;

impl Store {
    /// At most `limit` entries about things of a kind, newest first, those before `before`; of one of them if `owned_id` names it,
    /// and only of these owners, if any are given.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_owned_events(
        &self,
        kind: Kind,
        owned_id: &str,
        owners: Option<&[String]>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<OwnedEvent>, DbError> {
        const SQL: &str = "-- registry.list_owned_events
            SELECT event_id, owned_id, owner, type, actor, occurred_at, changes
              FROM owned_event
             WHERE kind = $1 AND ($2 = '' OR owned_id = $2) AND ($3::text[] IS NULL OR owner = ANY ($3)) AND event_id < $4
             ORDER BY event_id DESC LIMIT $5";
        let values: [&(dyn ToSql + Sync); 5] = [&kind.name(), &owned_id, &owners, &before, &i64::from(limit)];
        let rows = self.db.client().await?.query(SQL, &values).await?;
        rows.iter().map(|row| owned_event(kind, row)).collect()
    }

    /// Deletes some entries that are older than this; returns how many.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_owned_events(&self, before: Timestamp) -> Result<u64, DbError> {
        const SQL: &str = "-- registry.prune_owned_events
            DELETE FROM owned_event WHERE event_id IN (
                SELECT event_id FROM owned_event WHERE occurred_at < $1 ORDER BY occurred_at LIMIT $2)";
        self.db.client().await?.execute(SQL, &[&before, &PRUNED]).await
    }
}

/// Adds an entry, in the transaction of what it tells.
pub(super) async fn insert(tx: &Tx<'_>, event: &NewOwnedEvent) -> Result<(), DbError> {
    const SQL: &str = "-- registry.insert_owned_event
        INSERT INTO owned_event (kind, owned_id, owner, type, actor, changes) VALUES ($1, $2, $3, $4, $5, $6)";
    let changes = serde_json::to_value(&event.changes).map_err(|error| DbError::decode("changes", &error))?;
    let values: [&(dyn ToSql + Sync); 6] =
        [&event.kind.name(), &event.owned_id, &event.owner, &event.deed.name(), &event.actor, &changes];
    tx.execute(SQL, &values).await.map(drop)
}

fn owned_event(kind: Kind, row: &Row) -> Result<OwnedEvent, DbError> {
    Ok(OwnedEvent {
        event_id: get(row, "event_id")?,
        occurred_at: get(row, "occurred_at")?,
        event: NewOwnedEvent {
            kind,
            owned_id: get(row, "owned_id")?,
            owner: get(row, "owner")?,
            deed: parsed(row, "type")?,
            actor: get(row, "actor")?,
            changes: json(row, "changes")?,
        },
    })
}
