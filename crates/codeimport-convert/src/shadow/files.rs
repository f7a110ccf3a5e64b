//! Files put into a tree and taken out of it, where directories come and go with what is in them, as in Git.

use super::{Entry, EntryKind, ShadowError, ShadowTree};
use crate::objects::{ObjectStore, object_id};
use gix::objs::Kind;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What becomes of a path: a file with this content, or nothing.
pub(crate) type FileChange<'p> = (&'p [u8], Option<Entry>);

/// Makes changes in a tree that has no empty directories, and leaves none in it. Costs in proportion to the changes.
///
/// # Errors
///
/// If the repository cannot be read or written.
pub(crate) fn change_files(
    tree: &mut ShadowTree,
    changes: &[FileChange<'_>],
    store: &mut ObjectStore,
) -> Result<(), ShadowError> {
    // Removals first: a directory may come where a file was.
    for (path, _) in changes.iter().filter(|(_, entry)| entry.is_none()) {
        remove(tree, path, store)?;
    }
    for (path, entry) in changes {
        if let Some(entry) = entry {
            put(tree, path, *entry, store)?;
        }
    }
    remove_empty(tree, changes.iter().filter(|(_, entry)| entry.is_none()).map(|(path, _)| *path), store)
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
