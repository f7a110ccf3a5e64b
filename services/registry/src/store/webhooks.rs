//! Webhooks: what people decide about them, and how far each has come in the audit trail.

use super::{Store, owned_events, rows::json, secrets};
use crate::{
    error::RegistryError,
    key_ring::Sealed,
    owned::{self, Deed, Kind, NewOwnedEvent},
    webhook::{DueDelivery, DueWebhook, Webhook, WebhookId, WebhookIntent, secret_name},
};
use codeimport_pg::{
    DbError, Row, ToSql,
    row::{get, parsed},
};
use scoped_futures::ScopedFutureExt as _;
use std::collections::BTreeSet;

macro_rules! columns {
    () => {
        "webhook_id, url, description, owner, filter, is_paused, created_at, version"
    };
}

impl Store {
    /// Stores a webhook that is told what happens from now on; none if its id is taken.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn create_webhook(
        &self,
        id: &WebhookId,
        intent: &WebhookIntent,
        secret: &Sealed,
        actor: &str,
    ) -> Result<Option<Webhook>, DbError> {
        const SQL: &str = concat!(
            "-- registry.create_webhook
            INSERT INTO webhook (webhook_id, url, description, owner, filter, is_paused, cursor)
            SELECT $1, $2, $3, $4, $5, $6, greatest(pruned_up_to, (SELECT max(event_id) FROM import_event))
              FROM import_event_horizon
            ON CONFLICT DO NOTHING
            RETURNING ",
            columns!()
        );
        let created = self.db.run_tx("registry.create_webhook", |tx| {
            async move {
                let filter = filter_json(intent)?;
                let WebhookIntent { url, description, owner, is_paused, .. } = intent;
                let values: [&(dyn ToSql + Sync); 6] = [&id.as_str(), url, description, owner, &filter, is_paused];
                let created = tx.query_opt(SQL, &values).await?.as_ref().map(webhook).transpose()?;
                if created.is_some() {
                    secrets::put(tx, &secret_name(id.as_str()), secret).await?;
                    owned_events::insert(tx, &event(Deed::Created, id, None, Some(intent), actor)).await?;
                }
                Ok::<_, DbError>(created)
            }
            .scope_boxed()
        });
        created.await
    }

    /// A webhook.
    ///
    /// # Errors
    ///
    /// `WebhookNotFound`.
    pub async fn webhook(&self, id: &WebhookId) -> Result<Webhook, RegistryError> {
        const SQL: &str = concat!("-- registry.webhook\nSELECT ", columns!(), " FROM webhook WHERE webhook_id = $1");
        let row = self.db.client().await?.query_opt(SQL, &[&id.as_str()]).await?;
        Ok(webhook(&row.ok_or_else(|| not_found(id))?)?)
    }

    /// At most `limit` webhooks in order of their ids, those after `after`; only of these owners, if any are given.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_webhooks(
        &self,
        owners: Option<&[String]>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Webhook>, DbError> {
        const SQL: &str = concat!(
            "-- registry.list_webhooks\nSELECT ",
            columns!(),
            " FROM webhook
             WHERE webhook_id > $1 AND ($2::text[] IS NULL OR owner = ANY ($2))
             ORDER BY webhook_id LIMIT $3"
        );
        let rows = self.db.client().await?.query(SQL, &[&after, &owners, &i64::from(limit)]).await?;
        rows.iter().map(webhook).collect()
    }

    /// Replaces what was decided about a webhook.
    ///
    /// # Errors
    ///
    /// `ETAG_MISMATCH` if it is no longer what it was before.
    pub async fn update_webhook(
        &self,
        before: &Webhook,
        intent: &WebhookIntent,
        actor: &str,
    ) -> Result<Webhook, RegistryError> {
        const SQL: &str = concat!(
            "-- registry.update_webhook
            UPDATE webhook
               SET url = $3, description = $4, owner = $5, filter = $6, is_paused = $7, version = version + 1
             WHERE webhook_id = $1 AND version = $2
            RETURNING ",
            columns!()
        );
        let updated = self.db.run_tx("registry.update_webhook", |tx| {
            async move {
                let (id, filter) = (&before.webhook_id, filter_json(intent)?);
                let WebhookIntent { url, description, owner, is_paused, .. } = intent;
                let values: [&(dyn ToSql + Sync); 7] =
                    [&id.as_str(), &before.version, url, description, owner, &filter, is_paused];
                let row = tx.query_opt(SQL, &values).await?;
                let updated = webhook(&row.ok_or_else(|| owned::changed_meanwhile(Kind::Webhook, id))?)?;
                let event = event(Deed::Updated, id, Some(&before.intent), Some(intent), actor);
                owned_events::insert(tx, &event).await?;
                Ok::<_, RegistryError>(updated)
            }
            .scope_boxed()
        });
        updated.await
    }

    /// Puts another signing secret into the place of the one that is stored.
    ///
    /// # Errors
    ///
    /// `ETAG_MISMATCH` if it is no longer what it was before.
    pub async fn rotate_webhook_secret(
        &self,
        before: &Webhook,
        secret: &Sealed,
        actor: &str,
    ) -> Result<(), RegistryError> {
        const SQL: &str = "-- registry.rotate_webhook_secret
            UPDATE webhook SET version = version + 1 WHERE webhook_id = $1 AND version = $2";
        let rotated = self.db.run_tx("registry.rotate_webhook_secret", |tx| {
            async move {
                let id = &before.webhook_id;
                if tx.execute(SQL, &[&id.as_str(), &before.version]).await? == 0 {
                    return Err(owned::changed_meanwhile(Kind::Webhook, id).into());
                }
                secrets::put(tx, &secret_name(id.as_str()), secret).await?;
                let event = event(Deed::Rotated, id, Some(&before.intent), Some(&before.intent), actor);
                Ok(owned_events::insert(tx, &event).await?)
            }
            .scope_boxed()
        });
        rotated.await
    }

    /// Deletes a webhook with its secret and its delivery log.
    ///
    /// # Errors
    ///
    /// `ETAG_MISMATCH` if it is no longer what it was before.
    pub async fn delete_webhook(&self, before: &Webhook, actor: &str) -> Result<(), RegistryError> {
        const SQL: &str = "-- registry.delete_webhook\nDELETE FROM webhook WHERE webhook_id = $1 AND version = $2";
        let deleted = self.db.run_tx("registry.delete_webhook", |tx| {
            async move {
                let id = &before.webhook_id;
                if tx.execute(SQL, &[&id.as_str(), &before.version]).await? == 0 {
                    return Err(owned::changed_meanwhile(Kind::Webhook, id).into());
                }
                secrets::delete(tx, &secret_name(id.as_str())).await?;
                Ok(owned_events::insert(tx, &event(Deed::Deleted, id, Some(&before.intent), None, actor)).await?)
            }
            .scope_boxed()
        });
        deleted.await
    }

    /// At most `limit` webhooks that have something to do now, other than those that are `busy`.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn due_webhooks(&self, busy: &BTreeSet<WebhookId>, limit: usize) -> Result<Vec<DueWebhook>, DbError> {
        const SQL: &str = "-- registry.due_webhooks
            SELECT webhook.webhook_id, url, filter, cursor, delivery_id, event_id, body, attempt_count
              FROM webhook
              -- The first one that waits: the others wait for it.
              LEFT JOIN LATERAL (SELECT delivery_id, event_id, body, attempt_count, next_attempt_at
                                   FROM webhook_delivery
                                  WHERE webhook_delivery.webhook_id = webhook.webhook_id AND state = 'waiting'
                                  ORDER BY delivery_id LIMIT 1) AS delivery ON true
             WHERE NOT is_paused
               AND webhook.webhook_id <> ALL ($1)
               AND CASE WHEN delivery_id IS NULL THEN cursor < (SELECT max(event_id) FROM import_event)
                        ELSE next_attempt_at <= now() END
             LIMIT $2";
        if limit == 0 {
            return Ok(Vec::new());
        }
        let busy: Vec<_> = busy.iter().map(WebhookId::as_str).collect();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.db.client().await?.query(SQL, &[&busy, &limit]).await?;
        rows.iter().map(due_webhook).collect()
    }

    /// Moves a webhook on in the trail; if there is a body, a delivery of the event that it has come to is due. Nothing
    /// happens if it is no longer where it was.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn move_webhook(&self, id: &WebhookId, from: i64, to: i64, body: Option<&str>) -> Result<(), DbError> {
        const SQL: &str = "-- registry.move_webhook
            WITH moved AS (
                UPDATE webhook SET cursor = $3 WHERE webhook_id = $1 AND cursor = $2 RETURNING webhook_id
            )
            INSERT INTO webhook_delivery (webhook_id, event_id, body)
            SELECT webhook_id, $3, $4 FROM moved WHERE $4::text IS NOT NULL";
        self.db.client().await?.execute(SQL, &[&id.as_str(), &from, &to, &body]).await.map(drop)
    }
}

fn not_found(id: &WebhookId) -> RegistryError {
    RegistryError::WebhookNotFound(id.to_string())
}

fn filter_json(intent: &WebhookIntent) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(&intent.filter).map_err(|error| DbError::decode("filter", &error))
}

/// Of a webhook that there was, or is.
fn event(
    deed: Deed,
    id: &WebhookId,
    before: Option<&WebhookIntent>,
    after: Option<&WebhookIntent>,
    actor: &str,
) -> NewOwnedEvent {
    let owner = after.or(before).map(|intent| intent.owner.clone()).unwrap_or_default();
    let changes = owned::webhook_changes(before, after);
    NewOwnedEvent { kind: Kind::Webhook, owned_id: id.to_string(), owner, deed, actor: actor.to_owned(), changes }
}

fn webhook(row: &Row) -> Result<Webhook, DbError> {
    Ok(Webhook {
        webhook_id: parsed(row, "webhook_id")?,
        intent: WebhookIntent {
            url: get(row, "url")?,
            description: get(row, "description")?,
            owner: get(row, "owner")?,
            filter: json(row, "filter")?,
            is_paused: get(row, "is_paused")?,
        },
        created_at: get(row, "created_at")?,
        version: get(row, "version")?,
    })
}

fn due_webhook(row: &Row) -> Result<DueWebhook, DbError> {
    let delivery = match get::<Option<i64>>(row, "delivery_id")? {
        Some(delivery_id) => Some(DueDelivery {
            delivery_id,
            event_id: get(row, "event_id")?,
            body: get(row, "body")?,
            attempt_count: get(row, "attempt_count")?,
        }),
        None => None,
    };
    Ok(DueWebhook {
        webhook_id: parsed(row, "webhook_id")?,
        url: get(row, "url")?,
        filter: json(row, "filter")?,
        cursor: get(row, "cursor")?,
        delivery,
    })
}
