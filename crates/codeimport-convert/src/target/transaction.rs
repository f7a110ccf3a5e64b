//! Moves refs of a repository on this machine in one transaction, without starting git: each ref is locked, then compared with
//! what was seen, and only when all are as they were does the first one move.
//!
//! Refs are not flushed to the disk one by one, as git itself does not: the objects were (see `objects::pack`), so a machine
//! that loses its power loses at most the last move, and the next run makes it again.

use super::plan::RefUpdate;
use gix::refs::transaction::{Change, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use gix::{Repository, error::message};

/// Moves all or none.
///
/// # Errors
///
/// Why none was moved: a ref is not what was seen, is locked by somebody else, or would name an object that is not there.
pub(super) fn move_refs(repository: &Repository, updates: &[RefUpdate]) -> gix::Result<()> {
    // git looks for it, gix does not. Of what an object needs the run itself makes sure.
    if let Some(id) = updates.iter().filter_map(|update| update.new).find(|id| !repository.has_object(*id)) {
        return Err(gix::Error::from_error(message!("object {id} is missing")));
    }
    let edits = updates.iter().map(edit).collect::<gix::Result<Vec<_>>>()?;
    repository.edit_references_as(edits, None).map(drop)
}

fn edit(update: &RefUpdate) -> gix::Result<RefEdit> {
    let name = FullName::try_from(update.name.clone()).map_err(gix::Error::from_error)?;
    let expected = match update.old {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id)),
        None => PreviousValue::MustNotExist,
    };
    Ok(match update.new {
        Some(id) => RefEdit::new(name, Change::Update { log: Default::default(), expected, new: Target::Object(id) }),
        None => RefEdit::new(name, Change::Delete { expected, log: RefLog::AndReference }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::ObjectId;

    fn update(name: &str, old: Option<ObjectId>, new: Option<ObjectId>) -> RefUpdate {
        RefUpdate { name: name.into(), old, new }
    }

    #[test]
    fn all_move_or_none() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let repository = gix::init_bare(dir.path()).expect("an empty repository");
        let [one, two] = ["1", "2"].map(|text| repository.write_blob(text).expect("written").detach());
        let now = |name: &str| repository.try_find_reference(name).expect("readable").map(|found| found.id().detach());
        let (a, b) = ("refs/heads/a", "refs/heads/b");
        move_refs(&repository, &[update(a, None, Some(one)), update(b, None, Some(one))]).expect("both are new");

        let nowhere = ObjectId::null(gix::hash::Kind::Sha1);
        let refused = [
            update(b, Some(two), Some(one)),
            update(b, None, Some(two)),
            update(b, Some(two), None),
            update(b, Some(one), Some(nowhere)),
            update("refs/heads/a/c", None, Some(one)),
        ];
        for wrong in refused {
            let all = [update(a, Some(one), Some(two)), wrong];
            assert!(move_refs(&repository, &all).is_err(), "{all:?}");
            assert_eq!((now(a), now(b)), (Some(one), Some(one)), "{all:?}");
        }
        std::fs::write(dir.path().join("refs/heads/b.lock"), "").expect("writable");
        assert!(move_refs(&repository, &[update(a, Some(one), Some(two)), update(b, Some(one), Some(two))]).is_err());
        assert_eq!(now(a), Some(one), "somebody else is writing the other one");
        std::fs::remove_file(dir.path().join("refs/heads/b.lock")).expect("writable");

        move_refs(&repository, &[update(a, Some(one), Some(two)), update(b, Some(one), None)]).expect("as seen");
        assert_eq!((now(a), now(b)), (Some(two), None));
    }

    #[test]
    fn packed_refs_are_compared_and_deleted_like_others() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let repository = gix::init_bare(dir.path()).expect("an empty repository");
        let [one, two] = ["1", "2"].map(|text| repository.write_blob(text).expect("written").detach());
        std::fs::write(dir.path().join("packed-refs"), format!("{one} refs/heads/a\n")).expect("writable");
        let a = "refs/heads/a";
        assert!(move_refs(&repository, &[update(a, Some(two), None)]).is_err());
        assert!(move_refs(&repository, &[update(a, None, Some(two))]).is_err());
        move_refs(&repository, &[update(a, Some(one), None)]).expect("as seen");
        assert!(repository.try_find_reference(a).expect("readable").is_none());
    }
}
