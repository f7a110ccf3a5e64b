//! What a run leaves in the target for the next one, whichever worker that is.
//!
//! A commit under [`STATE_REF`], whose tree holds one JSON file and, where the source needs more than that, the source's
//! own tree ([`Carried`]). Each push moves it together with the refs
//! it speaks of, by compare-and-swap; so it is the target's fence as well: whoever moves it first makes every push
//! fail that was prepared on its old value. Earlier states are not its parents: their history is of no use and would
//! grow for ever. Its only parent is what the source wants to be kept.

use crate::{Cache, Carried, ConvertError, Watermark, digest};
use codeimport_core::{FencingToken, RunId, SourceUrl, Stage};
use gix::{ObjectId, bstr::BString, objs};
use serde::{Deserialize, Serialize};

/// Where the state is kept in a target. Not below `refs/heads/`: no clone takes it along.
pub const STATE_REF: &str = "refs/codeimport/state";

/// Where those commits get names that were published and that the source has lost since. No clone takes them along.
pub const BACKUPS: &str = "refs/codeimport/backup/";

/// Name of the file in the state's tree.
const FILE_NAME: &str = "import.json";

/// Name of the source's own tree beside it.
const CARRIED_NAME: &str = "source";

/// Version of the file. A reader that does not know a version does not touch the target.
const FORMAT: u32 = 1;

/// The run that writes, as far as the target has to know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// Orders the holders; a target written under a higher token is not touched under a lower one.
    pub fencing_token: FencingToken,
    /// The run, for people who follow the traces.
    pub run_id: RunId,
}

/// The state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportState {
    /// Version of this file.
    pub format: u32,
    /// Name and version of the converter that wrote it.
    pub converter: String,
    /// Where the history came from.
    pub source_url: String,
    /// Digest of everything that decides what comes out; see [`options_digest`](crate::options_digest).
    pub options_digest: String,
    /// How far the source was taken over. None while a run is under way that is not complete.
    pub watermark: Option<Watermark>,
    /// Digest of the refs that the target should have at this watermark.
    pub refs_digest: Option<String>,
    /// Full name of the default branch, as shown.
    pub default_branch: Option<String>,
    /// Counts the pushes of one run, so that each of them moves the state ref; 0 for a claim.
    pub push_number: u32,
    /// Who wrote it.
    #[serde(flatten)]
    pub holder: Holder,
}

impl ImportState {
    /// The state of a target that nothing was taken over to yet.
    #[must_use]
    pub fn begin(source: &SourceUrl, options_digest: [u8; 32], holder: Holder) -> Self {
        Self {
            format: FORMAT,
            converter: digest::converter_name(),
            source_url: source.as_str().to_owned(),
            options_digest: digest::hex(&options_digest),
            watermark: None,
            refs_digest: None,
            default_branch: None,
            push_number: 0,
            holder,
        }
    }

    /// The same, written by somebody else.
    #[must_use]
    pub fn held_by(&self, holder: Holder) -> Self {
        Self { holder, push_number: 0, ..self.clone() }
    }

    /// Stores the state as a commit in the cache. The same state is the same commit.
    pub(super) fn write(&self, cache: &Cache, carried: Option<Carried>) -> Result<ObjectId, ConvertError> {
        let repository = cache.repository()?;
        let failed = |error: gix::Error| {
            let text = "The import's state could not be written to the worker's cache.";
            ConvertError::new(codeimport_core::Outcome::Failure, Stage::Publish, text).caused_by(error)
        };
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| failed(gix::Error::from_error(error)))?;
        json.push(b'\n');
        let blob = repository.write_blob(json).map_err(failed)?.detach();
        let entry = |kind: objs::tree::EntryKind, name: &str, oid| objs::tree::Entry {
            mode: kind.into(),
            filename: name.into(),
            oid,
        };
        let file = entry(objs::tree::EntryKind::Blob, FILE_NAME, blob);
        let source = carried.map(|carried| entry(objs::tree::EntryKind::Tree, CARRIED_NAME, carried.tree));
        // In Git's order: "import.json" before "source".
        let entries = std::iter::once(file).chain(source).collect();
        let tree = repository.write_object(objs::Tree { entries }).map_err(failed)?.detach();
        let kept = carried.and_then(|carried| carried.kept);
        repository.write_object(commit(tree, kept)).map(|id| id.detach()).map_err(failed)
    }

    /// Reads the state of a commit in the cache, and what the source carries. `Ok(None)`: there is something else under
    /// the ref.
    pub(super) fn read(cache: &Cache, commit: ObjectId) -> Result<Option<(Self, Option<Carried>)>, ConvertError> {
        let repository = cache.repository()?;
        Ok((|| {
            let commit = repository.find_commit(commit).ok()?;
            let tree = commit.tree().ok()?;
            let state = serde_json::from_slice(&tree.find_entry(FILE_NAME)?.object().ok()?.data).ok()?;
            let source = tree.find_entry(CARRIED_NAME).map(|entry| entry.object_id());
            let kept = commit.parent_ids().next().map(gix::Id::detach);
            Some((state, source.map(|tree| Carried { tree, kept })))
        })())
    }

    /// Whether a later version of codeimport wrote it.
    pub(super) fn is_from_the_future(&self) -> bool {
        self.format > FORMAT
    }
}

/// No date: the same state should be the same commit, whenever it is written.
fn commit(tree: ObjectId, kept: Option<ObjectId>) -> objs::Commit {
    let nobody = gix::actor::Signature {
        name: "codeimport".into(),
        email: "codeimport@localhost".into(),
        time: gix::date::Time { seconds: 0, offset: 0 },
    };
    objs::Commit {
        tree,
        parents: kept.into_iter().collect(),
        author: nobody.clone(),
        committer: nobody,
        encoding: None,
        message: BString::from("State of a code import\n"),
        extra_headers: Vec::new(),
    }
}
