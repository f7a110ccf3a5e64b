//! Makes the target what it should be, or leaves it as it is.
//!
//! Each push restates every ref's old value and moves the state ref from the value that was read. So of two holders
//! only one can succeed, and the other one changes nothing. A push that is refused is explained by looking again:
//!
//! ```text
//!   state ref moved, another holder's token    Fenced: stop
//!   state ref moved, our own token             our push went through, its answer did not: plan again
//!   another ref moved                          somebody else pushed: plan again
//!   nothing moved                              the target's own reason
//! ```

use super::{
    BACKUPS, Holder, ImportState, STATE_REF, Target, TargetSnapshot,
    plan::{PlanError, RefUpdate, missing_backups, plan},
    push,
};
use crate::{Cache, ConvertError, Progress, SourceState, Watch, digest, refs_digest};
use codeimport_core::{FencingToken, Outcome, RefFilter, Stage, display_ref_name};
use gix::{ObjectId, bstr::BString};
use std::collections::BTreeSet;

/// How often a plan is made before a target that keeps changing is given up.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// What was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// Refs created, moved or deleted.
    pub changed_count: usize,
    /// The target as it is now.
    pub snapshot: TargetSnapshot,
}

/// Nothing, or not everything, was published. What was pushed is consistent in any case.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A later holder has written to the target. Ours is over, whether we know it or not.
    #[error("the target was written under fencing token {found}, ours is {ours}")]
    Fenced {
        /// Our token.
        ours: FencingToken,
        /// The token in the target.
        found: FencingToken,
    },
    /// The cache lacks objects that it should have: [`Cache::reset`], fetch, and publish again.
    #[error("the worker's cache is damaged")]
    CacheDamaged,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] ConvertError),
}

/// A target being brought in step.
struct Publishing<'a> {
    target: &'a Target,
    cache: &'a Cache,
    watch: &'a Watch,
    wanted: &'a SourceState,
    /// The state that the target is to have in the end, but for its number.
    complete: ImportState,
    /// The target as it is now, as far as we know.
    snapshot: TargetSnapshot,
    changed_count: usize,
}

impl Target {
    /// Brings the target to what the source has, and records it in the state ref.
    ///
    /// `begin` says what the import is and who writes ([`ImportState::begin`]); `seen` is the target as last read.
    /// Refs within the filter that the source does not have are deleted.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]. [`Outcome::RemoteBroken`] if the source has lost all its refs.
    pub fn publish(
        &self,
        begin: &ImportState,
        seen: &TargetSnapshot,
        wanted: &SourceState,
        filter: &RefFilter,
        cache: &Cache,
        watch: &Watch,
    ) -> Result<Published, PublishError> {
        self.create_if_missing(watch)?;
        let mut snapshot = seen.clone();
        if snapshot.head.is_none() {
            // It may have been created just now.
            snapshot.head = self.local_head(watch)?;
        }
        let complete = complete_state(begin, wanted);
        Publishing { target: self, cache, watch, wanted, complete, snapshot, changed_count: 0 }.run(filter)
    }

    pub(super) fn keeps_changing(&self) -> ConvertError {
        let text = format!("Somebody else keeps writing to the target {}.", self.url);
        ConvertError::new(Outcome::Failure, Stage::Publish, text)
    }
}

impl Publishing<'_> {
    fn run(mut self, filter: &RefFilter) -> Result<Published, PublishError> {
        let branch = self.wanted.default_branch.as_ref();
        for _ in 0..MAX_ATTEMPTS {
            check_fence(&self.snapshot, self.complete.holder)?;
            let refused = self.push_all()?;
            if refused.is_none() && self.snapshot.head_names(branch) {
                return Ok(self.done());
            }
            let now = self.target.read(filter, self.cache, self.watch)?;
            if now.state_id != self.snapshot.state_id || now.refs != self.snapshot.refs {
                self.watch.note(Stage::Publish, "The target has changed since it was read; it is read again.");
                self.snapshot = now;
            } else if let Some(refused) = refused {
                return Err(self.explain(&refused)?);
            } else {
                // Last of all, because no push can carry HEAD along. The look just now was its fence.
                self.target.set_local_head(branch, self.watch)?;
                self.snapshot.head = branch.cloned();
                return Ok(self.done());
            }
        }
        Err(self.target.keeps_changing().into())
    }

    fn done(self) -> Published {
        Published { changed_count: self.changed_count, snapshot: self.snapshot }
    }

    /// Pushes what is missing, step by step. Returns the reason of a push that was refused.
    fn push_all(&mut self) -> Result<Option<String>, PublishError> {
        let backups = missing_backups(&self.wanted.backups, &self.snapshot.backups);
        let plan = plan(&self.wanted.refs, &self.snapshot.refs, backups).map_err(|error| self.not_followed(&error))?;
        let mut progress = Progress::begin(Stage::Publish, "refs");
        progress.total = u64::try_from(plan.changed_count()).ok();
        let mut pushes = plan.pushes;
        if pushes.is_empty() && !self.is_recorded() {
            // Only what is known about the refs is new, or HEAD. The state has to move all the same.
            pushes.push(Vec::new());
        }
        let last = pushes.len().saturating_sub(1);
        for (index, updates) in pushes.into_iter().enumerate() {
            self.watch.check(Stage::Publish)?;
            self.watch.progress(&progress);
            progress.done += u64::try_from(updates.len()).unwrap_or_default();
            if let Some(refused) = self.push_one(updates, index == last)? {
                return Ok(Some(refused));
            }
        }
        self.watch.progress(&progress);
        Ok(None)
    }

    /// One push: these refs and the state, or nothing.
    fn push_one(&mut self, mut updates: Vec<RefUpdate>, last: bool) -> Result<Option<String>, PublishError> {
        let state = self.next_state(last);
        let id = state.write(self.cache, self.wanted.carried)?;
        // First, because a local target's refs move one after the other once all are locked. Killed in between, the next run
        // finds a state that tells whose branches these are and what they should be, and moves the rest.
        updates.insert(0, push::state_update(self.snapshot.state_id, id));
        let refused = self.target.push(self.cache, &updates, self.watch)?;
        if refused.is_some() {
            return Ok(refused);
        }
        self.changed_count += updates.len() - 1;
        self.snapshot.apply(&updates, state, id);
        self.snapshot.carried = self.wanted.carried;
        Ok(None)
    }

    /// The state of the next push. Never the one that stands there: git does not compare what it need not change, so
    /// a state that did not move would fence nobody.
    fn next_state(&self, last: bool) -> ImportState {
        let ours = self.snapshot.state.as_ref().filter(|state| state.holder == self.complete.holder);
        let push_number = ours.map_or(1, |state| state.push_number.saturating_add(1));
        let complete = ImportState { push_number, ..self.complete.clone() };
        // While some pushes are still to come, the state promises nothing.
        if last { complete } else { ImportState { watermark: None, refs_digest: None, ..complete } }
    }

    /// Whether this very run has recorded all of it already: then the answer of its push got lost.
    fn is_recorded(&self) -> bool {
        let present = self.snapshot.state.as_ref();
        present.is_some_and(|state| ImportState { push_number: state.push_number, ..self.complete.clone() } == *state)
    }

    /// A push failed although nothing has moved: is it the cache, or the target's own reason?
    fn explain(&self, refused: &str) -> Result<PublishError, PublishError> {
        let tips: BTreeSet<ObjectId> = self.wanted.refs.values().copied().collect();
        if !self.cache.is_complete(&tips, self.watch)? {
            let path = self.cache.path().display();
            tracing::warn!(cache.path = %path, push.reason = refused, "objects are missing from the cache");
            return Ok(PublishError::CacheDamaged);
        }
        Ok(self.target.refusal(refused).into())
    }

    fn not_followed(&self, error: &PlanError) -> ConvertError {
        let url = &self.target.url;
        let text = format!("Nothing is deleted: {error}. To start anew, delete the branches of {url} by hand.");
        ConvertError::new(Outcome::RemoteBroken, Stage::Publish, text)
    }
}

impl TargetSnapshot {
    /// Whether HEAD needs no hand: it names the branch, or none is asked for, or it cannot be set (a remote target).
    fn head_names(&self, branch: Option<&BString>) -> bool {
        self.head.is_none() || branch.is_none() || self.head.as_ref() == branch
    }

    fn apply(&mut self, updates: &[RefUpdate], state: ImportState, state_id: ObjectId) {
        for update in updates.iter().filter(|update| update.name != STATE_REF) {
            let refs = if update.name.starts_with(BACKUPS.as_bytes()) { &mut self.backups } else { &mut self.refs };
            match update.new {
                Some(id) => drop(refs.insert(update.name.clone(), id)),
                None => drop(refs.remove(&update.name)),
            }
        }
        (self.state, self.state_id) = (Some(state), Some(state_id));
    }
}

pub(super) fn check_fence(snapshot: &TargetSnapshot, ours: Holder) -> Result<(), PublishError> {
    match snapshot.state.as_ref().map(|state| state.holder.fencing_token) {
        Some(found) if found > ours.fencing_token => Err(PublishError::Fenced { ours: ours.fencing_token, found }),
        _ => Ok(()),
    }
}

/// The state once all is pushed.
fn complete_state(begin: &ImportState, wanted: &SourceState) -> ImportState {
    let branch = wanted.default_branch.as_ref().map(|name| display_ref_name(name));
    ImportState {
        watermark: Some(wanted.watermark.clone()),
        refs_digest: Some(digest::hex(&refs_digest(&wanted.refs, branch.as_deref()))),
        default_branch: branch,
        ..begin.clone()
    }
}
