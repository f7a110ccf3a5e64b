//! The audit trail's words: what happened, and which fields changed from what to what. Pure.

use crate::import::{AdaptiveInterval, Intent, Source};
use codeimport_core::EventType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who acts where no person does.
pub const SYSTEM: &str = "system";

/// One field before and after a change. Stored as JSON with these names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldChange {
    /// Path of the field, as in the contract: `source.url`.
    pub path: String,
    /// Value before; empty if it was not set.
    pub before: String,
    /// Value after; empty if it is not set.
    pub after: String,
}

/// One entry to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// What happened.
    pub event_type: EventType,
    /// Who did it.
    pub actor: String,
    /// Why, for people.
    pub reason: String,
    /// Fields that changed.
    pub changes: Vec<FieldChange>,
    /// The run that it came of; 0 for none.
    pub run_id: i64,
    /// So many changes are left out.
    pub omitted_change_count: i64,
}

impl NewEvent {
    /// What the services themselves did, because of a run.
    #[must_use]
    pub fn of_run(event_type: EventType, run_id: i64, reason: String, changes: Vec<FieldChange>) -> Self {
        Self { event_type, actor: SYSTEM.to_owned(), reason, changes, run_id, omitted_change_count: 0 }
    }

    /// What somebody did.
    #[must_use]
    pub fn by(actor: &str, event_type: EventType, reason: &str, changes: Vec<FieldChange>) -> Self {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        Self { event_type, actor, reason, changes, run_id: 0, omitted_change_count: 0 }
    }
}

/// What is told of a trigger, whose secret is never told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TriggerChange {
    /// The import has one now.
    Created,
    /// It has another secret.
    Rotated,
    /// It has none any more.
    Deleted,
}

impl NewEvent {
    /// Somebody left a note.
    #[must_use]
    pub fn of_note(author: &str, text: &str) -> Self {
        let change = change("note", String::new(), text.to_owned());
        Self::by(author, EventType::Noted, "", change.into_iter().collect())
    }

    /// Somebody decided what starts an import.
    #[must_use]
    pub fn of_trigger(actor: &str, what: TriggerChange) -> Self {
        let (reason, before, after) = match what {
            TriggerChange::Created => ("trigger created", "", "set"),
            TriggerChange::Rotated => ("trigger's secret rotated", "set", "set"),
            TriggerChange::Deleted => ("trigger deleted", "set", ""),
        };
        let change = change("trigger", before.to_owned(), after.to_owned());
        Self::by(actor, EventType::Updated, reason, change.into_iter().collect())
    }
}

/// The fields in which two intents differ; `None` is an import that does not exist.
#[must_use]
pub fn changes(before: Option<&Intent>, after: Option<&Intent>) -> Vec<FieldChange> {
    let pairs = fields(before).into_iter().zip(fields(after));
    pairs.filter_map(|((path, before), (_, after))| change(path, before, after)).collect()
}

/// A change of one field; none if there is none.
#[must_use]
pub fn change(path: &str, before: String, after: String) -> Option<FieldChange> {
    (before != after).then(|| FieldChange { path: path.to_owned(), before, after })
}

/// Every field of an intent as text, always in the same order.
fn fields(intent: Option<&Intent>) -> [(&'static str, String); 26] {
    let text = |value: fn(&Intent) -> String| intent.map(value).unwrap_or_default();
    let chosen = |option: fn(&Source) -> bool| {
        let chosen = intent.is_some_and(|i| option(&i.definition.source));
        if chosen { "true".to_owned() } else { String::new() }
    };
    [
        ("display_name", text(|i| i.definition.display_name.clone())),
        ("source.rcs_type", text(|i| i.definition.source.rcs_type.name().to_owned())),
        ("source.url", text(|i| i.definition.source.url.clone())),
        ("source.subversion.layout", text(|i| i.definition.source.subversion.layout.clone())),
        ("source.subversion.git_svn_id_trailers", chosen(|source| source.subversion.git_svn_id_trailers)),
        ("source.subversion.convert_ignores", chosen(|source| source.subversion.convert_ignores)),
        ("source.subversion.keep_externals", chosen(|source| source.subversion.keep_externals)),
        ("source.subversion.normalize_line_ends", chosen(|source| source.subversion.normalize_line_ends)),
        ("source.cvs.raw_keywords", chosen(|source| source.cvs.raw_keywords)),
        ("source.cvs.charset", text(|i| i.definition.source.cvs.charset.clone())),
        ("source.mercurial.keep_subrepos", chosen(|source| source.mercurial.keep_subrepos)),
        ("source.mercurial.freeze_rewritten", chosen(|source| source.mercurial.freeze_rewritten)),
        ("source.bazaar.trailers", chosen(|source| source.bazaar.trailers)),
        ("source.bazaar.freeze_rewritten", chosen(|source| source.bazaar.freeze_rewritten)),
        ("source.author_map", text(|i| author_map(&i.definition.source.author_map))),
        ("source.credential_id", text(|i| i.definition.source.credential_id.clone())),
        ("target.url", text(|i| i.definition.target_url.clone())),
        ("ref_filter.include", text(|i| i.definition.ref_patterns.include.join(" "))),
        ("ref_filter.exclude", text(|i| i.definition.ref_patterns.exclude.join(" "))),
        ("update_interval", text(|i| format!("{:?}", i.definition.effective_update_interval()))),
        ("adaptive_interval", text(|i| i.definition.adaptive_interval.map(adaptive).unwrap_or_default())),
        ("owner", text(|i| i.definition.care.owner.clone())),
        ("assignee", text(|i| i.definition.care.assignee.clone())),
        ("labels", text(|i| labels(&i.definition.care.labels))),
        ("is_duplicate", text(|i| if i.definition.is_duplicate { "true".to_owned() } else { String::new() })),
        ("review_status", text(|i| i.status.name().to_owned())),
    ]
}

fn adaptive(bounds: AdaptiveInterval) -> String {
    format!("{:?} to {:?}", bounds.shortest, bounds.longest)
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// What tells one author map from another, without telling it: the trail is no place for large texts.
fn author_map(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("{} bytes, SHA-256 {}", text.len(), hex::encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::intent;
    use codeimport_core::ReviewStatus;

    #[test]
    fn only_what_differs_is_a_change() {
        let before = intent(ReviewStatus::New);
        let mut after = before.clone();
        after.status = ReviewStatus::Reviewed;
        after.definition.source.url = "https://host/other".to_owned();
        let changes = changes(Some(&before), Some(&after));
        let paths: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["source.url", "review_status"]);
        assert_eq!((changes[1].before.as_str(), changes[1].after.as_str()), ("new", "reviewed"));
    }

    #[test]
    fn an_author_map_is_told_by_its_digest() {
        let before = intent(ReviewStatus::New);
        let mut after = before.clone();
        after.definition.source.author_map = "ada = Ada <a@b>\n".to_owned();
        after.definition.source.subversion.convert_ignores = true;
        let changes = changes(Some(&before), Some(&after));
        let told: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.after.as_str())).collect();
        assert_eq!(told[0], ("source.subversion.convert_ignores", "true"));
        assert!(told[1].0 == "source.author_map" && told[1].1.starts_with("16 bytes, SHA-256 "), "{told:?}");
    }

    #[test]
    fn creation_and_deletion_tell_all_that_was_set() {
        let intent = intent(ReviewStatus::New);
        assert!(changes(None, Some(&intent)).iter().all(|change| change.before.is_empty()));
        assert!(changes(Some(&intent), None).iter().all(|change| change.after.is_empty()));
    }
}
