//! Webhooks and deliveries as the wire has them.

use crate::{
    event_filter::EventFilter,
    owned,
    webhook::{Delivery, DeliveryState, Webhook},
};
use codeimport_kit::Violations;
use codeimport_proto::{
    convert::{duration_to_wire, event_type_to_wire, timestamp_to_wire},
    registry as wire,
};

pub(super) fn webhook(webhook: Webhook) -> wire::Webhook {
    let intent = webhook.intent;
    wire::Webhook {
        etag: owned::etag(webhook.version),
        webhook_id: webhook.webhook_id.to_string(),
        url: intent.url,
        description: intent.description,
        owner: intent.owner,
        filter: Some(filter(intent.filter)),
        is_paused: intent.is_paused,
        create_time: Some(timestamp_to_wire(webhook.created_at)),
    }
}

fn filter(filter: EventFilter) -> wire::ImportEventFilter {
    let label = |(key, value): (String, Option<String>)| value.map(|value| format!("{key}={value}")).unwrap_or(key);
    wire::ImportEventFilter {
        import_id: filter.import_id,
        owner: filter.owner,
        labels: filter.labels.into_iter().map(label).collect(),
        types: filter.types.into_iter().map(|event_type| event_type_to_wire(event_type).into()).collect(),
    }
}

/// Takes over those values that an update names.
pub(super) fn take(paths: &[String], new: &wire::Webhook, into: &mut wire::Webhook, violations: &mut Violations) {
    if paths.is_empty() {
        violations.add("update_paths", "is empty");
    }
    for (i, path) in paths.iter().enumerate() {
        match path.as_str() {
            "url" => into.url.clone_from(&new.url),
            "description" => into.description.clone_from(&new.description),
            "owner" => into.owner.clone_from(&new.owner),
            "filter" => into.filter.clone_from(&new.filter),
            "is_paused" => into.is_paused = new.is_paused,
            _ => violations.add(format!("update_paths[{i}]"), "names nothing that can be changed"),
        }
    }
}

pub(super) fn delivery(delivery: Delivery) -> wire::WebhookDelivery {
    let waits = delivery.state == DeliveryState::Waiting;
    wire::WebhookDelivery {
        delivery_id: delivery.delivery_id,
        event_id: delivery.event_id,
        state: state(delivery.state).into(),
        create_time: Some(timestamp_to_wire(delivery.created_at)),
        next_attempt_time: waits.then(|| timestamp_to_wire(delivery.next_attempt_at)),
        attempt_count: delivery.attempt_count,
        attempt_time: delivery.attempted_at.map(timestamp_to_wire),
        http_status: delivery.answer.status.map(i32::from).unwrap_or_default(),
        latency: delivery.attempted_at.map(|_| duration_to_wire(delivery.answer.latency)),
        answer: delivery.answer.body,
        error: delivery.answer.error,
    }
}

fn state(state: DeliveryState) -> wire::DeliveryState {
    match state {
        DeliveryState::Waiting => wire::DeliveryState::Waiting,
        DeliveryState::Delivered => wire::DeliveryState::Delivered,
        DeliveryState::GivenUp => wire::DeliveryState::GivenUp,
    }
}
