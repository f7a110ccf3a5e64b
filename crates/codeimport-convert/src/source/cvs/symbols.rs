//! What symbols name: for each of them a revision of some files. Pure.

use super::history::FileHistory;
use super::ledger::{FileId, Ledger, LineId, Manifest, RevId};
use super::place::{LineName, Placed, branch_names, trunk};
use super::rcs::Number;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A file, its index, and the number that a symbol stands for there.
type Named<'a> = (FileId, usize, &'a Number);

/// The symbols of all files, and the branches without one.
#[derive(Default)]
pub(super) struct Symbols<'a> {
    /// Symbol -> files, each with the number it stands for there.
    named: BTreeMap<Arc<[u8]>, Vec<Named<'a>>>,
    /// Branch without a symbol -> files.
    unlabelled: BTreeMap<Number, Vec<(FileId, usize)>>,
    /// Symbols that are a branch in some file.
    branches: BTreeSet<Arc<[u8]>>,
    /// Revision that branches begin at -> these.
    begun_at: HashMap<(FileId, Number), Vec<(LineName, Number)>>,
    histories: &'a [FileHistory],
    ids: &'a [FileId],
}

impl<'a> Symbols<'a> {
    /// Collects them. `ids` are the files' in the ledger; `placed` where their revisions belong.
    pub(super) fn of(histories: &'a [FileHistory], ids: &'a [FileId], placed: &[Vec<Placed>]) -> Self {
        let mut symbols = Self { histories, ids, ..Self::default() };
        for (index, history) in histories.iter().enumerate() {
            let file = ids[index];
            for (name, number) in &history.symbols {
                symbols.named.entry(name.clone()).or_default().push((file, index, number));
                if !number.is_revision() {
                    symbols.branches.insert(name.clone());
                }
            }
            let lines: BTreeSet<_> = placed[index].iter().filter_map(|placed| placed.line.as_ref()).collect();
            for line in lines {
                if let LineName::Unlabelled(number) = line {
                    symbols.unlabelled.entry(number.clone()).or_default().push((file, index));
                }
            }
        }
        symbols.find_begins();
        symbols
    }

    fn find_begins(&mut self) {
        for (index, history) in self.histories.iter().enumerate() {
            for (branch, name) in branch_names(history) {
                let point = begin(history, &branch);
                let known = point.and_then(|point| Some(history.revisions.get_key_value(&point)?.0));
                if let Some(point) = known {
                    self.begun_at.entry((self.ids[index], point.clone())).or_default().push((name, branch));
                }
            }
        }
    }

    /// All names that are a tag in every file.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.named.keys().filter(|name| !self.branches.contains(*name))
    }

    /// All lines that there are by name, whether they have commits of their own or not.
    pub(super) fn lines(&self) -> Vec<LineName> {
        let named = self.branches.iter().cloned().map(LineName::Branch);
        let unlabelled = self.unlabelled.keys().cloned().map(LineName::Unlabelled);
        std::iter::once(LineName::Trunk).chain(named).chain(unlabelled).collect()
    }

    /// The lines that a file comes to with this revision: they have begun, do not show the file, and never did by a revision
    /// of their own.
    pub(super) fn joined_by(
        &self,
        index: usize,
        number: &Number,
        ledger: &Ledger,
    ) -> impl Iterator<Item = (&LineName, LineId)> {
        let file = self.ids[index];
        let begun = self.begun_at.get(&(file, number.clone())).map_or(&[][..], Vec::as_slice);
        begun.iter().filter_map(move |(name, branch)| {
            let (line, _) = ledger.line(name)?;
            let has_own = self.histories[index].on_branch(branch).any(|own| ledger.revision(file, own).is_some());
            (!has_own && ledger.shows(line, file).is_none()).then_some((name, line))
        })
    }

    /// What a tag names, as far as it is converted.
    pub(super) fn tagged(&self, name: &[u8], ledger: &Ledger) -> Manifest {
        self.manifest(
            self.named.get(name).into_iter().flatten().map(|(file, _, number)| (*file, Some((*number).clone()))),
            ledger,
        )
    }

    /// What a line shows before its first commit, as far as it is converted.
    pub(super) fn begin_of(&self, line: &LineName, ledger: &Ledger) -> Manifest {
        let begin = |index: usize, number: &Number| begin(&self.histories[index], number);
        match line {
            LineName::Trunk => Manifest::new(),
            LineName::Branch(name) => {
                let files = self.named.get(name).into_iter().flatten();
                self.manifest(files.map(|(file, index, number)| (*file, begin(*index, number))), ledger)
            }
            LineName::Unlabelled(number) => {
                let files = self.unlabelled.get(number).into_iter().flatten();
                self.manifest(files.map(|(file, index)| (*file, begin(*index, number))), ledger)
            }
        }
    }

    /// What CVS shows of a line now, as far as it is converted.
    pub(super) fn tip_of(&self, line: &LineName, ledger: &Ledger) -> Manifest {
        let newest = |file: FileId, index: usize, number: &Number| {
            if number.is_revision() {
                return Some(number.clone());
            }
            let own = self.histories[index].on_branch(number).rev().find(|own| ledger.revision(file, own).is_some());
            own.cloned().or_else(|| number.branchpoint())
        };
        match line {
            LineName::Trunk => {
                let all = self.histories.iter().zip(self.ids).map(|(history, file)| {
                    (*file, trunk(history).into_iter().rev().find(|number| ledger.revision(*file, number).is_some()))
                });
                self.manifest(all, ledger)
            }
            LineName::Branch(name) => {
                let files = self.named.get(name).into_iter().flatten();
                self.manifest(files.map(|(file, index, number)| (*file, newest(*file, *index, number))), ledger)
            }
            LineName::Unlabelled(number) => {
                let files = self.unlabelled.get(number).into_iter().flatten();
                self.manifest(files.map(|(file, index)| (*file, newest(*file, *index, number))), ledger)
            }
        }
    }

    /// Files that are there, with their revisions; removed ones are not.
    fn manifest(&self, files: impl Iterator<Item = (FileId, Option<Number>)>, ledger: &Ledger) -> Manifest {
        let alive = |file: FileId, number: &Number| -> Option<RevId> {
            ledger.revision(file, number).filter(|revision| ledger.known(*revision).content.is_some())
        };
        files.filter_map(|(file, number)| Some((file, alive(file, &number?)?))).collect()
    }
}

/// What a file shows on a line before its first revision there.
///
/// A vendor's branch begins with nothing. Neither does a file show anything that was added on a branch after it had been
/// there on the trunk: CVS says so by a removal, in words of its own, in front of the first real revision.
fn begin(history: &FileHistory, number: &Number) -> Option<Number> {
    if number.is_revision() {
        return Some(number.clone());
    }
    let first = history.on_branch(number).next().and_then(|first| history.revisions.get(first));
    let was_added = first.is_some_and(|first| {
        first.is_dead && first.log.starts_with(b"file ") && first.log.windows(ADDED.len()).any(|words| words == ADDED)
    });
    if was_added || number.is_vendor_branch() { None } else { number.branchpoint() }
}

/// CVS's words for a file that comes to a branch later.
const ADDED: &[u8] = b" was added on branch ";
