//! Trees of lines, edited from commit to commit.

use super::ledger::{FileId, Ledger, LineId, RevId};
use crate::objects::{ObjectStore, object_id};
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use gix::ObjectId;
use gix::objs::Kind;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The tree of the line that was committed to last stays in memory; most commits go where the one before went.
#[derive(Default)]
pub(super) struct LineTree {
    open: Option<(ObjectId, ShadowTree)>,
}

impl LineTree {
    /// The tree of a line's tip after some changes.
    pub(super) fn with(
        &mut self,
        ledger: &Ledger,
        line: LineId,
        changes: &[(FileId, Option<RevId>)],
        store: &mut ObjectStore,
    ) -> Result<ObjectId, ShadowError> {
        let tip = ledger.tip(line).map(|tip| ledger.commits[tip as usize].tree);
        let mut tree = match (tip, self.open.take()) {
            (Some(tip), Some((id, tree))) if id == tip => tree,
            (Some(tip), _) => ShadowTree::stored(tip),
            (None, _) => ShadowTree::empty(),
        };
        let id = change(ledger, &mut tree, changes, store)?;
        self.open = Some((id, tree));
        Ok(id)
    }

    /// A tree after some changes, of no line.
    pub(super) fn beside(
        &self,
        ledger: &Ledger,
        tree: ObjectId,
        changes: &[(FileId, Option<RevId>)],
        store: &mut ObjectStore,
    ) -> Result<ObjectId, ShadowError> {
        change(ledger, &mut ShadowTree::stored(tree), changes, store)
    }
}

fn change(
    ledger: &Ledger,
    tree: &mut ShadowTree,
    changes: &[(FileId, Option<RevId>)],
    store: &mut ObjectStore,
) -> Result<ObjectId, ShadowError> {
    // Removals first: a directory may come where a file was.
    for (file, _) in changes.iter().filter(|(_, revision)| revision.is_none()) {
        remove(tree, ledger.path(*file), store)?;
    }
    for (file, revision) in changes {
        let content = revision.and_then(|revision| ledger.known(revision).content);
        if let Some(content) = content {
            let kind = if content.is_executable { EntryKind::Executable } else { EntryKind::File };
            put(tree, ledger.path(*file), Entry { kind, id: content.blob }, store)?;
        }
    }
    let gone = changes.iter().filter(|(_, revision)| revision.is_none()).map(|(file, _)| ledger.path(*file));
    remove_empty(tree, gone, store)?;
    tree.write(store)
}

/// Git has no empty directories.
fn remove_empty<'p>(
    tree: &mut ShadowTree,
    gone: impl Iterator<Item = &'p [u8]>,
    store: &mut ObjectStore,
) -> Result<(), ShadowError> {
    let empty = object_id(Kind::Tree, b"");
    let above = |path: &'p [u8]| path.iter().enumerate().filter(|(_, b)| **b == b'/').map(move |(at, _)| &path[..at]);
    // The deepest first: a directory may be empty once the one in it is gone.
    let directories: BTreeSet<_> = gone.flat_map(above).map(|path| (Reverse(path.len()), path)).collect();
    for (_, path) in directories {
        if tree.get(path, store)?.is_some_and(|entry| entry.kind == EntryKind::Dir && entry.id == empty) {
            tree.remove(path, store)?;
        }
    }
    Ok(())
}

/// Removes a file, not a directory that has come in its place.
fn remove(tree: &mut ShadowTree, path: &[u8], store: &mut ObjectStore) -> Result<(), ShadowError> {
    let is_file = tree.get(path, store)?.is_some_and(|entry| entry.kind != EntryKind::Dir);
    if is_file {
        tree.remove(path, store)?;
    }
    Ok(())
}

/// Puts a file where it belongs, with the directories that it needs.
fn put(tree: &mut ShadowTree, path: &[u8], entry: Entry, store: &mut ObjectStore) -> Result<(), ShadowError> {
    match tree.put(path, entry, store) {
        Err(ShadowError::NoParent { .. }) => {}
        done => return done,
    }
    for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
        let is_dir = tree.get(&path[..at], store)?.is_some_and(|entry| entry.kind == EntryKind::Dir);
        if !is_dir {
            tree.make_dir(&path[..at], store)?;
        }
    }
    tree.put(path, entry, store)
}
