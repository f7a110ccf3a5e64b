//! Which entries of the audit trail somebody wants to hear of. Pure; kept as JSON where it has to last.

use crate::store::StoredEvent;
use codeimport_core::EventType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Lets through what every part lets through; an empty part lets everything through.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EventFilter {
    /// Only of this import.
    pub import_id: String,
    /// Only of imports that this person or team owned then.
    pub owner: String,
    /// Only of imports that had all of these labels then; without a value, any will do.
    pub labels: BTreeMap<String, Option<String>>,
    /// Only of these types.
    pub types: BTreeSet<EventType>,
}

impl EventFilter {
    /// Whether an entry passes.
    #[must_use]
    pub fn lets_through(&self, event: &StoredEvent) -> bool {
        (self.import_id.is_empty() || self.import_id == event.import_id)
            && (self.owner.is_empty() || self.owner == event.owner)
            && (self.types.is_empty() || self.types.contains(&event.event.event_type))
            && self.labels.iter().all(|(key, wanted)| has_label(event, key, wanted.as_ref()))
    }
}

fn has_label(event: &StoredEvent, key: &str, wanted: Option<&String>) -> bool {
    event.labels.get(key).is_some_and(|value| wanted.is_none_or(|wanted| wanted == value))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::audit::NewEvent;
    use jiff::Timestamp;

    /// An entry to start from.
    pub(crate) fn stored(event_type: EventType) -> StoredEvent {
        StoredEvent {
            event_id: 7,
            import_id: "a".to_owned(),
            occurred_at: Timestamp::UNIX_EPOCH,
            event: NewEvent::by("ada", event_type, "because", Vec::new()),
            owner: "kernel".to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "core".to_owned())]),
        }
    }

    fn passes(change: impl FnOnce(&mut EventFilter)) -> bool {
        let mut filter = EventFilter::default();
        change(&mut filter);
        filter.lets_through(&stored(EventType::Created))
    }

    #[test]
    fn each_part_lets_through_what_it_says_and_an_empty_one_everything() {
        assert!(passes(|_| ()));
        assert!(passes(|f| f.import_id.push('a')) && !passes(|f| f.import_id.push('b')));
        assert!(passes(|f| f.owner.push_str("kernel")) && !passes(|f| f.owner.push_str("ada")));
        assert!(passes(|f| f.types = BTreeSet::from([EventType::Created])));
        assert!(!passes(|f| f.types = BTreeSet::from([EventType::Deleted])));
        let label = |key: &str, value: Option<&str>| {
            passes(|f| drop(f.labels.insert(key.to_owned(), value.map(str::to_owned))))
        };
        assert!(label("team", None) && label("team", Some("core")));
        assert!(!label("team", Some("docs")) && !label("colour", None));
    }
}
