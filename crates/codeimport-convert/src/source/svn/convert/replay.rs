//! Applies the records of a revision to the shadow tree of the revision before it.
//!
//! Invariant: a text is stored only if it has the checksum that the source gives for it.

use super::checksums::{Checksums, Md5Digits, md5};
use super::props::DirProps;
use super::svndiff::{self, DeltaError};
use crate::findings::{FindingKind, Findings};
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, PROPS_ENTRY, ShadowError, ShadowTree};
use crate::source::svn::history::History;
use crate::source::svn::options::SvnOptions;
use crate::source::svn::paths::{join, path_below};
use crate::source::svn::records::{Action, CopyFrom, NodeKind, NodeRecord, PropChanges, PropValue, Text};
use gix::ObjectId;
use gix::objs::Kind;
use std::sync::Arc;

/// Why a record cannot be applied. All but the first mean that the source contradicts itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// Our own repository.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// A change to something that is not there.
    #[error("{path}: is changed, but does not exist")]
    Missing {
        /// The path.
        path: String,
    },
    /// A copy from something that is not there.
    #[error("{path}: is a copy of {from}@{revision}, which does not exist")]
    CopySource {
        /// The path.
        path: String,
        /// Path copied from.
        from: String,
        /// Revision copied from.
        revision: u64,
    },
    /// A delta that cannot be applied.
    #[error("{path}: {source}")]
    Delta {
        /// The path.
        path: String,
        /// Why.
        source: DeltaError,
    },
    /// A text with another checksum than the source gives for it.
    #[error("{path}: has the MD5 {got}, the source says {expected}")]
    Checksum {
        /// The path.
        path: String,
        /// By the source.
        expected: String,
        /// Of the text at hand.
        got: String,
    },
    /// An addition that does not say of what.
    #[error("{path}: is added as neither file nor directory")]
    NoKind {
        /// The path.
        path: String,
    },
}

impl ReplayError {
    /// The path, if it is only that something is not there.
    pub(crate) fn missing(&self) -> Option<&str> {
        match self {
            Self::Missing { path } | Self::CopySource { path, .. } | Self::Shadow(ShadowError::NoParent { path }) => {
                Some(path)
            }
            Self::Shadow(_) | Self::Delta { .. } | Self::Checksum { .. } | Self::NoKind { .. } => None,
        }
    }
}

/// A directory that a revision has made.
#[derive(Clone, Debug)]
pub(crate) struct MadeDir {
    /// Its path.
    pub(crate) path: Vec<u8>,
    /// What it is a copy of.
    pub(crate) copy_from: Option<CopyFrom>,
}

/// One revision being applied.
pub(crate) struct Replay<'a> {
    /// The tree, first of the revision before, then with the changes so far.
    pub(crate) tree: &'a mut ShadowTree,
    /// Revisions before this one, for copies.
    pub(crate) history: &'a History,
    /// The repository that takes the objects.
    pub(crate) store: &'a mut ObjectStore,
    /// Sums of texts seen before.
    pub(crate) checksums: &'a mut Checksums,
    /// Directories made in this revision, in order.
    pub(crate) made_dirs: &'a mut Vec<MadeDir>,
    /// All paths that have a record.
    pub(crate) touched: &'a mut Vec<Vec<u8>>,
    /// What is shown of properties.
    pub(crate) options: &'a SvnOptions,
    /// What cannot be shown.
    pub(crate) findings: &'a mut Findings,
}

impl Replay<'_> {
    /// Applies one record.
    pub(crate) fn apply(&mut self, node: NodeRecord) -> Result<(), ReplayError> {
        match node.action {
            // Gone already: part of the tree may be hidden from this account, its removal is not.
            Action::Delete => self.remove(&node.path)?,
            Action::Add => self.add(&node)?,
            Action::Replace => {
                self.remove(&node.path)?;
                self.add(&node)?;
            }
            Action::Change => self.change(&node)?,
        }
        self.touched.push(node.path);
        Ok(())
    }

    fn remove(&mut self, path: &[u8]) -> Result<(), ReplayError> {
        if self.tree.remove(path, self.store)? { self.unmark_line_ends(path) } else { Ok(()) }
    }

    fn add(&mut self, node: &NodeRecord) -> Result<(), ReplayError> {
        let origin = node.copy_from.as_ref().map(|from| self.copy_source(&node.path, from)).transpose()?;
        let kind = match (node.kind, origin) {
            (Some(kind), _) => kind,
            (None, Some(Entry { kind: EntryKind::Dir, .. })) => NodeKind::Dir,
            (None, Some(_)) => NodeKind::File,
            (None, None) => return Err(ReplayError::NoKind { path: show(&node.path) }),
        };
        match kind {
            NodeKind::Dir => {
                match origin {
                    Some(entry) => self.tree.put(&node.path, entry, self.store)?,
                    None => self.tree.make_dir(&node.path, self.store)?,
                }
                self.made_dirs.push(MadeDir { path: node.path.clone(), copy_from: node.copy_from.clone() });
                self.set_dir_props(&node.path, node.props.as_ref())
            }
            NodeKind::File => self.put_file(node, origin),
        }
    }

    fn change(&mut self, node: &NodeRecord) -> Result<(), ReplayError> {
        let entry = self.tree.get(&node.path, self.store)?;
        match entry.ok_or_else(|| ReplayError::Missing { path: show(&node.path) })? {
            Entry { kind: EntryKind::Dir, .. } => self.set_dir_props(&node.path, node.props.as_ref()),
            entry => self.put_file(node, Some(entry)),
        }
    }

    /// Puts a file that is based on `base`, or on nothing.
    fn put_file(&mut self, node: &NodeRecord, base: Option<Entry>) -> Result<(), ReplayError> {
        let kind = file_kind(base.map(|entry| entry.kind), node.props.as_ref());
        let id = match (&node.text, base) {
            (Some(text), base) => self.store_text(&node.path, text, base.map(|entry| entry.id))?,
            (None, Some(entry)) => entry.id,
            (None, None) => self.store.write(Kind::Blob, Vec::new()).map_err(ShadowError::from)?,
        };
        self.tree.put(&node.path, Entry { kind, id }, self.store)?;
        self.mark_line_ends(node)
    }

    fn store_text(&mut self, path: &[u8], text: &Text, base: Option<ObjectId>) -> Result<ObjectId, ReplayError> {
        let content = if text.is_delta { self.apply_delta(path, text, base)? } else { text.bytes.clone() };
        let digits = text.md5.as_deref().map(|expected| check(path, md5(&content), expected)).transpose()?;
        let id = self.store.write(Kind::Blob, content).map_err(ShadowError::from)?;
        if let Some(digits) = digits {
            self.checksums.remember(id, digits);
        }
        Ok(id)
    }

    fn apply_delta(&mut self, path: &[u8], text: &Text, base: Option<ObjectId>) -> Result<Vec<u8>, ReplayError> {
        let content: Arc<[u8]> = match base {
            Some(id) => self.store.read(id, Kind::Blob).map_err(ShadowError::from)?,
            None => Arc::from([]),
        };
        if let Some(expected) = text.base_md5.as_deref() {
            let digits = base.map_or_else(|| md5(b""), |id| self.checksums.of(id, &content));
            check(path, digits, expected)?;
        }
        svndiff::apply(&content, &text.bytes).map_err(|source| ReplayError::Delta { path: show(path), source })
    }

    fn set_dir_props(&mut self, path: &[u8], changes: Option<&PropChanges>) -> Result<(), ReplayError> {
        let Some(changes) = changes else { return Ok(()) };
        let is_set = |name: &str| changes.set(name).is_some_and(|value| !value.trim_ascii().is_empty());
        if !self.options.convert_ignores && (is_set("svn:ignore") || is_set("svn:global-ignores")) {
            self.findings.note(FindingKind::IgnoresNotConverted, &show(path));
        }
        if !self.options.keep_externals && is_set("svn:externals") {
            self.findings.note(FindingKind::ExternalsNotKept, &show(path));
        }
        self.edit_props(path, |props| props.apply(changes))
    }

    /// Changes what is kept of a directory's properties; `edit` says whether it changed anything.
    pub(crate) fn edit_props(
        &mut self,
        path: &[u8],
        edit: impl FnOnce(&mut DirProps) -> bool,
    ) -> Result<(), ReplayError> {
        let at = join(path, PROPS_ENTRY);
        let mut props = match self.tree.get(&at, self.store)? {
            Some(entry) => DirProps::decode(&self.store.read(entry.id, Kind::Blob).map_err(ShadowError::from)?),
            None => DirProps::default(),
        };
        if !edit(&mut props) {
            return Ok(());
        }
        match props.encode() {
            Some(bytes) => {
                let id = self.store.write(Kind::Blob, bytes).map_err(ShadowError::from)?;
                self.tree.put(&at, Entry { kind: EntryKind::File, id }, self.store)?;
            }
            None => drop(self.tree.remove(&at, self.store)?),
        }
        Ok(())
    }

    fn copy_source(&mut self, path: &[u8], from: &CopyFrom) -> Result<Entry, ReplayError> {
        let root = self.history.root(from.revision, self.store)?;
        let entry = match root {
            Some(root) => ShadowTree::stored(root).get(&from.path, self.store)?,
            None => None,
        };
        entry.ok_or_else(|| ReplayError::CopySource {
            path: show(path),
            from: show(&from.path),
            revision: from.revision,
        })
    }
}

/// What a file is after a record: executable and special are set and unset by properties.
fn file_kind(before: Option<EntryKind>, props: Option<&PropChanges>) -> EntryKind {
    let is = |name: &str, before: bool| match props.and_then(|props| props.change(name)) {
        Some(PropValue::Set(_)) => true,
        Some(PropValue::Deleted) => false,
        None => before,
    };
    let was = |kinds: [EntryKind; 2]| before.is_some_and(|before| kinds.contains(&before));
    let is_special = is("svn:special", was([EntryKind::Special, EntryKind::SpecialExecutable]));
    let is_executable = is("svn:executable", was([EntryKind::Executable, EntryKind::SpecialExecutable]));
    match (is_special, is_executable) {
        (true, true) => EntryKind::SpecialExecutable,
        (true, false) => EntryKind::Special,
        (false, true) => EntryKind::Executable,
        (false, false) => EntryKind::File,
    }
}

fn check(path: &[u8], got: Md5Digits, expected: &str) -> Result<Md5Digits, ReplayError> {
    if got == expected.as_bytes() {
        return Ok(got);
    }
    Err(ReplayError::Checksum { path: show(path), expected: expected.to_owned(), got: show(&got) })
}

/// Where a path came from in this revision, if a directory above it, or it itself, was made: the copy's source with
/// the rest of the path, or nothing for one that was made empty.
pub(crate) fn origin_of(path: &[u8], made_dirs: &[MadeDir]) -> Option<Option<CopyFrom>> {
    // The last one is the nearest in time; within a revision, a deeper one comes after the one it lies in.
    let (made, rest) = made_dirs.iter().rev().find_map(|made| Some((made, path_below(path, &made.path)?)))?;
    Some(made.copy_from.as_ref().map(|from| {
        let path = if rest.is_empty() { from.path.clone() } else { join(&from.path, rest) };
        CopyFrom { revision: from.revision, path }
    }))
}

fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
