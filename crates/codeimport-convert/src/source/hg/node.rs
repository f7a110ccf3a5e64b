//! Names of revisions: SHA-1 over the parents' names and the text. Pure.

use sha1::{Digest as _, Sha1};
use std::fmt;

/// The name of a changeset, of a manifest, or of a revision of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node([u8; 20]);

impl Node {
    /// What stands where there is no revision.
    pub(super) const NULL: Self = Self([0; 20]);

    /// From its bytes.
    pub(super) const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// From the first twenty bytes; none if there are fewer.
    pub(super) fn first_of(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self)
    }

    /// From forty hexadecimal digits.
    pub(super) fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; 20];
        if digits.len() != 40 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The name that a text with these parents has.
    pub(super) fn of(parents: [Self; 2], text: &[u8]) -> Self {
        let mut hasher = Sha1::new();
        // In order of their bytes, not of their roles.
        hasher.update(parents[0].min(parents[1]).0);
        hasher.update(parents[0].max(parents[1]).0);
        hasher.update(text);
        Self(hasher.finalize().into())
    }

    pub(super) fn is_null(&self) -> bool {
        *self == Self::NULL
    }

    pub(super) fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The first twelve digits, as people write it.
    pub(super) fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_as_they_are_written_and_nothing_else_is_one() {
        let text = "b80de5d138758541c5f05265ad144ab9fa86d1db";
        let node = Node::from_hex(text.as_bytes()).expect("a node");
        assert_eq!((node.to_string().as_str(), node.short().as_str()), (text, "b80de5d13875"));
        for odd in ["", "b80d", &text.to_uppercase(), &text.replace('b', "g")] {
            assert_eq!(Node::from_hex(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn the_name_of_nothing_is_that_which_mercurial_gives_an_empty_file() {
        let empty = Node::of([Node::NULL; 2], b"");
        assert_eq!(empty.to_string(), "b80de5d138758541c5f05265ad144ab9fa86d1db");
        let (a, b) = (Node::new([1; 20]), Node::new([2; 20]));
        assert_eq!(Node::of([a, b], b"x"), Node::of([b, a], b"x"));
    }
}
