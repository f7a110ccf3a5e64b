//! What has to change in the target, and in which order. Pure.
//!
//! Git refuses to delete `a` and create `a/b` in one transaction. So deletions that stand in the way go first, in a push
//! of their own; a run that dies in between leaves a target that the next run completes. Everything else is one push,
//! unless there are so many refs that they do not fit on one command line.

use crate::Refs;
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice as _},
};
use std::collections::BTreeSet;

/// Bytes of one push's refs on the command line. Linux takes 2 MiB (execve(2)); the rest is for everything else.
const MAX_PUSH_LEN: usize = 1 << 20;

/// One ref to create, move or delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RefUpdate {
    /// Full name.
    pub(super) name: BString,
    /// What the target has now; none if the ref is to be created.
    pub(super) old: Option<ObjectId>,
    /// What it should have; none if the ref is to be deleted.
    pub(super) new: Option<ObjectId>,
}

/// Pushes in their order. Each is atomic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Plan {
    /// The pushes; empty if the target already is as it should be.
    pub(super) pushes: Vec<Vec<RefUpdate>>,
}

impl Plan {
    /// How many refs change.
    pub(super) fn changed_count(&self) -> usize {
        self.pushes.iter().map(Vec::len).sum()
    }
}

/// A change that is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum PlanError {
    /// All refs would go. A source that lost everything is not followed: keeping it is what the copy is for.
    #[error("the source has no refs any more, the target still has {0}")]
    WouldEmptyTarget(usize),
}

/// Compares what the target should have with what it has (both after the filter). `backups` are refs to be made besides.
///
/// # Errors
///
/// [`PlanError::WouldEmptyTarget`] if nothing would be left.
pub(super) fn plan(
    wanted: &Refs,
    present: &Refs,
    backups: impl IntoIterator<Item = RefUpdate>,
) -> Result<Plan, PlanError> {
    if wanted.is_empty() && !present.is_empty() {
        return Err(PlanError::WouldEmptyTarget(present.len()));
    }
    let (in_the_way, rest): (Vec<_>, _) =
        updates(wanted, present).partition(|update| stands_in_the_way(update, wanted));
    // No ref leaves a commit before that has its backup.
    let mut pushes = batches(backups.into_iter().chain(in_the_way).collect());
    pushes.extend(batches(rest));
    Ok(Plan { pushes })
}

/// The backups that the target does not have yet.
pub(super) fn missing_backups<'a>(wanted: &'a Refs, present: &'a Refs) -> impl Iterator<Item = RefUpdate> + 'a {
    let missing = wanted.iter().filter(|(name, _)| !present.contains_key(*name));
    missing.map(|(name, id)| RefUpdate { name: name.clone(), old: None, new: Some(*id) })
}

fn updates<'a>(wanted: &'a Refs, present: &'a Refs) -> impl Iterator<Item = RefUpdate> + 'a {
    let names: BTreeSet<_> = wanted.keys().chain(present.keys()).collect();
    names.into_iter().filter_map(|name| {
        let (old, new) = (present.get(name).copied(), wanted.get(name).copied());
        (old != new).then(|| RefUpdate { name: name.clone(), old, new })
    })
}

/// Whether a ref that goes is a folder of one that stays or comes, or the other way round.
fn stands_in_the_way(update: &RefUpdate, wanted: &Refs) -> bool {
    if update.new.is_some() {
        return false;
    }
    let folder = BString::from([update.name.as_slice(), b"/"].concat());
    let holds_wanted = wanted.range(folder.clone()..).next().is_some_and(|(name, _)| name.starts_with(&folder));
    let slashes = update.name.find_iter(b"/");
    holds_wanted || slashes.into_iter().any(|at| wanted.contains_key(update.name[..at].as_bstr()))
}

fn batches(updates: Vec<RefUpdate>) -> Vec<Vec<RefUpdate>> {
    let mut batches = Vec::new();
    let mut room = 0;
    for update in updates {
        // Name twice, two object ids, and the words around them; see `push`.
        let len = 2 * update.name.len() + 120;
        if room < len {
            batches.push(Vec::new());
            room = MAX_PUSH_LEN;
        }
        room -= len;
        if let Some(batch) = batches.last_mut() {
            batch.push(update);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(wanted: &Refs, present: &Refs) -> Result<Plan, PlanError> {
        super::plan(wanted, present, [])
    }

    fn refs(entries: &[(&str, char)]) -> Refs {
        let id = |digit: char| ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("valid");
        entries.iter().map(|(name, digit)| ((*name).into(), id(*digit))).collect()
    }

    fn names(plan: &Plan) -> Vec<Vec<String>> {
        plan.pushes.iter().map(|push| push.iter().map(|update| update.name.to_string()).collect()).collect()
    }

    #[test]
    fn equal_refs_need_no_push() {
        let same = refs(&[("refs/heads/a", '1')]);
        assert_eq!(plan(&same, &same), Ok(Plan::default()));
        assert_eq!(plan(&Refs::new(), &Refs::new()), Ok(Plan::default()));
    }

    #[test]
    fn created_moved_and_deleted_refs_go_in_one_push() {
        let present = refs(&[("refs/heads/gone", '1'), ("refs/heads/moved", '1'), ("refs/heads/same", '1')]);
        let wanted = refs(&[("refs/heads/moved", '2'), ("refs/heads/new", '1'), ("refs/heads/same", '1')]);
        let plan = plan(&wanted, &present).expect("possible");
        assert_eq!(names(&plan), [["refs/heads/gone", "refs/heads/moved", "refs/heads/new"]]);
        assert_eq!(plan.changed_count(), 3);
    }

    #[test]
    fn a_branch_that_becomes_a_folder_is_deleted_first() {
        let plan = plan(&refs(&[("refs/heads/a/b", '1')]), &refs(&[("refs/heads/a", '1')])).expect("possible");
        assert_eq!(names(&plan), [["refs/heads/a"], ["refs/heads/a/b"]]);
    }

    #[test]
    fn a_folder_that_becomes_a_branch_is_deleted_first() {
        let present = refs(&[("refs/heads/a/b", '1'), ("refs/heads/a/c/d", '1'), ("refs/heads/x", '1')]);
        let plan = plan(&refs(&[("refs/heads/a", '1')]), &present).expect("possible");
        assert_eq!(names(&plan), [vec!["refs/heads/a/b", "refs/heads/a/c/d"], vec!["refs/heads/a", "refs/heads/x"]]);
    }

    #[test]
    fn a_name_that_only_begins_alike_stands_in_nobodys_way() {
        let plan = plan(&refs(&[("refs/heads/ab", '1')]), &refs(&[("refs/heads/a", '1')])).expect("possible");
        assert_eq!(plan.pushes.len(), 1);
    }

    #[test]
    fn a_commit_has_its_backup_before_its_ref_leaves_it() {
        let (present, wanted) = (refs(&[("refs/heads/a", '1')]), refs(&[("refs/heads/a", '2')]));
        let kept = refs(&[("refs/codeimport/backup/1/a", '1')]);
        let plan = |has: &Refs| super::plan(&wanted, &present, missing_backups(&kept, has)).expect("possible");
        assert_eq!(names(&plan(&Refs::new())), [["refs/codeimport/backup/1/a"], ["refs/heads/a"]]);
        assert_eq!(names(&plan(&kept)), [["refs/heads/a"]], "there is one already");
    }

    #[test]
    fn a_source_that_lost_everything_is_not_followed() {
        let present = refs(&[("refs/heads/a", '1')]);
        assert_eq!(plan(&Refs::new(), &present), Err(PlanError::WouldEmptyTarget(1)));
    }

    #[test]
    fn a_hundred_thousand_refs_fit_through_the_command_line_in_pieces() {
        let id = ObjectId::null(gix::hash::Kind::Sha1);
        let wanted: Refs = (0..100_000).map(|n| (format!("refs/tags/{n}").into(), id)).collect();
        let plan = plan(&wanted, &Refs::new()).expect("possible");
        assert_eq!(plan.changed_count(), 100_000);
        let longest = plan.pushes.iter().map(|p| p.iter().map(|u| 2 * u.name.len() + 120).sum::<usize>()).max();
        assert!(longest <= Some(MAX_PUSH_LEN), "{longest:?}");
    }
}
