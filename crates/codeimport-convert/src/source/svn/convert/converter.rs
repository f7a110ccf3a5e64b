//! From records to commits: one revision after the other.
//!
//! A revision counts only once it is known to be complete, that is when the next one begins or the caller says that the
//! stream ended well ([`Converter::end_stream`]). A stream that breaks off costs its last revision, and never shows half of it.

use super::ConvertOptions;
use super::branches::Branches;
use super::checksums::Checksums;
use super::commits::{Committer, RevisionHead, seconds};
use super::error::SvnError;
use super::replay::{MadeDir, Replay, ReplayError};
use crate::findings::{FindingKind, Findings};
use crate::objects::ObjectStore;
use crate::refs::Refs;
use crate::shadow::{Publisher, ShadowTree};
use crate::source::svn::history::History;
use crate::source::svn::records::LogEntry;
use crate::source::svn::records::{NodeRecord, Record, RecordSource, RevisionRecord};
use gix::ObjectId;
use std::path::Path;

/// A conversion under way.
pub(crate) struct Converter {
    pub(super) options: ConvertOptions,
    uuid: String,
    store: ObjectStore,
    pub(super) history: History,
    branches: Branches,
    tree: ShadowTree,
    publisher: Publisher,
    pub(super) findings: Findings,
    checksums: Checksums,
    /// State that the history was read from, or that was written last.
    state: Option<ObjectId>,
    /// Begun, not known to be complete.
    open: Option<OpenRevision>,
}

/// A revision whose records are being applied.
struct OpenRevision {
    head: RevisionRecord,
    made_dirs: Vec<MadeDir>,
    touched: Vec<Vec<u8>>,
}

impl Converter {
    /// Goes on with a conversion into a repository, or begins one.
    ///
    /// # Errors
    ///
    /// [`SvnError::State`], or the repository's.
    pub(crate) fn open(
        repository: &Path,
        state: Option<ObjectId>,
        uuid: &str,
        options: ConvertOptions,
    ) -> Result<Self, SvnError> {
        let mut store = ObjectStore::open(repository)?;
        let history = match state {
            Some(state) => History::read(state, &mut store)?.ok_or(SvnError::State)?,
            None => History::default(),
        };
        let mut tree = tree_of_youngest(&history);
        let branches = Branches::of(options.places.clone(), &mut tree, &mut store)?;
        let uuid = uuid.to_owned();
        let publisher = Publisher::new(options.svn.clone());
        Ok(Self {
            options,
            uuid,
            store,
            history,
            branches,
            tree,
            publisher,
            findings: Findings::default(),
            checksums: Checksums::default(),
            state,
            open: None,
        })
    }

    /// The revision that the stream must go on with.
    #[must_use]
    pub(crate) fn next_revision(&self) -> u64 {
        self.history.youngest().map_or(0, |youngest| youngest + 1)
    }

    /// Whether there were branches, and now there is none.
    #[must_use]
    pub(crate) fn is_between_branches(&self) -> bool {
        self.branches.present().is_empty() && self.history.commit_count() > 0
    }

    /// Converts records; calls `progress` with each revision that is complete, and the bytes received by then.
    ///
    /// # Errors
    ///
    /// [`SvnError`]; the revisions before the one concerned are converted.
    pub(crate) fn read(
        &mut self,
        records: &mut dyn RecordSource,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), SvnError> {
        while let Some(record) = records.next_record()? {
            match record {
                Record::Uuid(uuid) if uuid == self.uuid => {}
                Record::Uuid(got) => return Err(SvnError::Replaced { expected: self.uuid.clone(), got }),
                Record::Revision(revision) => {
                    if let Some(done) = self.close_revision()? {
                        progress(done, records.received());
                    }
                    let expected = self.next_revision();
                    if revision.number != expected {
                        return Err(SvnError::OutOfOrder { expected, got: revision.number });
                    }
                    self.note_unreadable(&revision);
                    self.open = Some(OpenRevision { head: revision, made_dirs: Vec::new(), touched: Vec::new() });
                }
                Record::Node(node) => self.apply(node)?,
            }
        }
        Ok(())
    }

    /// Says that the stream ended as it should: the last revision is complete.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub(crate) fn end_stream(&mut self) -> Result<(), SvnError> {
        self.close_revision().map(drop)
    }

    /// Forgets a revision that was begun: the stream did not end as it should.
    pub(crate) fn drop_open_revision(&mut self) {
        if self.open.take().is_some() {
            self.tree = tree_of_youngest(&self.history);
        }
    }

    /// Applies a record at once: a revision may be larger than memory.
    fn apply(&mut self, node: NodeRecord) -> Result<(), SvnError> {
        let revision = self.next_revision();
        let Some(open) = &mut self.open else {
            return Err(SvnError::OutOfOrder { expected: revision, got: 0 });
        };
        let mut replay = Replay {
            tree: &mut self.tree,
            history: &self.history,
            store: &mut self.store,
            checksums: &mut self.checksums,
            made_dirs: &mut open.made_dirs,
            touched: &mut open.touched,
            options: &self.options.svn,
            findings: &mut self.findings,
        };
        let applied = replay.apply(node);
        // What it is based on was never told of.
        let missing = applied.as_ref().err().and_then(ReplayError::missing).filter(|_| self.history.is_partial);
        if let Some(path) = missing {
            self.findings.note(FindingKind::UnreadablePath, path);
            return Ok(());
        }
        applied.map_err(|source| SvnError::Replay { revision, source })
    }

    fn close_revision(&mut self) -> Result<Option<u64>, SvnError> {
        let Some(OpenRevision { head, made_dirs, touched }) = self.open.take() else { return Ok(None) };
        let root = self.tree.write(&mut self.store)?;
        let commits_before = self.history.commit_count();
        let changes = self.branches.update(&mut self.tree, &made_dirs, &touched, &mut self.store)?;
        self.history.last_seconds = seconds(&head).unwrap_or(self.history.last_seconds);
        let commit_head = RevisionHead::new(&head, &self.options.authors, &self.uuid, self.history.last_seconds);
        let mut committer = Committer {
            places: &self.options.places,
            history: &mut self.history,
            publisher: &mut self.publisher,
            findings: &mut self.findings,
            store: &mut self.store,
            trailer: self.options.git_svn_id.as_deref().map(|url| (url, self.uuid.as_str())),
        };
        committer.commit(&commit_head, changes, root)?;
        self.history.recent.note(&said(&head));
        self.note_losses(&head, &touched, commits_before);
        self.history.push_root(root);
        Ok(Some(head.number))
    }

    /// First and last of the revisions whose messages, authors and dates are looked at again.
    pub(crate) fn recent(&self) -> Option<(u64, u64)> {
        self.history.recent.range()
    }

    /// What was found so far.
    pub(crate) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Makes everything converted so far visible in the repository, so that memory and the loss by a crash stay bounded.
    ///
    /// # Errors
    ///
    /// The repository's.
    pub(crate) fn flush(&mut self) -> Result<(), SvnError> {
        self.write_history()?;
        Ok(self.store.flush()?)
    }

    /// Writes what the next run needs, and gives it, and the refs. Visible once the store is flushed.
    ///
    /// # Errors
    ///
    /// The repository's.
    pub(crate) fn result(&mut self) -> Result<Converted, SvnError> {
        let history = self.write_history()?;
        let kept = [self.history.chain, self.history.keeper].into_iter().flatten().collect();
        Ok(Converted { history, refs: self.refs(), kept })
    }

    /// Where the objects go, for what else is to be written with them.
    pub(crate) fn store(&mut self) -> &mut ObjectStore {
        &mut self.store
    }

    fn write_history(&mut self) -> Result<ObjectId, SvnError> {
        let written = self.history.write(self.state, &mut self.store)?;
        self.state = Some(written);
        self.tree.unload();
        Ok(written)
    }

    fn refs(&self) -> Refs {
        let tip = |branch: &[u8]| self.history.tip(branch).map(|(_, commit)| commit);
        let named = self
            .branches
            .present()
            .keys()
            .filter_map(|branch| Some((self.options.places.ref_name(branch).into(), tip(branch)?)));
        named.collect()
    }
}

/// What came of a conversion.
#[derive(Clone, Debug)]
pub(crate) struct Converted {
    /// Tree with what the next run needs of history.
    pub(crate) history: ObjectId,
    /// The refs that the target should have.
    pub(crate) refs: Refs,
    /// Commits from which all shadow roots, the commits of deleted branches, and the full segments are reachable.
    pub(crate) kept: Vec<ObjectId>,
}

/// What a revision says of itself, as a log would tell it.
fn said(head: &RevisionRecord) -> LogEntry {
    let text = |name| head.props.set(name).map(|value| String::from_utf8_lossy(value).into_owned());
    LogEntry {
        revision: head.number,
        author: text("svn:author"),
        date: text("svn:date"),
        message: text("svn:log"),
        paths: Vec::new(),
    }
}

/// The tree that the next revision's records apply to.
fn tree_of_youngest(history: &History) -> ShadowTree {
    history.youngest_root().map_or_else(ShadowTree::empty, ShadowTree::stored)
}
