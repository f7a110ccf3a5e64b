//! Shadow subtrees as Git users should see them.
//!
//! What is different: empty directories, which Git does not have, and entries that keep properties are left out;
//! special files become symbolic links if their text says so, plain files otherwise. A subtree without any of these
//! is published as it is, so it costs no object.

use super::entry::{decode_tree, encode_tree};
use super::{Entry, EntryKind, PROPS_ENTRY, ShadowError};
use crate::objects::ObjectStore;
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::HashMap;

/// Published trees that are remembered, at some 60 bytes each. Beyond that all are forgotten: working out a tree again
/// gives the same.
const MEMORY: usize = 200_000;

/// What the text of a special file must begin with to be a symbolic link (Subversion's `subst.c` tells of it as
/// `SVN_SUBST__SPECIAL_LINK_STR`).
const LINK: &[u8] = b"link ";

/// Turns shadow trees into published ones, and remembers what it did.
#[derive(Default)]
pub(crate) struct Publisher {
    /// Shadow tree -> published tree; none if nothing of it is left.
    trees: HashMap<ObjectId, Option<ObjectId>>,
}

impl Publisher {
    /// A publisher without memory.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The published tree of a shadow directory; the empty tree if nothing is left of it.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read or written.
    pub(crate) fn publish(&mut self, shadow: ObjectId, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        if self.trees.len() > MEMORY {
            self.trees.clear();
        }
        match self.tree(shadow, store)? {
            Some(tree) => Ok(tree),
            None => Ok(store.write(Kind::Tree, Vec::new())?),
        }
    }

    fn tree(&mut self, shadow: ObjectId, store: &mut ObjectStore) -> Result<Option<ObjectId>, ShadowError> {
        if let Some(known) = self.trees.get(&shadow) {
            return Ok(*known);
        }
        let bytes = store.read(shadow, Kind::Tree)?;
        let entries = decode_tree(&bytes).ok_or(ShadowError::Damaged { id: shadow })?;
        let mut published = Vec::with_capacity(entries.len());
        let mut same = true;
        for (name, entry) in entries {
            let new = self.entry(name, entry, store)?;
            same &= new == Some(entry);
            published.extend(new.map(|new| (name, new.kind, new.id)));
        }
        let tree = match published.is_empty() {
            true => None,
            false if same => Some(shadow),
            false => Some(store.write(Kind::Tree, encode_tree(published.into_iter()))?),
        };
        self.trees.insert(shadow, tree);
        Ok(tree)
    }

    fn entry(&mut self, name: &[u8], entry: Entry, store: &mut ObjectStore) -> Result<Option<Entry>, ShadowError> {
        match entry.kind {
            EntryKind::Dir => Ok(self.tree(entry.id, store)?.map(|id| Entry { id, ..entry })),
            _ if name == PROPS_ENTRY => Ok(None),
            EntryKind::File | EntryKind::Executable => Ok(Some(entry)),
            EntryKind::Special => special(entry, EntryKind::File, store).map(Some),
            EntryKind::SpecialExecutable => special(entry, EntryKind::Executable, store).map(Some),
        }
    }
}

/// A link, or else a file of this kind.
fn special(entry: Entry, otherwise: EntryKind, store: &mut ObjectStore) -> Result<Entry, ShadowError> {
    let text = store.read(entry.id, Kind::Blob)?;
    match text.strip_prefix(LINK) {
        // Git's own kind for a link has the mode that a shadow uses for special files.
        Some(target) if is_link_target(target) => {
            let id = store.write(Kind::Blob, target.to_vec())?;
            Ok(Entry { kind: EntryKind::Special, id })
        }
        _ => Ok(Entry { kind: otherwise, ..entry }),
    }
}

/// What a file system takes as the target of a link; anything else would make a tree that cannot be checked out.
fn is_link_target(target: &[u8]) -> bool {
    !target.is_empty() && target.len() < 4096 && !target.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::ShadowTree;

    fn store() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    fn published(paths: &[(&str, EntryKind, &str)]) -> Vec<(String, EntryKind, String)> {
        let (_dir, mut store) = store();
        let mut tree = ShadowTree::empty();
        for (path, kind, text) in paths {
            if *kind == EntryKind::Dir {
                tree.make_dir(path.as_bytes(), &mut store).expect("parent exists");
            } else {
                let id = store.write(Kind::Blob, (*text).into()).expect("written");
                tree.put(path.as_bytes(), Entry { kind: *kind, id }, &mut store).expect("parent exists");
            }
        }
        let shadow = tree.write(&mut store).expect("written");
        let root = Publisher::new().publish(shadow, &mut store).expect("published");
        let bytes = store.read(root, Kind::Tree).expect("there");
        let entries = decode_tree(&bytes).expect("a tree");
        let text_of = |entry: &Entry, store: &mut ObjectStore| match entry.kind {
            EntryKind::Dir => String::new(),
            _ => String::from_utf8(store.read(entry.id, Kind::Blob).expect("there").to_vec()).expect("text"),
        };
        entries
            .iter()
            .map(|(name, e)| (String::from_utf8_lossy(name).into_owned(), e.kind, text_of(e, &mut store)))
            .collect()
    }

    #[test]
    fn what_git_cannot_show_is_left_out() {
        let shown = published(&[
            ("empty", EntryKind::Dir, ""),
            ("empty/too", EntryKind::Dir, ""),
            ("full", EntryKind::Dir, ""),
            ("full/f", EntryKind::Executable, "x"),
            ("\x01props", EntryKind::File, "svn:ignore"),
        ]);
        assert_eq!(shown, [("full".to_owned(), EntryKind::Dir, String::new())]);
    }

    #[test]
    fn special_files_are_links_only_if_they_say_so() {
        let shown = published(&[
            ("executable link", EntryKind::SpecialExecutable, "link a/b"),
            ("executable odd", EntryKind::SpecialExecutable, "no link"),
            ("link", EntryKind::Special, "link a/b"),
            ("odd", EntryKind::Special, "no link"),
        ]);
        let expected = [
            ("executable link".to_owned(), EntryKind::Special, "a/b".to_owned()),
            ("executable odd".to_owned(), EntryKind::Executable, "no link".to_owned()),
            ("link".to_owned(), EntryKind::Special, "a/b".to_owned()),
            ("odd".to_owned(), EntryKind::File, "no link".to_owned()),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn nothing_left_is_the_empty_tree() {
        assert_eq!(published(&[("d", EntryKind::Dir, "")]), []);
    }
}
