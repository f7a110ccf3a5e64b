//! Which commit shows which source revision, as the target itself tells.

use crate::objects::ObjectStore;
use crate::source::svn;
use crate::target::STATE_REF;
use crate::{ConvertError, ObjectId};
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
    let entries = svn::read_map(tree, &mut store).ok_or_else(not_ours)?;
    Ok(entries
        .into_iter()
        .map(|entry| MapEntry { branch: entry.branch, revision: entry.revision.to_string(), commit: entry.commit })
        .collect())
}
