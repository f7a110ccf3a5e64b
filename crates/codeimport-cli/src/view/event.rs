//! What is shown of events: of imports, and of credentials and webhooks.

use super::time;
use codeimport_proto::registry::{self, ImportEventType, OwnedEventType};
use jiff::Timestamp;
use serde::Serialize;

/// What happened to an import.
#[derive(Serialize)]
pub(crate) struct EventView {
    pub(crate) event_id: i64,
    pub(crate) import_id: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) actor: String,
    pub(crate) time: Option<Timestamp>,
    pub(crate) reason: String,
    pub(crate) run_id: Option<i64>,
    pub(crate) log_url: String,
    pub(crate) changes: Vec<ChangeView>,
    pub(crate) omitted_change_count: i64,
}

/// What was done to a credential or a webhook.
#[derive(Serialize)]
pub(crate) struct OwnedEventView {
    pub(crate) event_id: i64,
    /// Of the credential or webhook.
    pub(crate) owned_id: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) actor: String,
    pub(crate) time: Option<Timestamp>,
    pub(crate) changes: Vec<ChangeView>,
}

/// A field or ref that changed.
#[derive(Serialize)]
pub(crate) struct ChangeView {
    pub(crate) path: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl EventView {
    /// From what the registry says.
    pub(crate) fn new(event: registry::ImportEvent) -> Self {
        Self {
            event_type: type_name(event.r#type()),
            event_id: event.event_id,
            import_id: event.import_id,
            actor: event.actor,
            time: time(event.time),
            reason: event.reason,
            run_id: (event.run_id != 0).then_some(event.run_id),
            log_url: event.log_url,
            changes: event.changes.into_iter().map(ChangeView::from).collect(),
            omitted_change_count: event.omitted_change_count,
        }
    }
}

impl OwnedEventView {
    /// From what the registry says.
    pub(crate) fn new(event: registry::OwnedEvent) -> Self {
        Self {
            event_type: deed_name(event.r#type()),
            event_id: event.event_id,
            owned_id: event.owned_id,
            actor: event.actor,
            time: time(event.time),
            changes: event.changes.into_iter().map(ChangeView::from).collect(),
        }
    }
}

impl From<registry::FieldChange> for ChangeView {
    fn from(change: registry::FieldChange) -> Self {
        Self { path: change.path, before: change.before, after: change.after }
    }
}

/// `refs_changed`.
pub(crate) fn type_name(event_type: ImportEventType) -> String {
    event_type.as_str_name().trim_start_matches("IMPORT_EVENT_TYPE_").to_lowercase()
}

/// `rotated`.
fn deed_name(event_type: OwnedEventType) -> String {
    event_type.as_str_name().trim_start_matches("OWNED_EVENT_TYPE_").to_lowercase()
}
