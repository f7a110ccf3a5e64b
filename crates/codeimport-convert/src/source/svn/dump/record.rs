//! The records of a dump stream as values.

use super::PropChanges;

/// One record.
#[derive(Debug)]
pub enum Record {
    /// The identity of the repository.
    Uuid(String),
    /// A revision begins.
    Revision(RevisionRecord),
    /// A change to one path in the revision begun last.
    Node(NodeRecord),
}

/// A revision and its properties (`svn:author`, `svn:date`, `svn:log`).
#[derive(Debug)]
pub struct RevisionRecord {
    /// Its number.
    pub number: u64,
    /// Its properties; always all of them.
    pub props: PropChanges,
}

/// What a record does to its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
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
pub enum NodeKind {
    /// A file.
    File,
    /// A directory.
    Dir,
}

/// Where a copy comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyFrom {
    /// Revision copied from.
    pub revision: u64,
    /// Path copied from, without a slash in front.
    pub path: Vec<u8>,
}

/// The text that a record brings.
#[derive(Debug)]
pub struct Text {
    /// The bytes: a svndiff if `is_delta`, else the text itself.
    pub bytes: Vec<u8>,
    /// Whether `bytes` is a svndiff.
    pub is_delta: bool,
    /// MD5 of the text that it gives, 32 hex digits, if the stream tells it.
    pub md5: Option<String>,
    /// MD5 of the text that the delta is based on, if the stream tells it.
    pub base_md5: Option<String>,
}

/// A change to one path.
#[derive(Debug)]
pub struct NodeRecord {
    /// The path, from the root of the repository, without a slash in front. Empty for the root.
    pub path: Vec<u8>,
    /// File or directory; deletions do not tell.
    pub kind: Option<NodeKind>,
    /// What is done to it.
    pub action: Action,
    /// Source of a copy.
    pub copy_from: Option<CopyFrom>,
    /// Changes of properties; none if the record has no property block.
    pub props: Option<PropChanges>,
    /// New text; none if the record brings none.
    pub text: Option<Text>,
}
