//! What symbols name: for each of them a revision of some files. Pure.

use super::history::FileHistory;
use super::interner::Symbol;
use super::ledger::{Ledger, LineId, Manifest};
use super::look::Look;
use super::place::{LineName, trunk};
use super::rcs::Number;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The symbols of all files, and the branches without one.
pub(super) struct Symbols<'a> {
    look: &'a Look,
    /// Symbol -> its place in the names.
    places: BTreeMap<Arc<[u8]>, u32>,
    /// Symbols that are a branch in some file.
    branches: BTreeSet<Arc<[u8]>>,
}

impl<'a> Symbols<'a> {
    pub(super) fn of(look: &'a Look) -> Self {
        let names = &look.histories.names;
        let (mut places, mut branches) = (BTreeMap::new(), BTreeSet::new());
        for (place, name) in (0..).zip(names.texts()) {
            let named = look.named.of(place);
            if named.is_empty() {
                continue;
            }
            if named.iter().any(|named| !names.number_at(named.number).is_revision()) {
                branches.insert(name.clone());
            }
            places.insert(name.clone(), place);
        }
        Self { look, places, branches }
    }

    /// The files that have a symbol: their indices, and the number that it stands for there.
    fn files(&self, name: &[u8]) -> impl Iterator<Item = (usize, &Number)> {
        let named = self.places.get(name).map_or(&[][..], |place| self.look.named.of(*place));
        named.iter().map(|named| (named.file as usize, self.look.histories.names.number_at(named.number)))
    }

    /// The files that have revisions on a branch without a name.
    fn unlabelled<'n>(&'n self, number: &'n Number) -> impl Iterator<Item = (usize, &'n Number)> {
        self.look.unlabelled.get(number).into_iter().flatten().map(move |file| (*file, number))
    }

    /// All names that are a tag in every file.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.places.keys().filter(|name| !self.branches.contains(*name))
    }

    /// All lines that there are by name, whether they have commits of their own or not.
    pub(super) fn lines(&self) -> Vec<LineName> {
        let named = self.branches.iter().cloned().map(LineName::Branch);
        let unlabelled = self.look.unlabelled.keys().cloned().map(LineName::Unlabelled);
        std::iter::once(LineName::Trunk).chain(named).chain(unlabelled).collect()
    }

    /// The lines that a file comes to with this revision: they have begun, do not show the file, and never did by a revision
    /// of their own.
    pub(super) fn joined_by(
        &self,
        index: usize,
        number: &Number,
        ledger: &Ledger,
    ) -> impl Iterator<Item = (LineName, LineId)> {
        let (file, history) = (self.look.ids[index], &self.look.histories.files[index]);
        self.begun_at(index, number).filter_map(move |symbol| {
            let names = &self.look.histories.names;
            let (name, branch) = (LineName::Branch(names.text(symbol).clone()), names.number(symbol));
            let (line, _) = ledger.line(&name)?;
            let has_own = history.on_branch(branch).any(|own| ledger.revision(file, own).is_some());
            (!has_own && ledger.shows(line, file).is_none()).then_some((name, line))
        })
    }

    /// The branches of a file that begin at a revision.
    fn begun_at(&self, index: usize, number: &Number) -> impl Iterator<Item = Symbol> {
        let (names, lines) = (&self.look.histories.names, &self.look.lines[index]);
        // Their numbers begin with the revision's: so they stand together behind it, but for branches of branches.
        let behind = lines.partition_point(|symbol| names.number(*symbol) < number);
        let parts = number.parts();
        let rest = lines[behind..].iter().take_while(|symbol| names.number(**symbol).parts().starts_with(parts));
        let begins_here = |symbol: &Symbol| {
            let branch = names.number(*symbol);
            branch.parts().len() == parts.len() + 1
                && begin(&self.look.histories.files[index], branch).is_some_and(|begin| begin == *number)
        };
        rest.copied().filter(begins_here).collect::<Vec<_>>().into_iter()
    }

    /// What a tag names, as far as it is converted.
    pub(super) fn tagged(&self, name: &[u8], ledger: &Ledger) -> Manifest {
        self.manifest(self.files(name).map(|(file, number)| (file, Some(number.clone()))), ledger)
    }

    /// What a line shows before its first commit, as far as it is converted.
    pub(super) fn begin_of(&self, line: &LineName, ledger: &Ledger) -> Manifest {
        let begin = |(file, number): (usize, &Number)| (file, begin(&self.look.histories.files[file], number));
        match line {
            LineName::Trunk => Manifest::new(),
            LineName::Branch(name) => self.manifest(self.files(name).map(begin), ledger),
            LineName::Unlabelled(number) => self.manifest(self.unlabelled(number).map(begin), ledger),
        }
    }

    /// What CVS shows of a line now, as far as it is converted.
    pub(super) fn tip_of(&self, line: &LineName, ledger: &Ledger) -> Manifest {
        let is_known = |file: usize, number: &Number| ledger.revision(self.look.ids[file], number).is_some();
        let files = &self.look.histories.files;
        let newest = |(file, number): (usize, &Number)| {
            if number.is_revision() {
                return (file, Some(number.clone()));
            }
            let own = files[file].on_branch(number).rev().find(|own| is_known(file, own));
            (file, own.cloned().or_else(|| number.branchpoint()))
        };
        match line {
            LineName::Trunk => {
                let newest = |(file, history)| (file, trunk(history).into_iter().rev().find(|own| is_known(file, own)));
                self.manifest(files.iter().enumerate().map(newest), ledger)
            }
            LineName::Branch(name) => self.manifest(self.files(name).map(newest), ledger),
            LineName::Unlabelled(number) => self.manifest(self.unlabelled(number).map(newest), ledger),
        }
    }

    /// Files that are there, with their revisions; removed ones are not.
    fn manifest(&self, files: impl Iterator<Item = (usize, Option<Number>)>, ledger: &Ledger) -> Manifest {
        let alive = |(index, number): (usize, Option<Number>)| {
            let file = self.look.ids[index];
            let revision = ledger.revision(file, &number?)?;
            ledger.known(revision).content.map(|_| (file, revision))
        };
        files.filter_map(alive).collect()
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
