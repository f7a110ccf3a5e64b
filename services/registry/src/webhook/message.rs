//! What a webhook sends: one event as JSON. Pure.

use crate::{audit::FieldChange, run_log_url::RunLogUrl, store::StoredEvent};
use jiff::Timestamp;
use serde::Serialize;

/// The message, with names as in the contract's `ImportEvent`; the form of Standard Webhooks around it.
#[derive(Serialize)]
struct Message<'a> {
    /// `import.refs_changed`.
    r#type: String,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    event_id: i64,
    import_id: &'a str,
    actor: &'a str,
    reason: &'a str,
    /// `null` for none.
    run_id: Option<i64>,
    log_url: String,
    changes: &'a [FieldChange],
    omitted_change_count: i64,
}

/// The body that tells an event.
pub(super) fn body(stored: &StoredEvent, log_url: &RunLogUrl) -> String {
    let event = &stored.event;
    let data = Data {
        event_id: stored.event_id,
        import_id: &stored.import_id,
        actor: &event.actor,
        reason: &event.reason,
        run_id: (event.run_id != 0).then_some(event.run_id),
        log_url: log_url.of(&stored.import_id, event.run_id),
        changes: &event.changes,
        omitted_change_count: event.omitted_change_count,
    };
    let r#type = format!("import.{}", event.event_type.name());
    let message = Message { r#type, timestamp: stored.occurred_at, data };
    // Texts and numbers are always JSON.
    serde_json::to_string(&message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_filter::tests::stored;
    use codeimport_core::EventType;

    #[test]
    fn a_message_says_what_happened_to_which_import() {
        let mut event = stored(EventType::RefsChanged);
        event.event.run_id = 9;
        let message: serde_json::Value = serde_json::from_str(&body(&event, &RunLogUrl::default())).expect("JSON");
        assert_eq!(message["type"], "import.refs_changed");
        assert_eq!(message["timestamp"], "1970-01-01T00:00:00Z");
        assert_eq!((message["data"]["import_id"].as_str(), message["data"]["run_id"].as_i64()), (Some("a"), Some(9)));
    }
}
