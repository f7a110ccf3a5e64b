//! What is shown of triggers, webhooks and deliveries.

use super::{event::type_name, time};
use codeimport_proto::{convert, registry};
use jiff::Timestamp;
use serde::Serialize;

/// One webhook; its secret only where it was just made.
#[derive(Serialize)]
pub(crate) struct WebhookView {
    pub(crate) webhook_id: String,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) owner: String,
    pub(crate) import_id: String,
    pub(crate) import_owner: String,
    pub(crate) labels: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) is_paused: bool,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) secret: Option<String>,
}

impl WebhookView {
    /// From what the registry says.
    pub(crate) fn new(webhook: registry::Webhook, secret: Option<String>) -> Self {
        let filter = webhook.filter.unwrap_or_default();
        Self {
            types: filter.types().map(type_name).collect(),
            webhook_id: webhook.webhook_id,
            url: webhook.url,
            description: webhook.description,
            owner: webhook.owner,
            import_id: filter.import_id,
            import_owner: filter.owner,
            labels: filter.labels,
            is_paused: webhook.is_paused,
            create_time: time(webhook.create_time),
            secret,
        }
    }
}

/// One delivery.
#[derive(Serialize)]
pub(crate) struct DeliveryView {
    pub(crate) delivery_id: i64,
    pub(crate) event_id: i64,
    /// `waiting`, `delivered`, `given_up`.
    pub(crate) state: String,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) next_attempt_time: Option<Timestamp>,
    pub(crate) attempt_count: i32,
    pub(crate) attempt_time: Option<Timestamp>,
    pub(crate) http_status: Option<i32>,
    pub(crate) latency_ms: Option<u64>,
    pub(crate) answer: String,
    pub(crate) error: String,
}

impl DeliveryView {
    /// From what the registry says.
    pub(crate) fn new(delivery: registry::WebhookDelivery) -> Self {
        let latency = delivery.latency.as_ref().and_then(convert::duration_from_wire);
        Self {
            state: delivery.state().as_str_name().trim_start_matches("DELIVERY_STATE_").to_lowercase(),
            delivery_id: delivery.delivery_id,
            event_id: delivery.event_id,
            create_time: time(delivery.create_time),
            next_attempt_time: time(delivery.next_attempt_time),
            attempt_count: delivery.attempt_count,
            attempt_time: time(delivery.attempt_time),
            http_status: (delivery.http_status != 0).then_some(delivery.http_status),
            latency_ms: latency.and_then(|latency| latency.as_millis().try_into().ok()),
            answer: delivery.answer,
            error: delivery.error,
        }
    }
}

/// One trigger; its secret only where it was just made.
#[derive(Serialize)]
pub(crate) struct TriggerView {
    pub(crate) import_id: String,
    pub(crate) path: String,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) push_time: Option<Timestamp>,
    pub(crate) secret: Option<String>,
}

impl TriggerView {
    /// From what the registry says.
    pub(crate) fn new(trigger: registry::Trigger, secret: Option<String>) -> Self {
        Self {
            import_id: trigger.import_id,
            path: trigger.path,
            create_time: time(trigger.create_time),
            push_time: time(trigger.push_time),
            secret,
        }
    }
}
