//! What a run leaves for the next one: the ledger, the decisions that must not change, and the trees that no commit has.
//!
//! ```text
//!   bazaar.json            decisions of the first run, and the newest revision that was published
//!   revisions/0000003      the lines of a thousand revisions: a full piece never changes
//!   trees/0000003/017      a tree with empty directories, by its revision
//! ```

use super::ledger::Ledger;
use super::options::BzrOptions;
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use gix::ObjectId;
use gix::objs::Kind;
use serde::{Deserialize, Serialize};

/// Revisions in a piece: the last piece is written anew by each increment.
const PIECE: usize = 1_000;

const DECISIONS: &[u8] = b"bazaar.json";
const REVISIONS: &[u8] = b"revisions";
const TREES: &[u8] = b"trees";

/// Version of what is carried. Raised whenever the same history would give other commits, or another state.
const FORMAT: u32 = 1;

/// Decisions of the first run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Decisions {
    /// Version of what is carried.
    format: u32,
    /// Author map in force, in its canonical form.
    authors: String,
    /// Options in force.
    options: BzrOptions,
}

impl Decisions {
    /// Of this version of the converter.
    pub(super) fn new(authors: String, options: BzrOptions) -> Self {
        Self { format: FORMAT, authors, options }
    }
}

/// What is carried.
pub(super) struct BzrState {
    pub(super) decisions: Decisions,
    /// The revision that the branch's ref names; none before there is any.
    pub(super) tip: Option<Vec<u8>>,
    /// Those that it named before the branch was reset or replaced, oldest first.
    pub(super) left: Vec<Vec<u8>>,
    pub(super) ledger: Ledger,
}

/// The file beside the ledger.
#[derive(Serialize, Deserialize)]
struct Head {
    decisions: Decisions,
    /// Revision ids are text in Bazaar.
    tip: Option<String>,
    left: Vec<String>,
}

impl BzrState {
    /// Reads what [`Self::write`] wrote. None if it is not there or cannot be read.
    pub(super) fn read(tree: ObjectId, store: &mut ObjectStore) -> Option<Self> {
        let mut tree = ShadowTree::stored(tree);
        let mut blob = |path: &[u8]| {
            let entry = tree.get(path, store).ok()??;
            store.read(entry.id, Kind::Blob).ok()
        };
        let head: Head = serde_json::from_slice(&blob(DECISIONS)?).ok()?;
        let mut ledger = Ledger::default();
        for piece in 0.. {
            let Some(text) = blob(&piece_path(REVISIONS, piece)) else { break };
            let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            lines.map(|line| ledger.add_line(line)).collect::<Option<()>>()?;
        }
        let left = head.left.into_iter().map(String::into_bytes).collect();
        Some(Self { decisions: head.decisions, tip: head.tip.map(String::into_bytes), left, ledger })
    }

    /// Writes all and gives the tree's id.
    pub(super) fn write(&self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let mut tree = ShadowTree::empty();
        let text = |id: &Vec<u8>| String::from_utf8_lossy(id).into_owned();
        let (tip, left) = (self.tip.as_ref().map(text), self.left.iter().map(text).collect());
        // Texts and flags: serialising them cannot fail.
        let json =
            serde_json::to_vec_pretty(&Head { decisions: self.decisions.clone(), tip, left }).unwrap_or_default();
        put_file(&mut tree, DECISIONS, json, store)?;
        tree.make_dir(REVISIONS, store)?;
        tree.make_dir(TREES, store)?;
        for (number, piece) in self.ledger.revisions().chunks(PIECE).enumerate() {
            let lines: Vec<u8> = piece.iter().flat_map(Ledger::line).collect();
            put_file(&mut tree, &piece_path(REVISIONS, number), lines, store)?;
            let kept: Vec<_> = piece.iter().enumerate().filter(|(_, revision)| revision.is_kept).collect();
            let trees = piece_path(TREES, number);
            if !kept.is_empty() {
                tree.make_dir(&trees, store)?;
            }
            for (index, revision) in kept {
                let path = [&trees[..], format!("/{index:03}").as_bytes()].concat();
                tree.put(&path, Entry { kind: EntryKind::Dir, id: revision.shadow }, store)?;
            }
        }
        tree.write(store)
    }
}

fn piece_path(dir: &[u8], number: usize) -> Vec<u8> {
    [dir, format!("/{number:07}").as_bytes()].concat()
}

fn put_file(tree: &mut ShadowTree, path: &[u8], text: Vec<u8>, store: &mut ObjectStore) -> Result<(), ShadowError> {
    let id = store.write(Kind::Blob, text)?;
    tree.put(path, Entry { kind: EntryKind::File, id }, store)
}
