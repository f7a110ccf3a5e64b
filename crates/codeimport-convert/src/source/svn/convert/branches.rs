//! What a revision did to each branch and tag.
//!
//! Found by comparing trees, not by reading records: whatever moved, replaced or removed a directory, and however far
//! above a branch that was, the branch's own tree tells. The records only say where to look, and where a new branch came
//! from. So a revision costs what it touched, however many branches there are.

use super::replay::{MadeDir, origin_of};
use crate::objects::ObjectStore;
use crate::shadow::{EntryKind, PROPS_ENTRY, ShadowError, ShadowTree};
use crate::source::svn::layout::Places;
use crate::source::svn::paths::join;
use crate::source::svn::records::CopyFrom;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What happened to one branch in one revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
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
pub(crate) struct Branches {
    places: Arc<Places>,
    present: BTreeMap<Vec<u8>, ObjectId>,
}

impl Branches {
    /// The branches of a tree.
    pub(crate) fn of(places: Arc<Places>, tree: &mut ShadowTree, store: &mut ObjectStore) -> Result<Self, ShadowError> {
        let mut branches = Self { places, present: BTreeMap::new() };
        branches.update(tree, &[], &[Vec::new()], store)?;
        Ok(branches)
    }

    /// Roots of all branches there are, with their shadow trees.
    pub(crate) fn present(&self) -> &BTreeMap<Vec<u8>, ObjectId> {
        &self.present
    }

    /// Compares with the tree of the next revision; tells what changed, in order of the branches' paths.
    pub(crate) fn update(
        &mut self,
        tree: &mut ShadowTree,
        made_dirs: &[MadeDir],
        touched: &[Vec<u8>],
        store: &mut ObjectStore,
    ) -> Result<Vec<(Vec<u8>, Change)>, ShadowError> {
        let mut changes = Vec::new();
        for root in self.concerned(tree, touched, store)? {
            let now = tree.get(&root, store)?.filter(|entry| entry.kind == EntryKind::Dir).map(|entry| entry.id);
            let before = match now {
                Some(id) => self.present.insert(root.clone(), id),
                None => self.present.remove(&root),
            };
            let change = match (before, now, origin_of(&root, made_dirs)) {
                (_, Some(tree), Some(origin)) => Change::Made { tree, origin },
                (None, Some(tree), None) => Change::Made { tree, origin: None },
                (Some(before), Some(tree), None) if before != tree || is_touched(&self.places, &root, touched) => {
                    Change::Changed { tree }
                }
                (Some(_), None, _) => Change::Deleted,
                (Some(_), Some(_), None) | (None, None, _) => continue,
            };
            changes.push((root, change));
        }
        Ok(changes)
    }

    /// Roots that may have changed: those in or above which something was touched, there or not.
    fn concerned(
        &self,
        tree: &mut ShadowTree,
        touched: &[Vec<u8>],
        store: &mut ObjectStore,
    ) -> Result<BTreeSet<Vec<u8>>, ShadowError> {
        let mut roots = BTreeSet::new();
        let mut containers = BTreeSet::new();
        for path in touched {
            for root in self.places.roots_above(path) {
                // Most paths of a revision are in the same branch.
                if !roots.contains(root) {
                    roots.insert(root.to_vec());
                }
            }
            for (place, is_container) in self.places.at_or_below(path) {
                if is_container {
                    containers.insert(place);
                } else {
                    roots.insert(place.to_vec());
                }
            }
        }
        for container in containers {
            let prefix = join(container, b"");
            let before = self.present.range(prefix.clone()..).map(|(root, _)| root);
            roots.extend(before.take_while(|root| root.starts_with(&prefix)).cloned());
            roots.extend(self.children(container, tree, store)?);
        }
        Ok(roots)
    }

    /// The branches in a container.
    fn children(
        &self,
        container: &[u8],
        tree: &mut ShadowTree,
        store: &mut ObjectStore,
    ) -> Result<Vec<Vec<u8>>, ShadowError> {
        let entry = tree.get(container, store)?.filter(|entry| entry.kind == EntryKind::Dir);
        let Some(entry) = entry else { return Ok(Vec::new()) };
        let children = ShadowTree::stored(entry.id).list(store)?.into_iter();
        let directories = children.filter(|(name, child)| child.kind == EntryKind::Dir && name != PROPS_ENTRY);
        let paths = directories.map(|(name, _)| join(container, &name));
        Ok(paths.filter(|path| self.places.may_be_root(path)).collect())
    }
}

/// Whether a record was about a branch or something in it, if only a property that is not kept.
fn is_touched(places: &Places, root: &[u8], touched: &[Vec<u8>]) -> bool {
    touched.iter().any(|path| places.root_of(path) == Some(root))
}
