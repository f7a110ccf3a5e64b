//! What commits show: one entry for each file that a commit changes, in order of commits. From each the one before it is found that
//! shows the same revision elsewhere.

use super::{CommitIndex, FileId, RevId, index};
use crate::rows::Rows;

/// Place of an entry.
pub(super) type ShowId = u32;

/// Stands for no entry, and for no revision.
const NONE: u32 = u32::MAX;

/// All entries.
#[derive(Default)]
pub(super) struct Shows {
    all: Rows<Show>,
    /// Revision -> the newest entry that shows it.
    newest: Rows<ShowId>,
}

/// A file that a commit changes. There are more of these than revisions, so nothing in it is larger than need be.
#[derive(Clone, Copy)]
pub(super) struct Show {
    pub(super) commit: CommitIndex,
    pub(super) file: FileId,
    /// What is shown from then on, or nothing.
    revision: RevId,
    /// The entry before this one that shows the same revision.
    other: ShowId,
}

impl Show {
    /// What is shown from then on.
    pub(super) fn revision(&self) -> Option<RevId> {
        (self.revision != NONE).then_some(self.revision)
    }
}

impl Shows {
    /// The next revision, which nothing shows yet.
    pub(super) fn add_revision(&mut self) {
        self.newest.push(NONE);
    }

    /// Adds an entry of the newest commit.
    pub(super) fn add(&mut self, commit: CommitIndex, file: FileId, revision: Option<RevId>) -> ShowId {
        let id = index(self.all.len());
        let newest = revision.and_then(|revision| self.newest.get_mut(revision as usize));
        let other = newest.map_or(NONE, |newest| std::mem::replace(newest, id));
        self.all.push(Show { commit, file, revision: revision.unwrap_or(NONE), other });
        id
    }

    /// An entry. Ids come from here only.
    pub(super) fn get(&self, id: ShowId) -> &Show {
        &self.all[id as usize]
    }

    /// The entries that show a revision, from the newest.
    pub(super) fn of_revision(&self, revision: RevId) -> impl Iterator<Item = ShowId> {
        let some = |id: ShowId| (id != NONE).then_some(id);
        let newest = self.newest.get(revision as usize).copied().and_then(some);
        std::iter::successors(newest, move |id| some(self.get(*id).other))
    }

    /// What a commit changes.
    pub(super) fn of_commit(&self, commit: CommitIndex) -> impl Iterator<Item = &Show> {
        let begin = self.all.partition_point(|show| show.commit < commit);
        (begin..self.all.len()).map(|at| &self.all[at]).take_while(move |show| show.commit == commit)
    }

    /// Of some entries, in their order, the last one that is not behind a commit.
    pub(super) fn last_at(&self, entries: &[ShowId], commit: CommitIndex) -> Option<&Show> {
        let after = entries.partition_point(|id| self.get(*id).commit <= commit);
        Some(self.get(*entries.get(after.checked_sub(1)?)?))
    }
}
