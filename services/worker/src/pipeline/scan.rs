//! Tells the registry which refs and revisions the target now has.
//!
//! The walk over history blocks, so it goes on in a thread and hands its batches over a short channel: it is never more than
//! two batches ahead of the registry.

use super::{Pipeline, Work, blocking, shown_branch};
use crate::{
    registry::{Found, Swap, Swapped},
    roster::to_i64,
    stop::Stop,
    target_size,
};
use codeimport_convert::{
    CommitMap, ConvertError, MapEntry, ObjectId, SourceState, refs_digest,
    scan::{ScannedCommit, ScannedRef, ScannedSignature, new_commits, peel_refs},
};
use codeimport_core::{Outcome, Stage, display_ref_name};
use codeimport_kit::failpoint;
use codeimport_proto::registry::{Ref, Revision, Signature, SourceRevision};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use prost::Message as _;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::mpsc;

/// Batches that may wait for the registry.
const BATCHES_AHEAD: usize = 2;

/// Calls that may be under way at once.
const CALLS_AHEAD: usize = 3;

/// Largest message of revisions; gRPC servers take 4 MiB unless told otherwise.
const MAX_MESSAGE_LEN: usize = 2 << 20;

/// First and last second that a protobuf timestamp can tell: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Pipeline {
    /// Stores what is new, then makes it visible. Returns how many revisions the registry did not have.
    pub(super) async fn scan(&self, work: &Arc<Work>, state: &SourceState) -> Result<i64, Stop> {
        self.enter(work, Stage::Scan, "commits");
        let (on, refs) = (Arc::clone(work), state.refs.clone());
        let carried = state.carried;
        let (scanned, map, target_bytes) = blocking(move || {
            let scanned = peel_refs(&on.cache, &refs)?;
            let map = CommitMap::read(carried, &on.cache)?;
            Ok::<_, ConvertError>((scanned, map, target_size::of(on.spec.target.url())))
        })
        .await?;
        let mut swap = Swap { target_bytes, ..swap(state, &scanned, work.spec.scan_anew) };
        let tips: BTreeSet<_> = scanned.iter().filter_map(|r| r.commit_id).collect();
        let known = match swap.anew {
            true => BTreeSet::new(),
            false => self.registry().known_commits(work.spec.import_id.as_str()).await?,
        };
        failpoint("worker.scan.before_revisions").await;
        let mut stored_count = self.store_revisions(work, &map, tips.clone(), known, swap.anew).await?;
        failpoint("worker.scan.before_swap").await;
        if self.registry().swap_refs(&swap).await? == Swapped::Incomplete {
            // What it has is not what its refs promise. Telling all of history once mends that.
            work.watch.note(Stage::Scan, "The registry lacks revisions; all are told again.");
            swap.anew = true;
            stored_count += self.store_revisions(work, &map, tips, BTreeSet::new(), true).await?;
            if self.registry().swap_refs(&swap).await? == Swapped::Incomplete {
                let text = "The registry refuses the refs although all their commits were told.";
                return Err(ConvertError::new(Outcome::Failure, Stage::Scan, text).into());
            }
        }
        work.watch.note(Stage::Scan, format!("{} refs, {stored_count} new revisions.", swap.refs.len()));
        Ok(stored_count)
    }

    /// Walks from `tips` to `known` and stores all between. Returns how many were new to the registry.
    async fn store_revisions(
        &self,
        work: &Arc<Work>,
        map: &CommitMap,
        tips: BTreeSet<ObjectId>,
        known: BTreeSet<ObjectId>,
        anew: bool,
    ) -> Result<i64, Stop> {
        let (batches, received) = mpsc::channel(BATCHES_AHEAD);
        let on = Arc::clone(work);
        let walking = blocking(move || {
            new_commits(&on.cache, &tips, &known, &on.watch, |batch| {
                // Nobody receives any more: the other side has failed, and knows better why.
                batches.blocking_send(batch).map_err(|_| ConvertError::cancelled(Stage::Scan))
            })
        });
        let storing = self.store_batches(received, map, anew);
        let (walked, stored) = tokio::join!(walking, storing);
        let stored_count = stored?;
        walked?;
        Ok(stored_count)
    }

    /// Several calls are under way at once: while the registry stores one, the next is on its way.
    async fn store_batches(
        &self,
        received: mpsc::Receiver<Vec<ScannedCommit>>,
        map: &CommitMap,
        anew: bool,
    ) -> Result<i64, Stop> {
        let mut offset = 0;
        let batches = stream::unfold(received, async |mut received| Some((received.recv().await?, received)));
        let messages = batches.flat_map(|batch| stream::iter(messages(batch, map))).map(|mut found| {
            (found.offset, found.anew) = (offset, anew);
            offset += to_i64(found.revisions.len() as u64);
            found
        });
        let calls = messages.map(async |found| self.registry().put_revisions(&found).await);
        calls.buffered(CALLS_AHEAD).try_fold(0, async |sum, stored| Ok(sum + stored)).await
    }
}

fn swap(state: &SourceState, scanned: &[ScannedRef], anew: bool) -> Swap {
    let branch = shown_branch(state);
    let refs = scanned.iter().map(|scanned| Ref {
        name: scanned.name.clone(),
        object_id: scanned.object_id.to_string(),
        commit_id: scanned.commit_id.map(|id| id.to_string()).unwrap_or_default(),
    });
    Swap {
        refs: refs.collect(),
        refs_digest: refs_digest(&state.refs, branch.as_deref()).to_vec(),
        default_branch: branch.unwrap_or_default(),
        anew,
        target_bytes: 0,
    }
}

/// Cuts a batch into messages that a server takes. A single revision that is larger goes alone.
fn messages(batch: Vec<ScannedCommit>, map: &CommitMap) -> Vec<Found> {
    let mut messages: Vec<Found> = Vec::new();
    let mut room = 0;
    for commit in batch {
        let shown: Vec<_> = map.entries(commit.id).iter().map(source_revision).collect();
        let revision = revision(commit);
        let len = revision.encoded_len() + shown.iter().map(SourceRevision::encoded_len).sum::<usize>();
        if room < len || messages.is_empty() {
            messages.push(Found::default());
            room = MAX_MESSAGE_LEN;
        }
        room = room.saturating_sub(len);
        if let Some(message) = messages.last_mut() {
            message.revisions.push(revision);
            message.source_revisions.extend(shown);
        }
    }
    messages
}

fn source_revision(entry: &MapEntry) -> SourceRevision {
    SourceRevision {
        revision: entry.revision.clone(),
        branch_path: display_ref_name(&entry.branch),
        commit_id: entry.commit.to_string(),
    }
}

fn revision(commit: ScannedCommit) -> Revision {
    Revision {
        commit_id: commit.id.to_string(),
        parent_ids: commit.parents.iter().map(ToString::to_string).collect(),
        author: Some(signature(commit.author)),
        committer: Some(signature(commit.committer)),
        message: commit.message,
    }
}

fn signature(signature: ScannedSignature) -> Signature {
    let seconds = signature.seconds.clamp(*SECONDS.start(), *SECONDS.end());
    Signature {
        name: signature.name,
        email: signature.email,
        time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        utc_offset_minutes: signature.offset_minutes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(message_len: usize) -> ScannedCommit {
        ScannedCommit {
            id: ObjectId::from_hex(&[b'1'; 40]).expect("valid"),
            parents: Vec::new(),
            author: ScannedSignature { seconds: i64::MAX, ..ScannedSignature::default() },
            committer: ScannedSignature::default(),
            message: "x".repeat(message_len),
        }
    }

    #[test]
    fn messages_stay_below_what_a_server_takes() {
        let batch = vec![commit(1 << 20), commit(1 << 20), commit(3 << 20), commit(1), commit(1)];
        let messages = |batch| messages(batch, &CommitMap::default());
        let lens: Vec<_> = messages(batch).iter().map(|found| found.revisions.len()).collect();
        assert_eq!(lens, [1, 1, 1, 2]);
        assert!(messages(Vec::new()).is_empty());
    }

    #[test]
    fn a_date_beyond_all_calendars_is_cut() {
        assert_eq!(revision(commit(0)).author.and_then(|a| a.time).map(|t| t.seconds), Some(*SECONDS.end()));
    }
}
