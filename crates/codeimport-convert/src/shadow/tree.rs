//! A shadow tree being edited.

use super::dir::{Dir, Node};
use super::{Entry, EntryKind};
use crate::objects::{ObjectStore, StoreError};
use gix::ObjectId;

/// Why a shadow tree cannot be read or edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShadowError {
    /// The repository's objects.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object whose bytes are not what they should be.
    #[error("object {id} is damaged")]
    Damaged {
        /// The object.
        id: ObjectId,
    },
    /// A path whose parent is missing or is no directory. The source contradicts itself.
    #[error("there is no directory for {path:?}")]
    NoParent {
        /// The path, lossily.
        path: String,
    },
}

/// A root directory with all below it.
pub(crate) struct ShadowTree(Dir);

/// Something that was taken out of a tree, with all below it, to be put in somewhere else.
pub(crate) struct Detached(Node);

impl Detached {
    /// A new file or link.
    pub(crate) fn leaf(entry: Entry) -> Self {
        Self(Node::of(entry))
    }

    /// A new directory with nothing in it.
    pub(crate) fn empty_dir() -> Self {
        Self(Node::Dir(Dir::empty()))
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> bool {
        matches!(self.0, Node::Dir(_))
    }

    /// Whether it is a directory with something in it.
    pub(crate) fn holds_something(&mut self, store: &mut ObjectStore) -> Result<bool, ShadowError> {
        match &mut self.0 {
            Node::Dir(dir) => Ok(!dir.entries(store)?.is_empty()),
            Node::Leaf(_) => Ok(false),
        }
    }
}

impl ShadowTree {
    /// A root with nothing in it.
    #[must_use]
    pub(crate) fn empty() -> Self {
        Self(Dir::empty())
    }

    /// A root that is stored already. Nothing is read yet.
    #[must_use]
    pub(crate) fn stored(root: ObjectId) -> Self {
        Self(Dir::Stored(root))
    }

    /// What is at a path; a directory's changes are written first, so that it has an id. Empty path: the root.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read or written. That there is nothing at the path is `None`.
    pub(crate) fn get(&mut self, path: &[u8], store: &mut ObjectStore) -> Result<Option<Entry>, ShadowError> {
        let mut dir = &mut self.0;
        let mut parts = parts(path).peekable();
        while let Some(part) = parts.next() {
            match dir.entries(store)?.get_mut(part) {
                Some(Node::Dir(below)) => dir = below,
                Some(Node::Leaf(entry)) if parts.peek().is_none() => return Ok(Some(*entry)),
                Some(Node::Leaf(_)) | None => return Ok(None),
            }
        }
        Ok(Some(Entry { kind: EntryKind::Dir, id: dir.write(store)? }))
    }

    /// Puts an entry at a path, in place of whatever is there. A directory comes with all below it.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`].
    pub(crate) fn put(&mut self, path: &[u8], entry: Entry, store: &mut ObjectStore) -> Result<(), ShadowError> {
        let Some((parent, name)) = self.parent_of(path, store)? else {
            self.0 = Dir::Stored(entry.id);
            return Ok(());
        };
        parent.entries(store)?.insert(name.to_vec(), Node::of(entry));
        Ok(())
    }

    /// Makes an empty directory, in place of whatever is there.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`].
    pub(crate) fn make_dir(&mut self, path: &[u8], store: &mut ObjectStore) -> Result<(), ShadowError> {
        let Some((parent, name)) = self.parent_of(path, store)? else {
            self.0 = Dir::empty();
            return Ok(());
        };
        parent.entries(store)?.insert(name.to_vec(), Node::Dir(Dir::empty()));
        Ok(())
    }

    /// Removes what is at a path with all below it; false if there is nothing.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`].
    pub(crate) fn remove(&mut self, path: &[u8], store: &mut ObjectStore) -> Result<bool, ShadowError> {
        let Some((parent, name)) = self.parent_of(path, store)? else {
            self.0 = Dir::empty();
            return Ok(true);
        };
        Ok(parent.entries(store)?.remove(name).is_some())
    }

    /// Whether there is something at a path.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`].
    pub(crate) fn has(&mut self, path: &[u8], store: &mut ObjectStore) -> Result<bool, ShadowError> {
        match self.parent_of(path, store)? {
            Some((parent, name)) => Ok(parent.entries(store)?.contains_key(name)),
            None => Ok(true),
        }
    }

    /// Takes out what is at a path with all below it, without writing anything; none if there is nothing. The root
    /// leaves an empty one.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`].
    pub(crate) fn detach(&mut self, path: &[u8], store: &mut ObjectStore) -> Result<Option<Detached>, ShadowError> {
        let Some((parent, name)) = self.parent_of(path, store)? else {
            return Ok(Some(Detached(Node::Dir(std::mem::replace(&mut self.0, Dir::empty())))));
        };
        Ok(parent.entries(store)?.remove(name).map(Detached))
    }

    /// Puts in what was taken out, in place of whatever is there.
    ///
    /// # Errors
    ///
    /// [`ShadowError::NoParent`]; so is a root that is no directory.
    pub(crate) fn attach(&mut self, path: &[u8], what: Detached, store: &mut ObjectStore) -> Result<(), ShadowError> {
        match (self.parent_of(path, store)?, what.0) {
            (Some((parent, name)), node) => drop(parent.entries(store)?.insert(name.to_vec(), node)),
            (None, Node::Dir(dir)) => self.0 = dir,
            (None, Node::Leaf(_)) => return Err(ShadowError::NoParent { path: String::new() }),
        }
        Ok(())
    }

    /// The entries of the root, in order of their names.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read or written.
    pub(crate) fn list(&mut self, store: &mut ObjectStore) -> Result<Vec<(Vec<u8>, Entry)>, ShadowError> {
        let mut listed = Vec::new();
        // Through the stored form: then every entry has its id.
        let mut stored = Dir::Stored(self.0.write(store)?);
        for (name, node) in stored.entries(store)? {
            let entry = match node {
                Node::Leaf(entry) => *entry,
                Node::Dir(dir) => Entry { kind: EntryKind::Dir, id: dir.write(store)? },
            };
            listed.push((name.clone(), entry));
        }
        Ok(listed)
    }

    /// Writes all changes and gives the root's id. The tree can be edited further.
    ///
    /// # Errors
    ///
    /// If the repository cannot be written.
    pub(crate) fn write(&mut self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        self.0.write(store)
    }

    /// Forgets what was loaded and is not changed, so that memory does not grow with what was once touched.
    pub(crate) fn unload(&mut self) {
        if let Some(id) = self.0.stored_id() {
            self.0 = Dir::Stored(id);
        }
    }

    /// The directory that holds a path, loaded and marked as changed up to the root, and the path's last part.
    /// None for the root itself.
    fn parent_of<'p>(
        &mut self,
        path: &'p [u8],
        store: &mut ObjectStore,
    ) -> Result<Option<(&mut Dir, &'p [u8])>, ShadowError> {
        let mut dir = &mut self.0;
        let mut parts = parts(path).peekable();
        while let Some(part) = parts.next() {
            dir.entries(store)?;
            dir.touch();
            if parts.peek().is_none() {
                return Ok(Some((dir, part)));
            }
            dir = match dir.entries(store)?.get_mut(part) {
                Some(Node::Dir(below)) => below,
                Some(Node::Leaf(_)) | None => {
                    return Err(ShadowError::NoParent { path: String::from_utf8_lossy(path).into_owned() });
                }
            };
        }
        Ok(None)
    }
}

/// The parts of a path; none for the root.
fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::objs::Kind;

    fn store() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    fn file(store: &mut ObjectStore, text: &str) -> Entry {
        Entry { kind: EntryKind::File, id: store.write(Kind::Blob, text.into()).expect("written") }
    }

    #[test]
    fn the_same_content_is_the_same_tree_however_it_came_about() {
        let (_dir, mut store) = store();
        let s = &mut store;
        let (a, b) = (file(s, "a"), file(s, "b"));
        let mut straight = ShadowTree::empty();
        straight.make_dir(b"x", s).expect("parent exists");
        straight.put(b"x/a", a, s).expect("parent exists");
        let mut winding = ShadowTree::empty();
        winding.make_dir(b"y", s).expect("parent exists");
        winding.put(b"y/a", b, s).expect("parent exists");
        let kept = winding.get(b"y", s).expect("readable").expect("there");
        winding.write(s).expect("written");
        winding.put(b"x", kept, s).expect("parent exists");
        winding.put(b"x/a", a, s).expect("parent exists");
        winding.remove(b"y", s).expect("parent exists");
        assert_eq!(straight.write(s).expect("written"), winding.write(s).expect("written"));
    }

    #[test]
    fn a_copy_shares_nothing_with_its_origin_but_the_past() {
        let (_dir, mut store) = store();
        let s = &mut store;
        let (old, new) = (file(s, "old"), file(s, "new"));
        let mut tree = ShadowTree::empty();
        tree.make_dir(b"trunk", s).expect("parent exists");
        tree.put(b"trunk/f", old, s).expect("parent exists");
        let trunk = tree.get(b"trunk", s).expect("readable").expect("there");
        tree.put(b"branch", trunk, s).expect("parent exists");
        tree.put(b"trunk/f", new, s).expect("parent exists");
        assert_eq!(tree.get(b"branch/f", s).expect("readable"), Some(old));
        assert_eq!(tree.get(b"trunk/f", s).expect("readable"), Some(new));
    }

    #[test]
    fn a_path_below_a_file_has_no_parent() {
        let (_dir, mut store) = store();
        let s = &mut store;
        let entry = file(s, "text");
        let mut tree = ShadowTree::empty();
        tree.put(b"f", entry, s).expect("parent exists");
        assert!(matches!(tree.put(b"f/g", entry, s), Err(ShadowError::NoParent { .. })));
        assert!(matches!(tree.put(b"missing/g", entry, s), Err(ShadowError::NoParent { .. })));
        assert_eq!(tree.get(b"f/g", s).expect("readable"), None);
    }

    #[test]
    fn git_lists_the_entries_in_its_own_order() {
        let (_dir, mut store) = store();
        let s = &mut store;
        let entry = file(s, "text");
        let mut tree = ShadowTree::empty();
        // "a" as a directory sorts as "a/", behind "a-b" and "a.b".
        for path in [&b"a.b"[..], b"a-b", b"a0"] {
            tree.put(path, entry, s).expect("parent exists");
        }
        tree.make_dir(b"a", s).expect("parent exists");
        let id = tree.write(s).expect("written");
        let bytes = s.read(id, Kind::Tree).expect("there");
        let names: Vec<_> =
            super::super::entry::decode_tree(&bytes).expect("a tree").iter().map(|(n, _)| n.to_vec()).collect();
        assert_eq!(names, [&b"a-b"[..], b"a.b", b"a", b"a0"]);
    }
}
