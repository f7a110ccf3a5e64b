//! The bytes of a commit.

use gix::ObjectId;

/// The bytes of a commit whose author and committer are the same.
#[must_use]
pub(crate) fn encode_commit(
    tree: ObjectId,
    parents: impl Iterator<Item = ObjectId>,
    signature: &str,
    message: &[u8],
) -> Vec<u8> {
    encode_commit_of(tree, parents, signature, signature, message)
}

/// The bytes of a commit (Git's `gitformat-commit`, as far as it has one).
#[must_use]
pub(crate) fn encode_commit_of(
    tree: ObjectId,
    parents: impl Iterator<Item = ObjectId>,
    author: &str,
    committer: &str,
    message: &[u8],
) -> Vec<u8> {
    let mut content = format!("tree {tree}\n");
    parents.for_each(|parent| content.push_str(&format!("parent {parent}\n")));
    content.push_str(&format!("author {author}\ncommitter {committer}\n"));
    if std::str::from_utf8(message).is_err() {
        // Subversion demands UTF-8 of logs, old servers did not check it.
        content.push_str("encoding ISO-8859-1\n");
    }
    content.push('\n');
    [content.as_bytes(), message].concat()
}
