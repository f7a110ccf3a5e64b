//! Triggers of imports, and pushes that the queue has not heard of yet.

use super::{Store, change_import, events, rows::to_milliseconds, secrets};
use crate::{
    audit::NewEvent,
    error::RegistryError,
    key_ring::Sealed,
    trigger::{DueTrigger, Trigger, secret_name},
};
use codeimport_core::ImportId;
use codeimport_pg::{
    DbError, Row,
    row::{get, millis, parsed},
};
use scoped_futures::ScopedFutureExt as _;
use std::time::Duration;

impl Store {
    /// Gives an import a trigger, or the one that it has another secret; which of them, the event tells.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn put_trigger(
        &self,
        import_id: &ImportId,
        secret: &Sealed,
        event: &NewEvent,
    ) -> Result<Trigger, RegistryError> {
        const SQL: &str = "-- registry.put_trigger
            INSERT INTO import_trigger (import_id) SELECT import_id FROM import WHERE import_id = $1
            ON CONFLICT (import_id) DO UPDATE SET import_id = excluded.import_id
            RETURNING import_id, created_at, pushed_at";
        let stored = self.db.run_tx("registry.put_trigger", |tx| {
            async move {
                let row = tx.query_opt(SQL, &[&import_id.as_str()]).await?;
                let trigger = trigger(&row.ok_or_else(|| change_import::not_found(import_id))?)?;
                secrets::put(tx, &secret_name(import_id), secret).await?;
                events::insert(tx, &[(import_id, event)]).await?;
                Ok::<_, RegistryError>(trigger)
            }
            .scope_boxed()
        });
        let stored = stored.await?;
        self.events_added.notify_waiters();
        Ok(stored)
    }

    /// The trigger of an import.
    ///
    /// # Errors
    ///
    /// `TriggerNotFound`.
    pub async fn trigger(&self, import_id: &ImportId) -> Result<Trigger, RegistryError> {
        const SQL: &str = "-- registry.trigger
            SELECT import_id, created_at, pushed_at FROM import_trigger WHERE import_id = $1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str()]).await?;
        Ok(trigger(&row.ok_or_else(|| RegistryError::TriggerNotFound(import_id.clone()))?)?)
    }

    /// Takes an import's trigger away, with its secret.
    ///
    /// # Errors
    ///
    /// `TriggerNotFound`.
    pub async fn delete_trigger(&self, import_id: &ImportId, event: &NewEvent) -> Result<(), RegistryError> {
        const SQL: &str = "-- registry.delete_trigger\nDELETE FROM import_trigger WHERE import_id = $1";
        let deleted = self.db.run_tx("registry.delete_trigger", |tx| {
            async move {
                if tx.execute(SQL, &[&import_id.as_str()]).await? == 0 {
                    return Err(RegistryError::TriggerNotFound(import_id.clone()));
                }
                secrets::delete(tx, &secret_name(import_id)).await?;
                Ok(events::insert(tx, &[(import_id, event)]).await?)
            }
            .scope_boxed()
        });
        deleted.await?;
        self.events_added.notify_waiters();
        Ok(())
    }

    /// Writes a push down; returns how long until the queue is told of it, or none if there is no trigger any more. One
    /// that waits already is the same run.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn note_push(&self, import_id: &ImportId, cool_down: Duration) -> Result<Option<Duration>, DbError> {
        const SQL: &str = "-- registry.note_push
            UPDATE import_trigger
               SET pushed_at = now(),
                   due_at = coalesce(due_at, greatest(now(), told_at + $2::bigint * interval '1 millisecond'))
             WHERE import_id = $1
            RETURNING greatest(ceil(extract(epoch FROM due_at - now()) * 1000), 0)::bigint AS wait_ms";
        let client = self.db.client().await?;
        let row = client.query_opt(SQL, &[&import_id.as_str(), &to_milliseconds(cool_down)]).await?;
        self.pushed.notify_one();
        row.map(|row| millis(&row, "wait_ms")).transpose()
    }

    /// At most `limit` pushes that the queue is to be told of now, oldest first.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn due_triggers(&self, limit: i64) -> Result<Vec<DueTrigger>, DbError> {
        const SQL: &str = "-- registry.due_triggers
            SELECT import_id, pushed_at FROM import_trigger WHERE due_at <= now() ORDER BY due_at LIMIT $1";
        let rows = self.db.client().await?.query(SQL, &[&limit]).await?;
        rows.iter()
            .map(|row| Ok(DueTrigger { import_id: parsed(row, "import_id")?, pushed_at: get(row, "pushed_at")? }))
            .collect()
    }

    /// Notes that the queue has heard of a push. Should another one have come in meanwhile, whose refs the run may have
    /// missed, it waits for the end of the cool-down.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn trigger_told(&self, told: &DueTrigger, cool_down: Duration) -> Result<(), DbError> {
        const SQL: &str = "-- registry.trigger_told
            UPDATE import_trigger
               SET told_at = now(),
                   due_at = CASE WHEN pushed_at > $2 THEN now() + $3::bigint * interval '1 millisecond' END
             WHERE import_id = $1 AND due_at IS NOT NULL";
        let client = self.db.client().await?;
        let values: [&(dyn codeimport_pg::ToSql + Sync); 3] =
            [&told.import_id.as_str(), &told.pushed_at, &to_milliseconds(cool_down)];
        client.execute(SQL, &values).await.map(drop)
    }
}

fn trigger(row: &Row) -> Result<Trigger, DbError> {
    Ok(Trigger {
        import_id: parsed(row, "import_id")?,
        created_at: get(row, "created_at")?,
        pushed_at: get(row, "pushed_at")?,
    })
}
