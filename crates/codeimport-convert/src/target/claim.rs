//! Raises a target's fence to a new holder, before that holder does anything else.

use super::{ImportState, PublishError, Target, TargetSnapshot, publish, push};
use crate::{Cache, Watch};
use codeimport_core::RefFilter;

impl Target {
    /// Moves the state ref under a new holder's token, and changes nothing else.
    ///
    /// After a reclaim the earlier holder may still be alive, with a push prepared. Once this has returned, that push
    /// fails. Does nothing if the holder's token stands there already. `begin` is written where there is no state yet.
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
        for _ in 0..publish::MAX_ATTEMPTS {
            let mut snapshot = self.read(filter, cache, watch)?;
            publish::check_fence(&snapshot, begin.holder)?;
            if snapshot.state.as_ref().is_some_and(|state| state.holder == begin.holder) {
                return Ok(snapshot);
            }
            // What the last run left stays true: only who may write has changed.
            let state = snapshot.state.as_ref().map_or_else(|| begin.clone(), |state| state.held_by(begin.holder));
            let id = state.write(cache, snapshot.carried)?;
            let Some(refused) = self.push(cache, &[push::state_update(snapshot.state_id, id)], watch)? else {
                (snapshot.state, snapshot.state_id) = (Some(state), Some(id));
                return Ok(snapshot);
            };
            if self.read(filter, cache, watch)?.state_id == snapshot.state_id {
                return Err(self.refusal(&refused).into());
            }
        }
        Err(self.keeps_changing().into())
    }
}
