//! What a run leaves for the next one: the history, and the decisions that must not change.

use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use crate::source::svn::options::SvnOptions;
use gix::ObjectId;
use gix::objs::Kind;
use serde::{Deserialize, Serialize};

/// Name of the file with the decisions, and of the tree with the history.
const DECISIONS: &[u8] = b"subversion.json";
const HISTORY: &[u8] = b"history";

/// Version of what is carried. Raised whenever the same history would give other commits, or another state.
const FORMAT: u32 = 2;

/// Decisions of the first run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SvnState {
    /// Version of what is carried; 0 where it was not written yet.
    #[serde(default)]
    format: u32,
    /// Identity of the repository.
    pub(crate) uuid: String,
    /// Author map in force, in its canonical form.
    pub(crate) authors: String,
    /// Options in force. The layout is always there, from the root of the repository: it is found out once, because a `trunk`
    /// that appears later must not change old commits.
    #[serde(default)]
    pub(crate) options: SvnOptions,
}

impl SvnState {
    /// Of this version of the converter.
    pub(crate) fn new(uuid: String, authors: String, options: SvnOptions) -> Self {
        Self { format: FORMAT, uuid, authors, options }
    }

    /// Whether this version of the converter can go on from it, to the same commits.
    pub(crate) fn is_of_this_version(&self) -> bool {
        self.format == FORMAT
    }

    /// Reads what [`Self::write`] wrote, and the tree of the history. None if it is not there or cannot be read.
    pub(crate) fn read(tree: ObjectId, store: &mut ObjectStore) -> Option<(Self, ObjectId)> {
        let mut tree = ShadowTree::stored(tree);
        let decisions = tree.get(DECISIONS, store).ok()??;
        let history = tree.get(HISTORY, store).ok()??;
        let json = store.read(decisions.id, Kind::Blob).ok()?;
        Some((serde_json::from_slice(&json).ok()?, history.id))
    }

    /// Writes the decisions beside a history and gives the tree's id.
    pub(crate) fn write(&self, history: ObjectId, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        // Texts, numbers and flags: serialising them cannot fail.
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        let id = store.write(Kind::Blob, json)?;
        let mut tree = ShadowTree::empty();
        tree.put(DECISIONS, Entry { kind: EntryKind::File, id }, store)?;
        tree.put(HISTORY, Entry { kind: EntryKind::Dir, id: history }, store)?;
        tree.write(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_wrote_is_known_as_that() {
        let before = r#"{"uuid": "u", "authors": "", "layout": {"trunk": "trunk"}, "git_svn_id": false}"#;
        let before: SvnState = serde_json::from_str(before).expect("it can be read");
        assert!(!before.is_of_this_version());
        let now = SvnState::new("u".to_owned(), String::new(), SvnOptions::default());
        let json = serde_json::to_string(&now).expect("texts and flags");
        assert_eq!(serde_json::from_str::<SvnState>(&json).ok(), Some(now));
    }
}
