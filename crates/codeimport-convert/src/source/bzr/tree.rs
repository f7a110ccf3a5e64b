//! One revision's changes, applied to the tree of its base.
//!
//! Bazaar names what is moved by identity, so directories may swap places, and a change may move what another one moves
//! besides. So all that changes is taken out first, the deepest first, and then put in where it belongs, from the root down.

use super::stream::Change;
use crate::objects::ObjectStore;
use crate::shadow::{Detached, Entry, EntryKind, ShadowError, ShadowTree};
use std::cmp::Reverse;

/// Why changes do not fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum TreeError {
    /// Our own repository, or a path without a directory for it.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// Something is moved or removed that is not there.
    #[error("{0:?} is changed and is not there")]
    Missing(String),
    /// A directory is removed, and what is in it is not.
    #[error("{0:?} is removed, and something is still in it")]
    NotEmpty(String),
    /// Two things at one place.
    #[error("two things are put at {0:?}")]
    Occupied(String),
}

/// What is put at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Put {
    /// A file or a link.
    Leaf(Entry),
    /// A directory: the one that was taken out, if one was.
    Dir,
}

/// Applies all changes of one revision. `put`: what the new path of each change gets, by the change's index.
pub(super) fn apply(
    tree: &mut ShadowTree,
    changes: &[Change],
    put: impl Fn(usize) -> Put,
    store: &mut ObjectStore,
) -> Result<(), TreeError> {
    let mut taken = take_out(tree, changes, store)?;
    let mut order: Vec<_> = changes.iter().enumerate().filter(|(_, change)| change.new.is_some()).collect();
    order.sort_by(|a, b| new_path(a.1).cmp(&new_path(b.1)));
    for (index, change) in order {
        let path = new_path(change).unwrap_or_default();
        put_in(tree, path, put(index), taken[index].take(), store)?;
    }
    // What nobody put in again is removed; a directory then has to be empty, since what was in it is told of besides.
    for (change, rest) in changes.iter().zip(taken) {
        check_empty(change.old.as_deref().unwrap_or_default(), rest, store)?;
    }
    Ok(())
}

fn check_empty(path: &[u8], taken: Option<Detached>, store: &mut ObjectStore) -> Result<(), TreeError> {
    let Some(mut taken) = taken else { return Ok(()) };
    if taken.holds_something(store)? { Err(TreeError::NotEmpty(shown(path))) } else { Ok(()) }
}

/// Takes out all that was somewhere before, by the change's index.
fn take_out(
    tree: &mut ShadowTree,
    changes: &[Change],
    store: &mut ObjectStore,
) -> Result<Vec<Option<Detached>>, TreeError> {
    let mut taken: Vec<_> = changes.iter().map(|_| None).collect();
    let mut order: Vec<_> = changes.iter().enumerate().filter(|(_, change)| change.old.is_some()).collect();
    // Paths below a path are longer.
    order.sort_by_key(|(_, change)| Reverse(change.old.as_ref().map(Vec::len)));
    for (index, change) in order {
        let path = change.old.as_deref().unwrap_or_default();
        let detached = tree.detach(path, store)?;
        taken[index] = Some(detached.ok_or_else(|| TreeError::Missing(shown(path)))?);
    }
    Ok(taken)
}

fn put_in(
    tree: &mut ShadowTree,
    path: &[u8],
    put: Put,
    taken: Option<Detached>,
    store: &mut ObjectStore,
) -> Result<(), TreeError> {
    let detached = match (put, taken) {
        (Put::Dir, Some(taken)) if taken.is_dir() => taken,
        (Put::Dir, _) => Detached::empty_dir(),
        (Put::Leaf(entry), taken) => {
            check_empty(path, taken, store)?;
            Detached::leaf(entry)
        }
    };
    if !path.is_empty() && tree.has(path, store)? {
        return Err(TreeError::Occupied(shown(path)));
    }
    Ok(tree.attach(path, detached, store)?)
}

fn new_path(change: &Change) -> Option<&[u8]> {
    change.new.as_ref().map(|(path, _)| path.as_slice())
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// An entry of a file.
pub(super) fn file(id: gix::ObjectId, is_executable: bool) -> Put {
    Put::Leaf(Entry { kind: if is_executable { EntryKind::Executable } else { EntryKind::File }, id })
}

#[cfg(test)]
mod tests {
    use super::super::stream::Content;
    use super::*;
    use gix::ObjectId;
    use gix::objs::Kind;

    fn store() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    /// `old > new`: either may be missing; a new path that ends in a slash is a directory.
    fn change(text: &str) -> Change {
        let (old, new) = text.split_once('>').expect("both sides");
        let old = (old != "-").then(|| old.as_bytes().to_vec());
        let new = (new != "-").then(|| match new.strip_suffix('/') {
            Some(path) => (path.as_bytes().to_vec(), Content::Dir),
            None => (new.as_bytes().to_vec(), Content::Other(String::new())),
        });
        Change { old, new }
    }

    fn changed(
        tree: &mut ShadowTree,
        store: &mut ObjectStore,
        changes: &str,
        id: ObjectId,
    ) -> Result<ObjectId, String> {
        let changes: Vec<_> = changes.split_whitespace().map(change).collect();
        let is_dir = |change: &Change| matches!(change.new, Some((_, Content::Dir)));
        let put = |index: usize| if is_dir(&changes[index]) { Put::Dir } else { file(id, false) };
        apply(tree, &changes, put, store).map_err(|error| error.to_string())?;
        Ok(tree.write(store).expect("written"))
    }

    #[test]
    fn directories_swap_places_with_all_that_is_in_them() {
        let (_dir, mut store) = store();
        let id = store.write(Kind::Blob, b"text".to_vec()).expect("written");
        let begin = |store: &mut ObjectStore, changes| {
            let mut tree = ShadowTree::empty();
            let root = changed(&mut tree, store, changes, id).expect("it fits");
            (tree, root)
        };
        // What it was > what it becomes, by changes.
        let cases = [
            ("->a/ ->a/f ->b/ ->b/g", "a>b/ b>a/", "->b/ ->b/f ->a/ ->a/g"),
            ("->a/ ->a/b/ ->a/b/f", "a/b>a/ a>a/b/", "->a/ ->a/f ->a/b/"),
            ("->a/ ->a/f ->x", "a>x/ x>a", "->x/ ->x/f ->a"),
            ("->a/ ->a/f ->a/g", "a>c/ a/g>g a/f>-", "->c/ ->g"),
            ("->a/ ->a/b/ ->a/b/f", "a>- a/b>- a/b/f>f", "->f"),
            ("->f", "f>f/", "->f/"),
            ("->d/", "d>d", "->d"),
            ("->a/ ->a/f ->x", "x>- >- a>/", "->f"),
            ("->/ ->f", ">sub/ ->/", "->sub/ ->sub/f"),
        ];
        for (before, changes, after) in cases {
            let (mut tree, _) = begin(&mut store, before);
            let got = changed(&mut tree, &mut store, changes, id);
            assert_eq!(got, Ok(begin(&mut store, after).1), "{before} with {changes}");
        }
    }

    #[test]
    fn changes_that_contradict_the_tree_are_refused() {
        let (_dir, mut store) = store();
        let id = store.write(Kind::Blob, b"text".to_vec()).expect("written");
        for changes in ["x>y", "a>-", "->a/f", "->n/f", "a>f2", "a/f>-  a>- ->q/r"] {
            let mut tree = ShadowTree::empty();
            changed(&mut tree, &mut store, "->a/ ->a/f", id).expect("it fits");
            assert!(changed(&mut tree, &mut store, changes, id).is_err(), "{changes}");
        }
    }
}
