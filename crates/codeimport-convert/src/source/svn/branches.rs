//! What a revision did to each branch and tag.
//!
//! Found by comparing trees, not by reading records: whatever moved, replaced or removed a directory, and however far
//! above a branch that was, the branch's own tree tells. The records only add where a new branch came from.

use super::dump::CopyFrom;
use super::replay::{MadeDir, join, origin_of};
use crate::objects::ObjectStore;
use crate::shadow::{EntryKind, PROPS_ENTRY, ShadowError, ShadowTree};
use codeimport_core::Layout;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// What happened to one branch in one revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// It appeared, or was replaced: as a copy, or out of nothing.
    Made {
        /// Shadow tree of the branch.
        tree: ObjectId,
        /// What it is a copy of.
        origin: Option<CopyFrom>,
    },
    /// Something below it was changed, if only a property.
    Changed {
        /// Shadow tree of the branch.
        tree: ObjectId,
    },
    /// It is gone.
    Deleted,
}

/// The branches of the newest revision seen, with their shadow trees.
pub(super) struct Branches {
    layout: Layout,
    present: BTreeMap<Vec<u8>, ObjectId>,
    /// Trees of the directories that hold branches: as long as one is the same, so are all its children.
    containers: BTreeMap<Vec<u8>, ObjectId>,
}

impl Branches {
    /// The branches of a tree.
    pub(super) fn of(layout: Layout, tree: &mut ShadowTree, store: &mut ObjectStore) -> Result<Self, ShadowError> {
        let mut branches = Self { layout, present: BTreeMap::new(), containers: BTreeMap::new() };
        branches.update(tree, &[], &[], store)?;
        Ok(branches)
    }

    /// Roots of all branches there are, with their shadow trees.
    pub(super) fn present(&self) -> &BTreeMap<Vec<u8>, ObjectId> {
        &self.present
    }

    /// Compares with the tree of the next revision; tells what changed, in order of the branches' paths.
    pub(super) fn update(
        &mut self,
        tree: &mut ShadowTree,
        made_dirs: &[MadeDir],
        touched: &[Vec<u8>],
        store: &mut ObjectStore,
    ) -> Result<Vec<(Vec<u8>, Change)>, ShadowError> {
        let touched: BTreeSet<&[u8]> = touched.iter().filter_map(|path| self.layout.root_of(path)).collect();
        let next = self.roots(tree, store)?;
        let mut changes = BTreeMap::new();
        for (root, id) in &next {
            let origin = origin_of(root, made_dirs);
            let change = match (self.present.get(root), origin) {
                (_, Some(origin)) => Change::Made { tree: *id, origin },
                (None, None) => Change::Made { tree: *id, origin: None },
                (Some(before), None) if before != id || touched.contains(root.as_slice()) => {
                    Change::Changed { tree: *id }
                }
                (Some(_), None) => continue,
            };
            changes.insert(root.clone(), change);
        }
        for gone in self.present.keys().filter(|root| !next.contains_key(*root)) {
            changes.insert(gone.clone(), Change::Deleted);
        }
        self.present = next;
        Ok(changes.into_iter().collect())
    }

    /// All branch roots of a tree. What lies in a container that is as before is taken over without a look.
    fn roots(
        &mut self,
        tree: &mut ShadowTree,
        store: &mut ObjectStore,
    ) -> Result<BTreeMap<Vec<u8>, ObjectId>, ShadowError> {
        let mut roots = BTreeMap::new();
        let trunk = self.layout.trunk.as_bytes();
        if let Some(entry) = tree.get(trunk, store)?.filter(|entry| entry.kind == EntryKind::Dir) {
            roots.insert(trunk.to_vec(), entry.id);
        }
        for (container, _) in self.layout.containers() {
            let container = container.as_bytes();
            let entry = tree.get(container, store)?.filter(|entry| entry.kind == EntryKind::Dir);
            let Some(entry) = entry else {
                self.containers.remove(container);
                continue;
            };
            if self.containers.insert(container.to_vec(), entry.id) == Some(entry.id) {
                let prefix = join(container, b"");
                let inside = self.present.range(prefix.clone()..).take_while(|(root, _)| root.starts_with(&prefix));
                roots.extend(inside.map(|(root, id)| (root.clone(), *id)));
                continue;
            }
            for (name, child) in ShadowTree::stored(entry.id).list(store)? {
                if child.kind == EntryKind::Dir && name != PROPS_ENTRY {
                    roots.insert(join(container, &name), child.id);
                }
            }
        }
        Ok(roots)
    }
}
