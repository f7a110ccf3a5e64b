//! Which commit shows which source revision, as the target itself tells, or a run that has just been made.

use crate::SvnOptions;
use crate::objects::ObjectStore;
use crate::source::{bzr, cvs, hg, svn};
use crate::target::STATE_REF;
use crate::{Cache, Carried, ConvertError, ObjectId};
use codeimport_core::{Outcome, Stage};
use std::path::Path;

/// One commit and the source revision that it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapEntry {
    /// The branch in the source's own words: for Subversion the path of its root.
    pub branch: Vec<u8>,
    /// The revision in the source's own words.
    pub revision: String,
    /// The commit in the target.
    pub commit: ObjectId,
}

/// Reads the map of a local target, in the order of conversion. Empty for a source that has commits of its own (Git).
///
/// # Errors
///
/// [`Outcome::Invalid`] if the repository was not made by codeimport.
pub fn read_map(repository: &Path) -> Result<Vec<MapEntry>, ConvertError> {
    let not_ours = || {
        let text = format!("{} has no {STATE_REF}: it was not made by codeimport.", repository.display());
        ConvertError::new(Outcome::Invalid, Stage::Scan, text)
    };
    let mut store = ObjectStore::open(repository).map_err(|error| not_ours().caused_by(error))?;
    let tree = {
        let mut state = store.repository().find_reference(STATE_REF).map_err(|error| not_ours().caused_by(error))?;
        let tree = state.peel_to_commit().ok().and_then(|commit| commit.tree().ok()).ok_or_else(not_ours)?;
        tree.find_entry("source").map(|entry| entry.object_id())
    };
    let Some(tree) = tree else { return Ok(Vec::new()) };
    entries_of(tree, &mut store).ok_or_else(not_ours)
}

/// The map in a carried tree, whichever source left it.
fn entries_of(tree: ObjectId, store: &mut ObjectStore) -> Option<Vec<MapEntry>> {
    match svn::read_map(tree, store) {
        Some(entries) => Some(entries.into_iter().map(MapEntry::from).collect()),
        None => cvs::read_map(tree, store).or_else(|| bzr::read_map(tree, store)).or_else(|| hg::read_map(tree, store)),
    }
}

impl From<svn::MapEntry> for MapEntry {
    fn from(entry: svn::MapEntry) -> Self {
        Self { branch: entry.branch, revision: entry.revision.to_string(), commit: entry.commit }
    }
}

/// The map, to be asked by commit. The default is the map of a source that has commits of its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommitMap(Vec<MapEntry>);

impl CommitMap {
    /// The map of what a source has carried.
    ///
    /// # Errors
    ///
    /// [`Outcome::Failure`] if the cache does not have it whole.
    pub fn read(carried: Option<Carried>, cache: &Cache) -> Result<Self, ConvertError> {
        let Some(carried) = carried else { return Ok(Self::default()) };
        let unreadable = || {
            let text = "The map of source revisions cannot be read from the worker's cache.";
            ConvertError::new(Outcome::Failure, Stage::Scan, text)
        };
        let mut store = ObjectStore::open(cache.path()).map_err(|error| unreadable().caused_by(error))?;
        let mut entries = entries_of(carried.tree, &mut store).ok_or_else(unreadable)?;
        entries.sort_by_key(|entry| entry.commit);
        Ok(Self(entries))
    }

    /// What a commit shows. More than one entry where a revision made two branches in the same way.
    #[must_use]
    pub fn entries(&self, commit: ObjectId) -> &[MapEntry] {
        let first = self.0.partition_point(|entry| entry.commit < commit);
        let rest = &self.0[first..];
        &rest[..rest.partition_point(|entry| entry.commit == commit)]
    }
}

/// The options that a repository was converted with, from the tree that its last run carried; none for a source that has
/// none, or if they cannot be read.
pub(crate) fn read_svn_options(repository: &Path, carried: ObjectId) -> Option<SvnOptions> {
    svn::read_options(carried, &mut ObjectStore::open(repository).ok()?)
}
