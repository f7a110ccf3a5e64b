//! What was converted: each revision's shadow root, each branch's commits. Asked by copies, merges, and people.
//!
//! ```text
//!   stored    as a Git tree, for the next run
//!   ancestry  which branch contains which other one                    pure
//!   late      what was changed in the source after it was converted    pure
//! ```

mod ancestry;
mod late;
mod stored;

pub(super) use crate::source::keeper::{keep_all, keeper};

use ancestry::Ancestry;
use gix::ObjectId;
use late::Recent;
use std::collections::BTreeMap;

/// Commits of one branch root: (revision, commit), rising.
type Commits = Vec<(u64, ObjectId)>;

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
    /// Shadow roots by revision, from 0.
    roots: Vec<ObjectId>,
    branches: BTreeMap<Vec<u8>, Commits>,
    /// In the order of conversion.
    map: Vec<MapEntry>,
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
        u64::try_from(self.roots.len()).ok()?.checked_sub(1)
    }

    /// The shadow root of a revision.
    #[must_use]
    pub(crate) fn root(&self, revision: u64) -> Option<ObjectId> {
        self.roots.get(usize::try_from(revision).ok()?).copied()
    }

    /// All commits made, in order.
    #[must_use]
    pub(crate) fn map(&self) -> &[MapEntry] {
        &self.map
    }

    /// The newest commit of a branch at or before a revision.
    #[must_use]
    pub(crate) fn commit_at(&self, branch: &[u8], revision: u64) -> Option<(u64, ObjectId)> {
        let commits = self.branches.get(branch)?;
        let after = commits.partition_point(|(made, _)| *made <= revision);
        commits.get(after.checked_sub(1)?).copied()
    }

    /// The commits of a branch, rising; of all its lives, if it was deleted and made again.
    pub(crate) fn commits(&self, branch: &[u8]) -> &[(u64, ObjectId)] {
        self.branches.get(branch).map_or(&[], Vec::as_slice)
    }

    /// Notes the root of the next revision.
    pub(crate) fn push_root(&mut self, root: ObjectId) {
        self.roots.push(root);
    }

    /// Notes a commit.
    pub(crate) fn push_commit(&mut self, entry: MapEntry) {
        self.branches.entry(entry.branch.clone()).or_default().push((entry.revision, entry.commit));
        self.map.push(entry);
    }
}
