//! What CVS knows of each file but its texts: the same value, whichever way it came. Of revisions only the numbers are in memory.

use super::interner::{Names, Words, WordsId};
use super::long_list::LongList;
use super::packed;
use super::rcs::Number;
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;

/// All files of a repository, in order of their paths.
pub(super) struct Histories {
    pub(super) files: Vec<FileHistory>,
    /// What their symbols are called.
    pub(super) names: Names,
    /// Accounts and messages.
    pub(super) words: Words,
    /// The symbols of all files: names with what they name, a revision, or a branch in its plain form.
    pub(super) symbols: LongList<2>,
    /// What is said of the revisions of all files.
    pub(super) revisions: Revisions,
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
    /// The numbers of its revisions in order, each once. Elsewhere a revision is its place here.
    pub(super) numbers: Box<[Number]>,
    /// Where the first of them is among the revisions of all files; the others are behind it.
    pub(super) first: usize,
}

/// What is said of a revision of a file, but its number. There are millions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Revision {
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
        self.numbers.binary_search(number).ok()
    }

    /// The places of the revisions of a branch, from its first.
    pub(super) fn on_branch(&self, branch: &Number) -> impl DoubleEndedIterator<Item = usize> {
        let parts = branch.parts();
        // A branch is less than all its revisions, and they stand together but for branches of their own.
        let begin = self.numbers.partition_point(|number| number < branch);
        let rest = self.numbers[begin..].iter();
        let count = rest.take_while(|number| number.parts().starts_with(&parts)).count();
        let length = parts.len() + 1;
        (begin..begin + count).filter(move |at| self.numbers[*at].parts().len() == length)
    }

    /// The places of the revisions of the trunk, from the first.
    pub(super) fn on_trunk(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.numbers.len()).filter(|at| self.numbers[*at].is_trunk())
    }
}

/// The revisions of all files.
pub(super) struct Revisions(LongList<NUMBERS>);

/// Numbers of a revision that is put away.
const NUMBERS: usize = 6;

impl Revisions {
    /// None yet. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        Self(LongList::new(scratch))
    }

    /// Adds those of a file, and tells where the first one is.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn add(&mut self, revisions: Vec<Revision>) -> io::Result<usize> {
        self.0.extend(revisions).map(|places| places.start)
    }

    /// Those of a file, by their places there.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn of(&self, file: &FileHistory) -> io::Result<Vec<Revision>> {
        self.0.read(file.first..file.first + file.numbers.len())
    }

    /// The one at a place of a file.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn get(&self, file: &FileHistory, at: usize) -> io::Result<Revision> {
        self.0.get(file.first + at)
    }
}

impl From<Revision> for [u32; NUMBERS] {
    fn from(revision: Revision) -> Self {
        let Revision { seconds, author, log, commitid, is_dead } = revision;
        let [high, low] = packed::date(seconds);
        [high, low, author, log, commitid.map_or(0, NonZeroU32::get), u32::from(is_dead)]
    }
}

impl From<[u32; NUMBERS]> for Revision {
    fn from([high, low, author, log, commitid, is_dead]: [u32; NUMBERS]) -> Self {
        let (seconds, commitid) = (packed::seconds([high, low]), NonZeroU32::new(commitid));
        Self { seconds, author, log, commitid, is_dead: is_dead == 1 }
    }
}
