//! What CVS knows of each file but its texts: the same value, whichever way it came.

use super::interner::{Names, Words, WordsId};
use super::long_list::LongList;
use super::rcs::Number;
use std::num::NonZeroU32;
use std::ops::Range;

/// All files of a repository, in order of their paths.
pub(super) struct Histories {
    pub(super) files: Vec<FileHistory>,
    /// What their symbols are called.
    pub(super) names: Names,
    /// Accounts and messages.
    pub(super) words: Words,
    /// The symbols of all files: names with what they name, a revision, or a branch in its plain form.
    pub(super) symbols: LongList,
}

/// One file of a repository.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FileHistory {
    /// Path from the import's root, without `Attic/` and `,v`.
    pub(super) path: Vec<u8>,
    /// The branch that stands for the trunk, if any.
    pub(super) default_branch: Option<Number>,
    /// Where its symbols are in those of all files; each name once.
    pub(super) symbols: Range<usize>,
    /// Whether the text is not to be looked into (`-kb`).
    pub(super) is_binary: bool,
    /// In order of their numbers, each once. Elsewhere a revision is its place here.
    pub(super) revisions: Box<[Revision]>,
}

/// One revision of a file. There are millions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Revision {
    pub(super) number: Number,
    /// In seconds since 1970.
    pub(super) seconds: i64,
    pub(super) author: WordsId,
    /// As CVS shows it: never empty, ends in a line end.
    pub(super) log: WordsId,
    /// What later servers give to all revisions of one commit.
    pub(super) commitid: Option<NonZeroU32>,
    /// Whether the file is removed here.
    pub(super) is_dead: bool,
}

impl FileHistory {
    /// The place of a revision, if it is there.
    pub(super) fn find(&self, number: &Number) -> Option<usize> {
        self.revisions.binary_search_by(|revision| revision.number.cmp(number)).ok()
    }

    /// The numbers of all revisions.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.revisions.iter().map(|revision| &revision.number)
    }

    /// The places of the revisions of a branch, from its first.
    pub(super) fn on_branch(&self, branch: &Number) -> impl DoubleEndedIterator<Item = usize> {
        let parts = branch.parts();
        // A branch is less than all its revisions, and they stand together but for branches of their own.
        let begin = self.revisions.partition_point(|revision| revision.number < *branch);
        let rest = self.revisions[begin..].iter();
        let count = rest.take_while(|revision| revision.number.parts().starts_with(&parts)).count();
        let length = parts.len() + 1;
        (begin..begin + count).filter(move |at| self.revisions[*at].number.parts().len() == length)
    }

    /// The places of the revisions of the trunk, from the first.
    pub(super) fn on_trunk(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.revisions.len()).filter(|at| self.revisions[*at].number.is_trunk())
    }
}
