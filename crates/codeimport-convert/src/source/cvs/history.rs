//! What CVS knows of each file but its texts: the same value, whichever way it came.

use super::rcs::{Number, RcsFile};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What CVS shows, and later servers store, where no message was given.
const EMPTY_LOG: &[u8] = b"*** empty log message ***\n";

/// One file of a repository.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FileHistory {
    /// Path from the import's root, without `Attic/` and `,v`.
    pub(super) path: Vec<u8>,
    /// The branch that stands for the trunk, if any.
    pub(super) default_branch: Option<Number>,
    /// Names with what they name: a revision, or a branch in its plain form. Each name once.
    pub(super) symbols: BTreeMap<Arc<[u8]>, Number>,
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

/// Keeps equal texts once: few authors, and one message for many files.
#[derive(Default)]
pub(super) struct Interner(HashSet<Arc<[u8]>>);

impl Interner {
    pub(super) fn keep(&mut self, text: &[u8]) -> Arc<[u8]> {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        let kept: Arc<[u8]> = text.into();
        self.0.insert(kept.clone());
        kept
    }

    /// A log message as CVS shows it.
    pub(super) fn keep_log(&mut self, log: &[u8]) -> Arc<[u8]> {
        let log = log.split(|b| *b == 0).next().unwrap_or_default();
        match log.last() {
            None => self.keep(EMPTY_LOG),
            Some(b'\n') => self.keep(log),
            Some(_) => self.keep(&[log, b"\n"].concat()),
        }
    }
}

impl FileHistory {
    /// From a `,v` file. None if there are no revisions in it, or one has no log: then the file is not whole.
    pub(super) fn of_rcs(path: Vec<u8>, file: &RcsFile<'_>, interner: &mut Interner) -> Result<Self, Number> {
        let mut history =
            Self { path, default_branch: file.branch.clone(), is_binary: &*file.expand == b"b", ..Self::default() };
        for (name, number) in &file.symbols {
            history.add_symbol(interner.keep(name), number.clone());
        }
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

    /// Adds a symbol. Of two with the same name the first counts, as for CVS.
    pub(super) fn add_symbol(&mut self, name: Arc<[u8]>, number: Number) {
        self.symbols.entry(name).or_insert_with(|| number.of_symbol());
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
