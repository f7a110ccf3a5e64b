//! The records of a dump stream as values.

use super::{PropChanges, StreamError};

/// Where records come from: a dump stream, or a server that replays its history.
pub(crate) trait RecordSource {
    /// The next record; none at the end.
    ///
    /// # Errors
    ///
    /// [`StreamError`]; reading on after one makes no sense.
    fn next_record(&mut self) -> Result<Option<Record>, StreamError>;

    /// Bytes received so far.
    fn received(&self) -> u64;
}

/// One record.
#[derive(Debug)]
pub(crate) enum Record {
    /// The identity of the repository.
    Uuid(String),
    /// A revision begins.
    Revision(RevisionRecord),
    /// A change to one path in the revision begun last.
    Node(NodeRecord),
}

/// A revision and its properties (`svn:author`, `svn:date`, `svn:log`).
#[derive(Debug)]
pub(crate) struct RevisionRecord {
    /// Its number.
    pub(crate) number: u64,
    /// Its properties; always all of them.
    pub(crate) props: PropChanges,
}

/// What a record does to its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Makes it: empty, or as a copy.
    Add,
    /// Changes text or properties.
    Change,
    /// Removes it with all below it.
    Delete,
    /// Removes it, then makes it.
    Replace,
}

/// What a path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NodeKind {
    /// A file.
    File,
    /// A directory.
    Dir,
}

/// Where a copy comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CopyFrom {
    /// Revision copied from.
    pub(crate) revision: u64,
    /// Path copied from, without a slash in front.
    pub(crate) path: Vec<u8>,
}

/// The text that a record brings.
#[derive(Debug)]
pub(crate) struct Text {
    /// The bytes: a svndiff if `is_delta`, else the text itself.
    pub(crate) bytes: Vec<u8>,
    /// Whether `bytes` is a svndiff.
    pub(crate) is_delta: bool,
    /// MD5 of the text that it gives, 32 hex digits, if the stream tells it.
    pub(crate) md5: Option<String>,
    /// MD5 of the text that the delta is based on, if the stream tells it.
    pub(crate) base_md5: Option<String>,
}

/// A change to one path.
#[derive(Debug)]
pub(crate) struct NodeRecord {
    /// The path, from the root of the repository, without a slash in front. Empty for the root.
    pub(crate) path: Vec<u8>,
    /// File or directory; deletions do not tell.
    pub(crate) kind: Option<NodeKind>,
    /// What is done to it.
    pub(crate) action: Action,
    /// Source of a copy.
    pub(crate) copy_from: Option<CopyFrom>,
    /// Changes of properties; none if the record has no property block.
    pub(crate) props: Option<PropChanges>,
    /// New text; none if the record brings none.
    pub(crate) text: Option<Text>,
}
