//! Makes Git commits of changesets, and notes them in the ledger.

use super::changeset::Changeset;
use super::fit::{Fit, best_fit};
use super::ledger::{Changes, CommitIndex, KnownCommit, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::names::in_cvs;
use super::place::LineName;
use super::tree::LineTree;
use crate::objects::{ObjectStore, StoreError, encode_commit};
use crate::shadow::ShadowError;
use crate::source::text::decode_from;
use codeimport_core::{AuthorMap, Charset};
use gix::ObjectId;
use gix::objs::Kind;
use std::io;

/// Stands for the identity of a repository, which CVS has none of, in the addresses of accounts.
const HOST: &str = "cvs";

/// Who, for commits that nobody made.
const NOBODY: &str = "codeimport <codeimport@localhost>";

/// Why a commit cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmitError {
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What memory had no room for.
    #[error("what was put away on the disk cannot be read")]
    Scratch(#[from] io::Error),
}

/// What is needed to make commits.
pub(super) struct Emitter<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) store: &'a mut ObjectStore,
    pub(super) authors: &'a AuthorMap,
    pub(super) charset: Charset,
    pub(super) tree: LineTree,
}

impl Emitter<'_> {
    /// Makes the commits of one changeset: on its line, and on the trunk if that shows a vendor's files.
    ///
    /// `begin`: what the line shows before its first changeset.
    pub(super) fn commit(
        &mut self,
        changeset: &Changeset,
        (author, log): (&[u8], &[u8]),
        revisions: &[RevId],
        begin: impl Fn(&Ledger, &LineName) -> io::Result<Manifest>,
    ) -> Result<(), EmitError> {
        let name = &*changeset.line;
        if self.ledger.line(name).is_none() && self.removes_nothing(revisions, &begin(self.ledger, name)?)? {
            // CVS dates the removal in front of what a branch adds like what the trunk had: before the branch began.
            return Ok(());
        }
        let line = self.line(name, begin)?;
        let changes = self.changes(line, revisions.iter())?;
        let who = self.authors.identity(Some(decode_from(self.charset, author).as_bytes()), HOST);
        let signature = format!("{} <{}> {} +0000", who.name, who.email, changeset.seconds().max(0));
        let message = decode_from(self.charset, log);
        let before = self.ledger.tip(line);
        if changes.is_empty() {
            return Ok(());
        }
        let commit = self.commit_line(line, &changes, (&signature, &message), changeset.seconds(), None)?;
        let on_trunk = changeset.units.iter().zip(revisions).filter(|(unit, _)| unit.is_on_trunk);
        let shown: Vec<_> = on_trunk.map(|(_, revision)| *revision).collect();
        if *name == LineName::Trunk || shown.is_empty() {
            return Ok(());
        }
        let trunk = self.line(&LineName::Trunk, |_, _| Ok(Manifest::new()))?;
        let changes = self.changes(trunk, shown.iter())?;
        if changes.is_empty() {
            return Ok(());
        }
        let at_trunk = self.ledger.tip(trunk);
        let merged = self.ledger.commit(commit)?;
        if at_trunk == before && self.tree.with(self.ledger, trunk, &changes, self.store)? == merged.tree {
            // Nothing of its own on the trunk: it goes along.
            self.ledger.add_commit(KnownCommit { line: trunk, ..merged }, &changes)?;
            return Ok(());
        }
        self.commit_line(trunk, &changes, (&signature, &message), changeset.seconds(), Some(merged.id)).map(drop)
    }

    /// Whether all revisions are removals of files that are not there.
    fn removes_nothing(&self, revisions: &[RevId], shown: &Manifest) -> io::Result<bool> {
        for revision in revisions {
            if self.ledger.is_there(*revision) || shown.contains_key(&self.ledger.known(*revision)?.file) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A line, which begins now if it has not yet.
    fn line(
        &mut self,
        name: &LineName,
        begin: impl FnOnce(&Ledger, &LineName) -> io::Result<Manifest>,
    ) -> Result<LineId, EmitError> {
        if let Some((line, _)) = self.ledger.line(name) {
            return Ok(line);
        }
        let manifest = begin(self.ledger, name)?;
        let fit = best_fit(self.ledger, &manifest);
        let line = self.ledger.begin_line(name.clone(), fit.map(|fit| fit.commit));
        self.bring_to(line, &manifest, &begun(name))?;
        Ok(line)
    }

    /// Makes a line show exactly this, by a commit that says why if need be.
    pub(super) fn bring_to(&mut self, line: LineId, manifest: &Manifest, message: &str) -> Result<(), EmitError> {
        let changes = differences(&self.ledger.manifest(line), manifest);
        if changes.is_empty() {
            return Ok(());
        }
        let seconds = self.seconds_of(self.ledger.tip(line), manifest)?;
        let signature = format!("{NOBODY} {} +0000", seconds.max(0));
        self.commit_line(line, &changes, (&signature, message), seconds, None).map(drop)
    }

    /// A commit that no line has: what a symbol names, where no commit is like that.
    pub(super) fn symbol_commit(&mut self, manifest: &Manifest, message: &str) -> Result<Option<ObjectId>, EmitError> {
        let Some(Fit { commit, distance }) = best_fit(self.ledger, manifest) else { return Ok(None) };
        let parent = self.ledger.commit(commit)?;
        if distance == 0 {
            return Ok(Some(parent.id));
        }
        let changes = differences(&self.ledger.manifest_at(commit), manifest);
        let tree = self.tree.beside(self.ledger, parent.tree, &changes, self.store)?;
        let seconds = self.seconds_of(Some(commit), manifest)?;
        let signature = format!("{NOBODY} {} +0000", seconds.max(0));
        let content = encode_commit(tree, std::iter::once(parent.id), &signature, message.as_bytes());
        Ok(Some(self.store.write(Kind::Commit, content)?))
    }

    /// The revisions that change something: a file that is not there cannot be removed.
    fn changes<'r>(&self, line: LineId, revisions: impl Iterator<Item = &'r RevId>) -> io::Result<Changes> {
        let change = |revision: &RevId| {
            let KnownRevision { file, content, .. } = self.ledger.known(*revision)?;
            let removed = || self.ledger.shows(line, file).map(|_| (file, None));
            Ok(content.map(|_| (file, Some(*revision))).or_else(removed))
        };
        revisions.map(change).filter_map(io::Result::transpose).collect()
    }

    fn commit_line(
        &mut self,
        line: LineId,
        changes: &Changes,
        (signature, message): (&str, &str),
        seconds: i64,
        merged: Option<ObjectId>,
    ) -> Result<CommitIndex, EmitError> {
        let parent = self.ledger.tip_commit(line)?.map(|tip| tip.id);
        let tree = self.tree.with(self.ledger, line, changes, self.store)?;
        let parents = parent.into_iter().chain(merged.filter(|merged| Some(*merged) != parent));
        let id = self.store.write(Kind::Commit, encode_commit(tree, parents, signature, message.as_bytes()))?;
        Ok(self.ledger.add_commit(KnownCommit { id, tree, line, seconds }, changes)?)
    }

    /// Not before any of its revisions, nor before the commit that it comes after.
    fn seconds_of(&self, parent: Option<CommitIndex>, manifest: &Manifest) -> io::Result<i64> {
        let mut newest = parent.map(|parent| self.ledger.commit(parent)).transpose()?.map(|parent| parent.seconds);
        for revision in manifest.values() {
            newest = newest.max(Some(self.ledger.known(*revision)?.seconds));
        }
        Ok(newest.unwrap_or_default())
    }
}

/// What has to change so that one becomes the other.
fn differences(from: &Manifest, to: &Manifest) -> Changes {
    let gone = from.keys().filter(|file| !to.contains_key(file)).map(|file| (*file, None));
    let new = to.iter().filter(|(file, revision)| from.get(file) != Some(revision));
    let mut changes: Changes = gone.chain(new.map(|(file, revision)| (*file, Some(*revision)))).collect();
    changes.sort_unstable();
    changes
}

/// What the commit says that makes a branch what CVS says it is at its begin.
pub(super) fn begun(name: &LineName) -> String {
    format!(
        "Begin branch {}\n\nCVS names a revision of each file for it; no commit has just these.\n",
        String::from_utf8_lossy(&in_cvs(name))
    )
}
