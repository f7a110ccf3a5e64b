//! What belongs to somebody besides imports (credentials, webhooks), and what is told of its changes. Pure.

use crate::{
    audit::{FieldChange, change},
    credential::Credential,
    webhook::WebhookIntent,
};
use codeimport_kit::ApiError;
use codeimport_proto::common::ErrorReason;
use jiff::Timestamp;
use std::{fmt::Display, str::FromStr};

/// What it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What sources are read with.
    Credential,
    /// Who is told what happens.
    Webhook,
}

/// What was done to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Created.
    Created,
    /// Changed.
    Updated,
    /// Its secret was replaced.
    Rotated,
    /// Deleted.
    Deleted,
}

/// One entry to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOwnedEvent {
    /// Of what.
    pub kind: Kind,
    /// Its name.
    pub owned_id: String,
    /// Whose it is: who may read the entry.
    pub owner: String,
    /// What was done.
    pub deed: Deed,
    /// By whom.
    pub actor: String,
    /// Fields that changed.
    pub changes: Vec<FieldChange>,
}

/// One entry as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedEvent {
    /// Its number.
    pub event_id: i64,
    /// When.
    pub occurred_at: Timestamp,
    /// What, of what, by whom.
    pub event: NewOwnedEvent,
}

impl Kind {
    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Webhook => "webhook",
        }
    }
}

impl Deed {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Rotated, Self::Deleted];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Rotated => "rotated",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for Deed {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|deed| deed.name() == name).ok_or("is no deed that is known here")
    }
}

/// The etag of a version. Opaque to callers.
#[must_use]
pub fn etag(version: i32) -> String {
    format!("v{version:x}")
}

/// Refuses a change of something that is no longer what the caller has read.
///
/// # Errors
///
/// `ETAG_MISMATCH`; never if the caller names no etag.
pub fn check_etag(kind: Kind, id: impl Display, version: i32, wanted: &str) -> Result<(), ApiError> {
    if wanted.is_empty() || wanted == etag(version) { Ok(()) } else { Err(changed_meanwhile(kind, id)) }
}

/// What such a change is refused with.
pub fn changed_meanwhile(kind: Kind, id: impl Display) -> ApiError {
    let message = format!("{} {id} was changed meanwhile: read it again and decide anew", kind.name());
    ApiError::new(ErrorReason::EtagMismatch, message).with(&format!("{}_id", kind.name()), id)
}

/// The fields in which two credentials differ; `None` is one that does not exist.
#[must_use]
pub fn credential_changes(before: Option<&Credential>, after: Option<&Credential>) -> Vec<FieldChange> {
    differing(before.map(of_credential), after.map(of_credential))
}

/// The fields in which two webhooks differ; `None` is one that does not exist.
#[must_use]
pub fn webhook_changes(before: Option<&WebhookIntent>, after: Option<&WebhookIntent>) -> Vec<FieldChange> {
    differing(before.map(of_webhook), after.map(of_webhook))
}

fn of_credential(credential: &Credential) -> Vec<(&'static str, String)> {
    vec![
        ("description", credential.description.clone()),
        ("owner", credential.owner.clone()),
        ("url_prefix", credential.url_prefix.clone()),
        ("version", credential.version.to_string()),
    ]
}

fn of_webhook(intent: &WebhookIntent) -> Vec<(&'static str, String)> {
    // A filter is plain values: writing it cannot fail.
    let filter = serde_json::to_string(&intent.filter).unwrap_or_default();
    vec![
        ("url", intent.url.clone()),
        ("description", intent.description.clone()),
        ("owner", intent.owner.clone()),
        ("filter", filter),
        ("is_paused", intent.is_paused.to_string()),
    ]
}

type Fields = Vec<(&'static str, String)>;

/// Both have the same fields in the same order, or there is but one.
fn differing(before: Option<Fields>, after: Option<Fields>) -> Vec<FieldChange> {
    let nothing = |fields: &Fields| fields.iter().map(|(path, _)| (*path, String::new())).collect::<Fields>();
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (Some(before), None) => (before.clone(), nothing(&before)),
        (None, Some(after)) => (nothing(&after), after),
        (None, None) => return Vec::new(),
    };
    before.into_iter().zip(after).filter_map(|((path, before), (_, after))| change(path, before, after)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_filter::EventFilter;

    fn webhook(url: &str) -> WebhookIntent {
        let (url, owner) = (url.to_owned(), "ada".to_owned());
        WebhookIntent { url, description: String::new(), owner, filter: EventFilter::default(), is_paused: false }
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let (before, after) = (webhook("https://a"), WebhookIntent { is_paused: true, ..webhook("https://b") });
        let paths = |changes: Vec<FieldChange>| changes.into_iter().map(|change| change.path).collect::<Vec<_>>();
        assert_eq!(paths(webhook_changes(Some(&before), Some(&after))), ["url", "is_paused"]);
        assert_eq!(paths(webhook_changes(None, Some(&before))), ["url", "owner", "filter", "is_paused"]);
        assert!(webhook_changes(Some(&before), None).iter().all(|change| change.after.is_empty()));
        assert!(webhook_changes(Some(&before), Some(&before)).is_empty());
    }

    #[test]
    fn an_etag_that_is_not_that_of_the_version_is_refused() {
        let check = |wanted: &str| check_etag(Kind::Webhook, "w", 17, wanted).is_ok();
        assert!(check("") && check(&etag(17)) && !check(&etag(16)) && !check("17"));
    }

    #[test]
    fn every_deed_has_a_name_of_its_own() {
        assert!(Deed::ALL.into_iter().all(|deed| deed.name().parse() == Ok(deed)));
    }
}
