//! Manifests: their trees, and their texts as deltas, so that later ones can be worked out.
//!
//! A text is put together from the nearest whole one on. Chains are kept short enough that this costs about two texts.

use super::log::{Fields, Log, len_of};
use crate::source::hg::bundle::{apply, hunks, whole};
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;
use gix::ObjectId;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Bytes of deltas that any chain may have, however small the texts.
const SHORT_CHAIN: usize = 16 << 10;

/// Texts kept in memory.
const RECENT: usize = 16;

/// Bytes of them, at most.
const RECENT_BYTES: usize = 64 << 20;

struct KnownManifest {
    tree: Option<ObjectId>,
    /// Null: the delta is the whole text.
    base: Node,
    delta: Vec<u8>,
    /// Bytes of all deltas back to the nearest whole text.
    chain: usize,
}

/// All that are known.
#[derive(Default)]
pub(in crate::source::hg) struct Manifests {
    known: HashMap<Node, KnownManifest>,
    recent: VecDeque<(Node, Arc<[u8]>)>,
    pub(super) log: Log,
}

impl Manifests {
    pub(super) fn read(pieces: Vec<Vec<u8>>) -> Option<Self> {
        let mut all = Self::default();
        for piece in &pieces {
            let mut fields = Fields(piece);
            while !fields.is_at_end() {
                let (node, tree) = (Node::new(fields.name()?), ObjectId::Sha1(fields.name()?));
                let base = Node::new(fields.name()?);
                let delta = fields.bytes()?.to_vec();
                let chain = delta.len() + all.chain(&base);
                all.known.insert(node, KnownManifest { tree: Some(tree), base, delta, chain });
            }
        }
        all.log = Log::of(pieces);
        Some(all)
    }

    fn chain(&self, node: &Node) -> usize {
        self.known.get(node).map_or(0, |manifest| manifest.chain)
    }

    pub(in crate::source::hg) fn contains(&self, node: &Node) -> bool {
        self.known.contains_key(node)
    }

    /// Notes a text, by the delta that it came with. It counts for later runs only once it has a tree.
    pub(in crate::source::hg) fn add(&mut self, node: Node, base: Node, delta: Vec<u8>, text: Vec<u8>) {
        let chain = self.chain(&base) + delta.len();
        let manifest = match base.is_null() || chain > SHORT_CHAIN + 2 * text.len() {
            true => KnownManifest { tree: None, base: Node::NULL, chain: text.len(), delta: whole(&text) },
            false => KnownManifest { tree: None, base, delta, chain },
        };
        self.known.insert(node, manifest);
        self.remember(node, text.into());
    }

    /// Notes the tree of a manifest.
    pub(in crate::source::hg) fn set_tree(&mut self, node: Node, tree: ObjectId) {
        let Some(manifest) = self.known.get_mut(&node) else { return };
        manifest.tree = Some(tree);
        let KnownManifest { base, delta, .. } = manifest;
        self.log.push(&[node.as_bytes(), tree.as_bytes(), base.as_bytes(), &len_of(delta), delta]);
    }

    /// The tree of a manifest, once it has one.
    pub(in crate::source::hg) fn tree(&self, node: &Node) -> Option<ObjectId> {
        self.known.get(node)?.tree
    }

    /// The text of a manifest.
    ///
    /// # Errors
    ///
    /// [`HgError::Broken`] if it was never sent.
    pub(in crate::source::hg) fn text(&mut self, node: &Node) -> Result<Arc<[u8]>, HgError> {
        let (mut at, mut deltas) = (*node, Vec::new());
        let mut text = loop {
            if at.is_null() {
                break Arc::from([]);
            }
            if let Some((_, text)) = self.recent.iter().find(|(recent, _)| *recent == at) {
                break text.clone();
            }
            let Some(manifest) = self.known.get(&at) else {
                return broken(format!("a manifest is told as a delta on {at}, which was not sent"));
            };
            deltas.push(&manifest.delta);
            at = manifest.base;
        };
        let is_new = !deltas.is_empty();
        for delta in deltas.into_iter().rev() {
            text = apply(&text, &hunks(text.len(), delta)?).into();
        }
        if is_new {
            self.remember(*node, text.clone());
        }
        Ok(text)
    }

    fn remember(&mut self, node: Node, text: Arc<[u8]>) {
        self.recent.push_front((node, text));
        let bytes = |recent: &VecDeque<(Node, Arc<[u8]>)>| recent.iter().map(|(_, text)| text.len()).sum::<usize>();
        while self.recent.len() > RECENT || (self.recent.len() > 1 && bytes(&self.recent) > RECENT_BYTES) {
            self.recent.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_were_after_being_stored_and_chains_stay_short() {
        let mut manifests = Manifests::default();
        let (mut base, mut text) = (Node::NULL, Vec::new());
        let tree = ObjectId::null(gix::hash::Kind::Sha1);
        let mut expected = Vec::new();
        for number in 0..3_000_u32 {
            let line = format!("{number:04}: a line\n").into_bytes();
            let at = u32::try_from(text.len()).expect("small").to_be_bytes();
            let delta = [&at[..], &at, &len_of(&line), &line].concat();
            text.extend(line);
            let node = Node::of([base, Node::NULL], &text);
            manifests.add(node, base, delta, text.clone());
            manifests.set_tree(node, tree);
            base = node;
            expected.push((node, text.clone()));
        }
        let mut read = Manifests::read(
            manifests.log.full().iter().cloned().chain(manifests.log.open().map(<[u8]>::to_vec)).collect(),
        )
        .expect("as it was written");
        for (node, text) in expected.iter().rev().step_by(97) {
            assert_eq!(&*read.text(node).expect("there"), &text[..]);
            assert!(read.chain(node) <= SHORT_CHAIN + 3 * text.len(), "{}", read.chain(node));
        }
        assert_eq!(read.tree(&base), Some(tree));
        assert!(read.text(&Node::new([9; 20])).is_err());
    }
}
