//! Makes the target what it should be, or leaves it as it is.
//!
//! Each push restates every ref's old value and moves the state ref from the value that was read. So of two holders
//! only one can succeed, and the other one changes nothing. A push that is refused is explained by looking again:
//!
//! ```text
//!   state ref moved, another holder's token    Fenced: stop
//!   state ref moved, our own token             our push went through, its answer did not: plan again
//!   another ref moved                          somebody else pushed: plan again, once
//!   nothing moved                              the target's own reason
//! ```

use super::{Holder, ImportState, Target, TargetSnapshot, plan, push};
use crate::{Cache, ConvertError, SourceState, Watch, digest, refs_digest};
use codeimport_core::{FencingToken, Outcome, RefFilter, Stage, display_ref_name};
use gix::{ObjectId, bstr::BString};
use std::collections::BTreeSet;

/// How often a plan is made before a target that keeps changing is given up.
const MAX_ATTEMPTS: u32 = 3;

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

impl Target {
    /// Raises the target's fence to a new holder: moves the state ref under its token, changes nothing else.
    ///
    /// After a reclaim the earlier holder may still be alive, with a push prepared. Once this has returned, that push
    /// fails. Does nothing if the holder's token stands there already.
    ///
    /// # Errors
    ///
    /// [`PublishError::Fenced`] if a later holder was faster.
    pub fn claim_state(
        &self,
        begin: &ImportState,
        filter: &RefFilter,
        cache: &Cache,
        watch: &Watch,
    ) -> Result<TargetSnapshot, PublishError> {
        self.create_if_missing(watch)?;
        let holder = begin.holder;
        for _ in 0..MAX_ATTEMPTS {
            let mut snapshot = self.read(filter, cache, watch)?;
            check_fence(&snapshot, holder)?;
            if snapshot.state.as_ref().is_some_and(|state| state.holder == holder) {
                return Ok(snapshot);
            }
            // What the last run left stays true: only who may write has changed.
            let state = snapshot.state.as_ref().map_or_else(|| begin.clone(), |state| state.held_by(holder));
            let id = state.write(cache, snapshot.carried)?;
            let output = self.push(cache, &[push::state_update(snapshot.state_id, id)], watch)?;
            if output.success() {
                (snapshot.state, snapshot.state_id) = (Some(state), Some(id));
                return Ok(snapshot);
            }
            if self.read(filter, cache, watch)?.state_id == snapshot.state_id {
                return Err(self.refusal(&push::reasons(&output)).into());
            }
        }
        Err(self.keeps_changing().into())
    }

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
        let complete = complete_state(begin, wanted);
        let mut snapshot = seen.clone();
        if snapshot.head.is_none() {
            // It may have been created just now.
            snapshot.head = self.local_head(watch)?;
        }
        let mut changed_count = 0;
        for _ in 0..MAX_ATTEMPTS {
            check_fence(&snapshot, begin.holder)?;
            let refused = self.push_all(&complete, &mut snapshot, wanted, cache, watch, &mut changed_count)?;
            if refused.is_none() && snapshot.head_names(wanted.default_branch.as_ref()) {
                return Ok(Published { changed_count, snapshot });
            }
            let now = self.read(filter, cache, watch)?;
            if now.state_id != snapshot.state_id || now.refs != snapshot.refs {
                watch.note(Stage::Publish, "The target has changed since it was read; it is read again.");
                snapshot = now;
            } else if let Some(refused) = refused {
                return Err(self.explain(&refused, wanted, cache, watch)?);
            } else {
                // Last of all, because no push can carry HEAD along. The look just now was its fence.
                self.set_local_head(wanted.default_branch.as_ref(), watch)?;
                snapshot.head.clone_from(&wanted.default_branch);
                return Ok(Published { changed_count, snapshot });
            }
        }
        Err(self.keeps_changing().into())
    }

    /// Pushes what is missing, step by step, and keeps `snapshot` true. Returns the reason of a push that was refused.
    fn push_all(
        &self,
        complete: &ImportState,
        snapshot: &mut TargetSnapshot,
        wanted: &SourceState,
        cache: &Cache,
        watch: &Watch,
        changed_count: &mut usize,
    ) -> Result<Option<String>, PublishError> {
        let mut pushes = plan(&wanted.refs, &snapshot.refs).map_err(|e| self.not_followed(&e))?.pushes;
        if pushes.is_empty() {
            // Only what is known about the refs is new, or HEAD. The state still has to move: it proves the lease.
            pushes.push(Vec::new());
        }
        let count = pushes.len();
        for (index, mut updates) in pushes.into_iter().enumerate() {
            watch.check(Stage::Publish)?;
            let state = unfinished(complete, count - 1 - index);
            let id = state.write(cache, wanted.carried)?;
            if snapshot.state_id == Some(id) {
                // Pushed already, by this very run: its answer got lost.
                continue;
            }
            updates.push(push::state_update(snapshot.state_id, id));
            let output = self.push(cache, &updates, watch)?;
            if !output.success() {
                return Ok(Some(push::reasons(&output)));
            }
            *changed_count += updates.len() - 1;
            snapshot.apply(&updates, state, id);
            snapshot.carried = wanted.carried;
        }
        Ok(None)
    }

    /// A push failed although nothing has moved: is it the cache, or the target's own reason?
    fn explain(
        &self,
        refused: &str,
        wanted: &SourceState,
        cache: &Cache,
        watch: &Watch,
    ) -> Result<PublishError, PublishError> {
        let tips: BTreeSet<ObjectId> = wanted.refs.values().copied().collect();
        if !cache.is_complete(&tips, watch)? {
            return Ok(PublishError::CacheDamaged);
        }
        Ok(self.refusal(refused).into())
    }

    fn not_followed(&self, error: &super::PlanError) -> ConvertError {
        let text = format!("Nothing is deleted: {error}. To start anew, delete the branches of {} by hand.", self.url);
        ConvertError::new(Outcome::RemoteBroken, Stage::Publish, text)
    }

    fn keeps_changing(&self) -> ConvertError {
        let text = format!("Somebody else keeps writing to the target {}.", self.url);
        ConvertError::new(Outcome::Failure, Stage::Publish, text)
    }
}

impl TargetSnapshot {
    /// Whether HEAD needs no hand: it names the branch, or none is asked for, or it cannot be set (a remote target).
    fn head_names(&self, branch: Option<&BString>) -> bool {
        self.head.is_none() || branch.is_none() || self.head.as_ref() == branch
    }

    fn apply(&mut self, updates: &[super::RefUpdate], state: ImportState, state_id: ObjectId) {
        for update in updates.iter().filter(|update| update.name != super::STATE_REF) {
            match update.new {
                Some(id) => drop(self.refs.insert(update.name.clone(), id)),
                None => drop(self.refs.remove(&update.name)),
            }
        }
        (self.state, self.state_id) = (Some(state), Some(state_id));
    }
}

fn check_fence(snapshot: &TargetSnapshot, ours: Holder) -> Result<(), PublishError> {
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

/// The state while some pushes are still to come: it promises nothing.
fn unfinished(complete: &ImportState, pushes_left: usize) -> ImportState {
    if pushes_left == 0 {
        return complete.clone();
    }
    let pushes_left = u32::try_from(pushes_left).unwrap_or(u32::MAX);
    ImportState { watermark: None, refs_digest: None, pushes_left, ..complete.clone() }
}
