//! Moves refs of a repository on this machine in one transaction, without starting git: each ref is locked, then compared with
//! what was seen, and only when all are as they were does the first one move.
//!
//! Refs are not flushed to the disk one by one, as git itself does not: the objects were (see `objects::pack`), so a machine
//! that loses its power loses at most the last move, and the next run makes it again.
//!
//! A lock is a file beside its ref, and outlives a process that is killed. So that the next run can tell such a lock from
//! somebody else's, a mark stands in the repository while refs move: see [`remove_abandoned_locks`].

use super::plan::RefUpdate;
use gix::refs::transaction::{Change, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use gix::{Repository, error::message};
use std::{fs, io, path::Path};

/// A file that stands in the repository while refs move.
const MARK: &str = "codeimport.moving-refs";

/// Moves all or none; a process that is killed meanwhile may have moved the first ones only.
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
    let mark = repository.git_dir().join(MARK);
    fs::write(&mark, "").map_err(gix::Error::from_error)?;
    let moved = repository.edit_references_as(edits, None).map(drop);
    fs::remove_file(&mark).map_err(gix::Error::from_error)?;
    moved
}

/// Removes the locks of refs that a process left when it was killed between locking and moving. Without its mark, every lock
/// is somebody else's and stays. The caller alone uses the repository.
///
/// # Errors
///
/// Those of the file system.
pub(crate) fn remove_abandoned_locks(repository: &Path) -> io::Result<()> {
    let mark = repository.join(MARK);
    if !mark.try_exists()? {
        return Ok(());
    }
    // No name of a ref ends like this (git-check-ref-format).
    remove_locks_below(&repository.join("refs"))?;
    remove_if_there(&repository.join("packed-refs.lock"))?;
    remove_if_there(&mark)
}

fn remove_locks_below(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_locks_below(&entry.path())?;
        } else if entry.path().extension().is_some_and(|extension| extension == "lock") {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
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
    fn only_the_locks_of_a_killed_process_are_removed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let repository = gix::init_bare(dir.path()).expect("an empty repository");
        let id = repository.write_blob("1").expect("written").detach();
        let locks =
            ["refs/heads/a.lock", "refs/heads/deep/b.lock", "packed-refs.lock"].map(|name| dir.path().join(name));
        std::fs::create_dir_all(dir.path().join("refs/heads/deep")).expect("writable");
        locks.iter().for_each(|lock| std::fs::write(lock, "").expect("writable"));

        remove_abandoned_locks(dir.path()).expect("readable");
        assert!(locks.iter().all(|lock| lock.exists()), "they may be somebody else's");

        std::fs::write(dir.path().join(MARK), "").expect("writable");
        remove_abandoned_locks(dir.path()).expect("writable");
        assert!(!locks.iter().any(|lock| lock.exists()));
        move_refs(&repository, &[update("refs/heads/a", None, Some(id))]).expect("nobody holds it");
        assert!(!dir.path().join(MARK).exists(), "nothing moves now");
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
