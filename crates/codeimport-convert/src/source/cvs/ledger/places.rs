//! Where revisions are shown. Most are shown by one commit, so lists of their own would mostly be room for more.

use super::{CommitIndex, LineId, RevId};

/// Stands for no place.
const NONE: u32 = u32::MAX;

/// All places; those of a revision are a chain from the newest.
#[derive(Default)]
pub(super) struct Places {
    /// Revision -> its newest place.
    newest: Vec<u32>,
    all: Vec<Place>,
}

/// A line that shows a revision by a commit of its own.
struct Place {
    line: LineId,
    commit: CommitIndex,
    /// The place of the same revision before this one.
    before: u32,
}

impl Places {
    /// The next revision, which has no place yet.
    pub(super) fn add_revision(&mut self) {
        self.newest.push(NONE);
    }

    pub(super) fn add(&mut self, revision: RevId, line: LineId, commit: CommitIndex) {
        let newest = &mut self.newest[revision as usize];
        self.all.push(Place { line, commit, before: *newest });
        *newest = super::index(self.all.len() - 1);
    }

    /// Lines and commits, from the newest.
    pub(super) fn of(&self, revision: RevId) -> impl Iterator<Item = (LineId, CommitIndex)> {
        let newest = self.newest.get(revision as usize).and_then(|place| self.all.get(*place as usize));
        let before = |place: &&Place| self.all.get(place.before as usize);
        std::iter::successors(newest, before).map(|place| (place.line, place.commit))
    }
}
