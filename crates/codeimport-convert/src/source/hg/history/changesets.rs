//! Changesets and their commits, in the order of conversion.

use super::log::{Fields, Log, len_of};
use crate::source::hg::bundle::patched;
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;
use gix::ObjectId;
use std::collections::{HashMap, HashSet};

/// A converted changeset.
pub(in crate::source::hg) struct KnownChangeset {
    pub(in crate::source::hg) node: Node,
    pub(in crate::source::hg) commit: ObjectId,
    pub(in crate::source::hg) parents: [Node; 2],
    /// As Mercurial has it: others may come as deltas on it, and it says all that Git has no place for.
    pub(in crate::source::hg) text: Vec<u8>,
}

/// All that are converted.
#[derive(Default)]
pub(in crate::source::hg) struct Changesets {
    known: Vec<KnownChangeset>,
    index: HashMap<Node, usize>,
    pub(super) log: Log,
}

impl Changesets {
    pub(super) fn read(pieces: Vec<Vec<u8>>) -> Option<Self> {
        let mut all = Self::default();
        for piece in &pieces {
            let mut fields = Fields(piece);
            while !fields.is_at_end() {
                let (node, commit) = (Node::new(fields.name()?), ObjectId::Sha1(fields.name()?));
                let parents = [Node::new(fields.name()?), Node::new(fields.name()?)];
                all.note(KnownChangeset { node, commit, parents, text: fields.bytes()?.to_vec() });
            }
        }
        all.log = Log::of(pieces);
        Some(all)
    }

    /// Adds one whose parents are there.
    pub(in crate::source::hg) fn add(&mut self, changeset: KnownChangeset) {
        let KnownChangeset { node, commit, parents, text } = &changeset;
        let [first, second] = parents;
        self.log.push(&[node.as_bytes(), commit.as_bytes(), first.as_bytes(), second.as_bytes(), &len_of(text), text]);
        self.note(changeset);
    }

    fn note(&mut self, changeset: KnownChangeset) {
        self.index.insert(changeset.node, self.known.len());
        self.known.push(changeset);
    }

    /// One of them, by its name.
    pub(in crate::source::hg) fn get(&self, node: &Node) -> Option<&KnownChangeset> {
        self.index.get(node).map(|at| &self.known[*at])
    }

    /// All, in the order of conversion.
    pub(in crate::source::hg) fn iter(&self) -> impl DoubleEndedIterator<Item = &KnownChangeset> {
        self.known.iter()
    }

    pub(in crate::source::hg) fn len(&self) -> usize {
        self.known.len()
    }

    /// Those that are no other's parent.
    pub(in crate::source::hg) fn heads(&self) -> Vec<Node> {
        let parents: HashSet<_> = self.known.iter().flat_map(|changeset| changeset.parents).collect();
        self.known.iter().map(|changeset| changeset.node).filter(|node| !parents.contains(node)).collect()
    }

    /// The text that a delta makes of one of them.
    ///
    /// # Errors
    ///
    /// [`HgError::Broken`].
    pub(in crate::source::hg) fn patched(&self, base: &Node, delta: &[u8]) -> Result<Vec<u8>, HgError> {
        match self.get(base) {
            Some(changeset) => patched(&changeset.text, delta),
            None if base.is_null() => patched(&[], delta),
            None => broken(format!("a changeset is told as a delta on {base}, which was not sent")),
        }
    }
}
