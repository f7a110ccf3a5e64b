//! What a run leaves for the next one: the ledger, the decisions that must not change, and what tags are.
//!
//! ```text
//!   cvs.json            decisions of the first run
//!   ledger/0000003      the fourth piece of the ledger: a full one never changes
//!   tags                name TAB commit, a line each
//! ```

use super::ledger::{Ledger, LedgerReader};
use super::options::CvsOptions;
use crate::objects::{ObjectStore, StoreError, object_id};
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use gix::ObjectId;
use gix::objs::Kind;
use serde::{Deserialize, Serialize};
use std::path::Path;

const DECISIONS: &[u8] = b"cvs.json";
const TAGS: &[u8] = b"tags";

/// Decisions of the first run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Decisions {
    /// Author map in force, in its canonical form.
    pub(super) authors: String,
    /// Options in force.
    pub(super) options: CvsOptions,
}

/// What is carried.
pub(super) struct CvsState {
    pub(super) decisions: Decisions,
    pub(super) ledger: Ledger,
    /// Name of each tag in CVS, and its commit.
    pub(super) tags: Vec<(Vec<u8>, ObjectId)>,
}

impl CvsState {
    /// Reads what [`Self::write`] wrote. None if it is not there or cannot be read. `scratch`: a folder for what memory has no room
    /// for.
    pub(super) fn read(tree: ObjectId, store: &mut ObjectStore, scratch: &Path) -> Option<Self> {
        let mut tree = ShadowTree::stored(tree);
        let mut blob = |path: &[u8]| {
            let entry = tree.get(path, store).ok()??;
            store.read(entry.id, Kind::Blob).ok()
        };
        let decisions = serde_json::from_slice(&blob(DECISIONS)?).ok()?;
        let tags =
            blob(TAGS)?.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(parse_tag).collect::<Option<_>>()?;
        Some(Self { decisions, ledger: read_ledger(&mut tree, store, scratch)?, tags })
    }

    /// Writes all and gives the tree's id. Of the ledger only what is not full is left to write.
    pub(super) fn write(&self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let mut tree = ShadowTree::empty();
        // Texts and flags: serialising them cannot fail.
        let decisions = serde_json::to_vec_pretty(&self.decisions).unwrap_or_default();
        let line =
            |(name, commit): &(Vec<u8>, ObjectId)| [&name[..], b"\t", commit.to_string().as_bytes(), b"\n"].concat();
        let tags: Vec<u8> = self.tags.iter().flat_map(line).collect();
        tree.make_dir(b"ledger", store)?;
        let mut pieces = self.ledger.stored.clone();
        if !self.ledger.text.is_empty() {
            pieces.push(store.write(Kind::Blob, self.ledger.text.clone())?);
        }
        let pieces = pieces.into_iter().enumerate().map(|(index, id)| (piece_path(index), id));
        let others = [(DECISIONS, decisions), (TAGS, tags)];
        let others = others.map(|(name, text)| store.write(Kind::Blob, text).map(|id| (name.to_vec(), id)));
        for (path, id) in pieces.chain(others.into_iter().collect::<Result<Vec<_>, StoreError>>()?) {
            tree.put(&path, Entry { kind: EntryKind::File, id }, store)?;
        }
        tree.write(store)
    }
}

/// Reads a ledger, of whose text no more than a piece is in memory. What is no ledger's text would not come out again.
fn read_ledger(tree: &mut ShadowTree, store: &mut ObjectStore, scratch: &Path) -> Option<Ledger> {
    let (mut reader, mut read) = (LedgerReader::new(scratch), Vec::new());
    while let Some(piece) = tree.get(&piece_path(read.len()), store).ok()? {
        reader.take(&store.read(piece.id, Kind::Blob).ok()?)?;
        store_full(&mut reader.ledger, store).ok()?;
        read.push(piece.id);
    }
    let mut ledger = reader.finish()?;
    store_full(&mut ledger, store).ok()?;
    let rest = (!ledger.text.is_empty()).then(|| object_id(Kind::Blob, &ledger.text));
    ledger.stored.iter().copied().chain(rest).eq(read).then_some(ledger)
}

/// Stores the pieces of a ledger that are full.
pub(super) fn store_full(ledger: &mut Ledger, store: &mut ObjectStore) -> Result<(), StoreError> {
    for piece in ledger.take_full() {
        ledger.stored.push(store.write(Kind::Blob, piece)?);
    }
    Ok(())
}

fn piece_path(index: usize) -> Vec<u8> {
    format!("ledger/{index:07}").into_bytes()
}

fn parse_tag(line: &[u8]) -> Option<(Vec<u8>, ObjectId)> {
    let at = line.iter().rposition(|b| *b == b'\t')?;
    Some((line[..at].to_vec(), ObjectId::from_hex(&line[at + 1..]).ok()?))
}
