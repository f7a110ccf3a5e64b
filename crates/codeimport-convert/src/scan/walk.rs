//! Which commits are new: reachable from what the target has now, and not from what is known already.

use super::{
    ScannedCommit,
    difference::{CommitLinks, Links, difference},
};
use crate::{Cache, ConvertError, Progress, Refs, Watch};
use codeimport_core::{Outcome, Stage, display_ref_name};
use gix::{ObjectId, Repository, object::Kind};
use std::collections::BTreeSet;

/// Most commits that are handed over at once.
pub const BATCH_LEN: usize = 2_000;

/// A ref with the commit it leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScannedRef {
    /// Full name, as shown.
    pub name: String,
    /// The object it points to; a tag, if it is annotated.
    pub object_id: ObjectId,
    /// The commit it leads to through tags; none if it leads to a tree or a blob.
    pub commit_id: Option<ObjectId>,
}

/// Follows every ref through its tags, in order of the shown names' bytes.
///
/// # Errors
///
/// [`Stage::Scan`] if an object cannot be read.
pub fn peel_refs(cache: &Cache, refs: &Refs) -> Result<Vec<ScannedRef>, ConvertError> {
    let repository = cache.repository()?;
    let mut peeled = Vec::with_capacity(refs.len());
    for (name, id) in refs {
        let object = repository.find_object(*id).map_err(unreadable)?.peel_tags_to_end().map_err(unreadable)?;
        let commit_id = (object.kind == Kind::Commit).then_some(object.id);
        peeled.push(ScannedRef { name: display_ref_name(name), object_id: *id, commit_id });
    }
    peeled.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(peeled)
}

/// Hands over the commits reachable from `tips` and not from `known`, each once, roughly oldest first, in batches of at most
/// [`BATCH_LEN`].
///
/// Ids in `known` that the cache does not have are passed over; then some commits may be told again, never one too few.
/// Returns how many were handed over.
///
/// # Errors
///
/// `E` from the receiver, or [`Stage::Scan`] if an object cannot be read.
pub fn new_commits<E: From<ConvertError>>(
    cache: &Cache,
    tips: &BTreeSet<ObjectId>,
    known: &BTreeSet<ObjectId>,
    watch: &Watch,
    mut receive: impl FnMut(Vec<ScannedCommit>) -> Result<(), E>,
) -> Result<u64, E> {
    let repository = cache.repository()?;
    let mut progress = Progress::begin(Stage::Scan, "commits");
    let mut batch = Vec::with_capacity(BATCH_LEN);
    let found = difference(&Objects(&repository), tips, known, watch)?;
    progress.total = u64::try_from(found.len()).ok();
    for id in found.into_iter().rev() {
        batch.push(read(&repository, id)?);
        if batch.len() == BATCH_LEN {
            watch.check(Stage::Scan)?;
            progress.done += hand_over(&mut batch, &mut receive)?;
            watch.progress(&progress);
        }
    }
    progress.done += hand_over(&mut batch, &mut receive)?;
    watch.progress(&progress);
    Ok(progress.done)
}

fn hand_over<E>(
    batch: &mut Vec<ScannedCommit>,
    receive: &mut impl FnMut(Vec<ScannedCommit>) -> Result<(), E>,
) -> Result<u64, E> {
    let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
    if !batch.is_empty() {
        receive(std::mem::take(batch))?;
    }
    Ok(count)
}

fn read(repository: &Repository, id: ObjectId) -> Result<ScannedCommit, ConvertError> {
    let object = repository.find_object(id).map_err(unreadable)?;
    Ok(ScannedCommit::parse(id, &object.data))
}

/// Commits as the walk sees them. A cache without one of them is damaged; a commit that is malformed is not.
struct Objects<'a>(&'a Repository);

impl CommitLinks for Objects<'_> {
    fn has(&self, id: &ObjectId) -> bool {
        self.0.has_object(*id)
    }

    fn links(&self, id: &ObjectId) -> Result<Links, ConvertError> {
        let commit = read(self.0, *id)?;
        Ok(Links { seconds: commit.committer.seconds, parents: commit.parents })
    }
}

fn unreadable(error: gix::Error) -> ConvertError {
    ConvertError::new(Outcome::Failure, Stage::Scan, "An object of the worker's cache cannot be read.").caused_by(error)
}
