//! What lines show, and showed: their own commits say it, and before these the commits of the line that they began from.

use super::{CommitIndex, FileId, Ledger, Line, LineId, Manifest, RevId};

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
            for (file, shown) in &self.lines[self.commits[at as usize].line as usize].shown {
                match shown_at(shown, at) {
                    Some(Some(revision)) => drop(manifest.insert(*file, revision)),
                    Some(None) => drop(manifest.remove(file)),
                    None => {}
                }
            }
        }
        manifest
    }

    /// A commit, the one that its line began as, the one that that one's line began as, and so on.
    fn way_to(&self, commit: CommitIndex) -> Vec<CommitIndex> {
        let before = |at: &CommitIndex| self.lines[self.commits[*at as usize].line as usize].from;
        std::iter::successors(Some(commit), before).collect()
    }

    /// What a line shows of a file now.
    pub(in crate::source::cvs) fn shows(&self, line: LineId, file: FileId) -> Option<RevId> {
        self.shows_at(self.tip(line)?, file)
    }

    /// What the line of a commit showed of a file at that commit.
    pub(in crate::source::cvs) fn shows_at(&self, commit: CommitIndex, file: FileId) -> Option<RevId> {
        let mut at = Some(commit);
        while let Some(commit) = at {
            let line = &self.lines[self.commits[commit as usize].line as usize];
            if let Some(shown) = line.shown.get(&file).and_then(|shown| shown_at(shown, commit)) {
                return shown;
            }
            at = line.from;
        }
        None
    }

    /// From which of its own commits on a line shows which revision of a file.
    pub(in crate::source::cvs) fn shown(&self, line: LineId, file: FileId) -> &[(CommitIndex, Option<RevId>)] {
        self.lines[line as usize].shown.get(&file).map_or(&[], Vec::as_slice)
    }

    /// Files that a line changed, each with the first of its own commits that did.
    pub(in crate::source::cvs) fn first_changes(&self, line: LineId) -> impl Iterator<Item = (FileId, CommitIndex)> {
        self.lines[line as usize].shown.iter().filter_map(|(file, shown)| Some((*file, shown.first()?.0)))
    }

    /// Where a line began, if not with nothing, and the first commit of its own, if there is one.
    pub(in crate::source::cvs) fn begin(&self, line: LineId) -> (Option<CommitIndex>, Option<CommitIndex>) {
        let Line { from, sizes, .. } = &self.lines[line as usize];
        (*from, sizes.get(usize::from(from.is_some())).map(|(at, _)| *at))
    }

    /// How many files the line of a commit showed at that commit.
    pub(in crate::source::cvs) fn size_at(&self, commit: CommitIndex) -> usize {
        let sizes = &self.lines[self.commits[commit as usize].line as usize].sizes;
        let after = sizes.partition_point(|(at, _)| *at <= commit);
        after.checked_sub(1).map_or(0, |at| sizes[at].1)
    }

    /// What a commit changed of its line.
    pub(in crate::source::cvs) fn changed(&self, commit: CommitIndex) -> impl Iterator<Item = Option<RevId>> {
        let end = |commit: usize| self.changes_end.get(commit).copied().unwrap_or_default();
        let begin = (commit as usize).checked_sub(1).map_or(0, end);
        self.changes[begin..end(commit as usize)].iter().map(|(_, revision)| *revision)
    }
}

/// What a line shows of a file at one of its commits; none if none of its own up to there says it.
fn shown_at(shown: &[(CommitIndex, Option<RevId>)], commit: CommitIndex) -> Option<Option<RevId>> {
    let after = shown.partition_point(|(from, _)| *from <= commit);
    Some(shown.get(after.checked_sub(1)?)?.1)
}
