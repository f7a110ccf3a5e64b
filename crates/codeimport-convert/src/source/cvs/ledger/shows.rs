//! What commits show: one entry for each file that a commit changes, in order of commits. From each the entries before and behind it
//! are found that say something of the same file on the same line, and one that shows the same revision elsewhere.

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
struct Show {
    commit: CommitIndex,
    file: FileId,
    /// What is shown from then on, or nothing.
    revision: RevId,
    /// The entries of the same file on the same line before and behind this one.
    before: ShowId,
    behind: ShowId,
    /// The entry before this one that shows the same revision.
    other: ShowId,
}

impl Shows {
    /// The next revision, which nothing shows yet.
    pub(super) fn add_revision(&mut self) {
        self.newest.push(NONE);
    }

    /// Adds an entry of the newest commit. `before`: the newest one of the same file on the same line.
    pub(super) fn add(
        &mut self,
        commit: CommitIndex,
        file: FileId,
        revision: Option<RevId>,
        before: Option<ShowId>,
    ) -> ShowId {
        let id = index(self.all.len());
        let newest = revision.and_then(|revision| self.newest.get_mut(revision as usize));
        let other = newest.map_or(NONE, |newest| std::mem::replace(newest, id));
        if let Some(before) = before {
            self.all[before as usize].behind = id;
        }
        let (revision, before) = (revision.unwrap_or(NONE), before.unwrap_or(NONE));
        self.all.push(Show { commit, file, revision, before, behind: NONE, other });
        id
    }

    /// The commits that show a revision, from the newest, each with the one that then says something else of the file.
    pub(super) fn of_revision(&self, revision: RevId) -> impl Iterator<Item = (CommitIndex, Option<CommitIndex>)> {
        let newest = self.newest.get(revision as usize).and_then(|newest| self.get(*newest));
        let shows = std::iter::successors(newest, |show| self.get(show.other));
        shows.map(|show| (show.commit, self.get(show.behind).map(|behind| behind.commit)))
    }

    /// What a commit changes.
    pub(super) fn of_commit(&self, commit: CommitIndex) -> impl Iterator<Item = (FileId, Option<RevId>)> {
        let begin = self.all.partition_point(|show| show.commit < commit);
        let shows = (begin..self.all.len()).map(|at| &self.all[at]).take_while(move |show| show.commit == commit);
        shows.map(|show| (show.file, some(show.revision)))
    }

    /// What is shown at a commit, by an entry or those before it; none if none of them is as old.
    pub(super) fn at(&self, newest: ShowId, commit: CommitIndex) -> Option<Option<RevId>> {
        let mut shows = std::iter::successors(self.get(newest), |show| self.get(show.before));
        shows.find(|show| show.commit <= commit).map(|show| some(show.revision))
    }

    fn get(&self, id: ShowId) -> Option<&Show> {
        self.all.get(id as usize)
    }
}

fn some(revision: RevId) -> Option<RevId> {
    (revision != NONE).then_some(revision)
}
