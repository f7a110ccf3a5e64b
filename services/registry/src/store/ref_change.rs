//! What has to be written to get from some refs to others. Pure.

use super::Ref;
use crate::audit::{FieldChange, NewEvent};
use codeimport_core::EventType;
use std::collections::{BTreeMap, BTreeSet};

/// Changed refs that one entry of the audit trail tells.
const TOLD: usize = 100;

/// The id of an object.
pub(super) type ObjectId = [u8; 20];

/// The difference between the refs before and after.
#[derive(Debug, Default)]
pub(super) struct RefChange<'a> {
    /// Created or moved.
    pub(super) written: Vec<&'a Ref>,
    /// Names that are no longer there.
    pub(super) deleted: Vec<&'a str>,
    /// Commits that a ref pointed to before and none does now.
    pub(super) lost_tips: BTreeSet<ObjectId>,
    before: BTreeMap<&'a str, &'a Ref>,
}

impl<'a> RefChange<'a> {
    pub(super) fn between(before: &'a [Ref], after: &'a [Ref]) -> Self {
        let old: BTreeMap<_, _> = before.iter().map(|r| (r.name.as_str(), r)).collect();
        let kept: BTreeSet<_> = after.iter().map(|r| r.name.as_str()).collect();
        let tips: BTreeSet<_> = after.iter().filter_map(|r| r.commit_id).collect();
        Self {
            written: after.iter().filter(|r| old.get(r.name.as_str()) != Some(r)).collect(),
            deleted: old.keys().filter(|name| !kept.contains(*name)).copied().collect(),
            lost_tips: before.iter().filter_map(|r| r.commit_id).filter(|id| !tips.contains(id)).collect(),
            before: old,
        }
    }

    /// Each ref that changed: name, before, after; in order of names.
    pub(super) fn pairs(&self) -> Vec<(&'a str, Option<&'a Ref>, Option<&'a Ref>)> {
        let before = |name: &str| self.before.get(name).copied();
        let written = self.written.iter().map(|r| (r.name.as_str(), before(&r.name), Some(*r)));
        let deleted = self.deleted.iter().map(|name| (*name, before(name), None));
        let mut pairs: Vec<_> = written.chain(deleted).collect();
        pairs.sort_by_key(|(name, ..)| *name);
        pairs
    }

    /// What the audit trail says about it: the first of them, and that there are more.
    pub(super) fn event(&self, run_id: i64) -> NewEvent {
        let shown = |r: Option<&Ref>| r.map(|r| hex::encode(r.object_id)).unwrap_or_default();
        let mut changes: Vec<_> = self
            .pairs()
            .into_iter()
            .map(|(name, old, new)| FieldChange { path: name.to_owned(), before: shown(old), after: shown(new) })
            .collect();
        let omitted = changes.len().saturating_sub(TOLD);
        changes.truncate(TOLD);
        let event = NewEvent::of_run(EventType::RefsChanged, run_id, String::new(), changes);
        NewEvent { omitted_change_count: i64::try_from(omitted).unwrap_or(i64::MAX), ..event }
    }

    /// How many refs changed.
    pub(super) fn count(&self) -> u64 {
        (self.written.len() + self.deleted.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(name: &str, commit: u8) -> Ref {
        Ref { name: name.to_owned(), object_id: [commit; 20], commit_id: Some([commit; 20]) }
    }

    #[test]
    fn only_what_differs_is_written() {
        let before = [to("refs/heads/gone", 1), to("refs/heads/kept", 2), to("refs/heads/moved", 3)];
        let after = [to("refs/heads/kept", 2), to("refs/heads/moved", 4), to("refs/heads/new", 1)];
        let change = RefChange::between(&before, &after);
        let written: Vec<_> = change.written.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(written, ["refs/heads/moved", "refs/heads/new"]);
        assert_eq!(change.deleted, ["refs/heads/gone"]);
        assert_eq!(change.lost_tips, BTreeSet::from([[3; 20]]), "commit 1 has another ref now");
        assert_eq!(change.count(), 3);
        let told: Vec<_> =
            change.pairs().into_iter().map(|(name, old, new)| (name, old.is_some(), new.is_some())).collect();
        assert_eq!(
            told,
            [("refs/heads/gone", true, false), ("refs/heads/moved", true, true), ("refs/heads/new", false, true)]
        );
    }

    #[test]
    fn the_trail_tells_the_first_changes_and_how_many_more() {
        let before = [to("refs/heads/a", 1)];
        let after: Vec<_> = (0..150).map(|n| to(&format!("refs/tags/v{n:03}"), 2)).collect();
        let event = RefChange::between(&before, &after).event(7);
        assert_eq!((event.changes.len(), event.omitted_change_count, event.run_id), (TOLD, 51, 7));
        let told = &event.changes[..2];
        assert_eq!((told[0].path.as_str(), told[0].before.as_str()), ("refs/heads/a", "01".repeat(20).as_str()));
        assert_eq!((told[0].after.as_str(), told[1].before.as_str()), ("", ""), "gone, and new");
    }

    #[test]
    fn the_same_refs_again_change_nothing() {
        let refs = [to("refs/heads/a", 1), Ref { commit_id: None, ..to("refs/tags/tree", 2) }];
        let change = RefChange::between(&refs, &refs);
        assert_eq!((change.count(), change.lost_tips.len()), (0, 0));
    }
}
