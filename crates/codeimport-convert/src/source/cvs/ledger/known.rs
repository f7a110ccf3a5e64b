//! What revisions and commits are: the ledger keeps them on the disk.

use super::{CommitIndex, FileId, Ledger, LineId, RevId};
use crate::source::cvs::packed;
use gix::ObjectId;
use std::io;

/// A text as it is in a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::cvs) struct Content {
    pub(in crate::source::cvs) blob: ObjectId,
    pub(in crate::source::cvs) is_executable: bool,
}

/// One revision of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::cvs) struct KnownRevision {
    pub(in crate::source::cvs) file: FileId,
    pub(in crate::source::cvs) seconds: i64,
    /// None if the file is removed there.
    pub(in crate::source::cvs) content: Option<Content>,
}

/// One commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::cvs) struct KnownCommit {
    pub(in crate::source::cvs) id: ObjectId,
    pub(in crate::source::cvs) tree: ObjectId,
    pub(in crate::source::cvs) line: LineId,
    pub(in crate::source::cvs) seconds: i64,
}

impl Ledger {
    /// What a revision is. Ids come from this ledger only.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(in crate::source::cvs) fn known(&self, revision: RevId) -> io::Result<KnownRevision> {
        self.revisions.get(revision as usize)
    }

    /// Whether the file is there at a revision, not removed.
    pub(in crate::source::cvs) fn is_there(&self, revision: RevId) -> bool {
        self.there[revision as usize]
    }

    /// How many commits there are.
    pub(in crate::source::cvs) fn commit_count(&self) -> usize {
        self.commits.len()
    }

    /// A commit. Indexes come from this ledger only.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(in crate::source::cvs) fn commit(&self, commit: CommitIndex) -> io::Result<KnownCommit> {
        self.commits.get(commit as usize)
    }

    /// All commits, in the order in which they were made.
    pub(in crate::source::cvs) fn commits(&self) -> impl Iterator<Item = io::Result<KnownCommit>> {
        self.commits.iter(0..self.commits.len())
    }

    /// The newest commit of a line, or the one that it began from, as it is.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(in crate::source::cvs) fn tip_commit(&self, line: LineId) -> io::Result<Option<KnownCommit>> {
        self.tip(line).map(|tip| self.commit(tip)).transpose()
    }

    /// The line of a commit.
    pub(in crate::source::cvs) fn line_of(&self, commit: CommitIndex) -> LineId {
        self.lines_of[commit as usize]
    }
}

impl KnownRevision {
    /// Numbers of one that is put away.
    pub(super) const NUMBERS: usize = 9;
}

impl From<KnownRevision> for [u32; KnownRevision::NUMBERS] {
    fn from(KnownRevision { file, seconds, content }: KnownRevision) -> Self {
        let ([high, low], [kind, a, b, c, d, e]) = (packed::date(seconds), packed::of_content(content));
        [file, high, low, kind, a, b, c, d, e]
    }
}

impl From<[u32; KnownRevision::NUMBERS]> for KnownRevision {
    fn from([file, high, low, content @ ..]: [u32; KnownRevision::NUMBERS]) -> Self {
        Self { file, seconds: packed::seconds([high, low]), content: packed::content(content) }
    }
}

impl KnownCommit {
    /// Numbers of one that is put away.
    pub(super) const NUMBERS: usize = 13;
}

impl From<KnownCommit> for [u32; KnownCommit::NUMBERS] {
    fn from(KnownCommit { id, tree, line, seconds }: KnownCommit) -> Self {
        let ([high, low], [a, b, c, d, e], [f, g, h, i, j]) =
            (packed::date(seconds), packed::name(id), packed::name(tree));
        [line, high, low, a, b, c, d, e, f, g, h, i, j]
    }
}

impl From<[u32; KnownCommit::NUMBERS]> for KnownCommit {
    fn from([line, high, low, a, b, c, d, e, tree @ ..]: [u32; KnownCommit::NUMBERS]) -> Self {
        let (id, tree) = (packed::id([a, b, c, d, e]), packed::id(tree));
        Self { id, tree, line, seconds: packed::seconds([high, low]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;
    use gix::objs::Kind;

    #[test]
    fn what_was_put_away_is_what_comes_back() {
        let [id, tree] = [b"a", b"b"].map(|text| object_id(Kind::Blob, text));
        for content in [None, Some(Content { blob: id, is_executable: true })] {
            let revision = KnownRevision { file: 7, seconds: -5, content };
            assert_eq!(KnownRevision::from(<[u32; _]>::from(revision)), revision);
        }
        let commit = KnownCommit { id, tree, line: 3, seconds: 1 << 35 };
        assert_eq!(KnownCommit::from(<[u32; _]>::from(commit)), commit);
    }
}
