//! What CVS knows of each file but its texts: the same value, whichever way it came.

use super::interner::{Interner, Names, Symbol};
use super::rcs::{Number, RcsFile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All files of a repository, in order of their paths.
#[derive(Default)]
pub(super) struct Histories {
    pub(super) files: Vec<FileHistory>,
    /// What their symbols are called.
    pub(super) names: Names,
}

/// One file of a repository.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FileHistory {
    /// Path from the import's root, without `Attic/` and `,v`.
    pub(super) path: Vec<u8>,
    /// The branch that stands for the trunk, if any.
    pub(super) default_branch: Option<Number>,
    /// Names with what they name: a revision, or a branch in its plain form. Each name once.
    pub(super) symbols: Vec<Symbol>,
    /// Whether the text is not to be looked into (`-kb`).
    pub(super) is_binary: bool,
    pub(super) revisions: BTreeMap<Number, Revision>,
}

/// One revision of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Revision {
    /// In seconds since 1970.
    pub(super) seconds: i64,
    pub(super) author: Arc<[u8]>,
    /// Whether the file is removed here.
    pub(super) is_dead: bool,
    /// What later servers give to all revisions of one commit.
    pub(super) commitid: Option<Arc<[u8]>>,
    /// As CVS shows it: never empty, ends in a line end.
    pub(super) log: Arc<[u8]>,
}

impl FileHistory {
    /// From a `,v` file. None if there are no revisions in it, or one has no log: then the file is not whole.
    pub(super) fn of_rcs(path: Vec<u8>, file: &RcsFile<'_>, interner: &mut Interner) -> Result<Self, Number> {
        let mut history =
            Self { path, default_branch: file.branch.clone(), is_binary: &*file.expand == b"b", ..Self::default() };
        history.symbols = interner.symbols(file.symbols.iter().map(|(name, number)| (*name, number.clone())));
        for (number, delta) in &file.deltas {
            let Some(log) = &delta.log else { return Err(number.clone()) };
            let revision = Revision {
                seconds: delta.seconds,
                author: interner.keep(delta.author),
                is_dead: delta.state == b"dead",
                commitid: delta.commitid.as_deref().map(|id| interner.keep(id)),
                log: interner.keep_log(log),
            };
            history.revisions.insert(number.clone(), revision);
        }
        Ok(history)
    }

    /// The revisions of a branch, from its first.
    pub(super) fn on_branch(&self, branch: &Number) -> impl DoubleEndedIterator<Item = &Number> {
        // A branch is less than all its revisions, and they stand together but for branches of their own.
        self.revisions
            .range(branch.clone()..)
            .take_while(move |(number, _)| number.parts().starts_with(branch.parts()))
            .filter(move |(number, _)| number.parts().len() == branch.parts().len() + 1)
            .map(|(number, _)| number)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The revisions of the trunk, from the first.
    pub(super) fn on_trunk(&self) -> impl DoubleEndedIterator<Item = &Number> {
        self.revisions.keys().filter(|number| number.is_trunk())
    }
}
