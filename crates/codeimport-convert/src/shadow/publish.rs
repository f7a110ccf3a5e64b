//! Shadow subtrees as Git users should see them.
//!
//! What is different: empty directories, which Git does not have, and entries that keep properties are left out;
//! special files become symbolic links if their text says so, plain files otherwise; what properties say may become files
//! ([`Present`]). A subtree without any of these is published as it is, so it costs no object.

use super::entry::{decode_tree, encode_tree};
use super::{Entry, EntryKind, PROPS_ENTRY, ShadowError};
use crate::findings::{FindingKind, Findings};
use crate::line_ends::with_lf;
use crate::objects::ObjectStore;
use crate::recall::Recall;
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::BTreeSet;

/// Published trees that are remembered at least: those of a large repository, at some 50 bytes each if they differ from their
/// shadows, at half of that if not. Working out a tree again gives the same.
const MEMORY: usize = 50_000;

/// What the text of a special file must begin with to be a symbolic link (Subversion's `subst.c` tells of it as
/// `SVN_SUBST__SPECIAL_LINK_STR`).
const LINK: &[u8] = b"link ";

/// How a directory's kept properties are shown.
pub(crate) trait Present {
    /// Whether they are not shown at all. Then they are not even read.
    fn is_plain(&self) -> bool;
    /// Whether a special file is a link only if its text says so; else all are links, and their texts are the targets.
    fn marks_links(&self) -> bool {
        true
    }
    /// What these properties of a directory add to it and change in it.
    fn shown(&self, props: &[u8]) -> Shown;
}

/// What a directory's properties add to it and change in it.
#[derive(Default)]
pub(crate) struct Shown {
    /// Files, by name; where the source has one of this name, that one stays.
    pub(crate) added: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names of files whose lines end with LF, however they are stored.
    pub(crate) normalized: BTreeSet<Vec<u8>>,
}

/// Turns shadow trees into published ones, and remembers what it did.
pub(crate) struct Publisher {
    present: Box<dyn Present + Send>,
    /// Shadow trees that are published as they are: most.
    same: Recall<ObjectId, ()>,
    /// Shadow tree -> published tree; none if nothing of it is left.
    others: Recall<ObjectId, Option<ObjectId>>,
    /// Text -> the same with all line ends alike.
    texts: Recall<ObjectId, ObjectId>,
}

impl Publisher {
    /// A publisher without memory.
    #[must_use]
    pub(crate) fn new(present: impl Present + Send + 'static) -> Self {
        let (same, others, texts) = (Recall::new(MEMORY), Recall::new(MEMORY), Recall::new(MEMORY));
        Self { present: Box::new(present), same, others, texts }
    }

    /// The published tree of a shadow directory, which lies at a path; the empty tree if nothing is left of it. Notes what
    /// is not shown, as far as it was not looked at before.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read or written.
    pub(crate) fn publish(
        &mut self,
        shadow: ObjectId,
        path: &[u8],
        store: &mut ObjectStore,
        findings: &mut Findings,
    ) -> Result<ObjectId, ShadowError> {
        let mut place = Place { path: path.to_vec(), findings };
        match self.tree(shadow, store, &mut place)? {
            Some(tree) => Ok(tree),
            None => Ok(store.write(Kind::Tree, Vec::new())?),
        }
    }

    fn tree(
        &mut self,
        shadow: ObjectId,
        store: &mut ObjectStore,
        place: &mut Place<'_>,
    ) -> Result<Option<ObjectId>, ShadowError> {
        if let Some(known) = self.known(shadow) {
            return Ok(known);
        }
        let bytes = store.read(shadow, Kind::Tree)?;
        let entries = decode_tree(&bytes).ok_or(ShadowError::Damaged { id: shadow })?;
        let shown = self.shown(&entries, store)?;
        let mut published = Vec::with_capacity(entries.len());
        let mut same = true;
        for (name, entry) in &entries {
            let new = match entry.kind {
                EntryKind::Dir => self.directory(name, *entry, store, place)?,
                _ if *name == PROPS_ENTRY => None,
                _ => Some(self.file(*entry, shown.normalized.contains(*name), store)?),
            };
            same &= new == Some(*entry);
            published.extend(new.map(|new| (*name, new.kind, new.id)));
        }
        for (name, text) in &shown.added {
            if entries.iter().all(|(present, _)| present != name) {
                published.push((name.as_slice(), EntryKind::File, store.write(Kind::Blob, text.clone())?));
            }
        }
        let tree = match published.is_empty() {
            true => None,
            false if same => Some(shadow),
            false => Some(store.write(Kind::Tree, encode_tree(published.into_iter()))?),
        };
        match tree {
            Some(tree) if tree == shadow => self.same.put(shadow, ()),
            _ => self.others.put(shadow, tree),
        }
        Ok(tree)
    }

    fn known(&mut self, shadow: ObjectId) -> Option<Option<ObjectId>> {
        let same = self.same.get(&shadow).map(|()| Some(shadow));
        same.or_else(|| self.others.get(&shadow))
    }

    /// What the properties of a directory with these entries show.
    fn shown(&self, entries: &[(&[u8], Entry)], store: &mut ObjectStore) -> Result<Shown, ShadowError> {
        let props = entries.iter().find(|(name, _)| *name == PROPS_ENTRY).filter(|_| !self.present.is_plain());
        let Some((_, props)) = props else { return Ok(Shown::default()) };
        let props = store.read(props.id, Kind::Blob)?;
        Ok(self.present.shown(&props))
    }

    fn directory(
        &mut self,
        name: &[u8],
        entry: Entry,
        store: &mut ObjectStore,
        place: &mut Place<'_>,
    ) -> Result<Option<Entry>, ShadowError> {
        let above = place.enter(name);
        let tree = self.tree(entry.id, store, place)?;
        if tree.is_none() {
            place.findings.note(FindingKind::EmptyDirectory, &String::from_utf8_lossy(&place.path));
        }
        place.path.truncate(above);
        Ok(tree.map(|id| Entry { id, ..entry }))
    }

    fn file(&mut self, entry: Entry, normalize: bool, store: &mut ObjectStore) -> Result<Entry, ShadowError> {
        match entry.kind {
            EntryKind::Special if !self.present.marks_links() => Ok(entry),
            EntryKind::Special => special(entry, EntryKind::File, store),
            EntryKind::SpecialExecutable => special(entry, EntryKind::Executable, store),
            EntryKind::File | EntryKind::Executable if normalize => {
                Ok(Entry { id: self.normalized(entry.id, store)?, ..entry })
            }
            EntryKind::File | EntryKind::Executable | EntryKind::Dir => Ok(entry),
        }
    }

    fn normalized(&mut self, text: ObjectId, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        if let Some(known) = self.texts.get(&text) {
            return Ok(known);
        }
        let content = store.read(text, Kind::Blob)?;
        let id = if content.contains(&b'\r') { store.write(Kind::Blob, with_lf(&content))? } else { text };
        self.texts.put(text, id);
        Ok(id)
    }
}

/// Where a publisher is.
struct Place<'a> {
    path: Vec<u8>,
    findings: &'a mut Findings,
}

impl Place<'_> {
    /// Goes into a directory; gives the length of the path to come back to.
    fn enter(&mut self, name: &[u8]) -> usize {
        let above = self.path.len();
        if above > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        above
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
pub(crate) fn is_link_target(target: &[u8]) -> bool {
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

    /// Shows properties as a file, and lets all files called `text` end their lines with LF.
    struct Test;

    impl Present for Test {
        fn is_plain(&self) -> bool {
            false
        }

        fn shown(&self, props: &[u8]) -> Shown {
            Shown { added: vec![(b".shown".to_vec(), props.to_vec())], normalized: BTreeSet::from([b"text".to_vec()]) }
        }
    }

    /// Shows no property.
    struct Plain;

    impl Present for Plain {
        fn is_plain(&self) -> bool {
            true
        }

        fn shown(&self, _: &[u8]) -> Shown {
            Shown::default()
        }
    }

    fn published(paths: &[(&str, EntryKind, &str)]) -> Vec<(String, EntryKind, String)> {
        published_as(Plain, paths)
    }

    fn published_as(
        present: impl Present + Send + 'static,
        paths: &[(&str, EntryKind, &str)],
    ) -> Vec<(String, EntryKind, String)> {
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
        let mut findings = Findings::default();
        let root = Publisher::new(present).publish(shadow, b"t", &mut store, &mut findings).expect("published");
        let empty: Vec<_> = findings.iter().flat_map(|finding| finding.examples).collect();
        let mut expected: Vec<_> = paths.iter().filter(|(path, ..)| path.starts_with("empty")).collect();
        expected.sort_by_key(|(path, ..)| std::cmp::Reverse(path.len()));
        assert_eq!(empty, expected.iter().map(|(path, ..)| format!("t/{path}")).collect::<Vec<_>>());
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
    fn properties_are_shown_where_no_file_is_in_the_way() {
        let file = |name: &str, text: &str| (name.to_owned(), EntryKind::File, text.to_owned());
        let props = ("\x01props", EntryKind::File, "shown");
        assert_eq!(published_as(Test, &[props]), [file(".shown", "shown")]);
        let own = (".shown", EntryKind::File, "the source's own");
        assert_eq!(published_as(Test, &[props, own]), [file(".shown", "the source's own")]);
        let texts = [props, own, ("other", EntryKind::File, "a\r\n"), ("text", EntryKind::File, "a\r\nb\rc\n")];
        assert_eq!(published_as(Test, &texts)[1..], [file("other", "a\r\n"), file("text", "a\nb\nc\n")]);
    }

    #[test]
    fn nothing_left_is_the_empty_tree() {
        assert_eq!(published(&[("empty", EntryKind::Dir, "")]), []);
    }
}
