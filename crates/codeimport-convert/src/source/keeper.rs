//! Commits that no branch shows. Git keeps, sends and fetches what can be reached from a commit, and takes for known what can
//! be reached from the parents of what is new: so whatever must stay, and must not be sent again, hangs in such commits.

use crate::objects::{ObjectStore, StoreError, encode_commit};
use gix::ObjectId;
use gix::objs::Kind;

/// Who and when, for commits that nobody made.
const NOBODY: &str = "codeimport <codeimport@localhost> 0 +0000";

/// A commit of a tree.
pub(in crate::source) fn keeper(
    tree: ObjectId,
    parents: impl Iterator<Item = ObjectId>,
    message: &str,
    store: &mut ObjectStore,
) -> Result<ObjectId, StoreError> {
    store.write(Kind::Commit, encode_commit(tree, parents, NOBODY, message.as_bytes()))
}

/// A commit from which all of these are reachable; none for none.
pub(in crate::source) fn keep_all(
    commits: &[ObjectId],
    store: &mut ObjectStore,
) -> Result<Option<ObjectId>, StoreError> {
    if let [] | [_] = commits {
        return Ok(commits.first().copied());
    }
    let empty_tree = store.write(Kind::Tree, Vec::new())?;
    keeper(empty_tree, commits.iter().copied(), "What no ref names\n", store).map(Some)
}
