//! What a run leaves for the next one: the ledger, the decisions that must not change, and what tags are.
//!
//! ```text
//!   cvs.json            decisions of the first run
//!   ledger/0000003      the fourth piece of the ledger: a full one never changes
//!   tags                name TAB commit, a line each
//! ```

use super::ledger::Ledger;
use super::options::CvsOptions;
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use gix::ObjectId;
use gix::objs::Kind;
use serde::{Deserialize, Serialize};

/// A piece of the ledger ends with the first line that makes it this long: so much is written anew by each increment, at most.
const PIECE: usize = 1 << 20;

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
    /// Reads what [`Self::write`] wrote. None if it is not there or cannot be read.
    pub(super) fn read(tree: ObjectId, store: &mut ObjectStore) -> Option<Self> {
        let mut tree = ShadowTree::stored(tree);
        let mut blob = |path: &[u8]| {
            let entry = tree.get(path, store).ok()??;
            store.read(entry.id, Kind::Blob).ok()
        };
        let decisions = serde_json::from_slice(&blob(DECISIONS)?).ok()?;
        let mut text = Vec::new();
        for piece in 0.. {
            let Some(piece) = blob(&piece_path(piece)) else { break };
            text.extend_from_slice(&piece);
        }
        let tags =
            blob(TAGS)?.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(parse_tag).collect::<Option<_>>()?;
        Some(Self { decisions, ledger: Ledger::read(&text)?, tags })
    }

    /// Writes all and gives the tree's id.
    pub(super) fn write(&self, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let mut tree = ShadowTree::empty();
        // Texts and flags: serialising them cannot fail.
        let decisions = serde_json::to_vec_pretty(&self.decisions).unwrap_or_default();
        let line =
            |(name, commit): &(Vec<u8>, ObjectId)| [&name[..], b"\t", commit.to_string().as_bytes(), b"\n"].concat();
        let tags: Vec<u8> = self.tags.iter().flat_map(line).collect();
        tree.make_dir(b"ledger", store)?;
        let pieces = pieces(&self.ledger.text).enumerate().map(|(index, piece)| (piece_path(index), piece.to_vec()));
        for (path, text) in pieces.chain([(DECISIONS.to_vec(), decisions), (TAGS.to_vec(), tags)]) {
            let id = store.write(Kind::Blob, text)?;
            tree.put(&path, Entry { kind: EntryKind::File, id }, store)?;
        }
        tree.write(store)
    }
}

fn piece_path(index: usize) -> Vec<u8> {
    format!("ledger/{index:07}").into_bytes()
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.get(PIECE..).and_then(|late| late.iter().position(|b| *b == b'\n'));
        let (piece, after) = rest.split_at(end.map_or(rest.len(), |end| PIECE + end + 1));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn parse_tag(line: &[u8]) -> Option<(Vec<u8>, ObjectId)> {
    let at = line.iter().rposition(|b| *b == b'\t')?;
    Some((line[..at].to_vec(), ObjectId::from_hex(&line[at + 1..]).ok()?))
}
