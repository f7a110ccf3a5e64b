//! Triggers, webhooks and deliveries as text.

use super::Output;
use super::stdout::outln;
use crate::view::{DeliveryView, TriggerView, WebhookView};

impl Output {
    /// One webhook, a line; its secret, if it was just made.
    pub(crate) fn webhook(self, webhook: &WebhookView) {
        if self.json {
            return Self::json(webhook);
        }
        let types = if webhook.types.is_empty() { "everything".to_owned() } else { webhook.types.join(", ") };
        let paused = if webhook.is_paused { "  (paused)" } else { "" };
        outln!("{}  {}  {types}, of {}{paused}", webhook.webhook_id, webhook.url, webhook.owner);
        print_secret(webhook.secret.as_deref());
    }

    /// One trigger; its secret, if it was just made.
    pub(crate) fn trigger(self, trigger: &TriggerView) {
        if self.json {
            return Self::json(trigger);
        }
        let last = trigger.push_time.map_or("never".to_owned(), |time| time.strftime("%F %T UTC").to_string());
        outln!("{}  POST {}  last push: {last}", trigger.import_id, trigger.path);
        print_secret(trigger.secret.as_deref());
    }

    /// One delivery, a line.
    pub(crate) fn delivery(self, delivery: &DeliveryView) {
        if self.json {
            return Self::json(delivery);
        }
        let time = delivery.attempt_time.or(delivery.create_time).map(|t| t.strftime("%F %T").to_string());
        let said = match (delivery.http_status, delivery.latency_ms) {
            (Some(status), Some(ms)) => format!("{status} in {ms} ms"),
            _ => delivery.error.clone(),
        };
        outln!(
            "{:>6}  {}  event {}  {}, attempt {}  {said}",
            delivery.delivery_id,
            time.unwrap_or_default(),
            delivery.event_id,
            delivery.state.replace('_', " "),
            delivery.attempt_count
        );
    }
}

fn print_secret(secret: Option<&str>) {
    if let Some(secret) = secret {
        outln!("  secret: {secret}");
        outln!("  It is not shown again.");
    }
}
