//! Changegroups: revisions of the changelog, of the manifest, and of each file, as deltas in chunks.
//!
//! ```text
//!   group = chunks, an empty chunk
//!   changegroup = group of changesets, group of manifests, [groups of directories,] (chunk with a name, group) per file, an empty chunk
//!   chunk = length (with its own four bytes), head, delta
//!   head of 01: node, parents, changeset      base: the chunk before; for the first the first parent
//!   head of 02: node, parents, base, changeset
//!   head of 03: node, parents, base, changeset, flags
//! ```

use super::input::{number, take};
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;
use std::io::Read;

/// Forms of a changegroup.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(in crate::source::hg) enum Version {
    V1,
    V2,
    V3,
}

impl Version {
    /// From its name in a bundle.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"01" => Some(Self::V1),
            b"02" => Some(Self::V2),
            b"03" => Some(Self::V3),
            _ => None,
        }
    }

    fn head_len(self) -> usize {
        match self {
            Self::V1 => 80,
            Self::V2 => 100,
            Self::V3 => 102,
        }
    }
}

/// A text that says of itself that it was taken away.
const CENSORED: u16 = 0x8000;

/// A text that only leads to the real one.
const STORED_ELSEWHERE: u16 = 0x2000;

/// One revision.
#[derive(Debug)]
pub(in crate::source::hg) struct Revision {
    pub(in crate::source::hg) node: Node,
    pub(in crate::source::hg) parents: [Node; 2],
    /// What the delta is on; null for none.
    pub(in crate::source::hg) base: Node,
    pub(in crate::source::hg) flags: u16,
    pub(in crate::source::hg) delta: Vec<u8>,
}

/// The chunks of a changegroup.
pub(in crate::source::hg) struct Changegroup<R> {
    input: R,
    version: Version,
    /// The revision before, within a group.
    before: Option<Node>,
}

impl<R: Read> Changegroup<R> {
    pub(in crate::source::hg) fn new(input: R, version: Version) -> Self {
        Self { input, version, before: None }
    }

    /// The next revision of a group; none at its end.
    ///
    /// # Errors
    ///
    /// [`HgError::Read`], [`HgError::Broken`].
    pub(in crate::source::hg) fn next_revision(&mut self) -> Result<Option<Revision>, HgError> {
        let Some(mut chunk) = self.next_chunk()? else {
            self.before = None;
            return Ok(None);
        };
        let head_len = self.version.head_len();
        if chunk.len() < head_len {
            return broken("a revision's head is cut short");
        }
        let delta = chunk.split_off(head_len);
        let node = |at: usize| Node::first_of(&chunk[at * 20..]).unwrap_or(Node::NULL);
        let parents = [node(1), node(2)];
        let base = match self.version {
            Version::V1 => self.before.unwrap_or(parents[0]),
            Version::V2 | Version::V3 => node(3),
        };
        let flags = match self.version {
            Version::V3 => u16::from_be_bytes([chunk[100], chunk[101]]),
            Version::V1 | Version::V2 => 0,
        };
        self.before = Some(node(0));
        Ok(Some(Revision { node: node(0), parents, base, flags, delta }))
    }

    /// The name of the next file; none behind the last one.
    ///
    /// # Errors
    ///
    /// As [`next_revision`](Self::next_revision).
    pub(in crate::source::hg) fn next_file(&mut self) -> Result<Option<Vec<u8>>, HgError> {
        Ok(self.next_chunk()?)
    }

    /// What stands between manifests and files in the third form: manifests of directories, which are not asked for.
    ///
    /// # Errors
    ///
    /// [`HgError::Unsupported`] if there are some.
    pub(in crate::source::hg) fn skip_directories(&mut self) -> Result<(), HgError> {
        if self.version < Version::V3 || self.next_chunk()?.is_none() {
            return Ok(());
        }
        Err(HgError::Unsupported("it has a manifest for each directory (treemanifest)".to_owned()))
    }

    fn next_chunk(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let len = usize::try_from(number(&mut self.input)?).map_err(|_| std::io::ErrorKind::InvalidData)?;
        match len.checked_sub(4) {
            None | Some(0) => Ok(None),
            Some(len) => take(&mut self.input, len).map(Some),
        }
    }
}

impl Revision {
    /// Checks a text: is it the one that the revision is named for?
    ///
    /// # Errors
    ///
    /// [`HgError::Broken`]; [`HgError::Unsupported`] if the text says that it stands for another one.
    pub(in crate::source::hg) fn check(&self, what: &str, text: &[u8]) -> Result<(), HgError> {
        if self.flags & CENSORED != 0 || text.starts_with(b"\x01\ncensored:") {
            let text = format!("{what} was censored in {}: its text is no longer there", self.node.short());
            return Err(HgError::Unsupported(text));
        }
        if self.flags & STORED_ELSEWHERE != 0 {
            return Err(HgError::Unsupported(format!("{what} is kept outside of the repository (LFS)")));
        }
        if self.flags != 0 {
            return Err(HgError::Unsupported(format!("{what} has revisions with flags {:#x}", self.flags)));
        }
        if Node::of(self.parents, text) != self.node {
            return broken(format!("{what} is not what its name {} says", self.node));
        }
        Ok(())
    }
}
