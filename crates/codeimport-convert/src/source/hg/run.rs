//! One run: from what was converted before to where the source is now, or to the run's limit.
//!
//! History comes in pieces, whose ends are found by asking what certain revision numbers stand for. A server that does not tell
//! sends the rest as one piece.

use super::bundle::read_bundle;
use super::convert::{Received, build_trees, commit_all, receive};
use super::error::HgError;
use super::explain::explain;
use super::history::{Decisions, HgState};
use super::lost::Lost;
use super::node::Node;
use super::shown::Shown;
use super::wire::{NODES_AT_ONCE, Position, Wire};
use crate::objects::{ObjectStore, StoreError};
use crate::shadow::ShadowError;
use crate::source::keeper::keep_all;
use crate::source::rewritten::frozen;
use crate::{Cache, Carried, ConvertError, FindingKind, Findings, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{Outcome, SourceUrl, Stage};
use gix::ObjectId;
use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

/// Changesets in a piece: what a broken connection may cost, and what has to be in memory.
const PIECE: u64 = 10_000;

/// Revision numbers asked for at a time, to find one that was not converted yet.
const CANDIDATES: u64 = 20;

/// What a run works with.
pub(super) struct Run<'a> {
    pub(super) wire: &'a Wire,
    pub(super) url: &'a SourceUrl,
    pub(super) options: &'a SourceOptions,
    pub(super) cache: &'a Cache,
    pub(super) watch: &'a Watch,
}

/// What a run has come to.
struct Progress {
    state: HgState,
    store: ObjectStore,
    findings: Findings,
    /// What the source had when the target was last written, and has no longer.
    lost: Lost,
    received: u64,
    /// How many changesets were converted before it.
    first: usize,
}

impl Run<'_> {
    /// Converts what is new.
    pub(super) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
        let position = self.wire.position(Stage::Fetch, self.watch)?;
        match self.attempt(carried, &position) {
            Err(error) if carried.is_some() && is_our_loss(&error) => {
                let text = "What the last run left is not whole: all is converted again, to the same commits.";
                self.watch.note(Stage::Fetch, text);
                self.attempt(None, &position)
            }
            done => done,
        }
    }

    fn attempt(&self, carried: Option<ObjectId>, position: &Position) -> Result<SourceState, ConvertError> {
        let mut progress = self.open(carried)?;
        self.look_for_lost(&mut progress, position)?;
        match self.convert(&mut progress, position) {
            Err(error) if progress.state.history.changesets.len() == progress.first || error.is_cancelled() => {
                return Err(error);
            }
            Err(error) => {
                let text = format!("{} What was converted before that is published.", error.chain());
                self.watch.note(Stage::Fetch, text);
            }
            Ok(()) => {}
        }
        self.finish(progress, position)
    }

    /// Goes on from what an earlier run carried, or begins anew.
    fn open(&self, carried: Option<ObjectId>) -> Result<Progress, ConvertError> {
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let decisions = Decisions::new(self.options.authors.canonical(), self.options.hg.clone());
        let state = match carried.map(|tree| HgState::read(tree, &mut store)) {
            Some(Some(state)) if state.decisions != decisions => {
                let text = "The target was converted with other options (author map, subrepositories), or by another version of \
                            codeimport. Use the same again, or a new target: published commits are not rewritten.";
                return Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text));
            }
            Some(Some(state)) => state,
            Some(None) => {
                let text = "What the last run left cannot be read: all is converted again, to the same commits.";
                self.watch.note(Stage::Fetch, text);
                HgState::begin(decisions)
            }
            None => HgState::begin(decisions),
        };
        let first = state.history.changesets.len();
        Ok(Progress { state, store, findings: Findings::default(), lost: Lost::default(), received: 0, first })
    }

    /// What is lost is told. It stops the run if it has to.
    fn look_for_lost(&self, progress: &mut Progress, position: &Position) -> Result<(), ConvertError> {
        let lost = Lost::find(&progress.state.history.changesets, &position.heads, self.wire, self.watch)?;
        if let Some(node) = lost.nodes().min().filter(|_| self.options.freeze_rewritten) {
            return Err(frozen(self.url, &format!("changeset {}", node.short())));
        }
        lost.nodes().for_each(|node| progress.findings.note(FindingKind::LostChangeset, &node.short()));
        progress.lost = lost;
        Ok(())
    }

    /// Takes in piece after piece until all is there or the run's limit is reached.
    fn convert(&self, progress: &mut Progress, position: &Position) -> Result<(), ConvertError> {
        let began = Instant::now();
        loop {
            let changesets = &progress.state.history.changesets;
            let missing: Vec<_> =
                position.heads.iter().filter(|node| changesets.get(node).is_none()).copied().collect();
            let done = (changesets.len() - progress.first) as u64;
            let limit = self.options.max_revisions.saturating_sub(done);
            if missing.is_empty() || limit == 0 || began.elapsed() >= self.options.max_time {
                return Ok(());
            }
            self.watch.check(Stage::Fetch)?;
            let common = progress.lost.common(changesets);
            let rest = missing.into_iter().take(NODES_AT_ONCE).collect();
            let heads = self.end_of_piece(progress, limit.min(PIECE))?.map_or(rest, |end| vec![end]);
            self.take_piece(progress, &common, &heads)?;
        }
    }

    /// The changeset that the next piece leads to; none if it is the rest.
    fn end_of_piece(&self, progress: &Progress, len: u64) -> Result<Option<Node>, ConvertError> {
        let changesets = &progress.state.history.changesets;
        let first = changesets.len() as u64 + len - 1;
        let candidates: Vec<_> = (first..first + CANDIDATES).collect();
        let nodes = self.wire.numbered(&candidates, Stage::Fetch, self.watch)?;
        // Where there is no such number, what is left is no more than a piece.
        let shown = nodes.into_iter().map_while(|node| node);
        Ok(shown.into_iter().find(|node| changesets.get(node).is_none()))
    }

    fn take_piece(&self, progress: &mut Progress, common: &[Node], heads: &[Node]) -> Result<(), ConvertError> {
        let Progress { state, store, findings, received, .. } = progress;
        let (history, authors) = (&mut state.history, &self.options.authors);
        let mut answer = self.wire.bundle(common, heads, self.watch)?;
        let mut taken = Received::default();
        let read = read_bundle(&mut *answer, |group| {
            taken = receive(group, history, &self.options.hg, store, self.watch)?;
            Ok(())
        });
        *received += answer.received();
        read.map_err(|error| answer.explain(error))?;
        let made = build_trees(taken.manifests, history, store, self.watch)
            .and_then(|()| commit_all(taken.changesets, history, authors, store, findings));
        made.map_err(|error| explain(self.url, error, Stage::Convert))?;
        if let Some(head) = heads.iter().find(|head| history.changesets.get(head).is_none()) {
            let text = format!("{} names the head {head}, and does not send it.", self.url);
            return Err(ConvertError::new(Outcome::RemoteBroken, Stage::Fetch, text));
        }
        // Ends a pack, so that memory and the loss by a crash stay bounded.
        self.ours(store.flush())
    }

    /// Refs, and what the next run needs.
    fn finish(&self, progress: Progress, position: &Position) -> Result<SourceState, ConvertError> {
        let Progress { mut state, mut store, mut findings, lost, received, .. } = progress;
        let changesets = &state.history.changesets;
        let complete = position.heads.iter().all(|node| changesets.get(node).is_some());
        let shown = Shown { history: &state.history, position, lost: &lost, complete };
        let (mut refs, default_branch) =
            shown.refs(&mut store, &mut findings).map_err(|error| explain(self.url, error, Stage::Convert))?;
        refs.retain(|name, _| self.options.filter.takes(name));
        let backups = lost.backups(changesets);
        let named: HashSet<_> = refs.values().copied().collect();
        let heads = changesets.heads().into_iter().filter_map(|node| Some(changesets.get(&node)?.commit));
        let mut kept: BTreeSet<_> = heads.filter(|commit| !named.contains(commit)).collect();
        let tree = self.ours(state.write(&mut store))?;
        kept.extend(state.keeper);
        let kept = self.ours(keep_all(&kept.into_iter().collect::<Vec<_>>(), &mut store))?;
        self.ours(store.flush())?;
        self.cache.keep_tips(&refs.values().copied().chain(kept).chain([tree]).collect())?;
        findings.iter().for_each(|finding| self.watch.note(Stage::Convert, finding.sentence()));
        let watermark = match complete {
            true => position.watermark(),
            false => {
                Watermark(format!("{}, {} changesets of it", position.watermark(), state.history.changesets.len()))
            }
        };
        let carried = Some(Carried { tree, kept });
        Ok(SourceState {
            watermark,
            refs,
            backups,
            default_branch,
            received_bytes: received,
            carried,
            findings,
            complete,
        })
    }

    fn ours<T, E: std::error::Error + Send + Sync + 'static>(&self, result: Result<T, E>) -> Result<T, ConvertError> {
        result.map_err(|error| {
            let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
            ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
        })
    }
}

/// Whether something that an earlier run left is missing.
fn is_our_loss(error: &ConvertError) -> bool {
    let cause = error.source.as_deref().and_then(|cause| cause.downcast_ref::<HgError>());
    matches!(
        cause,
        Some(
            HgError::Store(StoreError::Missing { .. })
                | HgError::Shadow(ShadowError::Store(StoreError::Missing { .. }) | ShadowError::Damaged { .. })
        )
    )
}
