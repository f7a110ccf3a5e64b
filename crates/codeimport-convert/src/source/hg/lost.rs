//! Changesets that were converted and that the source shows no longer: stripped, obsolete, or secret again.

use super::history::Changesets;
use super::names::escape;
use super::node::Node;
use super::records::Changeset;
use super::wire::{NODES_AT_ONCE, Wire};
use crate::source::rewritten::backup_name;
use crate::{ConvertError, Refs, Watch};
use std::collections::{BTreeSet, HashSet};

/// All of them.
#[derive(Default)]
pub(super) struct Lost(HashSet<Node>);

impl Lost {
    /// Asks the source for what `heads` does not tell: from the newest changesets on, until it knows those that they come after.
    /// As a rule it knows the first that it is asked about; so few are asked about at first, and then more and more.
    pub(super) fn find(
        changesets: &Changesets,
        heads: &[Node],
        wire: &Wire,
        watch: &Watch,
    ) -> Result<Self, ConvertError> {
        let mut lost = HashSet::new();
        let mut frontier: Vec<_> = changesets.heads().into_iter().filter(|node| !heads.contains(node)).collect();
        let mut at_once = 1;
        while !frontier.is_empty() {
            let asked = with_ancestors(changesets, frontier, at_once);
            let known = wire.known(&asked, watch)?;
            let gone: Vec<_> = asked.iter().zip(known).filter(|(_, known)| !known).map(|(node, _)| *node).collect();
            let asked: HashSet<_> = asked.into_iter().collect();
            let above: BTreeSet<_> = gone.iter().flat_map(|node| parents(changesets, node)).collect();
            frontier = above.into_iter().filter(|node| !asked.contains(node) && !lost.contains(node)).collect();
            lost.extend(gone);
            at_once = NODES_AT_ONCE.min(at_once * 4);
        }
        Ok(Self(lost))
    }

    /// Whether a changeset is one of them.
    pub(super) fn contains(&self, node: &Node) -> bool {
        self.0.contains(node)
    }

    /// Their names.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    /// The newest changesets that source and target have both: whatever they come after, both have as well.
    pub(super) fn common(&self, changesets: &Changesets) -> Vec<Node> {
        let mut heads = changesets.heads();
        let mut at = 0;
        while let Some(node) = heads.get(at).copied() {
            at += 1;
            if self.0.contains(&node) {
                let above: Vec<_> = parents(changesets, &node).filter(|parent| !heads.contains(parent)).collect();
                heads.extend(above);
            }
        }
        heads.retain(|node| !self.0.contains(node));
        heads
    }

    /// Refs from which all of them can be reached.
    pub(super) fn backups(&self, changesets: &Changesets) -> Refs {
        let lost_heads = changesets.heads().into_iter().filter(|node| self.0.contains(node));
        let known = lost_heads.filter_map(|node| changesets.get(&node));
        let named = known.filter_map(|known| {
            let branch = Changeset::parse(&known.text).ok()?.branch;
            Some((backup_name(&known.node.short(), &escape(&branch)), known.commit))
        });
        named.collect()
    }
}

/// These, and what they come after, until there are so many.
fn with_ancestors(changesets: &Changesets, nodes: Vec<Node>, count: usize) -> Vec<Node> {
    let mut seen: HashSet<_> = nodes.iter().copied().collect();
    let (mut all, mut at) = (nodes, 0);
    while let Some(node) = all.get(at).copied().filter(|_| all.len() < count) {
        all.extend(parents(changesets, &node).filter(|parent| seen.insert(*parent)));
        at += 1;
    }
    all
}

fn parents(changesets: &Changesets, node: &Node) -> impl Iterator<Item = Node> {
    let parents = changesets.get(node).map_or([Node::NULL; 2], |changeset| changeset.parents);
    parents.into_iter().filter(|parent| !parent.is_null())
}
