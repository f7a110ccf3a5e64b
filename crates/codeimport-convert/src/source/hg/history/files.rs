//! Revisions of files and their blobs.

use super::log::{Fields, Log, len_of};
use crate::objects::ObjectStore;
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::HashMap;

/// A revision of a file.
pub(in crate::source::hg) struct KnownFile {
    /// Its content.
    pub(in crate::source::hg) blob: ObjectId,
    /// What Mercurial has before the content: where it was copied from.
    pub(in crate::source::hg) head: Box<[u8]>,
}

/// All that are converted. Whatever their paths: equal names are equal texts.
#[derive(Default)]
pub(in crate::source::hg) struct Files {
    known: HashMap<Node, KnownFile>,
    pub(super) log: Log,
}

impl Files {
    pub(super) fn read(pieces: Vec<Vec<u8>>) -> Option<Self> {
        let mut known = HashMap::new();
        for piece in &pieces {
            let mut fields = Fields(piece);
            while !fields.is_at_end() {
                let (node, blob) = (Node::new(fields.name()?), ObjectId::Sha1(fields.name()?));
                known.insert(node, KnownFile { blob, head: fields.bytes()?.into() });
            }
        }
        Some(Self { known, log: Log::of(pieces) })
    }

    /// Adds one.
    pub(in crate::source::hg) fn add(&mut self, node: Node, file: KnownFile) {
        self.log.push(&[node.as_bytes(), file.blob.as_bytes(), &len_of(&file.head), &file.head]);
        self.known.insert(node, file);
    }

    /// The blob of a revision.
    pub(in crate::source::hg) fn blob(&self, node: &Node) -> Option<ObjectId> {
        self.known.get(node).map(|file| file.blob)
    }

    /// The text of a revision as Mercurial has it.
    ///
    /// # Errors
    ///
    /// [`HgError::Broken`] if it was never sent.
    pub(in crate::source::hg) fn text(&self, node: &Node, store: &mut ObjectStore) -> Result<Vec<u8>, HgError> {
        if node.is_null() {
            return Ok(Vec::new());
        }
        let Some(file) = self.known.get(node) else {
            return broken(format!("a file is told as a delta on {node}, which was not sent"));
        };
        Ok([&file.head[..], &store.read(file.blob, Kind::Blob)?].concat())
    }
}
