//! What was converted: each revision's shadow root, each branch's commits. Asked by copies, merges, and people.
//!
//! Of the past only its place on the disk is in memory, but for the newest revisions: so memory grows with the number of branches and
//! of their copies and merges, and not with the number of revisions.
//!
//! ```text
//!   segment   a thousand revisions that never change again, as they lie on the disk
//!   branch    where the commits of a branch are                        pure
//!   stored    as a Git tree, for the next run
//!   ancestry  which branch contains which other one                    pure
//!   late      what was changed in the source after it was converted    pure
//! ```

mod ancestry;
mod branch;
mod late;
mod segment;
mod stored;

pub(super) use crate::source::keeper::{keep_all, keeper};

use crate::objects::ObjectStore;
use crate::shadow::ShadowError;
use ancestry::Ancestry;
use branch::Branch;
use gix::ObjectId;
use late::Recent;
use segment::{SEGMENT, Segment};
use std::collections::BTreeMap;
use std::ops::Range;

/// One line of the map: a branch, a revision that changed it, and the commit that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MapEntry {
    /// Source revision.
    pub(crate) revision: u64,
    /// The commit made of it.
    pub(crate) commit: ObjectId,
    /// Path of the branch's root in the source.
    pub(crate) branch: Vec<u8>,
}

/// The converted part of a repository's history.
#[derive(Default)]
pub(crate) struct History {
    /// The full segments, from revision 0.
    full: Vec<Segment>,
    /// Shadow roots of the revisions after them.
    roots: Vec<ObjectId>,
    /// Commits of these, in the order of conversion.
    map: Vec<MapEntry>,
    branches: BTreeMap<Vec<u8>, Branch>,
    /// Shadow root of the newest revision.
    youngest_root: Option<ObjectId>,
    /// Commits made.
    commit_count: u64,
    /// What each branch took in.
    pub(crate) ancestry: Ancestry,
    /// Last commit of the full segments.
    pub(crate) keeper: Option<ObjectId>,
    /// Last commit of the chain, from which all roots and the commits of deleted branches are reachable.
    pub(crate) chain: Option<ObjectId>,
    /// Whether the server keeps something of this history from the account.
    pub(crate) is_partial: bool,
    /// What the newest revisions say.
    pub(crate) recent: Recent,
    /// Date of the newest revision that has one: stands in for those that have none.
    pub(crate) last_seconds: i64,
}

impl History {
    /// The newest revision converted; none before the first.
    #[must_use]
    pub(crate) fn youngest(&self) -> Option<u64> {
        (self.first_in_memory() + self.roots.len() as u64).checked_sub(1)
    }

    /// The shadow root of the newest revision.
    #[must_use]
    pub(crate) fn youngest_root(&self) -> Option<ObjectId> {
        self.youngest_root
    }

    /// How many commits were made.
    #[must_use]
    pub(crate) fn commit_count(&self) -> u64 {
        self.commit_count
    }

    /// The shadow root of a revision.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub(crate) fn root(&self, revision: u64, store: &mut ObjectStore) -> Result<Option<ObjectId>, ShadowError> {
        let Some(since) = revision.checked_sub(self.first_in_memory()) else {
            return self.segment_of(revision).map(|segment| segment.root(revision % SEGMENT, store)).transpose();
        };
        Ok(usize::try_from(since).ok().and_then(|at| self.roots.get(at)).copied())
    }

    /// All commits made, in order.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub(crate) fn map(&self, store: &mut ObjectStore) -> Result<Vec<MapEntry>, ShadowError> {
        let mut all = Vec::new();
        for segment in &self.full {
            all.extend(segment.map(store)?);
        }
        all.extend_from_slice(&self.map);
        Ok(all)
    }

    /// The newest commit of a branch, there now or not, with its revision.
    #[must_use]
    pub(crate) fn tip(&self, branch: &[u8]) -> Option<(u64, ObjectId)> {
        self.branches.get(branch).map(|branch| branch.tip)
    }

    /// The newest commit of a branch at or before a revision.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub(crate) fn commit_at(
        &self,
        branch: &[u8],
        revision: u64,
        store: &mut ObjectStore,
    ) -> Result<Option<(u64, ObjectId)>, ShadowError> {
        let Some(known) = self.branches.get(branch) else { return Ok(None) };
        if known.tip.0 <= revision {
            return Ok(Some(known.tip));
        }
        if let Some(found) = self.in_memory(branch).rev().find(|(made, _)| *made <= revision) {
            return Ok(Some(found));
        }
        for segment in known.segments_before(revision / SEGMENT + 1) {
            let commits = self.commits_in(segment, branch, store)?;
            if let Some(found) = commits.into_iter().rev().find(|(made, _)| *made <= revision) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The commits of a branch between two revisions, rising, but for its very first one; of all its lives, if it was deleted and
    /// made again.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub(crate) fn later_commits(
        &self,
        branch: &[u8],
        revisions: Range<u64>,
        store: &mut ObjectStore,
    ) -> Result<Vec<(u64, ObjectId)>, ShadowError> {
        let Some(known) = self.branches.get(branch).filter(|known| known.tip.0 >= revisions.start) else {
            return Ok(Vec::new());
        };
        let mut commits = Vec::new();
        for segment in known.segments_from(revisions.start / SEGMENT) {
            commits.extend(self.commits_in(segment, branch, store)?);
        }
        commits.extend(self.in_memory(branch));
        commits.retain(|(made, _)| revisions.contains(made) && *made != known.first);
        Ok(commits)
    }

    /// Notes the root of the next revision.
    pub(crate) fn push_root(&mut self, root: ObjectId) {
        self.roots.push(root);
        self.youngest_root = Some(root);
    }

    /// Notes a commit.
    pub(crate) fn push_commit(&mut self, entry: MapEntry) {
        self.note_tip(&entry.branch, (entry.revision, entry.commit));
        self.map.push(entry);
    }

    fn note_tip(&mut self, branch: &[u8], tip: (u64, ObjectId)) -> &mut Branch {
        self.commit_count += 1;
        let known = self.branches.entry(branch.to_vec()).or_insert_with(|| Branch::begin(tip));
        known.tip = tip;
        known
    }

    /// The first revision whose root is in memory.
    fn first_in_memory(&self) -> u64 {
        self.full.len() as u64 * SEGMENT
    }

    fn segment_of(&self, revision: u64) -> Option<&Segment> {
        self.full.get(usize::try_from(revision / SEGMENT).ok()?)
    }

    fn in_memory(&self, branch: &[u8]) -> impl DoubleEndedIterator<Item = (u64, ObjectId)> {
        let of_branch = self.map.iter().filter(move |entry| entry.branch == branch);
        of_branch.map(|entry| (entry.revision, entry.commit))
    }

    fn commits_in(
        &self,
        segment: u64,
        branch: &[u8],
        store: &mut ObjectStore,
    ) -> Result<Vec<(u64, ObjectId)>, ShadowError> {
        let segment = self.segment_of(segment * SEGMENT);
        segment.map_or_else(|| Ok(Vec::new()), |segment| segment.commits_of(branch, store))
    }
}
