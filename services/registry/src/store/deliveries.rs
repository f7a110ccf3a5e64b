//! Deliveries of webhooks: what was tried, and what came of it.

use super::{Store, rows::to_milliseconds};
use crate::{
    error::RegistryError,
    webhook::{Answer, Delivery, DeliveryState, Verdict, WebhookId},
};
use codeimport_pg::{
    DbError, Row, ToSql,
    row::{get, millis_opt},
};
use jiff::Timestamp;
use std::time::Duration;

/// So many rows are deleted by one statement.
const PRUNED: i64 = 10_000;

macro_rules! columns {
    () => {
        "delivery_id, event_id, state, created_at, next_attempt_at, attempt_count, attempted_at, http_status, \
         latency_ms, answer, error"
    };
}

impl Store {
    /// Writes down what came of an attempt. Nothing happens if another process has written down the same attempt.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn record_attempt(
        &self,
        delivery_id: i64,
        attempt: i32,
        answer: &Answer,
        verdict: Verdict,
    ) -> Result<(), DbError> {
        const SQL: &str = "-- registry.record_attempt
            UPDATE webhook_delivery
               SET attempt_count = $2, state = $3, next_attempt_at = now() + $4::bigint * interval '1 millisecond',
                   attempted_at = now(), http_status = $5, latency_ms = $6, answer = $7, error = $8
             WHERE delivery_id = $1 AND state = 'waiting' AND attempt_count = $2 - 1";
        let (state, pause) = match verdict {
            Verdict::Delivered => (DeliveryState::Delivered, Duration::ZERO),
            Verdict::Retry(pause) => (DeliveryState::Waiting, pause),
            Verdict::GivenUp => (DeliveryState::GivenUp, Duration::ZERO),
        };
        let (pause_ms, latency_ms) = (to_milliseconds(pause), to_milliseconds(answer.latency));
        let status = answer.status.map(i32::from);
        let values: [&(dyn ToSql + Sync); 8] =
            [&delivery_id, &attempt, &state.name(), &pause_ms, &status, &latency_ms, &answer.body, &answer.error];
        self.db.client().await?.execute(SQL, &values).await.map(drop)
    }

    /// At most `limit` deliveries of a webhook, newest first, those before `before`.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_deliveries(&self, id: &WebhookId, before: i64, limit: u32) -> Result<Vec<Delivery>, DbError> {
        const SQL: &str = concat!(
            "-- registry.list_deliveries\nSELECT ",
            columns!(),
            " FROM webhook_delivery WHERE webhook_id = $1 AND delivery_id < $2 ORDER BY delivery_id DESC LIMIT $3"
        );
        let rows = self.db.client().await?.query(SQL, &[&id.as_str(), &before, &i64::from(limit)]).await?;
        rows.iter().map(delivery).collect()
    }

    /// Sends what was sent once more, as a delivery of its own behind those that wait.
    ///
    /// # Errors
    ///
    /// `DeliveryNotFound`.
    pub async fn redeliver(&self, id: &WebhookId, delivery_id: i64) -> Result<Delivery, RegistryError> {
        const SQL: &str = concat!(
            "-- registry.redeliver
            INSERT INTO webhook_delivery (webhook_id, event_id, body)
            SELECT webhook_id, event_id, body FROM webhook_delivery WHERE webhook_id = $1 AND delivery_id = $2
            RETURNING ",
            columns!()
        );
        let row = self.db.client().await?.query_opt(SQL, &[&id.as_str(), &delivery_id]).await?;
        let row = row.ok_or_else(|| RegistryError::DeliveryNotFound(id.to_string(), delivery_id))?;
        self.events_added.notify_waiters();
        Ok(delivery(&row)?)
    }

    /// Deletes some deliveries that are over and older than this; returns how many.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_deliveries(&self, before: Timestamp) -> Result<u64, DbError> {
        const SQL: &str = "-- registry.prune_deliveries
            DELETE FROM webhook_delivery
             WHERE delivery_id = ANY (ARRAY(SELECT delivery_id FROM webhook_delivery
                                             WHERE state <> 'waiting' AND created_at < $1 LIMIT $2))";
        self.db.client().await?.execute(SQL, &[&before, &PRUNED]).await
    }
}

fn delivery(row: &Row) -> Result<Delivery, DbError> {
    let state: String = get(row, "state")?;
    let known = DeliveryState::ALL.into_iter().find(|known| known.name() == state);
    let status: Option<i32> = get(row, "http_status")?;
    Ok(Delivery {
        delivery_id: get(row, "delivery_id")?,
        event_id: get(row, "event_id")?,
        state: known.ok_or_else(|| DbError::decode("state", &state))?,
        created_at: get(row, "created_at")?,
        next_attempt_at: get(row, "next_attempt_at")?,
        attempt_count: get(row, "attempt_count")?,
        attempted_at: get(row, "attempted_at")?,
        answer: Answer {
            status: status.and_then(|status| status.try_into().ok()),
            latency: millis_opt(row, "latency_ms")?.unwrap_or_default(),
            body: get(row, "answer")?,
            error: get(row, "error")?,
            retry_after: Duration::ZERO,
        },
    })
}
