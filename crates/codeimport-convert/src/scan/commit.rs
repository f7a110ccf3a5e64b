//! A commit object as a value.
//!
//! Read by a parser of our own that takes what it finds: gix and git rightly refuse malformed commits where something
//! depends on them, but a scan has to tell about every commit that made it into a repository.

use super::{
    decode::decode,
    signature::{self, RawSignature, ScannedSignature},
};
use gix::{ObjectId, bstr::ByteSlice as _};

/// A commit with what it says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScannedCommit {
    /// Its object id.
    pub id: ObjectId,
    /// Its parents in their order.
    pub parents: Vec<ObjectId>,
    /// Who wrote the change.
    pub author: ScannedSignature,
    /// Who made the commit.
    pub committer: ScannedSignature,
    /// The whole message with its line ends, decoded by the commit's own `encoding` header.
    pub message: String,
}

/// Headers of a commit that a scan tells about.
#[derive(Default)]
struct Headers<'a> {
    parents: Vec<ObjectId>,
    author: RawSignature<'a>,
    committer: RawSignature<'a>,
    encoding: Option<&'a [u8]>,
}

impl ScannedCommit {
    /// Reads a commit object. Never fails: what is missing is empty.
    pub(super) fn parse(id: ObjectId, data: &[u8]) -> Self {
        // The first empty line ends the headers; a header's continuation lines begin with a space, so none is empty.
        let (head, message) = data.split_once_str("\n\n").unwrap_or((data, b""));
        let headers = Headers::parse(head);
        let text = |bytes: &[u8]| decode(bytes, headers.encoding);
        let signature = |raw: RawSignature<'_>| ScannedSignature {
            name: text(raw.name),
            email: text(raw.email),
            seconds: raw.seconds,
            offset_minutes: raw.offset_minutes,
        };
        Self {
            id,
            author: signature(headers.author),
            committer: signature(headers.committer),
            message: text(message),
            parents: headers.parents,
        }
    }
}

impl<'a> Headers<'a> {
    fn parse(head: &'a [u8]) -> Self {
        let mut headers = Self::default();
        for line in head.lines() {
            match line.split_once_str(" ").unwrap_or((line, b"")) {
                (b"parent", value) => headers.parents.extend(ObjectId::from_hex(value)),
                (b"author", value) => headers.author = signature::parse(value),
                (b"committer", value) => headers.committer = signature::parse(value),
                (b"encoding", value) => headers.encoding = Some(value),
                _ => {}
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &[u8]) -> ScannedCommit {
        ScannedCommit::parse(ObjectId::null(gix::hash::Kind::Sha1), data)
    }

    #[test]
    fn everything_that_a_commit_says_is_read() {
        let parent = "1".repeat(40);
        let text = format!(
            "tree {parent}\nparent {parent}\nauthor A <a@h> 5 +0100\ncommitter C <c@h> 6 -0100\ngpgsig x\n y\n\nSubject\n\nBody\r\n"
        );
        let commit = parse(text.as_bytes());
        assert_eq!(commit.parents.len(), 1);
        assert_eq!((commit.author.name.as_str(), commit.author.seconds, commit.author.offset_minutes), ("A", 5, 60));
        assert_eq!((commit.committer.email.as_str(), commit.committer.offset_minutes), ("c@h", -60));
        assert_eq!(commit.message, "Subject\n\nBody\r\n");
    }

    #[test]
    fn names_and_message_are_decoded_alike() {
        let commit = parse(b"author Gr\xfcn <g@h> 1 +0000\nencoding latin1\n\ngr\xfcn\n");
        assert_eq!((commit.author.name.as_str(), commit.message.as_str()), ("Grün", "grün\n"));
    }

    #[test]
    fn a_malformed_commit_is_told_as_far_as_it_goes() {
        assert_eq!(parse(b"").message, "");
        assert!(parse(b"parent nonsense\nauthor\n\n").parents.is_empty());
        assert_eq!(parse(b"\n\nonly a message").message, "only a message");
    }
}
