//! Trees of lines, edited from commit to commit.

use super::emit::EmitError;
use super::ledger::{Content, FileId, Ledger, LineId, RevId};
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowTree, change_files};
use gix::ObjectId;
use std::io;

/// The tree of the line that was committed to last stays in memory; most commits go where the one before went.
#[derive(Default)]
pub(super) struct LineTree {
    open: Option<(ObjectId, ShadowTree)>,
}

impl LineTree {
    /// The tree of a line's tip after some changes.
    pub(super) fn with(
        &mut self,
        ledger: &Ledger,
        line: LineId,
        changes: &[(FileId, Option<RevId>)],
        store: &mut ObjectStore,
    ) -> Result<ObjectId, EmitError> {
        let tip = ledger.tip_commit(line)?.map(|tip| tip.tree);
        let mut tree = match (tip, self.open.take()) {
            (Some(tip), Some((id, tree))) if id == tip => tree,
            (Some(tip), _) => ShadowTree::stored(tip),
            (None, _) => ShadowTree::empty(),
        };
        let id = change(ledger, &mut tree, changes, store)?;
        self.open = Some((id, tree));
        Ok(id)
    }

    /// A tree after some changes, of no line.
    pub(super) fn beside(
        &self,
        ledger: &Ledger,
        tree: ObjectId,
        changes: &[(FileId, Option<RevId>)],
        store: &mut ObjectStore,
    ) -> Result<ObjectId, EmitError> {
        change(ledger, &mut ShadowTree::stored(tree), changes, store)
    }
}

fn change(
    ledger: &Ledger,
    tree: &mut ShadowTree,
    changes: &[(FileId, Option<RevId>)],
    store: &mut ObjectStore,
) -> Result<ObjectId, EmitError> {
    let entry = |content: Content| {
        let kind = if content.is_executable { EntryKind::Executable } else { EntryKind::File };
        Entry { kind, id: content.blob }
    };
    let change = |(file, revision): &(FileId, Option<RevId>)| match revision {
        None => Ok(Some((ledger.path(*file), None))),
        // A revision without content changes nothing.
        Some(revision) => {
            let content = ledger.known(*revision)?.content;
            Ok(content.map(|content| (ledger.path(*file), Some(entry(content)))))
        }
    };
    let changes: Vec<_> = changes.iter().map(change).filter_map(io::Result::transpose).collect::<Result<_, _>>()?;
    change_files(tree, &changes, store)?;
    Ok(tree.write(store)?)
}
