//! Looks at the target.

use super::{BACKUPS, ImportState, STATE_REF, Target};
use crate::{Cache, Carried, ConvertError, Refs, Watch, Watermark, digest, git, refs_digest};
use codeimport_core::{Outcome, RefFilter, Stage, display_ref_name};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice as _},
};

/// What a target had when it was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TargetSnapshot {
    /// Refs that the import's filter takes: those that belong to it.
    pub refs: Refs,
    /// Backups of what the source has lost.
    pub backups: Refs,
    /// The state that the last run left, if it can be read.
    pub state: Option<ImportState>,
    /// What the last run left for the next one of the same source.
    pub carried: Option<Carried>,
    /// Object under the state ref, readable or not.
    pub(super) state_id: Option<ObjectId>,
    /// What HEAD names, if the target is local; none for a remote one, which does not let it be set.
    pub(super) head: Option<BString>,
}

impl TargetSnapshot {
    /// Whether the target already is what a source at this position would make of it.
    ///
    /// Looks at the target's refs as they are, not only at what the state says of them: somebody may have moved one.
    #[must_use]
    pub fn is_current(&self, watermark: &Watermark, options_digest: [u8; 32]) -> bool {
        let same_options = |state: &ImportState| state.options_digest == digest::hex(&options_digest);
        self.state.as_ref().is_some_and(same_options) && self.is_at(watermark)
    }

    /// The same, whatever the options are that it was made with.
    #[must_use]
    pub(crate) fn is_at(&self, watermark: &Watermark) -> bool {
        let Some(state) = &self.state else { return false };
        let branch = state.default_branch.as_deref();
        let head_follows =
            self.head.as_ref().is_none_or(|head| branch.is_none_or(|branch| display_ref_name(head) == branch));
        state.watermark.as_ref() == Some(watermark) && self.has_recorded_refs() && head_follows
    }

    /// Whether the refs are those that the last run left.
    #[must_use]
    pub fn has_recorded_refs(&self) -> bool {
        let recorded = self.state.as_ref().and_then(|state| state.refs_digest.as_ref());
        recorded == Some(&digest::hex(&refs_digest(&self.refs, self.default_branch())))
    }

    /// Full name of the default branch as the last run recorded it.
    #[must_use]
    pub fn default_branch(&self) -> Option<&str> {
        self.state.as_ref()?.default_branch.as_deref()
    }
}

impl Target {
    /// Looks at refs, HEAD and state. Writes nothing; a local target that is not there yet is an empty one.
    ///
    /// # Errors
    ///
    /// [`Stage::Publish`]: the target cannot be reached, cannot be read, or was written by a later version of codeimport.
    pub fn read(&self, filter: &RefFilter, cache: &Cache, watch: &Watch) -> Result<TargetSnapshot, ConvertError> {
        if self.is_missing() {
            return Ok(TargetSnapshot::default());
        }
        let mut refs = self.list_refs(watch)?;
        let state_id = refs.remove(&BString::from(STATE_REF));
        let state = state_id.map(|id| self.read_state(id, cache, watch)).transpose()?.flatten();
        let (state, carried) = state.map_or((None, None), |(state, carried)| (Some(state), carried));
        let backups = refs.iter().filter(|(name, _)| name.starts_with(BACKUPS.as_bytes()));
        let backups = backups.map(|(name, id)| (name.clone(), *id)).collect();
        refs.retain(|name, _| filter.takes(name));
        if carried.is_some() {
            self.fetch_missing(&refs, cache, watch)?;
        }
        Ok(TargetSnapshot { refs, backups, state, carried, state_id, head: self.local_head(watch)? })
    }

    fn list_refs(&self, watch: &Watch) -> Result<Refs, ConvertError> {
        if let Some(refs) = self.local_refs() {
            return Ok(refs);
        }
        let command = git::command(None).args(["ls-remote", "--refs", "--", self.url.as_str()]).timeout(git::SHORT);
        let output = git::attempt(command.stdout_limit(1 << 30), Stage::Publish, watch)?;
        if !output.success() {
            return Err(self.refusal(&output.stderr));
        }
        Ok(parse_refs(&output.stdout))
    }

    /// The state's objects are usually in the cache, because this worker wrote them. Otherwise they are fetched.
    fn read_state(
        &self,
        id: ObjectId,
        cache: &Cache,
        watch: &Watch,
    ) -> Result<Option<(ImportState, Option<Carried>)>, ConvertError> {
        if !cache.repository()?.has_object(id) {
            self.fetch(&[STATE_REF.as_bytes()], cache, watch)?;
        }
        let state = ImportState::read(cache, id)?;
        if state.as_ref().is_some_and(|(state, _)| state.is_from_the_future()) {
            let text = format!("{} was written by a later version of codeimport; update this worker.", self.url);
            return Err(ConvertError::new(Outcome::Failure, Stage::Publish, text));
        }
        Ok(state)
    }

    /// A source that goes on from what it carried also goes on from the commits made so far. A worker that did not make
    /// them fetches them.
    fn fetch_missing(&self, refs: &Refs, cache: &Cache, watch: &Watch) -> Result<(), ConvertError> {
        let repository = cache.repository()?;
        let missing: Vec<&[u8]> =
            refs.iter().filter(|(_, id)| !repository.has_object(**id)).map(|(name, _)| name.as_slice()).collect();
        if missing.is_empty() { Ok(()) } else { self.fetch(&missing, cache, watch) }
    }

    /// Brings refs of the target, with all that they need, into the cache.
    fn fetch(&self, names: &[&[u8]], cache: &Cache, watch: &Watch) -> Result<(), ConvertError> {
        let command = git::command(Some(cache.path()))
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--stdin", "--", self.url.as_str()])
            .stdin(names.join(&b'\n'))
            .timeout(git::LONG);
        let output = git::attempt(command, Stage::Publish, watch)?;
        if output.success() { Ok(()) } else { Err(self.refusal(&output.stderr)) }
    }
}

/// Lines of `git ls-remote`: object id, tab, name. The name may be any bytes.
fn parse_refs(stdout: &[u8]) -> Refs {
    stdout
        .lines()
        .filter_map(|line| {
            let (id, name) = line.split_once_str("\t")?;
            Some((BString::from(name), ObjectId::from_hex(id).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_text_are_kept_as_they_are() {
        let id = "1".repeat(40);
        let mut lines = format!("{id}\trefs/heads/main\n{id}\trefs/heads/gr").into_bytes();
        lines.extend_from_slice(b"\xfcn\n");
        let refs = parse_refs(&lines);
        assert!(refs.contains_key(&BString::from(&b"refs/heads/gr\xfcn"[..])), "{refs:?}");
        assert_eq!(refs.len(), 2);
    }
}
