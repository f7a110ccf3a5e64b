//! What lines show, and showed: their own commits say it, and before these the commits of the line that they began from.

use super::shows::ShowId;
use super::{CommitIndex, FileId, Ledger, Line, LineId, Manifest, RevId};

/// A commit that shows a revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::cvs) struct Shown {
    pub(in crate::source::cvs) line: LineId,
    pub(in crate::source::cvs) from: CommitIndex,
    /// The commit of the line that no longer does.
    pub(in crate::source::cvs) until: Option<CommitIndex>,
}

impl Ledger {
    /// What a line shows now.
    pub(in crate::source::cvs) fn manifest(&self, line: LineId) -> Manifest {
        self.tip(line).map_or_else(Manifest::new, |tip| self.manifest_at(tip))
    }

    /// What the line of a commit showed at that commit.
    pub(in crate::source::cvs) fn manifest_at(&self, commit: CommitIndex) -> Manifest {
        let mut manifest = Manifest::new();
        // From where all began.
        for at in self.way_to(commit).into_iter().rev() {
            let touched = self.whole_line(at).touched.values();
            for show in touched.filter_map(|entries| self.shows.last_at(entries, at)) {
                match show.revision() {
                    Some(revision) => drop(manifest.insert(show.file, revision)),
                    None => drop(manifest.remove(&show.file)),
                }
            }
        }
        manifest
    }

    /// A commit, the one that its line began as, the one that that one's line began as, and so on.
    fn way_to(&self, commit: CommitIndex) -> Vec<CommitIndex> {
        std::iter::successors(Some(commit), |at| self.whole_line(*at).from).collect()
    }

    fn whole_line(&self, commit: CommitIndex) -> &Line {
        &self.lines[self.line_of(commit) as usize]
    }

    /// What a line shows of a file now.
    pub(in crate::source::cvs) fn shows(&self, line: LineId, file: FileId) -> Option<RevId> {
        self.shows_at(self.tip(line)?, file)
    }

    /// What the line of a commit showed of a file at that commit.
    pub(in crate::source::cvs) fn shows_at(&self, commit: CommitIndex, file: FileId) -> Option<RevId> {
        let mut at = Some(commit);
        while let Some(commit) = at {
            let line = self.whole_line(commit);
            if let Some(show) = line.touched.get(&file).and_then(|entries| self.shows.last_at(entries, commit)) {
                return show.revision();
            }
            at = line.from;
        }
        None
    }

    /// The commits that show a revision because they brought it: where a tag's revisions are to be found.
    pub(in crate::source::cvs) fn shown_by(&self, revision: RevId) -> impl Iterator<Item = Shown> {
        self.shows.of_revision(revision).map(|id| self.shown(id))
    }

    fn shown(&self, id: ShowId) -> Shown {
        let show = self.shows.get(id);
        let line = self.line_of(show.commit);
        let entries = self.lines[line as usize].touched.get(&show.file).map_or(&[][..], Vec::as_slice);
        let behind = entries.get(entries.partition_point(|entry| *entry <= id));
        Shown { line, from: show.commit, until: behind.map(|behind| self.shows.get(*behind).commit) }
    }

    /// Files that a line changed, each with the first of its own commits that did.
    pub(in crate::source::cvs) fn first_changes(&self, line: LineId) -> impl Iterator<Item = (FileId, CommitIndex)> {
        let touched = self.lines[line as usize].touched.iter();
        touched.filter_map(|(file, entries)| Some((*file, self.shows.get(*entries.first()?).commit)))
    }

    /// Where a line began, if not with nothing, and the first commit of its own, if there is one.
    pub(in crate::source::cvs) fn begin(&self, line: LineId) -> (Option<CommitIndex>, Option<CommitIndex>) {
        let Line { from, sizes, .. } = &self.lines[line as usize];
        (*from, sizes.get(usize::from(from.is_some())).map(|(at, _)| *at))
    }

    /// How many files the line of a commit showed at that commit.
    pub(in crate::source::cvs) fn size_at(&self, commit: CommitIndex) -> usize {
        let sizes = &self.whole_line(commit).sizes;
        let after = sizes.partition_point(|(at, _)| *at <= commit);
        after.checked_sub(1).map_or(0, |at| sizes[at].1 as usize)
    }

    /// What a commit changed of its line: files with the revision shown from then on, or none.
    pub(in crate::source::cvs) fn changes(&self, commit: CommitIndex) -> impl Iterator<Item = (FileId, Option<RevId>)> {
        self.shows.of_commit(commit).map(|show| (show.file, show.revision()))
    }
}
