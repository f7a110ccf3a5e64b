//! What a run leaves for the next one, as a Git tree.
//!
//! ```text
//!   mercurial.json                     decisions of the first run, and the version of all this
//!   full/{changesets,files,manifests}  pieces that never change again, a blob each
//!   changesets, files, manifests       the pieces under way
//!   keeper                             commit of the tree `full`, behind that of fewer pieces, and so on; once there is one
//! ```
//!
//! What is full hangs in commits, so that no push sends it again.

use super::log::Log;
use super::{Changesets, Files, History, Manifests};
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use crate::source::hg::HgOptions;
use crate::source::keeper::keeper;
use gix::ObjectId;
use gix::objs::Kind;
use serde::{Deserialize, Serialize};

const DECISIONS: &[u8] = b"mercurial.json";
const KEEPER: &[u8] = b"keeper";
const FULL: &[u8] = b"full";
const LOGS: [&str; 3] = ["changesets", "files", "manifests"];

/// Version of what is carried. Raised whenever the same history would give other commits, or another state.
const FORMAT: u32 = 1;

/// What decides the ids of commits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::source::hg) struct Decisions {
    format: u32,
    /// Author map in force, in its canonical form.
    authors: String,
    /// Options in force.
    options: HgOptions,
}

impl Decisions {
    pub(in crate::source::hg) fn new(authors: String, options: HgOptions) -> Self {
        Self { format: FORMAT, authors, options }
    }
}

/// What is carried.
pub(in crate::source::hg) struct HgState {
    pub(in crate::source::hg) decisions: Decisions,
    pub(in crate::source::hg) history: History,
    /// Last commit of the full pieces.
    pub(in crate::source::hg) keeper: Option<ObjectId>,
}

impl HgState {
    /// Nothing yet.
    pub(in crate::source::hg) fn begin(decisions: Decisions) -> Self {
        Self { decisions, history: History::default(), keeper: None }
    }

    /// Reads what [`Self::write`] wrote. None if it is something else, or damaged.
    pub(in crate::source::hg) fn read(tree: ObjectId, store: &mut ObjectStore) -> Option<Self> {
        let mut tree = ShadowTree::stored(tree);
        let decisions = serde_json::from_slice(&blob(&mut tree, DECISIONS, store)?).ok()?;
        let [changesets, files, manifests] = LOGS.map(|name| pieces(&mut tree, name, store));
        let history = History {
            changesets: Changesets::read(changesets)?,
            files: Files::read(files)?,
            manifests: Manifests::read(manifests)?,
        };
        let keeper = blob(&mut tree, KEEPER, store).and_then(|hex| ObjectId::from_hex(&hex).ok());
        Some(Self { decisions, history, keeper })
    }

    /// Writes all and gives the tree's id.
    pub(in crate::source::hg) fn write(&mut self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let History { changesets, files, manifests } = &self.history;
        let logs = [&changesets.log, &files.log, &manifests.log];
        let mut tree = ShadowTree::empty();
        if logs.iter().any(|log| !log.full().is_empty()) {
            let full = write_full(logs, store)?;
            tree.put(FULL, Entry { kind: EntryKind::Dir, id: full }, store)?;
            self.keeper = Some(self.keep(full, store)?);
        }
        for (name, log) in LOGS.iter().zip(logs) {
            put(&mut tree, name.as_bytes(), log.open().unwrap_or_default().to_vec(), store)?;
        }
        // Texts and flags: serialising them cannot fail.
        put(&mut tree, DECISIONS, serde_json::to_vec_pretty(&self.decisions).unwrap_or_default(), store)?;
        if let Some(keeper) = self.keeper {
            put(&mut tree, KEEPER, keeper.to_string().into_bytes(), store)?;
        }
        tree.write(store)
    }

    /// A commit of what is full, behind those before; the last of them, if nothing has become full since.
    fn keep(&self, full: ObjectId, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        if let Some(last) = self.keeper {
            let commit = store.read(last, Kind::Commit)?;
            if commit.starts_with(format!("tree {full}\n").as_bytes()) {
                return Ok(last);
            }
        }
        Ok(keeper(full, self.keeper.into_iter(), "Full pieces\n", store)?)
    }
}

fn write_full(logs: [&Log; 3], store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
    let mut tree = ShadowTree::empty();
    for (name, log) in LOGS.iter().zip(logs) {
        tree.make_dir(name.as_bytes(), store)?;
        for (number, piece) in log.full().iter().enumerate() {
            put(&mut tree, format!("{name}/{number:07}").as_bytes(), piece.clone(), store)?;
        }
    }
    tree.write(store)
}

fn pieces(tree: &mut ShadowTree, name: &str, store: &mut ObjectStore) -> Vec<Vec<u8>> {
    let full = (0..).map_while(|number| blob(tree, format!("full/{name}/{number:07}").as_bytes(), store));
    let mut pieces: Vec<_> = full.collect();
    pieces.extend(blob(tree, name.as_bytes(), store).filter(|open| !open.is_empty()));
    pieces
}

fn blob(tree: &mut ShadowTree, path: &[u8], store: &mut ObjectStore) -> Option<Vec<u8>> {
    let entry = tree.get(path, store).ok()??;
    Some(store.read(entry.id, Kind::Blob).ok()?.to_vec())
}

fn put(tree: &mut ShadowTree, path: &[u8], content: Vec<u8>, store: &mut ObjectStore) -> Result<(), ShadowError> {
    let id = store.write(Kind::Blob, content)?;
    tree.put(path, Entry { kind: EntryKind::File, id }, store)
}
