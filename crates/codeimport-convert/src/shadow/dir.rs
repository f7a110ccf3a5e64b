//! One directory of a shadow tree: untouched (only its id is known), or loaded and perhaps changed.

use super::entry::{decode_tree, encode_tree};
use super::{Entry, EntryKind, ShadowError};
use crate::objects::ObjectStore;
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::BTreeMap;

/// A directory.
pub(super) enum Dir {
    /// As it is in the repository.
    Stored(ObjectId),
    /// Loaded; `id` is known as long as nothing below was changed.
    Loaded { entries: BTreeMap<Vec<u8>, Node>, id: Option<ObjectId> },
}

/// What a loaded directory holds.
pub(super) enum Node {
    Leaf(Entry),
    Dir(Dir),
}

impl Node {
    pub(super) fn of(entry: Entry) -> Self {
        match entry.kind {
            EntryKind::Dir => Self::Dir(Dir::Stored(entry.id)),
            EntryKind::File | EntryKind::Executable | EntryKind::Special | EntryKind::SpecialExecutable => {
                Self::Leaf(entry)
            }
        }
    }
}

impl Dir {
    pub(super) fn empty() -> Self {
        Self::Loaded { entries: BTreeMap::new(), id: None }
    }

    /// The entries, loaded if need be. They may be changed if the caller then calls [`Self::touch`].
    pub(super) fn entries(&mut self, store: &mut ObjectStore) -> Result<&mut BTreeMap<Vec<u8>, Node>, ShadowError> {
        if let Self::Stored(id) = *self {
            let bytes = store.read(id, Kind::Tree)?;
            let decoded = decode_tree(&bytes).ok_or(ShadowError::Damaged { id })?;
            let entries = decoded.into_iter().map(|(name, entry)| (name.to_vec(), Node::of(entry))).collect();
            *self = Self::Loaded { entries, id: Some(id) };
        }
        match self {
            Self::Loaded { entries, .. } => Ok(entries),
            Self::Stored(id) => Err(ShadowError::Damaged { id: *id }),
        }
    }

    /// Forgets the id, because something below is going to change.
    pub(super) fn touch(&mut self) {
        if let Self::Loaded { id, .. } = self {
            *id = None;
        }
    }

    /// Writes what was changed, from the leaves up, and gives the id.
    pub(super) fn write(&mut self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let (entries, id) = match self {
            Self::Stored(id) | Self::Loaded { id: Some(id), .. } => return Ok(*id),
            Self::Loaded { entries, id } => (entries, id),
        };
        let mut children = Vec::with_capacity(entries.len());
        for (name, node) in entries.iter_mut() {
            let (kind, id) = match node {
                Node::Leaf(entry) => (entry.kind, entry.id),
                Node::Dir(dir) => (EntryKind::Dir, dir.write(store)?),
            };
            children.push((name.as_slice(), kind, id));
        }
        let written = store.write(Kind::Tree, encode_tree(children.into_iter()))?;
        *id = Some(written);
        Ok(written)
    }

    /// Whether nothing below was changed since it was last written.
    pub(super) fn stored_id(&self) -> Option<ObjectId> {
        match self {
            Self::Stored(id) => Some(*id),
            Self::Loaded { id, .. } => *id,
        }
    }
}
